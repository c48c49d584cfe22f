"""Functions of one float32 element, as TFLite's references compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_RELU_N1_TO_1, FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import Field, int32
from edgemnist.compiler.ops.floats import Floats, c_function, limit_fields, limited, require_float
from edgemnist.compiler.ops.operands import ends_of, input_tensor, require_same_shape

_ACTIVATIONS: Mapping[str, int] = {
    "RELU": ACTIVATION_RELU,
    "RELU6": ACTIVATION_RELU6,
    "RELU_N1_TO_1": ACTIVATION_RELU_N1_TO_1,
}

_HIGHEST, _LOWEST = np.float32(16.619047164916992), np.float32(-9.0)
"""Beyond these LOGISTIC is 1, or the exponential itself (TFLite ``reference_ops::Logistic``)."""


def _round(x: Floats) -> Floats:
    """Return the nearest integers, halves to even (TFLite ``RoundToNearest``)."""
    below = np.floor(x)
    rest = x - below
    return np.where((rest < 0.5) | ((rest == 0.5) & (np.fmod(below, 2) == 0)), below, below + np.float32(1))


def _logistic(x: Floats) -> Floats:
    middle = np.float32(1) / (np.float32(1) + c_function("expf", -x))
    return np.where(x > _HIGHEST, np.float32(1), np.where(x < _LOWEST, c_function("expf", x), middle))


def _hard_swish(x: Floats) -> Floats:
    gate = limited(x + np.float32(3), ACTIVATION_RELU6)
    return (x * gate) / np.float32(6)


_EXACT: Mapping[str, Callable[[Floats], Floats]] = {
    "ABS": np.abs,
    "NEG": np.negative,
    "SQUARE": lambda x: x * x,
    "SQRT": np.sqrt,
    "RSQRT": lambda x: np.float32(1) / np.sqrt(x),
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "ROUND": _round,
    "HARD_SWISH": _hard_swish,
}
_WITH_LIBRARY: Mapping[str, Callable[[Floats], Floats]] = {
    "EXP": lambda x: c_function("expf", x),
    "LOG": lambda x: c_function("logf", x),
    "SIN": lambda x: c_function("sinf", x),
    "COS": lambda x: c_function("cosf", x),
    "TANH": lambda x: c_function("tanhf", x),
    "LOGISTIC": _logistic,
    "ELU": lambda x: np.where(x < 0, c_function("expm1f", x), x),
}
_SCHEMAS: Mapping[str, Schema] = {
    "ABS": Schema("AbsOptions"),
    "NEG": Schema("NegOptions"),
    "SQUARE": Schema("SquareOptions"),
    "HARD_SWISH": Schema("HardSwishOptions"),
    "EXP": Schema("ExpOptions"),
    "COS": Schema("CosOptions"),
}
"""Of those that have a table of options in the schema; none holds anything."""


class FloatElements(Operator):
    """A function of each element; where it needs the C library's, its last bit is that library's too."""

    kinds = MappingProxyType({f"{FLOAT}{name}": _SCHEMAS.get(name, Schema()) for name in (*_EXACT, *_WITH_LIBRARY)})
    with_library = tuple(f"{FLOAT}{name}" for name in _WITH_LIBRARY)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        function = _EXACT.get(node.operator) or _WITH_LIBRARY[node.operator]
        with np.errstate(all="ignore"):
            return [function(np.asarray(inputs[0], np.float32)).astype(np.float32)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return _of_elements(node, graph, int32(count=input_tensor(node, graph).elements), "elements_params")


class FloatActivation(Operator):
    """RELU and its like."""

    kinds = MappingProxyType({f"{FLOAT}{name}": Schema() for name in _ACTIVATIONS})
    without_tflm = (f"{FLOAT}RELU_N1_TO_1",)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [limited(np.asarray(inputs[0], np.float32), _ACTIVATIONS[node.operator])]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        fields = (*int32(count=input_tensor(node, graph).elements), *limit_fields(_ACTIVATIONS[node.operator]))
        return _of_elements(node, graph, fields, "clamp_params", "clamp")


class FloatLeakyRelu(Operator):
    """What is not above 0 times one slope."""

    kinds = MappingProxyType({f"{FLOAT}LEAKY_RELU": Schema("LeakyReluOptions", needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + require_same_shape(node, graph)
        if not np.isfinite(node.number("alpha")):
            problems.append(f"{node.label}: alpha is {node.number('alpha')}; the file is corrupt, convert it again")
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        x = np.asarray(inputs[0], np.float32)
        return [np.where(x > 0, x, x * np.float32(node.number("alpha"))).astype(np.float32)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        slope = Field("slope", "float", node.number("alpha"))
        return _of_elements(node, graph, (*int32(count=input_tensor(node, graph).elements), slope), "slope_params")


def _of_elements(node: Node, graph: Graph, fields: tuple[Field, ...], struct: str, function: str = "") -> Step:
    return Step(
        node=node, header="em_float_elements.h", function=f"em_float_{function or node.operator.lower()}",
        struct_type=f"em_float_{struct}", parameters=fields, inputs=node.inputs, outputs=node.outputs,
        overlaps={ends_of(node): Overlap(at_most=0)},
    )  # fmt: skip
