"""What is said of a name that is not among those that are known: which is meant, perhaps, and all there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from edgemnist.support.errors import InputError
from edgemnist.support.words import some

_GUESSES, _LISTED = 3, 40


def unknown(what: str, value: str, known: Iterable[str]) -> InputError:
    """Return the error for a ``value`` that is not among ``known``."""
    return InputError(unknown_text(what, value, known))


def unknown_text(
    what: str, value: str, known: Iterable[str], *, otherwise: str = "", meanings: Mapping[str, str] | None = None
) -> str:
    """Return the message for a ``value`` that is not among ``known``; it suggests the nearest.

    ``otherwise``: what may be given instead of a name. ``meanings``: what some names stand for, where a person may
    have written that.
    """
    names = list(known)
    guesses = " or ".join(repr(name) for name in nearest(value, names, meanings or {}))
    asked = f"did you mean {guesses}? Choose" if guesses else "choose"
    return f"unknown {what} {value!r}; {asked} one of {some(names, _LISTED)}{otherwise}"


def nearest(value: str, names: Iterable[str], meanings: Mapping[str, str]) -> list[str]:
    """Return the names that are spelled alike, else those of which one has the other in it, else those that mean it."""
    names, wanted = list(names), _plain(value)
    plain = {name: _plain(name) for name in names}
    close = difflib.get_close_matches(wanted, plain.values(), 1)
    if close:
        return [next(name for name in names if plain[name] == close[0])]
    if len(wanted) < 2:
        return []
    parts = [name for name in names if wanted in plain[name] or (len(plain[name]) > 2 and plain[name] in wanted)]
    meant = [name for name in names if wanted in _plain(meanings.get(name, ""))]
    return (parts or meant)[:_GUESSES]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")
