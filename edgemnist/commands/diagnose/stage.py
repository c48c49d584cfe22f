"""The diagnosis: which way of feeding makes a model right, or makes it answer what a device answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.diagnose.device import AnsweredPictures, Reproduction, reproduce
from edgemnist.harness.diagnosis import Diagnosis, diagnose
from edgemnist.harness.feeding import FeedingSettings, understand
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import find_subject
from edgemnist.harness.pictures import pictures_of
from edgemnist.harness.subjects import fitting_dataset
from edgemnist.harness.trying import open_predict
from edgemnist.support.errors import GateFailedError
from edgemnist.support.progress import say


@dataclass(frozen=True, kw_only=True)
class DiagnoseSettings:
    """What to diagnose. Without ``model`` it is the work folder's preferred one.

    ``dataset``: the labelled pictures; None takes what the model was trained on. ``feeding``: how it is fed as far as
    somebody says, from which every plausible other way is tried. ``answers``: what a device answered, instead of a
    dataset.
    """

    model: Path | None = None
    dataset: str | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    answers: AnsweredPictures | None = None


def run_diagnosis(settings: DiagnoseSettings, work: WorkFolder) -> Diagnosis | Reproduction:
    """Try every plausible way of feeding the model on at most 500 pictures, and return what was found.

    :raises InputError: no such model, dataset or pictures, or they do not fit each other.
    :raises EnvironmentFailure: no runtime for the model is installed, or it crashed.
    """
    subject = find_subject(settings.model, work, keras=True, output=settings.feeding.output)
    known = understand(subject, settings.feeding)
    for line in known.evidence:
        say(line)
    if settings.answers is not None:
        return reproduce(subject, settings.answers, known)
    dataset, given = fitting_dataset([subject], ImageSettings(dataset=settings.dataset), known, settings.feeding)
    pictures = pictures_of(dataset, dataset.name, given)
    with open_predict(subject.model) as predict:
        return diagnose(subject.model, predict, pictures, given, dataset.name, known=known.known)


def raise_wrong(found: Diagnosis | Reproduction) -> None:
    """Raise if nothing that was tried makes the model right, or answer what the device did.

    :raises GateFailedError: says so.
    """
    if not found.right:
        raise GateFailedError(found.sentences()[0])
