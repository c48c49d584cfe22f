"""The network in a firmware: as C of our compiler, or as TensorFlow Lite for Microcontrollers' interpreter.

An engine writes ``net.h`` and sources that define ``net_run_in``, which is all that the application knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.compiler.emit import EmitSettings, arena_bytes, constants, emit
from edgemnist.compiler.ends import End, ends_of
from edgemnist.compiler.generate import CodegenSettings, compile_model, require_integers
from edgemnist.compiler.tensor_dump import TracedTensors, traced_tensors
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.kinds import operator_outputs

ENGINES = ("c", "tflm")


@dataclass(frozen=True)
class Layer:
    """A layer that a firmware can tell apart; ``macs`` per inference."""

    operator: str
    macs: int


@dataclass(frozen=True)
class Place:
    """An input or output: a tensor, and the macro of its offset in the arena."""

    tensor: TensorInfo
    offset: str


@dataclass(frozen=True)
class NetworkEnds:
    """A network's inputs and outputs in the file's order."""

    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]

    @property
    def results(self) -> tuple[TensorInfo, ...]:
        """The tensors of the outputs."""
        return tuple(place.tensor for place in self.outputs)


@dataclass(frozen=True)
class Network:
    """What an engine wrote. ``files`` by name, those to compile among them; ``setup`` is a C statement to start it.

    ``arena_bytes`` is the size of the application's arena, ``interpreter_arena_bytes`` the sizes that TFLM's own may
    have (the compiler chooses by the core; empty: there is none); ``constants`` are the network's arrays in flash, as
    they lie in memory, by C name. ``traced``: whose bytes its trace function gets. ``cpp`` has the flags of C++
    sources; ``link`` replaces the linker's library flags; both empty for plain C.
    """

    files: Mapping[str, str]
    layers: Sequence[Layer]
    ends: NetworkEnds
    arena_bytes: int
    constants: Mapping[str, bytes]
    traced: TracedTensors
    interpreter_arena_bytes: frozenset[int] = frozenset()
    setup: str = ""
    cpp: tuple[str, ...] = ()
    link: tuple[str, ...] = ()


@dataclass(frozen=True)
class TflmPlace:
    """Where the user's TFLM is: its sources' or headers' folder, and the library built for the board's core."""

    include: Path
    library: Path


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """``engine`` is a name in ``ENGINES``; "tflm" needs ``tflm``."""

    engine: str = "c"
    codegen: CodegenSettings = field(default_factory=CodegenSettings)
    tflm: TflmPlace | None = None


def make_network(model: TfliteModel, settings: NetworkSettings, machine: int, *, tensors: bool = False) -> Network:
    """Return the network's sources; ``machine`` is the board's ELF machine number.

    :param tensors: whether its trace function is to get every operator's output, for which nothing may be fused.

    :raises InputError: an unknown engine, or a TFLM that is not complete or for another machine.
    :raises ModelError: the engine can't do the model.
    """
    if settings.engine == "c":
        return _generated(model, _unfused(settings.codegen) if tensors else settings.codegen)
    if settings.engine != "tflm":
        raise unknown("engine", settings.engine, ENGINES)
    if settings.tflm is None:
        raise InputError("the engine tflm needs your TFLM: give --tflm-include and --tflm-lib")
    return _interpreted(model, settings.tflm, machine, tensors)


def traced_of(model: TfliteModel, settings: NetworkSettings) -> TracedTensors:
    """Return which tensors the firmware of a model sends, where it sends any."""
    if settings.engine != "c":
        return _every_output(model)
    program, _ = compile_model(model, _unfused(settings.codegen), any_net=True)
    return traced_tensors(program)


def _unfused(settings: CodegenSettings) -> CodegenSettings:
    """Return the settings with which every operator's output is there as a whole."""
    return replace(settings, fusions=(), ram=None)


def _every_output(model: TfliteModel) -> TracedTensors:
    return TracedTensors(((model.inputs[0],),), tuple((index,) for index in operator_outputs(model)))


def _generated(model: TfliteModel, settings: CodegenSettings) -> Network:
    program, plan = compile_model(model, settings, any_net=True)
    require_integers(program.graph)
    ends, emit_settings = ends_of(program.graph), EmitSettings(name="net", command="edgemnist firmware build")
    return Network(
        files=emit(program, plan, emit_settings),
        layers=[Layer(step.node.label, step.macs) for step in program.steps],
        ends=_places(ends.inputs, ends.outputs),
        arena_bytes=arena_bytes(plan),
        constants=constants(program, emit_settings),
        traced=traced_tensors(program),
    )


def _places(inputs: Sequence[End], outputs: Sequence[End]) -> NetworkEnds:
    found = (tuple(Place(end.tensor, f"NET_{end.macro}_OFFSET") for end in ends) for ends in (inputs, outputs))
    return NetworkEnds(*found)


def _interpreted(model: TfliteModel, place: TflmPlace, machine: int, tensors: bool) -> Network:
    from edgemnist.tflite.inspection import inspect
    from edgemnist.tflm.arena import kept_bytes
    from edgemnist.tflm.firmware import COMPILE_FLAGS, LINK_FLAGS, MACHINES, check_tflm, tflm_program

    found = check_tflm(place.include, place.library)
    if found.machine != machine:
        have, need = (MACHINES.get(number, f"ELF machine {number}") for number in (found.machine, machine))
        raise InputError(f"--tflm-lib {str(place.library)!r} is for {have}, the board's core is {need}")
    program = tflm_program(model)
    more = kept_bytes(model) if tensors else 0
    return Network(
        files=program.files,
        layers=[Layer("TFLM's interpreter", inspect(model).macs)],
        ends=_places([End(model.inputs[0], model.input(), "input")], [End(model.outputs[0], model.output(), "output")]),
        arena_bytes=program.io_bytes,
        interpreter_arena_bytes=frozenset(size + more for size in program.arena_bytes),
        constants={program.array: model.content},
        traced=_every_output(model),
        setup="net_setup()",
        cpp=(
            *COMPILE_FLAGS,
            *(f"-D{name}" for name in found.defines),
            *(flag for folder in found.includes for flag in ("-isystem", str(folder.resolve()))),
        ),
        link=(*LINK_FLAGS, str(found.library.resolve())),
    )
