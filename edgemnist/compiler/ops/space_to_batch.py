"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: the pixels of each place in a block as an image of its own, and back.

Converters write a dilated convolution so. Image ``(y * block width + x) * count + n`` has the pixels at (y, x) in the
blocks of the n-th of ``count`` images (TFLite ``SpaceToBatchND``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.gathering import Picks, lower_picks
from edgemnist.compiler.ops.moving import NUMBERS, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import ends_of, input_tensor, integers, output_tensor, require_constants

SPACE_TO_BATCH = "SPACE_TO_BATCH_ND"
_AXES = (3, 4)
"""Of the tensors, in TFLM."""


class SpaceToBatch(Operator):
    """Each place in blocks of pixels as an image of its own, or the other way round."""

    kinds = moved_kinds(
        NUMBERS,
        {
            SPACE_TO_BATCH: Schema("SpaceToBatchNDOptions", 3, 3),
            "BATCH_TO_SPACE_ND": Schema("BatchToSpaceNDOptions", 3, 3),
        },
    )
    # TFLM's kernel never sets the value that it pads with.
    without_tflm = (SPACE_TO_BATCH,)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        around = "paddings" if node.operator == SPACE_TO_BATCH else "crops"
        problems = require_moved(node, graph, ends_of(node))
        problems += require_constants(node, graph, {1: "block", 2: around}, ("int32",), axes=2)
        if problems:
            return problems
        source, block, amounts = input_tensor(node, graph), blocks_of(node, graph), integers(graph, node.inputs[2])
        sizes = len(source.shape) - 2
        if len(source.shape) not in _AXES or (len(block), len(amounts)) != (sizes, 2 * sizes):
            return [
                f"{node.label}: {source.name!r} {list(source.shape)} in blocks {list(block)} with {around} "
                f"{list(amounts)}, needed are 3 or 4 axes and a size for each between the first and the last; "
                "reshape before"
            ]
        what = f"{source.name!r} {list(source.shape)} in blocks {list(block)} with {around} {list(amounts)}"
        return require_shape(node, output_tensor(node, graph), _shape(node, graph), what)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        flat, picks = inputs[0].reshape(-1), _picks(node, graph)
        first, second, third = picks.loops
        places = first[:, None, None, None] + second[:, None, None] + third[:, None] + np.arange(picks.inner)
        return [flat[places].reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_picks(node, graph, _picks(node, graph))


def blocks_of(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return the block's sizes, one for each axis between the first and the last."""
    return integers(graph, node.inputs[1])


def amounts_of(node: Node, graph: Graph) -> list[tuple[int, int]]:
    """Return what is padded or cropped before and after, along each of these axes."""
    flat = integers(graph, node.inputs[2])
    return list(zip(flat[::2], flat[1::2], strict=True))


def _shape(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return the output's shape, None where there is none."""
    count, *sizes, channels = input_tensor(node, graph).shape
    block, amounts = blocks_of(node, graph), amounts_of(node, graph)
    area = int(np.prod(block, dtype=np.int64))
    if min(block) < 1 or min(min(pair) for pair in amounts) < 0:
        return None
    if node.operator == SPACE_TO_BATCH:
        padded = [size + sum(pair) for size, pair in zip(sizes, amounts, strict=True)]
        if any(size % step for size, step in zip(padded, block, strict=True)):
            return None
        return (count * area, *(size // step for size, step in zip(padded, block, strict=True)), channels)
    cut = [size * step - sum(pair) for size, step, pair in zip(sizes, block, amounts, strict=True)]
    return None if count % area or min(cut) < 1 else (count // area, *cut, channels)


def _picks(node: Node, graph: Graph) -> Picks:
    """Return the copy; what SPACE_TO_BATCH_ND pads was padded before."""
    count, *sizes, channels = input_tensor(node, graph).shape
    height, width = (*sizes, 1)[:2]
    block, amounts = (*blocks_of(node, graph), 1)[:2], (*amounts_of(node, graph), (0, 0))[:2]
    row, image = width * channels, height * width * channels
    if node.operator == SPACE_TO_BATCH:
        down, across, first = np.meshgrid(*(np.arange(size) for size in (*block, count)), indexing="ij")
        images = (first * image + down * row + across * channels).reshape(-1)
        rows, columns = np.arange(0, height, block[0]) * row, np.arange(0, width, block[1]) * channels
        return Picks((images, rows, columns), channels)
    images_left = count // (block[0] * block[1])
    y = np.arange(height * block[0] - sum(amounts[0])) + amounts[0][0]
    x = np.arange(width * block[1] - sum(amounts[1])) + amounts[1][0]
    rows = (y % block[0]) * block[1] * images_left * image + y // block[0] * row
    columns = (x % block[1]) * images_left * image + x // block[1] * channels
    return Picks((np.arange(images_left) * image, rows, columns), channels)
