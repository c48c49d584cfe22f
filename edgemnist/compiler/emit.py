"""Program + Plan -> C99 files: lays out calls and constants; holds no arithmetic of its own. Deterministic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.compiler import run_text, tensor_dump
from edgemnist.compiler.bands.text import step_function, varies
from edgemnist.compiler.channels.report import summary
from edgemnist.compiler.claims import ZERO_POINTS
from edgemnist.compiler.constants_text import array_text, field_text, struct_text
from edgemnist.compiler.ends import ends_of, typed, value_functions
from edgemnist.compiler.graph import Graph, type_of
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.ops.base import quantisation_of
from edgemnist.compiler.ops.fields import CArray, in_memory, wide_sizes
from edgemnist.compiler.placement import Placement, attribute_lines, macro
from edgemnist.compiler.targets import TARGETS
from edgemnist.csource.columns import within_columns
from edgemnist.csource.pixels import IMAGE_AXES, PixelCode, image_axes
from edgemnist.csource.source import comment_text, float_constant, string_literal
from edgemnist.support.resources import firmware_folder
from edgemnist.tflite.file import TensorInfo


@dataclass(frozen=True, kw_only=True)
class EmitSettings:
    """``name`` prefixes every C name and file; ``command`` stands in the header; ``labels`` are in class order.

    ``pixels`` is the C function that turns a pixel into an input value, where the normalisation is known;
    ``class_function`` the one that tells two classes by one output. ``channels_first``: the input is an image so laid.
    ``with_dump``: the C can print its tensors. ``self_test``: where the self-test is, "" where there is none.
    ``placement``: the memories that all is in, None where the compiler chooses.
    """

    name: str
    command: str
    labels: tuple[str, ...] = ()
    pixels: PixelCode = field(default_factory=lambda: PixelCode("no pixel quantiser"))
    class_function: str = ""
    channels_first: bool = False
    with_dump: bool = False
    self_test: str = ""
    placement: Placement | None = None

    def memory_of(self, step: int, array: CArray) -> str:
        """Return the macro that places a step's array in a memory, "" where the compiler does."""
        memory = self.placement.of_constant(step, array.suffix) if self.placement else ""
        return macro(self.name, memory, constant=True) if memory else ""

    @property
    def memory_of_arena(self) -> str:
        """The same for arena and state."""
        return macro(self.name, self.placement.arena, constant=False) if self.placement else ""


def emit(program: Program, plan: Plan, settings: EmitSettings) -> dict[str, str]:
    """Return the generated files by name: ``NAME.h``, ``NAME.c`` and the kernels that they include."""
    return {
        f"{settings.name}.h": header_text(program, plan, settings, layout_macros(program, plan, settings)),
        f"{settings.name}.c": source_text(program, program_text(program, plan, settings), settings),
        **kernels_of(program),
    }


def with_dump(files: Mapping[str, str], printing: str, name: str) -> dict[str, str]:
    """Return generated files with what prints the tensors, which ``NAME.c`` includes."""
    source, part = f"{name}.c", f"{name}_dump.inc"
    added = {source: files[source] + f'\n#include "{part}"\n', part: printing}
    return {**files, **added, **kernel_files([tensor_dump.HEADER])}


def kernels_of(program: Program) -> dict[str, str]:
    """Return the kernel headers that a program includes, by file name."""
    return kernel_files([*step_headers(program), *program.settings.bodies.bodies.values()])


def step_headers(program: Program) -> list[str]:
    """Return the kernel headers that the steps call, sorted."""
    return sorted({step.header for step in program.steps} | {"em_common.h"})


def arena_bytes(plan: Plan) -> int:
    """Return ``NAME_ARENA_SIZE``: the arena's size, at least 1 because C has no empty arrays."""
    return max(plan.size, 1)


def constants(program: Program, settings: EmitSettings) -> dict[str, bytes]:
    """Return each constant array's content by its C name, as it lies in a little-endian memory."""
    return {
        _array_name(settings, index, array.suffix): in_memory(array)
        for index in range(len(program.steps))
        for array in program.arrays_of(index)
    }


def kernels_folder() -> Path:
    """Return the folder of the kernels."""
    return firmware_folder() / "kernels"


def kernel_files(headers: Iterable[str]) -> dict[str, str]:
    """Return the named kernel headers and all that they include, by file name."""
    found: dict[str, str] = {}
    pending = list(headers)
    while pending:
        header = pending.pop()
        if header not in found:
            found[header] = (kernels_folder() / header).read_text(encoding="utf-8")
            pending += re.findall(r'#include "(em_\w+\.h)"', found[header])
    return dict(sorted(found.items()))


