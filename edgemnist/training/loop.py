"""The loop: many steps in one compiled function, an epoch at a time, and the state between two epochs.

``Model.fit`` would take nearly twice as long on nets this small; compiling with XLA would take three times as long.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.data.splits import TrainingDivision
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.adamw import AdamW
from edgemnist.training.augment import augment_batch, augmentation_of, draw_changes
from edgemnist.training.averaging import WeightAverage
from edgemnist.training.distillation import mix
from edgemnist.training.heads import class_count, class_probabilities
from edgemnist.training.recipe import Recipe, learning_rates
from edgemnist.training.teacher_logits import TeacherLogits

STEPS_PER_CALL = 25
"""Steps between two looks at Ctrl-C, the progress display and the loss: about half a second."""

_EVALUATION_BATCH = 500

Array = NDArray[Any]
Measure = Callable[[Any, Any], tuple[Any, Any]]


class TrainingDivergedError(InputError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class EpochReport:
    """What one epoch came to. Accuracies are in 0..1; ``loss`` and ``accuracy`` are those of the augmented batches.

    ``epoch`` counts from 1; ``learning_rate`` is that of the epoch's last step; ``seconds`` is wall time,
    ``cpu_seconds`` the processor time of all threads, both measured.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class FitState:
    """All that the rest of a fit depends on, after ``epoch`` finished epochs.

    ``weights`` are the model's, in its order; ``slots`` the optimizer's; ``best_weights`` those of ``best_epoch``
    (0: none yet, then empty), which is the latest for a recipe without selection; ``averages`` are those of the weight
    averaging, empty without it.
    """

    epoch: int
    weights: tuple[Array, ...]
    slots: tuple[Array, ...]
    best_epoch: int = 0
    best_weights: tuple[Array, ...] = ()
    history: tuple[EpochReport, ...] = ()
    averages: tuple[Array, ...] = ()

    @property
    def best(self) -> EpochReport:
        """The report of the best epoch."""
        return self.history[self.best_epoch - 1]


@dataclass(frozen=True)
class Hooks:
    """What pruning adds to a fit.

    ``before_step`` is traced into the compiled step and gets the step's number (int64 scalar, from 0);
    ``after_epoch`` runs before the weights are looked at; ``average_from`` is the step with which the weights' average
    begins; ``first_eligible_epoch`` is the first whose weights may be chosen as the best.
    """

    before_step: Callable[[Any], None] = lambda step: None
    after_epoch: Callable[[], None] = lambda: None
    average_from: int = 0
    first_eligible_epoch: int = 1


