"""Figures of matplotlib in one style: ground, frame, legend beside the data, texts that do not lie on each other.

matplotlib is an extra (``pip install 'edgemnist[plot]'``) and imported where a figure is made. Figures have canvases of
their own: no window system, and no state shared with the caller's plots.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.files import write_bytes
from edgemnist.support.palette import theme

DOTS_PER_INCH = 110
TITLE, LABEL, TICK = 11, 9, 8
"""Sizes of texts in points."""

Box = tuple[float, float, float, float]
"""Left, bottom, right and top in pixels."""


def new_figure(width: float, height: float) -> Any:
    """Return a figure of a size in inches. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08, wspace=0.02, hspace=0.02)
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout, facecolor=theme().paper)
    FigureCanvasAgg(figure)
    return figure


def styled(axes: Any, *, title: str = "", x: str = "", y: str = "", grid: str = "both") -> Any:
    """Return axes in the style of all figures; ``grid``: "x", "y", "both" or "" for none."""
    colours = theme()
    axes.set_facecolor(colours.paper)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(colours.soft)
    axes.tick_params(colors=colours.soft, labelcolor=colours.ink, labelsize=TICK, which="both")
    if grid:
        axes.grid(axis=grid, color=colours.line, linewidth=0.8)
    axes.set_title(title, fontsize=TITLE, color=colours.ink, parse_math=False)
    axes.set_xlabel(x, fontsize=LABEL, color=colours.ink, parse_math=False)
    axes.set_ylabel(y, fontsize=LABEL, color=colours.ink, parse_math=False)
    return axes


def heading(figure: Any, text: str) -> None:
    """Write a figure's heading, in as many lines as its width asks for."""
    most = int(figure.get_figwidth() * 72 / (0.62 * (TITLE + 1)))
    text = "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, most))
    figure.suptitle(text, fontsize=TITLE + 1, color=theme().ink, parse_math=False)


def legend_below(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> Any:
    """Add a legend below a figure's axes, in as many columns as its width allows."""
    inches = 0.7 + max(len(label) for label in labels) * 0.6 * LABEL / 72
    columns = max(1, min(len(labels), int(figure.get_figwidth() / inches)))
    found = figure.legend(
        handles, labels, ncols=columns, fontsize=LABEL, frameon=False, labelcolor=theme().ink,
        loc="outside lower center",
    )  # fmt: skip
    for text in found.get_texts():
        text.set_parse_math(False)
    return found


def whole_numbers(axis: Any) -> None:
    """Let an axis have ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def logarithmic_costs(axis: Any, low: float, high: float) -> None:
    """Let a logarithmic axis from ``low`` to ``high`` have few ticks, 20k instead of 2 x 10^4."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=_subdivisions(high / low)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(short_number))


def _subdivisions(span: float) -> tuple[float, ...]:
    """Return which multiples of a power of ten are ticks, so that there are about five where an axis spans so much."""
    if span > 1000:
        return (1,)
    if span > 100:
        return (1, 3)
    return (1, 2, 5) if span > 4 else (1, 1.5, 2, 3, 4, 5, 6, 8)


def short_number(value: float, _: int = 0) -> str:
    """Return a number in few characters: 20,000 is 20k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def png_of(figure: Any) -> bytes:
    """Return a figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names in a script that the font lacks; they are drawn as boxes
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Any, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    return write_bytes(path, png_of(figure))


# --- labels of points ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PointLabel:
    """A text for a point of axes, in data coordinates; ``spread``: half of the bar through the point, upwards."""

    x: float
    y: float
    text: str
    colour: str
    spread: float = 0.0


def label_points(axes: Any, labels: Sequence[PointLabel], *, reach: float = 6.0) -> list[Any]:
    """Write texts beside their points so that none lies on a point or its bar, on another text or over the frame.

    Each text takes the first free place around its point, from near to far; from a far one a line leads to the point.
    The same labels get the same places. A text for which there is no room anywhere is left out. ``reach``: points
    of type between a point's middle and its text.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes.figure.draw_without_rendering()  # the layout has to be known
    renderer = axes.figure.canvas.get_renderer()
    pixels = axes.figure.dpi / 72
    frame = _box(axes.get_window_extent(renderer))
    points = [tuple(axes.transData.transform((one.x, one.y))) for one in labels]
    taken = [(x - 4 * pixels, y - 4 * pixels, x + 4 * pixels, y + 4 * pixels) for x, y in points]
    for (x, _), one in zip(points, labels, strict=True):
        low, high = (float(axes.transData.transform((one.x, one.y + way * one.spread))[1]) for way in (-1, 1))
        taken.append((x - pixels, low, x + pixels, high))
    texts = []
    for (x, y), label in zip(points, labels, strict=True):
        text = axes.annotate(
            label.text, (label.x, label.y), xytext=(0, 0), textcoords="offset points", fontsize=TICK,
            color=label.colour, parse_math=False, horizontalalignment="left", verticalalignment="bottom",
            annotation_clip=False,
        )  # fmt: skip
        text.set_in_layout(False)
        left, bottom, right, top = _box(text.get_window_extent(renderer))
        size = right - left, top - bottom
        place = next(
            (one for one in _around(x, y, size, reach * pixels) if _within(one, frame) and not _hits(one, taken)), None
        )
        if place is None:
            text.remove()
            continue
        taken.append(place)
        texts.append(text)
        text.set_position(((place[0] - x) / pixels, (place[1] - y) / pixels))
        if _far(place, x, y, 2 * reach * pixels):
            _lead(axes, (x, y), place, label.colour)
    return texts


def _around(x: float, y: float, size: tuple[float, float], reach: float) -> Iterator[Box]:
    """Yield places for a box of a size around a point, the nearest and the best to read first."""
    width, height = size
    for distance in (reach, 2 * reach, 3 * reach, 5 * reach, 8 * reach):
        for across, up in ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1)):
            step = distance if across == 0 or up == 0 else 0.7 * distance
            left = x + across * step - (width if across < 0 else width / 2 if across == 0 else 0)
            bottom = y + up * step - (height if up < 0 else height / 2 if up == 0 else 0)
            yield left, bottom, left + width, bottom + height


def _lead(axes: Any, point: tuple[float, float], place: Box, colour: str) -> None:
    """Draw a line from a text to its point."""
    nearest = (min(max(point[0], place[0]), place[2]), min(max(point[1], place[1]), place[3]))
    ends = axes.transData.inverted().transform([point, nearest])
    (line,) = axes.plot(*zip(*ends, strict=True), color=colour, linewidth=0.7, alpha=0.7, scalex=False, scaley=False)
    line.set_in_layout(False)


def _box(extent: Any) -> Box:
    return float(extent.x0), float(extent.y0), float(extent.x1), float(extent.y1)


def _far(box: Box, x: float, y: float, distance: float) -> bool:
    across = max(box[0] - x, 0, x - box[2])
    up = max(box[1] - y, 0, y - box[3])
    return bool(across > distance or up > distance)


def _within(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _hits(box: Box, others: Sequence[Box]) -> bool:
    return any(overlap(box, other) for other in others)


def overlap(first: Box, second: Box) -> bool:
    """Return whether two boxes have a place in common."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
