"""Every operator, alone and where layouts meet, computes what ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgemnist.onnx.build import build
from edgemnist.onnx.onnx_file import graph_of
from edgemnist.onnx.registry import operators
from edgemnist.support.errors import UnsupportedModelError
from tests.onnx.nets import ML, model, node, weights

IMAGE = (6, 7, 3)
"""Height, width, channels: all different, so that no transposition goes unnoticed."""

FEATURES = 6 * 7 * 3
Case = tuple[list[onnx.NodeProto], dict[str, Any]]


def unary(kind: str, **attributes: Any) -> Case:
    return [node(kind, "x", "a", **attributes)], {}


def conv(shape: tuple[int, ...], *, bias: bool = True, **attributes: Any) -> Case:
    constants = {"w": weights(*shape), "b": weights(shape[0], seed=1)}
    return [node("Conv", "x w b" if bias else "x w", "a", **attributes)], constants


def with_constant(kind: str, value: Any, *, first: bool = False) -> Case:
    return [node(kind, "k x" if first else "x k", "a")], {"k": np.asarray(value, np.float32)}


def integers(*values: int) -> Any:
    return np.asarray(values, np.int64)


def resize(height: float, width: float, **attributes: Any) -> Case:
    return [node("Resize", "x - s", "a", **attributes)], {"s": np.asarray([1, 1, height, width], np.float32)}


def deconv(shape: tuple[int, ...], *, bias: bool = True, **attributes: Any) -> Case:
    constants = {"w": weights(*shape), "b": weights(shape[1], seed=1)}
    return [node("ConvTranspose", "x w b" if bias else "x w", "a", **attributes)], constants


def gelu(order: str) -> Case:
    begin = [node("Div", "x root", "d"), node("Erf", "d", "e"), node("Add", "e one", "p")]
    ends = {
        "half last": [node("Mul", "x p", "m"), node("Mul", "m half", "a")],
        "half first": [node("Mul", "half x", "h"), node("Mul", "h p", "a")],
        "half between": [node("Mul", "p half", "h"), node("Mul", "h x", "a")],
    }
    return [*begin, *ends[order]], {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}


def recurrent(kind: str, gates: int, *, last: bool = False, **attributes: Any) -> Case:
    """Return a layer over the rows of an image as PyTorch exports it: steps first, and back."""
    units = 5
    begin = [node("Reshape", "x r", "s"), node("Transpose", "s", "t", perm=[1, 0, 2])]
    layer = node(kind, "t k u b", "steps h", hidden_size=units, **attributes)
    end = (
        [node("Squeeze", "h zero", "a")]
        if last
        else [node("Squeeze", "steps one", "q"), node("Transpose", "q", "a", perm=[1, 0, 2])]
    )
    constants = {
        "r": integers(-1, 6, 21), "k": weights(1, gates * units, 21) * 0.3, "zero": integers(0), "one": integers(1),
        "u": weights(1, gates * units, units, seed=1) * 0.5, "b": weights(1, 2 * gates * units, seed=2),
    }  # fmt: skip
    return [*begin, layer, *end], constants


SLICED = {"b": (1, -6), "e": (6, 100), "d": (2, -1), "s": (2, 1)}
GATHERED = {"i": integers(-1, 0, 3), "j": np.int64(2)}
CHANNELS = weights(3, 1, 1, seed=4) + 2.0
CASES: dict[str, Case] = {
    "conv": conv((4, 3, 3, 3)),
    "conv same": conv((4, 3, 3, 3), pads=[1, 1, 1, 1]),
    "conv strided, symmetric pads": conv((4, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2]),
    "conv uneven": conv((4, 3, 2, 3), pads=[1, 0, 2, 1], strides=[1, 2]),
    "conv dilated": conv((4, 3, 2, 2), dilations=[2, 3]),
    "conv same lower": conv((4, 3, 2, 2), auto_pad="SAME_LOWER", bias=False),
    "conv same upper": conv((4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv depthwise": conv((6, 1, 3, 3), group=3, pads=[1, 1, 1, 1]),
    "conv grouped": (
        [node("Concat", "x x", "c", axis=1), node("Conv", "c w b", "a", group=2)],
        {"w": weights(4, 3, 3, 3), "b": weights(4)},
    ),
    "batch norm": (
        [node("BatchNormalization", "x s b m v", "a", epsilon=0.01)],
        {"s": weights(3), "b": weights(3, seed=1), "m": weights(3, seed=2), "v": np.full(3, 0.7, np.float32)},
    ),
    "batch norm of a flattened image": (
        [node("Flatten", "x", "f"), node("BatchNormalization", "f s b m b", "a")],
        {name: np.abs(weights(FEATURES, seed=seed)) + 0.1 for seed, name in enumerate("sbm")},
    ),
    "max pool": unary("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    "max pool, ceiling": unary("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "max pool, centred pads": unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "average pool": unary("AveragePool", kernel_shape=[2, 3], strides=[2, 1]),
    "average pool, padded": unary(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "average pool, same": unary("AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
    "global average": unary("GlobalAveragePool"),
    "global maximum": unary("GlobalMaxPool"),
    "mean over the image": unary("ReduceMean", axes=[2, 3], keepdims=0),
    "mean over the image, kept": unary("ReduceMean", axes=[-1, -2]),
    "mean over rows": unary("ReduceMean", axes=[2], keepdims=0),
    "relu": unary("Relu"),
    "leaky relu": unary("LeakyRelu", alpha=0.3),
    "sigmoid": unary("Sigmoid"),
    "tanh": unary("Tanh"),
    "hard sigmoid": unary("HardSigmoid", alpha=0.25, beta=0.4),
    "hard swish": unary("HardSwish"),
    "softmax over channels": unary("Softmax", axis=1),
    "log softmax over columns": unary("LogSoftmax", axis=-1),
    "relu6": ([node("Clip", "x low high", "a")], {"low": np.float32(0), "high": np.float32(6)}),
    "clip": ([node("Clip", "x - high", "a")], {"high": np.float32(0.3)}),
    "identity, dropout, cast": (
        [node("Identity", "x", "i"), node("Dropout", "i", "d"), node("Cast", "d", "a", to=1)],
        {},
    ),
    "add channels": with_constant("Add", CHANNELS),
    "subtract from a scalar": with_constant("Sub", 0.5, first=True),
    "multiply columns": with_constant("Mul", weights(7)),
    "divide by channels": with_constant("Div", CHANNELS),
    "add, computed": ([node("Relu", "x", "r"), node("Add", "x r", "a")], {}),
    "multiply by a gate": ([node("GlobalAveragePool", "x", "g"), node("Mul", "x g", "a")], {}),
    "subtract, computed": ([node("Relu", "x", "r"), node("Sub", "x r", "a")], {}),
    "pad image": ([node("Pad", "x p", "a")], {"p": integers(0, 0, 1, 2, 0, 0, 3, 0)}),
    "pad channels with a value": (
        [node("Pad", "x p v", "a")],
        {"p": integers(0, 1, 0, 0, 0, 2, 0, 1), "v": np.float32(0.5)},
    ),
    "concat channels": ([node("Relu", "x", "r"), node("Concat", "x r", "a", axis=1)], {}),
    "concat rows": ([node("Relu", "x", "r"), node("Concat", "r x", "a", axis=-2)], {}),
    "concat flat": (
        [node("Flatten", "x", "f"), node("Relu", "f", "r"), node("Concat", "f r", "a", axis=1)],
        {},
    ),
    "reshape": ([node("Reshape", "x s", "a")], {"s": integers(-1, 7, 18)}),
    "reshape back": (
        [node("Reshape", "x s", "f"), node("Relu", "f", "r"), node("Reshape", "r t", "i"), node("Conv", "i w", "a")],
        {"s": integers(0, -1), "t": integers(-1, 3, 6, 7), "w": weights(4, 3, 3, 3)},
    ),
    "squeeze and unsqueeze": (
        [
            node("GlobalAveragePool", "x", "g"),
            node("Squeeze", "g s", "v"),
            node("Unsqueeze", "v s", "u"),
            node("Mul", "x u", "a"),
        ],
        {"s": integers(2, 3)},
    ),
    "transpose to channels last and back": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("Mul", "t k", "m"),
            node("Transpose", "m", "b", perm=[0, 3, 1, 2]),
            node("Conv", "b w", "a"),
        ],
        {"k": weights(3), "w": weights(4, 3, 3, 3)},
    ),
    "transpose rows and columns": (
        [node("Transpose", "x", "t", perm=[0, 1, 3, 2]), node("Conv", "t w", "a")],
        {"w": weights(4, 3, 3, 3)},
    ),
    "dense of a flattened image": (
        [node("Flatten", "x", "f"), node("Mul", "f k", "m"), node("Gemm", "m w b", "a", transB=1, alpha=0.5, beta=2.0)],
        {"k": weights(FEATURES), "w": weights(5, FEATURES), "b": weights(5)},
    ),
    "product and bias": (
        [node("Flatten", "x", "f"), node("MatMul", "f w", "p"), node("Add", "b p", "a")],
        {"w": weights(FEATURES, 5), "b": weights(1, 5)},
    ),
    "product over columns": ([node("MatMul", "x w", "a")], {"w": weights(7, 4)}),
    "shape computed, as exporters do": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "n"),
            node("Unsqueeze", "n axis", "u"),
            node("Concat", "u rest", "t", axis=0),
            node("Reshape", "x t", "f"),
            node("Transpose", "w", "v"),
            node("MatMul", "f v", "a"),
        ],
        {"zero": np.int64(0), "axis": integers(0), "rest": integers(-1), "w": weights(5, FEATURES)},
    ),
    "scaler": (
        [
            node("Flatten", "x", "f"),
            node(f"{ML}.Scaler", "f", "a", offset=weights(FEATURES).tolist(), scale=weights(FEATURES, seed=1).tolist()),
        ],
        {},
    ),
    "scaler before a product": (
        [
            node("Flatten", "x", "f"),
            node(f"{ML}.Scaler", "f", "s", offset=weights(FEATURES).tolist(), scale=weights(FEATURES, seed=1).tolist()),
            node("MatMul", "s w", "p"),
            node("Add", "p b", "a"),
        ],
        {"w": weights(FEATURES, 5), "b": weights(5)},
    ),
    "split channels": (
        [node("Split", "x s", "p q", axis=1), node("Relu", "q", "r"), node("Concat", "r p", "a", axis=1)],
        {"s": integers(1, 2)},
    ),
    "split rows evenly": ([node("Split", "x", "p q r", axis=2), node("Sub", "r p", "a")], {}),
    "slice": ([node("Slice", "x b e d s", "a")], {name: integers(*v) for name, v in SLICED.items()}),
    "slice backward": (
        [node("Slice", "x b e d s", "a")],
        {"b": integers(-1), "e": integers(-(2**31)), "d": integers(2), "s": integers(-2)},
    ),
    "slice without axes": ([node("Slice", "x b e", "a")], {"b": integers(0, 1, 0, 2), "e": integers(9, 3, 5, 2**40)}),
    "gather": ([node("Gather", "x i", "g", axis=3), node("Gather", "g j", "a", axis=1)], GATHERED),
    "resize, nearest": resize(2.0, 3.0, nearest_mode="floor", coordinate_transformation_mode="asymmetric"),
    "resize, nearest by halves": resize(2.0, 2.0),
    "resize, nearest smaller": resize(0.5, 1.0, nearest_mode="floor", coordinate_transformation_mode="asymmetric"),
    "resize, between": resize(1.5, 3.0, mode="linear"),
    "resize, between, of PyTorch": resize(1.5, 2.0, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    "resize, between corners": resize(2.0, 2.0, mode="linear", coordinate_transformation_mode="align_corners"),
    "upsample": ([node("Upsample", "x s", "a")], {"s": np.asarray([1, 1, 3, 2], np.float32)}),
    "resize to a size": (
        [node("Resize", "x - - s", "a", mode="linear", coordinate_transformation_mode="asymmetric")],
        {"s": integers(2, 3, 12, 9)},
    ),
    "transposed convolution, twice the size": deconv((3, 4, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1]),
    "transposed convolution, more at the end": deconv(
        (3, 4, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]
    ),
    "transposed convolution, whole": deconv((3, 5, 3, 2), strides=[1, 3], bias=False),
    "transposed convolution, uneven": deconv((3, 2, 5, 4), strides=[2, 1], pads=[0, 1, 3, 2]),
    "gelu as torch writes it": gelu("half last"),
    "gelu, the half first": gelu("half first"),
    "gelu, the half between": gelu("half between"),
    "gelu by its name": ([node("Gelu", "x", "a", approximate="tanh")], {}),
    "layer norm over columns": (
        [node("LayerNormalization", "x s b", "a", axis=-1, epsilon=1e-3)],
        {"s": weights(7), "b": weights(7, seed=1)},
    ),
    "layer norm over all but channels": (
        [node("LayerNormalization", "x s", "a", axis=2)],
        {"s": weights(6, 7)},
    ),
    "quantised and back": (
        [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "d"), node("Conv", "d w", "a")],
        {"s": np.float32(0.03125), "z": np.int8(-128), "w": weights(4, 3, 3, 3)},
    ),
    "quantised weights": (
        [node("DequantizeLinear", "k s z", "w", axis=0), node("Conv", "x w", "a")],
        {
            "k": np.random.default_rng(1).integers(-128, 128, (4, 3, 3, 3)).astype(np.int8),
            "s": np.abs(weights(4)) + 0.01,
            "z": np.zeros(4, np.int8),
        },
    ),
    "lstm over rows": recurrent("LSTM", 4),
    "gru over rows": recurrent("GRU", 3, linear_before_reset=1),
    "gru that resets first": recurrent("GRU", 3),
    "the last step of an lstm": recurrent("LSTM", 4, last=True),
    "normalizer": ([node("Flatten", "x", "f"), node(f"{ML}.Normalizer", "f", "a", norm="L1")], {}),
}


def compared(nodes: list[onnx.NodeProto], constants: dict[str, Any], batch: int | str) -> tuple[Any, Any, Any]:
    """Return the import's output, ONNX Runtime's, and the Keras model."""
    kinds = {one.op_type for one in nodes}
    opset = 20 if "Gelu" in kinds else 9 if "Upsample" in kinds else 17
    made = model([*nodes, node("Flatten", "a", "y")], constants, (batch, 3, 6, 7), opset=opset)
    images = np.random.default_rng(7).normal(0, 2, (2, *IMAGE)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": images.transpose(0, 3, 1, 2).copy()})[0]
    keras = build(graph_of(made, Path("net.onnx"), IMAGE, "test"), IMAGE).exact
    return np.asarray(keras(images, training=False)), expected, keras


@pytest.mark.parametrize("name", CASES)
def test_computes_what_onnx_runtime_computes(name: str) -> None:
    nodes, constants = CASES[name]
    got, expected, _ = compared(nodes, constants, 2 if len(name) % 2 else "batch")
    np.testing.assert_allclose(got, expected, atol=2e-5, rtol=1e-5)


def test_every_operator_has_a_case() -> None:
    used = {one.domain + "." * bool(one.domain) + one.op_type for nodes, _ in CASES.values() for one in nodes}
    assert set(operators()) - used == set()


def test_flattened_images_need_no_transposition() -> None:
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"), node("Gemm", "f v b", "a")]
    constants = {"w": weights(4, 3, 3, 3), "v": weights(80, 5), "b": weights(5)}
    got, expected, keras = compared(nodes, constants, "n")
    np.testing.assert_allclose(got, expected, atol=2e-5, rtol=1e-5)
    assert [type(layer).__name__ for layer in keras.layers] == ["InputLayer", "Conv2D", "ReLU", "Reshape", "Dense"]


REFUSED = {
    "has dilations (2, 2)": unary("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]),
    "only none, 'same', or centred": unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[2, 2, 2, 2]),
    "only one of them": conv((4, 3, 2, 2), dilations=[2, 2], strides=[2, 2]),
    "the batch has to stay first": unary("Transpose", perm=[1, 0, 2, 3]),
    "stay apart": ([node("Reshape", "x s", "a")], {"s": integers(4, -1)}),
    "casts to a type that is not real": ([node("Cast", "x", "i", to=7), node("Cast", "i", "a", to=1)], {}),
    "computes its input 1 from the image": ([node("Conv", "x w", "c"), node("Div", "c c", "a")], {"w": CHANNELS[None]}),
    "divides by zero": with_constant("Div", 0.0),
    "only 0": ([node("Flatten", "x", "f"), node("Gemm", "f f", "a", transA=1)], {}),
    "that give no whole sizes": resize(2.0, 1.5, mode="linear"),
    "mode 'reflect'": ([node("Pad", "x p", "a", mode="reflect")], {"p": integers(0, 0, 1, 1, 0, 0, 1, 1)}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_uses_that_cannot_be_imported_are_refused_with_the_reason(reason: str) -> None:
    nodes, constants = REFUSED[reason]
    made = model([*nodes, node("Flatten", "a", "y")], constants, (2, 3, 6, 7))
    with pytest.raises(UnsupportedModelError) as caught:
        build(graph_of(made, Path("net.onnx"), IMAGE, "test"), IMAGE)
    assert any(reason in problem for problem in caught.value.problems), caught.value.problems


def test_every_problem_is_listed_at_once() -> None:
    nodes = [
        node("Sin", "x", "e"),
        node("Conv", "e w", "c", name="first"),
        node("MaxPool", "c", "p", kernel_shape=[2, 2], dilations=[2, 2], name="second"),
        node("Sin", "p", "q"),
        node("NonZero", "q", "z"),
        node("Cast", "z", "a", to=1),
    ]
    made = model([*nodes, node("Flatten", "a", "y")], {"w": weights(4, 3, 3, 3)}, ("n", 3, 6, 7))
    with pytest.raises(UnsupportedModelError) as caught:
        build(graph_of(made, Path("net.onnx"), IMAGE, "test"), IMAGE)
    sine, non_zero, pooling = caught.value.problems
    assert sine.startswith("Sin") and sine.endswith("2 of them")
    assert "NonZero" in non_zero
    assert "MaxPool 'second' has dilations (2, 2)" in pooling
    assert "opset 17" in str(caught.value) and "GlobalAveragePool" in str(caught.value)
