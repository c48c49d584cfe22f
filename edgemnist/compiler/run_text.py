"""C text of the functions that run a network: what they are called with, and what they keep between inferences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgemnist.compiler.bands.text import BandsText
from edgemnist.compiler.ends import End, Ends, ends_of
from edgemnist.compiler.graph import Graph, Variable
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan, aligned
from edgemnist.compiler.ops.base import Step
from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.source import comment_text, lines_of


@dataclass(frozen=True, eq=False)
class Kept:
    """A variable, and where it lies in the state."""

    variable: Variable
    number: int
    offset: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.variable.first.nbytes

    @property
    def fill(self) -> int | None:
        """The byte of which its first value consists, None where there are several."""
        content = set(self.variable.first.tobytes())
        return content.pop() if len(content) == 1 else None


def kept_by(program: Program) -> tuple[Kept, ...]:
    """Return a network's variables with their places in the state, aligned as in the arena."""
    found: list[Kept] = []
    offset = 0
    for number, variable in enumerate(program.graph.variables):
        found.append(Kept(variable, number, offset))
        offset += aligned(variable.first.nbytes)
    return tuple(found)


def state_bytes(program: Program) -> int:
    """Return ``NAME_STATE_SIZE``, 0 for a network that keeps nothing."""
    kept = kept_by(program)
    return kept[-1].offset + aligned(kept[-1].bytes) if kept else 0


def place_of(program: Program, plan: Plan, tensor: int) -> str:
    """Return the C expression for where a tensor lies: in the arena, or in the state."""
    root = program.graph.root(tensor)
    if root in program.graph.in_place:
        return f"state + {next(one.offset for one in kept_by(program) if one.variable.before == root)}"
    apart = apart_inputs(program)
    return apart[root].name if root in apart else f"arena + {plan.tensor_offset(root)}"


def apart_inputs(program: Program) -> dict[int, End]:
    """Return by tensor the inputs that are read where the caller has them."""
    return {end.index: end for end in ends_of(program.graph).inputs} if program.settings.input_apart else {}


def included(program: Program) -> str:
    """Return what is in the arena beside tensors between layers, for people."""
    return "output and scratch" if program.settings.input_apart else "input, output and scratch"


def step_arguments(program: Program, step: Step) -> list[str]:
    """Return the C names that a step without bands takes behind the arena: the state, inputs that are apart."""
    apart = apart_inputs(program)
    read = dict.fromkeys(program.graph.root(tensor) for tensor in step.inputs)
    return [*(["state"] if step.states else []), *(apart[root].name for root in read if root in apart)]


def declarations(program: Program, name: str) -> list[str]:
    """Return the lines of the header that declare the functions."""
    ends, kept = ends_of(program.graph), kept_by(program)
    lines = [
        *_run_comment(apart=program.settings.input_apart),
        f"{_run(ends, name)};",
        "",
        *_run_in_comment(ends, apart=program.settings.input_apart),
        f"{_run_in(program, name)};",
    ]
    return [*lines, *_state_declarations(name, program.graph, kept)] if kept else lines


def _run_comment(*, apart: bool) -> list[str]:
    if apart:
        return [
            "/* Runs the network once in an arena of its own; not for two threads at a time. Inputs are read",
            " * where they are, at a multiple of 4. */",
        ]
    return ["/* Runs the network once in an arena of its own; not for two threads at a time. */"]


def _run(ends: Ends, name: str) -> str:
    return f"void {name}_run({ends.arguments(name.upper())})"


def _run_in(program: Program, name: str) -> str:
    return f"void {name}_run_in({', '.join(_run_in_parameters(program, name))})"


def _run_in_parameters(program: Program, name: str) -> list[str]:
    prefix = name.upper()
    return [
        f"int8_t arena[{prefix}_ARENA_SIZE]",
        *([f"int8_t state[{prefix}_STATE_SIZE]"] if program.graph.variables else []),
        *(f"const {end.ctype} {end.name}[{prefix}_{end.macro}_SIZE]" for end in apart_inputs(program).values()),
    ]


