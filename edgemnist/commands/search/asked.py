"""What was typed, as a study's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.search.costs import ACCURACY, Limits
from edgemnist.search.space import Space
from edgemnist.support.errors import InputError

_LIMITS = {
    "instructions": "max_instructions",
    "flash": "max_flash",
    "arena": "max_arena",
    "milliseconds": "max_ms",
}


def values(
    *, boards: Sequence[str] | None, limits: Any, objectives: str | None, rungs: str, families: str, width: str,
    optimise: str, **others: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return settings by their names in ``SearchSettings``; ``limits`` has the options' fields.

    :raises InputError: a list or a range cannot be read.
    """
    most = {name: getattr(limits, option) for name, option in _LIMITS.items()}
    return {
        **others,
        "boards": tuple(boards or (DEFAULT_BOARD,)),
        "limits": Limits({name: value for name, value in most.items() if value is not None}),
        "objectives": _names(objectives or _usual_objectives(most)),
        "rungs": _epochs(rungs),
        "space": Space(families=_names(families), width=_range(width), optimise=_names(optimise)),
    }


def _usual_objectives(most: Mapping[str, float | None]) -> str:
    """Return what shall be good where nobody says it: within limits only accuracy counts."""
    return ACCURACY if any(value is not None for value in most.values()) else f"{ACCURACY},instructions"


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{twice[0]!r} is named more than once in {text!r}; name it once")
    return names


def _epochs(text: str) -> tuple[int, ...]:
    parts = _names(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"rungs {text!r} are no epochs; give whole numbers that rise, such as 2,8")
    return tuple(map(int, parts))


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)-(\d+)", text)
    if found is None:
        raise InputError(f"width {text!r} is no range; give the least and the most channels, such as 4-48")
    return int(found[1]), int(found[2])
