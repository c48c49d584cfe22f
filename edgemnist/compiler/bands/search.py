"""How many steps run by bands, and of how many rows: the least overhead with which the arena is small enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from edgemnist.compiler.banded import Bands
from edgemnist.compiler.bands.lowered import BandLowering
from edgemnist.compiler.bands.schedule import Schedule, prefixes, scheduled
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan, least_size, plan
from edgemnist.compiler.ops.base import Overlap
from edgemnist.support.errors import ModelError

BAND_PARTS = ((1, 8), (1, 4), (1, 2), *((rows, 1) for rows in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32)))
"""Rows of the last output that a band may make, and in how many parts."""

CALL_COST = 200
"""Instructions of a call of a kernel that are there however few rows it makes."""

MOST_TRIED = 8
"""Arenas that are laid out, each in both orders of the candidates: by overhead, and by the least that they can take."""

MOST_STEPS = 64
"""Steps that may run by bands: in the nets that there are, what comes later is small."""


class ArenaTooLargeError(ModelError):
    """No arena is as small as was asked for; ``least`` is the smallest that was found, in bytes."""

    def __init__(self, message: str, least: int) -> None:
        super().__init__(message)
        self.least = least


@dataclass(frozen=True, eq=False)
class Candidate:
    """A way to run the first steps by bands. ``least``: no arena is smaller. ``overhead``: instructions, estimated."""

    schedule: Schedule
    least: int
    overhead: int


def within(program: Program, whole: Plan, ram: int) -> tuple[Program, Plan]:
    """Return a program whose arena is no larger than ``ram`` bytes, with its plan; by bands only where it has to be.

    :raises ArenaTooLargeError: there is none; says what the smallest is.
    """
    if whole.size <= ram:
        return program, whole
    candidates = list(_candidates(program))
    lowering = BandLowering(program)
    promising = sorted((one for one in candidates if one.least <= ram), key=lambda one: one.overhead)
    smallest = sorted(candidates, key=lambda one: (one.least, one.overhead))
    least = whole.size
    for order in (promising, smallest):
        for candidate in order[:MOST_TRIED]:
            if candidate.least >= least:
                continue
            found = _laid_out(lowering, candidate, ram, whole.size)
            if found is not None and found[1].size <= ram:
                return found
            least = min(least, found[1].size) if found is not None else least
    raise ArenaTooLargeError(_refusal(program, whole, ram, least), least)


def _laid_out(lowering: BandLowering, candidate: Candidate, ram: int, whole: int) -> tuple[Program, Plan] | None:
    program = lowering.lowered(candidate.schedule)
    if program is None or program.bands is None:
        return None
    program = replace(program, bands=replace(program.bands, whole_arena=whole))
    return program, plan(program, enough=ram)


def _refusal(program: Program, whole: Plan, ram: int, least: int) -> str:
    graph, settings = program.graph, program.settings
    given = sum(graph.tensors[index].bytes for index in graph.inputs)
    how = f"{least:,} by bands of rows" if least < whole.size else f"{least:,}, which bands of rows don't make less"
    helps = not settings.input_apart and 2 * given > least
    apart = f"; or --input-apart, which leaves the input's {given:,} bytes out of it" if helps else ""
    return (
        f"the arena for {settings.target} takes {whole.size:,} bytes, --ram allows {ram:,}, and the smallest is {how}; "
        f"give --ram {least}{apart}; or a model with smaller images"
    )


def _candidates(program: Program) -> Iterator[Candidate]:
    for prefix in islice(prefixes(program.graph), MOST_STEPS):
        for rows, parts in BAND_PARTS:
            schedule = scheduled(prefix, rows, parts)
            if schedule is not None:
                sketch = _sketch(program, schedule)
                yield Candidate(schedule, least_size(sketch), _overhead(sketch.bands))


def _sketch(program: Program, schedule: Schedule) -> Program:
    """Return the program as it may become at best: without scratch, and all overlaps that it has without bands."""
    count = len(schedule.prefix.nodes)
    numbers = {(step, spell.extent): 0 for band in schedule.spells for step, spell in enumerate(band) if spell}
    bands = Bands(
        steps=count, rows=schedule.rows, runs=schedule.runs(numbers), buffers=schedule.buffers, spans=schedule.spans()
    )
    steps = [
        replace(step, scratch=0, overlaps={pair: Overlap(exactly=0) for pair in step.overlaps if _passing(pair, bands)})
        for step in program.steps[:count]
    ]
    return replace(program, steps=(*steps, *program.steps[count:]), bands=bands)


def _passing(pair: Sequence[int], bands: Bands) -> bool:
    return all(index in bands.buffers and not bands.buffers[index].kept for index in pair)


def _overhead(bands: Bands | None) -> int:
    """Return the instructions of calls, and those of rows that are moved, and held anew by kernels."""
    return bands.calls * CALL_COST + 2 * bands.moved_bytes if bands is not None else 0
