"""How a model is fed, for the C that is generated of it."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.compiler.generate import CodegenSettings
from edgemnist.harness.feeding import FeedingSettings, understand
from edgemnist.harness.models import Subject
from edgemnist.support.progress import say
from edgemnist.tflite.metadata import read_image_hints


def with_preprocessing(settings: CodegenSettings, subject: Subject, feeding: FeedingSettings) -> CodegenSettings:
    """Return settings with what is given, recorded or told by the file of how a model is fed, and its classes.

    Where nothing but the input's scale tells, the settings are left as they are: the generator derives a quantiser of
    that, and a model of something other than images, or of several inputs or outputs, gets none.

    :raises InputError, ModelError: what is given contradicts the model, or its input is no image.
    """
    images = len(subject.tflite.inputs) == len(subject.tflite.outputs) == 1
    if not images and not feeding.given():
        return settings
    told = subject.context is not None or read_image_hints(subject.tflite.content) is not None
    if not (told or feeding.given()):
        return settings
    known = understand(subject, feeding)
    for line in known.assumed(subject.model.name, "--normalisation"):
        say(line)
    return replace(settings, preprocessing=known.preprocessing)
