"""A dataset's facts for people: one block of lines, said before anything is done with it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgemnist.data.base import Dataset
from edgemnist.data.checks import DatasetChecks, check_dataset, require_usable
from edgemnist.data.facts import ClassCount, DatasetFacts, PassedOver
from edgemnist.support.progress import say, stderr_width

WIDTH = 80
_HEADINGS = 13
_UNBROKEN = "\N{NO-BREAK SPACE}"
_ALL_NAMED = 12
"""More classes than this are told in numbers, with the poorest and the richest by name."""

_SIZES = 3
_EXAMPLES = 5


def introduce(dataset: Dataset) -> DatasetChecks:
    """Say on stderr what was understood of a dataset and what is odd about it; refuse it if it cannot be trained on.

    What trains, imports or converts with a dataset calls this first.

    :raises DatasetError: the images hold next to nothing, for example fractions saved as integers.
    """
    checks = check_dataset(dataset)
    say_summary(dataset, checks)
    require_usable(dataset, checks)
    return checks


def say_summary(dataset: Dataset, checks: DatasetChecks | None = None) -> None:
    """Say a dataset's block on stderr, with the warnings of its checks."""
    for line in summary_lines(dataset, checks, min(stderr_width() or WIDTH, WIDTH)):
        say(line)


def summary_lines(dataset: Dataset, checks: DatasetChecks | None = None, width: int = WIDTH) -> tuple[str, ...]:
    """Return what was understood of a dataset as lines of at most ``width`` columns (a long path excepted)."""
    facts = dataset.facts
    counts = f"{len(dataset.train):,} training and {len(dataset.test):,} test images of {len(facts.classes):,} classes"
    # A dataset by path is called by its whole path, a known one by its name.
    title = dataset.source if Path(dataset.name).is_absolute() else f"{dataset.name} from {dataset.source}"
    lines = [f"{title}: {counts}"] if len(title) + len(counts) + 2 <= width else [title, *_block("", counts, width)]
    lines += _block("classes", _classes(facts.classes), width)
    lines += _block("images", _images(facts), width)
    lines += _block("values", facts.values, width)
    lines += _block("split", _split(facts), width)
    for passed in facts.passed_over:
        lines += _block("passed over", _passed_over(passed), width)
    for remark in facts.remarks:
        lines += _block("note", remark, width)
    if dataset.note:
        lines += _block("note", dataset.note, width)
    for warning in checks.warnings if checks else ():
        lines += _block("warning", warning, width)
    return tuple(lines)


def _block(heading: str, text: str, width: int) -> Iterator[str]:
    """Yield a paragraph with its heading before the first line."""
    wrapped = textwrap.wrap(text, width - 2 - _HEADINGS, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(wrapped):
        yield f"  {heading if number == 0 else '':<{_HEADINGS}}{line.replace(_UNBROKEN, ' ')}"


def _classes(classes: Sequence[ClassCount]) -> str:
    if len(classes) <= _ALL_NAMED:
        return ", ".join(f"{one.name}{_UNBROKEN}{one.train:,}+{one.test:,}" for one in classes) + " (training+test)"
    names = f"{classes[0].name}, {classes[1].name}, ... {classes[-1].name}"
    fewest, most = min(classes, key=_trained), max(classes, key=_trained)
    tested = sorted({one.test for one in classes})
    test = f"{tested[0]:,}" if len(tested) == 1 else f"{tested[0]:,} to {tested[-1]:,}"
    if fewest.train == most.train:
        return f"{names}; {most.train:,} training and {test} test images each"
    return (
        f"{names}; training images from {fewest.train:,} ({fewest.name}) to {most.train:,} ({most.name}), test images "
        f"{test}"
    )


def _trained(one: ClassCount) -> int:
    return one.train


def _images(facts: DatasetFacts) -> str:
    height, width, channels = facts.image_shape
    colour = "grey" if channels == 1 else "colour"
    if not facts.fitted:
        return f"{height}x{width}, {colour}"
    sizes = ", ".join(f"{size[0]}x{size[1]} ({count:,})" for size, count in facts.sizes[:_SIZES])
    more = f" and {len(facts.sizes) - _SIZES:,} other sizes" if len(facts.sizes) > _SIZES else ""
    return f"{sizes}{more}, brought to {height}x{width} ({facts.fitted}); {colour}"


def _split(facts: DatasetFacts) -> str:
    division = facts.division
    if division.share is None:
        return division.how
    return f"{division.how}; {division.share:.0%} of every class, seed {division.seed}"


def _passed_over(passed: PassedOver) -> str:
    shown = passed.examples[:_EXAMPLES]
    more = ", ..." if passed.count > len(shown) else ""
    names = f": {', '.join(shown)}{more}" if shown else ""
    return f"{passed.count:,} {passed.reason}{names}"