def _provenance(program: Program, plan: Plan, settings: EmitSettings, note: str) -> str:
    lines = [
        f"{settings.name}: {_numbers(program)} network as C99, without interpreter, heap or library.",
        f"Made by: {comment_text(settings.command)}",
        f"Source: TFLite file with SHA-256 {program.graph.source_sha256}{_further(program)}",
        f"Arena {plan.size} bytes ({run_text.included(program)} included); the largest tensor alone has "
        f"{plan.largest_tensor}, the largest live set without overlaps {plan.largest_live_set}.{note}",
        f"Constants {program.constant_bytes} bytes, {program.macs} multiply-accumulates per inference.",
        "",
        "   step  operator                                  output         constants      MACs",
    ]
    for index, step in enumerate(program.steps):
        shape = "x".join(str(size) for size in program.graph.tensors[step.outputs[0]].shape[1:])
        name = step.node.label.split(" ", 2)[2]
        lines.append(f"   {index:4}  {name:40}  {shape:12} {program.constant_bytes_of(index):11} {step.macs:9}")
    lines += ["", *_bands_comment(program)] if program.bands else []
    found = program.graph.left_out
    lines += ["", f"{summary(found).capitalize()}:"] if found else []
    lines += [
        f"   {layer.layer}: {layer.constant} constant, {layer.unread} unread of {layer.channels}" for layer in found
    ]
    sparse = [(index, step.sparsity) for index, step in enumerate(program.steps) if step.sparsity is not None]
    lines += ["", "Weights of zero are left out:"] if sparse else []
    lines += [f"   step {index}: {sparsity.summary}" for index, sparsity in sparse]
    return "/* " + "\n * ".join(lines).replace(" * \n", " *\n") + "\n */\n"


def _bands_comment(program: Program) -> list[str]:
    bands = program.bands
    assert bands is not None, "no bands in this program"
    return [
        f"Steps 0 to {bands.steps - 1} run by bands: {bands.summary}.",
        *(
            f"   step {index}: {buffer.rows} of {buffer.height} rows are there at once"
            for index, step in enumerate(program.steps[: bands.steps])
            if (buffer := bands.buffers.get(step.outputs[0])) is not None
        ),
    ]


def _further(program: Program) -> str:
    further = program.graph.further
    return f", its first graph of {further + 1}: the others are not in here" if further else ""


def _end_macros(prefix: str, graph: Graph, settings: EmitSettings) -> list[str]:
    """Return the macros of all inputs and outputs; of several, a comment says which tensor of the file each is."""
    ends = ends_of(graph)
    if not ends.several:
        axes = image_axes(settings.channels_first)
        entry, result = ends.inputs[0], ends.outputs[0]
        return [
            *_tensor_macros(prefix, entry.macro, entry.tensor, axes),
            *_tensor_macros(prefix, result.macro, result.tensor),
        ]
    lines = [f"#define {prefix}_INPUTS {len(ends.inputs)}", f"#define {prefix}_OUTPUTS {len(ends.outputs)}"]
    for end in (*ends.inputs, *ends.outputs):
        lines.append(f"/* {end.name}: {comment_text(graph.called(end.index))}, {end.ctype} */")
        lines += _tensor_macros(prefix, end.macro, end.tensor)
    return lines


def _numbers(program: Program) -> str:
    types = {type_of(step.node.kind) for step in program.steps}
    only = types.pop() if len(types) == 1 else next((one for one in ("float32", "int16") if one in types), "int8")
    return f"{'an' if only.startswith('i') else 'a'} {only}"


def _tensor_macros(prefix: str, what: str, tensor: TensorInfo, image_axes: tuple[str, ...] = IMAGE_AXES) -> list[str]:
    names = {4: image_axes, 3: ("LENGTH", "CHANNELS"), 2: ("CHANNELS",)}.get(len(tensor.shape), ())
    lines = [f"#define {prefix}_{what}_SIZE {tensor.elements}"]
    lines += [f"#define {prefix}_{what}_{axis} {size}" for axis, size in zip(names, tensor.shape[1:], strict=False)]
    if tensor.dtype in ZERO_POINTS:
        quantisation = quantisation_of(tensor)
        lines.append(f"#define {prefix}_{what}_SCALE {float_constant(quantisation.scale)}")
        lines.append(f"#define {prefix}_{what}_ZERO_POINT ({quantisation.zero_point})")
    return lines


