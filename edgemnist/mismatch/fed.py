"""What a device has in its input beside what the pictures give: the way of feeding that reproduces the bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.compare import same
from edgemnist.support.discovery import modules_of
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import model_input
from edgemnist.tflite.preprocessing import Preprocessing

NEAR = 0.5
"""Of the values that differ, the share that a rule has to reproduce to be named as the nearest."""

SCREENED = 4
"""So many images, from the one before the first that differs, are tried with all rules; what gives these, with all."""


@dataclass(frozen=True, eq=False)
class Feeding:
    """Pictures and how they become a model's input, to be changed by rules.

    ``pixels``: uint8, (images, height, width, channels), upright, red first; ``received``: what the device has,
    (images, *input shape), in the tensor's dtype. ``all_pixels``: of more images, for their mean and deviation.
    ``fits``: the same pictures brought to the model's size in other ways, by their name; empty where they came so.
    """

    pixels: NDArray[np.uint8]
    tensor: TensorInfo
    preprocessing: Preprocessing
    received: NDArray[Any]
    all_pixels: NDArray[np.uint8]
    fits: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @functools.cached_property
    def stored(self) -> NDArray[Any]:
        """What the input should hold, as ``received``."""
        return self.in_shape(model_input(self.pixels, self.tensor, self.preprocessing))

    @functools.cached_property
    def real(self) -> NDArray[np.float32]:
        """The real values that it stands for, in the input's layout, as ``received``."""
        return self.in_shape(self.preprocessing.real_input(self.pixels))

    def in_shape(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of each image in the input's shape."""
        return values.reshape(len(values), *self.received.shape[1:])

    def limited(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return whole numbers limited to the input's type."""
        limits = np.iinfo(self.received.dtype)
        return np.clip(values, limits.min, limits.max).astype(self.received.dtype)

    @property
    def is_integer(self) -> bool:
        """Whether the input is quantised."""
        return self.received.dtype.kind in "iu" and self.tensor.quantisation is not None

    def part(self, images: slice) -> Feeding:
        """Return the same with some of the images."""
        fits = {name: pixels[images] for name, pixels in self.fits.items()}
        return replace(self, pixels=self.pixels[images], received=self.received[images], fits=fits)

    def fed(self, **changes: Any) -> Feeding:
        """Return the same with other fields of its preprocessing."""
        return replace(self, preprocessing=replace(self.preprocessing, **changes))


Values = Callable[[], NDArray[Any]]
"""Makes what may be in the input, as ``Feeding.stored``."""


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """What a device may do to pictures before they are in its input.

    ``name``: a few words; ``says``: what it does, to stand after "the device"; ``remedy``: what to do about it. Of two
    that reproduce the same the one with the lower ``rank`` is named.
    """

    name: str
    says: str
    remedy: str
    rank: int
    arrange: Callable[[Feeding], Iterator[tuple[str, Feeding]]] | None = None
    """Yields other pictures or another preprocessing, each with what is different in a few words."""
    store: Callable[[Feeding], Iterator[tuple[str, Values]]] | None = None
    """Yields what else may be in the input; it can go with any other arrangement."""


@dataclass(frozen=True)
class InputFinding:
    """What was found of a device's input. ``differing`` of ``elements`` are not as they should be, in ``images``
    images. ``rule``, empty where none is near: ``reproduced`` of all are as it predicts. ``also``: others that
    reproduce all.
    """

    elements: int
    differing: int
    images: int
    pictures: str
    rule: str = ""
    says: str = ""
    detail: str = ""
    remedy: str = ""
    reproduced: int = 0
    also: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the rule reproduces every value."""
        return bool(self.rule) and self.reproduced == self.elements

    def sentence(self) -> str:
        """Return it for people."""
        if not self.differing:
            return f"the input, beside {self.pictures}: all {self.elements:,} values are right"
        start = f"the input, beside {self.pictures}: {self.differing:,} of {self.elements:,} values differ"
        if not self.rule:
            return f"{start}; no way of feeding that is known gives them"
        evidence = "which gives all of them" if self.exact else f"which gives {self.reproduced / self.elements:.1%}"
        also = f"; {', '.join(self.also)} would give the same" if self.also else ""
        detail = f" ({self.detail})" if self.detail else ""
        what = f"{self.rule}{detail}: the device {self.says}, {evidence}{also}"
        return f"{start}: {what}. {self.remedy[:1].upper()}{self.remedy[1:]}"


@functools.cache
def input_rules() -> tuple[InputRule, ...]:
    """Return all rules, the preferred first."""
    modules = modules_of("edgemnist.mismatch.input_rules")
    return tuple(sorted((module.RULE for module in modules if hasattr(module, "RULE")), key=lambda rule: rule.rank))


Candidate = tuple[tuple[InputRule, ...], str]
"""Rules together, and in which of their ways."""


def explain_input(feeding: Feeding, pictures: str) -> InputFinding:
    """Name what makes a device's input of pictures.

    :param pictures: what they are, for people.
    """
    unequal = ~same(feeding.received, feeding.stored)
    differing = int(unequal.sum())
    images = int(unequal.reshape(len(unequal), -1).any(axis=1).sum())
    finding = InputFinding(unequal.size, differing, images, pictures)
    if not differing:
        return finding
    start = max(int(np.flatnonzero(unequal.reshape(len(unequal), -1).any(axis=1))[0]) - 1, 0)
    screen = feeding.part(slice(start, start + SCREENED))
    best: tuple[int, Candidate] | None = None
    for pairs in (False, True):
        counts = _counts(feeding, screen, pairs)
        exact = [one for one, count in counts.items() if count == unequal.size]
        if exact:
            return _named(finding, exact[0], unequal.size, tuple(dict.fromkeys(map(_name, exact[1:]))))
        for one, count in counts.items():
            best = max(best or (count, one), (count, one), key=lambda pair: pair[0])
    if best is None or best[0] - (unequal.size - differing) < NEAR * differing:
        return finding
    return _named(finding, best[1], best[0])


def _counts(feeding: Feeding, screen: Feeding, pairs: bool) -> dict[Candidate, int]:
    """Return how many values are as a candidate has them, of those that are right on the screen, or the nearest."""
    scores = {one: _alike(values(), screen) for one, values in _predictions(screen, pairs)}
    right = [one for one, score in scores.items() if score == screen.received.size]
    kept = set(right or sorted(scores, key=lambda one: -scores[one])[:1])
    return {one: _alike(values(), feeding) for one, values in _predictions(feeding, pairs) if one in kept}


def _named(finding: InputFinding, found: Candidate, reproduced: int, also: tuple[str, ...] = ()) -> InputFinding:
    rules, detail = found
    return replace(
        finding,
        rule=_name(found),
        says=" and ".join(rule.says for rule in rules),
        detail=detail,
        remedy="; ".join(dict.fromkeys(rule.remedy for rule in rules)),
        reproduced=reproduced,
        also=tuple(name for name in also if name != _name(found)),
    )


def _name(found: Candidate) -> str:
    return " and ".join(dict.fromkeys(rule.name for rule in found[0]))


def _alike(values: NDArray[Any], feeding: Feeding) -> int:
    return int(same(values, feeding.received).sum())


def _predictions(feeding: Feeding, pairs: bool) -> Iterator[tuple[Candidate, Values]]:
    """Yield every rule's ways, or each arrangement with each of the others; values are computed once they are asked."""
    arranging = [rule for rule in input_rules() if rule.arrange is not None]
    storing = [rule for rule in input_rules() if rule.store is not None]
    if not pairs:
        for rule in input_rules():
            for detail, changed in rule.arrange(feeding) if rule.arrange else ():
                yield ((rule,), detail), _stored(changed)
            for detail, values in rule.store(feeding) if rule.store else ():
                yield ((rule,), detail), values
        return
    for place, first in enumerate(arranging):
        for detail, changed in first.arrange(feeding) if first.arrange else ():
            for second in storing:
                for more, values in second.store(changed) if second.store else ():
                    yield ((first, second), _both(detail, more)), values
            for second in arranging[place + 1 :]:
                for more, both in second.arrange(changed) if second.arrange else ():
                    yield ((first, second), _both(detail, more)), _stored(both)


def _stored(feeding: Feeding) -> Values:
    return lambda: feeding.stored


def _both(*details: str) -> str:
    return "; ".join(detail for detail in details if detail)
