"""What a package's files say of the network's inputs and outputs: declared, passed, compared and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.ends import End, Ends, ends_of
from edgemnist.compiler.generate import GeneratedModel
from edgemnist.compiler.self_test import value_rows
from edgemnist.mcu.packages.base import Vector
from edgemnist.tflite.file import TensorInfo

PRINTED = 8
"""Values of an output that a main program prints, at most, where there are several inputs or outputs."""

MOST_REAL = 2_000_000
"""From here on a float is not printed in thousandths: an int32 holds no more."""

_ARRAY = """const {type} {array}[{prefix}_EXAMPLE_COUNT][{prefix}_{macro}_SIZE] = {{
{rows}
}};
"""

_PUT = """  begin_output(put, example, "{name}");
  for (int i = 0; i < {first}; ++i) put_{kind}(put, {name}[i]);
  end_output(put, {more});"""


def end_values(generated: GeneratedModel) -> Mapping[str, str]:
    """Return what stands in templates for the inputs and outputs, by placeholder."""
    name, ends = generated.name, ends_of(generated.program.graph)
    prefix = name.upper()
    both = (*ends.inputs, *ends.outputs)
    kinds = {_kind(end) for end in ends.outputs}
    return {
        "several": "1" if ends.several else "",
        "does": "runs" if ends.several else "classifies",
        "verdict": "exact" if ends.several else "right",
        "further": f"inputs with {'outputs' if ends.several else 'labels'}",
        "outputs_declared": _declared(ends.outputs, prefix),
        "both_declared_indented": _declared(both, prefix).replace("\n", "\n    "),
        "run_names": ends.names(),
        "example_call": ", ".join([*(f"{name}_example_{end.name}s[example]" for end in ends.inputs), *_names(ends)]),
        "output_names": ", ".join(_names(ends)),
        "output_parameters": ", ".join(f"const {end.ctype} {end.name}[{prefix}_{end.macro}_SIZE]"
                                       for end in ends.outputs),
        "size_keywords": _keywords(both, prefix),
        "input_bytes": _bytes(ends.inputs, prefix),
        "output_bytes": _bytes(ends.outputs, prefix),
        "input_pieces": _pieces(ends.inputs, prefix),
        "output_pieces": _pieces(ends.outputs, prefix),
        "printed_values": str(PRINTED),
        "most_real": str(MOST_REAL),
        "integers": "1" if "integer" in kinds else "",
        "reals": "1" if "real" in kinds else "",
        "put_outputs": "\n".join(
            _PUT.format(name=end.name, kind=_kind(end), first=_first(end), more=end.tensor.elements - _first(end))
            for end in ends.outputs
        ),
    }  # fmt: skip


def array_values(name: str, ends: Ends, inputs: Sequence[Vector], outputs: Sequence[Vector]) -> Mapping[str, str]:
    """Return what stands for the examples' arrays and for their comparison, by placeholder.

    ``inputs`` and ``outputs`` have one array for each input and output, an example at a time.
    """
    prefix = name.upper()
    rows = [value_rows(column) for column in (*zip(*inputs, strict=True), *zip(*outputs, strict=True))]
    entered, given = rows[: len(ends.inputs)], rows[len(ends.inputs) :]
    return {
        "example_inputs_declared": "\n".join(
            f"extern const {end.ctype} {name}_example_{end.name}s[{prefix}_EXAMPLE_COUNT][{prefix}_{end.macro}_SIZE];"
            for end in ends.inputs
        ),
        "example_inputs": "\n".join(
            _ARRAY.format(type=end.ctype, array=f"{name}_example_{end.name}s", prefix=prefix, macro=end.macro, rows=row)
            for end, row in zip(ends.inputs, entered, strict=True)
        ),
        "example_outputs": "\n".join(
            "static " + _ARRAY.format(type=end.ctype, array=f"example_{end.name}s", prefix=prefix, macro=end.macro,
                                      rows=row)
            for end, row in zip(ends.outputs, given, strict=True)
        ),
        "outputs_are_equal": " &&\n         ".join(
            f"memcmp({end.name}, example_{end.name}s[example], sizeof example_{end.name}s[example]) == 0"
            for end in ends.outputs
        ),
    }  # fmt: skip


def printed_outputs(name: str, ends: Ends, outputs: Sequence[Vector]) -> str:
    """Return what the main program of a network of several inputs or outputs prints, "..." where it says a time."""
    lines = [f"{name}: self-test passed"]
    for index, vector in enumerate(outputs):
        lines.append(f"{name}: example {index}: exact, ... us")
        for end, values in zip(ends.outputs, vector, strict=True):
            lines.append(f"{name}: example {index}: {end.name}:{_shown(values)}")
    return "\n".join([*lines, f"{name}: {len(outputs)} of {len(outputs)} exact", f"{name}: PASSED"])


def shape_text(tensor: TensorInfo) -> str:
    """Return a tensor's shape without its batch, as "28x28x1"; of one number "1"."""
    return "x".join(str(size) for size in tensor.shape[1:]) or "1"


def _shown(values: NDArray[Any]) -> str:
    flat = values.reshape(-1)
    more = flat.size - PRINTED
    first = "".join(f" {_value(one)}" for one in flat[:PRINTED])
    return first + (f" and {more} more" if more > 0 else "")


def _value(value: Any) -> str:
    """Return a value as C prints it: a float in thousandths, the rest cut off."""
    if not isinstance(value, np.floating):
        return str(int(value))
    if not abs(value) < MOST_REAL:
        return "large"
    thousandths = int(np.float32(value) * np.float32(1000))
    return f"{'-' if thousandths < 0 else ''}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03}"


def _names(ends: Ends) -> list[str]:
    return [end.name for end in ends.outputs]


def _kind(end: End) -> str:
    return "real" if end.tensor.dtype == "float32" else "integer"


def _first(end: End) -> int:
    return min(PRINTED, end.tensor.elements)


def _declared(ends: Sequence[End], prefix: str) -> str:
    return "\n".join(f"static {end.ctype} {end.name}[{prefix}_{end.macro}_SIZE];" for end in ends)


def _keywords(ends: Sequence[End], prefix: str) -> str:
    return "\n".join(f"{prefix}_{end.macro}_SIZE\tLITERAL1" for end in ends)


def _bytes(ends: Sequence[End], prefix: str) -> str:
    return " + ".join(f"{prefix}_{end.macro}_SIZE * sizeof({end.ctype})" for end in ends)


def _pieces(ends: Sequence[End], prefix: str) -> str:
    """Return the rows of an array of ``link_piece``: where in the arena each input or output lies, and its bytes."""
    return ",\n".join(
        f"    {{arena.bytes + {prefix}_{end.macro}_OFFSET, {prefix}_{end.macro}_SIZE * sizeof({end.ctype})}}"
        for end in ends
    )
