"""Lists of names on the command line."""

from __future__ import annotations

from collections.abc import Sequence


def parse_names(values: Sequence[str]) -> tuple[str, ...]:
    """Return names given repeatedly or separated by commas, each once, in order."""
    names = [name.strip() for value in values for name in value.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))
