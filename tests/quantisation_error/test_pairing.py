"""Operators of two files are matched, or the files are refused with the operators that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgemnist.quantisation_error.compare import pair_of
from edgemnist.quantisation_error.pairing import pair_up
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder, edited
from tests.oracles import needs
from tests.quantisation_error.conftest import Compare, loaded
from tests.quantisation_error.nets import (
    FIRST,
    FLAT,
    LOGITS,
    POOL,
    SECOND,
    SOFTMAX,
    THIRD,
    Net,
    fitted,
    float_file,
    int8_file,
    random_filters,
)

pytestmark = needs("tflm", "tflite-runtime-default")


def _renamed(model: Any) -> None:
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b"x" + tensor.name if isinstance(tensor.name, bytes) else "x" + tensor.name


@pytest.mark.parametrize("change", [lambda _: None, _renamed], ids=["by name", "by order"])
def test_operators_are_matched_and_ranges_have_owners(
    net: Net, floats: RuntimeWorker, change: Callable[[Any], None]
) -> None:
    pair = pair_up(parse_tflite(float_file(net)), parse_tflite(edited(int8_file(net, floats), change)))
    assert [layer.int8_index for layer in pair.layers] == list(range(7))
    owners = [layer.owners[0] for layer in pair.layers]
    assert owners == [FIRST, SECOND, THIRD, THIRD, THIRD, LOGITS, SOFTMAX]
    assert [layer.position for layer in pair.layers if not layer.is_quantised] == [POOL, FLAT]
    assert [len(layer.constants) for layer in pair.layers] == [2, 2, 2, 0, 0, 2, 0]


def _tensor(model: Any, name: bytes) -> Any:
    return next(one for one in model.subgraphs[0].tensors if one.name == name)


def _residual(dtype: str) -> bytes:
    """Return a net whose input and output are floats, and whose sum reads a tensor that two operators read."""
    builder = ModelBuilder()
    weights = np.eye(4).reshape(4, 1, 1, 4)
    if dtype == "float32":
        image = builder.input((1, 4, 4, 4), None, dtype="float32", name="image")
        made: dict[str, Any] = {"dtype": "float32", "version": 1}
        constants = [builder.constant(weights, dtype="float32"), builder.constant(np.zeros(4), dtype="float32")]
        scales: list[Any] = [None, None]
    else:
        outside = builder.input((1, 4, 4, 4), None, dtype="float32", name="image")
        image = builder.op("QUANTIZE", [outside], (1, 4, 4, 4), 1 / 255, -128, name="quantised", version=1)
        made, scales = {}, [0.01, 0.02]
        bias = builder.constant(np.zeros(4), [1 / 127 / 255] * 4, [0] * 4, dtype="int32")
        constants = [builder.constant(weights * 127, [1 / 127] * 4, [0] * 4), bias]
    first = builder.op("CONV_2D", [image, *constants], (1, 4, 4, 4), scales[0], name="a", **made)
    total = builder.op("ADD", [image, first], (1, 4, 4, 4), scales[1], name="b", **made)
    flat = builder.op("RESHAPE", [total, builder.constant([1, 64], dtype="int32")], (1, 64), scales[1], name="c",
                      **{**made, "version": 1})  # fmt: skip
    if dtype != "float32":
        flat = builder.op("DEQUANTIZE", [flat], (1, 64), None, dtype="float32", name="outside")
    return builder.finish([flat])


def test_float_ends_and_a_residual_are_followed() -> None:
    pair = pair_up(parse_tflite(_residual("float32")), parse_tflite(_residual("int8")))
    assert [layer.kind for layer in pair.layers] == ["CONV_2D", "ADD", "RESHAPE"]
    assert pair.quantised(pair.source[1]).name == "quantised"
    assert [layer.owners for layer in pair.layers] == [(0,), (1,), (1,)]


@pytest.mark.parametrize(
    ("break_", "says"),
    [
        (lambda model: model.subgraphs[0].operators.pop(), "operator 6 SOFTMAX"),
        (lambda model: setattr(_tensor(model, b"layer_4"), "shape", [1, 1, 256]), "operator 4 RESHAPE"),
    ],
    ids=["an operator less", "another shape"],
)
def test_other_operators_are_refused(
    net: Net, floats: RuntimeWorker, break_: Callable[[Any], object], says: str
) -> None:
    def change(model: Any) -> None:
        break_(model)

    with pytest.raises(UnsupportedModelError, match=says):
        pair_up(parse_tflite(float_file(net)), parse_tflite(edited(int8_file(net, floats), change)))


def test_the_same_operators_with_other_weights_are_refused(net: Net, floats: RuntimeWorker) -> None:
    stranger = Net({place: (-weights[::-1], bias) for place, (weights, bias) in net.weights.items()})
    with pytest.raises(UnsupportedModelError, match="not trained together"):
        pair_of(loaded(float_file(stranger)), loaded(int8_file(net, floats)))


def test_files_of_the_wrong_kind_are_refused(net: Net, floats: RuntimeWorker) -> None:
    real, integers = float_file(net), int8_file(net, floats)
    with pytest.raises(UnsupportedModelError, match="convert --float32"):
        pair_of(loaded(integers), loaded(integers))
    with pytest.raises(UnsupportedModelError, match="convert --int8"):
        pair_of(loaded(real), loaded(real))


def test_a_scale_that_is_no_number_is_refused(net: Net, floats: RuntimeWorker) -> None:
    def change(model: Any) -> None:
        _tensor(model, b"layer_1").quantization.scale = [0.0]

    with pytest.raises(UnsupportedModelError, match="'layer_1' has a scale that is no positive number"):
        pair_up(parse_tflite(float_file(net)), parse_tflite(edited(int8_file(net, floats), change)))


def test_values_that_are_not_finite_are_refused(net: Net, floats: RuntimeWorker, compared: Compare) -> None:
    weights, bias = net.weights[FIRST]
    endless = Net({**net.weights, FIRST: (weights, np.full_like(bias, np.inf))})
    with pytest.raises(UnsupportedModelError, match="operator 0 CONV_2D of the float net gives values"):
        compared(float_file(endless), int8_file(net, floats), 2)


def test_a_net_at_chance_has_nothing_to_lose(net: Net, floats: RuntimeWorker, compared: Compare) -> None:
    guessing = fitted(random_filters(), floats)
    weights, bias = guessing.weights[LOGITS]
    guessing = Net({**guessing.weights, LOGITS: (weights[[1, 2, 3, 0]], bias[[1, 2, 3, 0]])})
    found = compared(float_file(guessing), int8_file(guessing, floats), 80)
    assert "no better than chance" in found.verdict.sentences[1]
    assert "edgemnist diagnose" in found.verdict.remedy
