"""commands.md: every command with its arguments and options, from the very objects that parse them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from edgemnist import cli
from edgemnist.commands.examples import examples_of
from edgemnist.commands.parameters import (
    default_of,
    is_flag,
    is_hidden,
    is_repeated,
    range_of,
    usage_of,
    value_of,
)
from reference_pages.text import Page, code, codes, prose, table

# Typer brings its own copy of click from one version on: nothing here asks for click's classes, only for attributes.
_HELP = "--help"


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
            if one.param_type_name == kind and not is_hidden(one) and _HELP not in one.opts
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
    usage = f"{command.path} COMMAND ..." if command.is_group else usage_of(command.path, arguments)
    lines = [f"## {command.path}\n", f"{prose(command.help)}\n", f"```\n{usage}\n```\n"]
    if arguments:
        rows = [(code(value_of(one)), prose(_meaning(one))) for one in arguments]
        lines.append(table(("Argument", "Meaning"), rows))
    if options:
        rows_of_options = [
            (codes([*one.opts, *one.secondary_opts]), _kind(one), code(default_of(one)), prose(_meaning(one)))
            for one in options
        ]
        lines.append(table(("Option", "Value", "Default", "Meaning"), rows_of_options))
    if not command.is_group:
        lines.append(_examples(command.click))
    return "\n".join(lines)


def _kind(option: Any) -> str:
    return "flag" if is_flag(option) else code(value_of(option))


def _meaning(parameter: Any) -> str:
    """Return what it means; its range, whether it is required and whether it may be repeated."""
    notes = ["required"] if parameter.required and parameter.param_type_name == "option" else []
    notes += ["may be repeated"] if parameter.param_type_name == "option" and is_repeated(parameter) else []
    notes += [range_of(parameter)] if range_of(parameter) else []
    return f"{parameter.help} ({', '.join(notes)})" if notes else str(parameter.help)


def _examples(command: Any) -> str:
    lines = [line for example in examples_of(command) for line in example.lines()]
    return "\n".join(["```sh", *lines, "```\n"])
