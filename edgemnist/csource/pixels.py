"""The C functions that turn a pixel, and a whole picture, into a model's input, for every generated header."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.csource.source import float_constant, lines_of
from edgemnist.support.errors import ModelError
from edgemnist.tflite.derived import derived_range, image_input_of
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.normalisation import NORMALISATIONS, normalisation_name
from edgemnist.tflite.pixels import INTEGER_TYPES, pixel_table
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing

C_TYPES: Mapping[str, str] = {
    "float32": "float",
    "float64": "double",
    "float16": "uint16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "uint64": "uint64_t",
    "bool": "uint8_t",
}

IMAGE_AXES = ("HEIGHT", "WIDTH", "CHANNELS")
"""The axes of an image behind its batch, as the macros of its sizes end."""

_OUTPUTS = {OutputKind.PROBABILITIES: "; outputs: probabilities", OutputKind.SCORES: "; outputs: scores before softmax"}
_FIRST_CHANNEL = {"rgb": "red first", "bgr": "blue first"}


@dataclass(frozen=True)
class PixelCode:
    """C text that turns a pixel into an input value, and one line that tells people what it does.

    ``picture``: whether a second function, ``..._image``, fills the input from a whole picture, because a loop over its
    bytes would not do. ``verb`` begins both functions' names after the prefix: ``quantise`` or ``normalise``.
    """

    summary: str
    declaration: str = ""
    definition: str = ""
    verb: str = "quantise"
    picture: bool = False


def image_input(model: TfliteModel) -> TensorInfo | None:
    """Return a model's input, None where it has several."""
    return model.tensors[model.inputs[0]] if len(model.inputs) == 1 else None


def image_axes(channels_first: bool) -> tuple[str, ...]:
    """Return :data:`IMAGE_AXES` in the order in which an input tensor has them."""
    return (*IMAGE_AXES[2:], *IMAGE_AXES[:2]) if channels_first else IMAGE_AXES


def pixel_code(symbol: str, model: TfliteModel, preprocessing: Preprocessing | None, *, taken: str = "") -> PixelCode:
    """Return ``<symbol>_quantise_pixel`` (or ``_normalise_pixel``), equal to ``pixels.pixel_table`` for all 256 values.

    A normalisation with numbers for each channel makes it a function of pixel and channel. Where the model takes
    anything other than the picture's bytes in their order, ``<symbol>_quantise_image`` fills the whole input, equal to
    ``pixels.model_input``. ``preprocessing`` None takes the range of pixels that the file itself tells. ``taken`` is a
    name that the file declares elsewhere, which no argument may have.

    :raises ModelError: the normalisation has numbers for another number of channels than the model, or the picture
        that has to be rearranged is not of the input's size.
    """
    tensor = image_input(model)
    if tensor is None:
        return PixelCode(f"no pixel quantiser: the model has {len(model.inputs)} inputs, and a picture goes into one")
    if tensor.dtype not in (*INTEGER_TYPES, "float32"):
        return PixelCode(f"no pixel quantiser: the input is {tensor.dtype}, and pixels become int8, uint8 or float32")
    found = _known(model, tensor, preprocessing)
    if found is None:
        return PixelCode("no pixel quantiser: what range the input was trained on is not known")
    known, head = found
    table = pixel_table(tensor, known.normalisation, inverted=known.inverted)
    verb = "normalise" if tensor.dtype == "float32" else "quantise"
    prefix, ctype = f"{symbol}_{verb}", C_TYPES[tensor.dtype]
    one = (_of_channel if table.ndim == 2 else _of_pixel)(symbol, prefix, tensor, known, table, taken)
    declaration, outputs = one.declaration, _OUTPUTS.get(known.output, "") if _says_more(known) else ""
    picture = _rearranges(known)
    if picture:
        declaration += "\n" + _picture_function(prefix, ctype, known, table.ndim == 2, taken)
    return PixelCode(f"{head}; {one.summary}{outputs}", declaration, one.definition, verb, picture)


# --- what is known ---------------------------------------------------------------------------------------------------


