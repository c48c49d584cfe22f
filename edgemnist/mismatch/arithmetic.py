"""What operators that requantise have in common: integers, a real factor, a rounding, the output's quantisation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from edgemnist.mismatch.rounding import Factor, Integers, Rounding, double_rounding, plain


@dataclass(frozen=True, kw_only=True)
class Ending:
    """From requantised integers to outputs. ``limits``: of the type and the fused activation; ``type_limits``: of the
    type alone.
    """

    output_scale: float
    zero_point: int
    limits: tuple[int, int]
    rounding: Rounding = double_rounding
    wraps: bool = False
    """Whether what does not fit the type loses its upper bits instead of being limited."""
    type_limits: tuple[int, int] = (-128, 127)
    form: Callable[[Factor], Factor] = plain
    """How precise the factor is."""

    def requantised(self, sums: Integers, factor: Factor) -> Integers:
        """Return sums times their factor, rounded."""
        return self.rounding(sums, self.form(factor))

    def stored(self, scaled: Integers) -> Integers:
        """Return whole numbers with the zero point, in the limits."""
        shifted = scaled + self.zero_point
        low, high = self.type_limits
        return (shifted - low) % (high - low + 1) + low if self.wraps else np.clip(shifted, *self.limits)


class Arithmetic(ABC):
    """An operator's arithmetic, to be changed by rules."""

    ending: Ending

    @property
    @abstractmethod
    def input_zero_points(self) -> tuple[int, ...]:
        """Of each operand."""

    @abstractmethod
    def outputs(self) -> Integers:
        """Return whole numbers, images first."""

    def with_ending(self, **changes: Any) -> Self:
        """Return the same with other fields of its ending."""
        return replace(self, ending=replace(self.ending, **changes))  # type: ignore[type-var]


@dataclass(frozen=True, eq=False)
class Operand:
    """An input as it is in memory, (images, *shape), and its quantisation."""

    values: Integers
    zero_point: int
    scale: float

    @property
    def centred(self) -> Integers:
        """The values with the zero point taken off."""
        return self.values - self.zero_point


@dataclass(frozen=True, eq=False)
class Part:
    """Integers with their factor; what belongs to another part is 0, which every way of rounding keeps."""

    values: Integers
    factor: Factor


class OfOperands(Arithmetic):
    """The arithmetic of an operator whose inputs are all alike."""

    operands: tuple[Operand, ...]

    @property
    def input_zero_points(self) -> tuple[int, ...]:
        """See :class:`Arithmetic`."""
        return tuple(operand.zero_point for operand in self.operands)

    def with_operand(self, position: int, **changes: Any) -> Self:
        """Return the same with other fields of one operand."""
        operands = list(self.operands)
        operands[position] = replace(operands[position], **changes)
        return replace(self, operands=tuple(operands))  # type: ignore[type-var]


Parts = Callable[["Scaled"], Iterator[Part]]


@dataclass(frozen=True, eq=False)
class Scaled(OfOperands):
    """Outputs that are integers times factors: products, means, elements. ``parts`` makes them of the operands."""

    kind: str
    operands: tuple[Operand, ...]
    ending: Ending
    parts: Parts

    def outputs(self) -> Integers:
        """See :class:`Arithmetic`."""
        rounded = [self.ending.requantised(part.values, part.factor) for part in self.parts(self)]
        return self.ending.stored(sum(rounded[1:], start=rounded[0]))
