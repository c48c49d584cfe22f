"""What a model's tensors hold on images: the least and largest value of each channel, and what stands at the ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.doctor.faults.base import Observed
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.runtimes import OpenRuntimes
from edgemnist.harness.subjects import with_images
from edgemnist.mismatch.compare import chunks
from edgemnist.quantisation_error.ranges import Seen, seen
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import limits_of, operator_outputs

_AT_A_TIME = 16
_MOST_BYTES = 64 << 20
"""Of all tensors of the images that are traced at a time."""


def observe(
    subject: Subject, settings: ImageSettings, feeding: FeedingSettings
) -> tuple[dict[int, Observed], int, str]:
    """Run images through a model, in the runtime that is preferred for its kind, and return what its tensors held.

    :returns: by tensor; the number of images; which these are, for people.
    :raises EdgeMnistError: as ``with_images``, or no runtime that is installed takes the model.
    """
    subjects = with_images([subject], settings, feeding)
    model, images = subjects.models[0], subjects.split.images
    tensors = sorted(set(operator_outputs(subject.tflite)))
    every = sum(subject.tflite.tensors[index].bytes for index in tensors)
    step = max(1, min(_AT_A_TIME, _MOST_BYTES // max(every, 1)))
    tallies = {index: _Tally() for index in tensors}
    inputs, content = model.inputs(images, subjects.preprocessing)[:, np.newaxis], subject.tflite.content
    with OpenRuntimes() as runtimes, progress_task("Looking at tensors", total=len(images)) as task:
        worker, _ = runtimes.first(model.kind, lambda one: one.trace(content, [inputs[:1]], tensors))
        for part in chunks(len(images), step):
            for index, values in worker.trace(content, [inputs[part]], tensors).items():
                tallies[index].add(values)
            task.update(advance=part.stop - part.start)
    return {index: tally.result() for index, tally in tallies.items()}, len(images), subjects.sampling


class _Tally:
    """What a tensor held so far."""

    def __init__(self) -> None:
        self._seen: Seen | None = None
        self._at_ends = np.zeros(2)
        self._elements = 0

    def add(self, values: NDArray[Any]) -> None:
        """Take in values of shape (cases, *tensor shape)."""
        now = seen(values)
        self._seen = now if self._seen is None else self._seen.joined(now)
        if values.dtype.kind in "iu":
            self._at_ends += [(values == end).sum() for end in limits_of(values.dtype.name)]
        self._elements += values.size

    def result(self) -> Observed:
        """Return what was seen."""
        ends = self._seen or Seen(np.zeros(0, np.float32), np.zeros(0, np.float32))
        at_low, at_high = self._at_ends / max(self._elements, 1)
        return Observed(ends.low, ends.high, float(at_low), float(at_high))
