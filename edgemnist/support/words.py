"""Lists in messages, for people."""

from __future__ import annotations

from collections.abc import Sequence


def some(values: Sequence[object], most: int, rest: str = " and {} more") -> str:
    """Return the first values, ``most`` at most, with commas; ``rest`` says how many are left out, if any are."""
    shown = ", ".join(str(value) for value in values[:most])
    return shown + rest.format(len(values) - most) if len(values) > most else shown
