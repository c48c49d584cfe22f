"""A search without trainings: what comes of an item is a formula of its blueprint, so that workers can be many."""

from __future__ import annotations

from typing import Any

from edgemnist.search.costs import Costs, Limits
from edgemnist.search.counts import parts_of
from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.settings import SearchSettings

BOARD = "stand-in"


def stand_in_settings(**given: Any) -> SearchSettings:
    """Return the settings of a small study; ``given`` are others."""
    values: dict[str, Any] = {
        "dataset": "stand-in",
        "dataset_sha256": "",
        "image_shape": (28, 28, 1),
        "classes": 10,
        "boards": (BOARD,),
        "limits": Limits({"instructions": 2_000_000, "flash": 60_000}),
        "sampler": "random",
        "budget": 12,
        "population": 6,
    }
    return SearchSettings(**{**values, **given})


def stand_in_outcome(item: Item, settings: SearchSettings) -> Outcome:
    """Return what comes of an item: more multiply-accumulates and more epochs make it more accurate."""
    parts = list(parts_of(item.blueprint, settings.image_shape, settings.classes))
    blocks = {part.name: 1.3 * part.macs + 3000 for part in parts}
    costs = Costs(
        instructions=sum(blocks.values()),
        flash=sum(part.weights for part in parts) + 6000,
        arena=max(part.macs for part in parts) // 100 + 1000,
        milliseconds=1.0,
        blocks=blocks,
    )
    over = settings.limits.over(costs)
    if over:
        return Outcome(costs={BOARD: costs}, over=over)
    accuracy = 1 - 0.3 * (1 + sum(part.macs for part in parts)) ** -0.2 / (1 + item.rung) - item.seed / 1e6
    final = item.rung == settings.last_rung
    return Outcome(accuracy=accuracy, costs={BOARD: costs}, test=accuracy - 0.001 if final else None)
