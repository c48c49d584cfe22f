"""Markdown, one paragraph a line, so that no width decides where lines end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page: its file name, its title, one sentence that says what is on it, and the text below those."""

    name: str
    title: str
    summary: str
    body: str

    def text(self) -> str:
        """Return the whole page, without the line that says who wrote it."""
        return f"# {self.title}\n\n{self.summary}\n\n{self.body.strip()}\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a ``|`` in a cell is escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(_cell(value) for value in line)} |\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def code(text: object) -> str:
    """Return a text as code, or nothing for an empty one."""
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Return texts as code with commas between."""
    return ", ".join(code(text) for text in texts)


def prose(text: str) -> str:
    """Return a text of plain words, whose Markdown signs stand for themselves; code in backticks stays code."""
    parts = re.split(r"(`+[^`]+`+)", text)
    plain = [re.sub(r"([*<>])", r"\\\1", part) if index % 2 == 0 else part for index, part in enumerate(parts)]
    return "".join(plain)


def first_sentence(documented: object) -> str:
    """Return the first line of a docstring, with Markdown's backticks; empty where there is none."""
    lines = (getattr(documented, "__doc__", None) or "").strip().splitlines()
    return re.sub(r":\w+:`[~.]*([^`]+)`", r"`\1`", lines[0]).replace("``", "`") if lines else ""


def size(count: int) -> str:
    """Return bytes in the largest of the units of 1024 that leaves no remainder."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count and count % unit == 0:
            return f"{count // unit:,} {name}"
    return f"{count:,} bytes"


def mark(yes: bool) -> str:
    """Return "yes", or nothing."""
    return "yes" if yes else ""
