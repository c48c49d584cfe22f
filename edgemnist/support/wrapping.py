"""Text for a terminal: broken between words, never in a number and its unit, a path or a command."""

from __future__ import annotations

import re
import textwrap

_GLUE = "\N{NO-BREAK SPACE}"
_IN_A_FIGURE = re.compile(
    r"(?<=\d) (?=(?:%|±|[µmn]?s|[kKMG]?i?B|bytes|[kMG]?Hz|[µmn]?J|points|dB|LSB)(?!\w))"
    r"|(?<=±) (?=\d)|(?<=\bpoint) (?=-?\d)"
)
_COMMAND = re.compile(r"`[^`]+`")
_LABEL = re.compile(r"\S {2,}(?=\S)")
_FURTHER_INDENT = 2


def wrapped(text: str, width: int | None) -> list[str]:
    """Return text in lines of at most ``width`` columns, a word that is longer on a line of its own; None: as it is.

    Lines after the first start below what follows a label, where the text has one, that is two spaces or more; else two
    columns further in than the first.
    """
    lines = text.split("\n")
    return lines if width is None else [part for line in lines for part in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = _indent(line, width)
    glued = _IN_A_FIGURE.sub(_GLUE, _COMMAND.sub(lambda found: _whole(found[0], width - indent), line))
    parts = textwrap.wrap(
        glued, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False, expand_tabs=False,
    )  # fmt: skip
    return [part.replace(_GLUE, " ") for part in parts]


def _whole(command: str, room: int) -> str:
    return command.replace(" ", _GLUE) if len(command) <= room else command


def _indent(line: str, width: int) -> int:
    """Return the column below which a line goes on."""
    labels = [found.end() for found in _LABEL.finditer(line) if found.end() <= width // 2]
    return labels[-1] if labels else len(line) - len(line.lstrip()) + _FURTHER_INDENT
