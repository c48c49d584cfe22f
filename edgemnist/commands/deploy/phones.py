"""``edgemnist deploy android|ios``: the model with metadata, and code that runs it made from its shapes and types."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy import phone_network as network
from edgemnist.commands.deploy.phone_code import CODE_FILES, MODEL_FILE, in_words, phone_code
from edgemnist.commands.deploy.phone_network import network_code
from edgemnist.compiler.self_test import generated_vectors
from edgemnist.csource.outputs import known_output
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import Subject, find_subject
from edgemnist.harness.subjects import with_images
from edgemnist.runner.client import runtime_worker
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError, storage_errors
from edgemnist.support.files import partial_folder
from edgemnist.support.locking import alone_in
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import keeps_something
from edgemnist.tflite.metadata import LABELS_FILE, ImageMetadata, read_metadata, with_metadata
from edgemnist.tflite.named_ends import with_named_ends
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing

PACKAGE = "com.example.classifier"
_TYPES = ("int8", "float32")
_UNFIT = "the model does not fit a phone:"
_PACKAGE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_HARD_KEYWORDS = """
    as break class continue do else false for fun if in interface is null object package return super this throw true
    try typealias typeof val var when while
"""
_KEYWORDS = frozenset(_HARD_KEYWORDS.split())
"""Kotlin's hard keywords (kotlinlang.org, Keywords and operators), which are names nowhere."""


@dataclass(frozen=True)
class PhoneFiles:
    """What was written: ``files`` by name in ``folder``; input, output and preprocessing in words."""

    system: str
    folder: Path
    files: tuple[str, ...]
    input: str
    output: str
    preprocessing: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True, kw_only=True)
class PhoneSettings:
    """What to write. Without ``model`` it is the work folder's preferred one.

    ``system``: ``android`` or ``ios``. ``out``: a new or empty folder. ``feeding``: what the user says of how the model
    is fed. ``package``: the Kotlin package (``android``).
    """

    system: str
    out: Path
    model: Path | None = None
    dataset: str | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    package: str = PACKAGE


def deploy_phone(settings: PhoneSettings, work: WorkFolder) -> PhoneFiles:
    """Write the model with metadata, its labels and the code for a phone; of other networks than classifiers without.

    :raises InputError: the folder holds something, or ``package`` is no name of a package.
    :raises ModelError: the model does not fit the dataset, or its input or output has a type that phones don't take.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: ai-edge-litert is not installed.
    """
    _check_empty(settings.out)
    reserved = _KEYWORDS & set(settings.package.split("."))
    if reserved or not _PACKAGE_NAME.fullmatch(settings.package):
        why = f": {min(reserved)!r} is a keyword" if reserved else ""
        raise InputError(f"{settings.package!r} is no name of a Kotlin package{why}; give for example {PACKAGE}")
    subject = find_subject(settings.model, work, output=settings.feeding.output, any_ends=True)
    tflite = subject.tflite
    _check_types(tflite)
    said = settings.feeding.given() - {"output"} or settings.dataset is not None
    several = (len(tflite.inputs), len(tflite.outputs)) != (1, 1)
    if several and said:
        raise InputError(
            f"the model has {len(tflite.inputs)} inputs and {len(tflite.outputs)} outputs, and its code takes numbers "
            "instead of pictures; leave out --dataset and how pictures are fed, or name one output with --output"
        )
    if several or (keeps_something(tflite) and not said and subject.context is None):
        return _deploy_network(settings, tflite)
    return _deploy_classifier(settings, subject)


def _deploy_network(settings: PhoneSettings, tflite: TfliteModel) -> PhoneFiles:
    """Write a network whose code takes an array for each input and gives one for each output."""
    folder, system = settings.out, settings.system
    content = with_named_ends(tflite.content)
    _check_runs(system, tflite, content)
    code = network_code(system, tflite, settings.package)
    files = {network.MODEL_FILE: content, network.CODE_FILES[system]: code.encode()}
    _write(folder, files)
    taken, given = (
        "; ".join(in_words(tflite.tensors[index]) for index in some) for some in (tflite.inputs, tflite.outputs)
    )
    return PhoneFiles(system, folder, tuple(files), taken, given, "real numbers")


