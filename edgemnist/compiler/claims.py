"""What a file claims and nobody has to believe: option tables, constants, budgets. Operators check their own shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgemnist.compiler.graph import Node, plain_kind
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel, size_problems
from edgemnist.tflite.kinds import limits_of
from edgemnist.tflite.tables import enumeration

LARGEST_FOLDED = 64 * 2**20
"""Bytes of all constants that are computed from others."""

SMALL_FILE = 2**20
MOST_OPERATORS = 512
"""Of a small file: so many take some 5 seconds of a processor, for all targets. The largest classifiers have 700."""
MOST_OPERATORS_OF_LARGE = 1024

CONSTANTS_OF_SMALL = 2**20
MOST_READ_AGAIN = 4
"""Constants that operators share are stored once in the C, but made ready for each: a file could ask for far more work
than its size."""

SMALLEST_SCALE, LARGEST_SCALE = 1e-30, 1e30
"""Of a tensor; that of weights may also be 0. Beyond them quotients of scales leave single precision."""

ZERO_POINTS: Mapping[str, tuple[int, int]] = {"int8": (-128, 127), "uint8": (0, 255), "int16": (0, 0)}
"""Of each integer type that inputs and outputs may have; int16 is symmetric."""


MOST_AXES = 6
"""Of any operator's tensors: TFLM's kernels keep so many sizes, and write past them where there are more."""


@dataclass(frozen=True)
class Schema:
    """What TFLite's schema gives an operator: its table of options, empty for none, and how many inputs it has.

    ``most`` is None where there may be any number. ``needed``: whether it means nothing without its options; TFLite's
    kernels take an absent table for zeros. ``axes``: how many its tensors may have in TFLM.
    """

    options: str = ""
    least: int = 1
    most: int | None = 1
    needed: bool = False
    axes: int = MOST_AXES


def budget_problems(model: TfliteModel) -> list[str]:
    """Return by what a file is too large to be looked at any further."""
    most = MOST_OPERATORS if model.size <= SMALL_FILE else MOST_OPERATORS_OF_LARGE
    if len(model.operators) > most:
        return [
            f"the file has {len(model.operators):,} operators and {model.size:,} bytes, allowed are {most:,}; "
            "make the net smaller"
        ]
    constants = sum(_constant_bytes(model, index) for operator in model.operators for index in operator.inputs)
    allowed = max(MOST_READ_AGAIN * model.size, CONSTANTS_OF_SMALL)
    if constants > allowed:
        return [
            f"the operators' constants are {constants:,} bytes, each counted for every operator that reads it; allowed "
            f"are {allowed:,}; use fewer layers with the same weights"
        ]
    return [problem for tensor in model.tensors for problem in size_problems(tensor)]


ASKING = (
    "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "MIRROR_PAD", "TRANSPOSE_CONV", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "ADD_N",
)  # fmt: skip
"""Operators whose reference kernels in TFLM ask for scratch while they are prepared (`RequestScratchBufferInArena`)."""


def end_problems(model: TfliteModel, what: str, indices: Sequence[int]) -> list[str]:
    """Return what is wrong with the list of a graph's inputs or outputs; ``what`` is one of them."""
    twice = sorted({index for index in indices if indices.count(index) > 1})
    return [f"{what} {model.tensors[index].name!r} is listed twice; the file is corrupt" for index in twice] + [
        f"{what} {model.tensors[index].name!r} has a value in the file; the file is corrupt, convert it again"
        for index in indices
        if model.tensors[index].data is not None
    ]


def asks_for_scratch(operator: OperatorInfo, tensors: Sequence[TensorInfo]) -> bool:
    """Whether TFLM's kernel asks for scratch, which it never gets in a graph that nothing runs.

    Those of layers with 4-bit weights unpack them there.
    """
    return operator.kind in ASKING or any(tensors[index].dtype == "int4" for index in operator.inputs if index != -1)


def _constant_bytes(model: TfliteModel, index: int) -> int:
    data = model.tensors[index].data if index >= 0 else None
    return 0 if data is None else data.nbytes


def table_problems(model: TfliteModel, kinds: Mapping[int, str], schemas: Mapping[str, Schema]) -> list[str]:
    """Return what is wrong with numbers of inputs, tables of options and numbers of axes.

    ``kinds``: of operators, by their number, with the type that they compute in, where that is not as in the file.
    ``schemas``: of the operators that are known, by kind.
    """
    known = ((operator, schemas.get(kinds.get(operator.index, operator.kind))) for operator in model.operators)
    return [
        problem
        for operator, schema in known
        if schema
        for problem in (*_schema_problems(operator, schema), *_axes_problems(operator, schema, model.tensors))
    ]


def _axes_problems(operator: OperatorInfo, schema: Schema, tensors: Sequence[TensorInfo]) -> list[str]:
    operands = (tensors[index] for index in dict.fromkeys((*operator.inputs, *operator.outputs)) if index != -1)
    return [
        f"{_label(operator)}: {tensor.name!r} has {len(tensor.shape)} axes, allowed are {schema.axes}; "
        "put axes together with a reshape"
        for tensor in operands
        if len(tensor.shape) > schema.axes
    ]


def _schema_problems(operator: OperatorInfo, schema: Schema) -> list[str]:
    label = _label(operator)
    count, found, least, most = len(operator.inputs), operator.options_table, schema.least, schema.most
    if count < least or (most is not None and count > most):
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        return [f"{label}: has {count} inputs, needed are {wanted}; the file is corrupt, convert it again"]
    if schema.needed and found != schema.options:
        found = found or "no options"
        return [f"{label}: has {found}, needed are {schema.options}; the file is corrupt, convert it again"]
    if found not in ("", schema.options):
        return [f"{label}: has {found}, allowed {_of(schema.options)}; the file is corrupt, convert it again"]
    return _option_problems(operator)


