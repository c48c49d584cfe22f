"""Which memory of several the arena and each layer's constants lie in: fast ones for what is read most per byte.

Memories are named from the fastest to the slowest. The arena, which is read most, is in the first that it fits in;
constants follow by how often a byte of them is read in an inference, each array into the first memory with room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.compiler.bands.search import ArenaTooLargeError, within
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan, aligned
from edgemnist.compiler.run_text import state_bytes
from edgemnist.compiler.targets import ANY
from edgemnist.support.errors import InputError, ModelError

FLASH = "flash"
"""The memory that can't be written: constants alone are in it."""

MOST_BYTES = 1 << 32

_MEMORY = re.compile(r"([a-z][a-z0-9_]{0,30})=([0-9]{1,10})")


@dataclass(frozen=True)
class Memory:
    """A memory of a board by a name that can stand in C, and the bytes in it that the network may take."""

    name: str
    bytes: int

    @property
    def writable(self) -> bool:
        """Whether the arena can be in it."""
        return self.name != FLASH


def parsed_memories(text: str | None) -> tuple[Memory, ...]:
    """Return what ``flash=BYTES,ram=BYTES`` says, in its order; none of None.

    :raises InputError: it is not of that form, names a memory twice, or lacks flash or a memory that can be written.
    """
    if text is None:
        return ()
    found = []
    for part in text.split(","):
        match = _MEMORY.fullmatch(part.strip())
        if match is None or not 0 < int(match[2]) <= MOST_BYTES:
            raise InputError(
                f"--memory has {part.strip()!r}, needed is NAME=BYTES with a name of small letters, digits and _, and "
                f"1 to {MOST_BYTES} bytes; for example --memory ram=262144,flash=1048576,psram=8388608"
            )
        found.append(Memory(match[1], int(match[2])))
    names = [memory.name for memory in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"--memory names {twice[0]!r} twice; give each memory once")
    if FLASH not in names or not any(memory.writable for memory in found):
        raise InputError(
            f"--memory has {text!r}, needed are {FLASH}=BYTES and at least one memory that can be written; for example "
            "--memory ram=262144,flash=1048576"
        )
    return tuple(found)


def check_choice(memories: Sequence[Memory], ram: int | None, target: str) -> None:
    """Refuse memories beside what they exclude.

    :raises InputError: a limit of the arena is given too, or the C is for any core.
    """
    if memories and ram is not None:
        raise InputError(f"--ram {ram} and --memory both say what the arena may take; leave --ram out")
    if memories and target == ANY:
        raise InputError(
            "--memory places one program, and --target any makes one for each core; name the core, as in "
            "--target cortex-m7"
        )


def told(memories: Sequence[Memory]) -> str:
    """Return memories as :func:`parsed_memories` takes them."""
    return ",".join(f"{memory.name}={memory.bytes}" for memory in memories)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where all is: ``arena`` is the memory of arena and state; ``constants`` by step and suffix of the array.

    ``used``: bytes by the memory's name.
    """

    memories: tuple[Memory, ...]
    arena: str
    constants: Mapping[tuple[int, str], str]
    used: Mapping[str, int]

    def of_constant(self, step: int, suffix: str) -> str:
        """Return the memory of a step's array."""
        return self.constants[step, suffix]

    def steps_in(self, name: str) -> list[int]:
        """Return the steps of which an array is in a memory."""
        return sorted({step for (step, _), memory in self.constants.items() if memory == name})

    def contents(self, name: str) -> str:
        """Return what is in a memory, for people."""
        steps = self.steps_in(name)
        parts = [*(["the arena"] if name == self.arena else []), *([_numbered(steps)] if steps else [])]
        return " and ".join(parts) or "nothing"

    @property
    def summary(self) -> str:
        """Where all is, in one line."""
        return "; ".join(
            f"{one.name} {self.used[one.name]:,} of {one.bytes:,} B: {self.contents(one.name)}" for one in self.memories
        )

    def as_json(self) -> list[dict[str, Any]]:
        """Return the memories with what is in each."""
        return [
            {
                "name": one.name,
                "bytes": one.bytes,
                "used_bytes": self.used[one.name],
                "arena": one.name == self.arena,
                "steps": self.steps_in(one.name),
            }
            for one in self.memories
        ]


def _numbered(steps: Sequence[int]) -> str:
    """Return "constants of steps 0 to 3 and 7"."""
    spans: list[list[int]] = []
    for step in steps:
        if spans and step == spans[-1][-1] + 1:
            spans[-1].append(step)
        else:
            spans.append([step])
    parts = [str(span[0]) if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans]
    return f"constants of step{'s' if len(steps) > 1 else ''} {', '.join(parts)}"


@dataclass(frozen=True)
class _Constant:
    """An array of a step; ``reads``: how often each of its bytes is read in an inference, on average."""

    step: int
    suffix: str
    bytes: int
    reads: float


