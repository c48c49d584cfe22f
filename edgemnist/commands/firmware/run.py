"""``firmware run``: build, feed test inputs to the firmware, compare, count."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgemnist.commands.firmware.dump import write_dump
from edgemnist.commands.firmware.report import Counts, CycleRange, FirmwareReport, LayerCount, MeasuredTime
from edgemnist.commands.firmware.subject import FirmwareInputs, choose_inputs
from edgemnist.compiler.generate import compile_model
from edgemnist.compiler.tensor_dump import TracedTensors
from edgemnist.harness.compare import Share, difference_of_all, top1
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.outputs import class_scores
from edgemnist.mcu import DEFAULT_BOARD, DUMPED
from edgemnist.mcu.boards import Board
from edgemnist.mcu.build import BuildSettings, FirmwareImage, build_firmware, build_fitted, building_in
from edgemnist.mcu.counting import layer_instructions
from edgemnist.mcu.cycles import CycleEstimate, NoTimingModel, estimate_on
from edgemnist.mcu.emulators.base import DEFAULT_TIMEOUT, Emulator, choose_emulator
from edgemnist.mcu.emulators.qemu import INSTRUCTIONS_PER_SECOND
from edgemnist.mcu.execution import Execution, run_emulated, run_on_port
from edgemnist.mcu.network import traced_of
from edgemnist.mcu.profile import InferenceProfile
from edgemnist.mcu.serial_link import DeviceLink
from edgemnist.mcu.serial_port import DEFAULT_BAUD, open_port
from edgemnist.support.errors import GateFailedError
from edgemnist.support.progress import progress_task

DEFAULT_IMAGES = 100
COUNTED = 10
"""Inferences whose instructions are counted one by one; the others only have to be right."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What ``edgemnist firmware run`` takes. Without ``model`` it is the work folder's int8 one.

    ``port``: the serial port of a real board, at ``baud`` bits per second; None emulates ``board``. ``dataset``,
    ``feeding`` and ``images`` as for :func:`~edgemnist.commands.firmware.subject.choose_inputs`; ``timeout`` is in
    seconds, for all images. ``dump``: the file that gets the tensors of the first inputs. ``out`` keeps the built
    files. ``count_layers``: whether what each layer costs is counted first, to choose its way by.
    """

    model: Path | None = None
    board: str = DEFAULT_BOARD
    port: str | None = None
    baud: int = DEFAULT_BAUD
    out: Path | None = None

    dataset: str | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    images: int = DEFAULT_IMAGES
    emulator: str = "auto"
    profile: bool = False
    dump: Path | None = None
    timeout: float = DEFAULT_TIMEOUT
    build: BuildSettings = field(default_factory=BuildSettings)
    count_layers: bool = False


def run_emulated_board(subject: Subject, board: Board, settings: RunSettings) -> FirmwareReport:
    """Build a model's firmware for a board and run it on its emulated core.

    :raises GateFailedError: the firmware does not fit the board.
    :raises MissingDependencyError: no toolchain, emulator or oracle.
    :raises RuntimeCrashedError: the firmware crashed, hung or answered garbage.
    """
    emulator = choose_emulator(settings.emulator, board)
    chosen = choose_inputs(subject, settings.dataset, settings.images, settings.feeding)
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary:
        folder = settings.out or Path(temporary) / "image"
        with building_in(folder):
            with progress_task(f"Building for {board.name}"):
                image = build_fitted(chosen.model, board, settings.build, folder)
            image.raise_too_large()
            with progress_task(f"Running {len(chosen.inputs[0])} inputs in {emulator.name}"):
                start = time.perf_counter()
                execution = run_emulated(image, emulator, chosen.inputs, profiled=COUNTED, timeout=settings.timeout)
                seconds = time.perf_counter() - start
            layers = _layer_counts(chosen, image, emulator, execution, settings, Path(temporary) / "steps")
        if settings.dump is not None:
            write_dump(settings.dump, chosen, *_dumped(chosen, image, emulator, settings, Path(temporary) / "dump"))
    profile = execution.profiles[0] if execution.profiles else None
    return FirmwareReport(
        device=f"{board.core.title} of {board.name}, emulated by {emulator.version()}",
        images=chosen.description,
        image=image,
        accuracy=_accuracy(chosen, execution),
        oracle=chosen.oracle,
        difference=difference_of_all(execution.outputs, chosen.expected),
        counts=_counts(execution, emulator),
        layers=layers,
        estimate=estimate_on(board, profile.whole if profile else None),
        time=None,
        stack=execution.stack,
        seconds=seconds,
        functions=_functions(image, profile) if settings.profile and profile else {},
        dump=settings.dump,
    )


def run_real_board(subject: Subject, port: str, settings: RunSettings) -> FirmwareReport:
    """Run a model on a real board, which is flashed with its firmware, through a serial port.

    :raises InputError: no such port, or the board runs another model.
    :raises RuntimeCrashedError: the board crashed, hung or answered garbage.
    """
    with DeviceLink(open_port(port, settings.baud)) as device:
        chosen = choose_inputs(subject, settings.dataset, settings.images, settings.feeding)
        start = time.perf_counter()
        execution = run_on_port(device, chosen.inputs, chosen.model)
        seconds = time.perf_counter() - start
    if settings.dump is not None:
        write_dump(settings.dump, chosen, execution, traced_of(chosen.model, settings.build.network))
    return FirmwareReport(
        device=f"{execution.info.board} at {port}",
        images=chosen.description,
        image=None,
        accuracy=_accuracy(chosen, execution),
        oracle=chosen.oracle,
        difference=difference_of_all(execution.outputs, chosen.expected),
        counts=None,
        layers=_board_layers(chosen, settings),
        estimate=None,
        time=_time(execution),
        stack=execution.stack,
        seconds=seconds,
        functions={},
        dump=settings.dump,
    )


def raise_inexact(report: FirmwareReport) -> None:
    """Raise if the firmware's outputs are not the oracle's.

    :raises GateFailedError: says how many differ.
    """
    if not report.exact:
        wrong = report.difference
        raise GateFailedError(
            f"the firmware is not exact: {wrong.elements.count} of {wrong.elements.total} output values, in "
            f"{wrong.images} inputs, differ from {report.oracle}, by {wrong.max_difference:g} at most"
        )


def _accuracy(chosen: FirmwareInputs, execution: Execution) -> Share | None:
    if chosen.labels is None:
        return None
    classes = top1(class_scores(execution.outputs[0].reshape(len(chosen.labels), -1), chosen.subject.model))
    return Share(int((classes == chosen.labels).sum()), len(chosen.labels))


def _counts(execution: Execution, emulator: Emulator) -> Counts:
    if execution.profiles:
        exact = [profile.whole.instructions() for profile in execution.profiles]
        return Counts(float(np.mean(exact)), min(exact), max(exact), len(exact), 0, f"{emulator.name}, block by block")
    per_tick = INSTRUCTIONS_PER_SECOND / execution.info.ticks_per_second
    ticked = [ticks * per_tick for ticks in execution.ticks]
    source = f"{emulator.name} -icount shift=0, by the board's timer"
    return Counts(float(np.mean(ticked)), min(ticked), max(ticked), len(ticked), per_tick, source)


def _layer_counts(
    chosen: FirmwareInputs,
    image: FirmwareImage,
    emulator: Emulator,
    execution: Execution,
    settings: RunSettings,
    folder: Path,
) -> tuple[LayerCount, ...]:
    """Return the layers with the first inference's instructions; without a profile a second image measures them."""
    cycles: Sequence[CycleRange | None] = [None] * len(image.layers)
    if execution.profiles:
        counted = layer_instructions(execution)
        profile = execution.profiles[0]
        cycles = [_range(estimate_on(image.board, one)) for one in profile.layers or [profile.whole]]
    else:
        measuring = build_firmware(chosen.model, image.board, replace(image.settings, step_ticks=True), folder)
        counted = layer_instructions(run_emulated(measuring, emulator, chosen.first(1), timeout=settings.timeout))
    sizes = image.sizes.layers
    return tuple(
        LayerCount(layer.operator, instructions, layer.macs, size.code, size.constants, spent)
        for layer, size, instructions, spent in zip(image.layers, sizes, counted, cycles, strict=True)
    )


