"""A project's own defaults: ``edgemnist.toml``, or ``[tool.edgemnist]`` in ``pyproject.toml``.

The nearest of the two counts, from the current folder upwards; in one folder the first. What stands at its top is for
every command that has such an option, a table is for the command of its name. Paths are
relative to the current folder, as on the command line::

    seed = 7

    [train]
    epochs = 5

    [firmware.build]
    board = "microbit"
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.commands.parameters import words_of
from edgemnist.support import toml
from edgemnist.support.choices import unknown_text
from edgemnist.support.errors import InputError
from edgemnist.support.reading import require_file

FILE = "edgemnist.toml"
PYPROJECT, TOOL = "pyproject.toml", ("tool", "edgemnist")
_LARGEST = 1 << 20
NEVER = ("json", "help", "version")
"""Options that belong on the command line."""


@dataclass(frozen=True)
class Defaults:
    """What a project sets: for each command (its words joined by a space) the values of parameters by their names."""

    path: Path | None = None
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def told_wrongly(self, error: Any, arguments: Sequence[str]) -> str:
        """Return the file and key whose value a usage error is about, "" where the command line said it.

        ``error``: of Typer's kind, with the option and the command's context.
        """
        option, context = getattr(error, "param", None), getattr(error, "ctx", None)
        command = " ".join(words_of(context))
        values = self.values.get(command, {})
        if option is None or option.name not in values or _on_the_command_line(option, arguments):
            return ""
        key = next(name.lstrip("-") for name in option.opts if name.startswith("--"))
        return f"{str(self.path)!r}: {key} of {command} is {values[option.name]!r}; mend it there"

    def as_map(self) -> dict[str, Any]:
        """Return the values nested by the words of the commands, as Typer takes them."""
        nested: dict[str, Any] = {}
        for command, values in self.values.items():
            place = nested
            for word in command.split():
                place = place.setdefault(word, {})
            place.update(values)
        return nested


def commands_of(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command below a group, its words joined by a space, and itself."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def read_defaults(group: Callable[[], Any], folder: Path) -> Defaults:
    """Return the defaults of the project in which a folder is; empty where there are none.

    ``group``: returns the command line; it is asked only where there is a file.

    :raises InputError: the file is no TOML, or has a command or an option that there is not.
    """
    for place in (folder, *folder.parents):
        for path, tables in ((place / FILE, ()), (place / PYPROJECT, TOOL)):
            content = _content(path, tables)
            if content is not None:
                return Defaults(path, _by_command(path, content, dict(commands_of(group()))))
    return Defaults()


def _content(path: Path, tables: tuple[str, ...]) -> Mapping[str, Any] | None:
    """Return a file's tables, None where it has none for edgemnist.

    ``tables`` are where they lie in a file of others, which is not asked for more than it lets be read.
    """
    if not os.access(path, os.R_OK if tables else os.F_OK) or not path.is_file():
        return None
    try:
        require_file(path, _LARGEST)
        raw = path.read_bytes()
        if tables and ".".join(tables).encode() not in raw:
            return None
        content = toml.loads(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, toml.TOMLDecodeError) as error:
        raise InputError(f"{str(path)!r} can't be read as TOML: {error}; mend it, or move it away") from error
    for name in tables:
        content = content.get(name, {})
    return content if isinstance(content, dict) else None


def _by_command(path: Path, content: Mapping[str, Any], commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    everywhere = {key: value for key, value in content.items() if not isinstance(value, dict)}
    options = {name: _options(command) for name, command in commands.items()}
    _require(path, "option", everywhere, {option for known in options.values() for option in known})
    found = {
        name: _values(path, {key: value for key, value in everywhere.items() if key in known}, known)
        for name, known in options.items()
    }
    for name, values in _tables(path, content, "", commands):
        _require(path, f"option of {name}", values, options[name])
        found[name] |= _values(path, values, options[name])
    return {name: values for name, values in found.items() if values}


def _tables(
    path: Path, content: Mapping[str, Any], before: str, commands: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables of commands; those of a group have tables of its commands."""
    for key, value in content.items():
        if isinstance(value, dict):
            name = f"{before}{key}"
            if name in commands:
                yield name, value
            elif any(one.startswith(f"{name} ") for one in commands):
                _require(path, f"command of {name}", {k: v for k, v in value.items() if not isinstance(v, dict)}, ())
                yield from _tables(path, value, f"{name} ", commands)
            else:
                raise InputError(f"{str(path)!r}: {unknown_text('command', name, commands)}")


def _options(command: Any) -> dict[str, Any]:
    """Return the options of a command as they are written, without dashes, and their parameters."""
    return {
        written.lstrip("-"): parameter
        for parameter in command.params
        for written in parameter.opts
        if written.startswith("--") and written.lstrip("-") not in NEVER
    }


def _require(path: Path, what: str, values: Mapping[str, Any], known: Any) -> None:
    for key in values:
        if key not in known:
            raise InputError(f"{str(path)!r}: {unknown_text(what, key, sorted(known))}")


def _values(path: Path, values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of options by the names of their parameters."""
    return {options[key].name: _value(path, key, value, options[key]) for key, value in values.items()}


def _on_the_command_line(option: Any, arguments: Sequence[str]) -> bool:
    names = (*option.opts, *option.secondary_opts)
    return any(word.partition("=")[0] in names for word in arguments)


def _value(path: Path, key: str, value: Any, option: Any) -> Any:
    """Return a value as a command line has it."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, int, float, bool)) for item in items):
        raise InputError(f"{str(path)!r}: {key} is {value!r}; give a text, a number, true, false or a list of them")
    if isinstance(value, bool) and not option.is_flag:
        raise InputError(f"{str(path)!r}: {key} is {str(value).lower()}, and --{key} takes a value; give one")
    return [value] if option.multiple and not isinstance(value, list) else value
