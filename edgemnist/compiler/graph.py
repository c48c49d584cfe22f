"""The compiler's graph: tensors and nodes as frozen values; every pass takes one and returns a new one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import TensorInfo, WithOptions
from edgemnist.tflite.names import printable, readable_name
from edgemnist.tflite.tables import OptionValue

ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU_N1_TO_1, ACTIVATION_RELU6 = 0, 1, 2, 3
PADDING_SAME, PADDING_VALID = 0, 1

FLOAT, UINT8, INT16, INT32, BOOL = "FLOAT_", "UINT8_", "INT16_", "INT32_", "BOOL_"
TYPED: Mapping[str, str] = {"float32": FLOAT, "uint8": UINT8, "int16": INT16, "int32": INT32, "bool": BOOL}
"""By dtype what begins the kind of a node that computes in it, so that nothing that is true of int8 alone is done to
it."""

IMAGE_BY_IMAGE = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")
"""Operators whose kernels take one image, and are called for each of several."""

HYBRID = "HYBRID_"
"""Begins the kind of a layer on float32 whose weights are int8: it quantises its input at run time."""

INT4 = "INT4_"
"""Begins the kind of a layer that computes in int8 with weights of 4 bits."""

_PREFIXES: Mapping[str, str] = {
    HYBRID: "float32",
    INT4: "int8",
    **{prefix: dtype for dtype, prefix in TYPED.items()},
}


def plain_kind(kind: str) -> str:
    """Return TFLite's name of an operator, whatever type it computes in."""
    return next((kind.removeprefix(one) for one in _PREFIXES if kind.startswith(one)), kind)


def held_in(kind: str) -> str:
    """Return the dtype that the tensors of such a node have in the graph, where those of uint8 are int8."""
    return "int8" if kind.startswith(UINT8) else type_of(kind)


def type_of(kind: str) -> str:
    """Return the dtype that a kind of node computes in, as its name says."""
    return next((dtype for one, dtype in _PREFIXES.items() if kind.startswith(one)), "int8")


@dataclass(frozen=True)
class Padding:
    """Rows and columns of zero points around an image, in pixels."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0


@dataclass(frozen=True)
class Node(WithOptions):
    """One operator, possibly with later ones fused into it.

    ``kind`` is the TFLite schema's name; ``inputs`` and ``outputs`` are tensor indices, -1 for an absent one.
    ``sources`` are the operators' positions in the file. ``padding`` replaces the SAME/VALID option once it is set.
    ``fused`` holds the absorbed followers in order; ``inputs`` then ends with their other inputs.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue]
    sources: tuple[int, ...]
    padding: Padding | None = None
    fused: tuple[Node, ...] = ()

    @property
    def operator(self) -> str:
        """TFLite's name of the operator, whatever type it computes in."""
        return plain_kind(self.kind)

    @property
    def label(self) -> str:
        """Name for people: the kinds joined, and where it stands in the file."""
        kinds = "+".join(node.operator for node in (self, *self.fused))
        return f"operator {self.sources[0]} {kinds}"


@dataclass(frozen=True, eq=False)
class KeptChannels:
    """Which channels of a tensor are computed where some are left out; a channel is a place along the last axis.

    ``shape`` is the tensor's in the file, ``channels`` are those that are left, ascending; ``constants`` has the value
    of each that is left out because it is always the same. Of the others nobody reads the value.
    """

    shape: tuple[int, ...]
    channels: tuple[int, ...]
    constants: Mapping[int, int]

    def expanded(self, values: NDArray[Any]) -> np.ma.MaskedArray[Any, Any]:
        """Return the whole tensor for its computed channels, shape (..., *tensor shape); unread ones are masked."""
        leading = values.shape[: values.ndim - len(self.shape)]
        whole, unread = np.zeros((*leading, *self.shape), values.dtype), np.ones((*leading, *self.shape), bool)
        known = [*self.channels, *self.constants]
        whole[..., list(self.channels)] = values
        whole[..., list(self.constants)] = list(self.constants.values())
        unread[..., known] = False
        result: np.ma.MaskedArray[Any, Any] = np.ma.array(whole, mask=unread)  # type: ignore[no-untyped-call]
        return result


@dataclass(frozen=True, eq=False)
class Variable:
    """What is kept from one inference to the next: the tensor that has it before, and the one that has it after.

    Where that is the same tensor, an operator changes it in place: it lies in the state, not in the arena. ``first``:
    its value before the first inference, in the tensors' shape and dtype.
    """

    name: str
    before: int
    after: int
    first: NDArray[Any]

    @property
    def in_place(self) -> bool:
        """Whether it is never copied."""
        return self.before == self.after


