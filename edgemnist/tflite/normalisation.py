"""How a pixel becomes the number that a net sees, and the usual ranges; light, for help texts name them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from edgemnist.support.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PerChannel = float | tuple[float, ...]
"""One number for every channel, or one for each in the order in which the model takes them."""


@dataclass(frozen=True)
class Normalisation:
    """How a pixel becomes the model's real-valued input: ``real = pixel * scale + offset``, pixel in 0..255.

    The default maps 0..255 to [0, 1]; int8 input then has scale 1/255 and zero point -128: ``q = pixel - 128``.
    ``scale`` and ``offset`` are each one number, or both one for each channel, in the order in which the model takes
    its channels.
    """

    scale: PerChannel = 1.0 / 255.0
    offset: PerChannel = 0.0

    @property
    def channels(self) -> int:
        """For how many channels it has numbers of their own; 1 where one number is for all."""
        return max(len(value) if isinstance(value, tuple) else 1 for value in (self.scale, self.offset))

    def of_channel(self, channel: int) -> tuple[float, float]:
        """Return scale and offset of one channel, counted from 0 in the order in which the model takes them."""
        scale, offset = (value[channel] if isinstance(value, tuple) else value for value in (self.scale, self.offset))
        return scale, offset

    def pairs(self) -> list[tuple[float, float]]:
        """Return (scale, offset) of each channel, of one where all have the same numbers."""
        return [self.of_channel(channel) for channel in range(self.channels)]

    @classmethod
    def of_pairs(cls, pairs: Sequence[tuple[float, float]]) -> Normalisation:
        """Return the normalisation of (scale, offset) of each channel; where all are the same, of single numbers."""
        if len(set(pairs)) == 1:
            return cls(*pairs[0])
        return cls(tuple(scale for scale, _ in pairs), tuple(offset for _, offset in pairs))

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return images, channels last where each has numbers of its own, as float32 model input of the same shape."""
        import numpy as np

        scale, offset = np.asarray(self.scale, np.float32), np.asarray(self.offset, np.float32)
        return (images.astype(np.float32) * scale + offset).astype(np.float32)

    def ends(self) -> tuple[float, float]:
        """Return the lowest and highest real input that pixels 0..255 can make, of all channels together."""
        values = [end for scale, offset in self.pairs() for end in (offset, 255.0 * scale + offset)]
        return min(values), max(values)

    def is_like(self, other: Normalisation) -> bool:
        """Whether two are the same to the four digits in which means and deviations are published."""
        count = max(self.channels, other.channels)
        if not {self.channels, other.channels} <= {1, count}:
            return False
        return all(
            math.isclose(one[0], two[0], rel_tol=1e-3) and math.isclose(one[1], two[1], rel_tol=1e-3, abs_tol=1e-3)
            for one, two in ((self._pair(channel), other._pair(channel)) for channel in range(count))
        )

    def _pair(self, channel: int) -> tuple[float, float]:
        return self.of_channel(channel if self.channels > 1 else 0)

    def as_json(self) -> dict[str, Any]:
        """Return scale and offset as JSON values: numbers, or lists of one for each channel."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (("scale", self.scale), ("offset", self.offset))
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Normalisation:
        """Read back what :meth:`as_json` gave.

        :raises KeyError, TypeError, ValueError: a value is missing or of the wrong type.
        """
        scale, offset = (
            tuple(map(float, value)) if isinstance(value, list) else float(value)
            for value in (values["scale"], values["offset"])
        )
        return cls(scale, offset)


NORMALISATIONS: Mapping[str, Normalisation] = MappingProxyType(
    {
        "0..1": Normalisation(),
        "0..255": Normalisation(scale=1.0, offset=0.0),
        "-1..1": Normalisation(scale=2.0 / 255.0, offset=-1.0),
    }
)
"""The usual ranges that image models are trained on, by the name that ``--normalisation`` takes."""


def normalisation_name(normalisation: Normalisation) -> str:
    """Return a normalisation as ``--normalisation`` takes it: ``0..1``, its mean and deviation, or its two ends."""
    usual = next((name for name, known in NORMALISATIONS.items() if _same(normalisation, known)), None)
    if usual is not None:
        return usual
    pairs = normalisation.pairs()
    first_scale, low = pairs[0]
    ends = f"{low:.6g}..{low + 255 * first_scale:.6g}"
    if min(scale for scale, _ in pairs) <= 0 or pairs == [(first_scale, 0.0)]:
        return ends
    unit = 255.0 if all(scale < _LARGEST_UNIT_SCALE for scale, _ in pairs) else 1.0
    mean = [-offset / scale / unit for scale, offset in pairs]
    deviation = [1.0 / scale / unit for scale, _ in pairs]
    name = f"mean={_listed(mean)},std={_listed(deviation)}"
    exact = normalisation.channels > 1 or _same(parse_normalisation(name), normalisation)
    return name if exact else ends


def _listed(values: list[float]) -> str:
    texts = [f"{value:.6g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else ",".join(texts)


def _same(one: Normalisation, other: Normalisation) -> bool:
    """Whether two have the same numbers but for rounding in single precision."""
    return one.channels == other.channels and all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
        for channel in range(one.channels)
        for a, b in zip(one.of_channel(channel), other.of_channel(channel), strict=True)
    )


_LARGEST_UNIT_SCALE = 0.2
"""A larger factor than this comes of dividing pixels in 0..255, not pixels in 0..1, by a deviation."""

_MEAN_AND_DEVIATION = re.compile(r"mean=([^=]+),std=([^=]+)")
_RANGE = re.compile(r"([^ ]+?)\.\.([^ ]+)")


def standardised(mean: PerChannel, deviation: PerChannel) -> Normalisation:
    """Return ``(pixel / 255 - mean) / deviation``, as PyTorch's transforms say it; one number or one a channel.

    A mean or a deviation above 1 can only be of pixels in 0..255, as Caffe and TFLite's metadata have them.
    """
    count = max(len(value) if isinstance(value, tuple) else 1 for value in (mean, deviation))
    means, deviations = (value if isinstance(value, tuple) else (value,) * count for value in (mean, deviation))
    unit = 1.0 if max([*map(abs, means), *deviations]) > 1 else 255.0
    return Normalisation.of_pairs([(1.0 / (unit * std), -m / std) for m, std in zip(means, deviations, strict=True)])


def parse_normalisation(text: str) -> Normalisation:
    """Return a normalisation as ``--normalisation`` takes it.

    It is a range of :data:`NORMALISATIONS` or any other two ends ``LOW..HIGH`` of the pixels 0 and 255, or
    ``mean=M,std=S`` of pixels in 0..1 as PyTorch's transforms say it (in 0..255 where one is above 1), with one number
    each or one for each channel.

    :raises InputError: it is none of these.
    """
    if text in NORMALISATIONS:
        return NORMALISATIONS[text]
    try:
        found = _parsed_mean(text) or _parsed_range(text)
    except ValueError:
        found = None
    if found is None:
        raise InputError(
            f"unknown normalisation {text!r}; choose one of {', '.join(NORMALISATIONS)}, or another LOW..HIGH, or "
            "mean=M,std=S of pixels in 0..1 with one number each or three, and std above 0, for example "
            "mean=0.1307,std=0.3081 or mean=0.485,0.456,0.406,std=0.229,0.224,0.225"
        )
    return found


def _parsed_mean(text: str) -> Normalisation | None:
    match = _MEAN_AND_DEVIATION.fullmatch(text)
    if match is None:
        return None
    mean, deviation = (tuple(float(number) for number in group.split(",")) for group in match.groups())
    counts = {len(mean), len(deviation)}
    fits = counts in ({1}, {3}, {1, 3}) and all(map(math.isfinite, (*mean, *deviation))) and min(deviation) > 0
    return standardised(_single(mean), _single(deviation)) if fits else None


def _parsed_range(text: str) -> Normalisation | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high = (float(end) for end in match.groups())
    return Normalisation((high - low) / 255.0, low) if math.isfinite(low + high) and low != high else None


def _single(values: tuple[float, ...]) -> PerChannel:
    return values[0] if len(values) == 1 else values
