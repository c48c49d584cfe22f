"""What layers cost in instructions: estimated from others, which ``scripts/count_layers`` counted on emulated cores.

A kernel's instructions are taken to be a sum over units of its work (``Step.work``): products, outputs and so on, each
with a factor that was fitted to the counts of many layers. The table says how far it was off for those.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.targets import TARGETS, Target

TABLE = "costs.json"
PORTABLE_ON = "portable on "
"""Before a target's name, in the table: the portable bodies on that core."""


@dataclass(frozen=True)
class Fit:
    """A kernel on a core: instructions for each unit of work, and how far off they were for the layers counted.

    ``mean_error`` and ``largest_error``: of ``layers`` layers, as a share of what was counted.
    """

    units: Mapping[str, float]
    layers: int
    mean_error: float
    largest_error: float


@dataclass(frozen=True)
class Costs:
    """The kernels of one target, by function. ``core`` is where they were counted, "" where nobody counted them."""

    core: str
    functions: Mapping[str, Fit]

    def doubt(self, step: Step) -> float:
        """Return how far off estimates of a kernel were on average, as a share."""
        fit = self.functions.get(step.function)
        return fit.mean_error if fit else 0.0

    @property
    def source(self) -> str:
        """Where the instructions come from, in a sentence."""
        if not self.core:
            return "nobody counted the layers of this target, so that none of them is sparse"
        return f"estimated from layers that were counted on an emulated {self.core}"

    def instructions(self, step: Step) -> float | None:
        """Return an estimate for one inference, None for a kernel that was not counted."""
        fit = self.functions.get(step.function)
        if fit is None:
            return None
        return sum(fit.units.get(unit, 0.0) * amount for unit, amount in step.work.items())


def costs_of(target: Target) -> Costs:
    """Return the costs of a target: its own, or those of another one with the same bodies.

    Of a target that nobody counted only what it has no body for is known, by the portable ones.
    """
    table = _table()
    for name in (target.name, *(other.name for other in TARGETS.values() if other.bodies == target.bodies)):
        if name in table:
            return table[name]
    portable = table["portable"].functions if "EM_TARGET_DEPTHWISE" not in target.bodies else {}
    return Costs("", {name: fit for name, fit in portable.items() if name.startswith("em_depthwise")})


def portable_costs_on(target: Target) -> Costs | None:
    """Return what the portable bodies cost on a target's core, where they may be better than its own."""
    return _table().get(PORTABLE_ON + target.name)


@functools.cache
def _table() -> Mapping[str, Costs]:
    document = json.loads(resources.files("edgemnist.compiler").joinpath(TABLE).read_text(encoding="utf-8"))
    return {
        name: Costs(entry["core"], {function: Fit(**fit) for function, fit in entry["functions"].items()})
        for name, entry in document["targets"].items()
    }
