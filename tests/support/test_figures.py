"""Labels of points lie nowhere that something is, and the checks of figures would notice if they did."""

from __future__ import annotations

from typing import Any

import pytest

from edgemnist.support import figures
from edgemnist.support.figures import PointLabel, label_points, new_figure, png_of, styled
from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from tests.figures import foreign_colours, problems

pytestmark = pytest.mark.unit


def crowded(count: int, *, width: float = 5.0) -> tuple[Any, list[PointLabel]]:
    """Return a figure of points of which many lie near each other, and their labels."""
    figure = new_figure(width, 4)
    axes = styled(figure.subplots(), title="crowded", x="cost", y="accuracy, %")
    labels = [
        PointLabel(10 + number % 5 + 0.1 * number, 99 + 0.02 * (number % 7), f"net_{number}", LIGHT.series[0], 0.01)
        for number in range(count)
    ]
    axes.plot([one.x for one in labels], [one.y for one in labels], "o", color=LIGHT.series[0])
    axes.margins(0.3)
    return figure, labels


@pytest.mark.parametrize("count", [1, 6, 20])
@pytest.mark.parametrize("width", [4.0, 9.0])
def test_labels_of_points_lie_on_nothing(count: int, width: float) -> None:
    figure, labels = crowded(count, width=width)
    axes = figure.axes[0]
    texts = label_points(axes, labels)
    assert len(texts) == count
    assert problems(figure) == []
    renderer = figure.canvas.get_renderer()
    points = axes.transData.transform([(one.x, one.y) for one in labels])
    for text in texts:
        extent = text.get_window_extent(renderer)
        assert not any(extent.contains(*point) for point in points)


def test_the_same_labels_get_the_same_places() -> None:
    pictures = []
    for _ in range(2):
        figure, labels = crowded(12)
        label_points(figure.axes[0], labels)
        pictures.append(png_of(figure))
    assert pictures[0] == pictures[1]


def test_the_checks_would_notice() -> None:
    figure = new_figure(3, 3)
    figure.text(0.5, 0.9, "one")
    figure.text(0.51, 0.9, "other", color="#123456")
    figure.text(0.98, 0.2, "too far to the right")
    axes = figure.subplots()
    (line,) = axes.plot([0, 1])
    figure.legend([line], ["a line"], loc="center").get_texts()[0].set_fontsize(7)
    assert problems(figure) == [
        "'one' and 'other' lie on each other", "'too far to the right' is cut off", "a legend lies on the data",
    ]  # fmt: skip
    assert "#123456" in foreign_colours(figure, LIGHT)


def test_a_figure_is_drawn_in_the_theme() -> None:
    with drawn_dark(True):
        figure, labels = crowded(3)
        figures.heading(figure, "a heading that is so long that it has to be broken into more than one line")
        figures.whole_numbers(figure.axes[0].xaxis)
    assert foreign_colours(figure, DARK) == {LIGHT.series[0]}
    assert labels[0].colour == LIGHT.series[0]
    assert problems(figure) == []
