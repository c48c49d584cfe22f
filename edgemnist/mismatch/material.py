"""What is put through the sources: inputs, what they are in words, and what is known of the right answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.subjects import Subjects
from edgemnist.mismatch.fed import InputFinding
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.preprocessing import OutputKind


@dataclass(frozen=True, eq=False)
class Material:
    """What is put through the runtimes.

    ``inputs``: for each input of the model (images, *input shape), the batch of 1 included, in the input's type;
    ``words`` says what they are.
    ``labels``: (images,), None where nobody knows them. ``output``: what the outputs are. ``assumed``: a line each.
    ``fed``: how a device's input differs from what pictures give, None where there are no pictures beside it.
    """

    inputs: tuple[NDArray[Any], ...]
    words: str
    labels: NDArray[np.int64] | None = None
    output: OutputKind = OutputKind.UNKNOWN
    assumed: tuple[str, ...] = ()
    fed: InputFinding | None = None

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.inputs[0])


def material_of(
    model: LoadedModel, subjects: Subjects, chosen: Sequence[int] | None = None, words: str = ""
) -> Material:
    """Return pictures as a model takes them.

    :param chosen: the numbers of those among ``subjects``; None for all.
    :param words: what they are; empty for what ``subjects`` says of all.
    """
    images, labels = subjects.split.images, np.asarray(subjects.split.labels, np.int64)
    if chosen is not None:
        images, labels = images[list(chosen)], labels[list(chosen)]
    return Material(
        (model.inputs(images, subjects.preprocessing)[:, np.newaxis],),
        words or f"{subjects.dataset}: {subjects.sampling}",
        labels,
        subjects.preprocessing.output,
        subjects.assumed,
    )
