"""``edgemnist deploy android|ios``: the model with metadata, and code that runs it made from its shapes and types."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.phone_code import CODE_FILES, MODEL_FILE, in_words, phone_code
from edgemnist.csource.outputs import known_output
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import find_subject
from edgemnist.harness.subjects import with_images
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError, storage_errors
from edgemnist.support.files import partial_folder
from edgemnist.support.locking import alone_in
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.metadata import LABELS_FILE, ImageMetadata, read_metadata, with_metadata
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing

PACKAGE = "com.example.classifier"
_TYPES = ("int8", "float32")
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
    """Write the model with metadata, its labels and the code for a phone.

    :raises InputError: the folder holds something, or ``package`` is no name of a package.
    :raises ModelError: the model does not fit the dataset, or its input or output has a type that phones don't take.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: ai-edge-litert is not installed.
    """
    folder, system = settings.out, settings.system
    _check_empty(folder)
    reserved = _KEYWORDS & set(settings.package.split("."))
    if reserved or not _PACKAGE_NAME.fullmatch(settings.package):
        why = f": {min(reserved)!r} is a keyword" if reserved else ""
        raise InputError(f"{settings.package!r} is no name of a Kotlin package{why}; give for example {PACKAGE}")
    subject = find_subject(settings.model, work, output=settings.feeding.output)
    tflite = subject.tflite
    _check_types(tflite)
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
        for what, tensor in (("input", model.input()), ("output", model.output()))
        if tensor.dtype not in _TYPES
    ]
    if problems:
        raise UnsupportedModelError("the model does not fit a phone:", problems)


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
