"""commands.md: every command with its arguments and options, from the very objects that parse them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, get_args

import typer

from edgemnist import cli
from reference_pages.text import Page, code, codes, prose, table

# Typer brings its own copy of click from one version on: nothing here asks for click's classes, only for attributes.
_HELP = "--help"
_WORDS = {str: "text", int: "integer", float: "float", bool: "boolean", Path: "path"}


@dataclass(frozen=True)
class Command:
    """A command as it is typed, ``edgemnist data fetch``, and click's object of it."""

    path: str
    click: Any

    @property
    def is_group(self) -> bool:
        """Whether it only holds other commands."""
        return hasattr(self.click, "commands")

    @property
    def help(self) -> str:
        """Return what it does: its docstring, one paragraph a line."""
        paragraphs = str(self.click.help or "").split("\f")[0].strip().split("\n\n")
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)

    def parameters(self, kind: str) -> list[Any]:
        """Return its arguments ("argument") or its options ("option"), without ``--help`` and hidden ones."""
        return [
            one for one in self.click.params
            if one.param_type_name == kind and not getattr(one, "hidden", False) and _HELP not in one.opts
        ]  # fmt: skip


def commands() -> list[Command]:
    """Return every command, each group before its own."""
    cli.register_commands()
    return list(_walk(Command("edgemnist", typer.main.get_command(cli.app))))


def _walk(command: Command) -> Iterator[Command]:
    yield command
    if command.is_group:
        for name, child in sorted(command.click.commands.items()):
            if not child.hidden:
                yield from _walk(Command(f"{command.path} {name}", child))


def page() -> Page:
    """Return the page."""
    every = commands()
    links = [
        (f"[`{one.path}`](#{one.path.replace(' ', '-')})", prose(one.help.split("\n\n")[0]))
        for one in every
        if not one.is_group
    ]
    body = [table(("Command", "What it does"), links), *(_section(one) for one in every)]
    summary = f"Every command, its arguments and options. `{_HELP}` after any of them says the same."
    return Page("commands.md", "Commands", summary, "\n".join(body))


def _section(command: Command) -> str:
    arguments, options = command.parameters("argument"), command.parameters("option")
    lines = [f"## {command.path}\n", f"{prose(command.help)}\n", f"```\n{_usage(command, arguments)}\n```\n"]
    if arguments:
        rows = [(code(_placeholder(one)), _kind(one), prose(one.help or "")) for one in arguments]
        lines.append(table(("Argument", "Value", "Meaning"), rows))
    if options:
        rows_of_options = [(_names(one), _kind(one), code(_default(one)), prose(one.help or "")) for one in options]
        lines.append(table(("Option", "Value", "Default", "Meaning"), rows_of_options))
    return "\n".join(lines)


def _usage(command: Command, arguments: list[Any]) -> str:
    if command.is_group:
        return f"{command.path} COMMAND ..."
    parts = [_placeholder(one) if one.required else f"[{_placeholder(one)}]" for one in arguments]
    return " ".join([command.path, "[OPTIONS]", *parts])


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return f"{name.removesuffix('...')}..." if argument.nargs == -1 else name


def _names(option: Any) -> str:
    return codes([*option.opts, *option.secondary_opts])


def _kind(parameter: Any) -> str:
    """Return what a value looks like, with its range; may be repeated, required."""
    notes = [_value(parameter)]
    if getattr(parameter, "multiple", False) and "repeated" not in parameter.help:
        notes.append("may be repeated")
    if parameter.required and parameter.param_type_name == "option":
        notes.append("required")
    return ", ".join(notes)


def _value(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return "flag"
    if parameter.param_type_name == "option" and parameter.metavar:
        return code(parameter.metavar)
    word, low, high = _type(parameter)
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    bounds = [f"at least {low}"] if low is not None else [f"at most {high}"] if high is not None else []
    return ", ".join([word, *bounds])


def _type(parameter: Any) -> tuple[str, float | None, float | None]:
    """Return a parameter's type in a word, its least and its greatest value."""
    kind = getattr(parameter, "type", None)
    if kind is not None:
        return kind.name.removesuffix(" range"), getattr(kind, "min", None), getattr(kind, "max", None)
    # Typer from 0.27 on keeps the annotation instead, and the range beside it.
    annotation = parameter.type_descriptor.annotation
    (element, *_) = get_args(annotation) or (annotation,)
    return _WORDS[element], parameter.min, parameter.max


def _default(option: Any) -> str:
    """Return the default as it would be typed; nothing where there is none or the help says which."""
    value = option.default
    if getattr(option, "is_flag", False):
        return "" if value is not True else option.opts[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float | PurePath):
        return ""  # None, click's mark for "not set", or a list
    return f"{value:g}" if isinstance(value, float) else value.as_posix() if isinstance(value, PurePath) else str(value)
