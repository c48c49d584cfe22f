"""Operators that move blocks, images, parts and slices, and ADD_N: exact over shapes; refused where senseless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused
from tests.compiler.test_operators_movement import QUANTISED, Shape, one_operator, pack

Amounts = Sequence[tuple[int, int]]


def reverse(shape: Shape, *axes: int) -> bytes:
    return one_operator("REVERSE_V2", shape, shape, axes)


def gather_nd(shape: Shape, positions: Sequence[Sequence[int]]) -> bytes:
    out_shape = (len(positions), *shape[len(positions[0]) :])
    return one_operator("GATHER_ND", shape, out_shape, positions)


def _in_blocks(shape: Shape, block: Shape, amounts: Amounts) -> Shape:
    sizes = [size + sum(pair) for size, pair in zip(shape[1:-1], amounts, strict=True)]
    inner = (size // step for size, step in zip(sizes, block, strict=True))
    return shape[0] * int(np.prod(block)), *inner, shape[-1]


def space_to_batch(shape: Shape, block: Shape, amounts: Amounts) -> bytes:
    return one_operator("SPACE_TO_BATCH_ND", shape, _in_blocks(shape, block, amounts), block, amounts)


def batch_to_space(shape: Shape, block: Shape, crops: Amounts) -> bytes:
    sizes = (size * step - sum(pair) for size, step, pair in zip(shape[1:-1], block, crops, strict=True))
    out_shape = (shape[0] // int(np.prod(block)), *sizes, shape[-1])
    return one_operator("BATCH_TO_SPACE_ND", shape, out_shape, block, crops)


def dilated(amounts: Amounts, crops: Amounts, block: Shape = (2, 2)) -> bytes:
    """Return a dilated convolution as converters write it: blocks, a convolution of each image, and back."""
    random, builder = np.random.default_rng(3), ModelBuilder()
    image = builder.input((1, 9, 7, 3), *QUANTISED)
    operands = [builder.constant(np.array(each, np.int32), dtype="int32") for each in (block, amounts, crops)]
    images = _in_blocks((1, 9, 7, 3), block, amounts)
    value = builder.op("SPACE_TO_BATCH_ND", [image, *operands[:2]], images, *QUANTISED)
    filters = builder.constant(random.integers(-127, 128, (4, 3, 2, 3)), [0.01] * 4, [0] * 4)
    bias = builder.constant(random.integers(-99, 99, 4), [0.0005] * 4, [0] * 4, dtype="int32")
    count, height, width = images[0], images[1] - 2, images[2] - 1
    value = builder.op(
        "CONV_2D", [value, filters, bias], (count, height, width, 4), 0.07, 3, padding=PADDING_VALID, stride_h=1,
        stride_w=1,
    )  # fmt: skip
    sizes = (size * step - sum(pair) for size, step, pair in zip((height, width), block, crops, strict=True))
    value = builder.op("BATCH_TO_SPACE_ND", [value, operands[0], operands[2]], (1, *sizes, 4), 0.07, 3)
    return builder.finish([value])


def dilated_row(padding: tuple[int, int], crops: tuple[int, int], block: int = 2, depthwise: bool = False) -> bytes:
    """Return a dilated layer of one dimension, with reshapes inside as converters write it."""
    random, builder = np.random.default_rng(4), ModelBuilder()
    row = builder.input((1, 11, 3), *QUANTISED)
    operands = [builder.constant(np.array(each, np.int32), dtype="int32") for each in ((block,), (padding,), (crops,))]
    count, length, _ = _in_blocks((1, 11, 3), (block,), (padding,))
    value = builder.op("SPACE_TO_BATCH_ND", [row, *operands[:2]], (count, length, 3), *QUANTISED)
    axis = builder.constant(1, dtype="int32")
    value = builder.op("EXPAND_DIMS", [value, axis], (count, 1, length, 3), *QUANTISED)
    shape, kind, more = ((1, 1, 2, 3), "DEPTHWISE_CONV_2D", {"depth_multiplier": 1}) if depthwise else (
        (3, 1, 2, 3), "CONV_2D", {}
    )  # fmt: skip
    filters = builder.constant(random.integers(-127, 128, shape), [0.01] * 3, [0] * 3, axis=3 if depthwise else 0)
    bias = builder.constant(random.integers(-99, 99, 3), [0.0005] * 3, [0] * 3, dtype="int32")
    options = {"padding": PADDING_VALID, "stride_h": 1, "stride_w": 1, **more}
    value = builder.op(kind, [value, filters, bias], (count, 1, length - 1, 3), 0.07, 3, **options)  # type: ignore[arg-type]
    value = builder.op("SQUEEZE", [value], (count, length - 1, 3), 0.07, 3, squeeze_dims=[1])
    out_shape = (1, block * (length - 1) - sum(crops), 3)
    return builder.finish([builder.op("BATCH_TO_SPACE_ND", [value, operands[0], operands[2]], out_shape, 0.07, 3)])


def sums(count: int, dtype: str = "float32") -> bytes:
    builder = ModelBuilder()
    scale = (0.05, -7) if dtype == "int8" else (None, 0)
    inputs = [builder.input((1, 4, 5), *scale, dtype=dtype, name=f"input_{number}") for number in range(count)]
    scale = (0.11, 4) if dtype == "int8" else (None, 0)
    return builder.finish([builder.op("ADD_N", inputs, (1, 4, 5), *scale, dtype=dtype)])


TABLE = {
    "reverse rows": reverse((1, 5, 4, 3), 1),
    "reverse channels": reverse((1, 5, 4, 3), -1),
    "gather elements": gather_nd((1, 5, 4), ((0, 4, 1), (0, 0, 3), (0, 4, 1))),
    "gather rows": gather_nd((1, 5, 4, 3), ((0, 4), (0, 0))),
    "batch to space": batch_to_space((4, 3, 2, 5), (2, 2), ((0, 0), (0, 0))),
    "batch to space, cropped": batch_to_space((12, 3, 2, 5), (2, 3), ((1, 2), (0, 1))),
    "batch to space, three axes": batch_to_space((6, 4, 5), (3,), ((2, 1),)),
    "pack 12": pack((3, 2), 1, 12),
    "pack 40": pack((3,), 2, 40),
    "add two": sums(2),
    "add five": sums(5),
}
SEVERAL_AXES = {
    "reverse pixels": reverse((2, 5, 4, 3), 2, 1),
    "reverse everything": reverse((2, 5), 0, 1),
}
"""What tflite-runtime 2.14 reverses along the first axis alone."""

WITNESSED = {
    "space to batch": space_to_batch((1, 4, 6, 3), (2, 2), ((0, 0), (0, 0))),
    "space to batch, padded": space_to_batch((1, 5, 4, 3), (2, 3), ((1, 2), (2, 0))),
    "space to batch, several images": space_to_batch((2, 4, 6, 3), (2, 3), ((0, 0), (0, 0))),
    "space to batch, three axes": space_to_batch((2, 5, 4), (4,), ((3, 0),)),
    "dilated": dilated(((1, 0), (1, 0)), ((0, 0), (0, 0))),
    "dilated, cropped": dilated(((4, 5), (2, 3)), ((0, 1), (1, 1))),
    "dilated row, causal": dilated_row((2, 1), (0, 1)),
    "dilated row, depthwise": dilated_row((3, 4), (1, 2), 3, depthwise=True),
    "dilated row, cropped more than padded": dilated_row((0, 1), (1, 0)),
    "dilated by 3": dilated(((4, 5), (3, 2)), ((2, 0), (0, 1)), (3, 3)),
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_several_axes_are_exact(tflm: RuntimeWorker) -> None:
    assert_exact(SEVERAL_AXES, tflm, None)


def test_equal_to_the_witness(witness: RuntimeWorker) -> None:
    assert_exact(WITNESSED, witness, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits({name: content for name, content in TABLE.items() if "add" not in name}, tflm)


EVERYWHERE = settings(deadline=None, derandomize=True, max_examples=40)


@EVERYWHERE
@given(st.data())
def test_blocks_everywhere(witness: RuntimeWorker, data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 2))
    block = data.draw(st.tuples(*[st.integers(1, 3)] * axes))
    shape = (data.draw(st.integers(1, 2)), *data.draw(st.tuples(*[st.integers(1, 5)] * axes)), 2)
    before = data.draw(st.tuples(*[st.integers(0, 4)] * axes))
    sizes = zip(shape[1:-1], block, before, strict=True)
    amounts = [(first, -(size + first) % step) for size, step, first in sizes]
    assert_reference_exact(space_to_batch(shape, block, amounts), witness)

    images = _in_blocks(shape, block, amounts)
    assert_reference_exact(batch_to_space(images, block, amounts), witness)


REFUSED = {
    "no axis": (reverse((1, 4)), "fix every size"),
    "axes apart": (reverse((1, 4, 3), 0, 2), "needed are one or more neighbouring ones"),
    "an axis twice": (reverse((1, 4, 3), 1, -2), "needed are one or more neighbouring ones"),
    "axis beyond": (reverse((1, 4), 2), "needed are one or more neighbouring ones"),
    "another shape reversed": (one_operator("REVERSE_V2", (1, 4), (4, 1), (1,)), "the file says"),
    "a position outside": (gather_nd((1, 4), ((0, 4),)), "a position is outside"),
    "more positions than axes": (one_operator("GATHER_ND", (1, 4), (1,), ((0, 1, 2),)), "needed is 1 to 5"),
    "blocks of 0": (one_operator("SPACE_TO_BATCH_ND", (1, 4, 2), (1, 4, 2), (0,), ((0, 0),)), "has no shape"),
    "no number of blocks": (
        one_operator("SPACE_TO_BATCH_ND", (1, 5, 2), (2, 2, 2), (2,), ((0, 0),)),
        "has no shape",
    ),
    "no number of images": (
        one_operator("BATCH_TO_SPACE_ND", (3, 5, 2), (1, 10, 2), (2,), ((0, 0),)),
        "has no shape",
    ),
    "all cropped": (one_operator("BATCH_TO_SPACE_ND", (2, 1, 2), (1, 0, 2), (2,), ((1, 1),)), "."),
    "a block too many": (
        one_operator("BATCH_TO_SPACE_ND", (4, 5, 2), (1, 10, 2), (2, 2), ((0, 0), (0, 0))),
        "needed are 3 or 4 axes",
    ),
    "too many sums": (sums(33), "adds 33 tensors, allowed are 32"),
    "sums of int8": (sums(3, "int8"), "ADD_N: not supported; replace the layer"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])


def test_a_dilated_layer_is_one_step() -> None:
    for content in (WITNESSED["dilated"], WITNESSED["dilated row, causal"]):
        program, _ = compile_model(parse_tflite(content), CodegenSettings())
        assert [step.node.kind for step in program.steps] == ["CONV_2D"]


def test_more_cropped_than_padded_is_no_dilation() -> None:
    program, _ = compile_model(
        parse_tflite(WITNESSED["dilated row, cropped more than padded"]), CodegenSettings(), any_net=True
    )
    kinds = [step.node.kind for step in program.steps]
    assert kinds == ["PAD", "SPACE_TO_BATCH_ND", "CONV_2D", "BATCH_TO_SPACE_ND"]


@pytest.mark.parametrize("wrong", ["weights", "order", "absent"])
def test_a_chain_that_is_none_is_refused(wrong: str) -> None:
    """Layers that read the blocks as weights, before they are written, or lack an operand."""

    def change(model: Any) -> None:
        operators = model.subgraphs[0].operators
        if wrong == "order":
            operators[0], operators[1] = operators[1], operators[0]
        else:
            image, _, bias = operators[1].inputs
            operators[1].inputs = [image, operators[0].outputs[0] if wrong == "weights" else -1, bias]

    assert_refused(edited(WITNESSED["dilated"], change), "operator")
