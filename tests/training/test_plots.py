"""Training curves as data: whole epochs, a test line, a logarithmic axis where it helps, texts that can be read."""

from __future__ import annotations

import math

import pytest

from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from edgemnist.training.loop import EpochReport
from edgemnist.training.plots import CurvesHeading, curves_figure
from tests.figures import foreign_colours, problems

pytestmark = pytest.mark.unit


def history(epochs: int, accuracy: float = 0.99) -> list[EpochReport]:
    """Return a training that comes near an accuracy."""
    return [
        EpochReport(
            epoch, 0.5 + math.exp(-epoch), accuracy - 0.02 - 0.3 * math.exp(-epoch / 3), 0.05 + math.exp(-epoch),
            accuracy - 0.3 * math.exp(-epoch / 2), 0.001 * (1 - epoch / (epochs + 1)), 1.0, 1.0,
        )
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip


@pytest.mark.parametrize(("epochs", "dark"), [(1, False), (7, True), (150, False)])
def test_texts_can_be_read_and_epochs_are_whole(epochs: int, dark: bool) -> None:
    title = "train: a net of a name that is rather long on a dataset of one, too; 99.31 % of 10,000 test images right"
    with drawn_dark(dark):
        figure = curves_figure(history(epochs), CurvesHeading(title, 0.9931, epochs))
    assert problems(figure) == []
    assert foreign_colours(figure, DARK if dark else LIGHT) == set()
    for axes in figure.axes:
        assert axes.get_title()
        assert axes.get_ylabel()
        assert axes.get_xlabel() == "epoch"
        ticks = [tick for tick in axes.get_xticks() if 0.5 <= tick <= epochs + 0.5]
        assert ticks
        assert all(float(tick).is_integer() for tick in ticks)


def test_the_test_line_is_at_the_test_error() -> None:
    figure = curves_figure(history(5), CurvesHeading("training", 0.9931, 4))
    lines = {str(line.get_label()): line for line in figure.axes[1].lines}
    assert lines["test, 0.69 %"].get_ydata()[0] == pytest.approx(0.69)
    assert list(lines["epoch 4, kept"].get_xdata()) == [4, 4]
    assert [text.get_text() for text in figure.legends[0].get_texts()][2:] == ["test, 0.69 %", "epoch 4, kept"]
    assert len(curves_figure(history(5), CurvesHeading()).legends[0].get_texts()) == 2


@pytest.mark.parametrize(("accuracy", "scale"), [(0.99, "log"), (0.6, "linear")])
def test_the_error_is_logarithmic_where_accuracies_are_near_one(accuracy: float, scale: str) -> None:
    axes = curves_figure(history(20, accuracy), CurvesHeading()).axes[1]
    assert axes.get_yscale() == scale
    assert ("logarithmic" in axes.get_ylabel()) == (scale == "log")


def test_an_error_of_nothing_is_drawn() -> None:
    shares = (0.9, 0.99, 1.0)
    perfect = [EpochReport(epoch, 0.1, share, 0.1, share, 1e-3, 1, 1) for epoch, share in enumerate(shares, start=1)]
    figure = curves_figure(perfect, CurvesHeading("training", 1.0))
    assert figure.axes[1].get_ylim()[0] > 0
    assert problems(figure) == []
