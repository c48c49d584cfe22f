"""The command line: parse, call the stage, print its result as text or JSON, leave with the exit code.

Each folder of ``commands/`` registers its own commands; a command returns an ``Outcome`` (``commands/outcome.py``)
and neither prints nor exits. ``run`` is the only place that turns errors into messages and exit codes (see
``edgemnist.support.errors``).
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import sys
from typing import Annotated, Any

import typer

import edgemnist.commands as commands
from edgemnist.commands.outcome import Outcome
from edgemnist.support.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EdgeMnistError, ErrorReport, fault_report
from edgemnist.support.progress import print_json
from edgemnist.support.version import VERSION

app = typer.Typer(
    name="edgemnist",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    help="From an image dataset to a proven int8 model on a microcontroller, a phone or a Raspberry Pi.",
)

_INTERRUPTED = ErrorReport(
    "interrupted", "interrupted; what was complete before is still there", None, EXIT_INTERRUPTED
)

# Typer brings its own copy of click from 0.20 on and uses the installed one before; this finds the right class in both.
_UsageProblem: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgemnist {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@functools.cache
def register_commands() -> None:
    """Add every command to the command line, at the first call that is not interrupted."""
    for folder in sorted(entry.name for entry in pkgutil.iter_modules(commands.__path__) if entry.ispkg):
        importlib.import_module(f"{commands.__name__}.{folder}.command").register(app)


def main() -> None:
    """Run the command line and leave the process with the command's exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors become one message on stderr, with ``--json`` on stdout too."""
    try:
        register_commands()
        result = app(args=list(arguments), standalone_mode=False)
        if result == EXIT_INTERRUPTED:  # Typer turns Ctrl-C into this result from 0.20 on, and raises Abort before
            raise KeyboardInterrupt
        if not isinstance(result, Outcome):  # help or version
            return result if isinstance(result, int) else 0
        return _say(result)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BAD_INPUT
    except _UsageProblem as error:
        error.show()
        return _fail(ErrorReport("usage", error.format_message(), None, EXIT_BAD_INPUT), arguments, said=True)
    except BaseException as error:
        return _fail(_report_of(error), arguments)


def _say(outcome: Outcome) -> int:
    """Print a result; with ``--json`` it is one document, in which a gate that fails is the key ``error``."""
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
    return 0 if report is None else _complain(report)


def _report_of(error: BaseException) -> ErrorReport:
    if isinstance(error, EdgeMnistError):
        return error.report()
    if isinstance(error, (typer.Abort, KeyboardInterrupt)):
        return _INTERRUPTED
    if isinstance(error, Exception):
        return fault_report(error)
    raise error


def _fail(report: ErrorReport, arguments: list[str], *, said: bool = False) -> int:
    if "--json" in arguments:
        print_json({"error": report.as_json()})
    return report.exit_code if said else _complain(report)


def _complain(report: ErrorReport) -> int:
    sys.stderr.write(f"edgemnist: {report.message}\n")
    return report.exit_code
