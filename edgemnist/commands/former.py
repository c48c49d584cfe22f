"""Options that are arguments now: they go on to work, are not in the help, and say once how it is typed today."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from edgemnist.commands.parameters import words_of
from edgemnist.support.errors import InputError
from edgemnist.support.progress import say

_FORMER, _CONTEXT = "former", "context"


def former_option(name: str) -> list[inspect.Parameter]:
    """Return the parameters of a command whose argument was the option ``name`` once."""
    option = Annotated[Path | None, typer.Option(name, hidden=True, help="An argument now.")]
    return [
        inspect.Parameter(_FORMER, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option),
        inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
    ]


def taken_over(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command's values without those parameters, the option's value in its argument; says the new form.

    What a project's defaults say gives way to an argument, and nothing is said of it.

    :raises InputError: the option and the argument are both given.
    """
    rest = {key: value for key, value in values.items() if key not in (_FORMER, _CONTEXT)}
    value, context = values[_FORMER], values[_CONTEXT]
    if value is None:
        return rest
    argument = next(one for one in context.command.params if one.param_type_name == "argument")
    typed = context.get_parameter_source(_FORMER).name == "COMMANDLINE"
    command = f"edgemnist {' '.join(words_of(context))} {shlex.quote(str(value))}"
    if argument.nargs == -1:
        from edgemnist.harness.models import is_model

        others = rest[argument.name] or []
        rest[argument.name] = others if not typed and any(map(is_model, others)) else [value, *others]
    elif rest[argument.name] is None:
        rest[argument.name] = value
    elif typed:
        raise InputError(f"{name} {value} and the argument {rest[argument.name]} are both a model; give one of them")
    if typed:
        say(f"{name} goes on to work, but is an argument now: {command}")
    return rest
