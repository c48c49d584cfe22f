"""The effective options as a table for people."""

from __future__ import annotations

from edgemnist.commands.config.stage import Configuration
from edgemnist.commands.defaults import FILE, PYPROJECT, TOOL
from edgemnist.support.progress import stdout_console
from edgemnist.support.tables import Column, print_table


def show(found: Configuration) -> None:
    """Print the file and a row for each option."""
    console = stdout_console()
    if found.path is None:
        console.print(f"no {FILE} and no [{'.'.join(TOOL)}] in a {PYPROJECT}, here or above", markup=False)
    else:
        console.print(f"defaults of {found.path}", markup=False)
    if found.options:
        rows = [(one.command, one.option, _text(one.value), found.origin(one)) for one in found.options]
        print_table([Column("command"), Column("option"), Column("value"), Column("from")], rows)


def _text(value: object) -> str:
    return "" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)
