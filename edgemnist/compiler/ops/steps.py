"""Requantisation as a step function: two 32-bit products where a core has no 64-bit ones, proved for each channel.

With ``u`` an accumulator above that of the channel's lowest output, limited to ``0..range``, the output is the top byte
of ``u * high + (u * low >> 12) + offset``. Neither this nor the exact requantisation ever decreases, so that they are
equal for every reachable accumulator if they are just before and at each of the up to 255 steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import (
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
)
from edgemnist.compiler.ops.base import activation_range, quantisation_of
from edgemnist.compiler.ops.convolution import sums_by_sign
from edgemnist.compiler.ops.fields import CArray
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.operands import output_tensor

_IntArray = NDArray[np.int64]
_FRACTION = 12
_TOP = 24
_LEVELS = np.arange(1, 256)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """The exact requantisation: Q31 factors and right shifts of each channel, zero point, (lowest, highest) output."""

    mantissas: _IntArray
    shifts: _IntArray
    zero_point: int
    limits: tuple[int, int]

    def outputs(self, sums: _IntArray) -> _IntArray:
        """Return the outputs for accumulators of shape (channels, n)."""
        products = saturating_rounding_doubling_high_multiply(sums, self.mantissas[:, np.newaxis])
        divided = rounding_divide_by_power_of_two(products, self.shifts[:, np.newaxis])
        return np.clip(divided + self.zero_point, *self.limits)

    def firsts(self, quotients: _IntArray) -> _IntArray:
        """Return the least accumulators (channels, n) that come to such values or more, without zero point and limits.

        The division rounds halves away from zero, the product up. A channel whose factor is 0 never gets there.
        """
        shifts, factors = self.shifts[:, np.newaxis], np.maximum(self.mantissas, 1)[:, np.newaxis]
        halves = np.where(shifts > 0, (1 << np.maximum(shifts, 1) >> 1) - (quotients <= 0), 0)
        products = (quotients << shifts) - halves
        least: _IntArray = -(((1 << 30) - (products << 31)) // factors)
        return least


_LEAST_PIXELS = 16
"""With fewer, step functions never pay for their 7 bytes a channel; a single pixel has no kernel with them."""


def channels_in_steps(layer: Convolution) -> tuple[CArray, CArray] | None:
    """Return the arrays ``channels`` and ``shifts`` for step functions, None where a layer is to have none or can't."""
    settings, many = layer.settings, layer.geometry.out_height * layer.geometry.out_width >= _LEAST_PIXELS
    if not (settings.way.step_functions and settings.bodies.dense.steps and layer.channels.fast and many):
        return None
    channels = step_channels(layer)
    return (channels, CArray("shifts", "int8_t", np.zeros(1, np.int64))) if channels else None


def step_channels(layer: Layer) -> CArray | None:
    """Return the array ``channels`` as ``EM_ROUND_STEP`` reads it: two rows for each channel of a layer that is fast.

    None if most channels have none: where outputs have both signs, ties away from zero move the steps of one of them.

    The first row is (bias, range), the bias that of ``u``; the second one (offset, high and low factor). A channel that
    has no exact step function is (bias, multiplier), (shift, 0).
    """
    channels = layer.channels
    output = quantisation_of(output_tensor(layer.node, layer.graph))
    limits = activation_range(layer.node.integer("fused_activation_function"), output_tensor(layer.node, layer.graph))
    wanted = _Wanted(channels.mantissas, channels.shifts, output.zero_point, limits)
    positive, negative = sums_by_sign(layer.rows)
    # Where every result is the zero point, the bias would only risk an overflow.
    bias = np.where(channels.mantissas == 0, 0, channels.bias)
    thresholds, levels, base = _thresholds(
        wanted, bias - 128 * positive + 127 * negative, bias + 127 * positive - 128 * negative
    )
    start = np.where(levels > 0, thresholds[:, 0] - 1, bias)
    steps = thresholds - start[:, np.newaxis]
    last = np.take_along_axis(steps, np.maximum(levels - 1, 0)[:, np.newaxis], axis=1)[:, 0]
    span = np.where(levels > 0, last, 0)
    factors, offset, found = _fit(wanted, steps, levels, span)
    if int(found.sum()) * 2 < len(found):
        return None
    rows = np.stack([bias - start, span, _signed(offset + ((base & 255) << _TOP)), factors], axis=1)
    exact = np.stack([bias, channels.mantissas, channels.shifts, np.zeros_like(bias)], axis=1)
    return CArray("channels", "em_channel", np.where(found[:, np.newaxis], rows, exact).reshape(-1, 2))


def _thresholds(wanted: _Wanted, lowest: _IntArray, highest: _IntArray) -> tuple[_IntArray, _IntArray, _IntArray]:
    """Return the first accumulator of each output above the lowest (channels, 255), how many there are, the lowest."""
    ends = wanted.outputs(np.stack([lowest, highest], axis=1))
    base, levels = ends[:, 0], ends[:, 1] - ends[:, 0]
    there = levels[:, np.newaxis] >= _LEVELS
    quotients = np.where(there, base[:, np.newaxis] + _LEVELS - wanted.zero_point, 0)
    firsts = wanted.firsts(quotients)
    return np.where(there, firsts, highest[:, np.newaxis]), levels, base


def _fit(
    requantisation: _Wanted, steps: _IntArray, levels: _IntArray, span: _IntArray
) -> tuple[_IntArray, _IntArray, NDArray[np.bool_]]:
    """Return (high and low factor in one word, offset, whether they are exact) for each channel."""
    valid = _LEVELS[np.newaxis, :] <= levels[:, np.newaxis]
    wanted = np.broadcast_to(_LEVELS << _TOP, steps.shape)
    # The factor is the real multiplier, at most 1: mantissa / 2^31 / 2^shift, times 2^24 and 2^12 for its fraction.
    real = np.floor(requantisation.mantissas * 2.0 ** (_TOP + _FRACTION - 31 - requantisation.shifts)).astype(np.int64)
    factors, offsets = np.ones_like(real), np.zeros_like(real)
    found = np.zeros(len(real), np.bool_)
    for change in (0, 1, -1, 2, -2):
        # A factor without a whole part would tell the kernel that there is no step function.
        factor = np.maximum(real + change, 1 << _FRACTION)
        high, low = factor[:, np.newaxis] >> _FRACTION, factor[:, np.newaxis] & ((1 << _FRACTION) - 1)

        def product(values: _IntArray, high: _IntArray = high, low: _IntArray = low) -> _IntArray:
            return values * high + ((values * low) >> _FRACTION)

        least = np.maximum(np.where(valid, wanted - product(steps), 0).max(axis=1), 0)
        most = np.where(valid, wanted - 1 - product(steps - 1), (1 << _TOP) - 1).min(axis=1)
        top = product(span[:, np.newaxis])[:, 0]
        most = np.minimum(most, ((levels + 1) << _TOP) - 1 - top)
        fits = (least <= most) & (factor < 1 << 31) & (span < 1 << 20)
        take = fits & ~found
        factors[take], offsets[take] = factor[take], least[take]
        found |= fits
    return factors, offsets, found


def _signed(words: _IntArray) -> _IntArray:
    """Return uint32 values as the int32 of the same bits."""
    reduced = words & 0xFFFFFFFF
    result: _IntArray = np.where(reduced >= 1 << 31, reduced - (1 << 32), reduced)
    return result