@dataclass(frozen=True)
class LeftOut:
    """The output channels of a layer that are not computed: those always the same, and others that nobody reads."""

    layer: str
    channels: int
    constant: int
    unread: int

    @property
    def gone(self) -> int:
        """How many are not computed."""
        return self.constant + self.unread


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: its int8 (or float) inputs and outputs in the file's order, nodes in execution order, what it keeps.

    ``further`` is how many graphs the file has that are not compiled. ``storage`` maps a tensor to the one whose memory
    it shares (a reshape's output to its input). ``kept`` has the tensors that are computed in part, ``left_out`` says
    the same of layers. ``shifted`` are the tensors that are int8 here and come from uint8 ones, whose values and zero
    points are 128 more. ``names`` has tensors' names for people. ``worked_out``: what a layer's constants come to, by
    what it is; kept, since a graph is lowered for several targets and in several ways.
    """

    tensors: Mapping[int, TensorInfo]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    source_sha256: str
    storage: Mapping[int, int]
    kept: Mapping[int, KeptChannels] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    variables: tuple[Variable, ...] = ()
    further: int = 0
    shifted: frozenset[int] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)
    worked_out: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def called(self, tensor: int) -> str:
        """Return a tensor's name for people; one that the compiler added, beside another of its name, has a number."""
        if self.names:
            return self.names.get(tensor) or f"{readable_name(self.tensors[tensor].name)} #{tensor}"
        return printable(self.tensors[tensor].name) or f"tensor {tensor}"

    def is_of_file(self, tensor: int) -> bool:
        """Whether a tensor is one of the file's, which have names, and not one that the compiler added."""
        return not self.names or tensor in self.names

    def state_name(self, variable: Variable) -> str:
        """Return the name for people of what is kept."""
        return self.called(variable.before) if variable.in_place else printable(variable.name) or "state"

    @property
    def entering(self) -> tuple[int, ...]:
        """The tensors that are in the arena before the first node: inputs, and what is copied from the state."""
        return (*self.inputs, *(one.before for one in self.variables if not one.in_place))

    @property
    def leaving(self) -> tuple[int, ...]:
        """The tensors that are in the arena after the last node: outputs, and what is copied to the state."""
        return (*self.outputs, *(one.after for one in self.variables if not one.in_place))

    @property
    def in_place(self) -> tuple[int, ...]:
        """The tensors that lie in the state: an operator keeps each from one inference to the next."""
        return tuple(one.before for one in self.variables if one.in_place)

    @property
    def given(self) -> tuple[int, ...]:
        """The tensors that have a value before the first node."""
        return (*self.entering, *self.in_place)

    @property
    def wanted(self) -> tuple[int, ...]:
        """The tensors that have to be there after the last node."""
        return (*self.leaving, *self.in_place)

    @property
    def input(self) -> int:
        """The only input.

        :raises ModelError: there are several.
        """
        return self._only(self.inputs, "input")

    @property
    def output(self) -> int:
        """The only output.

        :raises ModelError: there are several.
        """
        return self._only(self.outputs, "output")

    def _only(self, indices: tuple[int, ...], what: str) -> int:
        if len(indices) != 1:
            names = ", ".join(map(self.called, indices))
            raise ModelError(f"the model has {len(indices)} {what}s ({names}), and this takes one")
        return indices[0]

    def root(self, tensor: int) -> int:
        """Return the tensor whose memory ``tensor`` lives in."""
        while tensor in self.storage:
            tensor = self.storage[tensor]
        return tensor

    def is_constant(self, tensor: int) -> bool:
        """Whether ``tensor`` has a value in the file."""
        return tensor != -1 and self.tensors[tensor].data is not None

    def activations(self, indices: Iterable[int]) -> tuple[int, ...]:
        """Return those of ``indices`` that are computed at run time."""
        return tuple(index for index in indices if index != -1 and self.tensors[index].data is None)

    def expanded(self, tensor: int, values: NDArray[Any]) -> NDArray[Any]:
        """Return a computed tensor, shape (..., *tensor shape), as the file has it.

        With all its channels, see :class:`KeptChannels`, and uint8 where it is in ``shifted``.
        """
        whole = self.kept[tensor].expanded(values) if tensor in self.kept else values
        return (whole.astype(np.int16) + 128).astype(np.uint8) if tensor in self.shifted else whole

    def images(self, node: Node) -> int:
        """Return how often a node's kernel is called: for each image of its output, where it takes one."""
        return self.tensors[node.outputs[0]].shape[0] if node.operator in IMAGE_BY_IMAGE else 1

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """Return the same graph with other nodes."""
        return replace(self, nodes=tuple(nodes))


def validate(graph: Graph) -> Graph:
    """Return ``graph`` if it is one that can be run; called after every pass.

    Every tensor has one producer and is written before it is read, the outputs are written, storage leads to a tensor
    that is.

    :raises ValueError: it is not: a pass is wrong. Says which node.
    """
    roots = _roots(graph)
    known = set(graph.given)
    for node in graph.nodes:
        for index in node.inputs:
            if index != -1 and not graph.is_constant(index) and roots.get(index, index) not in known:
                raise ValueError(f"{node.label} reads tensor {index} before it is written")
        for index in node.outputs:
            if index in known or index in roots or index not in graph.tensors or graph.is_constant(index):
                raise ValueError(f"{node.label} writes tensor {index}, which has a value already or is none")
        if node.fused and node.fused[-1].outputs != node.outputs:
            raise ValueError(f"{node.label} does not write what its last operator writes")
        known.update(node.outputs)
    for index in graph.wanted:
        if roots.get(index, index) not in known:
            raise ValueError(f"an output, tensor {index}, is never written")
    return graph


def _roots(graph: Graph) -> dict[int, int]:
    """Return the tensor at the end of every alias.

    :raises ValueError: aliases go round in a circle.
    """
    roots: dict[int, int] = {}
    for alias in graph.storage:
        chain = [alias]
        while chain[-1] in graph.storage and chain[-1] not in roots:
            chain.append(graph.storage[chain[-1]])
            if len(chain) > len(graph.storage) + 1:
                raise ValueError(f"tensor {alias} is an alias of itself")
        end = roots.get(chain[-1], chain[-1])
        roots.update(dict.fromkeys(chain[:-1], end))
    return roots