class Loop:
    """Fits one model to the images of one division by one recipe, epoch by epoch."""

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        division: TrainingDivision,
        normalisation: Normalisation,
        hooks: Hooks | None = None,
        teacher: TeacherLogits | None = None,
    ) -> None:
        self._tf, _ = load_tensorflow()
        self._model = model
        self._recipe = recipe
        self._rows = division.rows
        self._validation = division.validation
        self._normalisation = normalisation
        self._hooks = hooks or Hooks()
        self._teacher = teacher
        self._batch = min(recipe.batch, len(self._rows))
        self.steps_per_epoch = recipe.steps_per_epoch(len(self._rows))
        self._rates = learning_rates(recipe, self.steps_per_epoch * recipe.epochs)
        self._optimizer = AdamW(
            self._tf, model.trainable_variables, beta2=recipe.beta2, weight_decay=recipe.weight_decay
        )
        self._average = (
            WeightAverage(self._tf, model, self._hooks.average_from, recipe.averaging_decay)
            if recipe.averaging
            else None
        )
        self._images = self._tf.constant(division.train.images)
        self._labels = self._tf.constant(division.train.labels)
        self._measure = compile_measure(model)
        updates = _Updates(self._optimizer, self._average, self._hooks)
        self._run_steps = _compile_steps(self._tf, model, recipe, normalisation, updates, teacher)

    def start(self) -> FitState:
        """Return the state before the first epoch."""
        return FitState(0, self._model_weights(), _arrays(self._optimizer.slots), averages=self._averages())

    def epochs(self, state: FitState, on_steps: Callable[[int], None]) -> Iterator[FitState]:
        """Go on from ``state`` and yield the state after each epoch; ``on_steps`` is told how many steps are done.

        :raises TrainingDivergedError: the loss is no longer a number.
        """
        _assign(self._model.weights, state.weights)
        _assign(self._optimizer.slots, state.slots)
        _assign(self._average.values if self._average else (), state.averages)
        while state.epoch < self._recipe.epochs and not _is_stuck(state, self._recipe.patience):
            state = self._next(state, on_steps)
            yield state

    def _next(self, state: FitState, on_steps: Callable[[int], None]) -> FitState:
        begin, cpu_begin = time.perf_counter(), time.process_time()
        loss, accuracy = self._run_epoch(state.epoch, on_steps)
        self._hooks.after_epoch()
        weights = self._model_weights()
        with self._average.in_place() if self._average else nullcontext():
            self._hooks.after_epoch()
            measured = evaluate(self._model, self._validation, self._normalisation, self._measure)
            candidate = self._model_weights()
        if not math.isfinite(measured[0]):
            raise self._diverged(state.epoch + 1)
        report = EpochReport(
            epoch=state.epoch + 1,
            loss=loss,
            accuracy=accuracy,
            validation_loss=measured[0],
            validation_accuracy=measured[1],
            learning_rate=float(self._rates[(state.epoch + 1) * self.steps_per_epoch - 1]),
            seconds=time.perf_counter() - begin,
            cpu_seconds=time.process_time() - cpu_begin,
        )
        return self._after(state, report, weights, candidate)

    def _run_epoch(self, epoch: int, on_steps: Callable[[int], None]) -> tuple[float, float]:
        steps, batch = self.steps_per_epoch, self._batch
        # numpy's legacy generator: the only one whose stream is promised never to change between versions.
        random = np.random.RandomState([self._recipe.seed, epoch])
        images = int(self._labels.shape[0])
        shuffled = np.concatenate([random.permutation(self._rows) + p * images for p in range(self._recipe.passes)])
        order = self._tf.constant(shuffled[: steps * batch].reshape(steps, batch).astype(np.int32))
        rates = self._tf.constant(self._rates[epoch * steps : (epoch + 1) * steps])
        seen = self._changes(epoch)
        loss_sum, correct = 0.0, 0
        for first in range(0, steps, STEPS_PER_CALL):
            last = min(first + STEPS_PER_CALL, steps)
            number = self._tf.constant(epoch * steps + first, self._tf.int64)
            part = order[first:last], rates[first:last], number
            loss, hits = self._run_steps(self._images, self._labels, *seen, *part)
            loss_sum, correct = loss_sum + float(loss), correct + int(hits)
            if not math.isfinite(loss_sum):
                raise self._diverged(epoch + 1)
            on_steps(epoch * steps + last)
        return loss_sum / steps, correct / (steps * batch)

    def _changes(self, epoch: int) -> tuple[Any, Any]:
        """Return how every image of the training split is changed in an epoch, and the teacher's logits for that.

        The changes are those of one pass after the other; a teacher has seen one pass, which all others repeat.
        """
        count = int(self._labels.shape[0])
        if self._teacher is None:
            count, seed = count * self._recipe.passes, (self._recipe.seed, epoch)
            logits = np.zeros((1, class_count(self._model)), np.float16)
        else:
            seed, logits = self._teacher.view_seed(epoch), self._teacher.of_epoch(epoch)
        # As strong as it is applied, for without tints an image takes fewer numbers: else a teacher saw other changes.
        augmentation = augmentation_of(self._recipe.augmentation, self._recipe.augmentation_strength)
        return draw_changes(self._tf, count, seed, augmentation.draws), self._tf.constant(logits)

    def _diverged(self, epoch: int) -> TrainingDivergedError:
        rate = self._recipe.learning_rate
        return TrainingDivergedError(
            f"the loss became infinite or not a number in epoch {epoch}: it diverges with learning rate {rate:g}; "
            f"start it anew with a lower one, say --learning-rate {rate / 4:.2g}"
        )

    def _after(
        self, state: FitState, report: EpochReport, weights: tuple[Array, ...], candidate: tuple[Array, ...]
    ) -> FitState:
        """Return the state after an epoch; ``candidate`` is what was evaluated, the weights or their average."""
        eligible = report.epoch >= self._hooks.first_eligible_epoch
        first = not state.best_epoch or not self._recipe.selection
        better = eligible and (first or rank(report) > rank(state.best))
        return FitState(
            epoch=report.epoch,
            weights=weights,
            slots=_arrays(self._optimizer.slots),
            best_epoch=report.epoch if better else state.best_epoch,
            best_weights=candidate if better else state.best_weights,
            history=(*state.history, report),
            averages=self._averages(),
        )

    def _model_weights(self) -> tuple[Array, ...]:
        return _arrays(self._model.weights)

    def _averages(self) -> tuple[Array, ...]:
        return _arrays(self._average.values) if self._average else ()


def use_best_weights(model: Any, state: FitState) -> None:
    """Give the model the weights of the best epoch."""
    _assign(model.weights, state.best_weights)


def evaluate(
    model: Any, split: Split, normalisation: Normalisation, measure: Measure | None = None
) -> tuple[float, float]:
    """Return (mean cross-entropy in nats, accuracy in 0..1) of a model on a split.

    ``measure`` is what ``compile_measure`` made of the model, for those who evaluate more than once.
    """
    tf, _ = load_tensorflow()
    measure = measure or compile_measure(model)
    loss_sum, correct = 0.0, 0
    for first in range(0, len(split), _EVALUATION_BATCH):
        part = split.take(slice(first, first + _EVALUATION_BATCH))
        loss, hits = measure(tf.constant(normalisation.apply(part.images)), tf.constant(part.labels))
        loss_sum, correct = loss_sum + float(loss), correct + int(hits)
    return loss_sum / len(split), correct / len(split)


