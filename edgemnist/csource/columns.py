"""C text whose lines fit into a column, whatever a model's names, shapes and labels make of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from edgemnist.csource.source import COLUMNS

_LONG = re.compile(rf"^.{{{COLUMNS + 1},}}$", re.MULTILINE)
_ATOM = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.DOTALL)
_COMMENT_LEAD = re.compile(r"\s*(?:/\*|//|\*(?!/))?\s*")
_LAST_RESORT = re.compile(r"\[(?=\w)|<(?=::)")
_CHARACTERS = re.compile(r"\\[0-7]{3}|\\.|.")

_FURTHER = "    "
"""What a statement's further lines are indented by."""

_LEAST = COLUMNS // 3
"""Characters that a better place to cut than the last one has to leave on the line."""


def within_columns(text: str) -> str:
    """Return C or C++ with every line longer than ``COLUMNS`` cut; other lines stay as they are.

    Comments go on as comments, directives behind a backslash and strings as strings side by side: the compiler reads
    the same. A word of code without any place to cut stays whole. It is quick for megabytes without long lines.
    """
    long = [found.span() for found in _LONG.finditer(text)]
    if not long:
        return text
    comments = [found.span() for found in _ATOM.finditer(text) if found[0].startswith("/*")]
    starts = [start for start, _ in comments]
    parts, done = [], 0
    for start, end in long:
        before = bisect_left(starts, start) - 1
        inside = before >= 0 and comments[before][1] > start
        parts += [text[done:start], "\n".join(_cut(text[start:end], inside=inside))]
        done = end
    return "".join([*parts, text[done:]])


def _cut(line: str, *, inside: bool) -> Iterator[str]:
    """Return the lines that a long one becomes; ``inside``: it begins within a comment."""
    end = line.find("*/", 0 if inside else line.find("/*") + 2)
    starts = line.lstrip().startswith(("/*", "//"))
    if (inside or starts) and (end < 0 or end + 2 == len(line) or line.lstrip().startswith("//")):
        return _comment(line)
    return _code(line)


# --- comments --------------------------------------------------------------------------------------------------------


def _comment(line: str) -> Iterator[str]:
    lead = _COMMENT_LEAD.match(line)
    assert lead is not None, "matches nothing, too"
    further = lead[0].replace("/*", " *") if lead[0].strip() else lead[0]
    head, rest = lead[0], line[lead.end() :]
    while len(head) + len(rest) > COLUMNS:
        end = _word_end(rest, COLUMNS - len(head))
        yield (head + rest[:end]).rstrip()
        head, rest = further, rest[end:].lstrip()
    yield head + rest


def _word_end(text: str, room: int) -> int:
    """Return where to cut: behind a word, but so that what ends the comment is not alone; within a word too long."""
    end = text.rfind(" ", 1, room + 1)
    if text[end:].strip() == "*/":
        end = text.rfind(" ", 1, end)
    return end if end > 0 else room


# --- code ------------------------------------------------------------------------------------------------------------


def _code(line: str) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    tail = " \\" if line.startswith("#") or line.endswith("\\") else ""
    while len(line) > COLUMNS:
        place = _place(line, len(indent) + len(_FURTHER) + 2, COLUMNS - len(tail))
        if place is None:
            break
        kept, left = place
        yield kept.rstrip() + tail
        line = indent + _FURTHER + left.lstrip()
    yield line


def _place(line: str, least: int, room: int) -> tuple[str, str] | None:
    """Return a line's two parts, cut at the best place from ``least`` on; None where there is none."""
    atoms = [found.span() for found in _ATOM.finditer(line)]
    blanks = [at for at in range(least, min(room, len(line) - 1) + 1) if line[at] == " "]
    outside = [at for at in blanks if not _in(atoms, at)]
    opened = [at for at in range(least, room + 1) if line[at - 1] == "(" and not _in(atoms, at)]
    better = [at for at in outside if _between_parts(line, at)] + opened
    better = [at for at in better if at >= _LEAST] or better
    if better:
        best = max(better, key=lambda at: (line.count(")", 0, at) - line.count("(", 0, at), line[at] == " ", at))
        return line[:best], line[best:]
    within = next((start for start, end in atoms if start < room < end), None)
    if within is not None and (not outside or outside[-1] < _LEAST):
        return _within_atom(line, within, least, room)
    last = max([*outside, *(found.end() for found in _LAST_RESORT.finditer(line, least, room))], default=0)
    return (line[:last], line[last:]) if last else None


def _in(atoms: Sequence[tuple[int, int]], at: int) -> bool:
    return any(start < at < end for start, end in atoms)


def _between_parts(line: str, at: int) -> bool:
    """Whether the blank at a place stands behind or before a part of a statement."""
    return line[at - 1] in ",;{=" or line[at + 1 : at + 3] in ("&&", "||", "? ", ": ")


def _within_atom(line: str, start: int, least: int, room: int) -> tuple[str, str] | None:
    """Return the two parts of a line that is cut within the comment or string that begins at ``start``."""
    blank = line.rfind(" ", max(start + 2, least), room - 1)
    if line[start] == '"':
        end = blank + 1 if blank >= 0 else _last_character(line, start + 1, room - 1)
        return line[:end] + '"', '"' + line[end:]
    return (line[:blank], line[blank:]) if line.startswith("/*", start) and blank >= 0 else None


def _last_character(line: str, start: int, room: int) -> int:
    """Return the last place up to ``room`` that is not within an escape."""
    return max(found.end() for found in _CHARACTERS.finditer(line, start) if found.end() <= room)
