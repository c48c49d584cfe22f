"""What a net costs on a board, the limits that are set to it, and which of two nets is the better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError

COSTS: Mapping[str, str] = {
    "instructions": "instructions of an inference, counted",
    "flash": "bytes of the network's code and constants",
    "arena": "bytes of the network's arena",
    "milliseconds": "milliseconds of an inference, estimated",
}
"""What is limited and made small, and what each is."""

ACCURACY = "accuracy"


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a net costs on one board; ``blocks`` are the instructions by part of the net, in their order.

    ``milliseconds`` is None for a core without a model of its cycles.
    """

    instructions: float
    flash: int
    arena: int
    milliseconds: float | None
    blocks: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str) -> float:
        """Return the cost of that name, in ``COSTS``."""
        return float("inf") if (value := getattr(self, name)) is None else float(value)

    def as_json(self) -> dict[str, Any]:
        """Return the costs as JSON values."""
        return {**asdict(self), "blocks": dict(self.blocks)}


@dataclass(frozen=True)
class Limits:
    """The most that a net may cost, by the names of ``COSTS``; what is not named has no limit."""

    most: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check names and ranges."""
        for name, most in self.most.items():
            if name not in COSTS:
                raise unknown("cost", name, COSTS)
            if not (math.isfinite(most) and most > 0):
                raise InputError(f"at most {most!r} {name} leave room for no net; give a number above 0")

    def over(self, costs: Costs) -> dict[str, float]:
        """Return by which share of its limit each cost is above it; nothing where all are within."""
        shares = {name: costs.of(name) / most - 1 for name, most in self.most.items()}
        return {name: share for name, share in shares.items() if share > 0}


def check_objectives(objectives: Sequence[str]) -> None:
    """Check the names of objectives.

    :raises InputError: one is unknown or named twice, or accuracy is not among them.
    """
    for name in objectives:
        if name not in (ACCURACY, *COSTS):
            raise unknown("objective", name, (ACCURACY, *COSTS))
    if len(set(objectives)) != len(objectives) or ACCURACY not in objectives:
        raise InputError(
            f"the objectives {', '.join(objectives) or 'are missing'}: name {ACCURACY} and, once each, what shall be "
            f"small: {', '.join(COSTS)}"
        )


def front(points: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of the points that no other is at least as good as in all values and better in one.

    The first value of a point is to be large (accuracy), the others small. Of equal points the first is taken.
    """

    def beats(one: Sequence[float], other: Sequence[float], earlier: bool) -> bool:
        no_worse = one[0] >= other[0] and all(a <= b for a, b in zip(one[1:], other[1:], strict=True))
        return no_worse and (earlier or list(one) != list(other))

    return [
        place
        for place, point in enumerate(points)
        if not any(beats(other, point, at < place) for at, other in enumerate(points) if at != place)
    ]


def ranked(points: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of all points, front after front; within one the most accurate come first."""
    left, order = list(range(len(points))), []
    while left:
        best = [left[place] for place in front([points[place] for place in left])]
        order += sorted(best, key=lambda place: (-points[place][0], *points[place][1:], place))
        left = [place for place in left if place not in best]
    return order