def _known(
    model: TfliteModel, tensor: TensorInfo | None, preprocessing: Preprocessing | None
) -> tuple[Preprocessing, str] | None:
    """Return how the input is fed, its picture's shape from the tensor where nobody has said it, and that in words."""
    if tensor is None:
        return None
    if preprocessing is None:
        return _derived(model, tensor)
    known = _with_shape(preprocessing, tensor)
    if known.normalisation.channels not in (1, known.channels):
        raise ModelError(
            f"the normalisation {normalisation_name(known.normalisation)} has numbers for "
            f"{known.normalisation.channels} channels, the model takes {known.channels}; give one, or one for each"
        )
    if _rearranges(known) and math.prod(known.image_shape) != tensor.elements:
        raise ModelError(f"pictures of shape {known.image_shape} do not fit the input of shape {list(tensor.shape)}")
    return known, _in_words(known)


def _in_words(known: Preprocessing) -> str:
    if not _says_more(known):
        return f"0..255 stands for {normalisation_name(known.normalisation)}"
    words = known.in_words()
    return words.rpartition(", ")[0] if 0 in known.image_shape else words


def _derived(model: TfliteModel, tensor: TensorInfo) -> tuple[Preprocessing, str] | None:
    """Return the range that the file tells, with its evidence unless it is the usual one of an integer input."""
    found = derived_range(model)
    if found is None:
        return None
    words = f"0..255 stands for {normalisation_name(found.normalisation)}"
    if tensor.quantisation is None or found.normalisation not in NORMALISATIONS.values():
        if not _may_be_picture(tensor):
            return None
        words += f", derived: {found.evidence}"
    return Preprocessing((0, 0, 0), normalisation=found.normalisation), words


def _may_be_picture(tensor: TensorInfo) -> bool:
    """Whether a tensor has rows and columns, and one or three channels if any: not one of a sensor's values."""
    try:
        image_input_of(tensor.shape[1:], tensor.name)
    except ModelError:
        return False
    return len(tensor.shape) > 2


def _with_shape(preprocessing: Preprocessing, tensor: TensorInfo) -> Preprocessing:
    """Return it with the picture's shape that the tensor has, where its own is not known."""
    if 0 not in preprocessing.image_shape or len(tensor.shape) != 4:
        return preprocessing
    first, second, third = tensor.shape[1:]
    height, width, channels = (second, third, first) if preprocessing.layout == "nchw" else (first, second, third)
    size = (width, height) if preprocessing.transposed else (height, width)
    return replace(preprocessing, image_shape=(*size, channels))


def _rearranges(known: Preprocessing) -> bool:
    """Whether a picture's bytes, each on its own and in their order, are not the input."""
    return 0 not in known.image_shape and (known.rearranged or known.normalisation.channels > 1)


def _says_more(known: Preprocessing) -> bool:
    """Whether a range of pixels would not be all that there is to say of the input."""
    return _rearranges(known) or known.inverted or known.fit != "pad"


# --- one pixel -------------------------------------------------------------------------------------------------------


def _local(name: str, taken: str) -> str:
    """Return a name for an argument or a variable that hides nothing in the file."""
    return name if name != taken else "value" if name == "pixel" else f"{name}_"


def _of_pixel(
    symbol: str, prefix: str, tensor: TensorInfo, known: Preprocessing, table: NDArray[Any], taken: str
) -> PixelCode:
    pixel, ctype = _local("pixel", taken), C_TYPES[tensor.dtype]
    head = f"static inline {ctype} {prefix}_pixel(uint8_t {pixel})"
    formula = _pixel_formula(tensor, known, table, pixel)
    if formula is not None:
        value, words = formula
        return PixelCode(words, declaration=_function(head, value))
    array = f"{symbol}_pixel_table"
    return PixelCode(
        "looked up in a table of 256 entries",
        declaration=f"extern const {ctype} {array}[256];\n\n" + _function(head, f"{array}[{pixel}]"),
        definition=f"const {ctype} {array}[256] = {{\n{_values(table)}\n}};\n",
    )


