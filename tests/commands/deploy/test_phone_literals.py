"""Class names in Kotlin and Swift: read by the rules of those languages, a literal is the name again."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgemnist.commands.deploy.phone_code import quoted

_KOTLIN = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "'": "'", '"': '"', "\\": "\\", "$": "$"}
_SWIFT = {"0": "\0", "t": "\t", "n": "\n", "r": "\r", "'": "'", '"': '"', "\\": "\\"}


def read_kotlin(literal: str) -> str:
    """Return what a Kotlin string literal is: kotlinlang.org, Kotlin language specification, 1.2.3 to 1.2.4."""
    body = re.fullmatch(r'"((?:[^"\\$\n\r]|\\u[0-9A-Fa-f]{4}|\\[tbnr\'"\\$])*)"', literal)
    assert body is not None, literal
    units = re.sub(
        r"\\u([0-9A-Fa-f]{4})|\\(.)", lambda one: chr(int(one[1], 16)) if one[1] else _KOTLIN[one[2]], body[1]
    )
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


def read_swift(literal: str) -> str:
    """Return what a Swift string literal is: The Swift Programming Language, Lexical Structure, String Literals."""
    body = re.fullmatch(r'"((?:[^"\\\n\r]|\\u\{[0-9A-Fa-f]{1,8}\}|\\[0tnr\'"\\])*)"', literal)
    assert body is not None, literal
    return re.sub(
        r"\\u\{([0-9A-Fa-f]+)\}|\\(.)", lambda one: chr(int(one[1], 16)) if one[1] else _SWIFT[one[2]], body[1]
    )


@pytest.mark.parametrize(("system", "read"), [("android", read_kotlin), ("ios", read_swift)])
@given(name=st.text(st.characters(exclude_categories=["Cs"])))
@example(name='"')
@example(name="\\")
@example(name="\\(1 + 1)")
@example(name="${1 + 1} $name $")
@example(name="\x07\x08\x0c\x1b\x00\x7f\x85")
@example(name="\u2028\u2029\u200f\u202e\ufeff")
@example(name="\U0001f468\u200d\U0001f469\u200d\U0001f467 \U000e0001")
@example(name="two\r\nlines\t")
def test_a_literal_is_the_name(system: str, read: object, name: str) -> None:
    literal = quoted(name, system)
    assert callable(read) and read(literal) == name
    assert all(character.isprintable() for character in literal)
