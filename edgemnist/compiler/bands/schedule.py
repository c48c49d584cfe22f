"""Which rows every step makes in every band, and how many rows of each tensor have to be there for that.

Bands go down the output of the last step that runs so. What a step needs of an earlier one's rows decides how far that
one has to be; what the next band needs again is kept, so that no row is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
        info = self.graph.tensors[tensor]
        return info.bytes // info.shape[1]


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
    """A step in one band: the rows that it makes, and those that it reads, as they are in the tensors."""

    written: Rows
    reads: tuple[Rows, ...]
    above: int

    @property
    def extent(self) -> Extent:
        """Return the sizes alone."""
        return Extent(self.written.count, tuple(rows.count for rows in self.reads), self.above)


@dataclass(frozen=True, eq=False)
class Schedule:
    """``spells``: by band and step, None where the step has nothing to do.

    By tensor and band: ``done``, the rows that are there after it; ``unread``, the first row that is read in it or
    later; ``bases``, the first row in a line buffer.
    """

    prefix: Prefix
    rows: int
    spells: tuple[tuple[Spell | None, ...], ...]
    buffers: Mapping[int, LineBuffer]
    bases: Mapping[int, tuple[int, ...]]
    done: Mapping[int, tuple[int, ...]]
    unread: Mapping[int, tuple[int, ...]]

    def runs(self, variants: Mapping[tuple[int, Extent], int]) -> tuple[Run, ...]:
        """Return the calls, given the number of each extent among those of its step."""
        bands = [tuple(self._calls(band, variants)) for band in range(len(self.spells))]
        found: list[Run] = []
        while bands:
            length, calls = _repeated(bands, self.prefix.whole)
            found.append(Run(length, calls))
            bands = bands[length:]
        return tuple(found)

    def _calls(self, band: int, variants: Mapping[tuple[int, Extent], int]) -> Iterator[Call]:
        moves = [move for tensor in self.buffers if (move := self._move(tensor, band)) is not None]
        for step, spell in enumerate(self.spells[band]):
            if spell is not None:
                reads = zip(self.prefix.readings[step], spell.reads, strict=True)
                yield Call(
                    step, variants[step, spell.extent],
                    tuple(self._place(reading.tensor, rows.first, band) for reading, rows in reads),
                    self._place(output_of(self.prefix.nodes[step]), spell.written.first, band), tuple(moves),
                )  # fmt: skip
                moves = []

    def _place(self, tensor: int, row: int, band: int) -> Place:
        base = self.bases[tensor][band] if tensor in self.buffers else 0
        return Place(tensor, (row - base) * self.prefix.row_bytes(tensor))

    def _move(self, tensor: int, band: int) -> Move | None:
        if band == 0:
            return None
        kept = self.done[tensor][band - 1] - self.bases[tensor][band]
        up = self.bases[tensor][band] - self.bases[tensor][band - 1]
        size = self.prefix.row_bytes(tensor)
        return Move(tensor, up * size, kept * size) if kept and up else None

    def is_aligned(self) -> bool:
        """Return whether every call reads and writes from a multiple of the alignment on."""
        variants = {(step, spell.extent): 0 for band in self.spells for step, spell in enumerate(band) if spell}
        places = (
            place
            for band in range(len(self.spells))
            for call in self._calls(band, variants)
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
                    self.unread[source][band + late] * prefix.row_bytes(source)
                    - self.done[target][band] * prefix.row_bytes(target)
                    for band in range(len(self.spells) - late)
                ]
                if readers:
                    found.append(Span(source, target, min(limits)))
        return tuple(found)


def scheduled(prefix: Prefix, rows: int) -> Schedule | None:
    """Return the bands that make ``rows`` rows of the last output each; None where they can't.

    They can't where there is one band only, where a step would read nothing but padding, and where rows don't start at
    multiples of the alignment.
    """
    count = -(-prefix.height(prefix.driver) // rows)
    if count < 2:
        return None
    needs: dict[int, list[int]] = {tensor: [0] * count for tensor in prefix.whole}
    spells: list[list[Spell | None]] = [[] for _ in range(count)]
    for node, readings in zip(reversed(prefix.nodes), reversed(prefix.readings), strict=True):
        made = _made(prefix, output_of(node), needs.get(output_of(node), [0] * count), rows)
        needs[output_of(node)] = made
        for band in range(count):
            spell = _spell(prefix, readings, Rows(made[band - 1] if band else 0, made[band]))
            if spell is not None and any(read.count <= 0 for read in spell.reads):
                return None
            spells[band].insert(0, spell)
            for read, reading in zip(spell.reads if spell else (), readings, strict=spell is not None):
                needed = needs.setdefault(reading.tensor, [0] * count)
                needed[band] = max(needed[band], read.last)
    done = {tensor: tuple(rows_done) for tensor, rows_done in needs.items()}
    found = _with_buffers(Schedule(prefix, rows, tuple(map(tuple, spells)), {}, {}, done, _unread(prefix, spells)))
    return found if found.is_aligned() else None


def _made(prefix: Prefix, tensor: int, needed: list[int], rows: int) -> list[int]:
    """Return how many rows of a tensor are there after each band."""
    height, driver, count = prefix.height(tensor), prefix.height(prefix.driver), len(needed)
    if tensor in prefix.whole:
        shares = [min(driver, rows * (band + 1)) * height // driver for band in range(count)]
        needed = [max(pair) for pair in zip(needed, shares, strict=True)]
    return list(accumulate(needed, max))


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
    """Return by tensor the first row that is read in each band or a later one; all rows where none is."""
    tensors = {one.tensor for readings in prefix.readings for one in readings}
    firsts = {tensor: [prefix.height(tensor)] * len(spells) for tensor in tensors}
    for band, calls in enumerate(spells):
        for spell, readings in zip(calls, prefix.readings, strict=True):
            for rows, reading in zip(spell.reads, readings, strict=True) if spell else ():
                firsts[reading.tensor][band] = min(firsts[reading.tensor][band], rows.first)
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
        most = max(last - first for last, first in zip(after, base, strict=True))
        bases[tensor] = base
        buffers[tensor] = LineBuffer(most, prefix.height(tensor), most * prefix.row_bytes(tensor), before != base)
    return replace(schedule, buffers=buffers, bases=bases)


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
