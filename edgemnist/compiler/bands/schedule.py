"""Which rows every step makes in every band, and how many rows of each tensor have to be there for that.

Bands go down the output of the last step that runs so. What a step needs of an earlier one's rows decides how far that
one has to be; what the next band needs again is kept, so that no row is computed twice. Behind strides a row of
the last output takes many rows of the early ones: in several parts a band makes and uses up some of these at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from edgemnist.compiler.banded import Call, LineBuffer, Move, Place, Run, Span
from edgemnist.compiler.bands.readings import Reading, Rows, readings_of
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.memory import ALIGNMENT
from edgemnist.compiler.ops.operands import output_of


@dataclass(frozen=True, eq=False)
class Prefix:
    """The first steps of a graph: what each reads, and which of the tensors they read or write have to be whole."""

    graph: Graph
    nodes: tuple[Node, ...]
    readings: tuple[tuple[Reading, ...], ...]
    whole: frozenset[int]

    @property
    def driver(self) -> int:
        """The last step's output."""
        return output_of(self.nodes[-1])

    def height(self, tensor: int) -> int:
        """Return the rows of a tensor."""
        return self.graph.tensors[tensor].shape[1]

    def row_bytes(self, tensor: int) -> int:
        """Return the bytes of one of them."""
        return self._row_bytes[tensor]

    @property
    def row_sizes(self) -> Collection[int]:
        """The bytes of a row of every tensor."""
        return self._row_bytes.values()

    @cached_property
    def _row_bytes(self) -> dict[int, int]:
        """By tensor the bytes of a row, of all that are read or written."""
        tensors = {output_of(node) for node in self.nodes}.union(one.tensor for each in self.readings for one in each)
        return {index: self.graph.tensors[index].bytes // self.height(index) for index in tensors}


def prefixes(graph: Graph) -> Iterator[Prefix]:
    """Yield the first two steps of a graph, the first three and so on, as long as they can run by bands."""
    readings: list[tuple[Reading, ...]] = []
    if graph.variables:
        return
    for count, node in enumerate(graph.nodes, 1):
        found = readings_of(node, graph)
        if found is None:
            return
        readings.append(found)
        whole = _whole(graph, count)
        if count > 1 and whole is not None:
            yield Prefix(graph, graph.nodes[:count], tuple(readings), whole)


def _whole(graph: Graph, count: int) -> frozenset[int] | None:
    """Return the tensors that have to be whole, None where nobody reads one."""
    written = {output_of(node) for node in graph.nodes[:count]}
    inside = {index for node in graph.nodes[:count] for index in node.inputs}
    later = {graph.root(index) for node in graph.nodes[count:] for index in node.inputs if index != -1}
    later.update(graph.root(index) for index in graph.wanted)
    return frozenset((written & later) | set(graph.entering)) if written <= inside | later else None


@dataclass(frozen=True)
class Extent:
    """What the parameters of a call depend on: rows of its output and operands, and rows of padding above them."""

    written: int
    reads: tuple[int, ...]
    above: int


@dataclass(frozen=True)
class Spell:
    """A step in one part of a band: the rows that it makes, and those that it reads, as they are in the tensors."""

    written: Rows
    reads: tuple[Rows, ...]
    above: int

    @property
    def extent(self) -> Extent:
        """Return the sizes alone."""
        return Extent(self.written.count, tuple(rows.count for rows in self.reads), self.above)


@dataclass(frozen=True, eq=False)
class Schedule:
    """``spells``: by part and step, None where the step has nothing to do. ``parts``: of so many a band consists.

    By tensor and part: ``done``, the rows that are there after it; ``unread``, the first row that is read in it or
    later; ``bases``, the first row in a line buffer.
    """

    prefix: Prefix
    rows: int
    parts: int
    spells: tuple[tuple[Spell | None, ...], ...]
    buffers: Mapping[int, LineBuffer]
    bases: Mapping[int, tuple[int, ...]]
    done: Mapping[int, tuple[int, ...]]
    unread: Mapping[int, tuple[int, ...]]

    def runs(self, variants: Mapping[tuple[int, Extent], int]) -> tuple[Run, ...]:
        """Return the calls, given the number of each extent among those of its step."""
        bands = [
            tuple(call for part in range(first, first + self.parts) for call in self._calls(part, variants))
            for first in range(0, len(self.spells), self.parts)
        ]
        found: list[Run] = []
        while bands:
            length, calls = _repeated(bands, self.prefix.whole)
            found.append(Run(length, calls))
            bands = bands[length:]
        return tuple(found)

    def _calls(self, part: int, variants: Mapping[tuple[int, Extent], int]) -> Iterator[Call]:
        moves = [move for tensor in self.buffers if (move := self._move(tensor, part)) is not None]
        for step, spell in enumerate(self.spells[part]):
            if spell is not None:
                reads = zip(self.prefix.readings[step], spell.reads, strict=True)
                yield Call(
                    step, variants[step, spell.extent],
                    tuple(self._place(reading.tensor, rows.first, part) for reading, rows in reads),
                    self._place(output_of(self.prefix.nodes[step]), spell.written.first, part), tuple(moves),
                )  # fmt: skip
                moves = []

    def _place(self, tensor: int, row: int, part: int) -> Place:
        base = self.bases[tensor][part] if tensor in self.buffers else 0
        return Place(tensor, (row - base) * self.prefix.row_bytes(tensor))

    def _move(self, tensor: int, part: int) -> Move | None:
        if part == 0:
            return None
        kept = self.done[tensor][part - 1] - self.bases[tensor][part]
        up = self.bases[tensor][part] - self.bases[tensor][part - 1]
        size = self.prefix.row_bytes(tensor)
        return Move(tensor, up * size, kept * size) if kept and up else None

    def is_aligned(self) -> bool:
        """Return whether every call reads and writes from a multiple of the alignment on."""
        if all(size % ALIGNMENT == 0 for size in self.prefix.row_sizes):
            return True
        variants = {(step, spell.extent): 0 for part in self.spells for step, spell in enumerate(part) if spell}
        places = (
            place
            for part in range(len(self.spells))
            for call in self._calls(part, variants)
            for place in (*call.reads, call.written)
        )
        return all(place.offset % ALIGNMENT == 0 for place in places)

    def spans(self) -> tuple[Span, ...]:
        """Return how far each whole tensor that is written may start behind the start of a network's input."""
        prefix = self.prefix
        outputs = {output_of(node): step for step, node in enumerate(prefix.nodes)}
        found = []
        for source in prefix.graph.entering:
            readers = [s for s, all_ in enumerate(prefix.readings) if any(one.tensor == source for one in all_)]
            for target in sorted(prefix.whole & set(outputs)):
                late = 0 if readers and max(readers) >= outputs[target] else 1
                limits = [
                    self.unread[source][part + late] * prefix.row_bytes(source)
                    - self.done[target][part] * prefix.row_bytes(target)
                    for part in range(len(self.spells) - late)
                ]
                if readers:
                    found.append(Span(source, target, min(limits)))
        return tuple(found)


def scheduled(prefix: Prefix, rows: int, parts: int = 1) -> Schedule | None:
    """Return the bands that make ``rows`` rows of the last output each; None where they can't.

    ``parts``: of so many a band consists, in each of which the early steps make a share of their rows.

    They can't where there is one band only, where a step would read nothing but padding, where rows don't start at
    multiples of the alignment, and where no step has a row to make in each part.
    """
    height = prefix.height(prefix.driver)
    if height <= rows or parts > max(prefix.height(output_of(node)) for node in prefix.nodes) // height:
        return None
    done = _done(prefix, rows, parts)
    spells = []
    for node, readings in zip(prefix.nodes, prefix.readings, strict=True):
        made = done[output_of(node)]
        spells.append([
            _spell(prefix, readings, Rows(before, after)) for before, after in zip((0, *made), made, strict=False)
        ])  # fmt: skip
    if any(read.count <= 0 for step in spells for spell in step if spell for read in spell.reads):
        return None
    calls = tuple(zip(*spells, strict=True))
    found = _with_buffers(Schedule(prefix, rows, parts, calls, {}, {}, done, _unread(prefix, calls)))
    return found if found.is_aligned() else None


def _done(prefix: Prefix, rows: int, parts: int) -> dict[int, tuple[int, ...]]:
    """Return by tensor how many of its rows are there after each part of each band.

    Before the bands that make rows of the last output there are some that only fill the line buffers, so that none has
    to make more rows at once than the later ones.
    """
    needed = _rows_needed(prefix)
    count = -(-prefix.height(prefix.driver) // rows) * parts
    wanted = [_wanted(prefix, rows * number, parts) for number in range(1, count + 1)]
    while max((early := _wanted(prefix, rows * (count - len(wanted)), parts)).values()) >= parts:
        wanted.insert(0, early)
    empty = [dict.fromkeys(needed, 0)] * (-len(wanted) % parts)
    return {
        tensor: tuple(max(0, min(part[tensor] // parts, last)) for part in (*empty, *wanted))
        for tensor, last in needed.items()
        if tensor in wanted[0]
    }


def _rows_needed(prefix: Prefix) -> dict[int, int]:
    """Return how many rows of each tensor are read at all; of whole ones, all rows."""
    needed = {tensor: prefix.height(tensor) for tensor in prefix.whole}
    for node, readings in zip(reversed(prefix.nodes), reversed(prefix.readings), strict=True):
        for reading in readings:
            last = min(reading.rows(Rows(0, needed[output_of(node)])).last, prefix.height(reading.tensor))
            needed[reading.tensor] = max(needed.get(reading.tensor, 0), last)
    return needed


def _wanted(prefix: Prefix, made: int, parts: int) -> dict[int, int]:
    """Return how far each tensor has to be where ``made`` parts of rows of the last output are, of ``parts`` each.

    All are counted in such parts, and may be below 0 or beyond the last row: as if the images went on above and below.
    """
    height = prefix.height(prefix.driver)
    wanted = {tensor: made * prefix.height(tensor) // height for tensor in prefix.whole - set(prefix.graph.entering)}
    for node, readings in zip(reversed(prefix.nodes), reversed(prefix.readings), strict=True):
        last = wanted[output_of(node)]
        for reading in readings:
            further = (last - parts) * reading.stride + parts * (reading.reach - reading.before)
            wanted[reading.tensor] = max(wanted.get(reading.tensor, further), further)
    return wanted


def _spell(prefix: Prefix, readings: tuple[Reading, ...], written: Rows) -> Spell | None:
    if written.count <= 0:
        return None
    whole = [reading.rows(written) for reading in readings]
    reads = tuple(
        Rows(max(rows.first, 0), min(rows.last, prefix.height(reading.tensor)))
        for rows, reading in zip(whole, readings, strict=True)
    )
    return Spell(written, reads, max(0, -whole[0].first))


def _unread(prefix: Prefix, spells: Sequence[Sequence[Spell | None]]) -> dict[int, tuple[int, ...]]:
    """Return by tensor the first row that is read in each part or a later one; all rows where none is."""
    tensors = {one.tensor for readings in prefix.readings for one in readings}
    firsts = {tensor: [prefix.height(tensor)] * len(spells) for tensor in tensors}
    for part, calls in enumerate(spells):
        for spell, readings in zip(calls, prefix.readings, strict=True):
            for rows, reading in zip(spell.reads, readings, strict=True) if spell else ():
                firsts[reading.tensor][part] = min(firsts[reading.tensor][part], rows.first)
    return {tensor: tuple(accumulate(reversed(first), min))[::-1] for tensor, first in firsts.items()}


def _with_buffers(schedule: Schedule) -> Schedule:
    """Return the schedule with the line buffers of all tensors that are not whole."""
    prefix, bases = schedule.prefix, {}
    buffers: dict[int, LineBuffer] = {}
    for tensor in (output_of(node) for node in prefix.nodes):
        if tensor in prefix.whole:
            continue
        after = schedule.done[tensor]
        before = (0, *after[:-1])
        base = tuple(min(pair) for pair in zip(schedule.unread[tensor], before, strict=True))
        base = _where_called(base, schedule.spells)
        most = max(last - first for last, first in zip(after, base, strict=True))
        bases[tensor] = base
        buffers[tensor] = LineBuffer(most, prefix.height(tensor), most * prefix.row_bytes(tensor), before != base)
    return replace(schedule, buffers=buffers, bases=bases)


def _where_called(bases: Sequence[int], spells: Sequence[Sequence[Spell | None]]) -> tuple[int, ...]:
    """Return first rows in a line buffer that change in parts with a call only: with that, rows are moved."""
    found: list[int] = []
    for base, calls in zip(bases, spells, strict=True):
        found.append(base if any(calls) or not found else found[-1])
    return tuple(found)


def _repeated(bands: list[tuple[Call, ...]], whole: frozenset[int]) -> tuple[int, tuple[Call, ...]]:
    """Return for how many of the next bands the same calls serve, and those."""
    first = bands[0]
    advanced = _advanced(first, bands[1], whole) if len(bands) > 1 else None
    if advanced is None:
        return 1, first
    length = 2
    while length < len(bands) and bands[length] == _at(advanced, length):
        length += 1
    return length, advanced


def _advanced(first: tuple[Call, ...], second: tuple[Call, ...], whole: frozenset[int]) -> tuple[Call, ...] | None:
    """Return the calls of a band with how much further those of the next are; None where more than that differs."""
    if [call.step for call in first] != [call.step for call in second]:
        return None
    found = []
    for one, other in zip(first, second, strict=True):
        reads = tuple(_further(a, b, whole) for a, b in zip(one.reads, other.reads, strict=True))
        found.append(replace(one, reads=reads, written=_further(one.written, other.written, whole)))
    advanced = tuple(found)
    return advanced if _at(advanced, 1) == second else None


def _further(one: Place, other: Place, whole: frozenset[int]) -> Place:
    return replace(one, advance=other.offset - one.offset if one.tensor in whole else 0)


def _at(calls: tuple[Call, ...], band: int) -> tuple[Call, ...]:
    """Return the calls of a run's band of that number."""

    def place(one: Place) -> Place:
        return Place(one.tensor, one.offset + band * one.advance)

    return tuple(
        replace(call, reads=tuple(place(one) for one in call.reads), written=place(call.written)) for call in calls
    )
