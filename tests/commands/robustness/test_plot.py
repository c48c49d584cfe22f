"""The plot of a robustness run as data: no two texts on each other, for few corruptions and for many."""

from __future__ import annotations

import pytest

from edgemnist.commands.robustness.plot import robustness_figure
from edgemnist.commands.robustness.report import CLEAN, Condition, ConditionResult, RobustnessReport, Summary
from edgemnist.commands.robustness.statistics import Estimate
from edgemnist.data.corruptions import corruptions
from edgemnist.harness.classifier import EvaluatedModel
from edgemnist.harness.compare import Share
from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from tests.figures import foreign_colours, problems

pytestmark = pytest.mark.unit

FILES = ("model_float32.tflite", "model_int8.tflite", "a_model_of_a_long_name_that_was_pruned_int8.tflite")


def report(names: int, models: int) -> RobustnessReport:
    """Return what a run may find; with several models the first is the reference."""

    def drops(place: int) -> tuple[Estimate | None, ...]:
        return tuple(Estimate(0.004 * place * model, 0.002) if model else None for model in range(models))

    def result(name: str, severity: int, place: int) -> ConditionResult:
        shares = tuple(Share(990 - 12 * place * severity - 20 * model, 1000) for model in range(models))
        return ConditionResult(Condition(name, severity, (), True), shares, drops(place))

    chosen = list(corruptions())[:names]
    return RobustnessReport(
        "mnist", 1000, "", 0, "", "", (),
        tuple(EvaluatedModel(file, "int8", 1, "", "litert-reference", "2") for file in FILES[:models]),
        0 if models > 1 else None, result(CLEAN, 0, 0),
        tuple(result(name, severity, place) for place, name in enumerate(chosen) for severity in (1, 3, 5)),
        tuple(
            Summary(name, 3, tuple(Estimate(0.9, 0.01) for _ in range(models)), drops(place))
            for place, name in enumerate([*chosen, "all"])
        ), (),
    )  # fmt: skip


@pytest.mark.parametrize(("names", "models", "dark"), [(1, 1, False), (2, 2, True), (15, 3, False)])
def test_texts_can_be_read(names: int, models: int, dark: bool) -> None:
    with drawn_dark(dark):
        figure = robustness_figure(report(names, models))
    assert problems(figure) == []
    assert foreign_colours(figure, DARK if dark else LIGHT) == set()
    assert len(figure.legends[0].get_texts()) == models
    panels = [axes for axes in figure.findobj(type(figure.axes[0])) if axes.get_title()]
    assert len(panels) == names + (models > 1)
    assert all("_" not in axes.get_title() for axes in panels if not axes.get_title().startswith("drop against"))
