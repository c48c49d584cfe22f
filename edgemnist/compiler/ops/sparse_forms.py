"""Which kernel a layer takes whose weights are mostly zero: the target's own where it can, else the portable one."""

from __future__ import annotations

from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.sparse import sparse_pixels, sparse_windows
from edgemnist.compiler.ops.sparse_chunks import chunk_pixels, chunk_windows, takes_chunk_windows, takes_chunks
from edgemnist.compiler.ops.sparse_pairs import pair_pixels, pair_windows, takes_pair_pixels, takes_pair_windows


def lower_sparse_windows(layer: Convolution) -> Step:
    """Return the kernel call of a convolution, with the max pool that is fused into it."""
    stored = layer.settings.bodies.sparse_weights
    if stored == "chunks" and takes_chunk_windows(layer):
        return chunk_windows(layer)
    if stored == "pairs" and takes_pair_windows(layer):
        return pair_windows(layer)
    return sparse_windows(layer)


def lower_sparse_pixels(layer: Layer, count: int, *, overlap: bool) -> Step:
    """Return the kernel call of a pointwise convolution or a dense layer on ``count`` pixels.

    Without ``overlap`` the output stays clear of the input.
    """
    stored = layer.settings.bodies.sparse_weights
    if stored == "chunks" and takes_chunks(layer):
        return chunk_pixels(layer, count, overlap=overlap)
    if stored == "pairs" and takes_pair_pixels(layer, count):
        return pair_pixels(layer, count, overlap=overlap)
    return sparse_pixels(layer, count, overlap=overlap)
