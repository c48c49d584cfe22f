"""The arena over time, and accuracy under corruptions, as pictures."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from edgemnist.commands.report.html.svg import TEXT, WIDTH, Picture, shortened, ticks
from edgemnist.commands.report.sections import CorruptionRow, MemoryBlock, MemoryMap, Robustness

_COLOURS = 6


def memory_map(found: MemoryMap) -> Markup:
    """Return the arena: time downwards in steps, addresses to the right in bytes.

    Time runs down so that the names of the steps have a line each, however many there are.
    """
    left, top, side = 158.0, 34.0, WIDTH - 160.0
    row = 30.0 if len(found.steps) <= 40 else 16.0
    bottom = top + row * len(found.steps)
    scale = side / max(found.arena_bytes, 1)
    picture = Picture(bottom + 6, f"Arena of {found.arena_bytes:,} bytes over time", _memory_words(found))
    for place in ticks(0, found.arena_bytes, 4):
        x = left + place * scale
        picture.line((x, top), (x, bottom), "grid")
        if x < left + side - 60 or place == found.arena_bytes:
            picture.text(x, top - 6, f"{place:,.0f}", "tick", "middle")
    picture.line((left + side, top), (left + side, bottom), "limit")
    picture.text(left + side, top - 6, f"{found.arena_bytes:,}", "tick strong", "end")
    picture.text(0, 12, "step", "axis")
    picture.text(left + side, 12, "address in the arena, bytes", "axis", "end")
    for step, label in enumerate(found.steps):
        y = top + row * step
        picture.line((0, y), (left + side, y), "grid")
        picture.text(0, y + row / 2 + 4, shortened(_operator(label), left - 10), "name")
    for number, block in enumerate(found.blocks):
        _memory_block(picture, block, number, (left, top, row, scale))
    for number in range(len(found.blocks)):
        _memory_figure(picture, found.blocks, number, (left, top, row, scale))
    return picture.markup()


def _memory_block(picture: Picture, block: MemoryBlock, number: int, frame: tuple[float, float, float, float]) -> None:
    left, top, row, scale = frame
    x, y = left + block.offset * scale, top + row * block.first + 1.5
    width, height = block.bytes * scale, row * (block.last - block.first + 1) - 3
    steps = f"step {block.first}" if block.first == block.last else f"steps {block.first} to {block.last}"
    hover = f"{block.name}: {block.bytes:,} bytes at {block.offset:,}, {steps}"
    kind = "scratch" if block.scratch else f"tensor-{number % _COLOURS + 1}"
    picture.bar(x, y, max(width, 1.0), height, f"block {kind}", hover)


def _memory_figure(
    picture: Picture, blocks: Sequence[MemoryBlock], number: int, frame: tuple[float, float, float, float]
) -> None:
    """Write a block's bytes into its first step, where no block that is drawn later lies on it."""
    left, top, row, scale = frame
    block = blocks[number]
    later = [one for one in blocks[number + 1 :] if one.first <= block.first <= one.last]
    start, end = _widest_gap(block, later)
    label = f"{block.bytes:,}"
    if (end - start) * scale > len(label) * TEXT * 0.6 + 4 and row > TEXT + 4:
        picture.text(left + (start + end) / 2 * scale, top + row * (block.first + 0.5) + 4, label, "inside", "middle")


def _widest_gap(block: MemoryBlock, others: Sequence[MemoryBlock]) -> tuple[int, int]:
    """Return the longest part of a block, from byte to byte, on which none of the others lies."""
    end, place, best = block.offset + block.bytes, block.offset, (block.offset, block.offset)
    covered = sorted((one.offset, one.offset + one.bytes) for one in others)
    for start, stop in [*covered, (end, end)]:
        free = (place, min(start, end))
        best = max(best, free, key=lambda part: part[1] - part[0])
        place = max(place, stop)
    return best


def _operator(label: str) -> str:
    """Return "operator 3 CONV_2D" as "3 CONV_2D"."""
    return label.removeprefix("operator ").removeprefix("operators ")


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
