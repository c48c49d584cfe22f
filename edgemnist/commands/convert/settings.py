"""What a conversion is asked for and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.compiler.written import WrittenCode
from edgemnist.csource.array import DEFAULT_NAME, STYLES, array_names
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import normalisation_name
from edgemnist.tflm.project import TflmSummary

STAGE = "convert"

MODES = (ModelKind.FLOAT32, ModelKind.FLOAT16, ModelKind.DYNAMIC, ModelKind.INT8, ModelKind.INT16X8)
"""The kinds of ``.tflite`` that can be made, in the order in which they are made."""

DEFAULT_MODES = (ModelKind.FLOAT32, ModelKind.INT8)
"""What is made when no mode is named: the two that the chain and its report compare."""

CALIBRATED = frozenset({ModelKind.INT8, ModelKind.INT16X8})
"""The modes that need a representative dataset."""


def mode_named(name: str | ModelKind) -> ModelKind:
    """Return a mode by its name, as ``--int8`` and its companions have it.

    :raises InputError: there is none of that name.
    """
    known = {mode.value: mode for mode in MODES}
    if isinstance(name, ModelKind):
        return name
    if name not in known:
        raise unknown("mode", name, known)
    return known[name]


IO_TYPES = ("int8", "uint8", "float32")
DEFAULT_CALIBRATION = 500


@dataclass(frozen=True, kw_only=True)
class ConversionSettings:
    """What to convert, and to what.

    ``model``: a file or SavedModel from elsewhere; None takes the work folder's latest model. ``out``: the folder for
    the results, by default the work folder. ``modes`` None makes :data:`DEFAULT_MODES`.

    ``io``: type of the int8 model's input and output; an int16x8 model takes float32 when that says float32, else
    int16. ``calibration``: images of the representative dataset; None takes :data:`DEFAULT_CALIBRATION`, or all
    training images where there are fewer. ``c_array``: None writes the C array of the int8 model only, True that of
    every mode. ``c_code`` also generates the int8 model's C code, in ``c/`` beside it, with an arena of ``ram``
    bytes at most, where that is given. ``dataset`` and ``feeding`` are for models from elsewhere (what they leave
    open is as the manifest beside the file says, as the file tells, or tried); a work folder's model brings its
    own. ``even_so`` converts a model that classifies nothing as it is fed. ``exports``: formats for servers,
    "saved-model" and "onnx"; with them and without ``modes`` no ``.tflite`` is made.

    :raises InputError: a value is out of range.
    """

    model: Path | None = None
    out: Path | None = None
    modes: tuple[ModelKind, ...] | None = None
    io: str = "int8"
    calibration: int | None = None
    seed: int = 0
    c_array: bool | None = None
    c_code: bool = False
    ram: int | None = None
    name: str = DEFAULT_NAME
    style: str = "default"
    dataset: str | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    even_so: bool = False
    exports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values before anything slow starts."""
        if self.io not in IO_TYPES:
            raise unknown("input and output type", self.io, IO_TYPES)
        if self.style not in STYLES:
            raise unknown("C array style", self.style, STYLES)
        if self.calibration is not None and self.calibration < 1:
            raise InputError(f"cannot calibrate with {self.calibration} images; give at least 1, better 100 to 1000")
        array_names(self.name, self.style, "model")

    def ordered_modes(self) -> tuple[ModelKind, ...]:
        """Return the modes asked for, each once, in the order of :data:`MODES`."""
        wanted = (() if self.exports else DEFAULT_MODES) if self.modes is None else self.modes
        return tuple(mode for mode in MODES if mode in wanted)

    def io_of(self, mode: ModelKind) -> str:
        """Return the type of a mode's input and output."""
        if mode is ModelKind.INT8:
            return self.io
        return "int16" if mode is ModelKind.INT16X8 and self.io != "float32" else "float32"

    def writes_c_array(self, mode: ModelKind) -> bool:
        """Whether a C array is written for a mode."""
        return mode is ModelKind.INT8 if self.c_array is None else self.c_array

    def c_name(self, mode: ModelKind) -> str:
        """Return the name of a mode's C array: int8's is the plain one, so that all can be linked into one program."""
        return self.name if mode is ModelKind.INT8 else f"{self.name}_{mode.value}"

    def contradictions(self, beside: ModelContext | None, path: Path) -> list[str]:
        """Return where this is not what the manifest beside the model's file says of its training."""
        if beside is None:
            return []
        said = f"{path.name!r} was trained on {{}}, says the manifest beside it; it is converted {{}}"
        found = []
        if self.dataset not in (None, beside.dataset):
            found.append(said.format(repr(beside.dataset), f"with images of {self.dataset!r}"))
        if self.feeding.normalisation is not None:
            trained, given = (
                normalisation_name(one) for one in (beside.preprocessing.normalisation, self.feeding.normalisation)
            )
            if trained != given:
                found.append(said.format(f"pixels in {trained}", f"for pixels in {given}"))
        return found


