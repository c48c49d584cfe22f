"""The arena over time, and accuracy under corruptions, as pictures."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from edgemnist.commands.report.html.svg import TEXT, WIDTH, Picture, shortened, ticks
from edgemnist.commands.report.sections import CorruptionRow, MemoryBlock, MemoryMap, Robustness
from edgemnist.compiler.memory_picture import Area
from edgemnist.support.palette import LIGHT, block_colours

_END = 6
"""Characters that stay of a layer's name: its number is there."""

_ROW, _ROW_OF_MANY, _MANY = 30.0, 16.0, 40
"""Height of a step, and where there are more than so many."""


def memory_map(found: MemoryMap) -> Markup:
    """Return the arena: time downwards in steps, addresses to the right in bytes.

    Time runs down so that the names of the steps have a line each, however many there are.
    """
    left, top, side = 158.0, 34.0, WIDTH - 160.0
    row = _ROW if len(found.steps) <= _MANY else _ROW_OF_MANY
    bottom = top + row * len(found.steps)
    scale = side / max(found.arena_bytes, 1)
    picture = Picture(bottom + 6, f"Arena of {found.arena_bytes:,} bytes over time", _memory_words(found))
    picture.hatch()
    for place in ticks(0, found.arena_bytes, 4):
        x = left + place * scale
        picture.line((x, top), (x, bottom), "grid")
        if x < left + side - 60 or place == found.arena_bytes:
            picture.text(x, top - 6, f"{place:,.0f}", "tick", "middle")
    picture.line((left + side, top), (left + side, bottom), "limit")
    picture.text(left + side, top - 6, f"{found.arena_bytes:,}", "tick strong", "end")
    picture.text(0, 12, "step", "axis")
    picture.text(left + side, 12, "address in the arena, bytes", "axis", "end")
    for step, name in enumerate(_step_names(found)):
        y = top + row * step
        picture.line((0, y), (left + side, y), "grid")
        picture.text(0, y + row / 2 + 4, shortened(name, left - 10, end=_END), "name")
    _memory_blocks(picture, found.blocks, (left, top, row, scale))
    return picture.markup()


def _memory_blocks(picture: Picture, blocks: Sequence[MemoryBlock], frame: tuple[float, float, float, float]) -> None:
    colours = block_colours([(block.first, block.last) for block in blocks], len(LIGHT.blocks))
    areas = [Area(block.first, block.last + 1, block.offset, block.offset + block.bytes) for block in blocks]
    for block, area, colour in zip(blocks, areas, colours, strict=True):
        _memory_area(picture, block, area, "scratch" if block.scratch else f"tensor-{colour + 1}", frame)
    for number, (block, area) in enumerate(zip(blocks, areas, strict=True)):
        for shared in filter(None, map(area.shared, areas[:number])):
            _memory_area(picture, block, shared, "overlap", frame)
    for number in range(len(blocks)):
        _memory_figure(picture, blocks, number, frame)


def _memory_area(
    picture: Picture, block: MemoryBlock, area: Area, kind: str, frame: tuple[float, float, float, float]
) -> None:
    """Draw a block, or the part of it that lies on another."""
    left, top, row, scale = frame
    during = f"step {block.first}" if block.first == block.last else f"steps {block.first} to {block.last}"
    hover = f"{block.shown}: {block.bytes:,} bytes at {block.offset:,}, {during}"
    picture.bar(
        left + area.bottom * scale, top + row * area.left + 1.5, max((area.top - area.bottom) * scale, 1.0),
        row * (area.right - area.left) - 3, f"block {kind}", hover,
    )  # fmt: skip