def _of_channel(
    symbol: str, prefix: str, tensor: TensorInfo, known: Preprocessing, table: NDArray[Any], taken: str
) -> PixelCode:
    """Return the function of a pixel and its channel, counted in the order in which the model takes them."""
    pixel, channel, ctype = _local("pixel", taken), _local("channel", taken), C_TYPES[tensor.dtype]
    head = f"static inline {ctype} {prefix}_pixel(uint8_t {pixel}, int {channel})"
    array, count = f"{symbol}_pixel_table[{table.shape[1]}][256]", table.shape[1]
    rows = ",\n".join(f"{{\n{_values(column)}\n}}" for column in table.T)
    order = _FIRST_CHANNEL.get(known.colours, "")
    return PixelCode(
        f"looked up in a table of 256 entries for each channel, as the model counts them ({order})",
        declaration=f"extern const {ctype} {array};\n\n" + _function(head, f"{symbol}_pixel_table[{channel}][{pixel}]"),
        definition=f"const {ctype} {symbol}_pixel_table[{count}][256] = {{\n{rows},\n}};\n",
    )


def _values(table: NDArray[Any]) -> str:
    return lines_of(float_constant(value) if isinstance(value, float) else str(value) for value in table.tolist())


def _function(head: str, value: str) -> str:
    return f"{head}\n{{\n    return {value};\n}}\n"


def _pixel_formula(tensor: TensorInfo, known: Preprocessing, table: NDArray[Any], pixel: str) -> tuple[str, str] | None:
    """Return a C expression equal to the table for every pixel, and its formula for people; None needs the table."""
    if tensor.dtype == "float32":
        # One product rounds the same everywhere; product and sum may be fused on some cores, which would differ.
        scale, offset = known.normalisation.of_channel(0)
        constant, shown = float_constant(scale), "(255 - pixel)" if known.inverted else "pixel"
        value = shown.replace("pixel", pixel)
        return (f"(float){value} * {constant}", f"x = {shown} * {constant}") if offset == 0 else None
    ctype, pixels = C_TYPES[tensor.dtype], np.arange(256)
    if known.inverted:
        sums = np.unique(table.astype(np.int64) + pixels)
        return (f"({ctype})({sums[0]} - {pixel})", f"q = {sums[0]} - pixel") if len(sums) == 1 else None
    shifts = np.unique(table.astype(np.int64) - pixels)
    if len(shifts) != 1:
        return None
    shift = int(shifts[0])
    if shift == 0:
        return (pixel if tensor.dtype == "uint8" else f"({ctype}){pixel}", "q = pixel")
    sign, size = ("-", -shift) if shift < 0 else ("+", shift)
    return f"({ctype})({pixel} {sign} {size})", f"q = pixel {sign} {size}"


# --- a picture -------------------------------------------------------------------------------------------------------


def _picture_function(prefix: str, ctype: str, known: Preprocessing, by_channel: bool, taken: str) -> str:
    """Return ``<prefix>_image``: the input's values one after the other, each from its place in the picture."""
    (height, width, channels), (rows, columns) = known.image_shape, known.input_size
    image, values, row, column, channel = (
        _local(name, taken) for name in ("image", "input", "row", "column", "channel")
    )
    place = f"{column} * {width} + {row}" if known.transposed else f"{row} * {width} + {column}"
    if channels > 1:
        place = f"({place}) * {channels} + " + (f"{channels - 1} - {channel}" if known.bgr else channel)
    value = f"{prefix}_pixel({image}[{place}]" + (f", {channel})" if by_channel else ")")
    loops = [("int32_t", row, rows), ("int32_t", column, columns), ("int", channel, channels)]
    if known.layout == "nchw":
        loops = [loops[2], *loops[:2]]
    lines = [
        f"for ({kind} {name} = 0; {name} < {size}; ++{name}) {{"
        for kind, name, size in loops
        if size > 1 or name != channel
    ]
    body = [f"*{values}++ = {value};"]
    text = "".join(f"{'    ' * depth}{line}\n" for depth, line in enumerate([*lines, *body], 1))
    text += "".join(f"{'    ' * depth}}}\n" for depth in range(len(lines), 0, -1))
    bytes_ = "1 byte each" if channels == 1 else f"{channels} bytes each, red first"
    comment = f"/* Fills the input from a picture: {height} rows of {width} pixels, upright, {bytes_}. */\n"
    return f"{comment}static inline void {prefix}_image(const uint8_t *{image}, {ctype} *{values})\n{{\n{text}}}\n"
