"""The stage behind `edgemnist doctor MODEL`: what each target makes of a model, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.commands.doctor.faults.base import Fault, Network, Observed, Severity
from edgemnist.commands.doctor.report import Finding, ModelDiagnosis
from edgemnist.commands.doctor.verdicts import judge
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.runner.run import require_computable
from edgemnist.support.discovery import modules_of
from edgemnist.support.errors import InputError
from edgemnist.tflite.chosen_output import with_output
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.kinds import model_kind

IMAGES = 200
"""That are run through a model where no number is given."""

_ORDER = tuple(Severity)


@dataclass(frozen=True, kw_only=True)
class DoctorSettings:
    """What ``edgemnist doctor MODEL`` takes.

    ``targets``: those that have to load the model, the only ones that are asked then. ``images``: which to run through
    it, None for none.
    """

    model: Path
    targets: tuple[str, ...] = ()
    images: ImageSettings | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)


def settings_from(
    model: Path, targets: Sequence[str], dataset: str | None, images: int | None, feeding: FeedingSettings
) -> DoctorSettings:
    """Return the settings that the command's options come to.

    :raises InputError: images are asked for, but nothing says of which dataset.
    """
    if images is not None and dataset is None:
        raise InputError(f"--images {images} needs --dataset NAME: which images to run through the model")
    chosen = None if dataset is None else ImageSettings(count=images or IMAGES, dataset=dataset)
    return DoctorSettings(model=model, targets=tuple(targets), images=chosen, feeding=feeding)


def require_no_model_options(*options: object) -> None:
    """Refuse options about a model where none is named.

    :raises InputError: one is given.
    """
    if any(option is not None for option in options):
        raise InputError("--target, --dataset and --images are about a model; name its file: edgemnist doctor MODEL")


def diagnose_model(settings: DoctorSettings) -> ModelDiagnosis:
    """Ask targets about a model and look for faults in it.

    :raises InputError: there is no such file or target.
    :raises ModelError: it is no TFLite file, is corrupt, or has a tensor that is too large; with images, it is no image
        classifier.
    :raises EdgeMnistError: with images, as ``observe``.
    """
    model = read_tflite(settings.model)
    require_computable(model, settings.model)
    verdicts = judge(model, settings.targets)
    observed: Mapping[int, Observed] = {}
    count, sampling = 0, ""
    if settings.images is not None:
        from edgemnist.commands.doctor.observing import observe
        from edgemnist.harness.models import named_subject

        subject = named_subject(settings.model, keras=False, output=settings.feeding.output)
        observed, count, sampling = observe(subject, settings.images, settings.feeding)
        model = with_output(model, settings.feeding.output, settings.model.name)
    return ModelDiagnosis(
        file=settings.model,
        sha256=model.sha256,
        kind=model_kind(model).value,
        operators=len(model.operators),
        verdicts=verdicts,
        findings=find_faults(Network(model, observed, count)),
        images=sampling,
        required=settings.targets,
    )


def all_faults() -> tuple[Fault, ...]:
    """Return every fault that is looked for, the worst first."""
    modules = modules_of("edgemnist.commands.doctor.faults")
    found = [fault for module in modules for fault in getattr(module, "FAULTS", ())]
    return tuple(sorted(found, key=lambda fault: (_ORDER.index(fault.severity), fault.name)))


def find_faults(network: Network) -> tuple[Finding, ...]:
    """Return the faults of a model, the worst first, each with every place where it is."""
    found = ((fault, tuple(fault.look(network))) for fault in all_faults())
    return tuple(Finding(fault, places) for fault, places in found if places)
