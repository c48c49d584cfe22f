"""Why a runtime does not take a model, in one sentence instead of its own paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable

_Words = Callable[[re.Match[str]], str]


def _not_prepared(found: re.Match[str]) -> str:
    cause = re.sub(r"^\S+\.(?:cc|h|cpp):\d+:?\s*", "", found["cause"].strip()).rstrip(".")
    return f"operator {found['number']} {found['kind']} fails to {found['step']}" + (f": {cause}" if cause else "")


_SENTENCES: tuple[tuple[str, _Words], ...] = (
    (
        r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'",
        lambda found: f"it does not know the operator {found[1]} in version {found[2]}",
    ),
    (r"Didn't find op for builtin opcode '(\w+)'", lambda found: f"it does not know the operator {found[1]}"),
    (
        r"Failed to get registration from op code ([\w ]+)",
        lambda found: f"it does not know the operator {found[1].strip()}",
    ),
    (r"unresolved custom op: (\w+)", lambda found: f"it does not know the custom operator {found[1]}"),
    (
        r"TensorFlow op.*?Node number \d+ \((\w+)\) failed to prepare",
        lambda found: f"it comes without TensorFlow's own operators, such as {found[1]}",
    ),
    (
        r"(?P<cause>[^\n]*?)\s*Node number (?P<number>\d+) \((?P<kind>\w+)\) failed to (?P<step>prepare|invoke)",
        _not_prepared,
    ),
    (
        r"(?P<cause>[^\n]*)\nNode (?P<kind>\w+) \(number (?P<number>\d+)\) failed to (?P<step>prepare|invoke)",
        _not_prepared,
    ),
)
"""What the interpreters print (tflite-runtime 2.14, LiteRT 2, TensorFlow 2.21, TFLM), the more telling first."""


def reason(error: str, said: str) -> str | None:
    """Return why a runtime refuses, as a clause whose subject is it or an operator, or None if that is not known.

    :param error: what it raised.
    :param said: what it printed meanwhile.
    """
    raised = error.partition(": ")[2] or error
    for text in (raised, said):
        for pattern, words in _SENTENCES:
            found = re.search(pattern, text, re.DOTALL if "TensorFlow op" in pattern else 0)
            if found:
                return words(found)
    return None


def in_one_line(text: str, limit: int = 300) -> str:
    """Return the first line that says something, its full stop or colon left out, cut to ``limit`` characters."""
    line = next((line.strip().rstrip(".:") for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 3] + "..."
