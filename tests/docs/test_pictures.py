"""The documentation's picture is the one that its script draws from today's figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pareto import CostPanel, CostPoint, CostSeries, pareto_figure

from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from tests.figures import foreign_colours, problems

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "edgemnist" / "training" / "reference" / "mnist.json"
PICTURE = ROOT / "docs" / "images" / "ladder.svg"
SCRIPT = ROOT / "scripts" / "ladder_picture"


def test_picture_of_the_ladder_is_up_to_date() -> None:
    assert subprocess.run([sys.executable, str(SCRIPT), "--check"]).returncode == 0, "run scripts/ladder_picture"


@pytest.mark.parametrize(("panels", "dark"), [(1, True), (2, False)])
def test_points_of_a_pareto_plot_have_names_that_lie_on_nothing(panels: int, dark: bool) -> None:
    nets = json.loads(FIGURES.read_text())["nets"]

    def series(label: str, cost: str, factor: float) -> CostSeries:
        points = [
            CostPoint(net["arch"], factor * net[cost], net["accuracy_int8"]["mean"], net["accuracy_int8"]["deviation"])
            for net in nets
        ]
        return CostSeries(label, points)

    costs = ("flash", "instructions")[:panels]
    drawn = [CostPanel(cost, [series("dense", cost, 1.0), series("pruned", cost, 0.9)]) for cost in costs]
    with drawn_dark(dark):
        figure = pareto_figure("mnist, int8 accuracy on the test set, mean and deviation over the seeds", drawn)
    assert problems(figure) == []
    assert foreign_colours(figure, DARK if dark else LIGHT) == set()
    for axes in figure.axes:
        assert sorted(text.get_text() for text in axes.texts) == sorted(2 * [net["arch"] for net in nets])


def test_the_ladder_has_a_dark_variant() -> None:
    text = PICTURE.read_text()
    assert "prefers-color-scheme:dark" in text
    assert DARK.paper in text
    assert LIGHT.paper in text
