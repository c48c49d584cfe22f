"""From an execution profile to an estimate of cycles. Instructions are counted; cycles are estimated, by a named model.

A profile counts basic blocks and the way from one to the next. Each block is disassembled once and timed once, by the
core's model in :mod:`edgemnist.mcu.timing`; an edge to another address than the one behind the block is a taken jump.
The bounds come from the manual's ranges and from comparing each model with cycle counts that others measured on chips
and published (:mod:`edgemnist.mcu.timing.calibration`). Waits for data in slow memory, interrupts, DMA: not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgemnist.mcu.boards import Board
from edgemnist.mcu.profile import ExecutionProfile
from edgemnist.mcu.timing import (
    cortex_m0,
    cortex_m0plus,
    cortex_m3,
    cortex_m4,
    cortex_m7,
    cortex_m33,
)
from edgemnist.mcu.timing.blocks import Blocks
from edgemnist.mcu.timing.calibration import band_of
from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.flash import Flash, fetch_stalls, flash_of
from edgemnist.mcu.timing.mix import mix_of_blocks
from edgemnist.mcu.timing.model import Cycles, TimingModel

MODELS: Mapping[str, TimingModel] = {
    module.MODEL.core: module.MODEL
    for module in (cortex_m0, cortex_m0plus, cortex_m3, cortex_m4, cortex_m7, cortex_m33)
}
"""The cores that have a model, by name."""

_WITHOUT_MODEL = {
    "cortex-m55": "its dual issue and vector beats are not modelled here",
    "cortex-m85": "its dual issue and vector beats are not modelled here",
}


@dataclass(frozen=True)
class ClassShare:
    """What one instruction class contributes. ``cycles`` includes jumps and mispredictions of branches."""

    kind: InstructionClass
    instructions: int
    cycles: float


@dataclass(frozen=True)
class CycleEstimate:
    """An estimate for one run. ``low`` to ``high``: where the true count is expected, see ``basis``.

    ``cycles``, ``low``, ``high``, ``fetch_stalls``: cycles. ``shares``: by class, most cycles first; with
    ``fetch_stalls`` they add up to ``cycles``. ``unknown``: mnemonics in no table, counted at one cycle each, -> times.
    ``model``: the model and its source in a sentence; ``basis``: where the bounds come from.
    """

    core: str
    cycles: int
    low: int
    high: int
    instructions: int
    fetch_stalls: int
    shares: tuple[ClassShare, ...]
    unknown: Mapping[str, int]
    model: str
    basis: str

    def milliseconds(self, clock_hz: float) -> float:
        """Return the time of ``cycles`` at a clock in Hz."""
        return 1000 * self.cycles / clock_hz

    @property
    def cycles_per_instruction(self) -> float:
        """Return the mean; 0 when nothing was executed."""
        return self.cycles / self.instructions if self.instructions else 0.0


@dataclass(frozen=True)
class NoTimingModel:
    """A core that no model covers: there is an instruction count, but no cycles. ``reason``: one sentence."""

    core: str
    reason: str


def classify(profile: ExecutionProfile, *, armv8: bool = False) -> dict[InstructionClass, int]:
    """Return how many instructions of each class were executed, most first. ``armv8``: decode Armv8-M as well.

    :raises MissingDependencyError: capstone is not installed.
    """
    return dict(Blocks(profile, armv8=armv8).counts().most_common())


def estimate(
    core: str,
    profile: ExecutionProfile,
    *,
    flash_wait_states: int = 0,
    flash_line_bytes: int = 16,
    flash_cache_bytes: int | None = None,
) -> CycleEstimate | NoTimingModel:
    """Estimate the cycles of ``profile`` on ``core`` ("cortex-m4", …).

    ``flash_wait_states``: cycles a flash read takes beyond the first; ``flash_line_bytes``: bytes of one read;
    ``flash_cache_bytes``: instruction cache or flash accelerator, 0 for none, None for what is usual. All code lies in
    flash; data is taken to be read without wait states.

    :raises InputError: the flash parameters are out of range, or the image lacks the code of a block.
    :raises MissingDependencyError: capstone is not installed.
    """
    flash = flash_of(core, flash_wait_states, flash_line_bytes, flash_cache_bytes)
    model = MODELS.get(core)
    if model is None:
        why = _WITHOUT_MODEL.get(core, "it is not one of the modelled cores")
        return NoTimingModel(core, f"no timing model for {core}: {why}; there is one for {', '.join(MODELS)}")
    blocks = Blocks(profile, armv8=model.armv8)
    costs = {address: model.block(blocks.instructions[address]) for address in blocks.executions}
    spent = _by_class(model, profile, blocks, costs)
    once = {address: sum(cost.expected for cost in each) for address, each in costs.items()}
    stalls = fetch_stalls(profile, flash, once)
    return _result(model, blocks, spent, stalls, flash)


def estimate_on(board: Board, profile: ExecutionProfile | None) -> CycleEstimate | NoTimingModel:
    """Estimate the cycles of what a board's core executed; without a profile there is nothing to estimate from."""
    if profile is None:
        return NoTimingModel(board.core.name, "this emulator does not tell which instructions were executed")
    return estimate(
        board.core.name,
        profile,
        flash_wait_states=board.flash.wait_states,
        flash_line_bytes=board.flash.line_bytes,
        flash_cache_bytes=board.flash.cache_bytes,
    )


