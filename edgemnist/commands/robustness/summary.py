"""From which images each model got right to the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.robustness.report import CLEAN, Condition, ConditionResult, RobustnessReport, Summary, Verdict
from edgemnist.commands.robustness.statistics import Estimate, accuracy, drop, excess_drop
from edgemnist.data.corruptions import corruptions
from edgemnist.harness.classifier import EvaluatedModel
from edgemnist.harness.compare import Share
from edgemnist.harness.models import FLOAT_REFERENCES
from edgemnist.harness.subjects import Subjects
from edgemnist.tflite.normalisation import normalisation_name

PUBLISHED = "MNIST-C as published"
ALL = "all corruptions"
_SIGNIFICANT = 2.0
_FLOAT_REFERENCES = tuple(kind.value for kind in FLOAT_REFERENCES)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Which images each model got right: ``correct`` is (models, 1 + conditions, images), the clean images first."""

    models: tuple[EvaluatedModel, ...]
    conditions: tuple[Condition, ...]
    correct: NDArray[np.bool_]


def summarise(subjects: Subjects, measured: Measurement, seed: int) -> RobustnessReport:
    """Return the report. The first float model, if there is one, is the reference of the others."""
    kinds = [model.kind for model in measured.models]
    reference = next((index for index, kind in enumerate(kinds) if kind in _FLOAT_REFERENCES), None)
    clean = Condition(CLEAN, 0, (), False)
    results = [
        _result(condition, measured.correct[:, row], reference)
        for row, condition in enumerate((clean, *measured.conditions))
    ]
    return RobustnessReport(
        dataset=subjects.dataset,
        images=len(subjects.split),
        sampling=subjects.sampling,
        seed=seed,
        normalisation=normalisation_name(subjects.preprocessing.normalisation),
        preprocessing=subjects.preprocessing.in_words(),
        assumed=subjects.assumed,
        models=measured.models,
        reference=reference,
        clean=results[0],
        results=tuple(results[1:]),
        summaries=tuple(_summaries(measured, reference)),
        verdicts=tuple(_verdicts(measured, reference)),
    )


def _result(condition: Condition, correct: NDArray[np.bool_], reference: int | None) -> ConditionResult:
    """``correct`` is (models, images)."""
    return ConditionResult(
        condition,
        accuracy=tuple(Share(int(row.sum()), len(row)) for row in correct),
        drop=_drops(correct[:, np.newaxis], reference),
    )


def _summaries(measured: Measurement, reference: int | None) -> Iterator[Summary]:
    """Yield a summary for each corruption, one for MNIST-C where it is complete, and one for everything."""
    names = [condition.corruption for condition in measured.conditions]
    for name in dict.fromkeys(names):
        yield _summary(name, [other == name for other in names], measured, reference)
    published = [condition.published for condition in measured.conditions]
    if sum(published) == sum(one.published is not None for one in corruptions().values()):
        yield _summary(PUBLISHED, published, measured, reference)
    if len(set(names)) > 1:
        yield _summary(ALL, [True] * len(names), measured, reference)


def _summary(name: str, chosen: Sequence[bool], measured: Measurement, reference: int | None) -> Summary:
    correct = measured.correct[:, 1:][:, np.array(chosen)]
    return Summary(name, sum(chosen), tuple(accuracy(rows) for rows in correct), _drops(correct, reference))


def _drops(correct: NDArray[np.bool_], reference: int | None) -> tuple[Estimate | None, ...]:
    """``correct`` is (models, conditions, images)."""
    return tuple(
        None if reference in (None, index) else drop(correct[reference], rows) for index, rows in enumerate(correct)
    )


def _verdicts(measured: Measurement, reference: int | None) -> Iterator[Verdict]:
    for index, rows in enumerate(measured.correct):
        if reference is None or index == reference:
            continue
        base = measured.correct[reference]
        clean, corrupted, excess = drop(base[:1], rows[:1]), drop(base[1:], rows[1:]), excess_drop(base, rows)
        significant = abs(excess.mean) > _SIGNIFICANT * excess.standard_error
        sentence = (
            f"{measured.models[index].file} against {measured.models[reference].file}: "
            f"{_finding(measured.models[index].kind, excess, significant)}: the drop is {in_points(corrupted)} points "
            f"on average over {len(rows) - 1} corrupted test sets and {in_points(clean)} on the clean one; their "
            f"difference, {in_points(excess)}, is {'beyond' if significant else 'within'} two standard errors"
        )
        yield Verdict(measured.models[index].file, clean, corrupted, excess, significant, sentence)


def _finding(kind: str, excess: Estimate, significant: bool) -> str:
    change = "the change" if kind in _FLOAT_REFERENCES else "quantisation"
    if not significant:
        return f"no sign that {change} hurts more off-distribution"
    return f"{change} hurts {'more' if excess.mean > 0 else 'less'} off-distribution"


def in_points(value: Estimate) -> str:
    """Return an estimate in percentage points, for people."""
    mean = round(100 * value.mean, 2) + 0.0  # not -0.00
    return f"{mean:.2f} ± {100 * value.standard_error:.2f}"