def layout_macros(program: Program, plan: Plan, settings: EmitSettings) -> list[str]:
    """Return the lines that tell how large the arena is and where inputs and outputs lie in it."""
    graph, prefix = program.graph, settings.name.upper()
    ends = ends_of(graph)
    return [
        f"#define {prefix}_ARENA_SIZE {arena_bytes(plan)}",
        *(
            f"#define {prefix}_{end.macro}_OFFSET {plan.tensor_offset(graph.root(end.index))}"
            for end in (*(() if program.settings.input_apart else ends.inputs), *ends.outputs)
        ),
    ]


def header_text(program: Program, plan: Plan, settings: EmitSettings, layout: Sequence[str], note: str = "") -> str:
    """Return ``NAME.h``; ``layout`` are the lines of :func:`layout_macros`, or what chooses among several.

    ``note`` follows what the head says of the arena.
    """
    prefix = settings.name.upper()
    lines = [
        _provenance(program, plan, settings, note) + f"#ifndef {prefix}_H",
        f"#define {prefix}_H",
        "",
        "#include <stdint.h>",
        "",
        *(attribute_lines(settings.name, settings.placement) if settings.placement else []),
        *layout,
        *_end_macros(prefix, program.graph, settings),
        *run_text.state_macros(program, settings.name),
        f"#define {prefix}_STEPS {len(program.steps)}",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *run_text.declarations(program, settings.name),
        *_label_declaration(settings),
        *(["", *settings.class_function.splitlines()] if settings.class_function else []),
        *value_functions(ends_of(program.graph), settings.name),
        "",
        f"/* {settings.pixels.summary} */",
        *settings.pixels.declaration.splitlines(),
        "",
        *_trace_declaration(program, settings),
        *_self_test_declaration(settings),
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
    ]
    return within_columns("\n".join(lines) + "\n")


def _trace_declaration(program: Program, settings: EmitSettings) -> list[str]:
    prefix = settings.name.upper()
    trace = f"void {settings.name}_trace(int step, const void *data, unsigned long bytes);"
    if settings.with_dump:
        return [*tensor_dump.declaration(settings.name, program.graph), f"#define {prefix}_TRACE 1", trace]
    return [
        "/* With this macro defined, the caller provides a function that gets each step's output when it is",
        " * there" + (", without the channels that are left out. */" if program.graph.kept else ". */"),
        f"#ifdef {prefix}_TRACE",
        trace,
        "#endif",
    ]


def _self_test_declaration(settings: EmitSettings) -> list[str]:
    if not settings.self_test:
        return []
    return ["", f"/* Returns 0 where this compiler, core and memory give the right bytes. {settings.self_test} */",
            f"int {settings.name}_self_test(void);"]  # fmt: skip


def _label_declaration(settings: EmitSettings) -> list[str]:
    if not settings.labels:
        return []
    return ["", "/* Class names in the order of the output. */",
            f"extern const char *const {settings.name}_labels[{len(settings.labels)}];"]  # fmt: skip


def _label_definition(settings: EmitSettings) -> list[str]:
    if not settings.labels:
        return []
    quoted = ", ".join(string_literal(label) for label in settings.labels)
    return ["", f"const char *const {settings.name}_labels[{len(settings.labels)}] = {{{quoted}}};"]


def bodies_lines(program: Program) -> list[str]:
    """Return the lines that choose the target's bodies, or refuse to where another network has chosen others."""
    bodies = program.settings.bodies.bodies
    first = next(target.name for target in TARGETS.values() if target.bodies == bodies)
    chosen = f"EM_BODIES_{first.replace('-', '_')}".upper()
    return [
        f"#if defined(EM_COMMON_H) && !defined({chosen})",
        "#error \"another core's network is before this one: compile each network's C file by itself\"",
        "#endif",
        f"#define {chosen}",
        *_sizes(program),
        *(f'#define {macro} "{header}"' for macro, header in bodies.items()),
    ]


def _sizes(program: Program) -> list[str]:
    """Return the lines that ask for wide sizes, nothing where 16 bits hold them all."""
    if not any(wide_sizes(step.parameters) for step in program.steps):
        return []
    return [
        "#ifndef EM_WIDE_SIZES",
        "#ifdef EM_COMMON_H",
        '#error "a network with smaller sizes is before this one: put it behind"',
        "#endif",
        "#define EM_WIDE_SIZES",
        "#endif",
    ]


