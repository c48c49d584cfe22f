"""The answers as pictures: confusion matrix, reliability curve, differences between runtimes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from edgemnist.commands.report.html.svg import TEXT, WIDTH, Picture, shortened, ticks
from edgemnist.commands.report.sections import Calibration, Confusion, LogitDifference

MOST_CLASSES = 26
"""Of more, the matrix's numbers could not be read."""

_FARTHEST_DRAWN = 12
"""Larger differences are drawn together at both ends."""


# --- confusion -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grid:
    """Where the matrix's cells lie: of ``side``, from ``left`` and ``top`` on; ``turned``: its names run up."""

    left: float
    top: float
    side: float
    turned: bool

    @classmethod
    def of(cls, names: Sequence[str]) -> _Grid:
        """Return the grid for classes of these names."""
        wide = max(len(name) for name in names) * TEXT * 0.58
        left = min(90.0, 18 + wide)
        side = (WIDTH - left - 2) / len(names)
        return cls(left, left + 14 if wide > side else 34.0, side, wide > side)

    def middle(self, row: int, column: int) -> tuple[float, float]:
        """Return the middle of a cell."""
        return self.left + self.side * (column + 0.5), self.top + self.side * (row + 0.5)


def confusion_matrix(found: Confusion) -> Markup | None:
    """Return the counts as a matrix, labels down, predictions to the right; None for too many classes.

    Colour is for mistakes: on one scale with a diagonal near 100 % they would all look like nothing.
    """
    names = [row.name for row in found.classes]
    if len(names) > MOST_CLASSES:
        return None
    grid, most = _Grid.of(names), max((count for _, _, count in confused(found)), default=0)
    height = grid.top + grid.side * len(names) + 4
    picture = Picture(height, f"Confusion matrix of {found.model}", _confusion_words(found, names))
    picture.text(0, grid.top - 6, "label", "axis")
    picture.text(WIDTH - 2, 12, "predicted", "axis", "end")
    for index, name in enumerate(names):
        _confusion_name(picture, grid, index, shortened(name, grid.left - 12))
    for row, counts in enumerate(found.counts):
        for column, count in enumerate(counts):
            if row == column:
                hover, kind = f"{names[row]} right: {count:,}", "right"
            else:
                hover = f"{names[row]} taken for {names[column]}: {count:,}"
                kind = f"wrong-{math.ceil(4 * count / most) if count else 0}"
            _confusion_cell(picture, grid, (row, column), count, kind, hover)
    return picture.markup()


def _confusion_name(picture: Picture, grid: _Grid, index: int, shown: str) -> None:
    """Write a class's name beside its row and over its column."""
    x, y = grid.middle(index, index)
    picture.text(grid.left - 6, y + 4, shown, "name", "end")
    if grid.turned:
        picture.text(
            x + 4, grid.top - 6, shown, "name", transform=f"rotate(-90 {x + 4:.1f} {grid.top - 6:.1f})"
        )  # fmt: skip
    else:
        picture.text(x, grid.top - 6, shown, "name", "middle")


def _confusion_cell(picture: Picture, grid: _Grid, place: tuple[int, int], count: int, kind: str, hover: str) -> None:
    (x, y), half = grid.middle(*place), grid.side / 2 - 0.5
    picture.bar(x - half, y - half, 2 * half, 2 * half, f"cell {kind}", hover)
    if count:
        size = min(TEXT, grid.side * 0.42, grid.side / (max(2, len(str(count))) * 0.72))
        picture.text(x, y + size * 0.36, str(count), f"count {kind}", "middle", font_size=size)


def _confusion_words(found: Confusion, names: Sequence[str]) -> str:
    pairs = [f"{label} taken for {taken} {count} times" for label, taken, count in confused(found)[:3]]
    right = sum(found.counts[index][index] for index in range(len(names)))
    total = sum(map(sum, found.counts))
    return f"{right:,} of {total:,} images are right. " + ("Most often " + "; ".join(pairs) + "." if pairs else "")