_TYPE_OPTIONS = ("output_type", "out_type", "in_data_type", "out_data_type", "quantized_bias_type")
"""Options that name a type of elements. Interpreters take tensors' own, but refuse one that there is not."""

_LONGEST_OPTION = 8
"""Numbers in a list among an operator's options: interpreters have room for so many."""


def _option_problems(operator: OperatorInfo) -> list[str]:
    """Return what is wrong with options that an operator itself need not look at."""
    label = _label(operator)
    return [
        f"{label}: {name} is {operator.integer(name)}, which is no type; the file is corrupt, convert it again"
        for name in _TYPE_OPTIONS
        if operator.integer(name) not in enumeration("TensorType")
    ] + [
        f"{label}: {name} has {len(value)} numbers, allowed are {_LONGEST_OPTION}; convert the model again"
        for name, value in operator.options.items()
        if isinstance(value, tuple) and len(value) > _LONGEST_OPTION
    ]


def _label(operator: OperatorInfo) -> str:
    return Node(operator.kind, (), (), {}, (operator.index,)).label


def _of(table: str) -> str:
    return f"are {table}" if table else "is none"


_SCALARS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
"""Operators that may have tensors of no axes, which others can't have, and no elements in their constants."""


def tensor_problems(tensor: TensorInfo, kind: str) -> list[str]:
    """Return what makes a tensor unusable for an operator: its sizes, its quantisation, a constant that may change."""
    problems = []
    empty = any(size < 1 for size in tensor.shape) and not (kind in _SCALARS and tensor.data is not None)
    if empty or (tensor.data is None and not tensor.shape and kind not in _SCALARS):
        problems.append(f"tensor {tensor.name!r} has shape {list(tensor.shape)}; fix every size")
    if tensor.data is not None and (tensor.is_variable or tensor.is_sparse):
        what = "a variable" if tensor.is_variable else "sparse"
        problems.append(f"constant {tensor.name!r} is {what}; convert the model again without that")
    return problems + size_problems(tensor) + _quantisation_problems(tensor, plain_kind(kind))


_WITH_WEIGHTS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "TRANSPOSE_CONV",
    "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
)
"""Whose constants may have the scale 0, that of weights which are all 0. Others divide by scales."""

_WITH_INT16_ZERO_POINT = ("SOFTMAX", "QUANTIZE", "DEQUANTIZE")
"""What makes int16 with a zero point, as TFLM's SOFTMAX of int8 does, and takes it; for all others it is 0."""


def _quantisation_problems(tensor: TensorInfo, kind: str) -> list[str]:
    quantisation = tensor.quantisation
    if quantisation is None:
        return []
    problems = []
    smallest = 0.0 if tensor.data is not None and kind in _WITH_WEIGHTS else SMALLEST_SCALE
    wrong = [scale for scale in quantisation.scales if not smallest <= scale <= LARGEST_SCALE]
    if wrong:
        problems.append(
            f"tensor {tensor.name!r} has the scale {wrong[0]}, allowed are {smallest:g}..{LARGEST_SCALE:g}; "
            "convert the model again"
        )
    if quantisation.axis < 0:
        problems.append(
            f"tensor {tensor.name!r} has its scales along axis {quantisation.axis}, allowed are 0 and above; "
            "convert the model again"
        )
    wide = tensor.dtype == "int16" and kind in _WITH_INT16_ZERO_POINT
    low, high = limits_of("int16") if wide else ZERO_POINTS.get(tensor.dtype, (-(2**31), 2**31 - 1))
    outside = [point for point in quantisation.zero_points if not low <= point <= high]
    if outside:
        problems.append(
            f"tensor {tensor.name!r} is {tensor.dtype} and has the zero point {outside[0]}, "
            f"allowed are {low}..{high}; convert it again"
        )
    return problems


def operand_problems(node: Node, tensors: Mapping[int, TensorInfo], *, several_outputs: bool) -> list[str]:
    """Return what makes it pointless to ask an operator itself: missing operands, tensors that none can use.

    :param several_outputs: whether the operator may have more than one.
    """
    if not node.inputs or node.inputs[0] == -1 or not node.outputs:
        return [f"{node.label}: has no input or no output; the file is corrupt, convert it again"]
    problems: list[str] = []
    for index in (*node.inputs, *node.outputs):
        if index != -1:
            problems += [f"{node.label}: {problem}" for problem in tensor_problems(tensors[index], node.kind)]
    if plain_kind(node.kind) == "DEPTHWISE_CONV_2D" and -1 in node.inputs:  # TFLM reads it all the same, and crashes
        problems.append(
            f"{node.label}: an input is there and said to be absent; give the layer a bias, or leave it out"
        )
    if -1 in node.outputs or (len(node.outputs) > 1 and not several_outputs):
        problems.append(f"{node.label}: has {len(node.outputs)} outputs, needed is 1; the file is corrupt")
    return problems


def require_shape(node: Node, target: TensorInfo, expected: Sequence[int] | None, what: str) -> list[str]:
    """Return a problem where an output has not the shape that its operator gives it; None: it can't have any."""
    if expected is not None and tuple(expected) == target.shape:
        return []
    given = "has no shape" if expected is None else f"is {list(expected)}"
    return [f"{node.label}: {what} {given}, the file says {list(target.shape)}; the file is corrupt, convert it again"]
