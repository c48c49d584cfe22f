"""A memory plan as a picture: steps to the right, addresses upwards, a block for each tensor. Needs matplotlib."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import SCRATCH, Placed, Plan
from edgemnist.support.palette import block_colours, theme

MOST_DRAWN = 300
"""Steps in a picture: with more nobody can read it."""

_TEXT = 7.0
_MOST_IN_A_ROW = 40
_STEP, _NARROWEST_STEP = 1.0, 0.3
"""Inches for a step: of a short net, and at least; in the narrowest a line of text can stand upright."""

_WIDTH, _ROW, _MARGIN = 8.0, 5.6, 1.5
"""Inches: the least width of a picture, the height of a row, and what stands beside the steps."""

_SLANTED = 0.55
"""Inches for a step from which on its label is slanted, not upright."""

_LONGEST_LABEL = 46

_EMPTY = 0.2
"""Where a larger share of a row below its lowest block would be empty, the scale begins higher."""


@dataclass(frozen=True)
class Area:
    """A rectangle in the picture: from a step to before another, from a byte to before another."""

    left: float
    right: float
    bottom: float
    top: float

    def shared(self, other: Area) -> Area | None:
        """Return what two areas have in common, None for nothing."""
        found = Area(
            max(self.left, other.left), min(self.right, other.right),
            max(self.bottom, other.bottom), min(self.top, other.top),
        )  # fmt: skip
        return found if found.left < found.right and found.bottom < found.top else None

    def holds(self, across: float, up: float) -> bool:
        """Return whether something of that size fits in."""
        return across <= self.right - self.left and up <= self.top - self.bottom


def area_of(item: Placed, steps: int) -> Area:
    """Return where a buffer is drawn; an output, which is alive after the last step, ends with it."""
    last = min(item.buffer.last, steps - 1)
    return Area(min(item.buffer.first, last), last + 1, item.offset, item.end)


def picture(program: Program, plan: Plan, name: str) -> bytes:
    """Return the plan as a PNG."""
    from edgemnist.support.figures import png_of

    return png_of(memory_figure(program, plan, name))


def memory_figure(program: Program, plan: Plan, name: str) -> Any:
    """Return the plan as a figure of matplotlib: every tensor opaque, what lies on another hatched.

    A long net goes on in the next row, each with a scale of its own: late layers are small beside the first ones.
    """
    from edgemnist.support import figures

    steps = max(len(program.steps), 1)
    rows = -(-steps // _MOST_IN_A_ROW)
    length = -(-steps // rows)
    step_width = min(_STEP, max(_NARROWEST_STEP, (_WIDTH - _MARGIN) / length))
    figure = figures.new_figure(max(_WIDTH, _MARGIN + step_width * length), 1.0 + _ROW * rows)
    figures.heading(figure, _title(program, plan, name, rows))
    areas = [area_of(item, steps) for item in plan.placed]
    labels = _step_labels(program)
    panels = figure.subplots(rows, 1, squeeze=False).ravel()
    for row, axes in enumerate(panels):
        first = row * length
        _draw_row(axes, plan, areas, range(first, first + length), labels)
        axes.tick_params(axis="x", labelrotation=35 if step_width >= _SLANTED else 90)
        for tick in axes.get_xticklabels() if step_width >= _SLANTED else ():
            tick.set(horizontalalignment="right", rotation_mode="anchor")
    panels[-1].set_xlabel("step: what it writes, its bytes, its operator")
    _legend(figure)
    figure.draw_without_rendering()  # the layout has to be known
    figure.set_layout_engine("none")  # and stays
    for axes in panels:
        _name_blocks(axes, plan.placed, areas)
    return figure


def _draw_row(axes: Any, plan: Plan, areas: Sequence[Area], steps: range, labels: Sequence[str]) -> None:
    from edgemnist.support import figures

    numbers = block_colours([(int(area.left), int(area.right) - 1) for area in areas], len(theme().blocks))
    shown = [place for place, area in enumerate(areas) if area.left < steps.stop and steps.start < area.right]
    there = [areas[place] for place in shown]
    for place in shown:
        _block(axes, plan.placed[place], areas[place], numbers[place])
    _overlaps(axes, there)
    axes.axhline(plan.size, color=theme().ink, linewidth=1.2)
    figures.styled(axes, y="address in the arena, bytes", grid="y")
    axes.set_xlim(steps.start, steps.stop)
    lowest, highest = min((area.bottom for area in there), default=0), max((area.top for area in there), default=1)
    free = 0.02 * (highest - lowest)
    axes.set_ylim(lowest - free if lowest > _EMPTY * highest else 0, highest + free)
    named = [step for step in steps if step < len(labels)]
    axes.set_xticks([step + 0.5 for step in named], [labels[step] for step in named])
    axes.tick_params(axis="x", labelsize=_TEXT, length=2)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _title(program: Program, plan: Plan, name: str, rows: int) -> str:
    bands = f"; steps 0 to {program.bands.steps - 1} run by bands" if program.bands else ""
    scales = "; each row has its own scale" if rows > 1 else ""
    return (
        f"{name}: arena of {plan.size:,} bytes\nlargest tensor {plan.largest_tensor:,}, "
        f"at once without overlap {plan.largest_live_set:,}{bands}{scales}"
    )


def _step_labels(program: Program) -> list[str]:
    graph, labels = program.graph, []
    for number, step in enumerate(program.steps):
        written = step.outputs[0]
        kind = step.node.label.split(" ", 2)[2].replace("_2D", "")
        told = kind.replace("_", "").lower() in graph.called(written).replace("_", "").lower()
        label = f"{number} {graph.called(written)}, {graph.tensors[written].bytes:,} B{'' if told else f', {kind}'}"
        labels.append(label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…")
    return labels


def _block(axes: Any, item: Placed, area: Area, number: int) -> None:
    colours = theme()
    fill = colours.scratch if item.buffer.tensor == SCRATCH else colours.blocks[number]
    axes.add_patch(_rectangle(area, facecolor=fill, edgecolor=colours.edge, linewidth=0.7, gid="block"))


def _overlaps(axes: Any, areas: Sequence[Area]) -> None:
    """Hatch where a tensor lies on another."""
    for one, other in itertools.combinations(areas, 2):
        shared = one.shared(other)
        if shared is not None:
            axes.add_patch(
                _rectangle(shared, fill=False, edgecolor=theme().edge, hatch="////", linewidth=0.0, gid="overlap")
            )


def _rectangle(area: Area, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((area.left, area.bottom), area.right - area.left, area.top - area.bottom, **style)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from edgemnist.support.figures import legend_below

    colours = theme()
    handles = [
        Patch(facecolor=colours.blocks[0], edgecolor=colours.edge),
        Patch(facecolor=colours.scratch, edgecolor=colours.edge),
        Patch(fill=False, edgecolor=colours.edge, hatch="////"),
        Line2D([], [], color=colours.ink, linewidth=1.2),
    ]
    labels = ["tensor (colours tell neighbours apart)", "scratch of a step", "an output on its input", "arena's end"]
    legend_below(figure, handles, labels)


# --- names in the blocks ---------------------------------------------------------------------------------------------


def _name_blocks(axes: Any, placed: Sequence[Placed], areas: Sequence[Area]) -> None:
    """Write name and bytes into each block, in the first way for which there is room where nothing lies on it.

    Where a block lies on others everywhere, the text stands on a ground of its own.
    """
    renderer = axes.figure.canvas.get_renderer()
    origin, corner = axes.transData.transform([(0, 0), (1, 1)])
    per_step, per_byte = corner - origin
    row = Area(*axes.get_xlim(), *axes.get_ylim())
    for number, (item, whole) in enumerate(zip(placed, areas, strict=True)):
        area = whole.shared(row)
        if area is None:
            continue
        under, over = ([part for other in some if (part := area.shared(other))]
                       for some in (areas[:number], areas[number + 1 :]))  # fmt: skip
        rooms = [*_rooms(area, [*under, *over]), *_rooms(area, over)]
        for text, turned in _ways(item):
            width, height = _size(renderer, text)
            across, up = (height, width) if turned else (width, height)
            room = next((one for one in rooms if one.holds((across + 4) / per_step, (up + 3) / per_byte)), None)
            if room is not None:
                _write(axes, room, text, turned=turned, ground=any(room.shared(other) for other in under))
                break


def _write(axes: Any, room: Area, text: str, *, turned: bool, ground: bool) -> None:
    from matplotlib.colors import to_hex

    written = axes.text(
        (room.left + room.right) / 2, (room.bottom + room.top) / 2, text, ha="center", va="center", fontsize=_TEXT,
        rotation=90 if turned else 0, color=theme().on_block, parse_math=False, gid="name", linespacing=1.1,
    )  # fmt: skip
    written.set_in_layout(False)
    if ground:
        block = next(one for one in reversed(axes.patches) if one.get_gid() == "block" and _holds(one, room))
        written.set_bbox({"facecolor": to_hex(block.get_facecolor()), "edgecolor": "none", "pad": 1.0})


def _holds(block: Any, room: Area) -> bool:
    x, y = block.get_xy()
    return bool(
        x <= room.left and room.right <= x + block.get_width() and y <= room.bottom
        and room.top <= y + block.get_height()
    )  # fmt: skip


def _ways(item: Placed) -> Iterator[tuple[str, bool]]:
    """Yield how a block can be named, the best first: a text, and whether it stands upright."""
    size = f"{item.buffer.size:,} B"
    for text in (f"{item.buffer.name}\n{size}", f"{item.buffer.name} {size}", item.buffer.name, size):
        yield text, False
        yield text, True


def _rooms(area: Area, others: Sequence[Area]) -> Iterator[Area]:
    """Yield parts of a block on which nothing else lies, the largest first: columns of steps, and their widest gaps."""
    edges = sorted({area.left, area.right, *(other.left for other in others), *(other.right for other in others)})
    found = []
    for left, right in itertools.combinations(edges, 2):
        there = [other for other in others if other.left < right and left < other.right]
        levels = [area.bottom, *sorted(level for other in there for level in (other.bottom, other.top)), area.top]
        for bottom, top in itertools.pairwise(levels):
            room = Area(left, right, bottom, top)
            if bottom < top and not any(room.shared(other) for other in there):
                found.append(room)
    yield from sorted(found, key=lambda room: -(room.right - room.left) * (room.top - room.bottom))


def _size(renderer: Any, text: str) -> tuple[float, float]:
    """Return a text's width and height in pixels."""
    from matplotlib.font_manager import FontProperties

    font, lines = FontProperties(size=_TEXT), text.split("\n")
    sizes = [renderer.get_text_width_height_descent(line, font, ismath=False) for line in lines]
    return max(width for width, _, _ in sizes), 1.25 * sum(height for _, height, _ in sizes)
