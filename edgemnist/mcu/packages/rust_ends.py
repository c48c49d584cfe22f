"""What a Rust crate's files say of the network's inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from edgemnist.compiler.ends import End, Ends, ends_of
from edgemnist.compiler.self_test import value_rows
from edgemnist.mcu.packages.base import Package
from edgemnist.mcu.packages.end_texts import shape_text
from edgemnist.tflite.pixels import INTEGER_TYPES

RUST_TYPES = {"int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "int32_t": "i32", "float": "f32"}


def rust_type(end: End) -> str:
    """Return the type of an input's or output's elements."""
    return RUST_TYPES[end.ctype]


def rust_name(end: End) -> str:
    """Return the name of an input's or output's own type: ``Input``, or ``Input0`` where there are several."""
    return end.name.replace("_", "").capitalize()


def zero(end: End) -> str:
    """Return the literal of a zero."""
    return "0.0" if rust_type(end) == "f32" else "0"


def rust_end_values(package: Package) -> Mapping[str, str]:
    """Return what stands in the crate's templates for the inputs and outputs, by placeholder."""
    name, ends = package.name, ends_of(package.generated.program.graph)
    return {
        "sizes": "\n".join(_sizes(ends)),
        "types": "\n".join(_types(ends)),
        "constants": "".join(_scales(ends)),
        **_of_the_wrapper(ends),
        **_of_the_glue(ends, package.name.upper()),
        **_of_the_examples(package, ends),
        "outputs_made": "\n".join(_made(name, ends)),
        "outputs_made_commented": "\n".join(f"//! {line}" for line in _made(name, ends)),
        "outputs_made_indented": "\n".join(f"    {line}" for line in _made(name, ends)),
        "zero_arguments": _arguments(ends, [f"&[{zero(end)}; {name}::{end.macro}_SIZE]" for end in ends.inputs]),
    }


def _said(end: End) -> str:
    """Return an input or output as a sentence has it: "the input", or "`input_0`" where there are several."""
    return f"`{end.name}`" if "_" in end.name else f"the {end.name}"


def _sizes(ends: Ends) -> Iterator[str]:
    for end in (*ends.inputs, *ends.outputs):
        shape = f": {shape_text(end.tensor)}" if end in ends.inputs or ends.several else ""
        yield f"/// Elements of {_said(end)}{shape}.\npub const {end.macro}_SIZE: usize = {end.tensor.elements};"


def _types(ends: Ends) -> Iterator[str]:
    for some, what in ((ends.inputs, "An input, as the network takes it."),
                       (ends.outputs, "An output, as the network gives it.")):  # fmt: skip
        for end in some:
            yield f"/// {what}\npub type {rust_name(end)} = [{rust_type(end)}; {end.macro}_SIZE];"


def _scales(ends: Ends) -> Iterator[str]:
    for end in (*ends.inputs, *ends.outputs):
        quantisation = end.tensor.quantisation
        if end.tensor.dtype in INTEGER_TYPES and quantisation is not None:
            yield f"/// What a step of {_said(end)}'s integers stands for.\n"
            yield f"pub const {end.macro}_SCALE: f32 = {quantisation.scale:.9e};\n"
            yield f"/// The integer of {_said(end)} that stands for zero.\n"
            yield f"pub const {end.macro}_ZERO_POINT: i32 = {quantisation.zero_point};\n"


def _of_the_wrapper(ends: Ends) -> dict[str, str]:
    inside, outside = " " * 16, " " * 12
    pointers = [f"{end.name}.as_ptr()," for end in ends.inputs] + [f"{end.name}.as_mut_ptr()," for end in ends.outputs]
    foreign = [f"{end.name}: *const {rust_type(end)}," for end in ends.inputs]
    foreign += [f"{end.name}: *mut {rust_type(end)}," for end in ends.outputs]
    taken = [f"{end.name}: &{rust_name(end)}," for end in ends.inputs]
    taken += [f"{end.name}: &mut {rust_name(end)}," for end in ends.outputs]
    return {
        "parameters": "\n".join(f"        {line}" for line in taken),
        "pointers": "\n".join(inside + line for line in pointers),
        "foreign_ends": "\n".join(outside + line for line in foreign),
    }


def _of_the_glue(ends: Ends, prefix: str) -> dict[str, str]:
    taken = [f"const {end.ctype} *{end.name}" for end in ends.inputs]
    given = [f"{end.ctype} *{end.name}" for end in ends.outputs]

    def copied(end: End, places: str) -> str:
        return f"  memcpy({places}, sizeof({end.ctype}) * {prefix}_{end.macro}_SIZE);"

    return {
        "c_parameters": ", ".join([*taken, *given]),
        "copied_in": "\n".join(copied(end, f"arena + {prefix}_{end.macro}_OFFSET, {end.name}") for end in ends.inputs),
        "copied_out": "\n".join(
            copied(end, f"{end.name}, arena + {prefix}_{end.macro}_OFFSET") for end in ends.outputs
        ),
    }


def _of_the_examples(package: Package, ends: Ends) -> dict[str, str]:
    vectors = package.examples
    columns = [*zip(*vectors.inputs, strict=True), *zip(*vectors.outputs, strict=True)]
    both = (*ends.inputs, *ends.outputs)
    arrays = [
        f"pub const {end.macro}S: [{rust_name(end)}; {vectors.count}] = [\n{_rows(value_rows(column))}\n];"
        for end, column in zip(both, columns, strict=True)
    ]
    shown = {"f32": "real(*one)"}
    return {
        "type_names": ", ".join(map(rust_name, both)),
        "expected_arrays": "\n\n".join(arrays),
        "example_arguments": _arguments(ends, [f"&{end.macro}S[example]" for end in ends.inputs]),
        "example_arguments_of_main": _arguments(ends, [f"&expected::{end.macro}S[example]" for end in ends.inputs]),
        "outputs_are_right": _right(ends, ""),
        "outputs_are_right_in_main": _right(ends, "expected::"),
        "outputs_printed": "\n".join(
            f'        print_output(example, "{end.name}", {end.name}.iter().map(|one| '
            f"{shown.get(rust_type(end), 'one.to_string()')}));"
            for end in ends.outputs
        ),
    }


def _arguments(ends: Ends, inputs: Sequence[str]) -> str:
    return ", ".join([*inputs, *(f"&mut {end.name}" for end in ends.outputs)])


def _right(ends: Ends, where: str) -> str:
    return " && ".join(f"{end.name} == {where}{end.macro}S[example]" for end in ends.outputs)


def _made(name: str, ends: Ends) -> list[str]:
    return [f"let mut {end.name} = [{zero(end)}; {name}::{end.macro}_SIZE];" for end in ends.outputs]


def _rows(c_rows: str) -> str:
    """Return the rows of a C array as those of a Rust array."""
    return re.sub(r"(?<=\d)f\b", "", c_rows).replace("{", "[").replace("}", "]")
