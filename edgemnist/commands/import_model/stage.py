"""The import stage: another framework's file to ``trained.keras`` and a record as of a training.

What is written was compared with the original on test images, read back, and measured on the whole test set.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.import_model.normalisation import check_normalisation
from edgemnist.data.base import Dataset, Split
from edgemnist.data.loading import load_dataset
from edgemnist.data.splits import class_balanced_sample
from edgemnist.harness.normalisation import accuracy
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.sources import load_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.build import Built, build
from edgemnist.onnx.original import Original, check_file, open_original
from edgemnist.onnx.values import layers
from edgemnist.support.errors import InputError, ModelError, storage_errors
from edgemnist.support.files import package_versions, write_bytes
from edgemnist.support.progress import progress_task
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, normalisation_name, parse_normalisation
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.training import architectures
from edgemnist.training.augment import NO_AUGMENTATION
from edgemnist.training.recipe import Recipe

STAGE = "train"
"""An import takes the place of a training, so that every later stage finds its model."""

TOLERANCE = 1e-3
"""Largest difference between original and import, as a share of the largest score (at least of 1).

Float32 in another order of summation makes about 1e-6; a wrong transposition or padding makes more than 1e-2.
"""

PACKAGES = ("edgemnist", "tensorflow", "tf-keras", "numpy", "onnx", "onnxruntime", "torch", "onnxscript")
_BATCH = 100
_VALIDATION_SHARE = 10
_MOST_VALIDATION = 5_000


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What to import. ``dataset`` is a name or path; ``normalisation`` as ``--normalisation`` takes it, None: 0..1.

    ``seed`` chooses the images to compare on.
    """

    model: Path
    dataset: str
    normalisation: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class ImportResult:
    """What came out. ``max_difference`` is the largest between the original's and the import's scores on ``compared``
    test images, ``score_range`` their lowest and highest; ``agreement`` is the share of images of equal class.

    Accuracies are in 0..1: ``accuracy`` of the import on the whole test split, ``original_accuracy`` of the original
    on the compared images. ``parameters`` counts what a converted model holds. ``notes`` say what was changed and why.
    """

    model_path: Path
    source: Path
    producer: str
    dataset: str
    layout: str
    batch: int | None
    normalisation: str
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
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return dataclasses.asdict(self) | {"model_path": str(self.model_path), "source": str(self.source)}


@dataclass(frozen=True)
class _Comparison:
    compared: int
    max_difference: float
    score_range: tuple[float, float]
    agreement: float
    original_accuracy: float


def run_import(settings: ImportSettings, work: WorkFolder) -> ImportResult:
    """Import a model and leave ``trained.keras`` and the record of stage ``train`` in the work folder.

    A model that was there stays until the new one is complete and checked.

    :raises InputError: no such file, another format, or an unknown normalisation.
    :raises ModelError: the file is corrupt, does not fit the dataset, or its import computes something else.
    :raises UnsupportedModelError: it has operators that cannot be imported; lists them all.
    :raises MissingDependencyError: a package that reads the file is not installed.
    """
    check_file(settings.model)
    named = None if settings.normalisation is None else parse_normalisation(settings.normalisation)
    with progress_task(f"Importing {settings.model.name}", total=5) as task:
        dataset = load_dataset(settings.dataset)
        task.update(advance=1, description="Reading the original")
        original = open_original(settings.model, dataset.image_shape, settings.dataset)
        normalisation = _normalisation(named, original)
        task.update(advance=1, description="Building the model")
        built = build(original.graph, dataset.image_shape)
        _check_classes(built.exact, dataset, settings)
        task.update(advance=1, description=f"Comparing with {original.engine}")
        sample = class_balanced_sample(dataset.test, min(original.images, len(dataset.test)), settings.seed)
        compared = _compare(original, built.exact, sample, normalisation)
        model, output = _with_probabilities(built, sample, normalisation)
        notes = _check_normalisation(original, model, sample, normalisation, dataset)
        task.update(advance=1, description="Measuring on the test set")
        content = _checked_file(model, sample, normalisation)
        measured = accuracy(_predictor(model)(normalisation.apply(dataset.test.images)), dataset.test.labels)
        result = ImportResult(
            model_path=work.path(TRAINED_MODEL),
            source=settings.model,
            **_facts(original),
            dataset=dataset.name,
            normalisation=normalisation_name(normalisation),
            output=output,
            **dataclasses.asdict(compared),
            accuracy=measured,
            test_images=len(dataset.test),
            parameters=architectures.folded_parameters(model),
            notes=tuple(notes),
        )
        _install(content, result, dataset, normalisation, settings, work)
    return result


def _facts(original: Original) -> dict[str, Any]:
    """Return what the result says of the original."""
    graph = original.graph
    named = {"producer": graph.producer, "operators": graph.operators, "batch": graph.batch}
    return {**named, "layout": graph.layout.value, "engine": original.engine}


