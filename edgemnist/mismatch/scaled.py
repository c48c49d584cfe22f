"""The arithmetic of MUL, MEAN, QUANTIZE, RELU, LEAKY_RELU and PRELU as the oracle has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgemnist.compiler.ops.base import activation_range
from edgemnist.compiler.ops.mean import folded_multiplier
from edgemnist.compiler.ops.reduction import axes_of
from edgemnist.mismatch.arithmetic import Ending, Operand, Part, Scaled
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.rounding import Factor, factor_of


@dataclass(frozen=True)
class Product:
    """MUL."""

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return the product of both operands."""
        first, second = of.operands
        yield Part(first.centred * second.centred, factor_of(first.scale, second.scale, of.ending.output_scale))


@dataclass(frozen=True)
class Element:
    """QUANTIZE from integers to integers, and RELU (``negative`` False)."""

    negative: bool = True

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return the elements, those below zero only where they count."""
        (source,) = of.operands
        values = source.centred if self.negative else np.maximum(source.centred, 0)
        yield Part(values, factor_of(source.scale, 1.0, of.ending.output_scale))


@dataclass(frozen=True)
class Slope:
    """LEAKY_RELU: ``alpha`` times what is negative, ``positive`` times the rest."""

    alpha: float
    positive: float = 1.0

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return both sides of zero."""
        (source,) = of.operands
        scale, target = source.scale, of.ending.output_scale
        yield Part(np.maximum(source.centred, 0), _slope_factor(scale, self.positive, target))
        yield Part(np.minimum(source.centred, 0), _slope_factor(scale, self.alpha, target))


def _slope_factor(scale: float, alpha: float, target: float) -> Factor:
    """Return the factor; in single precision the scales are divided first, as XNNPACK does."""
    whole = factor_of(scale, alpha, target)
    single = np.float32(np.float32(np.float32(scale) / np.float32(target)) * np.float32(alpha))
    return replace(whole, single=single)


@dataclass(frozen=True)
class Slopes:
    """PRELU: the second operand's factors for what is negative."""

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return both sides of zero."""
        source, slopes = of.operands
        target = of.ending.output_scale
        yield Part(np.maximum(source.centred, 0) + 0 * slopes.centred, factor_of(source.scale, 1.0, target))
        negative = np.minimum(source.centred, 0) * slopes.centred
        yield Part(negative, factor_of(source.scale, slopes.scale, target))


@dataclass(frozen=True)
class Average:
    """MEAN over ``axes`` of (images, *shape). ``count``: by how many the sum is divided; ``taken_off``: how often the
    zero point is taken off it.
    """

    axes: tuple[int, ...]
    count: int
    taken_off: int

    def __call__(self, of: Scaled) -> Iterator[Part]:
        """Return the sums of all elements."""
        (source,) = of.operands
        sums = source.values.sum(axis=self.axes) - self.taken_off * source.zero_point
        yield Part(sums, self._factor(source.scale, of.ending.output_scale))

    def _factor(self, scale: float, target: float) -> Factor:
        single = np.float32(np.float32(scale) / np.float32(target)) * (np.float32(1) / np.float32(self.count))
        double = scale / (target * self.count)
        return Factor(double, np.float32(single), folded_multiplier(scale, target, self.count), double)


def operands_of(case: Case, count: int) -> tuple[Operand, ...]:
    """Return the first operands, their axes as many as the output's."""
    axes = len(case.output.shape)
    made = []
    for position in range(count):
        values, quantisation = case.operands[position], case.quantisation(case.operand(position))
        if values is None:
            raise ValueError(f"operand {position} is absent")
        shaped = values.astype(np.int64)
        missing = axes - (shaped.ndim - 1)
        shaped = shaped.reshape(len(shaped), *[1] * max(missing, 0), *shaped.shape[1:])
        made.append(Operand(shaped, quantisation.zero_point, quantisation.scale))
    return tuple(made)


def ending_of(case: Case, activation: str = "") -> Ending:
    """Return what the output's quantisation and the fused activation, if there is one, make of integers."""
    target = case.quantisation(case.output)
    limits = activation_range(case.node.integer(activation), case.output) if activation else case.limits
    return Ending(output_scale=target.scale, zero_point=target.zero_point, limits=limits, type_limits=case.limits)


def _mul(case: Case) -> Scaled:
    return Scaled("MUL", operands_of(case, 2), ending_of(case, "fused_activation_function"), Product())


def _element(case: Case) -> Scaled:
    return Scaled(case.kind, operands_of(case, 1), ending_of(case), Element(negative=case.kind != "RELU"))


def _leaky_relu(case: Case) -> Scaled:
    return Scaled(case.kind, operands_of(case, 1), ending_of(case), Slope(case.node.number("alpha")))


def _prelu(case: Case) -> Scaled:
    return Scaled(case.kind, operands_of(case, 2), ending_of(case), Slopes())


def _mean(case: Case) -> Scaled:
    operand = case.operand(0)
    axes = axes_of(case.node, case.graph)
    count = math.prod(operand.shape[axis] for axis in axes) if operand is not None else 1
    average = Average(tuple(axis + 1 for axis in axes), count, count)
    return Scaled("MEAN", operands_of(case, 1), ending_of(case), average)


BUILDERS: Mapping[str, Callable[[Case], Scaled]] = {
    "MUL": _mul, "QUANTIZE": _element, "RELU": _element, "LEAKY_RELU": _leaky_relu, "PRELU": _prelu, "MEAN": _mean,
}  # fmt: skip
