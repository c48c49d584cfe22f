"""What a study is of: everything that decides its course, stored with it so that any worker can go on with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemnist.search.costs import ACCURACY, Limits, check_objectives
from edgemnist.search.space import Space
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError

SAMPLERS: Mapping[str, str] = {
    "tpe": "tree-structured Parzen estimator (Bergstra et al. 2011), multi-objective",
    "nsga2": "NSGA-II (Deb et al. 2002)",
    "random": "random draws, to compare with",
}

PICTURES: Mapping[str, str] = {
    "front": "error against each cost, with other nets",
    "parallel": "what was drawn, net by net, coloured by the error",
    "importance": "how much what was drawn decides",
}
"""The pictures; each is drawn by a module of its own, ``commands/search/picture_KIND``."""

MOST_RUNGS = 6


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """A study's settings.

    ``boards``: names; limits are those of the first, the others are counted beside it. ``objectives``: "accuracy" and
    what shall be small. ``budget``: how many nets are trained on the first rung; ``hours``: about how long the study
    may take, None for no such limit. ``population``: draws of a round. ``rungs``: the epochs of a training on each;
    ``fewer``: one of so many goes on to the next. ``finalists``: how many are trained in full, with ``seeds`` seeds
    each, for ``epochs``. ``held_out``: training images by which nets are chosen. ``teacher``: as for ``train``, "" for
    none. ``instructions_per_mac``: about what the first board takes, for the nets that the search begins with.
    """

    dataset: str
    dataset_sha256: str
    image_shape: tuple[int, int, int]
    classes: int
    boards: tuple[str, ...]
    limits: Limits = field(default_factory=Limits)
    objectives: tuple[str, ...] = (ACCURACY, "instructions")
    space: Space = field(default_factory=Space)
    sampler: str = "tpe"
    seed: int = 0
    budget: int = 40
    hours: float | None = None
    population: int = 8
    rungs: tuple[int, ...] = (2, 8)
    fewer: int = 4
    finalists: int = 3
    seeds: int = 3
    epochs: int = 40
    held_out: int = 5_000
    teacher: str = ""
    instructions_per_mac: float = 1.2
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_objectives(self.objectives)
        if self.sampler not in SAMPLERS:
            raise unknown("sampler", self.sampler, SAMPLERS)
        least = {"budget": 1, "population": 1, "fewer": 2, "finalists": 1, "seeds": 1, "epochs": 1, "held_out": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InputError(f"{name.replace('_', ' ')} {getattr(self, name)} is too low; give {low} or more")
        if self.hours is not None and not self.hours > 0:
            raise InputError(f"a budget of {self.hours} hours leaves no time for a net; give more than 0")
        if not 1 <= len(self.rungs) <= MOST_RUNGS or min(self.rungs) < 1 or list(self.rungs) != sorted(set(self.rungs)):
            raise InputError(
                f"the rungs {', '.join(map(str, self.rungs))} are no rising epochs; give 1 to {MOST_RUNGS} numbers "
                "such as 2,8"
            )

    @property
    def last_rung(self) -> int:
        """The number of the rung on which finalists are trained in full; those before it are ``rungs``."""
        return len(self.rungs)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return dataclasses.asdict(self)


def settings_from(document: Mapping[str, Any]) -> SearchSettings:
    """Return the settings that ``as_json`` gave."""
    values = {**_tuples(document), "limits": Limits(dict(document["limits"]["most"]))}
    return SearchSettings(**{**values, "space": Space(**_tuples(document["space"]))})


def _tuples(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in document.items()}
