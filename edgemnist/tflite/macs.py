"""How many products an operator of a TFLite file sums up, by its shapes alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import OperatorInfo, TfliteModel


def _shapes(model: TfliteModel, operator: OperatorInfo) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    return [model.tensors[index].shape if index != -1 else () for index in operator.inputs], model.tensors[
        operator.outputs[0]
    ].shape


def _conv_2d(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every output element: kernel height * width * input channels (of its group). Weights are OHWI.
    return math.prod(output) * math.prod(inputs[1][1:])


def _conv_3d(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every output element: depth * height * width * input channels. Weights are DHWIO.
    return math.prod(output) * math.prod(inputs[1][:4])


def _depthwise_conv_2d(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every output element: kernel height * width. Weights are 1HWC.
    return math.prod(output) * math.prod(inputs[1][1:3])


def _fully_connected(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every output element: the depth of the product. Weights are OI.
    return math.prod(output) * inputs[1][-1]


def _transpose_conv(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every input element: output channels * kernel height * width. Weights are OHWI, the data is input 2.
    return math.prod(inputs[2]) * math.prod(inputs[1][:3])


def _batch_matmul(inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> int:
    # Every output element: the common dimension; it is the left operand's size without the output's rows.
    rows_times_columns = math.prod(output[-2:]) or 1
    common = math.prod(inputs[0][-2:]) * math.prod(inputs[1][-2:]) / rows_times_columns
    return math.prod(output) * math.isqrt(round(common))


def _svdf(inputs: list[tuple[int, ...]], _: tuple[int, ...]) -> int:
    # Every row: each filter's product with the inputs, and with what it keeps of them.
    rows: int = inputs[0][0]
    return rows * (math.prod(inputs[1]) + math.prod(inputs[2]))


def _lstm(inputs: list[tuple[int, ...]], _: tuple[int, ...]) -> int:
    # Every step of every sequence: the gates' weights (1 to 8) and the projection's (16), where there are such.
    weights: int = sum(math.prod(inputs[place]) for place in (*range(1, 9), 16) if inputs[place])
    return math.prod(inputs[0][:2]) * weights


_MACS: Mapping[str, Callable[[list[tuple[int, ...]], tuple[int, ...]], int]] = {
    "CONV_2D": _conv_2d,
    "CONV_3D": _conv_3d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "TRANSPOSE_CONV": _transpose_conv,
    "BATCH_MATMUL": _batch_matmul,
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}

_UNCOUNTED = frozenset(
    {
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "CALL",
        "CALL_ONCE",
        "IF",
        "LSTM",
        "RNN",
        "STABLEHLO_CONVOLUTION",
        "STABLEHLO_DOT_GENERAL",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "WHILE",
    }
)
"""Kinds that multiply, but whose count the shapes of one subgraph don't tell."""


def macs_of(model: TfliteModel, operator: OperatorInfo) -> int | None:
    """Return an operator's multiply-accumulates, None where they are not counted for its kind.

    Taps that fall on padding count; pooling and element-wise operators do not.

    :raises ModelError: it lacks an input, or one has the wrong rank.
    """
    if operator.kind in _UNCOUNTED or operator.kind.startswith("CUSTOM"):
        return None
    if operator.kind not in _MACS:
        return 0
    try:
        return _MACS[operator.kind](*_shapes(model, operator))
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"operator {operator.index} ({operator.kind}) lacks an input or has one of the wrong rank; "
            "the file is corrupt"
        ) from error
