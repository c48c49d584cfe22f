"""Do the claims of a ``.tflite`` hold, its shapes, options, constants? Interpreters believe them, the compiler not.

Where two interpreters believe the same wrong claim they agree, and their agreement says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from edgemnist.runner.run import LoadedModel
from edgemnist.support.progress import say
from edgemnist.tflite.file import OperatorInfo, TfliteModel
from edgemnist.tflite.kinds import ModelKind

_ACTIVATIONS = {"int8": frozenset({"int8"}), "int16": frozenset({"int16"})}
_EDGES = {
    "QUANTIZE": frozenset({"int8", "float32"}),
    "DEQUANTIZE": frozenset({"int8", "float32"}),
    "INT16_QUANTIZE": frozenset({"int8", "int16", "float32"}),
    "INT16_DEQUANTIZE": frozenset({"int16", "float32"}),
}
"""Types of what is computed with which the compiler knows any operator, by the type it computes in, and these."""

_CONSTANTS = frozenset({"int8", "int16", "int32", "int64"})


class Standing(Enum):
    """What is known of a file's claims."""

    HOLD = "hold"
    """All were worked out again, and are what the file says."""

    UNCHECKED = "unchecked"
    """Nothing speaks against them; the compiler does not know all operators or types, or the file is too large."""

    REFUSED = "refused"
    """The compiler knows operators and types, and refuses them: what is claimed can't be, or can't be vouched for."""


@dataclass(frozen=True)
class Claims:
    """The standing of a file's claims; ``problems`` says why they are refused, a line each."""

    standing: Standing
    problems: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return the first problem and how many more there are."""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0]}{more}" if self.problems else ""


def claims_of(model: TfliteModel) -> Claims:
    """Return what the compiler says to the claims of a file; it takes files with one input and one output."""
    from edgemnist.compiler.claims import budget_problems
    from edgemnist.compiler.reader import read_graph
    from edgemnist.support.errors import ModelError, UnsupportedModelError

    if budget_problems(model):
        return Claims(Standing.UNCHECKED)
    try:
        read_graph(model)
    except ModelError as error:
        problems = error.problems if isinstance(error, UnsupportedModelError) else (str(error),)
    else:
        return Claims(Standing.HOLD)
    known = [operator for operator in model.operators if _is_known(operator, model)]
    if len(known) < len(model.operators) or model.subgraphs != 1 or len(model.inputs) != 1 or len(model.outputs) != 1:
        # What was said then may only be that something is not known: that which is has to stand on its own.
        problems = tuple(_problems_of(known, model))
    return Claims(Standing.REFUSED if problems else Standing.UNCHECKED, problems)


def warn_of(model: LoadedModel) -> None:
    """Say so where an integer model's claims are refused: an interpreter may run it, what comes out means nothing."""
    if model.tflite is None or model.kind not in (ModelKind.INT8, ModelKind.INT16X8):
        return
    claims = claims_of(model.tflite)
    if claims.standing is Standing.REFUSED:
        say(f"warning: {model.name} can't be trusted, whatever is made of it: {claims.in_words()}")


def _is_known(operator: OperatorInfo, model: TfliteModel) -> bool:
    """Whether the compiler knows an operator and the types that it works on."""
    from edgemnist.compiler.graph import type_of
    from edgemnist.compiler.ops import OPERATORS
    from edgemnist.compiler.state import nodes_of
    from edgemnist.compiler.typed_kinds import typed

    (node,) = nodes_of([operator])
    kind = typed(node, {tensor.index: tensor for tensor in model.tensors}).kind
    computed = _EDGES.get(kind, _ACTIVATIONS.get(type_of(kind), frozenset()))
    tensors = [model.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != -1]
    return kind in OPERATORS and all(
        tensor.dtype in (computed if tensor.data is None else _CONSTANTS) and not tensor.is_sparse for tensor in tensors
    )


def _problems_of(known: Sequence[OperatorInfo], model: TfliteModel) -> Iterator[str]:
    """Yield what is wrong with operators, each looked at alone."""
    from edgemnist.compiler.claims import operand_problems, table_problems
    from edgemnist.compiler.graph import Graph
    from edgemnist.compiler.ops import OPERATORS
    from edgemnist.compiler.state import nodes_of
    from edgemnist.compiler.typed_kinds import typed

    tensors = {tensor.index: tensor for tensor in model.tensors}
    nodes = tuple(typed(node, tensors) for node in nodes_of(known))
    graph = Graph(tensors, nodes, model.inputs, model.outputs, model.sha256, {})
    for operator, node in zip(known, nodes, strict=True):
        definition = OPERATORS[node.kind]
        alone = replace(model, operators=(operator,))
        problems = table_problems(alone, {operator.index: node.kind}, definition.kinds)
        problems += operand_problems(node, tensors, several_outputs=definition.several_outputs)
        yield from problems or definition.check(node, graph)
