"""The float net beside an int8 model: found, fed with the same images, compared; a part of ``edgemnist explain``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.explain.stage import ExplainCommandSettings, may_be_drawn, run_explain
from edgemnist.harness.models import Subject, find_subject, named_subject, work_subjects
from edgemnist.harness.random_inputs import random_inputs
from edgemnist.harness.subjects import with_images
from edgemnist.mismatch.explanation import Explanation
from edgemnist.quantisation_error.compare import pair_of, quantisation_error
from edgemnist.quantisation_error.ranges import dequantise
from edgemnist.quantisation_error.report import QuantisationError
from edgemnist.quantisation_error.trials import Material
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError
from edgemnist.support.progress import say
from edgemnist.tflite.kinds import ModelKind

LEAST_IMAGES = 200
"""Fewer would show hardly any loss of accuracy."""


@dataclass(frozen=True)
class Explained:
    """Both parts; ``floats`` is None where there is no float net."""

    explanation: Explanation
    floats: QuantisationError | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values: the explanation's, with the comparison under ``float``."""
        return {**self.explanation.as_json(), "float": None if self.floats is None else self.floats.as_json()}


def run_with_float(settings: ExplainCommandSettings, float_model: Path | None, work: WorkFolder) -> Explained:
    """Explain a model as ``run_explain`` does, and compare it with the float net that it was made from.

    :param float_model: a float32 ``.tflite``. Without it the work folder's is taken where the model is the folder's.
    :raises InputError: as ``run_explain``, or there is no such float model.
    :raises UnsupportedModelError: the float model that was named is not the same net.
    """
    subject = find_subject(settings.model, work, output=settings.feeding.output, any_ends=True)
    floats = _float_subject(subject, settings, float_model, work)
    explanation = run_explain(settings, work)
    if floats is None:
        return Explained(explanation, None)
    try:
        material = _material(subject, floats, settings)
        found = quantisation_error(floats.model, subject.model, material, timeout=settings.timeout)
    except UnsupportedModelError as error:
        if float_model is not None:
            raise
        say(f"without the float net, {floats.model.name}: {error}")
        return Explained(explanation, None)
    return Explained(explanation, found)


def _float_subject(
    subject: Subject, settings: ExplainCommandSettings, float_model: Path | None, work: WorkFolder
) -> Subject | None:
    if float_model is not None:
        found = named_subject(float_model, output=settings.feeding.output)
        pair_of(found.model, subject.model)
        return found
    if settings.model is not None or subject.kind not in (ModelKind.INT8, ModelKind.INT16X8):
        return None
    floats = [one for one in work_subjects(work) if one.kind is ModelKind.FLOAT32]
    try:
        for one in floats:
            pair_of(one.model, subject.model)
            return one
    except UnsupportedModelError as error:
        say(f"without the float net, {floats[0].model.name}: {error}")
    return None


def _material(subject: Subject, floats: Subject, settings: ExplainCommandSettings) -> Material:
    images = replace(settings.images, count=max(settings.images.count or 0, LEAST_IMAGES))
    if settings.random:
        return _random(subject, images.count or LEAST_IMAGES)
    try:
        found = with_images([subject, floats], images, settings.feeding, timeout=settings.timeout)
    except (InputError, ModelError):
        if not may_be_drawn(subject, settings):
            raise
        return _random(subject, images.count or LEAST_IMAGES)
    int8, float_ = (
        model.inputs(found.split.images, found.preprocessing)[:, np.newaxis]
        for model in (subject.model, floats.model)
    )  # fmt: skip
    labels = np.asarray(found.split.labels, np.int64)
    words = f"{found.dataset}: {found.sampling}"
    return Material(float_, int8, words, labels, found.preprocessing.output)


def _random(subject: Subject, count: int) -> Material:
    (integers,), words = random_inputs(subject.tflite, count)
    quantisation = subject.tflite.input().quantisation
    floats = integers.astype(np.float32) if quantisation is None else dequantise(integers, quantisation)
    return Material(floats, integers, words, drawn=True)
