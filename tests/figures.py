"""Looks at a figure of matplotlib as data: which of its texts lie on each other, are cut off, or lie on the data."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

from edgemnist.support.figures import DOTS_PER_INCH, Box, overlap
from edgemnist.support.palette import Theme


def _texts(figure: Any) -> list[tuple[Text, Box]]:
    """Return the texts that are drawn, and what they cover in pixels: of slanted ones the upright box around them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    hidden = {
        id(text)
        for axes in figure.findobj(Axes)
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for text in (tick.label1, tick.label2)
        if not (axes.axison and _inside(axis, tick.get_loc()))
    }
    found = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [(one, _box(one.get_window_extent(renderer))) for one in found if id(one) not in hidden]


def _inside(axis: Any, place: float) -> bool:
    low, high = sorted(axis.get_view_interval())
    return bool(low - 1e-9 <= place <= high + 1e-9)


def _box(extent: Any) -> Box:
    """Return a box that is a pixel smaller on each side, which is what letters leave free."""
    return extent.x0 + 1, extent.y0 + 1, extent.x1 - 1, extent.y1 - 1


def problems(figure: Any) -> list[str]:
    """Return all that is wrong with the texts of a figure: on each other, cut off, or a legend that lies on data."""
    texts = _texts(figure)
    left, bottom, right, top = _box(figure.bbox)
    found = [
        f"{one.get_text()!r} and {other.get_text()!r} lie on each other"
        for (one, first), (other, second) in itertools.combinations(texts, 2)
        if overlap(first, second) and not _side_by_side(one, other)
    ]
    found += [
        f"{one.get_text()!r} is cut off"
        for one, box in texts
        if box[0] < left or box[1] < bottom or box[2] > right or box[3] > top
    ]
    renderer = figure.canvas.get_renderer()
    frames = [_box(axes.get_window_extent(renderer)) for axes in figure.findobj(Axes) if axes.axison]
    legends = [_box(one.get_window_extent(renderer)) for one in figure.legends]
    return found + ["a legend lies on the data" for one in legends if any(overlap(one, frame) for frame in frames)]


def _side_by_side(one: Text, other: Text) -> bool:
    """Return whether two texts are slanted alike, and farther apart across than a line is high."""
    angle = math.radians(one.get_rotation())
    if one.get_rotation() % 90 == 0 or one.get_rotation() != other.get_rotation():
        return False
    (x, y), (u, v) = (text.get_transform().transform(text.get_position()) for text in (one, other))
    pixels = 1.2 * float(one.get_fontsize()) * DOTS_PER_INCH / 72
    return bool(abs((u - x) * math.sin(angle) - (v - y) * math.cos(angle)) > pixels)


def foreign_colours(figure: Any, theme: Theme) -> set[str]:
    """Return the colours of a figure's texts, lines and areas that are not the theme's."""
    known = {value for value in vars(theme).values() if isinstance(value, str)}
    known |= {*theme.series, *theme.blocks, *theme.wrong}
    shown = {to_hex(text.get_color()) for text in figure.findobj(Text) if text.get_text().strip()}
    for axes in figure.findobj(Axes):
        shown |= {to_hex(line.get_color()) for line in axes.lines}
        shown |= {to_hex(patch.get_facecolor()) for patch in axes.patches if patch.get_fill()}
        shown.add(to_hex(axes.get_facecolor()))
    return shown - known
