"""Pictures for inside an HTML page: elements that escape what is in them, colours from the page's style sheet.

A picture is drawn for a telephone's width; the page lets it grow to what is still pleasant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from xml.etree import ElementTree

from markupsafe import Markup

from edgemnist.support.palette import LIGHT

WIDTH = 360
"""Width of every picture in its own units, of which one is about a pixel on a telephone."""

TEXT = 12
"""Size of text; no smaller, so that it can be read on a telephone."""

_CHARACTER = 0.66
"""Width of a character as a share of the text's size: of capitals, and in bold, in a wide sans-serif typeface."""

_numbers: ContextVar[Iterator[int]] = ContextVar("numbers")


@contextmanager
def numbered() -> Iterator[None]:
    """Give the pictures that are made in here identifiers of their own, the same in each page."""
    token = _numbers.set(itertools.count(1))
    try:
        yield
    finally:
        _numbers.reset(token)


class Picture:
    """A picture that is being drawn. ``title`` is its name and ``description`` what is to be seen, for who can't."""

    def __init__(self, height: float, title: str, description: str, *, width: float = WIDTH) -> None:
        number = next(_numbers.get())
        names = f"picture-{number}-title picture-{number}-text"
        attributes = {"viewBox": f"0 0 {_figure(width)} {_figure(height)}", "role": "img", "aria-labelledby": names}
        self.root = ElementTree.Element("svg", {**attributes, "class": "picture"})
        for name, identifier, text in (("title", "title", title), ("desc", "text", description)):
            ElementTree.SubElement(self.root, name, id=f"picture-{number}-{identifier}").text = text

    def add(self, tag: str, classes: str = "", hover: str = "", **attributes: float | str) -> ElementTree.Element:
        """Add an element; ``_`` in an attribute's name stands for ``-``; ``hover`` is what a pointer over it tells."""
        given = {name.rstrip("_").replace("_", "-"): _value(value) for name, value in attributes.items()}
        element = ElementTree.SubElement(self.root, tag, {**({"class": classes} if classes else {}), **given})
        if hover:
            ElementTree.SubElement(element, "title").text = hover
        return element

    def text(
        self, x: float, y: float, text: str, classes: str = "", anchor: str = "start", **attributes: float | str
    ) -> None:
        """Add a text whose baseline starts, ends or has its middle at a point."""
        places: dict[str, float | str] = {"x": x, "y": y, "text_anchor": anchor, **attributes}
        self.add("text", classes, "", **places).text = text

    def line(self, start: tuple[float, float], end: tuple[float, float], classes: str) -> None:
        """Add a line."""
        self.add("line", classes, x1=start[0], y1=start[1], x2=end[0], y2=end[1])

    def bar(self, x: float, y: float, width: float, height: float, classes: str, hover: str = "") -> None:
        """Add a rectangle; one of no height or width is left out."""
        if width > 0 and height > 0:
            self.add("rect", classes, hover, x=x, y=y, width=width, height=height)

    def hatch(self) -> None:
        """Define the lines of the class ``overlap``, once for a page: a style sheet finds them by their name."""
        pattern = ElementTree.SubElement(
            ElementTree.SubElement(self.root, "defs"), "pattern", id="hatch", width="5", height="5",
            patternUnits="userSpaceOnUse", patternTransform="rotate(45)",
        )  # fmt: skip
        ElementTree.SubElement(pattern, "line", {"class": "hatch", "x1": "0", "y1": "0", "x2": "0", "y2": "5"})

    def mark(self, x: float, y: float, series: int, hover: str) -> None:
        """Add the point of a series, from 1: see :func:`sign`."""
        tag, attributes = _shape(x, y, series)
        self.add(tag, f"mark series-{_colour(series)}", hover, **attributes)

    def markup(self) -> Markup:
        """Return the picture as HTML."""
        return Markup(ElementTree.tostring(self.root, encoding="unicode"))


def sign(series: int) -> Markup:
    """Return the point of a series, from 1, for a legend.

    It is a circle for the first, a square for the second, then a triangle and a square on its corner in turn. The
    first square lies within the circle, so that both are seen where they are in one place. There are as many colours
    as the palette has; then they come again.
    """
    tag, attributes = _shape(6, 6, series)
    root = ElementTree.Element("svg", {"viewBox": "0 0 12 12", "aria-hidden": "true"})
    given = {name: _value(value) for name, value in attributes.items()}
    ElementTree.SubElement(root, tag, {"class": f"mark series-{_colour(series)}", **given})
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _shape(x: float, y: float, series: int) -> tuple[str, dict[str, float | str]]:
    """Return the element of a series' point, and where it is."""
    if series == 1:
        return "circle", {"cx": x, "cy": y, "r": 5}
    if series == 2:
        return "rect", {"x": x - 3, "y": y - 3, "width": 6, "height": 6}
    corners = ((0, -4.5), (4.5, 4), (-4.5, 4)) if series % 2 else ((0, -5), (5, 0), (0, 5), (-5, 0))
    return "polygon", {"points": " ".join(f"{_figure(x + across)},{_figure(y + down)}" for across, down in corners)}


def _colour(series: int) -> int:
    return (series - 1) % len(LIGHT.series) + 1


def shortened(text: str, width: float, size: float = TEXT, end: int = 0) -> str:
    """Return a text that is about ``width`` wide, with a mark where something was left out before its ``end``."""
    most = max(1, int(width / (size * _CHARACTER)))
    return text if len(text) <= most else f"{text[: max(0, most - 1 - end)]}…{text[len(text) - end :]}"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from ``low`` to ``high``, at most about ``most`` of them."""
    if high <= low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else _figure(value)


def _figure(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
