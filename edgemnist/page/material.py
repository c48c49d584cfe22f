"""What a network for the web is put through before it is written: test images, random pictures or random inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset_for
from edgemnist.data.registry import known_dataset
from edgemnist.harness.feeding import FeedingSettings, Understanding, understand
from edgemnist.harness.images import DEFAULT_DATASET, ImageSettings, choose_images
from edgemnist.harness.models import Subject
from edgemnist.harness.random_inputs import random_inputs
from edgemnist.harness.subjects import with_images
from edgemnist.page.checking import Material
from edgemnist.page.html import Examples
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import DatasetError, InputError, ModelError, first_line
from edgemnist.support.progress import say
from edgemnist.tflite.derived import derived_range, image_input_of, output_kind
from edgemnist.tflite.metadata import read_image_hints
from edgemnist.tflite.normalisation import NORMALISATIONS
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing, class_count

_SEED = 0
_NOT_OF_PICTURES = frozenset({"output", "classes"})
"""Of ``FeedingSettings`` what is said of models of any kind."""
_MOST_EXAMPLES, _MOST_EXAMPLE_BYTES = 10, 16_384


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is known of a model, and what it is put through.

    ``preprocessing``: how pictures become its input, None where it takes none. ``dataset``: what it was trained on, ""
    if nobody knows; ``labels``: names of its classes, empty where it tells none apart. ``assumed``: a line for each
    thing that nobody had said. ``examples``: test images to be tried.
    """

    preprocessing: Preprocessing | None
    dataset: str
    labels: tuple[str, ...]
    material: Material
    assumed: tuple[str, ...] = ()
    examples: Examples | None = None


def choose(subject: Subject, dataset: str | None, images: int, feeding: FeedingSettings, *, timeout: float) -> Chosen:
    """Return what to check a model with, and say what was assumed.

    :raises InputError, ModelError: what is given contradicts the model, or the named dataset does not fit it.
    :raises DatasetError: the named dataset is not to be had.
    """
    known = _understood(subject, feeding)
    name = dataset or (subject.context.dataset if subject.context else "") or _usual(subject, known)
    if name and (known is not None or dataset):
        try:
            return _with_images(subject, dataset, images, feeding, timeout)
        except DatasetError as error:
            if dataset or known is None:
                raise
            missing = f"random pictures: those of {Path(name).name} are not to be had ({first_line(error)})"
            return _with_random_pictures(subject, known, name, images, (missing,))
    if known is None:
        return _without_pictures(subject, images, feeding)
    return _with_random_pictures(subject, known, name, images)


def settled(model: LoadedModel, context: ModelContext, images: int, assumed: tuple[str, ...], *, load: bool) -> Chosen:
    """Return what to check a model with of which everything is settled already.

    ``assumed``: a line for each thing that nobody had said; ``load``: whether images of the dataset are to be used.

    :raises ModelError: the model does not take such pictures.
    """
    known, lines = context.preprocessing, assumed
    if load:
        try:
            split, words = choose_images(load_dataset_for(context), images)
            material = Material(model.inputs(split.images, known), split.images, f"{context.title}: {words}")
            examples = _examples(split, context.dataset)
            return Chosen(known, context.dataset, known.class_names, material, lines, examples)
        except DatasetError as error:
            lines += (f"random pictures: those of {context.title} are not to be had ({first_line(error)})",)
    return Chosen(known, context.dataset, known.class_names, _random_material(model, known, images), lines)


def _understood(subject: Subject, feeding: FeedingSettings) -> Understanding | None:
    """Return how a model takes pictures; None where nothing says that it takes any, as of a net for sounds.

    :raises InputError, ModelError: somebody says that it takes pictures, and that can't be.
    """
    model = subject.tflite
    given = feeding.given() - _NOT_OF_PICTURES
    told = subject.context is not None or read_image_hints(model.content) is not None or bool(given)
    derived = derived_range(model)
    usual = derived is not None and derived.normalisation in NORMALISATIONS.values()
    if not told and not (usual and len(model.input().shape) > 2):
        return None
    try:
        return understand(subject, feeding)
    except ModelError:
        if told:
            raise
        return None


