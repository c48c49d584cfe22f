"""The colours of every picture: on a bright ground, and on a dark one.

They are those of Okabe and Ito (Color Universal Design, 2008), which people with any kind of colour vision tell apart,
made darker or paler where the contrast to the ground was below 4.5 : 1 for lines and texts. What a colour says is said
by a shape, a hatch or a word too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb: the ground, texts and frames, and those that tell things apart.

    ``series``: of lines and points, ``blocks``: of areas with a text in ``on_block``, ``wrong``: of mistakes from few
    to many, with texts in ``ink`` but for the last.
    """

    name: str
    paper: str
    ink: str
    soft: str
    line: str
    series: tuple[str, ...]
    blocks: tuple[str, ...]
    scratch: str
    edge: str
    on_block: str
    wrong: tuple[str, ...]
    on_wrong: str
    right: str
    good: str
    bad: str


LIGHT = Theme(
    name="light", paper="#ffffff", ink="#1b1f24", soft="#4f5964", line="#d5dae1",
    series=("#0072b2", "#c25400", "#007a5a", "#a8487f", "#7d6b00", "#5b50b0"),
    blocks=("#a9d3ee", "#f6cf9f", "#a8dcc9", "#e9bcd6", "#f2e394", "#c9c5ec"),
    scratch="#c4cad2", edge="#3d4650", on_block="#14181d",
    wrong=("#fbe3d0", "#f5bf93", "#e8904f", "#b94e00"), on_wrong="#ffffff", right="#e3e8ee",
    good="#0b6e3f", bad="#b3261e",
)  # fmt: skip

DARK = Theme(
    name="dark", paper="#181c22", ink="#e8ebef", soft="#aeb7c2", line="#39414b",
    series=("#56b4e9", "#f0a33f", "#3ecb9d", "#e39bc4", "#f0e442", "#b3adf5"),
    blocks=("#1f5f8a", "#8a5a1a", "#1c6b50", "#7d4568", "#6e6420", "#504b94"),
    scratch="#5a636e", edge="#c3cad3", on_block="#ffffff",
    wrong=("#3c2a1c", "#6b431f", "#8f5423", "#f0a33f"), on_wrong="#14181d", right="#2a313a",
    good="#62d39a", bad="#ff9c93",
)  # fmt: skip

MARKERS = "os^DvP"
"""Shapes of points, one for each colour of a series (matplotlib's letters)."""

_theme: ContextVar[Theme] = ContextVar("theme", default=LIGHT)


def theme() -> Theme:
    """Return the colours in which pictures are drawn now."""
    return _theme.get()


@contextmanager
def drawn_dark(dark: bool) -> Iterator[None]:
    """Draw on a dark ground, or on a bright one, for as long as the block lasts."""
    token = _theme.set(DARK if dark else LIGHT)
    try:
        yield
    finally:
        _theme.reset(token)


def css_variables(colours: Theme) -> str:
    """Return the colours as variables of a style sheet, ``--series-1: #0072b2; ...``."""
    single = {
        "paper": colours.paper, "ink": colours.ink, "soft": colours.soft, "line": colours.line,
        "scratch": colours.scratch, "edge": colours.edge, "on-block": colours.on_block, "right": colours.right,
        f"on-wrong-{len(colours.wrong)}": colours.on_wrong, "good": colours.good, "bad": colours.bad,
    }  # fmt: skip
    lists = {"series": colours.series, "block": colours.blocks, "wrong": colours.wrong}
    numbered = {f"{name}-{place}": one for name, ones in lists.items() for place, one in enumerate(ones, start=1)}
    return " ".join(f"--{name}: {colour};" for name, colour in {**single, **numbered}.items())


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, contrast ratio)."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def block_colours(spans: Sequence[tuple[int, int]], colours: int) -> list[int]:
    """Return a colour's number for each block, from its first to its last step: those side by side differ.

    Where more meet than there are colours, the one that was used longest ago comes again.
    """
    found: list[int] = []
    for number, (first, last) in enumerate(spans):
        beside = [
            found[other] for other, (start, end) in enumerate(spans[:number]) if start <= last + 1 and end >= first - 1
        ]
        free = [colour for colour in range(colours) if colour not in beside]
        latest = {colour: place for place, colour in enumerate(beside)}
        found.append(free[0] if free else min(latest, key=lambda colour: latest[colour]))
    return found
