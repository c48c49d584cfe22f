"""What can be told of a dataset within seconds, before anything is trained on it: values, blanks, repeats, balance."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split
from edgemnist.support.errors import DatasetError
from edgemnist.support.words import some

LEAST_SPAN = 17
"""Images whose pixels all lie within fewer grey levels are refused: they are 0..1 or 0..16 saved as bytes."""

LEAST_BRIGHT = 128
"""Images of which no pixel is this bright are warned of."""

MOST_IMBALANCE = 10
MOST_UNCERTAINTY = 0.05
"""Half the 95 % interval of an accuracy of 90 %, in 0..1: a test split that leaves more is warned of."""

_NAMED = 3


@dataclass(frozen=True)
class DatasetChecks:
    """What was found: ``problem`` is why the dataset cannot be trained on, "" for none; ``warnings`` are sentences."""

    problem: str
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what was found as JSON values."""
        return {"problem": self.problem or None, "warnings": list(self.warnings)}


def check_dataset(dataset: Dataset) -> DatasetChecks:
    """Look at every image and label of a dataset; the problem names its remedy."""
    splits = {"training": dataset.train, "test": dataset.test}
    ranges = {part: _ranges(split) for part, split in splits.items()}
    problems = [problem for part, (low, high) in ranges.items() if (problem := _problem(part, low, high))]
    if problems:  # blanks and repeats follow from it
        return DatasetChecks(problems[0], ())
    warnings = [
        *(warning for part, split in splits.items() for warning in _about_values(part, split, *ranges[part])),
        *_about_repeats(dataset),
        *_about_balance(dataset),
        *_about_test_size(dataset),
    ]
    return DatasetChecks("", tuple(warnings))


def require_usable(dataset: Dataset, checks: DatasetChecks) -> None:
    """Refuse a dataset with a problem.

    :raises DatasetError: says the problem.
    """
    if checks.problem:
        raise DatasetError(f"{dataset.name!r}: {checks.problem}")


# --- values ---------------------------------------------------------------------------------------------------------


def _ranges(split: Split) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the lowest and the highest value of every image, uint8, shape (count,)."""
    flat = split.images.reshape(len(split), -1)
    return flat.min(axis=1, initial=255), flat.max(axis=1, initial=0)


def _problem(part: str, lows: NDArray[np.uint8], highs: NDArray[np.uint8]) -> str:
    low, high = int(lows.min(initial=255)), int(highs.max(initial=0))
    if high - low >= LEAST_SPAN:
        return ""
    if high <= low:
        return f"every pixel of its {part} images is {low}, so there is nothing to tell apart; give it the real images"
    remedy = "save the images with pixels from 0 to 255"
    if high == 1:
        what = "they look like fractions of 0..1 that were saved as integers, which makes nearly all of them 0"
        remedy += " (numpy.rint(fractions * 255).astype('uint8')), or save the fractions as floats"
    elif high < LEAST_SPAN:
        what = f"they look like levels of 0..{high}"
        remedy += f" (numpy.rint(levels * (255 / {high})).astype('uint8'))"
    else:
        what = "there is hardly any contrast"
        remedy += f" (numpy.rint((levels - {low}) * (255 / {high - low})).astype('uint8'))"
    return f"the pixels of its {part} images all lie in {low}..{high} of 0..255; {what}: {remedy}"


def _about_values(part: str, split: Split, lows: NDArray[np.uint8], highs: NDArray[np.uint8]) -> Iterator[str]:
    high = int(highs.max(initial=0))
    if high < LEAST_BRIGHT:
        yield (
            f"no pixel of the {part} images is brighter than {high} of 255; were the values scaled for another range, "
            f"such as 0..{high}?"
        )
    blank = np.flatnonzero(lows == highs)
    if len(blank):
        verb = "is" if len(blank) == 1 else "are"
        yield f"{len(blank):,} of {len(split):,} {part} images {verb} blank: {_named(split, blank)}"


# --- the same image twice -------------------------------------------------------------------------------------------


def _about_repeats(dataset: Dataset) -> list[str]:
    """Return a warning of test images that are among the training images too, pixel by pixel."""
    learned: dict[bytes, int] = {}
    for index, image in enumerate(dataset.train.images):
        learned.setdefault(_hash(image), index)
    twice = [(at, learned[key]) for at, key in enumerate(map(_hash, dataset.test.images)) if key in learned]
    if not twice:
        return []
    relabelled = sum(dataset.test.labels[at] != dataset.train.labels[like] for at, like in twice)
    pairs = ", ".join(f"{dataset.test.name_of(at)} = {dataset.train.name_of(like)}" for at, like in twice[:_NAMED])
    more = ", ..." if len(twice) > _NAMED else ""
    verb = "is" if len(twice) == 1 else "are"
    other = f", {relabelled:,} of them with another label" if relabelled else ""
    return [
        f"{len(twice):,} of {len(dataset.test):,} test images {verb} among the training images too{other}, so the "
        f"accuracy says less of new ones: {pairs}{more}"
    ]


def _hash(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


# --- counts ---------------------------------------------------------------------------------------------------------


def _about_balance(dataset: Dataset) -> list[str]:
    trained = [(one.train, one.name) for one in dataset.facts.classes]
    fewest, most = min(trained), max(trained)
    if most[0] <= MOST_IMBALANCE * fewest[0]:
        return []
    share = most[0] / max(1, len(dataset.train))
    return [
        f"the classes are uneven: {most[0]:,} training images of {most[1]!r}, {fewest[0]:,} of {fewest[1]!r}; always "
        f"answering {most[1]!r} would be right for {share:.0%} of them"
    ]


def _about_test_size(dataset: Dataset) -> list[str]:
    """Return a warning where the test split says little: the normal approximation of the binomial, at 90 %."""
    count = len(dataset.test)
    uncertainty = 1.96 * math.sqrt(0.9 * 0.1 / count)
    few = [(one.test, one.name) for one in dataset.facts.classes if one.test < 2]
    warnings = []
    if uncertainty > MOST_UNCERTAINTY:
        warnings.append(
            f"{count} test images are few: an accuracy of 90 % would be known to about +-{100 * uncertainty:.0f} points"
        )
    for number, words in ((0, "no test image"), (1, "a single test image")):
        names = [name for tested, name in few if tested == number]
        if names:
            warnings.append(
                f"{words} of {some(names, _NAMED)}: nothing can be said of {'it' if len(names) == 1 else 'them'}"
            )
    return warnings


def _named(split: Split, indices: NDArray[np.int64]) -> str:
    return some([split.name_of(int(at)) for at in indices], _NAMED, ", ...")