def confused(found: Confusion) -> list[tuple[str, str, int]]:
    """Return what was taken for what and how often, most often first; what was right is left out."""
    names = [row.name for row in found.classes]
    pairs = [
        (names[row], names[column], count)
        for row, counts in enumerate(found.counts)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


# --- calibration -----------------------------------------------------------------------------------------------------


def reliability_curve(found: Sequence[Calibration]) -> Markup:
    """Return accuracy over confidence; on the diagonal a model is as often right as it says."""
    left, top, side, bottom = 42.0, 10.0, WIDTH - 62.0, 250.0
    height = bottom - top
    sentences = [f"{one.model}: expected calibration error {100 * one.expected_error:.2f} percent." for one in found]
    picture = Picture(bottom + 41, "Reliability curve", " ".join(sentences))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + side * share, bottom - height * share
        picture.line((left, y), (left + side, y), "grid")
        picture.text(left - 6, y + 4, f"{share:.0%}", "tick", "end")
        picture.text(x, bottom + 19, f"{share:.0%}", "tick", "middle")
    picture.text(left + side / 2, bottom + 36, "confidence", "axis", "middle")
    picture.text(left + 4, top + 12, "accuracy", "axis")
    picture.line((left, bottom), (left + side, top), "diagonal")
    for series, one in enumerate(found, start=1):
        bins = [each for each in one.bins if each.confidence is not None and each.accuracy is not None]
        places = [(left + side * (each.confidence or 0), bottom - height * (each.accuracy or 0)) for each in bins]
        picture.add("polyline", f"curve series-{series}", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
        for each, (x, y) in zip(bins, places, strict=True):
            hover = (
                f"{one.model}: confidence {each.confidence:.1%}, accuracy {each.accuracy:.1%}, {each.images:,} images"
            )
            picture.mark(x, y, series, hover)
    return picture.markup()


def confidence_histogram(found: Sequence[Calibration]) -> Markup:
    """Return how many images lie in each bin of confidence, on a logarithmic scale: most are at its end."""
    left, top, side, bottom = 54.0, 18.0, WIDTH - 74.0, 120.0
    most = max((each.images for one in found for each in one.bins), default=1) or 1
    picture = Picture(
        bottom + 41, "Histogram of confidence", f"Images by confidence; at most {most:,} in one bin, logarithmic scale."
    )
    for power in range(math.ceil(math.log10(most + 1)) + 1):
        if 10**power <= most:
            y = bottom - (bottom - top) * _log(10**power, most)
            picture.line((left, y), (left + side, y), "grid")
            picture.text(left - 6, y + 4, f"{10**power:,}", "tick", "end")
    width = side / max(len(one.bins) for one in found)
    bar = (width - 4) / len(found)
    for series, one in enumerate(found, start=1):
        for place, each in enumerate(one.bins):
            height = (bottom - top) * _log(each.images, most)
            hover = f"{one.model}: {each.images:,} images of confidence {each.low:.0%} to {each.high:.0%}"
            picture.bar(
                left + width * place + 2 + bar * (series - 1),
                bottom - height,
                bar,
                height,
                f"bar series-{series}",
                hover,
            )
    for share in (0.0, 0.5, 1.0):
        picture.text(left + side * share, bottom + 19, f"{share:.0%}", "tick", "middle")
    picture.line((left, bottom), (left + side, bottom), "base")
    picture.text(left + side / 2, bottom + 36, "confidence", "axis", "middle")
    picture.text(left + 4, 12, "images, logarithmic", "axis")
    return picture.markup()


def _log(count: float, most: float) -> float:
    """Return where a count stands between nothing (0) and the most (1)."""
    return math.log10(1 + count) / math.log10(1 + most) if count else 0.0


# --- differences -----------------------------------------------------------------------------------------------------


def alike(found: Sequence[LogitDifference]) -> list[tuple[str, LogitDifference]]:
    """Return the runtimes that differ from the oracle, those together that differ in the same: names, and the first.

    Two packages with the same kernels give the same picture, which is drawn once.
    """
    groups: dict[tuple[object, ...], list[LogitDifference]] = {}
    for one in found:
        if one.different:
            groups.setdefault((one.tensor, one.counts), []).append(one)
    return [(", ".join(one.runtime for one in group), group[0]) for group in groups.values()]


def difference_histogram(found: LogitDifference) -> Markup:
    """Return the elements that differ by their difference, as a share of all; those that are equal are left out."""
    counts = _ends_joined(found)
    reach = max(2, max(abs(difference) for difference in counts))
    shares = {difference: count / found.total for difference, count in counts.items()}
    most = max(shares.values())
    left, top, side, bottom = 50.0, 22.0, WIDTH - 58.0, 128.0
    title = f"{found.tensor} in {found.runtime} against {found.oracle}"
    picture = Picture(bottom + 41, title, _difference_words(found))
    for share in ticks(0, most, 4):
        y = bottom - (bottom - top) * share / most
        picture.line((left, y), (left + side, y), "grid")
        picture.text(left - 6, y + 4, f"{100 * share:.3g} %", "tick", "end")
    width = side / (2 * reach + 1)
    for difference, share in shares.items():
        height = (bottom - top) * share / most
        hover = f"{difference:+d} LSB: {counts[difference]:,} of {found.total:,} elements"
        x = left + width * (difference + reach)
        picture.bar(x + width * 0.1, bottom - height, width * 0.8, height, "bar series-1", hover)
    every = 1 if reach <= 5 else 2 if reach <= 8 else 4
    for difference in range(-reach, reach + 1):
        if difference % every == 0:
            picture.text(
                left + width * (difference + reach + 0.5), bottom + 19, _tick(difference, found), "tick", "middle"
            )
    picture.line((left, bottom), (left + side, bottom), "base")
    picture.text(left + side / 2, bottom + 36, "difference in LSB", "axis", "middle")
    picture.text(left + 4, 12, f"share of all {found.tensor}", "axis")
    return picture.markup()


def _ends_joined(found: LogitDifference) -> dict[int, int]:
    """Return the counts of differences other than zero, the largest ones together."""
    counts: dict[int, int] = {}
    for one in found.counts:
        if one.difference:
            drawn = max(-_FARTHEST_DRAWN, min(_FARTHEST_DRAWN, one.difference))
            counts[drawn] = counts.get(drawn, 0) + one.elements
    return counts


def _tick(difference: int, found: LogitDifference) -> str:
    beyond = any(abs(one.difference) > _FARTHEST_DRAWN for one in found.counts)
    if beyond and abs(difference) == _FARTHEST_DRAWN:
        return f"≥{difference}" if difference > 0 else f"≤{difference}"
    return f"{difference:+d}" if difference else "0"


def _difference_words(found: LogitDifference) -> str:
    share = f"{100 * found.different / found.total:.3g}" if found.total else "0"
    lowest, highest = (end([one.difference for one in found.counts]) for end in (min, max))
    return (
        f"{found.different:,} of {found.total:,} elements ({share} percent) differ, by {lowest:+d} to {highest:+d}; "
        f"mean difference {found.bias:+.4f} LSB; {found.class_changes:,} images change their class."
    )
