"""What an argument or an option takes, in plain words: for the help, the reference and whoever else explains one.

Typer brings its own copy of click from one version on: nothing here asks for click's classes, only for attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, get_args

FILE, FOLDER, NAME, NUMBER = "FILE", "FOLDER", "NAME", "NUMBER"
"""What a value is, where a declaration has no ``metavar`` that says more."""

_WORDS = {str: NAME, int: NUMBER, float: NUMBER, Path: FILE}
_WORDS_OF_CLICK = {"text": NAME, "integer": NUMBER, "float": NUMBER, "path": FILE}


def is_flag(parameter: Any) -> bool:
    """Whether it takes no value."""
    return bool(getattr(parameter, "is_flag", False))


def is_hidden(parameter: Any) -> bool:
    """Whether the help leaves it out."""
    return bool(getattr(parameter, "hidden", False))


def value_of(parameter: Any) -> str:
    """Return what its value looks like, ``FILE.png``; of an argument with ``...`` where it takes several."""
    if parameter.param_type_name == "argument":
        name = str(parameter.metavar or parameter.name.upper())
        return f"{name.removesuffix('...')}..." if parameter.nargs == -1 else name
    return "" if is_flag(parameter) else str(parameter.metavar or _word(parameter))


def range_of(parameter: Any) -> str:
    """Return which numbers it takes, ``1 or more``; empty where any will do."""
    bounds = getattr(parameter, "type", None) or parameter
    low, high = getattr(bounds, "min", None), getattr(bounds, "max", None)
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    return f"{_number(low)} or more" if low is not None else f"{_number(high)} at most" if high is not None else ""


def default_of(option: Any) -> str:
    """Return the default as it would be typed; nothing where there is none or the help says which."""
    value = option.default
    if is_flag(option):
        return "" if value is not True else str(option.opts[0])
    if isinstance(value, bool) or not isinstance(value, str | int | float | PurePath):
        return ""  # None, click's mark for "not set", or a list
    return f"{value:g}" if isinstance(value, float) else value.as_posix() if isinstance(value, PurePath) else str(value)


def is_repeated(option: Any) -> bool:
    """Whether an option may be given several times without its help saying so."""
    return bool(getattr(option, "multiple", False)) and "repeat" not in (option.help or "")


def usage_of(path: str, arguments: Sequence[Any]) -> str:
    """Return how a command is typed: ``edgemnist inspect [OPTIONS] [MODEL]``."""
    return " ".join([path, "[OPTIONS]", *(_usage(one) for one in arguments)])


def words_of(context: Any) -> list[str]:
    """Return the words of the command that click's context is of, without the program's."""
    return [] if context is None or context.parent is None else [*words_of(context.parent), str(context.info_name)]


def _usage(argument: Any) -> str:
    """Return an argument's place; one that says itself what may be left out stays as it is."""
    value = value_of(argument)
    return value if argument.required or value.startswith("[") else f"[{value}]"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _word(option: Any) -> str:
    kind = getattr(option, "type", None)
    if kind is not None:
        return _WORDS_OF_CLICK[kind.name.removesuffix(" range")]
    # Typer from 0.27 on keeps the annotation instead.
    annotation = option.type_descriptor.annotation
    (element, *_) = get_args(annotation) or (annotation,)
    return _WORDS[element]
