"""The device's part of a report: the firmware on an emulated board, and the arena over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.firmware.report import FirmwareReport, LayerCount
from edgemnist.commands.firmware.run import RunSettings
from edgemnist.commands.firmware.stage import run
from edgemnist.commands.report.answers import proportion
from edgemnist.commands.report.measuring import Measured, title_of
from edgemnist.commands.report.report import LeftOut
from edgemnist.commands.report.sections import Firmware, LayerRow, MemoryBlock, MemoryMap, Range
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import SCRATCH, Buffer, Plan
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.cycles import CycleEstimate, NoTimingModel
from edgemnist.support.errors import EnvironmentFailure, GateFailedError, ModelError, RuntimeCrashedError
from edgemnist.tflite.kinds import ModelKind

FIRMWARE, MEMORY = "firmware", "memory"
IMAGES = 100


@dataclass(frozen=True)
class Device:
    """``failed``: why the firmware cannot be right, where it does not fit its board or crashed on it; "" else.

    ``sources``: for each layer of the firmware the positions in the file of the operators that it computes.
    """

    firmware: Firmware | None
    memory: MemoryMap | None
    left_out: tuple[LeftOut, ...]
    sources: tuple[tuple[int, ...], ...] = ()
    failed: str = ""


def device(measured: Measured, board: str, feeding: FeedingSettings, work: WorkFolder, *, named: bool) -> Device:
    """Build the model's firmware, run test images on the board's emulated core, and plan the arena for that core.

    What this machine lacks or the model does not allow is left out, with the reason.

    :raises InputError: there is no such board.
    """
    target = find_board(board).core.target
    if measured.subject.kind is not ModelKind.INT8:
        reason = f"{measured.subject.model.name} is a {measured.subject.kind.value} model; firmware takes int8"
        return Device(None, None, (LeftOut(FIRMWARE, reason), LeftOut(MEMORY, reason)))
    try:
        program, plan = compile_model(measured.subject.tflite, CodegenSettings(target=target))
    except ModelError as error:
        reason = f"the model can't be compiled to C: {_said(error)}"
        return Device(None, None, (LeftOut(FIRMWARE, reason), LeftOut(MEMORY, reason)))
    memory, sources = _memory_map(program, plan, target), tuple(step.node.sources for step in program.steps)
    settings = RunSettings(
        model=measured.subject.path if named else None,
        board=board,
        dataset=measured.subjects.dataset,
        feeding=feeding,
        images=IMAGES,
    )
    try:
        return Device(_firmware(run(settings, work), plan, measured.subjects.dataset), memory, (), sources)
    except (GateFailedError, RuntimeCrashedError) as error:
        reason = _said(error)
        return Device(None, memory, (LeftOut(FIRMWARE, reason),), sources, failed=reason)
    except EnvironmentFailure as error:
        return Device(None, memory, (LeftOut(FIRMWARE, _said(error)),), sources)


def _said(error: Exception) -> str:
    """Return a message with its list of reasons as one line."""
    return "; ".join(line.strip().removeprefix("- ") for line in str(error).splitlines() if line.strip())


def _firmware(found: FirmwareReport, plan: Plan, dataset: str) -> Firmware:
    image = found.image
    if image is None:
        raise ValueError("an emulated board's run has an image")
    sizes, board, counts = image.sizes, image.board, found.counts
    cycles, cycles_from = _cycles(found.estimate)
    layers = [_layer(step, layer, plan, len(found.layers)) for step, layer in enumerate(found.layers)]
    return Firmware(
        device=found.device,
        board=board.name,
        compiler=image.compiler,
        images=found.images.replace(dataset, title_of(dataset)),
        accuracy=None if found.accuracy is None else proportion(found.accuracy),
        oracle=found.oracle,
        exact=found.exact,
        differing=found.difference.elements.count,
        flash_bytes=sizes.flash,
        flash_of_board=board.flash.bytes,
        model_code_bytes=sizes.model_code,
        model_constant_bytes=sizes.model_constants,
        ram_bytes=sizes.ram,
        ram_of_board=board.ram.bytes,
        arena_bytes=sizes.arena,
        stack_reserved=sizes.stack,
        stack_used=found.stack.used,
        static_bytes=sizes.static,
        instructions=None if counts is None else Range(counts.mean, counts.lowest, counts.highest),
        instructions_from="" if counts is None else f"counted by {counts.source}, over {counts.inferences} inferences",
        cycles=cycles,
        milliseconds=None if cycles is None else _scaled(cycles, 1000 / board.clock_hz),
        clock_hz=board.clock_hz,
        cycles_from=cycles_from,
        layers=tuple(layers),
    )


def _cycles(estimate: CycleEstimate | NoTimingModel | None) -> tuple[Range | None, str]:
    if isinstance(estimate, CycleEstimate):
        return Range(estimate.cycles, estimate.low, estimate.high), f"{estimate.model}; range: {estimate.basis}"
    return None, "" if estimate is None else estimate.reason


def _scaled(cycles: Range, factor: float) -> Range:
    return Range(*(round(value * factor, 4) for value in (cycles.expected, cycles.low, cycles.high)))


def _layer(step: int, layer: LayerCount, plan: Plan, layers: int) -> LayerRow:
    estimate = layer.cycles
    return LayerRow(
        operator=layer.operator,
        macs=layer.macs,
        instructions=layer.instructions,
        cycles=None if estimate is None else Range(estimate.expected, estimate.low, estimate.high),
        code_bytes=layer.code_bytes,
        constant_bytes=layer.constant_bytes,
        arena_bytes=bytes_in_use(plan, step) if step < layers else None,
    )


def bytes_in_use(plan: Plan, step: int) -> int:
    """Return how many bytes of the arena some buffer that is alive in a step lies on."""
    return covered((one.offset, one.end) for one in plan.placed if one.buffer.first <= step <= one.buffer.last)


def covered(spans: Iterable[tuple[int, int]]) -> int:
    """Return how many bytes lie in at least one of the spans, each from a byte to before another."""
    used = reached = 0
    for start, end in sorted(spans):
        used += max(0, end - max(start, reached))
        reached = max(reached, end)
    return used


def _memory_map(program: Program, plan: Plan, target: str) -> MemoryMap:
    last = len(program.steps) - 1
    return MemoryMap(
        target=target,
        arena_bytes=plan.size,
        largest_tensor=plan.largest_tensor,
        largest_live_set=plan.largest_live_set,
        steps=tuple(step.node.label for step in program.steps),
        blocks=tuple(
            MemoryBlock(
                name=_whole_name(program, one.buffer),
                scratch=one.buffer.tensor == SCRATCH,
                offset=one.offset,
                bytes=one.buffer.size,
                first=one.buffer.first,
                last=min(one.buffer.last, last),
                label=one.buffer.name,
            )
            for one in plan.placed
        ),
        layers=tuple(program.graph.called(step.outputs[0]) for step in program.steps),
    )


def _whole_name(program: Program, buffer: Buffer) -> str:
    return buffer.name if buffer.tensor == SCRATCH else program.graph.tensors[buffer.tensor].name