def source_text(program: Program, text: str, settings: EmitSettings) -> str:
    """Return ``NAME.c``: a program's text behind what it needs."""
    name = settings.name
    includes = [f'#include "{header}"' for header in step_headers(program)]
    before = [f'/* See {name}.h. */\n#include "{name}.h"\n', *bodies_lines(program), *includes]
    return within_columns("\n".join(before)) + f"\n{text}\n"


def program_text(program: Program, plan: Plan, settings: EmitSettings) -> str:
    """Return what of ``NAME.c`` follows the kernels: constants, steps and the functions that run them."""
    constants = [constants_text(program, settings, index) for index in range(len(program.steps))]
    parts = [_run_functions(program, plan, settings), *_label_definition(settings), settings.pixels.definition]
    return "\n".join([*constants, within_columns("\n".join(parts))])


def constants_text(program: Program, settings: EmitSettings, index: int) -> str:
    """Return the arrays and the parameters of the step with that index, as C: these once for each kind of band."""
    step, bands, arrays = program.steps[index], program.bands, program.arrays_of(index)
    layer = comment_text(program.graph.called(step.outputs[0]))
    text = [within_columns(f"\n/* Step {index}: {step.node.label}{f', {layer}' if layer else ''} */")]
    text += [
        array_text(_array_name(settings, index, one.suffix), one, settings.memory_of(index, one)) for one in arrays
    ]
    declared = f"static const {step.struct_type} {settings.name}_params_{index}"
    if bands is not None and index < bands.steps and varies(bands, index):
        sets = [f"{{{', '.join(field_text(field) for field in fields)}}}" for fields in bands.variants[index]]
        text.append(struct_text(f"{declared}[{len(sets)}]", sets))
    elif step.struct_type:
        text.append(struct_text(declared, (field_text(field) for field in step.parameters)))
    return "\n".join(text)


def _array_name(settings: EmitSettings, index: int, suffix: str) -> str:
    return f"{settings.name}_{suffix}_{index}"


def _run_functions(program: Program, plan: Plan, settings: EmitSettings) -> str:
    lines: list[str] = []
    for index in range(len(program.steps)):
        banded = program.bands is not None and index < program.bands.steps
        lines += ["", *(_step_of_bands if banded else _step)(program, plan, settings, index)]
    return "\n".join([*lines, *run_text.definitions(program, plan, settings.name, settings.memory_of_arena)])


def _step(program: Program, plan: Plan, settings: EmitSettings, index: int) -> list[str]:
    step, tensors = program.steps[index], program.graph.tensors

    def pointer(tensor: int, const: str) -> str:
        place = run_text.place_of(program, plan, tensor)
        whole = typed(place, tensors[tensor].dtype, const, as_bytes=step.as_bytes)
        return whole if step.images == 1 else f"{whole} + image * {step.image_size(tensors[tensor])}"

    parameters = [f"&{settings.name}_params_{index}"] if step.struct_type else []
    constants = _constant_arguments(program, plan, settings, index)
    inputs = [pointer(tensor, "") for tensor in step.states] + [pointer(tensor, "const ") for tensor in step.inputs]
    pointers, arguments = run_text.in_array(step, constants, inputs, [pointer(one, "") for one in step.outputs])
    names = run_text.step_arguments(program, step)
    taken = ["int8_t *arena", *(f"{'' if name == 'state' else 'const '}int8_t *{name}" for name in names)]
    return [
        f"EM_STEP void {settings.name}_step_{index}({', '.join(taken)})",
        "{",
        *pointers,
        f"  {step.each_image}{step.function}({', '.join([*parameters, *arguments])});",
        "}",
    ]


def _step_of_bands(program: Program, plan: Plan, settings: EmitSettings, index: int) -> list[str]:
    step = program.steps[index]
    assert program.bands is not None, "no bands in this program"
    arguments = _constant_arguments(program, plan, settings, index)
    return step_function(program.bands, settings.name, index, step, arguments, program.graph)


def _constant_arguments(program: Program, plan: Plan, settings: EmitSettings, index: int) -> list[str]:
    """Return what a kernel takes between its parameters and the tensors: constants and scratch."""
    step = program.steps[index]
    arguments = [_array_name(settings, *program.stored_at(index, array.suffix)) for array in step.arrays]
    if step.scratch or step.takes_scratch:
        arguments.append(f"arena + {plan.scratch_offset(index)}" if step.scratch else "arena")
    return arguments
