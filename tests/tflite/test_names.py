"""Names for people: the layer that a tensor is of, each tensor's its own, fit for any text and for a C comment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.csource.source import comment_text
from edgemnist.tflite.names import LONGEST, readable_name, readable_names

pytestmark = pytest.mark.unit

CONVOLUTION, DEPTHWISE, DENSE = "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"

ANY_NAME = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="ab_/;:*0\n\\ ", max_size=12),
    st.sampled_from(["", "Identity", "StatefulPartitionedCall:0", "net/conv/Relu", "conv #1", "conv #1 #1", "*/", "*"]),
)


@pytest.mark.parametrize(
    ("name", "kind", "layer"),
    [
        ("conv", CONVOLUTION, "conv"),
        ("input_1", "", "input_1"),
        ("Relu", CONVOLUTION, "Relu"),
        ("StatefulPartitionedCall/sequential/conv2d_3/BiasAdd;StatefulPartitionedCall/sequential/conv2d_3/Conv2D",
         CONVOLUTION, "conv2d_3"),
        ("functional_1/batch_normalization_2/FusedBatchNormV3", "MUL", "batch_normalization_2"),
        ("serving_default_input_2:0", "", "input_2"),
        ("sequential/add", "ADD", "add"),
        ("net/dense_1/MatMul;net/dense_1/Relu;net/dense_1/BiasAdd", DENSE, "dense_1"),
        ("net/activation/Relu;net/dense_4/BiasAdd", DENSE, "dense_4"),
        ("net/activation_2/Relu;net/add/add", "ADD", "add"),
        # A converter adds the names of layers whose constants are the same.
        ("m/re_lu/Relu6;m/bn/FusedBatchNormV3;m/block_5_project/Conv2D;m/Conv1/Conv2D", CONVOLUTION, "Conv1"),
        ("m/bn/FusedBatchNormV3;m/expand_depthwise/depthwise;m/block_5_project/Conv2D", DEPTHWISE, "expand_depthwise"),
        ("m/conv2d/BiasAdd/ReadVariableOp/resource;m/conv2d/BiasAdd;m/conv2d_4/Conv2D;m/conv2d/Conv2D1", CONVOLUTION,
         "conv2d"),
        ("MobilenetV2/conv_3/project/add_fold;MobilenetV2/conv_3/project/Conv2D_Fold", CONVOLUTION, "project"),
        ("model.features.0.conv", CONVOLUTION, "model.features.0.conv"),
    ],
)  # fmt: skip
def test_the_layer_is_left(name: str, kind: str, layer: str) -> None:
    assert readable_names([name], {0: kind} if kind else {}) == (layer,)


@pytest.mark.parametrize(
    ("names", "kinds", "expected"),
    [
        (["n/a/expand/Relu", "n/b/expand/Relu"], {0: CONVOLUTION, 1: CONVOLUTION}, ("a/expand", "b/expand")),
        (["n/bn/FusedBatchNormV31", "n/bn/FusedBatchNormV32"], {0: "MUL", 1: "ADD"}, ("bn/mul", "bn/add")),
        (["Identity_int8", "Identity"], {0: "SOFTMAX", 1: "DEQUANTIZE"}, ("softmax", "output")),
        (["StatefulPartitionedCall:1", "StatefulPartitionedCall:0"], {0: "ADD"}, ("add", "output")),
        (["", ""], {0: "ADD", 1: "ADD"}, ("add", "output")),
        (["n/conv/Relu", "n/conv/Relu"], {0: CONVOLUTION, 1: CONVOLUTION}, ("conv/conv_2d", "conv/conv_2d #1")),
        # What is computed gets the short name, not its constants.
        (["n/conv/Conv2D", "n/conv/Relu"], {1: CONVOLUTION}, ("conv/Conv2D", "conv")),
    ],
)
def test_tensors_of_one_layer_have_names_of_their_own(
    names: list[str], kinds: dict[int, str], expected: tuple[str, ...]
) -> None:
    assert readable_names(names, kinds, outputs=[one for one in (1,) if "conv" not in names[one]]) == expected


def test_a_long_name_loses_its_beginning() -> None:
    name = readable_name("a_layer_of_a_very_long_name_that_nobody_would_give_to_a_layer_3")
    assert len(name) == LONGEST
    assert name.startswith("...")
    assert name.endswith("a_layer_3")


@given(st.lists(ANY_NAME, max_size=8), st.data())
def test_names_are_unique_and_harmless(names: list[str], data: st.DataObject) -> None:
    kinds = {index: data.draw(st.sampled_from([CONVOLUTION, "ADD", "", "MY/*OP*/\n"])) for index in range(len(names))}
    written = {index: kind for index, kind in kinds.items() if kind}
    found = readable_names(names, written, inputs=range(min(1, len(names))), outputs=range(len(names) // 2, len(names)))
    assert len(found) == len(set(found)) == len(names)
    assert found == readable_names(
        names, written, inputs=range(min(1, len(names))), outputs=range(len(names) // 2, len(names))
    )
    for name in found:
        assert name.strip()
        assert name.isprintable()
        assert "*/" not in name
        assert "/*" not in name
        assert len(name) <= LONGEST + 8 * len(names)
        assert comment_text(name).strip()