def _normalisation(named: Normalisation | None, original: Original) -> Normalisation:
    """Return the normalisation; a model that takes bytes has its own inside.

    :raises InputError: another one is named for such a model.
    """
    if original.graph.input_dtype != np.uint8:
        return named or Normalisation()
    if named not in (None, NORMALISATIONS["0..255"]):
        raise InputError(
            f"{str(original.graph.path)!r} takes bytes, so its pixels are in 0..255; leave --normalisation"
        )
    return NORMALISATIONS["0..255"]


def _check_normalisation(
    original: Original, model: Any, sample: Split, normalisation: Normalisation, dataset: Dataset
) -> list[str]:
    """Return a warning where another normalisation does better; a model that takes bytes leaves no choice."""
    if original.graph.input_dtype == np.uint8:
        return []
    return check_normalisation(_predictor(model), sample, normalisation, dataset, original.graph.path.name)


def _check_classes(model: Any, dataset: Dataset, settings: ImportSettings) -> None:
    classes = int(model.output_shape[1])
    if classes != dataset.classes:
        raise ModelError(
            f"{str(settings.model)!r} tells {classes} classes apart, dataset {settings.dataset!r} has "
            f"{dataset.classes}; name the dataset that the model was trained on with --dataset"
        )


def _predictor(model: Any) -> Any:
    """Return the function from normalised images (count, height, width, channels) to outputs, in small batches."""
    tensorflow, _ = load_tensorflow()
    run = tensorflow.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, len(images), _BATCH)
        return np.concatenate(
            [np.asarray(run(tensorflow.constant(images[start : start + _BATCH]))) for start in starts]
        )

    return predict


def _compare(original: Original, exact: Any, sample: Split, normalisation: Normalisation) -> _Comparison:
    """Return how the import compares with the original.

    :raises ModelError: the original answers NaN or infinity, or the import computes something else.
    """
    inputs = normalisation.apply(sample.images)
    expected, got = original.scores(inputs), _predictor(exact)(inputs)
    path = str(original.graph.path)
    if not np.isfinite(expected).all():
        broken = int((~np.isfinite(expected)).any(axis=1).sum())
        raise ModelError(f"{path!r} answers NaN or infinity for {broken} of {len(sample)} images; train it again")
    if expected.shape != got.shape:
        raise ModelError(f"{path!r} answers {expected.shape} for {len(sample)} images, its import {got.shape}")
    difference = float(np.abs(expected - got).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        raise ModelError(
            f"the import of {path!r} differs from the original by up to {difference:.3g} (allowed: {allowed:.3g}) on "
            f"{len(sample)} images by {original.engine}, so it was not kept; please report it with the file"
        )
    return _Comparison(
        compared=len(sample),
        max_difference=difference,
        score_range=(float(expected.min()), float(expected.max())),
        agreement=float((expected.argmax(axis=1) == got.argmax(axis=1)).mean()),
        original_accuracy=accuracy(expected, sample.labels),
    )


def _with_probabilities(built: Built, sample: Split, normalisation: Normalisation) -> tuple[Any, str]:
    """Return the model with probabilities as output, and what was done for that, for people."""
    scores = _predictor(built.scores)(normalisation.apply(sample.images))
    sums_to_one = np.allclose(scores.sum(axis=1), 1.0, atol=1e-3)
    if sums_to_one and scores.min() >= 0.0:
        said = f"probabilities already; {' and '.join(built.replaced)} after them left out" if built.replaced else ""
        return built.scores, said or "probabilities, as the original gives them"
    keras = load_tensorflow()[1]
    model = keras.Model(built.scores.input, layers().Softmax(name="probabilities")(built.scores.output))
    if built.replaced:
        return model, f"softmax in place of {' and '.join(reversed(built.replaced))}, which keeps the order of classes"
    return model, "softmax appended: the original gives logits"


def _checked_file(model: Any, sample: Split, normalisation: Normalisation) -> bytes:
    """Return the model as the bytes of a ``.keras`` file, after reading it back and comparing.

    :raises ModelError: what is read back is something else.
    """
    inputs = normalisation.apply(sample.images[:_BATCH])
    folder = Path(tempfile.gettempdir())
    with storage_errors(folder), tempfile.TemporaryDirectory() as name:
        path = Path(name) / TRAINED_MODEL
        save_model(model, path)
        again = load_source(path, sample.images.shape[1:])
        if not np.allclose(again.predict(inputs), _predictor(model)(inputs), atol=1e-5):
            raise ModelError("the imported model is another one after saving it as .keras, so it was not kept")
        return path.read_bytes()


def _install(
    content: bytes,
    result: ImportResult,
    dataset: Dataset,
    normalisation: Normalisation,
    settings: ImportSettings,
    work: WorkFolder,
) -> None:
    # With its suffix the name is no architecture's, so that nobody takes this for a training of ours.
    context = ModelContext(
        dataset.name,
        settings.model.name,
        Preprocessing(dataset.image_shape, dataset.class_names, normalisation),
    )
    write_bytes(result.model_path, content)
    work.record(
        STAGE,
        settings={
            **context.as_json(),
            "dataset_sha256": dataset.sha256,
            "imported_from": settings.model.name,
            **_fine_tuning(dataset, settings.seed),
        },
        results=result.as_json(),
        inputs=[settings.model],
        outputs=[result.model_path],
        versions=package_versions(*PACKAGES),
    )


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
