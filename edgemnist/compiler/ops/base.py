"""What an operator has to tell the compiler, and the values it hands over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import (
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_RELU_N1_TO_1,
    INT16,
    Graph,
    Node,
    held_in,
)
from edgemnist.compiler.ops.fields import CArray, Field
from edgemnist.compiler.targets import TARGETS, Target
from edgemnist.tflite.file import Quantisation, TensorInfo

PYTHON_STEP = 8000
"""Products in the time of a step in Python over arrays without many elements."""


@dataclass(frozen=True)
class Overlap:
    """Where a kernel's output may lie on top of an input that dies with this step.

    With ``delta = output offset - input offset`` in bytes, the overlap is safe when ``delta <= at_most`` (the kernel
    walks forward and its write front stays behind its read front), or ``delta >= at_least`` (it walks backward), or
    ``delta == exactly``. A bound of None allows nothing.
    """

    at_most: int | None = None
    at_least: int | None = None
    exactly: int | None = None

    def allows(self, delta: int) -> bool:
        """Whether this distance is safe."""
        return (
            (self.at_most is not None and delta <= self.at_most)
            or (self.at_least is not None and delta >= self.at_least)
            or (self.exactly is not None and delta == self.exactly)
        )

    def of_elements(self, size: int) -> Overlap:
        """Return the same in bytes, where these distances are elements of ``size`` bytes on both sides."""
        return Overlap(*(None if d is None else d * size for d in (self.at_most, self.at_least, self.exactly)))


@dataclass(frozen=True)
class Sparsity:
    """A layer that stores only its weights other than zero: how many of how many, and in how many ``bytes``."""

    stored: int
    weights: int
    bytes: int

    @property
    def summary(self) -> str:
        """One line for people."""
        return f"{self.stored:,} of {self.weights:,} weights, {self.bytes:,} bytes instead of {self.weights:,}"


@dataclass(frozen=True)
class Candidate:
    """A way that was compared for a layer.

    ``instructions`` of one inference: counted on an emulated core or estimated from such counts, None where neither is
    known; ``bytes`` of constants and ``scratch`` bytes.
    """

    name: str
    function: str
    instructions: float | None
    bytes: int
    scratch: int
    chosen: bool

    def why_not(self, chosen: Candidate) -> str:
        """Return what this way takes more or less of than the chosen one, empty for that one itself."""
        if self.chosen:
            return ""
        differences = [("bytes", self.bytes - chosen.bytes), ("bytes of scratch", self.scratch - chosen.scratch)]
        if self.instructions is None or chosen.instructions is None:
            return "nobody counted it"
        differences.insert(0, ("instructions", round(self.instructions - chosen.instructions)))
        told = [f"{abs(count):,} {what} {'more' if count > 0 else 'less'}" for what, count in differences if count]
        return ", ".join(told) or "no better"


@dataclass(frozen=True)
class Way:
    """How a layer is computed, where it can be in several ways; what a layer has no use for changes nothing.

    ``sparse``: only its weights other than zero are stored, and ``pixels`` at most are done at a time.
    ``step_functions``: whether a dense layer is requantised by them, where the target's bodies can. ``block``:
    neighbouring outputs of a depthwise layer at a time, 0 for the most.
    """

    sparse: bool = False
    pixels: int = 0
    step_functions: bool = False
    block: int = 0

    @property
    def name(self) -> str:
        """For people."""
        if self.sparse:
            return f"sparse, {self.pixels} pixels at a time"
        if self.block:
            return f"{self.block} outputs at a time"
        return "dense, step functions" if self.step_functions else "dense"


@dataclass(frozen=True)
class LayerCounts:
    """Instructions of one inference, counted on an emulated core: of each layer, in each of its ways.

    ``source`` says where they were counted, in a few words.
    """

    instructions: tuple[tuple[float, ...], ...]
    source: str


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call: ``function(&parameters, arrays..., [scratch], states..., inputs..., outputs...)``.

    ``header`` is the file in ``firmware/kernels``; ``parameters`` are the fields of ``struct_type`` in order.
    ``states`` are tensors in the state, which the call changes.
    ``scratch`` bytes live only during the call; with ``takes_scratch`` the function has that argument even where it is
    of no bytes. ``as_bytes``: the function takes tensors as bytes, of whatever type they are. ``overlaps`` maps (input,
    output) to where they may share memory; pairs left out must be disjoint. ``body`` is a name in ``choice.BODIES``:
    what ``function`` does whichever way it requantises, empty where no choice depends on its code. ``work``: what the
    call does, in units of which ``costs.Costs`` knows the instructions. ``candidates``: the ways that were compared for
    the layer. ``smaller``: the same with less scratch and more instructions, where there is such a way. ``images``: the
    function is called for each of so many, which lie one behind the other in every tensor. ``in_array``: "inputs" or
    "outputs", which the function takes as an array of pointers, and how many.
    """

    node: Node
    header: str
    function: str
    struct_type: str
    parameters: tuple[Field, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arrays: tuple[CArray, ...] = ()
    states: tuple[int, ...] = ()
    scratch: int = 0
    takes_scratch: bool = False
    as_bytes: bool = False
    overlaps: Mapping[tuple[int, int], Overlap] = field(default_factory=dict)
    macs: int = 0
    sparsity: Sparsity | None = None
    body: str = ""
    work: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    smaller: Step | None = None
    images: int = 1
    in_array: str = ""

    def for_images(self, images: int) -> Step:
        """Return the step of one image as that of several, which are written where none of them is read."""
        if images == 1:
            return self
        work = {what: count * images for what, count in self.work.items()}
        smaller = self.smaller.for_images(images) if self.smaller else None
        return replace(self, images=images, overlaps={}, macs=self.macs * images, work=work, smaller=smaller)

    @property
    def each_image(self) -> str:
        """The C before the call, empty where there is one image."""
        return "" if self.images == 1 else f"for (int32_t image = 0; image < {self.images}; ++image) "

    def image_size(self, tensor: TensorInfo) -> int:
        """Return how far the function's pointer to a tensor goes from one image to the next."""
        return (tensor.bytes if self.as_bytes else tensor.elements) // self.images

    @property
    def chosen(self) -> Candidate | None:
        """What it is among ``candidates``, None where there was no choice."""
        return next((candidate for candidate in self.candidates if candidate.chosen), None)

    @cached_property
    def constant_bytes(self) -> int:
        """Bytes of constants in flash, without the parameter struct."""
        return sum(array.bytes for array in self.arrays)


@dataclass(frozen=True, kw_only=True)
class LoweringSettings:
    """Choices that change what is generated: ``rounding`` is "tflm" or "tflite" (TensorFlow 2.21 reference).

    ``portable_bodies`` leaves the target's bodies out, for a model that they can't take or make slower. ``sparse``:
    which layers store only their weights other than zero: "never", "always" those whose kernel can, or "auto" those
    that gain. ``way`` is that of the layer which is lowered. ``counts``: what the ways cost, None for what is
    estimated; ``round``: every layer is to take its way of that number, or its last, whatever it costs.
    ``input_apart``: inputs are read where the caller has them, not in the arena.
    """

    rounding: str = "tflm"
    target: str = "portable"
    portable_bodies: bool = False
    sparse: str = "auto"
    way: Way = Way()
    counts: LayerCounts | None = None
    round: int | None = None
    input_apart: bool = False

    @property
    def bodies(self) -> Target:
        """The target whose bodies are used."""
        return TARGETS["portable" if self.portable_bodies else self.target]


class Operator(ABC):
    """One TFLite operator. Methods get the graph so that they can look up their tensors."""

    kinds: Mapping[str, Schema]
    """TFLite's names of the operators, and what its schema gives each."""
    several_outputs = False
    of_files = True
    """Whether a file can have it; else passes make it of others."""
    states: tuple[int, ...] = ()
    """The places among a node's inputs of the variable tensors that it changes."""
    without_tflm: tuple[str, ...] = ()
    """Of ``kinds`` those that TFLM has no kernel for; the oracle is then tflite-runtime's reference kernel."""
    with_library: tuple[str, ...] = ()
    """Of ``kinds`` those that call the C library's functions, of which the last bit is not the same everywhere."""

    @abstractmethod
    def check(self, node: Node, graph: Graph) -> list[str]:
        """Return every reason why this node can't be compiled, each with its remedy; empty when it can."""

    @abstractmethod
    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """Compute the outputs with numpy, in the oracle's arithmetic; behind them what each of ``states`` becomes.

        ``inputs`` has one array per entry of ``node.inputs`` in tensor shape (constants included; an absent one is an
        empty array), none of which is changed; fused followers are not applied here.
        """

    def window_values(self, node: Node, graph: Graph) -> int:
        """Return how many values :meth:`reference` gathers in windows."""
        return 0

    def products(self, node: Node, graph: Graph) -> int:
        """Return how many products :meth:`reference` sums up; each step that it makes in Python counts as many."""
        return 0

    def states_of(self, node: Node) -> tuple[int, ...]:
        """Return the tensors that a node keeps from one inference to the next."""
        return tuple(node.inputs[place] for place in self.states if place < len(node.inputs))

    @abstractmethod
    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """Return the kernel call for this node with everything that was fused into it."""


def in_int16_too(kinds: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """Return kinds of int8 operators with the same in int16."""
    return {**kinds, **{f"{INT16}{kind}": schema for kind, schema in kinds.items()}}


def quantisation_of(tensor: TensorInfo) -> Quantisation:
    """Return a tensor's quantisation; the reader has checked that it has one."""
    if tensor.quantisation is None:
        raise ValueError(f"tensor {tensor.name!r} has no quantisation")
    return tensor.quantisation


def require_int8(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each named tensor that is not int8 with one scale and zero point."""
    return require_quantised(node, graph, indices, "int8")


def require_own_type(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each named tensor that is not of the node's type, with one scale and zero point."""
    return require_quantised(node, graph, indices, held_in(node.kind))


def require_no_zero_point(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each named tensor, all of which are quantised, whose zero point is not 0."""
    return [
        f"{node.label}: tensor {tensor.name!r} is {tensor.dtype} and has a zero point, needed is 0; "
        "convert the model again"
        for tensor in (graph.tensors[index] for index in indices)
        if quantisation_of(tensor).zero_point
    ]


_MODES = {"int16": "--int16x8"}


def require_quantised(node: Node, graph: Graph, indices: Sequence[int], dtype: str) -> list[str]:
    """Return a problem for each named tensor that is not of an integer type, with one scale and zero point."""
    problems = []
    mode = _MODES.get(dtype, "--int8")
    for index in indices:
        tensor = graph.tensors[index]
        if tensor.dtype != dtype:
            remedy = f"convert the model with `edgemnist convert {mode}`"
            problems.append(f"{node.label}: tensor {tensor.name!r} is {tensor.dtype}, needed is {dtype}; {remedy}")
        elif tensor.quantisation is None:
            problems.append(
                f"{node.label}: tensor {tensor.name!r} has no scale and zero point; convert with full {dtype} "
                "quantisation"
            )
        elif tensor.quantisation.per_channel and tensor.data is None:
            problems.append(f"{node.label}: activation {tensor.name!r} is quantised per channel; convert per tensor")
    return problems


def activation_range(activation: int, output: TensorInfo) -> tuple[int, int]:
    """Return the clamping range of a fused activation in the output's quantisation, of int8 or int16.

    Source: TFLite ``CalculateActivationRangeQuantized``: the bound's quantised value, limited to the type.
    """
    quantisation = quantisation_of(output)

    def quantised(real: float) -> int:
        # TFLite divides in float32 and rounds half away from zero.
        ratio = float(np.float32(real) / np.float32(quantisation.scale))
        return quantisation.zero_point + int(np.floor(abs(ratio) + 0.5) * np.sign(ratio))

    low, high = (-32768, 32767) if output.dtype == "int16" else (-128, 127)
    if activation in (ACTIVATION_RELU, ACTIVATION_RELU6):
        low = max(low, quantised(0.0))
    if activation == ACTIVATION_RELU6:
        high = min(high, quantised(6.0))
    if activation == ACTIVATION_RELU_N1_TO_1:
        low, high = max(low, quantised(-1.0)), min(high, quantised(1.0))
    return low, high


def check_activation(node: Node, option: str = "fused_activation_function") -> list[str]:
    """Return a problem when the fused activation is one that int8 kernels don't have."""
    activation = node.integer(option)
    if activation in (ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU_N1_TO_1, ACTIVATION_RELU6):
        return []
    return [
        f"{node.label}: fused activation {activation} is not one of none, ReLU, ReLU6, ReLU -1..1; "
        "put the activation into a layer of its own"
    ]