def _run_in_comment(ends: Ends, *, apart: bool) -> list[str]:
    if apart:
        return [
            "/* The same in the caller's arena, aligned to 4 bytes as inputs have to be. Find each output at",
            " * arena + its OFFSET. Everything in the arena is overwritten, inputs are not changed. */",
        ]
    if not ends.several:
        return [
            "/* The same in the caller's arena, aligned to 4 bytes: put the input at arena + INPUT_OFFSET, find",
            " * the output at arena + OUTPUT_OFFSET. Everything in the arena is overwritten, the input too. */",
        ]
    return [
        "/* The same in the caller's arena, aligned to 4 bytes: put each input at arena + its OFFSET above,",
        " * find each output likewise. Everything in the arena is overwritten, the inputs too. */",
    ]


def _state_declarations(name: str, graph: Graph, kept: tuple[Kept, ...]) -> list[str]:
    return [
        "",
        "/* The network keeps from one inference to the next:",
        *(f" *   {comment_text(graph.state_name(one.variable))}, {one.bytes} bytes" for one in kept),
        f" * {name}_run has a state of its own; {name}_run_in takes the caller's, aligned to 4 bytes: several",
        " * streams can be in work at once. A reset begins anew; the caller's state needs one before it is used. */",
        f"void {name}_reset(void);",
        f"void {name}_reset_in(int8_t state[{name.upper()}_STATE_SIZE]);",
    ]


def state_macros(program: Program, name: str) -> list[str]:
    """Return the macro of the state's size, nothing for a network that keeps nothing."""
    size = state_bytes(program)
    return [f"#define {name.upper()}_STATE_SIZE {size}"] if size else []


def definitions(program: Program, plan: Plan, name: str, attribute: str = "") -> list[str]:
    """Return the functions themselves; ``NAME_step_K(arena)`` are there before them.

    ``attribute``: a macro that places arena and state in a memory.
    """
    placed = f" {attribute}" if attribute else ""
    ends, kept, prefix = ends_of(program.graph), kept_by(program), name.upper()
    copied = [one for one in kept if not one.variable.in_place]
    apart = apart_inputs(program)
    own = ["arena.bytes", *([f"{name}_state.bytes"] if kept else []), *(end.name for end in apart.values())]
    return [
        *_reset_in(name, kept),
        *_bands(program, plan, name),
        "",
        _run_in(program, name),
        "{",
        *([] if program.steps else ["  (void)arena; /* the output is the input */"]),
        *([] if copied or not kept or any(step.states for step in program.steps) else ["  (void)state;"]),
        *(f"  {_copy(program, plan, one, out=False)}" for one in copied),
        *_steps(program, plan, name),
        *(f"  {_copy(program, plan, one, out=True)}" for one in copied),
        "}",
        "",
        *_own_state(name, kept, placed),
        _run(ends, name),
        "{",
        "  static union {",
        f"    int8_t bytes[{prefix}_ARENA_SIZE];",
        "    uint32_t alignment;",
        f"  }} arena{placed};",
        *([f"  if (!{name}_has_state) {name}_reset();"] if kept else []),
        *(
            f"  memcpy(arena.bytes + {prefix}_{end.macro}_OFFSET, {end.name}, {end.tensor.bytes});"
            for end in ends.inputs
            if end.index not in apart
        ),
        f"  {name}_run_in({', '.join(own)});",
        *(
            f"  memcpy({end.name}, arena.bytes + {prefix}_{end.macro}_OFFSET, {end.tensor.bytes});"
            for end in ends.outputs
        ),
        "}",
    ]


def _bands(program: Program, plan: Plan, name: str) -> list[str]:
    """Return the function that runs the first steps by bands, nothing where there are none."""
    if program.bands is None:
        return []
    apart = {index: end.name for index, end in apart_inputs(program).items()}
    parameters = ["int8_t *arena", *(f"const int8_t *{input_name}" for input_name in apart.values())]
    return BandsText(program, plan, name, apart).lines(", ".join(parameters))


