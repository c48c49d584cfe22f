"""A TFLite file as a C array: a header and a source file for firmware that runs the model with an interpreter.

Pure text in, text out; no TensorFlow. The same model, name and labels give the same bytes: no date, no path.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgemnist.csource.columns import within_columns
from edgemnist.csource.outputs import class_function, known_output
from edgemnist.csource.pixels import C_TYPES, PixelCode, image_axes, pixel_code
from edgemnist.csource.source import (
    check_identifier,
    check_variable,
    comment_text,
    float_constant,
    lines_of,
    string_literal,
)
from edgemnist.support.choices import unknown
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.preprocessing import Preprocessing, class_count

DEFAULT_NAME = "g_model"
STYLES = ("default", "tflm")

_BYTES_PER_LINE = 12
_HEX = tuple(f"0x{byte:02x}," for byte in range(256))


@dataclass(frozen=True)
class ArrayNames:
    """Every name that the two files declare, made from the array's name and the file's stem."""

    array: str
    length: str
    length_type: str
    symbol: str
    macro: str
    guard: str
    header: str
    source: str


def generate(
    model: TfliteModel,
    *,
    name: str = DEFAULT_NAME,
    style: str = "default",
    preprocessing: Preprocessing | None = None,
    stem: str = "model",
) -> dict[str, str]:
    """Return the header and the source file by file name.

    Style ``default``: ``<stem>.h`` and ``<stem>.c`` (C99 and C++) with ``extern const unsigned char <name>[]`` and
    ``extern const int <name>_len``. Style ``tflm``: ``<stem>_data.h`` and ``<stem>_data.cc`` (C++11 and later) with
    ``<name>_data`` and ``<name>_data_size``, as TensorFlow Lite Micro's examples name them.

    ``preprocessing`` is what the model was trained with; None names no classes and takes the normalisation that the
    input's integers were made for, and writes no pixel quantiser where it has none.

    :raises InputError: the name or a label cannot stand in C, or the style is unknown.
    :raises ModelError: the number of labels is not the model's number of classes.
    """
    names = array_names(name, style, stem)
    labels = preprocessing.class_names if preprocessing else ()
    _check_labels(model, labels)
    pixels = pixel_code(names.symbol, model, preprocessing, taken=names.array)
    return {
        names.header: within_columns(_header(model, names, preprocessing, pixels)),
        names.source: within_columns(_source(model, names, style, labels, pixels)),
    }


def left_out(model: TfliteModel, preprocessing: Preprocessing | None) -> list[str]:
    """Return what :func:`generate` leaves out of the files of a model, and why, in words."""
    pixels = pixel_code(DEFAULT_NAME, model, preprocessing)
    missing = [] if pixels.declaration else [pixels.summary]
    if len(model.outputs) != 1:
        missing.append(f"no class names: the model has {len(model.outputs)} outputs, and classes are of one")
    elif not (preprocessing and preprocessing.class_names):
        missing.append("no class names: none are known; name them with --classes")
    return missing


def array_names(name: str, style: str, stem: str) -> ArrayNames:
    """Return the names for a C array; parameters and errors as for :func:`generate`."""
    if style not in STYLES:
        raise unknown("C array style", style, STYLES)
    check_identifier(name)
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", stem).lstrip(".-") or "model"
    tflm = style == "tflm"
    array = name if not tflm or name.endswith("_data") else f"{name}_data"
    stem += "_data" if tflm and not stem.endswith("_data") else ""
    return ArrayNames(
        array=check_variable(array),
        length=f"{array}_size" if tflm else f"{array}_len",
        length_type="unsigned int" if tflm else "int",
        symbol=name,
        macro=name.upper(),
        guard=re.sub(r"_+", "_", re.sub(r"\W", "_", f"{name}_{stem}_h")).upper(),
        header=f"{stem}.h",
        source=f"{stem}.cc" if tflm else f"{stem}.c",
    )


def _check_labels(model: TfliteModel, labels: Sequence[str]) -> None:
    if not labels:
        return
    classes = _classes(model, labels)
    if classes is None or classes != len(labels):
        raise ModelError(
            f"{len(labels)} labels for a model with {'no single' if classes is None else classes} class output; "
            "give one label for each class"
        )


def _classes(model: TfliteModel, labels: Sequence[str]) -> int | None:
    """Return how many classes there are; that one output tells two apart is only said where they have names."""
    if len(model.outputs) != 1:
        return None
    output = model.output()
    if labels and output.elements == 1:
        return class_count(output.elements)
    return output.shape[-1] if output.shape else None


# --- the two files -------------------------------------------------------------------------------------------------


def _header(model: TfliteModel, names: ArrayNames, known: Preprocessing | None, pixels: PixelCode) -> str:
    labels = known.class_names if known else ()
    parts = [
        _banner(model, names, pixels),
        f"#ifndef {names.guard}\n#define {names.guard}\n\n#include <stdint.h>\n",
        *_tensor_constants(model, names, labels, image_axes(known is not None and known.layout == "nchw")),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        f"/* The TFLite file, {model.size} bytes, aligned to 16. */\n"
        f"extern const unsigned char {names.array}[];\nextern const {names.length_type} {names.length};\n",
    ]
    if labels:
        parts.append(
            f"/* Class names in label order, UTF-8. */\n"
            f"extern const char *const {names.symbol}_labels[{names.macro}_CLASSES];\n"
        )
    if known and len(model.outputs) == 1:
        kind = known_output(model, known)
        parts += filter(None, [class_function(names.symbol, model.output(), kind, labels, taken=names.array)])
    if pixels.declaration:
        parts.append(f"/* What the input holds for a pixel: {pixels.summary}. */\n{pixels.declaration}")
    parts.append(f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {names.guard} */\n")
    return "\n".join(parts)


def _banner(model: TfliteModel, names: ArrayNames, pixels: PixelCode) -> str:
    kinds = Counter(f"{operator.kind} v{operator.version}" for operator in model.operators)
    operators = [comment_text(kind) + (f" x{count}" if count > 1 else "") for kind, count in kinds.items()]
    rows = [
        ("file", f"{model.size} bytes, SHA-256 {model.sha256}"),
        *(("input", _tensor_words(model.tensors[index])) for index in model.inputs),
        *(("output", _tensor_words(model.tensors[index])) for index in model.outputs),
        ("pixels", pixels.summary),
    ]
    body = "".join(f" *   {key:<10}{value}\n" for key, value in rows)
    margin = " *             "
    listed = lines_of(operators or ["none"], indent=margin).removesuffix(",").replace(margin, " *   operators ", 1)
    return (
        f"/*\n * {names.header}: a TFLite model as a C array, made by `edgemnist convert`; do not edit.\n *\n"
        f"{body}{listed}\n */\n"
    )


def _tensor_words(tensor: TensorInfo) -> str:
    words = f"{comment_text(tensor.dtype)} [{', '.join(map(str, tensor.shape))}]"
    if tensor.quantisation is None or tensor.quantisation.per_channel:
        return words
    zero_point = tensor.quantisation.zero_point
    shift = "q" if zero_point == 0 else f"(q {'+' if zero_point < 0 else '-'} {abs(zero_point)})"
    return f"{words}, real = {tensor.quantisation.scale:.9g} * {shift}"


def _tensor_constants(
    model: TfliteModel, names: ArrayNames, labels: Sequence[str], input_axes: tuple[str, ...]
) -> list[str]:
    parts = []
    for role, indices in (("INPUT", model.inputs), ("OUTPUT", model.outputs)):
        for position, index in enumerate(indices):
            suffix = f"{role}_{position}" if len(indices) > 1 else role
            parts.append(_constants(model.tensors[index], names, suffix, input_axes))
    classes = _classes(model, labels)
    if classes is not None:
        parts.append(f"#define {names.macro}_CLASSES {classes}\n")
    return parts


def _constants(tensor: TensorInfo, names: ArrayNames, suffix: str, input_axes: tuple[str, ...]) -> str:
    prefix = f"{names.macro}_{suffix}"
    rows = {"RANK": str(len(tensor.shape))}
    if tensor.shape:
        rows["SHAPE"] = "{ " + ", ".join(map(str, tensor.shape)) + " }"
    if suffix.startswith("INPUT") and len(tensor.shape) == 4:
        rows.update(zip(input_axes, map(str, tensor.shape[1:]), strict=True))
    rows.update(ELEMENTS=str(tensor.elements), BYTES=str(tensor.bytes), DTYPE=string_literal(tensor.dtype))
    if tensor.quantisation is not None and not tensor.quantisation.per_channel:
        rows["SCALE"] = float_constant(tensor.quantisation.scale)
        rows["ZERO_POINT"] = f"({tensor.quantisation.zero_point})"
    text = "".join(f"#define {prefix}_{key} {value}\n" for key, value in rows.items())
    if tensor.dtype in C_TYPES:
        text += f"typedef {C_TYPES[tensor.dtype]} {names.symbol}_{suffix.lower()}_t;\n"
    return text


def _source(model: TfliteModel, names: ArrayNames, style: str, labels: Sequence[str], pixels: PixelCode) -> str:
    align = "alignas(16)" if style == "tflm" else f"{names.macro}_ALIGN16"
    parts = [
        f"/* {names.source}: a TFLite model as a C array, made by `edgemnist convert`; do not edit.\n"
        f" * SHA-256 of the file: {model.sha256}\n */\n",
        f'#include "{names.header}"\n',
    ]
    if style == "default":
        parts += [_alignment_macro(align), *_int_width_check(model.size)]
    parts += [
        f"{align} const unsigned char {names.array}[] = {{\n{_array_body(model.content)}\n}};\n",
        f"const {names.length_type} {names.length} = {model.size};\n",
    ]
    if labels:
        literals = ",\n".join(f"    {string_literal(label)}" for label in labels)
        parts.append(f"const char *const {names.symbol}_labels[{names.macro}_CLASSES] = {{\n{literals},\n}};\n")
    if pixels.definition:
        parts.append(pixels.definition)
    return "\n".join(parts)


def _alignment_macro(macro: str) -> str:
    choices = (
        ("#if defined(__cplusplus) && __cplusplus >= 201103L", "alignas(16)"),
        ("#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L", "_Alignas(16)"),
        ("#elif defined(__GNUC__) || defined(__clang__) || defined(__CC_ARM)", "__attribute__((aligned(16)))"),
        ("#elif defined(__ICCARM__)", '_Pragma("data_alignment=16")'),
        ("#elif defined(_MSC_VER)", "__declspec(align(16))"),
    )
    body = "".join(f"{test}\n#define {macro} {keyword}\n" for test, keyword in choices)
    return (
        "/* An interpreter reads the file in place, so it is aligned; define this for a compiler not listed. */\n"
        f'#ifndef {macro}\n{body}#else\n#error "define {macro} as this compiler\'s 16-byte alignment"\n#endif\n#endif\n'
    )


def _int_width_check(size: int) -> list[str]:
    """Refuse compilers whose int is too narrow for the length; 32767 is what C99 promises."""
    if size <= 32767:
        return []
    return [f'#include <limits.h>\n#if INT_MAX < {size}\n#error "int is too narrow for the array\'s length"\n#endif\n']


def _array_body(content: bytes) -> str:
    rows = (content[start : start + _BYTES_PER_LINE] for start in range(0, len(content), _BYTES_PER_LINE))
    return "\n".join("    " + " ".join(_HEX[byte] for byte in row) for row in rows)