@dataclass(frozen=True)
class TensorDescription:
    """Type, shape and quantisation of an input or output; scale and zero point are None without quantisation."""

    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None

    @classmethod
    def of(cls, tensor: TensorInfo) -> TensorDescription:
        """Return the facts of a tensor."""
        quantisation = tensor.quantisation
        if quantisation is None:
            return cls(tensor.dtype, tensor.shape, None, None)
        return cls(tensor.dtype, tensor.shape, quantisation.scale, quantisation.zero_point)


@dataclass(frozen=True)
class Verification:
    """What an interpreter made of test images with the new file, beside the source model.

    ``agreement``: share of images with the same top-1 class. ``accuracy`` and ``source_accuracy``: share of right
    classes, None without labels.
    """

    runtime: str
    version: str
    images: int
    agreement: float
    accuracy: float | None
    source_accuracy: float | None


@dataclass(frozen=True)
class ConvertedModel:
    """One ``.tflite`` file. Sizes in bytes; ``operator_versions`` maps a kind to its version.

    ``runtimes`` are those that take a model of this kind, installed or not, without those in ``refused``, which were
    asked to run this file and say why they can't. ``c_array`` are the C array's file names; ``tflm`` is what was
    written beside it for TensorFlow Lite Micro, None without a C array or for a kind other than int8. ``recipe`` is
    ai-edge-quantizer's, of a file that it made.
    """

    mode: str
    file: str
    size: int
    gzip_size: int
    sha256: str
    input: TensorDescription
    output: TensorDescription
    operator_versions: Mapping[str, int]
    calibration: Mapping[str, Any] | None
    verification: Verification
    recipe: Sequence[Any] | None = None
    runtimes: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    c_array: tuple[str, ...] = ()
    c_name: str | None = None
    tflm: TflmSummary | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return asdict(self)


def operator_versions(model: TfliteModel) -> dict[str, int]:
    """Return the highest version of each operator kind in a file, sorted by kind."""
    found: dict[str, int] = {}
    for operator in model.operators:
        found[operator.kind] = max(found.get(operator.kind, 0), operator.version)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class ExportedModel:
    """A model in another format.

    ``form``: "saved-model" or "onnx". ``path``: the file, or the version's folder. ``bytes``: of all its files.
    ``by``: what ran it again, over ``images`` images; ``agreement``: the share of them with the source's class;
    ``max_difference`` of the outputs. ``serve``: a command that serves it, "" where it is no server's.
    """

    form: str
    path: Path
    bytes: int
    input: str
    output: str
    by: str
    images: int
    agreement: float
    max_difference: float
    serve: str

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class ConversionResult:
    """What was made, where, of what; ``warnings`` are sentences that the user must see, ``c`` the C code beside it.

    ``preprocessing``: in words how a picture becomes the input; ``assumed``: a line for each thing of it that nobody
    had said, with its evidence.
    """

    source: Path
    folder: Path
    models: tuple[ConvertedModel, ...]
    warnings: tuple[str, ...]
    preprocessing: str
    assumed: tuple[str, ...]
    c: WrittenCode | None = None
    exports: tuple[ExportedModel, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "source": str(self.source),
            "folder": str(self.folder),
            "models": {model.mode: model.as_json() for model in self.models},
            "warnings": list(self.warnings),
            "preprocessing": self.preprocessing,
            "assumed": list(self.assumed),
            **({"c": self.c.as_json()} if self.c else {}),
            **({"exports": {one.form: one.as_json() for one in self.exports}} if self.exports else {}),
        }