def _steps(program: Program, plan: Plan, name: str) -> list[str]:
    apart = apart_inputs(program)
    given = {end.name: typed_as_bytes(end) for end in apart.values()}
    lines = [f"  {name}_bands({', '.join(['arena', *given.values()])});"] if program.bands else []
    for index, step in enumerate(program.steps):
        if program.bands is None or index >= program.bands.steps:
            arguments = [given.get(argument, argument) for argument in step_arguments(program, step)]
            lines.append(f"  {name}_step_{index}({', '.join(['arena', *arguments])});")
        calls = [
            f"  {name}_trace({index}, {place_of(program, plan, tensor)}, {program.graph.tensors[tensor].bytes});"
            for tensor in traced_outputs(program, index)
        ]
        lines += [f"#ifdef {name.upper()}_TRACE", *calls, "#endif"] if calls else []
    return lines


def typed_as_bytes(end: End) -> str:
    """Return an input that is apart as steps take it."""
    return end.name if end.ctype == "int8_t" else f"(const int8_t *)(const void *){end.name}"


def in_array(
    step: Step, constants: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the lines before a call, and what it takes behind its parameters: tensors, or an array of them."""
    if step.in_array == "inputs":
        parts, *operands = constants
        every = [*operands, *inputs]
        return [f"  const int8_t *const in[{len(every)}] = {{{', '.join(every)}}};"], [
            parts, "in", str(len(every)), *outputs,
        ]  # fmt: skip
    if step.in_array == "outputs":
        line = f"  int8_t *const out[{len(outputs)}] = {{{', '.join(outputs)}}};"
        return [line], [*constants, *inputs, "out", str(len(outputs))]
    return [], [*constants, *inputs, *outputs]


def traced_outputs(program: Program, index: int) -> tuple[int, ...]:
    """Return the outputs of a step that the trace function gets: all that are ever there as a whole."""
    step = program.steps[index]
    return tuple(tensor for tensor in step.outputs if program.bands is None or tensor not in program.bands.buffers)


def _copy(program: Program, plan: Plan, one: Kept, *, out: bool) -> str:
    place = place_of(program, plan, one.variable.after if out else one.variable.before)
    state = f"state + {one.offset}"
    target, source = (state, place) if out else (place, state)
    return f"memcpy({target}, {source}, {one.bytes});"


def _reset_in(name: str, kept: tuple[Kept, ...]) -> list[str]:
    if not kept:
        return []
    lines = []
    for one in kept:
        if one.fill is None:
            values = [str(value) for value in np.frombuffer(one.variable.first.tobytes(), np.int8).tolist()]
            head = f"static const {C_TYPES['int8']} {name}_first_{one.number}[{len(values)}] = {{"
            lines += ["", head, *lines_of(values).splitlines(), "};"]
    lines += ["", f"void {name}_reset_in(int8_t state[{name.upper()}_STATE_SIZE])", "{"]
    for one in kept:
        if one.fill is None:
            lines.append(f"  memcpy(state + {one.offset}, {name}_first_{one.number}, {one.bytes});")
        else:
            lines.append(f"  memset(state + {one.offset}, {one.fill}, {one.bytes});")
    return [*lines, "}"]


def _own_state(name: str, kept: tuple[Kept, ...], placed: str) -> list[str]:
    if not kept:
        return []
    return [
        "static union {",
        f"  int8_t bytes[{name.upper()}_STATE_SIZE];",
        "  uint32_t alignment;",
        f"}} {name}_state{placed};",
        f"static uint8_t {name}_has_state;",
        "",
        f"void {name}_reset(void)",
        "{",
        f"  {name}_reset_in({name}_state.bytes);",
        f"  {name}_has_state = 1;",
        "}",
        "",
    ]
