"""What the compiler makes of a model, as plain values and as text: the graph, the program, the memory plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import SCRATCH, Placed, Plan
from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.ops.fields import CArray, Field
from edgemnist.support.choices import unknown
from edgemnist.tflite.file import TensorInfo


def graph_values(program: Program, _: Plan) -> dict[str, Any]:
    """Return the graph after the passes: its nodes in order, and every tensor that they name."""
    graph = program.graph
    named = {*graph.given, *graph.wanted, *graph.storage, *graph.storage.values()}
    named.update(index for node in graph.nodes for index in (*node.inputs, *node.outputs) if index != -1)
    return {
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "variables": [{"name": one.name, "before": one.before, "after": one.after} for one in graph.variables],
        "nodes": [_node(node) for node in graph.nodes],
        "tensors": [_tensor(graph, index) for index in sorted(named)],
    }


def program_values(program: Program, _: Plan) -> dict[str, Any]:
    """Return the kernel calls in order: functions, fields of their structs, sizes of their arrays."""
    return {
        "target": program.settings.target,
        "rounding": program.settings.rounding,
        "macs": program.macs,
        "constant_bytes": program.constant_bytes,
        "steps": [_step(step) for step in program.steps],
    }


def plan_values(program: Program, plan: Plan) -> dict[str, Any]:
    """Return the arena: every buffer's place and the steps in which it is alive."""
    return {
        "arena_bytes": plan.size,
        "largest_tensor_bytes": plan.largest_tensor,
        "largest_live_set_bytes": plan.largest_live_set,
        "steps": len(program.steps),
        "buffers": [_buffer(program.graph, item) for item in plan.placed],
    }


DUMPS: Mapping[str, Callable[[Program, Plan], dict[str, Any]]] = MappingProxyType(
    {"graph": graph_values, "program": program_values, "plan": plan_values}
)
"""What can be dumped, by name."""


def check_dump(kind: str) -> str:
    """Return ``kind`` if it can be dumped.

    :raises InputError: it can't.
    """
    if kind not in DUMPS:
        raise unknown("dump", kind, DUMPS)
    return kind


@dataclass(frozen=True, eq=False)
class Dump:
    """One of ``DUMPS`` of a compiled model, as values that JSON can hold."""

    kind: str
    values: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist codegen --dump``."""
        return {"dump": self.kind, **self.values}

    def as_text(self) -> str:
        """Return the same for people: a line for each value, lists of records with a dash before each record."""
        return "\n".join(_lines(self.values)) + "\n"


def _node(node: Node) -> dict[str, Any]:
    return {
        "operator": node.label,
        "sources": list(node.sources),
        "inputs": list(node.inputs),
        "outputs": list(node.outputs),
        "options": {name: _plain(value) for name, value in node.options.items()},
        "padding": None if node.padding is None else asdict(node.padding),
        "fused": [_node(follower) for follower in node.fused],
    }


def _tensor(graph: Graph, index: int) -> dict[str, Any]:
    tensor = graph.tensors[index]
    return {
        "index": index,
        "name": tensor.name,
        "label": graph.called(index),
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "constant": tensor.data is not None,
        "memory_of": graph.root(index),
        "kept_channels": list(graph.kept[index].channels) if index in graph.kept else None,
        **_quantisation(tensor),
    }


def _quantisation(tensor: TensorInfo) -> dict[str, Any]:
    if tensor.quantisation is None:
        return {"scales": [], "zero_points": []}
    quantisation = tensor.quantisation
    return {
        "scales": [float(scale) for scale in quantisation.scales],
        "zero_points": [int(point) for point in quantisation.zero_points],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "operator": step.node.label,
        "kernel": step.function,
        "header": step.header,
        "inputs": list(step.inputs),
        "outputs": list(step.outputs),
        "struct": step.struct_type,
        "fields": _fields(step.parameters),
        "arrays": [_array(array) for array in step.arrays],
        "scratch_bytes": step.scratch,
        "macs": step.macs,
        "overlaps": [
            {"input": source, "output": target, **asdict(overlap)}
            for (source, target), overlap in step.overlaps.items()
        ],
        "sparse": None if step.sparsity is None else asdict(step.sparsity),
    }


def _fields(fields: Iterable[Field]) -> dict[str, Any]:
    return {field.name: _fields(field.value) if isinstance(field.value, tuple) else field.value for field in fields}


def _array(array: CArray) -> dict[str, Any]:
    return {"name": array.suffix, "ctype": array.ctype, "elements": int(array.values.size), "bytes": array.bytes}


def _buffer(graph: Graph, item: Placed) -> dict[str, Any]:
    buffer = item.buffer
    return {
        "name": buffer.name if buffer.tensor == SCRATCH else graph.tensors[buffer.tensor].name,
        "label": buffer.name,
        "tensor": None if buffer.tensor == SCRATCH else buffer.tensor,
        "offset": item.offset,
        "bytes": buffer.size,
        "first_step": buffer.first,
        "last_step": buffer.last,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return [_plain(item) for item in value] if isinstance(value, Iterable) else str(value)


def _lines(values: Mapping[str, Any], indent: str = "") -> Iterable[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{name}:"
            for record in value:
                first, *others = _lines(record, indent + "    ")
                yield from (f"{indent}  - {first.lstrip()}", *others)
        else:
            yield f"{indent}{name}: {_value(value)}".rstrip()


def _value(value: Any) -> str:
    if isinstance(value, (list, Mapping)):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
