"""What a model was trained on and how it is fed, where no labelled images are at hand: as recorded, named or told."""

from __future__ import annotations

import shlex
from dataclasses import replace

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.loading import load_dataset
from edgemnist.data.registry import known_dataset
from edgemnist.harness.feeding import FeedingSettings, Understanding, understand
from edgemnist.harness.images import DEFAULT_DATASET, ImageSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.subjects import with_images
from edgemnist.support.errors import InputError
from edgemnist.support.progress import say
from edgemnist.tflite.preprocessing import class_count


def recognised(
    subject: Subject, feeding: FeedingSettings, dataset: str | None = None
) -> tuple[ModelContext, tuple[str, ...]]:
    """Return what a model was trained on and how it is fed, and a line for each thing that nobody had said.

    What is not given is what is recorded, what the file tells, or with a ``dataset`` what its labelled images tell.
    Without any of these the classes are MNIST's if the shapes fit that, else numbers, and pixels are taken to be 0..1.

    :raises InputError: nothing is known of a Keras model, the input is no image, or ``dataset`` has other classes.
    """
    known = understand(subject, feeding)
    if dataset is not None and subject.record is None and "normalisation" not in known.known:
        found = with_images([subject], ImageSettings(count=None, dataset=dataset), feeding)
        return found.context(), found.assumed
    if subject.model.tflite is None and subject.context is None:
        raise InputError(
            f"nothing is known of what {str(subject.path)!r} was trained on; convert it first "
            f"(`edgemnist convert {shlex.quote(str(subject.path))} --int8 --dataset NAME`) and name the .tflite"
        )
    assumed = known.assumed(subject.model.name)
    for line in assumed:
        say(line)
    if subject.context is not None and (dataset is None or subject.record is not None):
        return replace(subject.context, preprocessing=known.preprocessing), assumed
    return _unrecorded(subject, known, dataset, feeding), assumed


def _unrecorded(subject: Subject, known: Understanding, dataset: str | None, feeding: FeedingSettings) -> ModelContext:
    classes = class_count(subject.tflite.output().elements)
    shape = known.preprocessing.image_shape
    name = dataset or (DEFAULT_DATASET if (shape, classes) == ((28, 28, 1), 10) else "")
    named = known.preprocessing.class_names or (_class_names(name) if name else ())
    names = named or tuple(str(index) for index in range(classes))
    if len(names) != classes:
        who = "--classes" if feeding.classes else f"the dataset {name!r}"
        raise InputError(f"{str(subject.path)!r} tells {classes} classes apart, {who} has {len(names)}")
    return ModelContext(name, "", replace(known.preprocessing, class_names=names))


def _class_names(dataset: str) -> tuple[str, ...]:
    """Return the classes of a dataset; a known one need not be here for that."""
    known = known_dataset(dataset)
    return known.class_names if known else load_dataset(dataset).class_names
