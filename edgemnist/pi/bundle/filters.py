"""The row filters of PNG, undone (Portable Network Graphics specification, third edition, clause 9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BAND_ROWS = 512
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)


def unfiltered(data: bytes, height: int, row_bytes: int, step: int) -> NDArray[np.uint8]:
    """Undo the row filters: shape (height, row_bytes); ``step`` is the distance in bytes to the pixel at the left.

    :raises ValueError: there is no such filter.
    """
    raw = np.frombuffer(data, dtype=np.uint8).reshape(height, row_bytes + 1)
    kinds = raw[:, 0]
    if kinds.max() > _PAETH:
        raise ValueError(f"row filter {int(kinds.max())}")
    rows = np.zeros((height, row_bytes), dtype=np.uint8)
    above = np.zeros(row_bytes, dtype=np.uint8)
    start = 0
    while start < height:
        stop = _end_of_run(kinds, start)
        if kinds[start] < _AVERAGE:
            _undo_simple(raw[start:stop], rows[start:stop], above, step)
        else:
            _undo_along_diagonals(raw[start:stop], rows[start:stop], above, step)
        above = rows[stop - 1]
        start = stop
    return rows


def _end_of_run(kinds: NDArray[np.uint8], start: int) -> int:
    """Return where rows end that are undone in one way: in a band of them, or row by row."""
    if kinds[start] < _AVERAGE:
        return start + 1
    # Rows of the simple filters in between are undone along with them: one at a time a band would be a row.
    last = min(len(kinds), start + _BAND_ROWS)
    return start + 1 + int(np.flatnonzero(kinds[start:last] >= _AVERAGE)[-1])


def _undo_simple(raw: NDArray[np.uint8], rows: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> None:
    kind, line = int(raw[0, 0]), raw[0, 1:]
    if kind == _SUB:
        padded = np.concatenate([line, np.zeros(-len(line) % step, dtype=np.uint8)])
        rows[0] = padded.reshape(-1, step).cumsum(axis=0, dtype=np.uint8).reshape(-1)[: len(line)]
    else:
        rows[0] = line + above if kind == _UP else line


def _undo_along_diagonals(raw: NDArray[np.uint8], rows: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> None:
    """Undo filters of which each byte depends on the one before it and on those above.

    No two pixels of a diagonal, from the lower left to the upper right, depend on one another: one is undone at a time.
    """
    count, pixels = len(raw), -(-rows.shape[1] // step)
    kinds = raw[:, :1].astype(np.int16)
    present = set(kinds[:, 0].tolist())
    # Pixel x of row y lies at [x + y, y], so that a diagonal is a row; the row above the band and the left are zeros.
    skewed = np.zeros((pixels + count, count, step), dtype=np.int16)
    lines = np.zeros((count, pixels * step), dtype=np.uint8)
    lines[:, : rows.shape[1]] = raw[:, 1:]
    for y in range(count):
        skewed[y : y + pixels, y] = lines[y].reshape(pixels, step)
    over = np.zeros((pixels + 1, step), dtype=np.int16)
    over[1:].reshape(-1)[: rows.shape[1]] = above
    zeros = np.zeros((count, step), dtype=np.int16)
    before, earlier = zeros, zeros  # the diagonals one and two before
    for at in range(pixels + count - 1):
        top, bottom = max(0, at - pixels + 1), min(count, at + 1)
        inside = slice(top, bottom)
        up, corner = np.empty_like(before), np.empty_like(before)
        up[1:], corner[1:] = before[:-1], earlier[:-1]
        up[0], corner[0] = over[min(at + 1, pixels)], over[min(at, pixels)]
        left = before.copy()
        if at < count:
            left[at], corner[at] = 0, 0  # the first pixel of a row
        guess = _guesses(kinds[inside], present, left[inside], up[inside], corner[inside])
        done = np.zeros_like(before)
        done[inside] = (skewed[at, inside] + guess) & 255
        skewed[at] = done
        before, earlier = done, before
    for y in range(count):
        rows[y] = skewed[y : y + pixels, y].reshape(-1)[: rows.shape[1]]


def _guesses(
    kinds: NDArray[np.int16],
    present: set[int],
    left: NDArray[np.int16],
    up: NDArray[np.int16],
    corner: NDArray[np.int16],
) -> NDArray[np.int16]:
    """Return what each filter predicts; ``present``: those that the band has, as each costs a pass."""
    guess = _nearest(left, up, corner) if _PAETH in present else np.zeros_like(left)
    others = ((_AVERAGE, lambda: (left + up) >> 1), (_UP, lambda: up), (_SUB, lambda: left), (_NONE, lambda: 0))
    for kind, value in others:
        if present == {kind}:
            return np.asarray(value(), dtype=np.int16)
        if kind in present:
            guess = np.where(kinds == kind, value(), guess)
    return guess


def _nearest(left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    to_left, to_up, to_corner = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    near_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(near_left, left, np.where(to_up <= to_corner, up, corner))
