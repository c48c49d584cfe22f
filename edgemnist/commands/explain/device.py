"""What a device left, a dump or its answers, and the inputs that it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from edgemnist.mismatch.fed import Feeding, explain_input
from edgemnist.mismatch.material import Material, material_of
from edgemnist.support.errors import InputError
from edgemnist.support.progress import say
from edgemnist.tflite.preprocessing import FITS, Preprocessing


@dataclass(frozen=True, kw_only=True)
class DeviceFiles:
    """``dump``: its tensors. ``outputs``: its answers as CSV, to pictures in the folder ``inputs`` or to test images by
    number. Of a dump the pictures are those that it was shown, numbered in the order of their names.
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
        if self.inputs is not None and not self.given:
            raise InputError(
                "--inputs DIR goes with --outputs CSV, what the device answered to those pictures, or with --dump FILE"
            )


def read_device(
    files: DeviceFiles, subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> tuple[DumpSource, Material]:
    """Return what the device left, and the inputs that the oracle has to be given.

    :raises InputError: a file is missing or wrong, or nothing tells which images the device was given.
    """
    if files.dump is not None:
        source = read_dump(files.dump, subject.tflite)
        fed, shown = source.inputs(subject.tflite), _shown(files, source, subject, images, feeding, timeout)
        material = _dumped(source, fed, shown, subject) if fed is not None else (
            shown.material if shown is not None
            else _of_dataset(source.images, subject, images, feeding, timeout).material
        )  # fmt: skip
    else:
        source, material = _answers(files, subject, images, feeding, timeout)
    for note in source.notes:
        say(note)
    return source, material


@dataclass(frozen=True, eq=False)
class _Shown:
    """Pictures, uint8 (images, height, width, channels), how they become the input, and what comes of them.

    ``fits``: the same brought to the model's size in each way.
    """

    pixels: NDArray[np.uint8]
    preprocessing: Preprocessing
    material: Material
    fits: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


def _shown(
    files: DeviceFiles, source: DumpSource, subject: Subject, images: ImageSettings, feeding: FeedingSettings,
    timeout: float,
) -> _Shown | None:  # fmt: skip
    """Return the pictures that the device was shown, None where nobody has said which."""
    if files.inputs is not None:
        names = _pictures_in(files.inputs)
        beyond = [number for number in source.images if number >= len(names)]
        if beyond:
            raise InputError(
                f"the device has an image {beyond[0]}, {str(files.inputs)!r} {len(names)} pictures, counted from 0 "
                "in the order of their names; give all that it was shown"
            )
        return _of_pictures([names[number] for number in source.images], subject, feeding)
    if images.dataset is not None:
        return _of_dataset(source.images, subject, images, feeding, timeout)
    return None


def _dumped(source: DumpSource, inputs: Sequence[NDArray[Any]], shown: _Shown | None, subject: Subject) -> Material:
    """Return what the device was fed, compared with what the pictures give that it was shown."""
    words = f"{len(source.images)} inputs as {source.name} has them"
    if shown is None:
        return Material(tuple(inputs), words)
    received = inputs[0]
    fed = Feeding(shown.pixels, subject.tflite.input(), shown.preprocessing, received, shown.pixels, shown.fits)
    return replace(shown.material, inputs=tuple(inputs), words=words, fed=explain_input(fed, shown.material.words))


def _of_dataset(
    numbers: Sequence[int], subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> _Shown:
    """Return test images by number, as the model takes them."""
    found = with_images([subject], ImageSettings(count=None, dataset=images.dataset), feeding, timeout=timeout)
    total = len(found.split)
    wrong = [number for number in numbers if number >= total]
    if wrong:
        raise InputError(f"the device has an image {wrong[0]}, {found.dataset} the test images 0 to {total - 1}")
    words = f"{found.dataset}: {len(numbers)} of its test images by number"
    material = material_of(subject.model, found, numbers, words)
    return _Shown(found.split.images[list(numbers)], found.preprocessing, material)


def _answers(
    files: DeviceFiles, subject: Subject, images: ImageSettings, feeding: FeedingSettings, timeout: float
) -> tuple[DumpSource, Material]:
    assert files.outputs is not None
    if files.inputs is None:
        answers = answers_to_images(files.outputs)
        material = _of_dataset(answers.numbers(), subject, images, feeding, timeout).material
    else:
        answers = answers_to_pictures(files.outputs, files.inputs)
        material = _of_pictures([files.inputs / name for name in answers.asked], subject, feeding).material
    return answers_source(files.outputs.name, subject.tflite, answers.outputs()), material


def _of_pictures(pictures: Sequence[Path], subject: Subject, feeding: FeedingSettings) -> _Shown:
    from edgemnist.data.images import fit_image, read_image

    known = understand(subject, feeding)
    assumed = known.assumed(subject.model.name)
    for line in assumed:
        say(line)
    given = known.preprocessing
    if given.image_shape == ANY_SHAPE:
        raise InputError(f"nothing tells what size {subject.model.name!r} takes; name --image-size and --channels")
    height, width, channels = given.image_shape
    read = [read_image(one) for one in pictures]
    fits = {fit: np.stack([fit_image(one, (height, width), channels, fit) for one in read]) for fit in FITS}
    pixels = fits[given.fit]
    inputs = subject.model.inputs(pixels, given)[:, np.newaxis]
    words = f"{len(pictures)} pictures; {given.in_words()}"
    return _Shown(pixels, given, Material((inputs,), words, output=given.output, assumed=assumed), fits)


def _pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in the order of their names.

    :raises InputError: there is no such folder, or none in it.
    """
    from edgemnist.data.images import SUFFIXES

    if not folder.is_dir():
        raise InputError(f"--inputs {str(folder)!r} is no folder; name the one that holds the pictures")
    found = sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    if not found:
        raise InputError(f"{str(folder)!r} has no pictures ({', '.join(sorted(SUFFIXES))})")
    return found
