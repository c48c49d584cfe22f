"""What the ladder's dense nets reach, as measured, and what others publish: whether a smaller one would do better.

The figures are files in ``reference/``, one per dataset, which ``scripts/ladder --reference`` writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class Cost:
    """What a net takes: flash of its code and constants in bytes, and instructions per inference.

    Both are of the firmware for ``edgemnist.mcu.DEFAULT_BOARD``, built for speed.
    """

    flash: int
    instructions: float


@dataclass(frozen=True)
class ReferenceNet:
    """One dense net: accuracy of its int8 model in 0..1, mean over ``seeds`` trainings; ``cost`` None: not measured.

    ``parameters`` are counted after batch-norm folding; ``deviation`` is the accuracy's over the trainings, 0 of one;
    ``arena``: bytes, on the board of ``cost``.
    """

    arch: str
    accuracy: float
    seeds: int
    parameters: int
    cost: Cost | None
    deviation: float = 0.0
    arena: int | None = None

    @property
    def words(self) -> str:
        """What it reaches, for people."""
        times = "one training" if self.seeds == 1 else f"mean of {self.seeds} trainings"
        return f"{self.arch!r}: {self.accuracy:.2%} as int8 ({times})"


@dataclass(frozen=True)
class PublishedNet:
    """A net as its authors publish it: bytes of its weights alone, accuracy in 0..1, cycles per inference or None."""

    name: str
    weight_bytes: int
    accuracy: float
    cycles: float | None


_BITNETMCU_CLOCK_HZ = 48e6
BITNETMCU = tuple(
    PublishedNet(name, size, accuracy, None if ms is None else ms / 1e3 * _BITNETMCU_CLOCK_HZ)
    for name, size, accuracy, ms in (
        ("3.2 kB", 3_200, 0.9892, 14.3),
        ("7.3 kB", 7_300, 0.9928, None),
        ("9.3 kB", 9_300, 0.9944, 43.0),
        ("11.0 kB", 11_000, 0.9955, 57.0),
    )
)
"""BitNetMCU's published MNIST nets (16x16 input); cycles are milliseconds on a CH32V002 at 48 MHz."""


def reference_nets(dataset: str) -> tuple[ReferenceNet, ...]:
    """Return the nets measured on a dataset, known by its name; none for a dataset that nobody measured."""
    path = FOLDER / f"{dataset}.json"
    if path.parent != FOLDER or not path.is_file():
        return ()
    nets = json.loads(path.read_text(encoding="utf-8"))["nets"]
    return tuple(
        ReferenceNet(
            arch=net["arch"],
            accuracy=net["accuracy_int8"]["mean"],
            seeds=net["seeds"],
            parameters=net["parameters"],
            cost=None if net["flash_fast"] is None else Cost(net["flash_fast"], net["instructions"]),
            deviation=net["accuracy_int8"]["deviation"] or 0.0,
            arena=net["arena"],
        )
        for net in nets
    )


def advice_on_weights(dataset: str, accuracy: float, parameters_left: int) -> str:
    """Return whether a dense net with no more parameters than a pruned one has left reaches more; "" if unknown.

    ``accuracy`` is the pruned model's, in 0..1. Zeros are taken to cost nothing, which favours the pruned net.
    """
    nets = reference_nets(dataset)
    small = [net for net in nets if net.parameters <= parameters_left]
    best = max(small, key=lambda net: net.accuracy, default=None)
    if not nets:
        return ""
    if best is None or best.accuracy < accuracy:
        return f"no dense net of {parameters_left:,} parameters or fewer is known to reach {accuracy:.2%}"
    return (
        f"a smaller dense net does better than this one with {parameters_left:,} parameters that are not zero: "
        f"{best.words} with {best.parameters:,}; try `edgemnist train --arch {best.arch} --teacher cnn-large`"
    )


def advice_on_cost(dataset: str, accuracy: float, cost: Cost) -> str:
    """Return whether a dense net that costs no more than a pruned one reaches more; "" if unknown.

    ``accuracy`` in 0..1; ``cost`` is the pruned net's.
    """
    nets = [net for net in reference_nets(dataset) if net.cost is not None]
    cheap = [net for net in nets if net.cost and _is_no_dearer(net.cost, cost)]
    best = max(cheap, key=lambda net: net.accuracy, default=None)
    if not nets:
        return ""
    if best is None or best.accuracy < accuracy or best.cost is None:
        return "no dense net is known to reach as much with as little flash and as few instructions"
    return (
        f"a dense net does better for less: {best.words} with {best.cost.flash:,} bytes of flash and "
        f"{best.cost.instructions:,.0f} instructions, this one {accuracy:.2%} with {cost.flash:,} and "
        f"{cost.instructions:,.0f}; try `edgemnist train --arch {best.arch} --teacher cnn-large`"
    )


def _is_no_dearer(one: Cost, other: Cost) -> bool:
    return one.flash <= other.flash and one.instructions <= other.instructions
