"""The confusion matrix as data: counts in the cells, names in full, texts that can be read on their colours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from matplotlib.colors import to_hex

from edgemnist.commands.evaluate.pictures import confusion_figure
from edgemnist.commands.evaluate.report import EvaluationReport
from edgemnist.harness.compare import Share
from edgemnist.support.palette import DARK, LIGHT, contrast, drawn_dark
from tests.figures import problems

pytestmark = pytest.mark.unit

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def report(names: tuple[str, ...]) -> EvaluationReport:
    """Return as much of a report as the picture shows: many mistakes of all frequencies."""
    counts = np.arange(len(names) ** 2).reshape(len(names), len(names)) % 13
    np.fill_diagonal(counts, 980)
    model = SimpleNamespace(file="model_int8.tflite")
    shown: Any = SimpleNamespace(
        confusion=counts.tolist(), class_names=names, model=model, accuracy=Share(9_912, 10_000)
    )  # fmt: skip
    return cast(EvaluationReport, shown)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("names", [("cat", "dog"), CLOTHES, tuple(map(str, range(40)))], ids=["2", "10", "40"])
def test_texts_can_be_read(names: tuple[str, ...], dark: bool) -> None:
    with drawn_dark(dark):
        figure = confusion_figure(report(names))
    assert problems(figure) == []
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "label")
    assert [text.get_text() for text in axes.get_yticklabels()] == list(names)
    ground = (DARK if dark else LIGHT).paper
    assert to_hex(figure.get_facecolor()) == ground
    (image,) = axes.images
    for text in axes.texts:  # the count on its cell
        column, row = text.get_position()
        colour = to_hex(image.cmap(image.norm(image.get_array()))[int(row), int(column)])
        assert contrast(to_hex(text.get_color()), colour) > 4.5
