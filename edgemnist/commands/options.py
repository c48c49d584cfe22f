"""Options that several commands share, declared once."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from edgemnist.commands.completion import completion_of
from edgemnist.commands.examples import Example
from edgemnist.commands.former import former_option, taken_over
from edgemnist.commands.help import HelpfulCommand
from edgemnist.commands.outcome import Outcome, UnforeseenError
from edgemnist.commands.parameters import FOLDER
from edgemnist.commands.sections import Section
from edgemnist.support.palette import drawn_dark
from edgemnist.support.progress import quietly

Work = Annotated[
    Path, typer.Option("--work", metavar=FOLDER, help="Work folder in which the stages leave their artifacts.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")]
_Dark = Annotated[bool, typer.Option("--dark", help="Draw pictures on a dark ground.")]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every random choice; recorded in the manifest.")
]

OptionalSeed = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every random choice; default 0, or as before."),
]

Images = Annotated[
    int | None, typer.Option("--images", min=1, help="Test images, equally many per class. Default: 1000.")
]
AllImages = Annotated[bool, typer.Option("--all", help="Use the whole test set.")]

Model = Annotated[
    Path | None, typer.Argument(metavar="MODEL", help="A .tflite file. Default: the work folder's int8 model.")
]
"""What a command works on is an argument, and without one the work folder's (``harness/models.py``)."""

AnyModel = Annotated[
    Path | None,
    typer.Argument(metavar="MODEL", help="A .tflite or Keras model. Default: the work folder's int8 model."),
]
Models = Annotated[
    list[Path] | None,
    typer.Argument(metavar="MODEL...", help="Model files. Default: the work folder's Keras and converted models."),
]

ImagesOf = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="NAME|PATH", help="Dataset. Default: the one the model was trained on, else mnist."
    ),
]

ModelTimeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Seconds for one runtime and one model.")
]
ImagesTimeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Seconds for a few thousand images.")
]

SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Go on without pictures that cannot be read; says which.")
]

DEFAULT_WORK = Path("artifacts")

_AS_JSON, _QUIET, _DARK = "as_json", "quiet", "dark"

_MLFLOW = "--mlflow"
Mlflow = Annotated[
    str | None,
    typer.Option(
        _MLFLOW,
        metavar="[PATH|URL]",
        help="Log to MLflow: a folder or server; without URI $MLFLOW_TRACKING_URI, else the folder mlruns.",
    ),
]


class TrackedCommand(HelpfulCommand):
    """A command whose ``--mlflow`` may stand without a value, which Typer has no option for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments with an empty value where ``--mlflow`` has none."""
        return super().parse_args(ctx, _with_mlflow_value(args))


def _with_mlflow_value(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--mlflow=`` for a ``--mlflow`` at the end or before another option."""
    following = [*arguments[1:], "--"]
    return [
        f"{_MLFLOW}=" if argument == _MLFLOW and after.startswith("-") else argument
        for argument, after in zip(arguments, following, strict=False)
    ]


def add_command(
    group: typer.Typer,
    command: Callable[..., Outcome],
    name: str | None = None,
    *,
    tracked: bool = False,
    draws: bool = False,
    section: Section | None = None,
    short: str | None = None,
    examples: Sequence[Example] = (),
    formerly: str = "",
) -> None:
    """Add a command to a group: it gets ``--json`` and ``--quiet``, and its dataclass parameters' fields as options.

    ``tracked`` is for commands with ``--mlflow``, ``draws`` for those that write pictures, with ``--dark``. ``section``
    and ``short`` are where and how ``edgemnist --help`` lists it, in at most 60 characters. ``formerly``: the option
    that its argument was once, which goes on to work.
    """
    base = TrackedCommand if tracked else HelpfulCommand
    kind = type(base.__name__, (base,), {"examples": tuple(examples)})
    spread = _spread(command, draws=draws, formerly=formerly)
    group.command(name, cls=kind, short_help=short, rich_help_panel=section)(spread)


def _spread(command: Callable[..., Outcome], *, draws: bool, formerly: str) -> Callable[..., Outcome]:
    """Return a command with every option in its signature.

    Fields are annotated and have defaults as a command's parameters do; their names are unique within the command.
    """
    hints = {name: _declared(hint) for name, hint in get_type_hints(command, include_extras=True).items()}
    parameters: list[inspect.Parameter] = []
    groups: dict[str, list[str]] = {}
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        if dataclasses.is_dataclass(hint):
            types = get_type_hints(hint, include_extras=True)
            fields = dataclasses.fields(hint)
            groups[parameter.name] = [field.name for field in fields]
            parameters += [_option(field.name, types[field.name], field.default) for field in fields]
        else:
            parameters.append(_option(parameter.name, hint, parameter.default))

    parameters += [_option(_DARK, _Dark, False)] if draws else []
    parameters += [_option(_AS_JSON, _Json, False), _option(_QUIET, _Quiet, False)]
    if formerly:
        parameters += former_option(formerly)
    for parameter in parameters:
        _complete(command.__name__, parameter)

    def with_options(**values: Any) -> Outcome:
        as_json, quiet, dark = values.pop(_AS_JSON), values.pop(_QUIET), values.pop(_DARK, False)
        if formerly:
            with quietly(quiet):
                values = taken_over(formerly, values)
        given = {name: {field: values.pop(field) for field in fields} for name, fields in groups.items()}
        try:
            with quietly(quiet), drawn_dark(dark):
                outcome = command(**values, **{name: hints[name](**fields) for name, fields in given.items()})
        except (
            EOFError,
            OSError,
            SystemExit,
        ) as error:  # so much means something to Typer
            raise UnforeseenError from error
        return dataclasses.replace(outcome, as_json=as_json)

    with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_options


def _complete(command: str, parameter: inspect.Parameter) -> None:
    """Have a shell complete an option's value, where it is a name of a registry."""
    completion = completion_of(command, parameter.name)
    for part in get_args(parameter.annotation)[1:] if completion is not None else ():
        part.autocompletion = completion


def _declared(hint: Any) -> Any:
    """Return an annotation as it was written: Python 3.10 puts Optional around one whose default is None."""
    inner = [one for one in get_args(hint) if one is not type(None)] if get_origin(hint) is Union else []
    return inner[0] if len(inner) == 1 and get_origin(inner[0]) is Annotated else hint


def _option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
