"""The graph of a live Keras model, of Keras 2 or 3, as calls of layers in the order of computation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer, or of an operation of Keras 3. ``outputs`` are its tensors, flat."""

    layer: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    outputs: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """The class's name."""
        return type(self.layer).__name__

    @property
    def label(self) -> str:
        """Class and name, for messages."""
        return f"{self.kind} {self.layer.name!r}"

    @property
    def inputs(self) -> list[Any]:
        """The tensors among the arguments."""
        return [value for value in flat((self.arguments, self.options)) if is_tensor(value)]


def is_graph(model: Any) -> bool:
    """Whether it is a model whose layers and their connections are known: functional or sequential, and built."""
    return hasattr(_graph(model), "_nodes_by_depth") and bool(getattr(model, "inputs", None))


def calls(model: Any) -> Iterator[Call]:
    """Yield every call in a functional or sequential model, each after those that it needs; inputs are left out."""
    nodes = _graph(model)._nodes_by_depth
    for depth in sorted(nodes, reverse=True):
        for node in nodes[depth]:
            if not node.is_input:
                yield _of_keras_3(node) if hasattr(node, "operation") else _of_keras_2(node)


def _graph(model: Any) -> Any:
    return getattr(model, "_functional", None) or model


def _of_keras_2(node: Any) -> Call:
    return Call(node.layer, tuple(node.call_args), dict(node.call_kwargs), tuple(flat(node.outputs)))


def _of_keras_3(node: Any) -> Call:
    given = node.arguments
    return Call(node.operation, tuple(given.args), dict(given.kwargs), tuple(node.output_tensors))


def is_tensor(value: Any) -> bool:
    """Whether a value is a symbolic tensor of either Keras."""
    return type(value).__name__ == "KerasTensor" or hasattr(value, "_keras_history")


def flat(value: Any) -> Iterator[Any]:
    """Yield everything in nested lists, tuples and dictionaries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from flat(entry)
    else:
        yield value


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return nested lists, tuples and dictionaries with every tensor in them replaced."""
    if isinstance(value, dict):
        return {key: mapped(entry, function) for key, entry in value.items()}
    if isinstance(value, list):
        return [mapped(entry, function) for entry in value]
    if isinstance(value, tuple):
        return tuple(mapped(entry, function) for entry in value)
    return function(value) if is_tensor(value) else value
