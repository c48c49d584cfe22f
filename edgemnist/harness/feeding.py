"""How a model is fed: what the user says, what is recorded, what its file tells; and what nobody says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset
from edgemnist.harness.images import ANY_SHAPE
from edgemnist.harness.models import Subject
from edgemnist.harness.runtimes import preferred_runtimes
from edgemnist.runner.base import InputFacts
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.registry import installed_for
from edgemnist.runner.run import LoadedModel
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite.derived import DerivedRange, ImageInput, derived_range, image_input_of, output_kind
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.metadata import ImageHints, read_image_hints
from edgemnist.tflite.normalisation import Normalisation, normalisation_name, parse_normalisation
from edgemnist.tflite.preprocessing import CHANNELS, FITS, LAYOUTS, OutputKind, Preprocessing, class_count

LARGEST_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class FeedingSettings:
    """What the user says of how a model is fed; None is worked out.

    ``image_size``: (height, width) of the model's input. ``fit``, ``channels`` and ``layout``: one of ``FITS``,
    ``CHANNELS`` and ``LAYOUTS``. ``inverted``, ``transposed``: whether the model takes pictures that way round.
    ``classes``: their names in the order of the outputs. ``output``: which one of several has the classes.

    :raises InputError: a value is none of those allowed.
    """

    normalisation: Normalisation | None = None
    image_size: tuple[int, int] | None = None
    fit: str | None = None
    channels: str | None = None
    layout: str | None = None
    inverted: bool | None = None
    transposed: bool | None = None
    classes: tuple[str, ...] | None = None
    output: str | None = None

    def __post_init__(self) -> None:
        """Check the names."""
        for option, allowed in (("fit", FITS), ("channels", CHANNELS), ("layout", LAYOUTS)):
            value = getattr(self, option)
            if value is not None and value not in allowed:
                raise unknown(f"--{option}", value, allowed)
        if self.image_size is not None and not all(1 <= side <= LARGEST_SIDE for side in self.image_size):
            raise InputError(f"--image-size {self.image_size!r} is out of range; sides are 1 to {LARGEST_SIDE}")
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise InputError(f"--classes {','.join(self.classes)!r} names a class twice; name each once")

    def given(self) -> frozenset[str]:
        """Return the names of what is given."""
        return frozenset(field.name for field in fields(self) if getattr(self, field.name) is not None)

    def applied(self, known: Preprocessing) -> Preprocessing:
        """Return what is known with what is given in its place.

        :raises InputError: the channels given are not as many as the model takes.
        """
        simple = ("normalisation", "fit", "layout", "inverted", "transposed")
        changes: dict[str, Any] = {name: getattr(self, name) for name in simple if getattr(self, name) is not None}
        shape = known.image_shape
        if self.channels is not None:
            count = 1 if self.channels == "grey" else 3
            if shape[2] not in (0, count):
                raise InputError(f"--channels {self.channels}: the model takes images of {shape[2]} channel(s)")
            changes["bgr"], shape = self.channels == "bgr", (shape[0], shape[1], count)
        if self.image_size is not None:
            shape = (*self.image_size, shape[2])
        if self.transposed is not None and self.transposed != known.transposed:
            shape = (shape[1], shape[0], shape[2])
        if self.classes is not None:
            changes["class_names"] = self.classes
        return replace(known, image_shape=shape, **changes)

    def require_classes_of(self, dataset: Dataset) -> None:
        """Refuse names of classes that are not the dataset's, whose labels are in the order of the outputs already.

        :raises InputError: says both.
        """
        if self.classes is not None and self.classes != dataset.class_names:
            raise InputError(
                f"--classes {','.join(self.classes)!r}: the dataset {dataset.name!r} has the classes "
                f"{','.join(dataset.class_names)!r}; give each of them once, in the order of the model's outputs"
            )


_ALL = frozenset(field.name for field in fields(FeedingSettings))


def parse_image_size(text: str) -> tuple[int, int]:
    """Return (height, width) of ``96`` or ``96x128``.

    :raises InputError: it is neither.
    """
    parts = text.lower().split("x")
    if len(parts) in (1, 2) and all(part.isdecimal() for part in parts):
        return int(parts[0]), int(parts[-1])
    raise InputError(f"unknown --image-size {text!r}; give one side, as 96, or HEIGHTxWIDTH, as 96x128")


@dataclass(frozen=True)
class Understanding:
    """How a model is fed, as far as it is known without trying.

    ``known``: which of ``FeedingSettings``' fields somebody has said or the file tells. ``evidence``: a line for what
    is neither given nor recorded. The shape is :data:`ANY_SHAPE` where nothing tells.
    """

    preprocessing: Preprocessing
    known: frozenset[str]
    evidence: tuple[str, ...] = ()

    def assumed(self, name: str, remedy: str = "--normalisation, or a --dataset to try it on") -> tuple[str, ...]:
        """Return the evidence, with a line on the range of pixels where nothing tells it and it is left as it is.

        ``name`` is the model's, for people; ``remedy`` what to name.
        """
        if "normalisation" in self.known:
            return self.evidence
        pixels = normalisation_name(self.preprocessing.normalisation)
        return (*self.evidence, f"pixels {pixels}: assumed, for nothing tells what {name} takes; name {remedy}")


def understand(subject: Subject, settings: FeedingSettings) -> Understanding:
    """Return how a model is fed: as is given, else as is recorded of its training, else as its file tells.

    :raises InputError: what is given contradicts the shape of the model's input.
    :raises ModelError: the input is no image.
    """
    return understood(subject.model, subject.context, settings)


def understood(model: LoadedModel, context: ModelContext | None, settings: FeedingSettings) -> Understanding:
    """Return what :func:`understand` does, of a model and what is recorded of it."""
    base = context.preprocessing if context else Preprocessing(ANY_SHAPE)
    if model.tflite is None and context is None:
        return understood_by_facts(_look(model), context, settings, model.name)
    known = _ALL if context else frozenset()
    evidence: tuple[str, ...] = ()
    if model.tflite is not None:
        image = image_input_of(model.tflite.input().shape[1:], model.name)
        base = _as_the_file_has_it(base, image, output_kind(model.tflite))
        known |= {"image_size"} | ({"layout"} if image.certain else frozenset())
        if context is None:
            base, told, evidence = _told_by_file(model.tflite, base, settings.given())
            known |= told
    preprocessing = settings.applied(base)
    if model.tflite is not None:
        _check_size(model.name, preprocessing.input_size, base.input_size)
    return Understanding(preprocessing, known | settings.given(), evidence)


def _look(model: LoadedModel) -> InputFacts:
    """Have a Keras model read in a process of its own."""
    (name,) = preferred_runtimes(ModelKind.KERAS)
    installed_for(ModelKind.KERAS, (name,))
    with runtime_worker(name) as worker:
        return worker.look(model.path)


def understood_by_facts(
    facts: InputFacts, context: ModelContext | None, settings: FeedingSettings, name: str
) -> Understanding:
    """Return how a model is fed of which a runtime has read the file; a size that it leaves to its images is 0.

    :param context: what is recorded of its training, ``name`` what it is called.
    :raises InputError: what is given contradicts the shape of the model's input.
    """
    base = context.preprocessing if context else Preprocessing(ANY_SHAPE)
    known = _ALL if context else frozenset[str]()
    if facts.pixels is not None and context is None:
        base, known = replace(base, normalisation=parse_normalisation(facts.pixels)), known | {"normalisation"}
    if facts.layout:
        base, known = replace(base, layout=facts.layout), known | {"layout"}
    if facts.sizes[2] not in (None, 1, 3):
        raise ModelError(
            f"{name!r} takes images of {facts.sizes[2]} channels; it has to be 1 for grey or 3 for colours"
        )
    height, width, channels = (own or had for own, had in zip(facts.sizes, base.image_shape, strict=True))
    shape = (width, height, channels) if base.transposed and facts.sizes[0] else (height, width, channels)
    given = settings.applied(replace(base, image_shape=shape))
    fixed = facts.sizes[0] or given.input_size[0], facts.sizes[1] or given.input_size[1]
    _check_size(name, given.input_size, fixed)
    return Understanding(given, known | settings.given(), facts.notes)


def _told_by_file(
    model: TfliteModel, base: Preprocessing, given: Collection[str]
) -> tuple[Preprocessing, frozenset[str], tuple[str, ...]]:
    """Return what a file of which nothing is recorded tells of pixels, channels and classes, and the evidence.

    Of what is ``given`` the user's word counts, so that there is no evidence to tell of.
    """
    hints = read_image_hints(model.content) or ImageHints()
    known, evidence = set[str](), []
    found = derived_range(model)
    if hints.normalisation is not None and (found is None or found.is_near(hints.normalisation)):
        found = DerivedRange(hints.normalisation, "the metadata in the file says so")
    if found is not None:
        base = replace(base, normalisation=found.normalisation)
        known.add("normalisation")
    if found is not None and "normalisation" not in given:
        evidence.append(f"pixels {normalisation_name(found.normalisation)}: {found.evidence}")
    if hints.colours == "rgb":
        known.add("channels")
    if len(hints.labels) == class_count(model.output().elements):
        base = replace(base, class_names=hints.labels)
        if "classes" not in given:
            more = ",..." if len(hints.labels) > 4 else ""
            evidence.append(f"classes {','.join(hints.labels[:4])}{more}: by its metadata")
    return base, frozenset(known), tuple(evidence)


def _as_the_file_has_it(recorded: Preprocessing, image: ImageInput, output: OutputKind) -> Preprocessing:
    """Return what is recorded with the shape, layout and outputs of the file itself."""
    height, width, channels = image.shape
    shape = (width, height, channels) if recorded.transposed else image.shape
    layout = image.layout if image.certain else recorded.layout
    bgr = recorded.bgr and channels == 3
    return replace(recorded, image_shape=shape, layout=layout, output=output, bgr=bgr)


def _check_size(name: str, given: tuple[int, int], taken: tuple[int, int]) -> None:
    if given != taken:
        wanted, own = ("x".join(map(str, size)) for size in (given, taken))
        raise InputError(f"--image-size {wanted}: {name!r} takes {own}; leave the option out")


def feeding_from(values: Mapping[str, Any]) -> FeedingSettings:
    """Return settings of options as they were typed: ``normalisation``, ``image_size`` and ``classes`` are text.

    :raises InputError: a value is malformed or none of those allowed.
    """
    parsed = dict(values)
    if parsed.get("normalisation") is not None:
        parsed["normalisation"] = parse_normalisation(parsed["normalisation"])
    if parsed.get("image_size") is not None:
        parsed["image_size"] = parse_image_size(parsed["image_size"])
    if parsed.get("classes") is not None:
        parsed["classes"] = tuple(name.strip() for name in parsed["classes"].split(","))
    return FeedingSettings(**parsed)
