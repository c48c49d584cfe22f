"""How far an int8 tensor is from its float one, over many images: noise, clipping, the range in use, channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.quantisation_error.ranges import Seen, ends_of, quantise, seen
from edgemnist.tflite.file import TensorInfo

NARROW = 8
"""A channel of a smaller range, in LSB of the tensor's scale, has less than three bits."""

LEAST_SQNR = -100.0
"""In dB; what is worse, as noise where the float net has zeros alone, counts as this."""

OUTLIERS = 0.001
"""Share of the values that are left out of ``RangeUse.most``."""


@dataclass(frozen=True)
class Noise:
    """What int8 adds to a tensor. ``sqnr``: 10 log10 of the float values' energy over the error's, in dB; None where
    there is no error. ``cosine`` of both as vectors, 1 where they are parallel. ``mean`` and ``largest`` absolute error
    in LSB of the int8 tensor.
    """

    sqnr: float | None
    cosine: float
    mean: float
    largest: float


class NoiseTally:
    """Adds up images."""

    def __init__(self, lsb: float) -> None:
        self._lsb, self._count, self._largest = lsb, 0, 0.0
        self._energy = self._found_energy = self._error_energy = self._product = self._error = 0.0

    def add(self, found: NDArray[Any], reference: NDArray[Any]) -> None:
        """Add values of the same shape, both real numbers."""
        one, other = found.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
        gap = np.abs(one - other)
        self._count += gap.size
        self._error += float(gap.sum())
        self._largest = max(self._largest, float(gap.max(initial=0.0)))
        self._error_energy += float(gap @ gap)
        self._energy += float(other @ other)
        self._found_energy += float(one @ one)
        self._product += float(one @ other)

    def result(self) -> Noise:
        """Return what has been added up."""
        size = math.sqrt(self._energy * self._found_energy)
        cosine = self._product / size if size else float(self._energy == self._found_energy)
        return Noise(
            sqnr=_decibels(self._energy, self._error_energy),
            cosine=min(cosine, 1.0),
            mean=self._error / max(self._count, 1) / self._lsb,
            largest=self._largest / self._lsb,
        )


def _decibels(signal: float, noise: float) -> float | None:
    if noise == 0.0:
        return None
    return max(10.0 * math.log10(signal / noise), LEAST_SQNR) if signal > 0.0 else LEAST_SQNR


@dataclass(frozen=True)
class RangeUse:
    """What a range holds and what the float net's values need. ``low``..``high`` can be held, ``least``..``most``
    occurs, in the tensor's unit. ``below`` and ``above``: shares of the values that are cut off at either end, 0..1.
    ``used``: share of the range between the least and the most value, ``used_by_most`` the same without the outermost
    0.1 % of the values.
    """

    low: float
    high: float
    least: float
    most: float
    below: float
    above: float
    used: float
    used_by_most: float

    @property
    def clipped(self) -> float:
        """Share of the values that are cut off, 0..1."""
        return self.below + self.above


@dataclass(frozen=True)
class Channels:
    """Of a tensor's ``count`` channels (its last axis) over all images and places: ``dead`` are constant in the float
    net already, ``killed`` only in int8, of ``narrow`` ones the range is below 8 LSB; indices. ``spread``: the widest
    channel's range over the median one's of those that are not dead.
    """

    count: int
    dead: tuple[int, ...]
    killed: tuple[int, ...]
    narrow: tuple[int, ...]
    spread: float


class TensorTally:
    """Adds up images of one tensor with one scale: the float net's values, and the int8 net's integers."""

    def __init__(self, tensor: TensorInfo) -> None:
        if tensor.quantisation is None:
            raise ValueError(f"tensor {tensor.name!r} has no quantisation")
        self._tensor, self._quantisation = tensor, tensor.quantisation
        self._levels = np.zeros(256, np.int64)
        self._below = self._above = self._count = 0
        self._floats: Seen | None = None
        self._integers: Seen | None = None

    def add(self, floats: NDArray[np.float32], integers: NDArray[Any]) -> None:
        """Add images of shape (images, *shape): of the float net, and what the int8 net has for them."""
        low, high = ends_of(self._quantisation, self._tensor.dtype)
        half = self._quantisation.scale / 2
        self._below += int((floats < low - half).sum())
        self._above += int((floats > high + half).sum())
        self._count += floats.size
        levels = quantise(floats, self._quantisation, self._tensor.dtype).astype(np.int64).ravel()
        lowest = int(np.iinfo(self._tensor.dtype).min)
        shift = np.iinfo(self._tensor.dtype).bits - 8
        self._levels += np.bincount((levels - lowest) >> shift, minlength=256)
        mine, its = seen(floats), seen(integers)
        self._floats = mine if self._floats is None else self._floats.joined(mine)
        self._integers = its if self._integers is None else self._integers.joined(its)

    def range_use(self) -> RangeUse:
        """Return what has been seen of the range."""
        low, high = ends_of(self._quantisation, self._tensor.dtype)
        least, most = (float(self._floats.low.min()), float(self._floats.high.max())) if self._floats else (0.0, 0.0)
        count = max(self._count, 1)
        span = max(min(most, high) - max(least, low), 0.0) / (high - low) if high > low else 0.0
        return RangeUse(
            low, high, least, most, self._below / count, self._above / count, min(span, 1.0), self._used_by_most()
        )

    def _used_by_most(self) -> float:
        shares = np.cumsum(self._levels) / max(int(self._levels.sum()), 1)
        first = int(np.searchsorted(shares, OUTLIERS / 2, side="right"))
        last = int(np.searchsorted(shares, 1 - OUTLIERS / 2))
        return max(last - first, 0) / (len(self._levels) - 1)

    def channels(self) -> Channels:
        """Return what has been seen of the channels."""
        if self._floats is None or self._integers is None:
            return Channels(0, (), (), (), 1.0)
        spans = (self._floats.high - self._floats.low).astype(np.float64)
        dead = spans == 0
        still = self._integers.high == self._integers.low
        narrow = ~dead & (spans < NARROW * self._quantisation.scale)
        alive = spans[~dead]
        return Channels(
            len(spans), _indices(dead), _indices(still & ~dead), _indices(narrow),
            float(alive.max() / np.median(alive)) if len(alive) else 1.0,
        )  # fmt: skip


def _indices(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(mask))