def _dumped(
    chosen: FirmwareInputs, image: FirmwareImage, emulator: Emulator, settings: RunSettings, folder: Path
) -> tuple[Execution, TracedTensors]:
    """Return what a second image, which sends its tensors, makes of the first inputs."""
    telling = build_firmware(chosen.model, image.board, replace(settings.build, tensors=True), folder)
    telling.raise_too_large()
    inputs = chosen.first(DUMPED)
    return run_emulated(telling, emulator, inputs, timeout=settings.timeout), telling.traced


def _range(found: CycleEstimate | NoTimingModel) -> CycleRange | None:
    return CycleRange(found.cycles, found.low, found.high) if isinstance(found, CycleEstimate) else None


def _board_layers(chosen: FirmwareInputs, settings: RunSettings) -> tuple[LayerCount, ...]:
    program, _ = compile_model(chosen.model, settings.build.network.codegen, any_net=True)
    return tuple(
        LayerCount(step.node.label, None, step.macs, 0, program.constant_bytes_of(index))
        for index, step in enumerate(program.steps)
    )


def _functions(image: FirmwareImage, profile: InferenceProfile) -> dict[str, int]:
    found: Counter[str] = Counter()
    for address, instructions in profile.whole.instructions_by_block().items():
        function = image.elf.function_at(address)
        found[function.name if function else f"0x{address:08x}"] += instructions
    return dict(found.most_common())


def _time(execution: Execution) -> MeasuredTime | None:
    if not execution.info.ticks_per_second:
        return None
    times: Sequence[float] = [1000 * ticks / execution.info.ticks_per_second for ticks in execution.ticks]
    return MeasuredTime(float(np.mean(times)), min(times), max(times), len(times))
