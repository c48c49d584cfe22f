"""A :class:`~edgemnist.compiler.written.WrittenCode` as a table for people."""

from __future__ import annotations

from edgemnist.compiler.channels.report import summary
from edgemnist.compiler.dump import Dump
from edgemnist.compiler.graph import type_of
from edgemnist.compiler.host_cpu import bodies_here
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.ops import WITHOUT_TFLM
from edgemnist.compiler.ops.moving import copied_as_they_are
from edgemnist.compiler.ops.operands import same_quantisation
from edgemnist.compiler.run_text import included, state_bytes
from edgemnist.compiler.self_test import no_self_test
from edgemnist.compiler.written import WrittenCode
from edgemnist.support.tables import Column, numbers, print_lines, print_table, print_text


def show_dump(dump: Dump) -> None:
    """Print a dump as it is, lines of any length."""
    print_lines([dump.as_text().removesuffix("\n")])


def show(result: WrittenCode, *, host: bool = False) -> None:
    """Print the steps, the memory figures beside each other, and the files; with ``host`` what this machine got."""
    program = result.generated.program
    columns = [Column("step"), Column("operator"), Column("kernel", rank=2)]
    rows = [
        (str(index), step.node.label.split(" ", 2)[2], step.function,
         f"{step.macs:,}", f"{program.constant_bytes_of(index):,} B", f"{step.scratch:,} B")
        for index, step in enumerate(program.steps)
    ]  # fmt: skip
    print_table([*columns, *numbers("MACs", "constants"), *numbers("scratch", rank=1)], rows)
    print_text("")
    print_text(*_left_out(result))
    print_text(*_sparse_layers(result), *_choices(result))
    if host:
        print_text(_host_line(result.generated.program.settings.target))
    print_text(*_figures(result))


def _left_out(result: WrittenCode) -> list[str]:
    line = summary(result.generated.program.graph.left_out)
    return [line, ""] if line else []


def _host_line(target: str) -> str:
    flags = next((body.flags for body in bodies_here() if body.target == target), ())
    return f"target host           {target}{', to be compiled with ' + ' '.join(flags) if flags else ''}"


def _sparse_layers(result: WrittenCode) -> list[str]:
    steps = result.generated.program.steps
    found = [(index, step.sparsity) for index, step in enumerate(steps) if step.sparsity is not None]
    lines = [f"step {index} sparse: {sparsity.summary}" for index, sparsity in found]
    return [*lines, ""] if lines else []


def _choices(result: WrittenCode) -> list[str]:
    """Return what the layers' ways were compared by, and beside each chosen one the best one of another kernel."""
    program = result.generated.program
    lines = []
    for index, step in enumerate(program.steps):
        chosen = step.chosen
        others = [one for one in step.candidates if one.function != step.function and one.instructions is not None]
        if chosen and chosen.instructions is not None and others:
            next_best = min(others, key=lambda one: one.instructions or 0.0)
            lines.append(
                f"step {index}: {chosen.name}, {chosen.instructions:,.0f} instructions; {next_best.name}: "
                f"{next_best.why_not(chosen)}"
            )
    return [f"instructions {program.instructions_from}:", *lines, ""] if lines else []


def _figures(result: WrittenCode) -> list[str]:
    plan, program = result.generated.plan, result.generated.program
    further, state, placement = program.graph.further, state_bytes(program), result.generated.placement
    return [
        *_unread(program),
        *_unscaled(program),
        *([f"graphs                the first of {further + 1}; the others are not compiled"] if further else []),
        f"arena                 {plan.size:,} B, {included(program)} included",
        *([f"steps 0 to {program.bands.steps - 1:<11} {program.bands.summary}"] if program.bands else []),
        *([f"state                 {state:,} B, kept from one inference to the next"] if state else []),
        f"TFLM's arena          {_tflm_arena(result)}",
        f"largest live tensors  {plan.largest_live_set:,} B together",
        f"largest tensor        {plan.largest_tensor:,} B",
        f"{'constants' if placement else 'constants in flash':20}  {program.constant_bytes:,} B",
        *([f"memories              {placement.summary}"] if placement else []),
        f"MACs per inference    {program.macs:,}",
        *_of_floats(program),
        *([] if result.generated.self_test else [f"self-test             none: {no_self_test(program.graph)}"]),
        f"written to            {result.folder}: {_files(result)}",
    ]


def _unread(program: Program) -> list[str]:
    """Return what inputs no step reads, such as a shape that the file itself gives the output of the operator."""
    read = {program.graph.root(index) for step in program.steps for index in step.inputs}
    entering = [index for index in program.graph.entering if program.graph.root(index) not in read]
    return [f"input not read        {program.graph.called(index)}: its values change nothing" for index in entering]


def _unscaled(program: Program) -> list[str]:
    """Return what has another scale than the bytes that are copied to it, as converters write recurrent layers."""
    graph = program.graph
    return [
        f"scale not applied     {graph.called(target)}: like TFLM it gets the bytes of {graph.called(source)}, whose "
        "scale is another"
        for source, target in copied_as_they_are(graph)
        if not same_quantisation(graph, source, target)
    ]


def _files(result: WrittenCode) -> str:
    """Return the files that are the model's own by name, and how many headers of kernels there are."""
    own = [name for name in result.files if name.startswith(result.generated.name)]
    kernels = len(result.files) - len(own)
    return ", ".join(own) + (f" and {kernels} headers of kernels, em_*.h" if kernels else "")


def _of_floats(program: Program) -> list[str]:
    """Return what int8 would save of a net on float32: each number takes a byte instead of four."""
    weights = [array for step in program.steps for array in step.arrays if array.ctype == "float"]
    saved = sum(array.bytes for array in weights) * 3 // 4
    if not saved or not any(type_of(step.node.kind) == "float32" for step in program.steps):
        return []
    return [
        f"in int8               some {saved:,} B less of constants, and a quarter of the arena (estimated): "
        "`edgemnist convert --int8`"
    ]


def _tflm_arena(result: WrittenCode) -> str:
    if result.tflm_arena_bytes:
        return f"{result.tflm_arena_bytes:,} B (measured by its interpreter on 64 bits)"
    nodes = result.generated.program.graph.nodes
    unknown = sorted({node.operator for node in nodes if node.kind in WITHOUT_TFLM})
    return f"none, it has no {' and no '.join(unknown)}" if unknown else "not measured, tflite-micro missing"