def placed(program: Program, plan: Plan, memories: Sequence[Memory]) -> Placement:
    """Place the arena, the state and all constants; parameters of layers are with the code, and not counted.

    :raises ModelError: there is no room; says what is short, by how many bytes.
    """
    room = {memory.name: memory.bytes for memory in memories}
    needed = _lasting(program, plan)
    arena = next((one.name for one in memories if one.writable and one.bytes >= needed), None)
    if arena is None:
        raise _no_room_for_arena(needed, memories)
    room[arena] -= needed
    found: dict[tuple[int, str], str] = {}
    left: list[_Constant] = []
    for constant in sorted(_constants(program), key=lambda one: (-one.reads, -one.bytes, one.step, one.suffix)):
        place = next((one.name for one in memories if room[one.name] >= aligned(constant.bytes)), None)
        if place is None:
            left.append(constant)
        else:
            found[constant.step, constant.suffix] = place
            room[place] -= aligned(constant.bytes)
    if left:
        last = memories[-1].name
        missing = sum(aligned(constant.bytes) for constant in left) - room[last]
        what = [f"{one.suffix} of step {one.step} with {one.bytes:,} bytes" for one in left]
        raise ModelError(_short(what, last, -missing, memories))
    return Placement(tuple(memories), arena, found, {one.name: one.bytes - room[one.name] for one in memories})


def fitted(program: Program, whole: Plan, memories: Sequence[Memory]) -> tuple[Program, Plan]:
    """Return a program whose arena is in the first memory that it fits in as a whole or, if need be, by bands.

    :raises ModelError: it fits in none; says what is short, by how many bytes.
    """
    state, least = state_bytes(program), whole.size
    for memory in memories:
        if memory.writable and memory.bytes > state:
            try:
                return within(program, whole, memory.bytes - state)
            except ArenaTooLargeError as error:
                least = min(least, error.least)
    raise _no_room_for_arena(aligned(least) + state, memories)


def _lasting(program: Program, plan: Plan) -> int:
    """Return the bytes of arena and state together."""
    return aligned(plan.size) + state_bytes(program)


def _no_room_for_arena(needed: int, memories: Sequence[Memory]) -> ModelError:
    """Return the error that no memory holds an arena and a state of so many bytes together."""
    largest = max((one for one in memories if one.writable), key=lambda one: one.bytes)
    return ModelError(_short([f"the arena's {needed:,} bytes"], largest.name, largest.bytes - needed, memories))


def _short(what: Sequence[str], name: str, room: int, memories: Sequence[Memory]) -> str:
    """Return that memory ``name`` is ``-room`` bytes short; with so many more, what is left has room in it."""
    shown = ", ".join(what[:3]) + (f" and {len(what) - 3} more" if len(what) > 3 else "")
    size = next(one.bytes for one in memories if one.name == name)
    return (
        f"--memory {told(memories)} has no room for {shown}: {name} is {-room:,} bytes short; "
        f"give {name}={size - room}, a further memory behind it, or a smaller model"
    )


def _constants(program: Program) -> Iterator[_Constant]:
    reads: dict[tuple[int, str], float] = {}
    for index, step in enumerate(program.steps):
        total = sum(array.bytes for array in step.arrays)
        work = step.macs or sum(program.graph.tensors[tensor].elements for tensor in step.outputs)
        for array in step.arrays:
            owner = program.stored_at(index, array.suffix)
            reads[owner] = reads.get(owner, 0.0) + work / max(total, 1)
    for index in range(len(program.steps)):
        for array in program.arrays_of(index):
            yield _Constant(index, array.suffix, array.bytes, reads[index, array.suffix])


def macro(name: str, memory: str, *, constant: bool) -> str:
    """Return the macro that a network's definitions in a memory have; ``name`` is the network's."""
    return f"{name}_{'CONST_' if constant else ''}IN_{memory}".upper()


def attribute_lines(name: str, placement: Placement) -> list[str]:
    """Return the header's lines that say where all is, and define the macros that a program has not defined."""
    macros = [macro(name, placement.arena, constant=False)]
    macros += [macro(name, one.name, constant=True) for one in placement.memories if placement.steps_in(one.name)]
    example = f"-D'{macros[-1]}=__attribute__((section(\".{placement.memories[-1].name}\")))'"
    return [
        "/* Memories, from the fastest to the slowest:",
        *(
            f" *   {one.name}, {placement.used[one.name]} of {one.bytes} bytes: {placement.contents(one.name)}"
            for one in placement.memories
        ),
        " * Each of these macros is behind the names of what is in that memory, for a section of the linker's",
        f" * script. Define it as your compiler wants it, such as {example}.",
        " * Constants outside of flash have to be loaded there before the network runs. */",
        *(line for one in macros for line in (f"#ifndef {one}", f"#define {one}", "#endif")),
        "",
    ]
