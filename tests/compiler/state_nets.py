"""Models that keep something: a net with further inputs and outputs, of which some become variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compiler.model_builder import edited

_CODES = {"CALL_ONCE": 129, "VAR_HANDLE": 142, "READ_VARIABLE": 143, "ASSIGN_VARIABLE": 144}


@dataclass(frozen=True, eq=False)
class Keeps:
    """The input ``before`` and the output ``after``, by their places, become a variable with a first value.

    ``twice``: it is read a second time by an operator of its own, of which the places of ``again`` take their input.
    """

    before: int
    after: int
    first: NDArray[Any]


def with_variables(content: bytes, kept: Sequence[Keeps]) -> bytes:
    """Return a model in which inputs and outputs have become variables."""
    return edited(content, lambda model: _change(model, kept))


def _change(model: Any, kept: Sequence[Keeps]) -> None:
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    reads, assigned = [graph.inputs[one.before] for one in kept], [graph.outputs[one.after] for one in kept]
    front, back = [_operator(model, "CALL_ONCE", [], [], _once(schema))], []
    once = schema.SubGraphT()
    once.tensors, once.operators, once.inputs, once.outputs, once.name = [], [], [], [], b"once"
    for number, (one, read, after) in enumerate(zip(kept, reads, assigned, strict=True)):
        handle = _handle(model, graph, number, schema)
        front.append(_operator(model, "VAR_HANDLE", [], [handle], _named(number, schema)))
        front.append(_operator(model, "READ_VARIABLE", [handle], [read], None))
        back.append(_operator(model, "ASSIGN_VARIABLE", [handle, after], [], None))
        inner = _handle(model, once, number, schema)
        once.operators.append(_operator(model, "VAR_HANDLE", [], [inner], _named(number, schema)))
        value = _constant(model, once, graph.tensors[read], one.first, schema)
        once.operators.append(_operator(model, "ASSIGN_VARIABLE", [inner, value], [], None))
    graph.inputs = [index for place, index in enumerate(graph.inputs) if place not in {one.before for one in kept}]
    graph.outputs = [index for place, index in enumerate(graph.outputs) if place not in {one.after for one in kept}]
    graph.operators = [*front, *graph.operators, *back]
    model.subgraphs.append(once)


def _operator(model: Any, kind: str, inputs: Sequence[int], outputs: Sequence[int], options: Any) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = _CODES[kind], 127, 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = list(inputs), list(outputs)
    if options is not None:
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    return operator


def _once(schema: Any) -> Any:
    options = schema.CallOnceOptionsT()
    options.initSubgraphIndex = 1
    return options


def _named(number: int, schema: Any) -> Any:
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", f"stream_{number}/states".encode()
    return options


def _handle(model: Any, graph: Any, number: int, schema: Any) -> int:
    tensor = schema.TensorT()
    tensor.type, tensor.name, tensor.shape, tensor.buffer = schema.TensorType.RESOURCE, f"handle {number}", [], 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _constant(model: Any, graph: Any, like: Any, first: NDArray[Any], schema: Any) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(first.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.type, tensor.name, tensor.shape = like.type, "first", list(first.shape)
    tensor.buffer, tensor.quantization = len(model.buffers) - 1, like.quantization
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
