"""What is to be tried, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from edgemnist.search.costs import Costs
from edgemnist.training.blueprint import Blueprint, blueprint_from

_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to try: a candidate, by its number among all that were drawn, on a rung, with a seed.

    ``blueprint`` is named by its content; ``optimise`` is what it is built for; ``params`` are what was drawn; ``vain``
    are the draws before it that are known to be over a limit, each by its values in the order of the drawing.
    """

    candidate: int
    rung: int
    seed: int
    blueprint: Blueprint
    optimise: str
    params: Mapping[str, Any] = field(default_factory=dict)
    vain: tuple[tuple[Any, ...], ...] = ()

    @property
    def key(self) -> str:
        """What tells it apart from all other items of a study."""
        return key_in(vars(self))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an item.

    ``accuracy``: in 0..1, on held-out training images, None where it was not trained. ``costs`` by board. ``over``: by
    which share of its limit each cost is above it. ``reason``: why there is no accuracy, where no limit is. Of a
    finalist ``test`` is the int8 model's accuracy on the test set, ``test_float`` the float model's, and ``exact``:
    whether every byte on the emulated board was right.
    """

    accuracy: float | None = None
    costs: Mapping[str, Costs] = field(default_factory=dict)
    over: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    cpu_seconds: float = 0.0
    test: float | None = None
    test_float: float | None = None
    exact: bool | None = None
    artefact: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {**asdict(self), "costs": {name: one.as_json() for name, one in self.costs.items()}}


def outcome_from(document: Mapping[str, Any]) -> Outcome:
    """Return the outcome that ``as_json`` gave."""
    costs = {name: Costs(**one) for name, one in document["costs"].items()}
    return Outcome(**{**document, "costs": costs})


def item_from(document: Mapping[str, Any]) -> Item:
    """Return the item that ``item_json`` gave."""
    known = {"blueprint": blueprint_from(document["blueprint"]), "vain": tuple(map(tuple, document["vain"]))}
    return Item(**{**document, **known})


def key_in(document: Mapping[str, Any]) -> str:
    """Return the key of an item, given its fields or what ``item_json`` gave."""
    return f"{document['candidate']}/{document['rung']}/{document['seed']}"


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as JSON values."""
    return {
        "candidate": item.candidate,
        "rung": item.rung,
        "seed": item.seed,
        "blueprint": item.blueprint.as_json(),
        "optimise": item.optimise,
        "params": dict(item.params),
        "vain": [list(one) for one in item.vain],
    }


def digest_of(*values: Any) -> str:
    """Return the SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def named_by_content(blueprint: Blueprint) -> Blueprint:
    """Return the blueprint with a name that equal ones share."""
    document = {name: value for name, value in blueprint.as_json().items() if name != "name"}
    return replace(blueprint, name=f"net-{digest_of(document)[:_NAMED]}")
