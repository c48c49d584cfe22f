"""What a conversion works on: the source, how it is fed, images to calibrate and verify with; found and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgemnist.artifacts.context import ModelContext, context_beside
from edgemnist.artifacts.folder import StageRecord
from edgemnist.commands.convert import verification
from edgemnist.commands.convert.calibration import Calibration, choose_calibration
from edgemnist.commands.convert.settings import CALIBRATED, DEFAULT_CALIBRATION, ConversionSettings
from edgemnist.commands.convert.source import Loader, Source
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset_for
from edgemnist.data.splits import class_balanced_sample
from edgemnist.data.summary import introduce
from edgemnist.harness.feeding import Understanding, understood_by_facts
from edgemnist.harness.images import load_at
from edgemnist.harness.judging import judge_fed, judge_recorded, settled
from edgemnist.harness.trying import sample_of
from edgemnist.support.errors import InputError, ModelError
from edgemnist.support.progress import say
from edgemnist.tflite.kinds import ModelKind


@dataclass(frozen=True, eq=False)
class Conversion:
    """What a conversion works on, once everything has been found and checked.

    ``assumed``: a line for each thing of how the model is fed that nobody had said, with its evidence.
    """

    settings: ConversionSettings
    source: Source
    context: ModelContext
    trial: verification.Trial
    calibration: Calibration | None
    warnings: tuple[str, ...]
    assumed: tuple[str, ...] = ()


def prepare(settings: ConversionSettings, path: Path, record: StageRecord | None, load: Loader) -> Conversion:
    """Return what to convert: the work folder's model as recorded, or one that was named.

    :raises InputError: options that contradict the model, or images to calibrate with are missing.
    :raises ModelError: the model does not fit the dataset, is at chance level, or is right when fed otherwise.
    """
    if record is None:
        return _prepare_named(settings, path, load)
    if settings.dataset is not None or settings.feeding.given():
        raise InputError(
            "--dataset and the options for how a model is fed are for models from elsewhere; the work folder's model "
            "has its own: leave them out, or name the model file"
        )
    if record.stage == "qat":
        _require_modes_of_qat(settings, path)
    context = ModelContext.from_json(record.settings)
    source = load.bind(context.preprocessing.image_shape)
    dataset = load_dataset_for(context)
    conversion = _with_dataset(settings, source, context, dataset)
    trial = conversion.trial
    if trial.labels is not None:
        judge_recorded(path.name, trial.expected, trial.labels, even_so=settings.even_so)
    if record.settings.get("dataset_sha256", dataset.sha256) == dataset.sha256:
        return conversion
    changed = f"dataset {context.dataset!r} is not what the model was trained on any more; train again, or put it back"
    return replace(conversion, warnings=(*conversion.warnings, changed))


def _require_modes_of_qat(settings: ConversionSettings, path: Path) -> None:
    """Refuse modes in which a model with int8's ranges would become something else, or nothing."""
    others = [mode.value for mode in settings.ordered_modes() if mode not in (ModelKind.INT8, ModelKind.FLOAT32)]
    if others:
        raise InputError(
            f"{path.name!r} was trained for int8 and cannot become {' or '.join(others)}; convert it with --int8 or "
            "--float32, or name the model before it: edgemnist convert trained.keras --dataset NAME"
        )


def _prepare_named(settings: ConversionSettings, path: Path, load: Loader) -> Conversion:
    """Prepare a file named by the user; what he does not say of it its manifest says, or the file, or a trial."""
    beside = context_beside(path)
    contradictions = settings.contradictions(beside, path)
    facts = load.look(settings.feeding.output)
    known = understood_by_facts(facts, beside, settings.feeding, path.name)
    name = settings.dataset
    if name is None and beside is not None and CALIBRATED.intersection(settings.ordered_modes()):
        name = beside.dataset
    if not name:
        conversion = _prepare_without_dataset(settings, path, known, load)
    else:
        conversion = _prepare_with(settings, path, name, known, load)
    return replace(conversion, warnings=(*contradictions, *conversion.warnings))


def _prepare_with(
    settings: ConversionSettings, path: Path, name: str, known: Understanding, load: Loader
) -> Conversion:
    dataset = load_at(name, known.preprocessing)
    introduce(dataset)
    source = load.bind(dataset.image_shape, settings.feeding.output)
    _check_classes(source, dataset, name, settings)
    given = replace(known.preprocessing, image_shape=dataset.image_shape, class_names=dataset.class_names)
    sample = sample_of(dataset.test)
    verification.check_finite(source, source.predict(verification.source_input(source, sample.images, given)))
    predict = verification.predicting(source)
    found = settled(predict, dataset, replace(known, preprocessing=given), path.name)
    for line in found.evidence:
        say(line)
    remarks = judge_fed(predict, dataset, name, found, path.name, even_so=settings.even_so)
    context = ModelContext(name, path.stem, found.preprocessing)
    conversion = _with_dataset(settings, source, context, dataset)
    return replace(conversion, warnings=(*conversion.warnings, *remarks), assumed=found.evidence)


def _check_classes(source: Source, dataset: Dataset, name: str, settings: ConversionSettings) -> None:
    if source.classes != dataset.classes:
        raise ModelError(
            f"{str(source.path)!r} tells {source.classes} classes apart, dataset {name!r} has {dataset.classes}; "
            "name the dataset that the model was trained on"
        )
    settings.feeding.require_classes_of(dataset)


def _with_dataset(settings: ConversionSettings, source: Source, context: ModelContext, dataset: Dataset) -> Conversion:
    calibration = None
    if CALIBRATED.intersection(settings.ordered_modes()):
        images = settings.calibration or min(DEFAULT_CALIBRATION, len(dataset.train))
        calibration = choose_calibration(dataset.train, images, settings.seed, context.preprocessing.class_names)
    count = min(verification.VERIFICATION_IMAGES, len(dataset.test))
    sample = class_balanced_sample(dataset.test, count, settings.seed)
    trial = verification.make_trial(source, sample.images, sample.labels, context.preprocessing)
    return Conversion(settings, source, context, trial, calibration, calibration.warnings if calibration else ())


def _prepare_without_dataset(
    settings: ConversionSettings, path: Path, known: Understanding, load: Loader
) -> Conversion:
    """Float modes need no images; the result is compared with its source on noise."""
    calibrated = [mode.value for mode in settings.ordered_modes() if mode in CALIBRATED]
    if calibrated:
        raise InputError(
            f"converting {str(path)!r} to {' and '.join(calibrated)} needs images to calibrate with: "
            "name the dataset that it was trained on with --dataset"
        )
    shape = known.preprocessing.image_shape
    source = load.bind(shape if all(shape) else None, settings.feeding.output)
    names = known.preprocessing.class_names or tuple(str(label) for label in range(source.classes))
    preprocessing = replace(known.preprocessing, image_shape=source.image_shape, class_names=names)
    assumed = known.assumed(path.name)
    for line in assumed:
        say(line)
    images = verification.made_up_images(preprocessing.image_shape, verification.NOISE_IMAGES, settings.seed)
    trial = verification.make_trial(source, images, None, preprocessing)
    context = ModelContext("", path.stem, preprocessing)
    return Conversion(settings, source, context, trial, None, (), assumed)
