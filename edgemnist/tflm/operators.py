"""A model's operators as calls of ``tflite::MicroMutableOpResolver``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import OperatorInfo, TfliteModel


def _words(text: str) -> list[str]:
    return text.split()


KINDS = frozenset(
    _words("""
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
    DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED
    GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG
    LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG
    NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE
    TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
    """)
)
"""Builtin operators for which the resolver has an ``Add...`` method."""

_METHODS: Mapping[str, str] = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
"""Methods whose name is not the kind in camel case."""

INT8_HEADERS: Mapping[str, str] = {
    "ADD": "add.h",
    "AVERAGE_POOL_2D": "pooling.h",
    "BATCH_MATMUL": "batch_matmul.h",
    "CONV_2D": "conv.h",
    "DEPTHWISE_CONV_2D": "depthwise_conv.h",
    "FULLY_CONNECTED": "fully_connected.h",
    "MAXIMUM": "maximum_minimum.h",
    "MAX_POOL_2D": "pooling.h",
    "MINIMUM": "maximum_minimum.h",
    "MUL": "mul.h",
    "PAD": "pad.h",
    "SOFTMAX": "softmax.h",
    "TRANSPOSE": "transpose.h",
    "TRANSPOSE_CONV": "transpose_conv.h",
}
"""The header in ``tensorflow/lite/micro/kernels/`` that declares ``Register_<KIND>_INT8``.

Left out: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM, whose states may be int16.
"""


@dataclass(frozen=True)
class ResolverOperator:
    """One kind of operator, to be registered once.

    ``call`` is the C++ call on the resolver; ``header`` the kernel header that it needs, empty for none; ``versions``
    are those in the file, ascending; ``count`` is how many operators of the kind the model has.
    """

    kind: str
    call: str
    header: str
    versions: tuple[int, ...]
    count: int

    @property
    def uses(self) -> str:
        """Versions and count for people: ``v3 x2``."""
        versions = "/".join(f"v{version}" for version in self.versions)
        return versions + (f" x{self.count}" if self.count > 1 else "")


def resolver_operators(model: TfliteModel) -> tuple[ResolverOperator, ...]:
    """Return the kinds of operator in a model, each once, in the order in which they first run.

    :raises UnsupportedModelError: TFLM's resolver has no method for one of them, or there are further subgraphs, whose
        operators are not read; names every one.
    """
    by_kind: dict[str, list[OperatorInfo]] = {}
    for operator in model.operators:
        by_kind.setdefault(operator.kind, []).append(operator)
    problems = [_problem(kind, operators) for kind, operators in by_kind.items() if kind not in KINDS]
    if model.subgraphs > 1:
        problems.append(f"it has {model.subgraphs} subgraphs (control flow); only the first one's operators are read")
    if problems:
        raise UnsupportedModelError("no MicroMutableOpResolver can be written for this model:", problems)
    return tuple(_resolver_operator(model, kind, operators) for kind, operators in by_kind.items())


def _problem(kind: str, operators: Sequence[OperatorInfo]) -> str:
    where = f"{kind.removeprefix('CUSTOM:')} (operator {operators[0].index})"
    if kind.startswith("CUSTOM:"):
        return f"custom operator {where}: TFLM needs your own kernel for it, added with AddCustom"
    return f"{where} is no operator of TFLM; build the layer of operators that it has"


def _resolver_operator(model: TfliteModel, kind: str, operators: Sequence[OperatorInfo]) -> ResolverOperator:
    int8_only = kind in INT8_HEADERS and all(_is_int8(model, operator) for operator in operators)
    return ResolverOperator(
        kind=kind,
        call=f"{method(kind)}({f'tflite::Register_{kind}_INT8()' if int8_only else ''})",
        header=f"tensorflow/lite/micro/kernels/{INT8_HEADERS[kind]}" if int8_only else "",
        versions=tuple(sorted({operator.version for operator in operators})),
        count=len(operators),
    )


def method(kind: str) -> str:
    """Return the resolver's method for a builtin operator: ``AddConv2D`` for ``CONV_2D``."""
    words = (word if word[0].isdigit() else word.capitalize() for word in kind.split("_"))
    return _METHODS.get(kind, "Add" + "".join(words))


def _is_int8(model: TfliteModel, operator: OperatorInfo) -> bool:
    """Whether all of its data is int8; biases, shapes and axes are int32."""
    tensors = (model.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != -1)
    return {tensor.dtype for tensor in tensors} <= {"int8", "int32"} and all(
        model.tensors[index].dtype == "int8" for index in operator.outputs
    )
