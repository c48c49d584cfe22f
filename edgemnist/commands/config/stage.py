"""What every option comes to in a folder, and where each value is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.defaults import NEVER, Defaults, commands_of
from edgemnist.commands.parameters import is_hidden


@dataclass(frozen=True)
class Effective:
    """An option of a command, its value, and whether the project's file has it."""

    command: str
    option: str
    value: Any
    own: bool


@dataclass(frozen=True, eq=False)
class Configuration:
    """The project's file, None without one, and the options in the order of the help."""

    path: Path | None
    options: Sequence[Effective]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of ``edgemnist config --json``."""
        return {
            "file": None if self.path is None else str(self.path),
            "options": [
                {"command": one.command, "option": one.option, "value": _plain(one.value), "from": self.origin(one)}
                for one in self.options
            ],
        }

    def origin(self, one: Effective) -> str:
        """Return where a value is from: the file's name, or ``default``."""
        return self.path.name if one.own and self.path is not None else "default"


def configuration(group: Any, defaults: Defaults, *, everything: bool) -> Configuration:
    """Return the options that the project sets, or with ``everything`` all that there are."""
    options = []
    for name, command in commands_of(group):
        own = defaults.values.get(name, {})
        for parameter in command.params:
            written = next((one for one in parameter.opts if one.startswith("--") and one[2:] not in NEVER), "")
            if written and (parameter.name in own or (everything and not is_hidden(parameter))):
                value = own.get(parameter.name, parameter.default)
                options.append(Effective(name, written, value, parameter.name in own))
    return Configuration(defaults.path, options)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool, list)) else str(value)
