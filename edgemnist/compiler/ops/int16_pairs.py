"""ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM and MINIMUM on int16: one call, which scales as the oracle does."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.compiler.fixedpoint import Multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Step, activation_range
from edgemnist.compiler.ops.broadcasting import constant_operands, pair_fields, pair_overlaps
from edgemnist.compiler.ops.fields import int16, int32
from edgemnist.compiler.ops.operands import output_tensor

_NONE = Multiplier(0, 0)


@dataclass(frozen=True)
class Int16Pair:
    """Factors of a sum's operands and of the sum or product, and the operands' signs; none for a comparison."""

    combined: Multiplier = _NONE
    operands: tuple[Multiplier, Multiplier] = (_NONE, _NONE)
    signs: tuple[int, int] = (1, 1)


def lower_int16_pair(node: Node, graph: Graph, function: str, pair: Int16Pair) -> Step:
    """Return the call of a kernel of two int16 operands."""
    order = (1, 0) if graph.is_constant(node.inputs[1]) else (0, 1)  # constants come first
    tensors = tuple(node.inputs[position] for position in order)
    a, b = (pair.operands[position] for position in order)
    low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
    return Step(
        node=node, header="em_int16_pairs.h", function=function, struct_type="em_int16_pair_params",
        parameters=(
            *pair_fields(node, graph, order),
            *int32(a_multiplier=a.mantissa, b_multiplier=b.mantissa, multiplier=pair.combined.mantissa),
            *int16(
                a_exponent=a.exponent, b_exponent=b.exponent, exponent=pair.combined.exponent,
                a_sign=pair.signs[order[0]], b_sign=pair.signs[order[1]], minimum=low, maximum=high,
            ),
        ),
        inputs=graph.activations(tensors), outputs=node.outputs,
        arrays=constant_operands(graph, tensors), overlaps=pair_overlaps(node, graph),
    )  # fmt: skip