def predicted_classes(model: Any, split: Split, normalisation: Normalisation) -> NDArray[np.int64]:
    """Return the class that a model says for every image of a split: int64 (images,)."""
    tf, _ = load_tensorflow()
    # One after the other: as float32 all of a split may be more than fits into memory.
    parts = (
        normalisation.apply(split.images[first : first + _EVALUATION_BATCH])
        for first in range(0, len(split), _EVALUATION_BATCH)
    )
    outputs = [np.asarray(class_probabilities(tf, model(tf.constant(part), training=False))) for part in parts]
    return np.asarray(np.concatenate(outputs).argmax(axis=1), np.int64)


def compile_measure(model: Any) -> Measure:
    """Return the compiled function from normalised images and labels to (sum of losses, number of hits)."""
    tf, keras = load_tensorflow()
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32), tf.TensorSpec([None], tf.int64)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def measure(images: Any, labels: Any) -> Any:
        probabilities = class_probabilities(tf, model(images, training=False))
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        hits = tf.cast(tf.equal(tf.argmax(probabilities, axis=1), labels), tf.int64)
        return tf.reduce_sum(losses), tf.reduce_sum(hits)

    # One concrete function, not one to be traced on call: TensorFlow would warn of retracing with the fifth model.
    return cast(Measure, measure.get_concrete_function())


def rank(report: EpochReport) -> tuple[float, float]:
    """Order epochs by validation accuracy, then by validation loss."""
    return report.validation_accuracy, -report.validation_loss


def _is_stuck(state: FitState, patience: int) -> bool:
    return bool(patience and state.best_epoch and state.epoch - state.best_epoch >= patience)


def _arrays(variables: Any) -> tuple[Array, ...]:
    return tuple(np.asarray(variable.numpy()) for variable in variables)


def _assign(variables: Any, values: tuple[Array, ...]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@dataclass(frozen=True)
class _Updates:
    """What a step changes beside the model's forward pass."""

    optimizer: AdamW
    average: WeightAverage | None
    hooks: Hooks


def _compile_steps(
    tf: Any, model: Any, recipe: Recipe, normalisation: Normalisation, updates: _Updates, teacher: TeacherLogits | None
) -> Any:
    """Return the compiled function that makes the steps whose batches and rates it is given.

    (images uint8, labels int64, draws float32 (images of all passes, draws), the teacher's logits float16 (images,
    classes), order int32 (steps, batch), rates float32 (steps,), number of the first step int64) to (sum of the batch
    losses, number of right predictions). An entry of the order is an image's row, plus the number of images for every
    pass before.
    """
    augmentation = augmentation_of(recipe.augmentation, recipe.augmentation_strength)
    classes = class_count(model)
    scale, offset = np.asarray(normalisation.scale, np.float32), np.asarray(normalisation.offset, np.float32)
    spread = recipe.label_smoothing / classes

    def step(images: Any, labels: Any, draws: Any, logits: Any, rate: Any, number: Any) -> Any:
        updates.hooks.before_step(number)
        changed = augment_batch(tf, tf.cast(images, tf.float32), augmentation, draws)
        targets = tf.one_hot(labels, classes) * (1.0 - recipe.label_smoothing) + spread
        with tf.GradientTape() as tape:
            probabilities = class_probabilities(tf, model(changed * scale + offset, training=True))
            loss = tf.reduce_mean(tf.keras.losses.categorical_crossentropy(targets, probabilities))
            if teacher is not None:
                loss = mix(tf, teacher.settings, loss, tf.cast(logits, tf.float32), probabilities)
        gradients = tape.gradient(loss, model.trainable_variables)
        updates.optimizer.apply(gradients, rate, tf.cast(number + 1, tf.float32))
        if updates.average is not None:
            updates.average.update(number)
        return loss, tf.reduce_sum(tf.cast(tf.equal(tf.argmax(probabilities, axis=1), labels), tf.int64))

    signature = [
        tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8),
        tf.TensorSpec([None], tf.int64),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, classes], tf.float16),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([], tf.int64),
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def run_steps(images: Any, labels: Any, draws: Any, logits: Any, order: Any, rates: Any, first: Any) -> Any:
        loss_sum, correct = tf.constant(0.0), tf.constant(0, tf.int64)
        for index in tf.range(tf.shape(rates)[0]):
            chosen, change = (order[index] % tf.shape(of)[0] for of in (labels, draws))
            number = first + tf.cast(index, tf.int64)
            taught = logits if teacher is None else tf.gather(logits, chosen)
            seen = tf.gather(images, chosen), tf.gather(labels, chosen), tf.gather(draws, change), taught
            loss, hits = step(*seen, rates[index], number)
            loss_sum, correct = loss_sum + loss, correct + hits
        return loss_sum, correct

    return run_steps.get_concrete_function()
