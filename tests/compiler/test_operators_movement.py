"""Operators that only move bytes: exact over shapes and options; refused where the file makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.ops.gathering import picks_of
from edgemnist.compiler.ops.overlaps import Moves
from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused

Shape = tuple[int, ...]

QUANTISED = (0.05, -7)


def one_operator(
    kind: str, shape: Shape, out_shape: Sequence[int], *operands: Sequence[object], scale: float = 0.05, **options: int
) -> bytes:
    """Return a model of one operator whose further inputs are int32 constants."""
    builder = ModelBuilder()
    image = builder.input(shape, *QUANTISED)
    constants = [builder.constant(np.array(values, np.int32), dtype="int32") for values in operands]
    output = builder.op(kind, [image, *constants], out_shape, scale, QUANTISED[1], **options)  # type: ignore[arg-type]
    return builder.finish([output])


def transpose(shape: Shape, order: Shape) -> bytes:
    return one_operator("TRANSPOSE", shape, [shape[axis] for axis in order], order)


def strided_slice(shape: Shape, begin: Shape, end: Shape, strides: Shape, out_shape: Shape, **masks: int) -> bytes:
    return one_operator("STRIDED_SLICE", shape, out_shape, begin, end, strides, **masks)


def slice_part(shape: Shape, begin: Shape, size: Shape, out_shape: Shape) -> bytes:
    return one_operator("SLICE", shape, out_shape, begin, size)


def pad(shape: Shape, *amounts: tuple[int, int], value: int | None = None) -> bytes:
    builder = ModelBuilder()
    image = builder.input(shape, *QUANTISED)
    inputs = [image, builder.constant(np.array(amounts, np.int32), dtype="int32")]
    if value is not None:
        inputs.append(builder.constant([value], *QUANTISED))
    out_shape = [before + size + after for size, (before, after) in zip(shape, amounts, strict=True)]
    return builder.finish([builder.op("PAD" if value is None else "PADV2", inputs, out_shape, *QUANTISED)])


def resized(kind: str, shape: Shape, height: int, width: int, **options: int) -> bytes:
    return one_operator(kind, shape, (shape[0], height, width, shape[3]), (height, width), **options)


resize = partial(resized, "RESIZE_NEAREST_NEIGHBOR")


def concatenation(
    shape: Shape, axis: int, sizes: Sequence[int], constants: Sequence[int] = (), again: int = 0
) -> bytes:
    """Concatenate along ``axis``: slices of the input that have these sizes, constants at the positions given.

    The last part is there ``again`` times more.
    """
    builder = ModelBuilder()
    position = axis % len(shape)
    total = sum(size for number, size in enumerate(sizes) if number not in constants)
    whole = [*shape]
    whole[position] = total
    image = builder.input(whole, *QUANTISED)
    parts, start = [], 0
    for number, size in enumerate(sizes):
        part = [*shape]
        part[position] = size
        if number in constants:
            values = np.random.default_rng(number).integers(-128, 128, part)
            parts.append(builder.constant(values, *QUANTISED))
            continue
        begin = [0] * len(shape)
        begin[position], start = start, start + size
        bounds = [builder.constant(np.array(values, np.int32), dtype="int32") for values in (begin, part)]
        parts.append(builder.op("SLICE", [image, *bounds], part, *QUANTISED))
    parts += [parts[-1]] * again
    out_shape = [*shape]
    out_shape[position] = sum(sizes) + sizes[-1] * again
    return builder.finish([builder.op("CONCATENATION", parts, out_shape, *QUANTISED, axis=axis)])


def split(shape: Shape, axis: int, parts: int) -> bytes:
    """Split, then put the parts together again in the opposite order."""
    builder = ModelBuilder()
    image = builder.input(shape, *QUANTISED)
    part = [*shape]
    part[axis % len(shape)] //= parts
    outputs = [builder.tensor(part, *QUANTISED) for _ in range(parts)]
    builder.multi_op("SPLIT", [builder.constant([axis], dtype="int32"), image], outputs, num_splits=parts)
    joined = outputs[0]
    if parts > 1:
        joined = builder.op("CONCATENATION", outputs[::-1], shape, *QUANTISED, axis=axis)
    return builder.finish([joined])


def pack(shape: Shape, axis: int, parts: int, unpacked: bool = False) -> bytes:
    """Slice an image into pixels along its second axis and pack them along ``axis``; or unpack what was packed."""
    builder = ModelBuilder()
    image = builder.input((1, parts, *shape), *QUANTISED)
    outputs = [builder.tensor((1, *shape), *QUANTISED) for _ in range(parts)]
    builder.multi_op("UNPACK", [image], outputs, num=parts, axis=1)
    position = axis % (len(shape) + 2)
    packed = (*(1, *shape)[:position], parts, *(1, *shape)[position:])
    joined = builder.op("PACK", outputs[::-1], packed, *QUANTISED, values_count=parts, axis=axis)
    if not unpacked:
        return builder.finish([joined])
    again = [builder.tensor((1, *shape), *QUANTISED) for _ in range(parts)]
    builder.multi_op("UNPACK", [joined], again, num=parts, axis=axis)
    return builder.finish([builder.op("PACK", again, (1, *shape, parts), *QUANTISED, values_count=parts, axis=-1)])


def split_v(shape: Shape, axis: int, sizes: Sequence[int], asked: Sequence[int] | None = None) -> bytes:
    """Split into parts of these sizes, then put them together again in the opposite order."""
    builder = ModelBuilder()
    image = builder.input(shape, *QUANTISED)
    outputs = []
    for size in sizes:
        part = [*shape]
        part[axis % len(shape)] = size
        outputs.append(builder.tensor(part, *QUANTISED))
    constants = [builder.constant(values, dtype="int32") for values in (asked or sizes, axis)]
    builder.multi_op("SPLIT_V", [image, *constants], outputs, num_splits=len(sizes))
    return builder.finish([builder.op("CONCATENATION", outputs[::-1], shape, *QUANTISED, axis=axis)])


def gather(shape: Shape, axis: int, positions: Sequence[int]) -> bytes:
    out_shape = [*shape]
    out_shape[axis] = len(positions)
    return one_operator("GATHER", shape, out_shape, positions, axis=axis)


def mirror_pad(shape: Shape, *amounts: tuple[int, int], mode: int = 0) -> bytes:
    out_shape = [before + size + after for size, (before, after) in zip(shape, amounts, strict=True)]
    return one_operator("MIRROR_PAD", shape, out_shape, amounts, mode=mode)


def tile(shape: Shape, times: Sequence[int]) -> bytes:
    out_shape = [size * count for size, count in zip(shape, times, strict=True)]
    return one_operator("TILE", shape, out_shape, times)


TILES = {  # TFLM has none
    "tile rows": tile((1, 3, 4, 2), (1, 3, 1, 1)),
    "tile channels": tile((1, 3, 4, 2), (1, 1, 1, 2)),
    "tile every axis": tile((1, 3, 4, 2), (1, 2, 3, 2)),
    "tile, nothing": tile((1, 3, 4), (1, 1, 1)),
}


def blocks(kind: str, shape: Shape, block: int) -> bytes:
    count, height, width, channels = shape
    area = block * block
    out_shape = (count, height // block, width // block, channels * area)
    if kind == "DEPTH_TO_SPACE":
        out_shape = (count, height * block, width * block, channels // area)
    return one_operator(kind, shape, out_shape, block_size=block)


TABLE = {
    "pack in front": pack((4, 3), 1, 3),
    "pack behind": pack((4, 3), -1, 3),
    "pack between": pack((4, 3), 2, 2),
    "pack one": pack((5,), 1, 1),
    "unpack channels": pack((4, 3), -1, 5, unpacked=True),
    "unpack ten": pack((4,), 2, 10, unpacked=True),
    "split in different parts": split_v((1, 7, 3), 1, (1, 4, 2)),
    "split in different parts, one not named": split_v((1, 3, 9), -1, (4, 5), (4, -1)),
    "gather rows": gather((1, 5, 4, 3), 1, (4, 0, 0, 2)),
    "gather channels": gather((1, 5, 4, 3), 3, (2, 0)),
    "gather everything": gather((1, 5, 4), 1, (0, 1, 2, 3, 4)),
    "gather one": gather((1, 5, 4), -1, (3,)),
    "gather the first": gather((1, 5, 4), -1, (0,)),
    "gather the first rows": gather((1, 5, 4), 1, (0,)),
    "gather a table": one_operator("GATHER", (1, 5, 3), (1, 2, 2, 3), ((1, 4), (0, 0)), axis=1),
    "mirror, reflected": mirror_pad((1, 4, 5, 3), (0, 0), (1, 3), (2, 0), (0, 0)),
    "mirror, symmetric": mirror_pad((1, 4, 5, 3), (0, 0), (1, 4), (2, 0), (0, 0), mode=1),
    "mirror, every axis": mirror_pad((1, 3, 4, 5), (0, 0), (1, 2), (2, 1), (3, 4)),
    "mirror, after only": mirror_pad((1, 3, 4), (0, 0), (0, 2), (0, 1)),
    "mirror, nothing": mirror_pad((1, 3, 4), (0, 0), (0, 0), (0, 0)),
    "space to depth": blocks("SPACE_TO_DEPTH", (1, 4, 6, 3), 2),
    "space to depth, blocks of 3": blocks("SPACE_TO_DEPTH", (1, 3, 6, 1), 3),
    "space to depth, blocks of 1": blocks("SPACE_TO_DEPTH", (1, 3, 6, 2), 1),
    "depth to space": blocks("DEPTH_TO_SPACE", (1, 2, 3, 12), 2),
    "depth to space, blocks of 3": blocks("DEPTH_TO_SPACE", (1, 2, 1, 9), 3),
    "transpose, channels first": transpose((1, 4, 5, 3), (0, 3, 1, 2)),
    "transpose, channels last": transpose((1, 3, 4, 5), (0, 2, 3, 1)),
    "transpose, nothing": transpose((1, 3, 4, 5), (0, 1, 2, 3)),
    "transpose, ones": transpose((1, 3, 1, 5), (0, 2, 1, 3)),
    "transpose, reversed": transpose((1, 3, 4, 5), (0, 3, 2, 1)),
    "transpose, five axes": transpose((1, 2, 3, 2, 5), (0, 4, 2, 3, 1)),
    "slice": slice_part((1, 5, 6, 3), (0, 1, 2, 0), (1, 3, 3, 2), (1, 3, 3, 2)),
    "slice, to the end": slice_part((1, 5, 6, 3), (0, 1, 2, 1), (-1, -1, -1, -1), (1, 4, 4, 2)),
    "strided slice": strided_slice((1, 7, 8, 3), (0, 1, 0, 0), (1, 7, 8, 3), (1, 2, 3, 1), (1, 3, 3, 3)),
    "strided slice, from the end": strided_slice((1, 7, 8), (0, -3, -4), (1, -1, -1), (1, 1, 1), (1, 2, 3)),
    "strided slice, beyond the end": strided_slice((1, 7, 8), (0, 2, 3), (1, 99, 99), (1, 2, 1), (1, 3, 5)),
    "strided slice, backward": strided_slice((1, 7, 8), (0, 6, 7), (1, 0, 1), (1, -1, -2), (1, 6, 3)),
    "strided slice, mirrored": strided_slice(
        (1, 5, 4, 3), (0, 0, 0, 0), (0, 0, 0, 0), (1, 1, -1, 1), (1, 5, 4, 3), begin_mask=15, end_mask=15
    ),
    "strided slice, shrunk": strided_slice((1, 5, 4), (0, 2, 1), (1, 3, 3), (1, 1, 1), (1, 2), shrink_axis_mask=2),
    "strided slice, shrunk from the end": strided_slice(
        (1, 5, 4), (0, -1, 0), (1, 0, 4), (1, 1, 1), (1, 4), shrink_axis_mask=2
    ),
    "pad, height and width": pad((1, 3, 4, 5), (0, 0), (1, 2), (2, 1), (0, 0)),
    "pad, every axis": pad((1, 3, 4, 5), (0, 0), (1, 2), (2, 1), (3, 0)),
    "pad, after only": pad((1, 3, 4, 5), (0, 0), (0, 1), (0, 2), (0, 3)),
    "pad, nothing": pad((1, 3, 4, 5), (0, 0), (0, 0), (0, 0), (0, 0)),
    "pad, vector": pad((1, 9), (0, 0), (3, 4)),
    "pad, rows beyond 16 bits": pad((1, 2, 40, 33, 30), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0)),
    "pad, value": pad((1, 3, 4, 5), (0, 0), (1, 2), (2, 1), (0, 0), value=77),
    "resize, twice": resize((1, 3, 4, 5), 6, 8),
    "resize, odd": resize((1, 3, 4, 2), 7, 5),
    "resize, smaller": resize((1, 7, 6, 2), 3, 4),
    "resize, taller and narrower": resize((1, 3, 7, 2), 8, 2),
    "resize, corners": resize((1, 3, 4, 2), 7, 5, align_corners=1),
    "resize, corners, one pixel": resize((1, 3, 4, 2), 1, 1, align_corners=1),
    "resize, half pixels": resize((1, 3, 4, 2), 7, 5, half_pixel_centers=1),
    "resize, half pixels, smaller": resize((1, 7, 8, 2), 3, 5, half_pixel_centers=1),
    "join channels": concatenation((1, 3, 4, 0), 3, (2, 3)),
    "join channels, axis from the end": concatenation((1, 3, 4, 0), -1, (2, 3, 1)),
    "join rows": concatenation((1, 0, 4, 3), 1, (2, 3)),
    "join columns": concatenation((1, 4, 0, 3), 2, (2, 3, 1, 2)),
    "join ten": concatenation((1, 0), 1, (1, 2, 3, 4, 5, 4, 3, 2, 1, 7)),
    "join with itself": concatenation((1, 3, 0), 2, (2, 3), again=2),
    "join one": concatenation((1, 3, 0), 2, (4,)),
    "join a constant first": concatenation((1, 3, 4, 0), 3, (2, 3), constants=(0,)),
    "join a constant last": concatenation((1, 3, 4, 0), 3, (2, 3), constants=(1,)),
    "join constants between": concatenation((1, 0, 4), 1, (2, 3, 1, 2, 1), constants=(1, 3)),
    "split channels": split((1, 3, 4, 6), 3, 2),
    "split channels, three": split((1, 3, 4, 6), -1, 3),
    "split rows": split((1, 6, 4, 2), 1, 3),
    "split in six": split((1, 3, 6, 2), 2, 6),
    "split in one": split((1, 3, 6, 2), 2, 1),
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_tiles_equal_the_witness(witness: RuntimeWorker) -> None:
    assert_exact(TILES, witness, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


EVERYWHERE = settings(deadline=None, derandomize=True, max_examples=40)


@EVERYWHERE
@given(st.data())
def test_transpose_everywhere(tflm: RuntimeWorker, data: st.DataObject) -> None:
    shape = (1, *data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    order = (0, *data.draw(st.permutations(range(1, len(shape)))))

    assert_reference_exact(transpose(shape, order), tflm)


@EVERYWHERE
@given(st.data())
def test_strided_slice_everywhere(tflm: RuntimeWorker, data: st.DataObject) -> None:
    shape = (1, *data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=3)))
    axes = [data.draw(_bounds(size)) for size in shape[1:]]
    begin, end, strides = zip((0, 1, 1), *axes, strict=True)
    sizes = [len(range(size)[first:last:step]) for size, (first, last, step) in zip(shape[1:], axes, strict=True)]

    assert_reference_exact(strided_slice(shape, begin, end, strides, (1, *sizes)), tflm)


def _bounds(size: int) -> st.SearchStrategy[tuple[int, int, int]]:
    steps = st.sampled_from([1, 2, 3, -1, -2])
    bounds = st.tuples(st.integers(-size - 2, size + 2), st.integers(-size - 2, size + 2), steps)
    return bounds.filter(lambda bound: len(range(size)[bound[0] : bound[1] : bound[2]]) > 0)


@EVERYWHERE
@given(
    st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 20)] * 2),
    st.sampled_from(["align_corners", "half_pixel_centers", ""]),
)  # fmt: skip
def test_resize_everywhere(tflm: RuntimeWorker, before: tuple[int, int], after: tuple[int, int], option: str) -> None:
    options = {option: 1} if option else {}

    assert_reference_exact(resize((1, *before, 2), *after, **options), tflm)


@EVERYWHERE
@given(st.data(), st.sampled_from([0, 1]))
def test_mirror_pad_everywhere(tflm: RuntimeWorker, data: st.DataObject, mode: int) -> None:
    shape = (1, *data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    amounts = [data.draw(st.tuples(*[st.integers(0, size - 1 + mode)] * 2)) for size in shape[1:]]

    assert_reference_exact(mirror_pad(shape, (0, 0), *amounts, mode=mode), tflm)


@EVERYWHERE
@given(st.data())
def test_gather_everywhere(tflm: RuntimeWorker, data: st.DataObject) -> None:
    shape = (1, *data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    axis = data.draw(st.integers(1, len(shape) - 1))
    positions = data.draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=6))

    assert_reference_exact(gather(shape, axis, positions), tflm)


def test_a_forward_kernel_may_overlap_as_far_as_its_write_front_allows() -> None:
    read = np.array([[4, 8], [0, 4], [8, 12]])
    written = np.array([[0, 4], [4, 8], [8, 12]])

    # Block 0 writes up to delta + 4 before block 1 reads from 0 on; block 1 up to delta + 8 before 8.
    assert Moves(read, written).forward().at_most == -4


def test_a_backward_kernel_may_overlap_as_far_as_its_write_front_allows() -> None:
    read = np.array([[4, 8], [0, 4]])
    written = np.array([[12, 16], [6, 12]])

    # Block 0 writes from delta + 12 on before block 1 reads up to 4.
    assert Moves(read, written).backward().at_least == -8


REFUSED = {
    "no permutation": (one_operator("TRANSPOSE", (1, 2, 3), (1, 2, 3), (0, 0, 1)), "doesn't permute the axes"),
    "wrong transposed shape": (one_operator("TRANSPOSE", (1, 2, 3), (1, 2, 3), (0, 2, 1)), "doesn't permute the axes"),
    "other scale": (one_operator("TRANSPOSE", (1, 2, 2), (1, 2, 2), (0, 2, 1), scale=0.1), "differ in scale"),
    "stride 0": (strided_slice((1, 4), (0, 0), (1, 4), (1, 0), (1, 4)), "a stride is 0"),
    "wrong slice shape": (strided_slice((1, 4), (0, 0), (1, 4), (1, 2), (1, 3)), "the file says"),
    "slice outside": (slice_part((1, 4), (0, 2), (1, 3), (1, 3)), "the file says"),
    "backward shrunk": (
        strided_slice((1, 4, 2), (0, 1, 0), (1, 2, 2), (1, -1, 1), (1, 2), shrink_axis_mask=2), "the file says",
    ),
    "ellipsis": (
        strided_slice((1, 4), (0, 0), (1, 4), (1, 1), (1, 4), ellipsis_mask=1), "ellipsis_mask is not supported",
    ),
    "too few bounds": (strided_slice((1, 4, 2), (0, 0), (1, 4), (1, 1), (1, 4, 2)), "need one value for each axis"),
    "negative padding": (one_operator("PAD", (1, 4), (1, 3), ((0, 0), (-1, 0))), "crop instead"),
    "wrong padded shape": (one_operator("PAD", (1, 4), (1, 5), ((0, 0), (1, 1))), "is not"),
    "padding along too many axes": (
        one_operator("PAD", (1, 1, 1, 1, 1, 1), (1, 2, 2, 2, 2, 2), ((0, 0), *[(1, 0)] * 5)), "more than 4 axes",
    ),
    "both resize options": (resize((1, 2, 2, 1), 4, 4, align_corners=1, half_pixel_centers=1), "choose one"),
    "wrong resized shape": (one_operator("RESIZE_NEAREST_NEIGHBOR", (1, 2, 2, 1), (1, 4, 3, 1), (4, 4)), "is not"),
    "position outside": (gather((1, 5, 4), 1, (0, 5)), "position 5 along an axis of 5"),
    "negative position": (gather((1, 5, 4), 1, (0, -1)), "position -1 along an axis of 5"),
    "gather along no axis": (one_operator("GATHER", (1, 5), (1, 5), (0,), axis=2), "axis 2 of 2 axes"),
    "gather in batches": (one_operator("GATHER", (1, 5), (1, 1), ((0,),), axis=1, batch_dims=1), "batch_dims is 1"),
    "wrong gathered shape": (one_operator("GATHER", (1, 5), (1, 3), (0, 1), axis=1), "the file says"),
    "mirror more than there is": (mirror_pad((1, 4), (0, 0), (4, 0)), "more than its mirror image has"),
    "mirror mode": (mirror_pad((1, 4), (0, 0), (1, 0), mode=2), "mode is 2, allowed are 0 and 1"),
    "negative mirror": (one_operator("MIRROR_PAD", (1, 4), (1, 3), ((0, 0), (-1, 0)), mode=0), "pads .* by"),
    "wrong mirrored shape": (one_operator("MIRROR_PAD", (1, 4), (1, 6), ((0, 0), (1, 0)), mode=0), "the file says"),
    "no number of blocks": (one_operator("SPACE_TO_DEPTH", (1, 3, 4, 1), (1, 1, 2, 4), block_size=2), "has no shape"),
    "channels for no block": (one_operator("DEPTH_TO_SPACE", (1, 2, 2, 6), (1, 4, 4, 1), block_size=2), "has no shape"),
    "blocks of 0": (one_operator("SPACE_TO_DEPTH", (1, 2, 2, 1), (1, 2, 2, 1), block_size=0), "blocks of 0"),
    "other sizes than asked": (split_v((1, 7), 1, (3, 4), (4, 3)), r"cuts into \[3, 4\], asked are \[4, 3\]"),
    "fewer sizes than parts": (split_v((1, 7), 1, (3, 4), (7,)), "asked are"),
    "tile nothing": (one_operator("TILE", (1, 4), (1, 4), (1, 0)), "needed is a number of at least 1"),
    "tile fewer axes": (one_operator("TILE", (1, 4), (1, 8), (2,)), "needed is a number of at least 1"),
    "wrong tiled shape": (one_operator("TILE", (1, 4), (1, 4), (1, 2)), "the file says"),
    "eleven parts": (concatenation((1, 0), 1, (1,) * 11), "has 11 parts, allowed are 10"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])


def test_refuses_to_pack_another_number_of_tensors() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), *QUANTISED)
    content = builder.finish([builder.op("PACK", [image, image], (1, 2, 4), *QUANTISED, axis=1, values_count=3)])

    assert_refused(content, "values_count is 3 and there are 2 parts")


def test_refuses_to_split_in_unequal_parts() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), *QUANTISED)
    parts = [builder.tensor((1, size), *QUANTISED) for size in (1, 3)]
    builder.multi_op("SPLIT", [builder.constant([1], dtype="int32"), image], parts, num_splits=2)

    assert_refused(builder.finish(parts[:1]), r"cuts into \[1, 3\], asked are \[1, 1\]")


def test_refuses_to_join_different_scales() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), *QUANTISED)
    other = builder.constant(np.ones((1, 4), np.int8), 0.1, 0)
    content = builder.finish([builder.op("CONCATENATION", [image, other], (1, 8), *QUANTISED, axis=1)])

    assert_refused(content, "differ in scale or zero point")


def test_refuses_to_join_into_another_shape() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), *QUANTISED)
    content = builder.finish([builder.op("CONCATENATION", [image, image], (1, 7), *QUANTISED, axis=1)])

    assert_refused(content, "don't make")


@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_loops_pick_what_numpy_takes(data: st.DataObject, shape: list[int]) -> None:
    positions = [
        data.draw(st.one_of(st.just([*range(size)]), st.just([0]), st.lists(st.integers(0, size - 1), min_size=1)))
        for size in shape
    ]

    picks = picks_of(shape, positions)

    read = np.zeros(1, np.int64)
    for offsets in (*picks.loops, np.arange(picks.inner)):
        read = (read[:, None] + offsets).reshape(-1)
    places = np.arange(np.prod(shape)).reshape(shape)
    assert read.tolist() == places[np.ix_(*positions)].reshape(-1).tolist()
