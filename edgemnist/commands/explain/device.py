"""What a device left, a dump or its answers, and the inputs that it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.answers import answers_to_images, answers_to_pictures
from edgemnist.harness.feeding import FeedingSettings, understand
from edgemnist.harness.images import ANY_SHAPE, ImageSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.subjects import with_images
from edgemnist.mismatch.dump import DumpSource, answers_source, read_dump
from edgemnist.mismatch.material import Material, material_of
from edgemnist.support.errors import InputError
from edgemnist.support.progress import say


@dataclass(frozen=True, kw_only=True)
class DeviceFiles:
    """``dump``: its tensors. ``outputs``: its answers as CSV, to pictures in the folder ``inputs`` or to test images by
    number.
    """

    dump: Path | None = None
    outputs: Path | None = None
    inputs: Path | None = None

    @property
    def given(self) -> bool:
        """Whether there is anything of a device."""
        return self.dump is not None or self.outputs is not None

    def check(self) -> None:
        """Refuse files that do not go together.

        :raises InputError: says which.
        """
        if self.dump is not None and self.outputs is not None:
            raise InputError("--dump and --outputs are of two devices, or twice of one; give one of them")
        if self.inputs is not None and self.outputs is None:
            raise InputError("--inputs DIR goes with --outputs CSV: what the device answered to those pictures")


def read_device(
    files: DeviceFiles, subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> tuple[DumpSource, Material]:
    """Return what the device left, and the inputs that the oracle has to be given.

    :raises InputError: a file is missing or wrong, or nothing tells which images the device was given.
    """
    if files.dump is not None:
        source = read_dump(files.dump, subject.tflite)
        fed = source.inputs(subject.tflite)
        material = _dumped(source, fed) if fed is not None else _of_dataset(
            source.images, subject, images, feeding, timeout
        )  # fmt: skip
    else:
        source, material = _answers(files, subject, images, feeding, timeout)
    for note in source.notes:
        say(note)
    return source, material


def _dumped(source: DumpSource, inputs: Sequence[NDArray[Any]]) -> Material:
    return Material(tuple(inputs), f"{len(source.images)} inputs as {source.name} has them")


def _of_dataset(
    numbers: Sequence[int], subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> Material:
    """Return test images by number, as the model takes them."""
    found = with_images([subject], ImageSettings(count=None, dataset=images.dataset), feeding, timeout=timeout)
    total = len(found.split)
    wrong = [number for number in numbers if number >= total]
    if wrong:
        raise InputError(f"the device has an image {wrong[0]}, {found.dataset} the test images 0 to {total - 1}")
    return material_of(subject.model, found, numbers, f"{found.dataset}: {len(numbers)} of its test images by number")


def _answers(
    files: DeviceFiles, subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> tuple[DumpSource, Material]:
    assert files.outputs is not None
    if files.inputs is None:
        answers = answers_to_images(files.outputs)
        material = _of_dataset(answers.numbers(), subject, images, feeding, timeout)
    else:
        answers = answers_to_pictures(files.outputs, files.inputs)
        material = _of_pictures([files.inputs / name for name in answers.asked], subject, feeding)
    return answers_source(files.outputs.name, subject.tflite, answers.outputs()), material


def _of_pictures(pictures: Sequence[Path], subject: Subject, feeding: FeedingSettings) -> Material:
    from edgemnist.data.images import fit_image, read_image

    known = understand(subject, feeding)
    assumed = known.assumed(subject.model.name)
    for line in assumed:
        say(line)
    given = known.preprocessing
    if given.image_shape == ANY_SHAPE:
        raise InputError(f"nothing tells what size {subject.model.name!r} takes; name --image-size and --channels")
    height, width, channels = given.image_shape
    pixels = np.stack([fit_image(read_image(one), (height, width), channels, given.fit) for one in pictures])
    inputs = subject.model.inputs(pixels, given)[:, np.newaxis]
    return Material((inputs,), f"{len(pictures)} pictures; {given.in_words()}", output=given.output, assumed=assumed)
