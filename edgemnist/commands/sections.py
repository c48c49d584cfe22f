"""The list of commands in ``edgemnist --help``: in sections, in the order of the work."""

from __future__ import annotations

from enum import Enum
from typing import Any

from typer.core import TyperGroup


class Section(str, Enum):
    """What a command is for; the sections in their order."""

    START = "Start here"
    DATA = "Data and training"
    CONVERT = "Convert and compile"
    PROVE = "Prove and explain"
    DEPLOY = "Bring it to a device"


class SectionedGroup(TyperGroup):
    """A group whose help has its commands in sections. Without help panels of rich, Typer would leave them out."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each that has commands."""
        width = max(map(len, self.commands))
        for section in Section:
            here: list[tuple[str, Any]] = [(name, one) for name, one in self.commands.items() if _is_in(one, section)]
            rows = [(name.ljust(width), one.get_short_help_str(formatter.width)) for name, one in here]
            with formatter.section(section.value):
                formatter.write_dl(rows)


def _is_in(command: Any, section: Section) -> bool:
    return bool(command.rich_help_panel == section)
