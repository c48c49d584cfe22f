"""Knowledge distillation: the logits of a larger net as soft labels beside the hard ones.

The loss is (1 - w) CE(labels, student) + w T^2 KL(teacher_T || student_T), where the index T means probabilities of the
logits divided by the temperature T (Hinton, Vinyals and Dean 2015, section 2). The teacher's logits are for the very
images that the student sees, augmented (``teacher_logits`` computes them once).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import Normalisation

DEFAULT_TEMPERATURE = 3.0
DEFAULT_WEIGHT = 0.7

_SMALLEST = 1e-7
"""Probabilities are cut off here before their logarithm stands in for the logit."""


@dataclass(frozen=True, kw_only=True)
class DistillationSettings:
    """``teacher``: an architecture, to be trained on demand for ``teacher_epochs`` (None: its own), or a model's path.

    ``temperature`` is above 0, ``weight`` (w in the formula) in 0..1.

    :raises InputError: a value is out of range.
    """

    teacher: str
    temperature: float = DEFAULT_TEMPERATURE
    weight: float = DEFAULT_WEIGHT
    teacher_epochs: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"temperature {self.temperature!r} is not a number above 0; usual are 1 to 10")
        if not 0 <= self.weight <= 1:
            raise InputError(f"distillation weight {self.weight!r} is out of range; give a number from 0 to 1")
        if self.teacher_epochs is not None and self.teacher_epochs < 1:
            raise InputError(f"cannot train a teacher for {self.teacher_epochs} epochs; give at least 1")


@dataclass(frozen=True, eq=False)
class Teacher:
    """A tf_keras model to learn from, the file it came from, how it takes its pixels, the folder for its logits."""

    settings: DistillationSettings
    path: Path
    sha256: str
    model: Any
    normalisation: Normalisation
    logits_folder: Path

    def as_json(self) -> dict[str, Any]:
        """Return what a fit with this teacher depends on, as JSON values."""
        return {**dataclasses.asdict(self.settings), "sha256": self.sha256}


def mix(tensorflow: Any, settings: DistillationSettings, loss: Any, logits: Any, probabilities: Any) -> Any:
    """Return the loss with the teacher's part: a scalar.

    ``loss``: the mean cross-entropy with the labels; ``logits``: ``log_probabilities`` of the teacher,
    ``probabilities``: the student's; both float32 (batch, classes).
    """
    soft = divergence(tensorflow, logits, log_probabilities(tensorflow, probabilities), settings.temperature)
    return (1.0 - settings.weight) * loss + settings.weight * settings.temperature**2 * soft


def log_probabilities(tensorflow: Any, probabilities: Any) -> Any:
    """Return what stands in for the logits of probabilities: their logarithms, never below -16.2."""
    return tensorflow.math.log(tensorflow.clip_by_value(probabilities, _SMALLEST, 1.0))


def divergence(tensorflow: Any, teacher: Any, student: Any, temperature: float) -> Any:
    """Return the mean of KL(teacher_T || student_T) in nats; both are log-probabilities, float32 (batch, classes)."""
    wanted, have = (tensorflow.nn.log_softmax(logits / temperature) for logits in (teacher, student))
    return tensorflow.reduce_mean(tensorflow.reduce_sum(tensorflow.exp(wanted) * (wanted - have), axis=1))


def distillation_settings_from(
    teacher: str | None, temperature: float | None, weight: float | None, teacher_epochs: int | None
) -> DistillationSettings | None:
    """Return what ``--teacher`` and its companions ask for, None without them.

    :raises InputError: a companion without ``--teacher``, or a value out of range.
    """
    values = {"temperature": temperature, "weight": weight, "teacher_epochs": teacher_epochs}
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if teacher is not None:
        return DistillationSettings(teacher=teacher, **given)
    if given:
        raise InputError("--temperature, --distillation-weight and --teacher-epochs need --teacher")
    return None


def stored_distillation(stored: Mapping[str, Any] | None) -> DistillationSettings | None:
    """Return the settings that ``Teacher.as_json`` wrote."""
    return None if stored is None else DistillationSettings(**{k: v for k, v in stored.items() if k != "sha256"})
