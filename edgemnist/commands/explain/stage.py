"""The explanation: a model, inputs for it, runtimes beside the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.explain.device import DeviceFiles, read_device
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import DEFAULT_IMAGES, ImageSettings
from edgemnist.harness.models import Subject, find_subject
from edgemnist.harness.random_inputs import random_inputs
from edgemnist.harness.subjects import with_images
from edgemnist.mismatch.explain import ExplainSettings, explain
from edgemnist.mismatch.explanation import Explanation
from edgemnist.mismatch.material import Material, material_of
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.registry import default_runtimes, find_runtime
from edgemnist.support.errors import InputError, ModelError
from edgemnist.support.files import check_writable
from edgemnist.support.progress import say


@dataclass(frozen=True, kw_only=True)
class ExplainCommandSettings:
    """What to explain. Without ``model`` it is the work folder's int8 model; ``against`` empty is all runtimes that are
    not emulated and take it; none with ``device``, what a device left. ``random``: inputs are drawn. ``timeout`` is in
    seconds. ``reproducers``: a folder for them, None writes none.
    """

    model: Path | None = None
    against: tuple[str, ...] = ()
    images: ImageSettings = field(default_factory=ImageSettings)
    random: bool = False
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    timeout: float = DEFAULT_TIMEOUT
    reproducers: Path | None = None
    device: DeviceFiles = field(default_factory=DeviceFiles)


def run_explain(settings: ExplainCommandSettings, work: WorkFolder) -> Explanation:
    """Compare the model in every runtime with the oracle, operator by operator, and return what was found.

    :raises InputError: no such model, dataset or runtime, or options that contradict each other.
    :raises EdgeMnistError: as ``mismatch.explain.explain``.
    """
    if settings.random and settings.images.dataset:
        raise InputError(f"--random and --dataset {settings.images.dataset} contradict each other; give one of them")
    settings.device.check()
    if settings.random and settings.device.given:
        raise InputError(
            "--random and what a device left contradict each other: it was given inputs; leave --random out"
        )
    subject = find_subject(settings.model, work, output=settings.feeding.output, any_ends=True)
    named = settings.against or (() if settings.device.given else default_runtimes())
    takers = [name for name in named if subject.kind in find_runtime(name).takes]
    unfit = [name for name in settings.against if name not in takers]
    if unfit:
        raise InputError(
            f"the runtime {unfit[0]!r} does not take {subject.model.name} ({subject.kind.value}); leave it out"
        )
    if settings.reproducers is not None:
        check_writable(settings.reproducers)
    chosen = ExplainSettings(against=tuple(takers), timeout=settings.timeout, reproducers=settings.reproducers)
    if not settings.device.given:
        return explain(subject.model, lambda: _material(subject, settings), chosen)
    source, material = read_device(settings.device, subject, settings.images, settings.feeding, settings.timeout)
    return explain(subject.model, material, replace(chosen, dumps=(source,)))


def _material(subject: Subject, settings: ExplainCommandSettings) -> Material:
    count = settings.images.count or DEFAULT_IMAGES
    if settings.random:
        return Material(*random_inputs(subject.tflite, count))
    try:
        subjects = with_images([subject], settings.images, settings.feeding, timeout=settings.timeout)
    except (InputError, ModelError) as error:
        if not may_be_drawn(subject, settings):
            raise
        inputs, words = random_inputs(subject.tflite, count)
        line = f"{words}, since no pictures are known for {subject.model.name}: {error}"
        say(line)
        return Material(inputs, words, assumed=(line,))
    return material_of(subject.model, subjects)


def may_be_drawn(subject: Subject, settings: ExplainCommandSettings) -> bool:
    """Whether inputs may be drawn where pictures are not to be had: nobody has said which they should be."""
    return settings.images.dataset is None and settings.model is not None and subject.context is None
