"""The effective options as a table for people."""

from __future__ import annotations

from edgemnist.commands.config.stage import Configuration
from edgemnist.commands.defaults import FILE, PYPROJECT, TOOL
from edgemnist.support.tables import Column, print_table, print_text


def show(found: Configuration) -> None:
    """Print the file and a row for each option."""
    if found.path is None:
        print_text(f"no {FILE} and no [{'.'.join(TOOL)}] in a {PYPROJECT}, here or above")
    else:
        print_text(f"defaults of {found.path}")
    if found.options:
        rows = [(one.command, one.option, _text(one.value), found.origin(one)) for one in found.options]
        print_table([Column("command"), Column("option"), Column("value"), Column("from", rank=1)], rows)


def _text(value: object) -> str:
    return "" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)
