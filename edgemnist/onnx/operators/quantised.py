"""What a quantised ONNX file says of its activations; its quantised weights are constants, computed before."""

from __future__ import annotations

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import RefusedError, Value


@operator("QuantizeLinear")
def quantised(use: Use) -> Value:
    """Return the values that 8 bits can have, as real numbers: the range is kept when the net becomes int8 again."""
    value, scale = use.value(), use.weights(1)
    zero = use.constant(2)
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if scale.size != 1 or kind not in (np.int8, np.uint8) or use.attribute("block_size", 0):
        raise RefusedError("quantises to another type than int8 or uint8, or by channel; only 8 bits with one scale")
    limits, point, step = np.iinfo(kind), 0 if zero is None else int(zero.reshape(-1)[0]), float(scale.reshape(-1)[0])
    made = load_tensorflow()[0].quantization.fake_quant_with_min_max_args(
        value.tensor, (limits.min - point) * step, (limits.max - point) * step, num_bits=8
    )
    return value.like(made)


@operator("DequantizeLinear")
def dequantised(use: Use) -> Value:
    """Return the input: a quantised value is held as the real number that it stands for."""
    return use.value()
