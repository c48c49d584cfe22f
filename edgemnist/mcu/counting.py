"""What the layers of a model cost in each way that they can be computed in: counted on an emulated core, and kept.

A round builds the network with every layer in its next way, runs one inference and reads the instructions of each
layer. They are kept in the cache under the round's code, compiler, flags, core and emulator, which decide them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.ops.base import LayerCounts
from edgemnist.compiler.targets import ANY, TARGETS, TOLD_APART
from edgemnist.mcu.boards import Board, boards_with
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.cores import CORES, Core
from edgemnist.mcu.emulators.base import Emulator, choose_emulator
from edgemnist.mcu.emulators.qemu import INSTRUCTIONS_PER_SECOND
from edgemnist.mcu.execution import Execution, run_emulated
from edgemnist.mcu.toolchain import choose_toolchain
from edgemnist.support.errors import InputError, MissingDependencyError
from edgemnist.support.kept import kept_json
from edgemnist.support.progress import progress_task
from edgemnist.support.resources import cache_folder
from edgemnist.tflite.file import TensorInfo, TfliteModel

_STANDS_FOR = {"portable": "cortex-m3"}
"""Targets without a core of their own, and the one on which their layers are counted."""


@dataclass(frozen=True)
class _Place:
    """Where layers are counted."""

    board: Board
    emulator: Emulator
    build: BuildSettings

    @functools.cached_property
    def source(self) -> str:
        """In a few words; a compiler is asked for its version."""
        compiler = choose_toolchain(self.build.toolchain, self.board.core).version(self.board.core)
        return f"counted on an emulated {self.board.core.title}, {self.emulator.version()}, {compiler}"


def count_layers(
    model: TfliteModel, settings: CodegenSettings, build: BuildSettings, core: Core | None = None
) -> CodegenSettings:
    """Return the settings with the counts of every layer of a model, for their target, or for each where it is "any".

    ``build`` says with which toolchain and flags; ``core``: where, None for the target's own.

    :raises InputError: no emulator has a core of that target.
    :raises MissingDependencyError: there is no compiler or emulator for it here.
    :raises ModelError: the model can't be compiled.
    """
    # Of layers as a whole: which of them run by bands depends on the ways that are chosen.
    whole = replace(settings, ram=None, input_apart=False)
    if settings.target != ANY:
        return replace(settings, counts={settings.target: _counted(model, whole, build, core)})
    known = [name for name in (*(target.name for target in TOLD_APART), "portable") if _core_of(name) is not None]
    counts = {name: _counted(model, replace(whole, target=name), build, None) for name in known}
    return replace(settings, counts=counts)


def layer_instructions(execution: Execution) -> list[float]:
    """Return the instructions of the first inference by layer; without an emulator's profile the image timed them."""
    if execution.profiles:
        profile = execution.profiles[0]
        # An interpreter has no function for each layer; then all of it counts as one.
        return [float(layer.instructions()) for layer in profile.layers or [profile.whole]]
    per_tick = INSTRUCTIONS_PER_SECOND / execution.info.ticks_per_second
    return [ticks * per_tick for ticks in execution.step_ticks[0]]


def _core_of(target: str) -> Core | None:
    wanted = _STANDS_FOR.get(target, target)
    return next((core for core in CORES.values() if core.target == wanted), None)


def _place(target: str, build: BuildSettings, core: Core | None) -> _Place:
    core = core or _core_of(target)
    if core is None:
        counted = ", ".join(name for name in TARGETS if _core_of(name) is not None)
        raise InputError(f"layers for {target!r} can't be counted, no emulator has it; choose {ANY}, {counted}")
    reasons = []
    for board in boards_with(core):
        try:
            emulator = choose_emulator("auto", board)
        except MissingDependencyError as error:
            reasons.append(str(error))
            continue
        return _Place(board, emulator, replace(build, step_ticks=not emulator.exact))
    raise MissingDependencyError(reasons[0])


def _counted(model: TfliteModel, settings: CodegenSettings, build: BuildSettings, core: Core | None) -> LayerCounts:
    place = _place(settings.target, build, core)
    ways = compile_model(model, replace(settings, round=0), any_net=True)[0].ways
    rounds = []
    with progress_task(f"Counting layers for {settings.target}", total=max(ways, default=1)) as task:
        for number in range(max(ways, default=1)):
            rounds.append(_round(model, replace(settings, round=number), place))
            task.update(advance=1)
    layers = (tuple(one[layer] for one in rounds[:count]) for layer, count in enumerate(ways))
    return LayerCounts(tuple(layers), place.source)


def _round(model: TfliteModel, settings: CodegenSettings, place: _Place) -> list[float]:
    """Return the instructions of each layer, kept from an earlier time or counted now."""
    files = emit(*compile_model(model, settings, any_net=True), EmitSettings(name="net", command=""))
    told = {"files": files, "place": place.source, "flags": [place.build.optimise, *place.build.flags]}
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    kept = cache_folder() / "counted-layers" / f"{key}.json"
    counts: list[float] = kept_json(kept, lambda: _run(model, settings, place), "another count of the same layers")
    return counts


def _run(model: TfliteModel, settings: CodegenSettings, place: _Place) -> list[float]:
    build = replace(place.build, network=replace(place.build.network, codegen=settings))
    # What the bytes are makes no difference to speak of: kernels branch by shapes.
    inputs = [some_values(model.tensors[index]) for index in model.inputs]
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        image = build_firmware(model, place.board, build, Path(folder))
        image.raise_too_large()
        return layer_instructions(run_emulated(image, place.emulator, inputs, profiled=1))


def some_values(tensor: TensorInfo) -> NDArray[Any]:
    """Return values for an input, always the same: shape (1, *the tensor's without batch), its dtype."""
    values = np.random.default_rng(0).integers(0, 256, (1, *tensor.shape[1:]), dtype=np.uint8)
    return values.view(np.int8) if tensor.dtype == "int8" else values.astype(tensor.dtype)
