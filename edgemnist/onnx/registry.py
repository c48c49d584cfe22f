"""What an operator's function gets, and the table of them, made of the modules in ``operators/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgemnist.onnx.graph import Constant, Node
from edgemnist.onnx.values import RefusedError, Value
from edgemnist.support.discovery import modules_of

_REQUIRED: Any = object()


@dataclass(frozen=True, eq=False)
class Use:
    """One operator where it is used: ``given`` are its inputs, None where an optional one is absent."""

    node: Node
    given: tuple[Value | Constant | None, ...]
    opset: int
    batch: int

    def value(self, index: int = 0) -> Value:
        """Return an input that depends on the image.

        :raises RefusedError: it is a constant or absent.
        """
        found = self.given[index] if index < len(self.given) else None
        if not isinstance(found, Value):
            raise RefusedError(f"has a constant, or nothing, as input {index}; only what is computed of the image")
        return found

    def constant(self, index: int) -> Constant | None:
        """Return a constant input, None if it is absent.

        :raises RefusedError: it depends on the image.
        """
        found = self.given[index] if index < len(self.given) else None
        if isinstance(found, Value):
            raise RefusedError(f"computes its input {index} from the image; only constants there")
        return found

    def weights(self, index: int) -> Constant:
        """Return a constant input that has to be there.

        :raises RefusedError: it depends on the image, or is absent.
        """
        found = self.constant(index)
        if found is None:
            raise RefusedError(f"lacks its input {index}")
        return found

    def attribute(self, name: str, default: Any = _REQUIRED) -> Any:
        """Return an attribute, or its default.

        :raises RefusedError: it is absent and has no default.
        """
        found = self.node.attributes.get(name, default)
        if found is _REQUIRED:
            raise RefusedError(f"lacks its attribute {name!r}")
        return found

    def require(self, name: str, *allowed: Any) -> None:
        """Refuse another value of an attribute than the allowed ones, of which the first is the default.

        :raises RefusedError: it has another value.
        """
        found = self.attribute(name, allowed[0])
        if found not in allowed:
            raise RefusedError(f"has {name} {found!r}; only {' or '.join(repr(value) for value in allowed)}")

    def integers(self, name: str, index: int) -> tuple[int, ...] | None:
        """Return integers that older opsets give as an attribute and newer ones as an input; None if absent."""
        found = self.attribute(name, None)
        if found is None and (constant := self.constant(index)) is not None:
            found = constant.reshape(-1).tolist()
        return None if found is None else tuple(int(value) for value in found)


Operator = Callable[[Use], Value | tuple[Value, ...]]
"""Returns the operator's output, or several in their order; what nobody needs may be left out at the end."""
_table: dict[str, Operator] = {}


def operator(*kinds: str) -> Callable[[Operator], Operator]:
    """Put a function into the table for operators of these kinds (see :attr:`Node.kind`)."""

    def register(function: Operator) -> Operator:
        _table.update(dict.fromkeys(kinds, function))
        return function

    return register


@cache
def operators() -> dict[str, Operator]:
    """Return the table of operators by kind."""
    for _ in modules_of("edgemnist.onnx.operators"):
        pass
    return dict(sorted(_table.items()))
