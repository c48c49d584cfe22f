"""What targets' own bodies for weights that are mostly zero tell the generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


def distances(row: NDArray[Any], farthest: int) -> NDArray[np.int64]:
    """Return (places from the one before, weight) of weights other than zero, shape (n, 2).

    What is farther is reached over weights of 0.
    """
    places = np.flatnonzero(row)
    moved = np.diff(places, prepend=0)
    between = np.maximum(moved - 1, 0) // farthest
    ends = np.cumsum(between + 1) - 1
    entries = np.zeros((len(places) + int(between.sum()), 2), np.int64)
    entries[:, 0] = farthest
    entries[ends] = np.stack([moved - between * farthest, row[places]], axis=1)
    return entries


def evenly(width: int, most: int) -> int:
    """Return how many pixels of a row of ``width`` are done at a time, of ``most``: as even as it gets."""
    return -(-width // -(-width // most))


CHUNK = 16
"""Weights, at most."""

FARTHEST = 255
"""Elements from a chunk's base to its last weight."""

MOVES = 64
"""EM_CHUNKS_MOVES in em_sparse_chunks.h, which says how chunks are stored."""

LARGEST_MOVE = 65535


@dataclass(frozen=True, eq=False)
class Chunks:
    """Packed weights with their channels' shifts. ``count`` chunks; ``wide``: bases move on."""

    values: NDArray[np.int8]
    count: int
    wide: bool


@dataclass(frozen=True)
class _Chunk:
    """Weights at places from the base on, which is ``moved`` beyond that of the chunk before."""

    moved: int
    offsets: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def stored(self) -> Iterator[int]:
        """Bytes as they lie in the stream."""
        yield len(self.weights) + (MOVES if self.moved else 0)
        if self.moved:
            yield from self.moved.to_bytes(2, "little")
        yield from self.offsets
        yield from (weight & 255 for weight in self.weights)


def pack_chunks(rows: NDArray[Any], places: NDArray[Any], shifts: NDArray[Any]) -> Chunks:
    """Return weights of shape (channels, window) in chunks.

    :param places: where each element of the window is, in any order. ``shifts``: of each channel, to the right.
    """
    stream: list[int] = []
    count, wide = 0, False
    order = np.argsort(places)
    for row, shift in zip(rows[:, order], shifts.tolist(), strict=True):
        chunks = list(_chunks(row, places[order])) or [_Chunk(0, (), ())]
        count += len(chunks)
        wide = wide or any(chunk.moved for chunk in chunks)
        stream += [byte for chunk in chunks for byte in chunk.stored] + [-shift & 255]
    return Chunks(np.array(stream, np.uint8).view(np.int8), count, wide)


def _chunks(row: NDArray[Any], places: NDArray[Any]) -> Iterator[_Chunk]:
    """Yield a channel's chunks; a base moves on where that makes the next chunk longer."""
    nonzero = np.flatnonzero(row)
    at, weights = places[nonzero].tolist(), row[nonzero].tolist()
    base = first = 0
    while first < len(at):
        moved = 0
        if at[min(first + CHUNK, len(at)) - 1] - base > FARTHEST:
            for _ in range((at[first] - base) // LARGEST_MOVE):
                yield _Chunk(LARGEST_MOVE, (), ())
            moved, base = (at[first] - base) % LARGEST_MOVE, at[first]
        end = first
        while end < min(first + CHUNK, len(at)) and at[end] - base <= FARTHEST:
            end += 1
        yield _Chunk(moved, tuple(place - base for place in at[first:end]), tuple(weights[first:end]))
        first = end


FARTHEST_PLACE = 255
"""Places from one stored weight to the next; what is farther is reached over weights of 0."""

MOST_STORED = 65535
"""Of a channel, weights of 0 among them."""

LARGEST_SUM = 2**22 - 1
"""Of a channel's products, so that the sums of both pixels in a word can be told apart."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Weights for the words of pixel pairs, as em_sparse_pairs.h has them; ``entries`` are multiplied."""

    values: NDArray[np.int8]
    entries: int


def takes_pairs(rows: NDArray[Any]) -> bool:
    """Return whether weights of shape (channels, window) can be multiplied by two pixels at once."""
    return 128 * int(np.abs(rows.astype(np.int64)).sum(axis=1).max()) <= LARGEST_SUM


def pack_pairs(rows: NDArray[Any], shifts: NDArray[Any]) -> Pairs:
    """Return weights of shape (channels, window), in the order of a strip's places, with the channels' shifts."""
    stream = bytearray()
    count = 0
    for row, shift in zip(rows, shifts.tolist(), strict=True):
        entries = distances(row, FARTHEST_PLACE)
        entries = entries if len(entries) else np.zeros((1, 2), np.int64)
        count += len(entries)
        stream += len(entries).to_bytes(2, "little")
        stream += (entries & 255).astype(np.uint8).tobytes()
        stream += (shift - 1).to_bytes(2, "little")
    return Pairs(np.frombuffer(stream, np.int8), count)