def _check_runs(system: str, model: TfliteModel, content: bytes) -> None:
    """Refuse what LiteRT does not run with the kernels that phones have.

    :raises UnsupportedModelError: says why.
    """
    remedy = "take the C of `edgemnist codegen`, which phones run, too"
    if system == "android" and any(tensor.is_variable for tensor in model.tensors):
        raise UnsupportedModelError(_UNFIT, [f"LiteRT on Android takes no variable tensors; {remedy}"])
    entries = [model.tensors[index] for index in model.inputs]
    (inputs,) = generated_vectors(entries, 1)
    try:
        with runtime_worker("litert-default") as worker:
            worker.load(content, inputs)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(_UNFIT, [f"{' '.join(str(error).split())}; {remedy}"]) from error


def _deploy_classifier(settings: PhoneSettings, subject: Subject) -> PhoneFiles:
    folder, system, tflite = settings.out, settings.system, subject.tflite
    context = with_images([subject], ImageSettings(dataset=settings.dataset), settings.feeding).context()
    kind = known_output(tflite, context.preprocessing)
    content = _checked_model(tflite, context, kind)
    code = phone_code(system, tflite, context.preprocessing, kind, settings.package)
    labels = "\n".join(context.preprocessing.class_names) + "\n"
    files = {MODEL_FILE: content, LABELS_FILE: labels.encode(), CODE_FILES[system]: code.encode()}
    _write(folder, files)
    words = in_words(tflite.input()), in_words(tflite.output())
    return PhoneFiles(system, folder, tuple(files), *words, context.preprocessing.in_words())


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{str(folder)!r} is not an empty folder; name another --out")


def _check_types(model: TfliteModel) -> None:
    problems = [
        f"the {what} {model.readable[tensor.index]!r} is {tensor.dtype}; "
        f"LiteRT's buffers on phones take {' and '.join(_TYPES)}"
        for what, indices in (("input", model.inputs), ("output", model.outputs))
        for tensor in (model.tensors[index] for index in indices)
        if tensor.dtype not in _TYPES
    ]
    if problems:
        raise UnsupportedModelError(_UNFIT, problems)


def _checked_model(model: TfliteModel, context: ModelContext, kind: OutputKind) -> bytes:
    """Return the model with metadata, after reading both back."""
    known, certain = context.preprocessing, kind in (OutputKind.PROBABILITIES, OutputKind.ONE_PROBABILITY)
    metadata = ImageMetadata(
        name=f"classifier of {context.title or 'pictures'}",
        description=f"Tells {len(known.class_names)} classes apart; made by edgemnist {VERSION}. {known.in_words()}.",
        labels=known.class_names,
        normalisation=_of_pixels(known),
        colours=known.colours,
        one_output=kind.single,
        output_name="probability" if certain else "score",
    )
    content = with_metadata(model.content, metadata)
    found, again = read_metadata(content), parse_tflite(content)
    same_graph = (again.operators, again.inputs, again.outputs) == (model.operators, model.inputs, model.outputs)
    if found.labels != metadata.labels or found.colours != metadata.colours or not same_graph:
        raise ModelError("the model with metadata does not read back as it was written; this is a fault of edgemnist")
    return content


def _of_pixels(known: Preprocessing) -> Normalisation:
    """Return what a pixel becomes; of 255 less the pixel, if the model takes dark for bright."""
    if not known.inverted:
        return known.normalisation
    return Normalisation.of_pairs([(-scale, offset + 255 * scale) for scale, offset in known.normalisation.pairs()])


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files or none."""
    with storage_errors(folder), partial_folder(folder.parent) as temporary:
        fresh = temporary / "fresh"
        fresh.mkdir()
        for file, content in files.items():
            (fresh / file).write_bytes(content)
        with alone_in(folder.parent, "another command for phones", f".{folder.name}.lock"):
            _check_empty(folder)
            fresh.rename(folder)
