"""Text is broken between words, and there only where it reads on: not in a figure, a path or a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.support.wrapping import wrapped

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("arena 7,040 bytes, constants 6,385 bytes", ["arena 7,040 bytes,", "  constants", "  6,385 bytes"]),
        ("accuracy is 98.00 \u00b1 1.40 % here", ["accuracy is", "  98.00 \u00b1 1.40 %", "  here"]),
        ("scale 0.0039, zero point -128", ["scale 0.0039, zero", "  point -128"]),
        ("  time    about 88.3 ms at 25 MHz", ["  time    about", "          88.3 ms at", "          25 MHz"]),
        ("run `one two` or `three four five six`", ["run `one two` or", "  `three four five", "  six`"]),
        ("in /a/path/that/is/longer/than/this here", ["in", "  /a/path/that/is/longer/than/this", "  here"]),
        ("first\n  second line which is long", ["first", "  second line which", "    is long"]),
    ],
)
def test_at_20_columns(text: str, lines: list[str]) -> None:
    assert wrapped(text, 20) == lines
    assert wrapped(text, None) == text.split("\n")


@given(st.text(st.sampled_from("ab1,. %`")), st.integers(5, 40))
def test_nothing_is_lost_or_too_wide(text: str, width: int) -> None:
    lines = wrapped(text, width)

    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 or "`" in line or "%" in line for line in lines)
