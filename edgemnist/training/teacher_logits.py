"""A teacher's logits for the augmented training images: computed once, kept as files, read by every student.

A teacher is much larger than its student, so its logits would take most of the time of every training. They depend on
the teacher, the images and how these are changed, not on the student: with a teacher the changes do not depend on the
training's seed either, and begin anew after ``VIEWS`` epochs. What is kept are log-probabilities, which are the logits
but for a constant per image that softmax does not see.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.kept import is_whole, keep
from edgemnist.support.locking import alone_in
from edgemnist.support.progress import progress_task
from edgemnist.training.augment import Augmentation, augment_batch, augmentation_of, draw_changes
from edgemnist.training.distillation import DistillationSettings, Teacher, log_probabilities
from edgemnist.training.heads import class_probabilities
from edgemnist.training.recipe import Recipe

VIEWS = 16
"""Epochs in which an image is changed in ever new ways before the changes repeat."""

_SEED = 0
_BATCH = 500


@dataclass(frozen=True)
class TeacherLogits:
    """Where the logits are, one file per view, and how the student is to use them.

    ``shape`` is that of a view's logits: (images of the training split, classes).
    """

    settings: DistillationSettings
    folder: Path
    shape: tuple[int, int]

    def view_seed(self, epoch: int) -> tuple[int, int]:
        """Return the seed for ``draw_changes`` in an epoch, counted from 0."""
        return _SEED, epoch % VIEWS

    def of_epoch(self, epoch: int) -> NDArray[np.float16]:
        """Return log-probabilities for every image of the training split: float16 (images, classes)."""
        content: NDArray[np.float16] = np.load(self._file(epoch % VIEWS), allow_pickle=False)
        return content

    def _file(self, view: int) -> Path:
        return self.folder / f"view-{view:02d}.npy"

    def missing(self, epochs: int) -> list[int]:
        """Return the views that a fit of so many epochs needs and that are not here yet."""
        return [view for view in range(min(epochs, VIEWS)) if not self._is_whole(view)]

    def _is_whole(self, view: int) -> bool:
        """Whether a view's logits are all there; what is damaged is computed again."""
        if not is_whole(self._file(view), without_digest=True):
            return False
        try:
            found = np.load(self._file(view), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return False
        return (found.shape, found.dtype) == (self.shape, np.float16)

    def keep(self, view: int, logits: NDArray[np.float16]) -> None:
        """Write the logits for a view, whole or not at all."""
        content = io.BytesIO()
        np.save(content, logits)
        keep(self._file(view), content.getvalue())


def prepare_teacher_logits(teacher: Teacher | None, dataset: Dataset, recipe: Recipe) -> TeacherLogits | None:
    """Return the teacher's logits for a fit by this recipe, after computing those that are missing.

    They are kept in ``teacher.logits_folder``, in a folder whose name is a hash of all that they depend on.
    """
    if teacher is None:
        return None
    shape = len(dataset.train), dataset.classes
    prepared = TeacherLogits(teacher.settings, teacher.logits_folder / _key(teacher, dataset, recipe), shape)
    if prepared.missing(recipe.epochs):
        with alone_in(prepared.folder, "another training that asks the same teacher"):
            _compute_missing(prepared, teacher, dataset, recipe)
    return prepared


def _compute_missing(prepared: TeacherLogits, teacher: Teacher, dataset: Dataset, recipe: Recipe) -> None:
    missing = prepared.missing(recipe.epochs)
    if not missing:
        return
    tf, _ = load_tensorflow()
    augmentation = augmentation_of(recipe.augmentation, recipe.augmentation_strength)
    with progress_task("teacher's answers", len(missing) * len(dataset.train)) as task:
        compute = _compile(teacher, dataset.image_shape, augmentation)
        for view in missing:
            changes = draw_changes(tf, len(dataset.train), prepared.view_seed(view), augmentation.draws)
            prepared.keep(view, _compute_view(compute, dataset.train.images, changes, task))


def _key(teacher: Teacher, dataset: Dataset, recipe: Recipe) -> str:
    augmentation = augmentation_of(recipe.augmentation, recipe.augmentation_strength)
    ranges = dataclasses.replace(augmentation, name="", description="")
    parts = teacher.sha256, repr(teacher.normalisation), dataset.sha256, repr(dataclasses.astuple(ranges)), str(_SEED)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _compute_view(compute: Any, images: NDArray[np.uint8], draws: Any, task: Any) -> NDArray[np.float16]:
    tf, _ = load_tensorflow()
    parts = []
    for first in range(0, len(images), _BATCH):
        part = images[first : first + _BATCH]
        parts.append(np.asarray(compute(tf.constant(part), draws[first : first + _BATCH])).astype(np.float16))
        task.update(advance=len(part))
    return np.concatenate(parts)


def _compile(teacher: Teacher, image_shape: tuple[int, int, int], augmentation: Augmentation) -> Any:
    """Return the compiled function from (images uint8, draws) to the teacher's log-probabilities."""
    tf, _ = load_tensorflow()
    scale, offset = (
        np.asarray(part, np.float32) for part in (teacher.normalisation.scale, teacher.normalisation.offset)
    )
    signature = [tf.TensorSpec((None, *image_shape), tf.uint8), tf.TensorSpec([None, None], tf.float32)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def compute(images: Any, draws: Any) -> Any:
        changed = augment_batch(tf, tf.cast(images, tf.float32), augmentation, draws)
        return log_probabilities(tf, class_probabilities(tf, teacher.model(changed * scale + offset, training=False)))

    return compute.get_concrete_function()
