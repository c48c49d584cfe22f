"""The command line. Each folder of ``commands/`` registers its own; a command parses and calls one function.

``main`` is the only place that turns errors into messages and exit codes (see ``edgemnist.support.errors``).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Annotated, Any

import typer

from edgemnist import __version__, commands
from edgemnist.support.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EdgeMnistError

app = typer.Typer(
    name="edgemnist",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    help="From an image dataset to a proven int8 model on a microcontroller, a phone or a Raspberry Pi.",
)


# Typer brings its own copy of click from 0.20 on and uses the installed one before; this finds the right class in both.
_UsageProblem: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgemnist {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def _register_commands() -> None:
    for folder in sorted(entry.name for entry in pkgutil.iter_modules(commands.__path__) if entry.ispkg):
        importlib.import_module(f"{commands.__name__}.{folder}.command").register(app)


def main() -> None:
    """Run the command line and leave the process with the command's exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors become one message on stderr."""
    _register_commands_once()
    try:
        result = app(args=arguments, standalone_mode=False)
        if result == EXIT_INTERRUPTED:  # Typer turns Ctrl-C into this result from 0.20 on, and raises Abort before
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except EdgeMnistError as error:
        sys.stderr.write(f"edgemnist: {error}\n")
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("edgemnist: interrupted; what was complete before is still there\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BAD_INPUT
    except _UsageProblem as error:
        error.show()
        return EXIT_BAD_INPUT


_registered = False


def _register_commands_once() -> None:
    global _registered
    if not _registered:
        _register_commands()
        _registered = True
