"""The import stage: a model from elsewhere to ``trained.keras`` and a record as of a training.

What is written was compared with the original on test images, read back, and measured on the whole test set. A model
after quantisation-aware training also leaves ``qat.keras``, with the ranges that it learned.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import QAT_MODEL, TRAINED_MODEL, WorkFolder, digests_of
from edgemnist.commands.import_model.comparison import (
    BATCH,
    Comparison,
    compare,
    predictor,
    with_probabilities,
)
from edgemnist.commands.import_model.feeding import after_scaling, how_fed
from edgemnist.commands.import_model.originals import Original, open_model
from edgemnist.commands.import_model.settings import ImportSettings
from edgemnist.data.base import Dataset, Split
from edgemnist.data.splits import class_balanced_sample
from edgemnist.data.summary import introduce
from edgemnist.harness.feeding import Understanding, understood_by_facts
from edgemnist.harness.images import load_at
from edgemnist.harness.normalisation import accuracy
from edgemnist.harness.outputs import real_scores
from edgemnist.keras_io.classifier import Built
from edgemnist.keras_io.formats import source_files
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.sources import load_source
from edgemnist.onnx.original import SUFFIXES
from edgemnist.runner.base import InputFacts
from edgemnist.support.errors import ModelError, storage_errors
from edgemnist.support.files import package_versions, write_bytes
from edgemnist.support.progress import progress_task
from edgemnist.tflite.normalisation import Normalisation, normalisation_name
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing, class_count
from edgemnist.training import architectures
from edgemnist.training.augment import NO_AUGMENTATION
from edgemnist.training.fine_tuning import as_seen
from edgemnist.training.recipe import Recipe

STAGE = "train"
"""An import takes the place of a training, so that every later stage finds its model."""

PACKAGES = ("edgemnist", "tensorflow", "tf-keras", "keras", "numpy", "onnx", "onnxruntime", "torch", "onnxscript")
_VALIDATION_SHARE = 10
_MOST_VALIDATION = 5_000


@dataclass(frozen=True)
class ImportResult:
    """What came out. ``max_difference`` is the largest between the original's and the import's scores on ``compared``
    test images, ``score_range`` their lowest and highest; ``agreement`` is the share of images of equal class.

    Accuracies are in 0..1: ``accuracy`` of the import on the whole test split, ``original_accuracy`` of the original
    on the compared images. ``image_shape`` is (height, width, channels). ``parameters`` counts what a converted model
    holds. ``notes`` say what was found and changed, ``warnings`` what looks wrong. ``qat_path`` is the model with the
    ranges of a quantisation-aware training, ``qat_accuracy`` its accuracy; None where there was no such training.
    """

    model_path: Path
    source: Path
    producer: str
    dataset: str
    layout: str
    batch: int | None
    normalisation: str
    preprocessing: str
    operators: tuple[str, ...]
    output: str
    engine: str
    compared: int
    max_difference: float
    score_range: tuple[float, float]
    agreement: float
    original_accuracy: float
    accuracy: float
    test_images: int
    parameters: int
    image_shape: tuple[int, int, int]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    qat_path: Path | None = None
    qat_accuracy: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        paths = {"model_path": self.model_path, "source": self.source, "qat_path": self.qat_path}
        return dataclasses.asdict(self) | {name: None if path is None else str(path) for name, path in paths.items()}


def run_import(settings: ImportSettings, work: WorkFolder) -> ImportResult:
    """Import a model and leave ``trained.keras`` and the record of stage ``train`` in the work folder.

    A model that was there stays until the new one is complete and checked.

    :raises InputError: no such file, another format, or an unknown normalisation.
    :raises ModelError: the file is corrupt, does not fit the dataset, or its import computes something else.
    :raises UnsupportedModelError: it has parts that cannot be imported; lists them all.
    :raises MissingDependencyError: a package that reads the file is not installed.
    :raises FolderInUseError: another command makes a model here.
    """
    with work.fitting("import"), progress_task(f"Importing {settings.model.name}", total=5) as task:
        task.update(description="Reading the original")
        read = digests_of(_files_of(settings.model))
        opened = open_model(settings.model, settings.feeding.output)
        task.update(advance=1, description="Loading the images")
        known = understood_by_facts(InputFacts(opened.sizes), None, settings.feeding, settings.model.name)
        pictures = load_at(settings.dataset, known.preprocessing)
        introduce(pictures)
        task.update(advance=1, description="Building the model")
        original = opened.bind(_input_shape(known, pictures), settings.dataset)
        _check_classes(original.built.exact, pictures, settings)
        fed, notes, warnings = how_fed(original, known, pictures, settings)
        task.update(advance=1, description=f"Comparing with {original.engine}")
        compared, model, aware, fed_here = _compared_and_finished(original, fed, pictures, settings.seed, task.update)
        if fed_here != fed.normalisation:
            said = f"its own scaling is taken out of the net: here pixels in {normalisation_name(fed_here)} go in"
            notes = (*notes, said)
        taken = replace(fed, output=model.output_kind, normalisation=fed_here)
        result = ImportResult(
            model_path=work.path(TRAINED_MODEL),
            source=settings.model,
            producer=original.producer,
            layout=original.layout,
            batch=original.batch,
            operators=original.operators,
            engine=original.engine,
            dataset=pictures.name,
            normalisation=normalisation_name(fed_here),
            preprocessing=taken.in_words(),
            output=model.output,
            **dataclasses.asdict(compared),
            accuracy=model.accuracy,
            test_images=len(pictures.test),
            parameters=architectures.folded_parameters(model.model),
            image_shape=pictures.image_shape,
            notes=notes,
            warnings=tuple(warnings),
            qat_path=work.path(QAT_MODEL) if aware else None,
            qat_accuracy=aware.accuracy if aware else None,
        )
        with work.leaving("import", read):
            _install(model, aware, result, pictures, taken, settings, work, read)
    return result


def _compared_and_finished(
    original: Original, fed: Preprocessing, pictures: Dataset, seed: int, update: Callable[..., None]
) -> tuple[Comparison, _Finished, _Finished | None, Normalisation]:
    """Return how the import compares with the original, what to keep of it, and what a pixel becomes in front of that.

    The second is the model with the ranges of a quantisation-aware training, None where there was none.
    """
    dataset, normalisation = as_seen(pictures, fed), after_scaling(fed.normalisation, original)
    sample = class_balanced_sample(dataset.test, min(original.images, len(dataset.test)), seed)
    compared = compare(original, sample, fed.normalisation)
    model = _finished(original.trained, sample, normalisation, dataset)
    update(advance=1, description="Measuring on the test set")
    aware = original.aware(normalisation) if original.aware is not None else None
    kept = _finished(aware, sample, normalisation, dataset) if aware is not None else None
    return compared, model, kept, normalisation


def _files_of(model: Path) -> tuple[Path, ...]:
    """Return the files that a model consists of, none if there is no such model."""
    if not model.exists():
        return ()
    return (model,) if model.suffix in SUFFIXES else source_files(model)


def _input_shape(known: Understanding, dataset: Dataset) -> tuple[int, int, int]:
    """Return (height, width, channels) of the model's input for the dataset's images."""
    return (*replace(known.preprocessing, image_shape=dataset.image_shape).input_size, dataset.image_shape[2])


def _check_classes(model: Any, dataset: Dataset, settings: ImportSettings) -> None:
    outputs = int(model.output_shape[1])
    classes = class_count(outputs)
    if classes != dataset.classes:
        raise ModelError(
            f"{str(settings.model)!r} tells {classes} classes apart{' with its one output' if outputs == 1 else ''}, "
            f"dataset {settings.dataset!r} has {dataset.classes}; name the dataset that the model was trained on with "
            "--dataset"
        )


@dataclass(frozen=True, eq=False)
class _Finished:
    """A model with probabilities as output, the bytes of its file, and its accuracy on the whole test split in 0..1."""

    model: Any
    output: str
    content: bytes
    accuracy: float

    @property
    def output_kind(self) -> OutputKind:
        single = int(self.model.output_shape[1]) == 1
        return OutputKind.ONE_PROBABILITY if single else OutputKind.PROBABILITIES


def _finished(built: Built, sample: Split, normalisation: Normalisation, dataset: Dataset) -> _Finished:
    model, output = with_probabilities(built, sample, normalisation)
    content = _checked_file(model, sample, normalisation)
    outputs = predictor(model)(normalisation.apply(dataset.test.images))
    scores = real_scores(outputs, OutputKind.ONE_PROBABILITY)
    return _Finished(model, output, content, accuracy(scores, dataset.test.labels))


def _checked_file(model: Any, sample: Split, normalisation: Normalisation) -> bytes:
    """Return the model as the bytes of a ``.keras`` file, after reading it back and comparing.

    :raises ModelError: what is read back is something else.
    """
    inputs = normalisation.apply(sample.images[:BATCH])
    folder = Path(tempfile.gettempdir())
    with storage_errors(folder), tempfile.TemporaryDirectory() as name:
        path = Path(name) / TRAINED_MODEL
        save_model(model, path)
        again = load_source(path, sample.images.shape[1:])
        if not np.allclose(again.predict(inputs), predictor(model)(inputs), atol=1e-5):
            raise ModelError("the imported model is another one after saving it as .keras, so it was not kept")
        return path.read_bytes()


def _install(
    model: _Finished,
    aware: _Finished | None,
    result: ImportResult,
    dataset: Dataset,
    preprocessing: Preprocessing,
    settings: ImportSettings,
    work: WorkFolder,
    read: Mapping[Path, str],
) -> None:
    # With its suffix the name is no architecture's, so that nobody takes this for a training of ours.
    context = ModelContext(dataset.name, settings.model.name, preprocessing)
    write_bytes(result.model_path, model.content)
    common = {
        "settings": {
            **context.as_json(),
            "dataset_sha256": dataset.sha256,
            "imported_from": settings.model.name,
            **_fine_tuning(dataset, settings.seed),
        },
        "results": result.as_json(),
        "versions": package_versions(*PACKAGES),
    }
    record = work.record(STAGE, inputs=read, outputs=[result.model_path], **common)
    if aware is not None and result.qat_path is not None:
        write_bytes(result.qat_path, aware.content)
        made = {result.model_path: record.outputs[TRAINED_MODEL]}
        work.record("qat", inputs=made, outputs=[result.qat_path], **common)


def _fine_tuning(dataset: Dataset, seed: int) -> dict[str, Any]:
    """Return what `prune` and `qat` go on from: the training was elsewhere, so these are careful defaults."""
    recipe = Recipe(
        epochs=10,
        batch=128,
        learning_rate=2e-3,
        schedule="one-cycle",
        augmentation=NO_AUGMENTATION.name,
        patience=0,
        seed=seed,
        label_smoothing=0.0,
    )
    validation = max(1, min(_MOST_VALIDATION, len(dataset.train) // _VALIDATION_SHARE))
    return {"validation": validation, **dataclasses.asdict(recipe)}
