"""An LSTM's operands by name, and what its checks ask of them whatever it computes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap
from edgemnist.compiler.ops.operands import input_tensor, output_tensor

SCHEMA = Schema("UnidirectionalSequenceLSTMOptions", 24, 24, needed=True)

GATES = ("input", "forget", "cell", "output")
INPUT_WEIGHTS, HIDDEN_WEIGHTS, BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
"""The places of the gates' operands, in the order of :data:`GATES`."""

HIDDEN, CELL = 18, 19

_ABSENT = (("a peephole", range(9, 12)), ("a projection", range(16, 18)), ("layer normalisation", range(20, 24)))
"""What TFLM's LSTM has not, and the operands that would be for it."""

ACTIVATION_TANH = 4
"""Of the schema: what every LSTM's cell gate has."""

_CORRUPT = "the file is corrupt, convert it again"


@dataclass(frozen=True)
class Sizes:
    """``rows`` steps of all sequences together, one row of inputs each; ``time_major``: the sequences take turns."""

    rows: int
    batch: int
    inputs: int
    units: int
    time_major: bool

    @property
    def macs(self) -> int:
        """Products of an inference."""
        return self.rows * len(GATES) * self.units * (self.inputs + self.units)

    def sequence_of(self, row: int) -> int:
        """Return to which sequence a row belongs."""
        return row % self.batch if self.time_major else row // (self.rows // self.batch)


def sizes_of(node: Node, graph: Graph) -> Sizes:
    """Return the sizes, as input and hidden state tell them."""
    first, second, inputs = input_tensor(node, graph).shape
    time_major = bool(node.options.get("time_major"))
    return Sizes(
        first * second, second if time_major else first, inputs, graph.tensors[node.inputs[HIDDEN]].shape[1], time_major
    )


def gate_values(node: Node, graph: Graph, places: tuple[int, ...]) -> NDArray[Any]:
    """Return an operand of all gates, stacked in the order of :data:`GATES`."""
    return np.stack([np.asarray(graph.tensors[node.inputs[place]].data) for place in places])


def overlap_of(sizes: Sizes, element: int) -> Overlap:
    """Return how far the output may lie over the input, elements of so many bytes: a row before the next to be read."""
    ahead = (sizes.units - sizes.inputs) * (sizes.rows - 1)
    return Overlap(at_most=element * (-sizes.units - max(ahead, 0)))


def lacks_operands(node: Node) -> bool:
    """Return whether there is nothing more to check, since the reader has said what the node lacks."""
    return len(node.inputs) != SCHEMA.most or -1 in (node.inputs[HIDDEN], node.inputs[CELL])


def check_parts(node: Node) -> list[str]:
    """Return a problem for each part that TFLM's LSTM has not, and for each operand that it needs."""
    problems = [
        f"{node.label}: has {what}, which TFLM has not; train a plain LSTM layer"
        for what, places in _ABSENT
        if any(node.inputs[place] != -1 for place in places)
    ]
    needed = (*INPUT_WEIGHTS, *HIDDEN_WEIGHTS, *BIASES)
    if any(node.inputs[place] == -1 for place in needed):
        problems.append(
            f"{node.label}: a gate has no weights or bias, and TFLM takes no coupled gates; train a plain LSTM layer"
        )
    if node.integer("fused_activation_function") != ACTIVATION_TANH:
        number = node.integer("fused_activation_function")
        problems.append(f"{node.label}: activation {number} is not tanh, which TFLM's LSTM has; train it with tanh")
    if node.options.get("diagonal_recurrent_tensors"):
        problems.append(f"{node.label}: has diagonal recurrent weights, which TFLM has not; train a plain LSTM layer")
    if not 0 <= node.number("cell_clip") < np.inf:
        problems.append(f"{node.label}: cell_clip is {node.number('cell_clip')}, needed is 0 or more; {_CORRUPT}")
    return problems


def check_shapes(node: Node, graph: Graph) -> list[str]:
    """Return a problem where an operand's shape is not what the input's and the hidden state's give."""
    source, hidden = input_tensor(node, graph).shape, graph.tensors[node.inputs[HIDDEN]].shape
    if len(source) != 3 or len(hidden) != 2:
        return [f"{node.label}: goes from shape {list(source)} with a state of {list(hidden)}, needed are 3 and 2 axes"]
    sizes = sizes_of(node, graph)
    wanted: dict[int, tuple[int, ...]] = {
        **dict.fromkeys(INPUT_WEIGHTS, (sizes.units, sizes.inputs)),
        **dict.fromkeys(HIDDEN_WEIGHTS, (sizes.units, sizes.units)),
        **dict.fromkeys(BIASES, (sizes.units,)),
        HIDDEN: (sizes.batch, sizes.units),
        CELL: (sizes.batch, sizes.units),
    }
    found = ((graph.tensors[node.inputs[place]], shape) for place, shape in wanted.items())
    problems = [
        f"{node.label}: {tensor.name!r} has shape {list(tensor.shape)}, needed is {list(shape)}; {_CORRUPT}"
        for tensor, shape in found
        if tensor.shape != shape
    ]
    return problems or require_shape(
        node, output_tensor(node, graph), (*source[:2], sizes.units), "what the cells give"
    )