class _Ledger:
    """Cycles by instruction class, added up."""

    def __init__(self) -> None:
        self._sums: dict[InstructionClass, list[float]] = {kind: [0.0, 0.0, 0.0] for kind in InstructionClass}

    def add(self, kind: InstructionClass, cost: Cycles, times: int = 1) -> None:
        sums = self._sums[kind]
        sums[0] += cost.expected * times
        sums[1] += cost.low * times
        sums[2] += cost.high * times

    def by_class(self) -> dict[InstructionClass, Cycles]:
        return {kind: Cycles(*sums) for kind, sums in self._sums.items()}


def _by_class(
    model: TimingModel, profile: ExecutionProfile, blocks: Blocks, costs: Mapping[int, list[Cycles]]
) -> dict[InstructionClass, Cycles]:
    """Return the cycles by class; jumps and mispredictions count for the instruction that jumps."""
    ledger = _Ledger()
    for address, times in blocks.executions.items():
        for instruction, cost in zip(blocks.instructions[address], costs[address], strict=True):
            ledger.add(instruction.kind, cost, times)
    ways: dict[int, list[int]] = {}
    for (left, entered), times in profile.edges.items():
        instructions = blocks.instructions.get(left)
        if instructions is None or not instructions[-1].jumps:
            continue
        jumped = entered != left + profile.sizes[left]
        ways.setdefault(left, [0, 0])[jumped] += times
        if jumped:
            cost = model.taken(instructions, blocks.instructions[entered][0], entered)
            ledger.add(instructions[-1].kind, cost, times)
    for left, (fallen_through, taken) in ways.items():
        ledger.add(blocks.instructions[left][-1].kind, model.mispredicted(taken, fallen_through))
    return ledger.by_class()


def _result(
    model: TimingModel, blocks: Blocks, spent: Mapping[InstructionClass, Cycles], stalls: Cycles, flash: Flash
) -> CycleEstimate:
    total = stalls
    for cost in spent.values():
        total = total.plus(cost)
    counts = blocks.counts()
    shares = [ClassShare(kind, counts[kind], cost.expected) for kind, cost in spent.items() if counts[kind] + cost.high]
    calibrated = band_of(model.core, flash.wait_states, mix_of_blocks(blocks), total.expected)
    return CycleEstimate(
        core=model.core,
        cycles=round(total.expected),
        low=round(min(total.low, total.expected * calibrated.low)),
        high=round(max(total.high, total.expected * calibrated.high)),
        instructions=sum(counts.values()),
        fetch_stalls=round(stalls.expected),
        shares=tuple(sorted(shares, key=lambda share: -share.cycles)),
        unknown=blocks.unknown(),
        model=f"{model.description}; {flash.described()}",
        basis=calibrated.basis,
    )