def _memory_figure(
    picture: Picture, blocks: Sequence[MemoryBlock], number: int, frame: tuple[float, float, float, float]
) -> None:
    """Write a block's name and bytes, or its bytes, into the first of its steps where nothing else lies on it."""
    left, top, row, scale = frame
    block = blocks[number]
    others = [*blocks[:number], *blocks[number + 1 :]]
    if row <= TEXT + 4:
        return
    for label in (f"{block.shown} {block.bytes:,}", f"{block.bytes:,}"):
        for step in range(block.first, block.last + 1):
            start, end = _widest_gap(block, [one for one in others if one.first <= step <= one.last])
            if (end - start) * scale > len(label) * TEXT * 0.6 + 4:
                x, y = left + (start + end) / 2 * scale, top + row * (step + 0.5) + 4
                picture.text(x, y, label, "inside", "middle")
                return


def _widest_gap(block: MemoryBlock, others: Sequence[MemoryBlock]) -> tuple[int, int]:
    """Return the longest part of a block, from byte to byte, on which none of the others lies."""
    end, place, best = block.offset + block.bytes, block.offset, (block.offset, block.offset)
    covered = sorted((one.offset, one.offset + one.bytes) for one in others)
    for start, stop in [*covered, (end, end)]:
        free = (place, min(start, end))
        best = max(best, free, key=lambda part: part[1] - part[0])
        place = max(place, stop)
    return best


def _step_names(found: MemoryMap) -> list[str]:
    """Return of each step its operator's number in the file and what it writes, or the operator's kind."""
    operators = [label.removeprefix("operator ").removeprefix("operators ") for label in found.steps]
    layers = found.layers or tuple(label.partition(" ")[2] for label in operators)
    return [f"{label.partition(' ')[0]} {layer}" for label, layer in zip(operators, layers, strict=True)]


def _memory_words(found: MemoryMap) -> str:
    return (
        f"{len(found.blocks)} tensors and scratch buffers over {len(found.steps)} steps. The largest tensor has "
        f"{found.largest_tensor:,} bytes, the tensors that are needed at once {found.largest_live_set:,}. "
        "The table below has every one."
    )


def corruptions(found: Robustness) -> Markup:
    """Return each corruption's mean accuracy, a point for each model on one line."""
    rows = [*found.corruptions, *found.summaries]
    left, top, side, row = 122.0, 10.0, WIDTH - 140.0, 22.0
    bottom = top + row * len(rows)
    lowest = min(one.mean for each in rows for one in each.accuracy)
    low = min(0.95, int(20 * lowest) / 20)
    picture = Picture(bottom + 38, "Accuracy under corruptions", _corruption_words(found))
    for share in ticks(low, 1.0, 5):
        x = left + side * (share - low) / (1 - low)
        picture.line((x, top), (x, bottom), "grid")
        picture.text(x, bottom + 17, f"{share:.0%}", "tick", "middle")
    picture.text(left + side / 2, bottom + 33, "accuracy, mean over severities", "axis", "middle")
    for number, each in enumerate(rows):
        _corruption_row(picture, each, found, (left, top + row * (number + 0.5), side, low))
    return picture.markup()


def _corruption_row(
    picture: Picture, each: CorruptionRow, found: Robustness, frame: tuple[float, float, float, float]
) -> None:
    left, y, side, low = frame
    strong = " strong" if each in found.summaries else ""
    picture.text(left - 10, y + 4, shortened(each.name.replace("_", " "), left - 12), f"name{strong}", "end")
    places = [left + side * (one.mean - low) / (1 - low) for one in each.accuracy]
    picture.line((min(places), y), (max(places), y), "join")
    for series, (x, one) in enumerate(zip(places, each.accuracy, strict=True), start=1):
        hover = f"{each.name}, {found.models[series - 1]}: {one.mean:.2%} ± {one.standard_error:.2%}"
        picture.mark(x, y, series, hover)


def _corruption_words(found: Robustness) -> str:
    worst = min(found.corruptions, key=lambda one: min(each.mean for each in one.accuracy), default=None)
    if worst is None:
        return "No corruption was measured."
    return f"{len(found.corruptions)} corruptions; the worst is {worst.name}. The table below has every figure."
