"""The help of a command, the same with every version of Typer: plain words for values, examples at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from typer.core import TyperCommand, TyperGroup

from edgemnist.commands.examples import Example, examples_of
from edgemnist.commands.parameters import (
    default_of,
    is_flag,
    is_hidden,
    is_repeated,
    range_of,
    usage_of,
    value_of,
)
from edgemnist.commands.sections import Section


class HelpfulCommand(TyperCommand):
    """A command whose help says what each value is and how the command is used."""

    examples: ClassVar[tuple[Example, ...]] = ()

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write how it is typed."""
        path, *rest = usage_of("", [one for one in self.params if one.param_type_name == "argument"]).split(" ")
        formatter.write_usage(ctx.command_path + path, " ".join(rest))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        parameters = [one for one in self.get_params(ctx) if not is_hidden(one)]
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            rows = [_row(one) for one in parameters if one.param_type_name == kind]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(self, formatter)


class HelpfulGroup(TyperGroup):
    """A group whose help has its commands in sections, each in a line of its own words, and an example of each.

    Without help panels of rich, Typer would leave the sections out.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each that has commands; one for all where none is in a section."""
        width = max(map(len, self.commands))
        for section in (*Section, None):
            rows = [
                (name.ljust(width), one.short_help or _first_sentence(one))
                for name, one in self.commands.items()
                if _section_of(one) is section
            ]
            if rows:
                with formatter.section(section.value if section else "Commands"):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(self, formatter)


def _section_of(command: Any) -> Section | None:
    return command.rich_help_panel if isinstance(command.rich_help_panel, Section) else None


def _first_sentence(command: Any) -> str:
    paragraph = " ".join(str(command.help or "").split("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."


def _row(parameter: Any) -> tuple[str, str]:
    """Return what is typed, and what it means."""
    notes = ", ".join(_notes(parameter))
    meaning = " ".join(part for part in (parameter.help, f"[{notes}]" if notes else "") if part)
    if parameter.param_type_name == "argument":
        return value_of(parameter), meaning
    names = ", ".join(sorted(parameter.opts, key=len))
    both = " / ".join([names, *parameter.secondary_opts])
    return " ".join(part for part in (both, value_of(parameter)) if part), meaning


def _notes(parameter: Any) -> Iterator[str]:
    if parameter.required:
        yield "required"
    if parameter.param_type_name == "option" and is_repeated(parameter):
        yield "may be repeated"
    if range_of(parameter):
        yield range_of(parameter)
    default = default_of(parameter)
    if default and not is_flag(parameter):
        yield f"default: {default}"


def _write_examples(command: Any, formatter: Any) -> None:
    """Write the examples as they are: a line that is broken could not be pasted."""
    examples = examples_of(command)
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for example in examples for line in example.lines()))
