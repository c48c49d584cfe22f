"""What a model gets right beside the baseline: on the same images, image by image, where both reports have them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.report import words
from edgemnist.commands.report.answers import proportion
from edgemnist.commands.report.comparison import AccuracyChange, Finding
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Estimate, ImageAnswers, Proportion
from edgemnist.commands.robustness.statistics import drop
from edgemnist.harness.compare import Share, agreement
from edgemnist.support.errors import InputError
from edgemnist.support.statistics import STANDARD_ERRORS, mcnemar

NAME = "accuracy"
SIGNIFICANT = 0.05
"""A loss for which McNemar's exact test has a smaller p-value than this is none by chance."""


def accuracy_change(baseline: Report, model: Report) -> tuple[AccuracyChange | None, Finding]:
    """Return the change and whether it is a loss beyond chance; None where the images are of two datasets.

    :raises InputError: the baseline's record of its answers is damaged.
    """
    if baseline.images.dataset != model.images.dataset:
        sets = f"the baseline's accuracy is on {baseline.images.dataset}, the model's on {model.images.dataset}"
        return None, Finding(NAME, "noted", f"not compared: {sets}")
    ours, theirs = right_of(model), right_of(baseline)
    why = _why_not_paired(baseline, model, theirs, ours)
    if not why and ours is not None and theirs is not None:
        change = _paired(baseline, model, theirs, ours)
        return change, _paired_finding(change)
    apart = _unpaired(baseline, model, why)
    if apart is None:
        return None, Finding(NAME, "noted", f"not compared: {why}")
    return apart, _unpaired_finding(apart)


def right_of(report: Report) -> NDArray[np.bool_] | None:
    """Return which images a report's model gets right, shape (images,), None where it has no record of them.

    :raises InputError: the record is damaged.
    """
    answers = report.answers
    if answers is None:
        return None
    labels, predictions = _classes(answers, "labels"), _classes(answers, "predictions")
    if len(labels) != len(predictions) or not len(labels):
        raise InputError(
            f"the answers of {answers.model!r} in the report are damaged: {len(labels)} labels and {len(predictions)} "
            "predictions; make the report again, or name the older release's .tflite"
        )
    right: NDArray[np.bool_] = labels == predictions
    return right


def _classes(answers: ImageAnswers, name: str) -> NDArray[np.int64]:
    text: str = getattr(answers, name)
    try:
        return np.array([int(one) for one in text.split()], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"answers.{name} of the report of {answers.model!r} is damaged: {error}; make the report again, or name "
            "the older release's .tflite"
        ) from error


def _why_not_paired(
    baseline: Report, model: Report, theirs: NDArray[np.bool_] | None, ours: NDArray[np.bool_] | None
) -> str:
    """Return why the two cannot be compared image by image, "" where they can."""
    old, new = baseline.answers, model.answers
    if old is None or new is None or theirs is None or ours is None:
        return "the baseline's report has no answers to single images, as those of format 1; name its .tflite for that"
    if len(theirs) != len(ours):
        return (
            f"the baseline's report is of {len(theirs):,} images, this one of {len(ours):,}: give "
            f"--images {len(theirs)}, or name the baseline's .tflite"
        )
    same_size = old.image_shape == new.image_shape
    if _labels(baseline) != _labels(model) or (same_size and old.images_sha256 != new.images_sha256):
        return "the reports are of other images; name the baseline's .tflite, and both are measured on the same ones"
    return ""


def _labels(report: Report) -> list[str]:
    """Return the class of each image by its name, as the two may have them in another order."""
    names = dict(enumerate(report.images.class_names))
    return [] if report.answers is None else [names.get(one, str(one)) for one in _classes(report.answers, "labels")]


def _paired(baseline: Report, model: Report, theirs: NDArray[np.bool_], ours: NDArray[np.bool_]) -> AccuracyChange:
    lost = drop(theirs[np.newaxis], ours[np.newaxis])
    gained, gone = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    shares = [proportion(agreement(one.astype(np.int64), np.ones(len(one), np.int64))) for one in (theirs, ours)]
    titles = [report.answers.model if report.answers else report.subject.file for report in (baseline, model)]
    return AccuracyChange(
        paired=True,
        basis=f"the same {len(ours):,} images{_of_other_size(baseline, model)}: {titles[0]}; {titles[1]}",
        baseline=shares[0],
        model=shares[1],
        gain=Estimate(-lost.mean + 0.0, lost.standard_error),
        only_baseline=gone,
        only_model=gained,
        p_value=mcnemar(gained, gone),
    )


def _of_other_size(baseline: Report, model: Report) -> str:
    old, new = (report.answers.image_shape if report.answers else () for report in (baseline, model))
    if old == new:
        return ""
    sizes = " and ".join("x".join(map(str, size)) for size in (old, new))
    return f" by their labels, at {sizes} pixels"


def _unpaired(baseline: Report, model: Report, why: str) -> AccuracyChange | None:
    old, new = _accuracy_of(baseline), _accuracy_of(model)
    if old is None or new is None:
        return None
    return AccuracyChange(
        paired=False,
        basis=f"not image by image: {why}",
        baseline=old,
        model=new,
        gain=Estimate(new.share - old.share, math.hypot(old.standard_error, new.standard_error)),
        only_baseline=None,
        only_model=None,
        p_value=None,
    )


def _accuracy_of(report: Report) -> Proportion | None:
    """Return what the confusion matrix, which every format has, says."""
    if report.confusion is None:
        return None
    counts = report.confusion.counts
    right = sum(row[place] for place, row in enumerate(counts) if place < len(row))
    return proportion(Share(right, sum(map(sum, counts))))


def _paired_finding(change: AccuracyChange) -> Finding:
    p_value = 1.0 if change.p_value is None else change.p_value
    detail = (
        f"{words.percent(change.baseline.share)} → {words.percent(change.model.share)} %, {words.points(change.gain)} "
        f"points on the same images; {change.only_baseline} only the baseline gets right, {change.only_model} only the "
        f"model; McNemar's exact test: p = {p_value:.3g}"
    )
    if change.gain.mean < 0 and p_value < SIGNIFICANT:
        return Finding(NAME, "failed", f"expected no loss beyond chance (p ≥ {SIGNIFICANT}), got {detail}")
    return Finding(NAME, "passed", detail)


def _unpaired_finding(change: AccuracyChange) -> Finding:
    detail = (
        f"{words.percent(change.baseline.share)} → {words.percent(change.model.share)} %, {words.points(change.gain)} "
        f"points, {change.basis}"
    )
    if change.gain.mean < -STANDARD_ERRORS * change.gain.standard_error:
        return Finding(NAME, "failed", f"expected no loss beyond two standard errors, got {detail}")
    return Finding(NAME, "noted", detail)
