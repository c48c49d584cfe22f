"""Does a converted file still classify? A few hundred test images through an interpreter and through the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.settings import Verification
from edgemnist.commands.convert.source import Source
from edgemnist.harness.normalisation import REFUSED_DROP, REPORTED_DROP, accuracy
from edgemnist.harness.outputs import real_probabilities, real_scores
from edgemnist.harness.runtimes import QUICKEST, OpenRuntimes
from edgemnist.harness.search import Predict
from edgemnist.runner.client import RuntimeWorker
from edgemnist.runner.registry import installed_for
from edgemnist.support.errors import ModelError, UnsupportedModelError
from edgemnist.tflite.derived import output_kind
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflite.pixels import dequantise, model_input
from edgemnist.tflite.preprocessing import Preprocessing

VERIFICATION_IMAGES = 500
NOISE_IMAGES = 100


TIMEOUT = 120.0


@dataclass(frozen=True, eq=False)
class Trial:
    """Images to verify with and what the source model makes of them.

    ``images``: uint8, shape (count, height, width, channels). ``labels``: int64, shape (count,), None when unknown.
    ``expected``: the source model's outputs, float32, shape (count, classes).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    preprocessing: Preprocessing
    expected: NDArray[np.float32]


def make_trial(
    source: Source, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, preprocessing: Preprocessing
) -> Trial:
    """Run the source model over the images.

    :raises ModelError: it answers with NaN or infinity, so that there is nothing to convert.
    """
    expected = source.predict(source_input(source, images, preprocessing))
    check_finite(source, expected)
    return Trial(images, labels, preprocessing, expected)


def check_finite(source: Source, expected: NDArray[np.float32]) -> None:
    """Refuse a source whose outputs, shape (count, outputs), are not numbers.

    :raises ModelError: it answers with NaN or infinity, so that there is nothing to convert.
    """
    if not np.isfinite(expected).all():
        raise ModelError(
            f"{str(source.path)!r} answers NaN or infinity for {int((~np.isfinite(expected)).any(axis=1).sum())} of "
            f"{len(expected)} images; its training diverged: train it again"
        )


def source_input(source: Source, images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Return images as the source model's input, float32, shape (count, *``source.input_shape``)."""
    return preprocessing.real_input(images).reshape(len(images), *source.input_shape)


def predicting(source: Source) -> Predict:
    """Return the source as a function from images, fed in a way, to class probabilities."""

    def predict(preprocessing: Preprocessing, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        outputs = np.nan_to_num(source.predict(source_input(source, images, preprocessing)))
        return real_probabilities(outputs, preprocessing.output)

    return predict


class Verifier:
    """Runs converted models in the quickest runtime that takes them; use it in a ``with`` block.

    :raises MissingDependencyError: no interpreter is installed.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        # Accuracy is what is looked at here, not bytes: the quickest will do for integers too.
        installed_for(ModelKind.FLOAT32, QUICKEST)  # before a conversion that nobody could verify
        self._runtimes = OpenRuntimes(timeout=TIMEOUT)

    def __enter__(self) -> Verifier:
        """Start nothing yet: a worker starts at its first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker processes."""
        self._runtimes.__exit__()

    def verify(self, model: TfliteModel, name: str) -> tuple[Verification, dict[str, str], list[str]]:
        """Return how a converted model compares with its source, why runtimes refused it, and warnings.

        A runtime that refuses it is no reason to throw it away while another takes it: the next is asked.

        :raises ModelError: every interpreter refuses it, it answers NaN or infinity, or it lost more accuracy than
            :data:`REFUSED_DROP`.
        """
        worker, outputs, refused = self._run(model, name)
        if not np.isfinite(outputs).all():
            raise ModelError(f"{name} answers NaN or infinity where its source does not; it was not kept")
        trial, kind = self._trial, output_kind(model)
        scores, expected = real_scores(outputs, kind), real_scores(trial.expected, kind)
        got = source = None
        if trial.labels is not None:
            got, source = accuracy(scores, trial.labels), accuracy(expected, trial.labels)
        agreement = float((scores.argmax(axis=1) == expected.argmax(axis=1)).mean())
        found = Verification(worker.runtime, worker.version(), len(trial.images), agreement, got, source)
        return found, refused, _judge(found, name)

    def _run(self, model: TfliteModel, name: str) -> tuple[RuntimeWorker, NDArray[np.float32], dict[str, str]]:
        inputs = model_input(self._trial.images, model.input(), self._trial.preprocessing)
        # One case per image, each with the model's own batch of one.
        cases = inputs.reshape(len(inputs), *model.input().shape)
        try:
            worker, (outputs,), refused = self._runtimes.first_and_refusals(
                model_kind(model), lambda one: one.invoke(model.content, [cases]), QUICKEST
            )
        except UnsupportedModelError as error:
            raise ModelError(f"{name} was converted, but it was not kept: {error}") from error
        return worker, dequantise(outputs.reshape(len(inputs), -1), model.output().quantisation), refused


def _judge(found: Verification, name: str) -> list[str]:
    if found.accuracy is None or found.source_accuracy is None:
        return []
    drop = found.source_accuracy - found.accuracy
    message = (
        f"{name} classifies {found.accuracy:.1%} of {found.images} test images, its source {found.source_accuracy:.1%}"
    )
    if drop > REFUSED_DROP:
        raise ModelError(
            f"{message}; it was not kept. Check --normalisation and the calibration images, "
            "or train with a smaller range of activations (batch normalisation, ReLU6)"
        )
    return [message] if drop > REPORTED_DROP else []


def made_up_images(image_shape: tuple[int, int, int], count: int, seed: int) -> NDArray[np.uint8]:
    """Return noise to verify with where no dataset is named: uint8, shape (count, height, width, channels)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *image_shape), dtype=np.uint8)