def _usual(subject: Subject, known: Understanding | None) -> str:
    """Return MNIST for a model of its shapes of which nobody has said anything."""
    fits = known is not None and known.preprocessing.image_shape == (28, 28, 1)
    return DEFAULT_DATASET if fits and class_count(subject.tflite.output().elements) == 10 else ""


def _with_images(
    subject: Subject, dataset: str | None, images: int, feeding: FeedingSettings, timeout: float
) -> Chosen:
    found = with_images([subject], ImageSettings(count=images, dataset=dataset), feeding, timeout=timeout)
    pictures, words = found.split.images, f"{found.context().title}: {found.sampling}"
    missing = images - len(pictures)
    if missing > 0:
        pictures = np.concatenate([pictures, _random_pictures(missing, found.preprocessing)])
        words += f", and {missing} random pictures (seed {_SEED})"
    return Chosen(
        found.preprocessing, found.dataset, found.preprocessing.class_names,
        Material(subject.model.inputs(pictures, found.preprocessing), pictures, words),
        found.assumed, _examples(found.split, found.dataset),
    )  # fmt: skip


def _with_random_pictures(
    subject: Subject, understanding: Understanding, dataset: str, images: int, why: tuple[str, ...] = ()
) -> Chosen:
    lines = (*why, *understanding.assumed(subject.model.name, "--normalisation"))
    if dataset and subject.context is None:
        lines += (f"drawn as in {dataset}: nobody has recorded what {subject.model.name} was trained on",)
    for line in lines:
        say(line)
    known = understanding.preprocessing
    named = replace(known, class_names=_labels(subject, known.class_names, pictured=True))
    return Chosen(named, dataset, named.class_names, _random_material(subject.model, named, images), lines)


def _random_material(model: LoadedModel, known: Preprocessing, images: int) -> Material:
    pictures = _random_pictures(images, known)
    words = f"{images} random pictures, uniform over 0..255 (seed {_SEED})"
    return Material(model.inputs(pictures, known), pictures, words)


def _random_pictures(count: int, known: Preprocessing) -> NDArray[np.uint8]:
    generator = np.random.default_rng(_SEED)
    return generator.integers(0, 255, (count, *known.image_shape), np.uint8, endpoint=True)


def _without_pictures(subject: Subject, images: int, feeding: FeedingSettings) -> Chosen:
    lines: tuple[str, ...] = ()
    if _may_be_picture(subject):
        lines = (f"{subject.model.name} takes no pictures, as far as is known; if it does, say --normalisation",)
        say(lines[0])
    (drawn,), words = random_inputs(subject.tflite, images)
    inputs = drawn.reshape(images, *subject.tflite.input().shape[1:])
    labels = _labels(subject, feeding.classes or (), pictured=False)
    return Chosen(None, "", labels, Material(inputs, None, words), lines)


def _may_be_picture(subject: Subject) -> bool:
    """Whether the input has rows and columns, and one or three channels if any."""
    shape = subject.tflite.input().shape[1:]
    try:
        image_input_of(shape, subject.model.name)
    except ModelError:
        return False
    return len(shape) > 1


def _labels(subject: Subject, named: tuple[str, ...], *, pictured: bool) -> tuple[str, ...]:
    """Return the classes' names, numbers where nobody has said any; none where the model tells no classes apart.

    :raises InputError: there are more or fewer names than classes.
    """
    output, kind = subject.tflite.output(), output_kind(subject.tflite)
    classes = class_count(output.elements)
    if named and len(named) != classes:
        raise InputError(f"{str(subject.path)!r} tells {classes} classes apart, {len(named)} are named; name each once")
    tells = kind in (OutputKind.PROBABILITIES, OutputKind.ONE_PROBABILITY) or pictured or bool(named)
    flat = output.elements == output.shape[-1]
    return (named or tuple(str(index) for index in range(classes))) if tells and flat else ()


def _examples(split: Split, dataset: str) -> Examples | None:
    """Return the first test image of each class of a published dataset: pictures of users' own stay with them."""
    if known_dataset(dataset) is None:
        return None
    labels, firsts = np.unique(split.labels, return_index=True)
    images = split.images[firsts]
    if not 1 < len(firsts) <= _MOST_EXAMPLES or images.nbytes > _MOST_EXAMPLE_BYTES:
        return None
    return Examples(np.ascontiguousarray(images), tuple(int(one) for one in labels))
