"""The command line: parse, call the stage, print its result as text or JSON, leave with the exit code.

Each folder of ``commands/`` registers its own commands; a command returns an ``Outcome`` (``commands/outcome.py``)
and neither prints nor exits. ``run`` is the only place that turns errors into messages and exit codes (see
``edgemnist.support.errors``).
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import edgemnist.commands as commands
from edgemnist.commands.defaults import Defaults, read_defaults
from edgemnist.commands.examples import Example
from edgemnist.commands.help import HelpfulGroup
from edgemnist.commands.outcome import Outcome, UnforeseenError
from edgemnist.support.errors import EXIT_BAD_INPUT, EXIT_SIGNAL, EdgeMnistError, ErrorReport
from edgemnist.support.faults import report_of
from edgemnist.support.progress import print_json, print_json_line, stderr_width
from edgemnist.support.version import VERSION
from edgemnist.support.wrapping import wrapped

_EXAMPLES = (
    Example(
        "edgemnist run --preset quick",
        "From MNIST to firmware on an emulated board, with the proof.",
        needs="minutes of training",
    ),
    Example("edgemnist doctor", "What works on this machine, and how to get the rest."),
)


class _Program(HelpfulGroup):
    examples = _EXAMPLES


app = typer.Typer(
    name="edgemnist",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From an image dataset to a proven int8 model on a microcontroller, a phone or a Raspberry Pi.",
)

_TYPER_INTERRUPTED = EXIT_SIGNAL + signal.SIGINT
"""What Typer turns ``KeyboardInterrupt`` into from 0.20 on; it raises Abort before."""

# Typer brings its own copy of click from 0.20 on and uses the installed one before; this finds the right class in both.
_UsageProblem: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgemnist {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    pass


@functools.cache
def register_commands() -> None:
    """Add every command to the command line, at the first call that is not interrupted."""
    for folder in sorted(entry.name for entry in pkgutil.iter_modules(commands.__path__) if entry.ispkg):
        importlib.import_module(f"{commands.__name__}.{folder}.command").register(app)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors become one message on stderr, with ``--json`` on stdout too."""
    defaults = Defaults()
    try:
        register_commands()
        defaults = _defaults()
        result = app(args=list(arguments), standalone_mode=False, default_map=defaults.as_map())
        if result == _TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        if not isinstance(result, Outcome):  # help or version
            return result if isinstance(result, int) else 0
        return _say(result)
    except _UsageProblem as error:
        place, message = defaults.told_wrongly(error, arguments), error.format_message()
        if place:
            return _fail(ErrorReport("usage", f"{message}: {place}", None, EXIT_BAD_INPUT), arguments)
        error.show()
        return _fail(ErrorReport("usage", message, None, EXIT_BAD_INPUT), arguments, said=True)
    except UnforeseenError as error:
        return _fail(report_of(error.__cause__ or error), arguments)
    except SystemExit as left:  # a shell has got what it asked for; what commands raise comes as another error
        return left.code if isinstance(left.code, int) else 0
    except typer.Abort:
        return _fail(report_of(KeyboardInterrupt()), arguments)
    except BaseException as error:
        return _fail(report_of(error), arguments)


def _defaults() -> Defaults:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the folder is gone; there is no project in it, and many commands can do without
        return Defaults()
    return read_defaults(lambda: typer.main.get_command(app), here)


def _say(outcome: Outcome) -> int:
    """Print a result; with ``--json`` it is one document, in which a gate that fails is the key ``error``."""
    if outcome.running is not None:
        outcome.running(lambda: _announce(outcome))
        return 0
    if not outcome.as_json:
        outcome.show()
        outcome.finish()
        return 0
    document, report = outcome.document(), None
    try:
        outcome.finish()
    except EdgeMnistError as error:
        report = error.report()
        document = {**document, "error": report.as_json()}
    print_json(document)
    return 0 if report is None else complain(report)


def _announce(outcome: Outcome) -> None:
    """Print a result while the command goes on."""
    if outcome.as_json:
        print_json_line(outcome.document())
    else:
        outcome.show()
    sys.stdout.flush()


def _fail(report: ErrorReport, arguments: list[str], *, said: bool = False) -> int:
    if "--json" in arguments:
        print_json({"error": report.as_json()})
    return report.exit_code if said else complain(report)


def complain(report: ErrorReport) -> int:
    """Say an error on stderr, on a terminal broken between words, and return its exit code."""
    lines = wrapped(f"edgemnist: {report.message}", stderr_width())
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return report.exit_code
