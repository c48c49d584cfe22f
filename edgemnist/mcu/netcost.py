"""What a model costs on a board: built, run once in an emulator, counted layer by layer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from edgemnist.compiler.generate import compile_model
from edgemnist.mcu.boards import Board
from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
from edgemnist.mcu.counting import layer_instructions, some_values
from edgemnist.mcu.cycles import CycleEstimate, estimate_on
from edgemnist.mcu.emulators.base import choose_emulator
from edgemnist.mcu.execution import run_emulated
from edgemnist.tflite.file import TfliteModel


@dataclass(frozen=True)
class LayerCost:
    """A layer's instructions of an inference; ``tensor`` is the name of what it writes."""

    tensor: str
    instructions: float


@dataclass(frozen=True)
class NetCost:
    """What a model costs: bytes of the network's code and constants, of its arena, and of an inference the rest.

    ``instructions`` are counted; ``milliseconds`` are estimated, None for a core without a model of its cycles. Calls
    between layers are in ``instructions`` alone.
    """

    instructions: float
    flash: int
    arena: int
    milliseconds: float | None
    layers: tuple[LayerCost, ...]


def cost_of(model: TfliteModel, board: Board, optimise: str) -> NetCost:
    """Count what a model costs on an emulated board, built for "speed" or "size".

    :raises ModelError: the model can't be compiled to C.
    :raises GateFailedError: it does not fit the board.
    :raises MissingDependencyError: no toolchain, or no emulator of that board.
    :raises EnvironmentFailure: the toolchain failed.
    """
    emulator = choose_emulator("auto", board)
    build = replace(for_core(BuildSettings(optimise=optimise), board), step_ticks=not emulator.exact)
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        image = build_firmware(model, board, build, Path(folder))
        image.raise_too_large()
        # Kernels branch by shapes, so that any input takes what every other does, to a few instructions.
        inputs = [some_values(model.tensors[index]) for index in model.inputs]
        execution = run_emulated(image, emulator, inputs, profiled=1)
    profile = execution.profiles[0] if execution.profiles else None
    cycles = estimate_on(board, profile.whole if profile else None)
    layers = _layers(model, build, layer_instructions(execution))
    return NetCost(
        instructions=float(profile.whole.instructions()) if profile else sum(one.instructions for one in layers),
        flash=image.sizes.model_code + image.sizes.model_constants,
        arena=image.sizes.arena,
        milliseconds=cycles.milliseconds(board.clock_hz) if isinstance(cycles, CycleEstimate) else None,
        layers=layers,
    )


def _layers(model: TfliteModel, build: BuildSettings, counted: list[float]) -> tuple[LayerCost, ...]:
    program, _ = compile_model(model, build.network.codegen, any_net=True)
    names = [model.tensors[step.node.outputs[0]].name for step in program.steps]
    return tuple(LayerCost(name, instructions) for name, instructions in zip(names, counted, strict=True))
