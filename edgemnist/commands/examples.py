"""Examples of a command: they stand in its help and in the reference, and a test runs each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """A command line as a person types it, and in a few words what it does.

    ``needs``: what it takes that is not on every machine, such as a board; such a one is not run by the test, only
    parsed. The others are run in a folder with ``net.tflite``, ``net.keras``, ``photos/``, ``digit.png`` and more
    (``tests/commands/examples/``).
    """

    command: str
    does: str
    needs: str = ""

    def lines(self) -> tuple[str, str]:
        """Return it as two lines that can be pasted into a shell."""
        return f"# {self.does}", self.command


def examples_of(command: Any) -> tuple[Example, ...]:
    """Return the examples of click's object of a command; of a group the first of each of its commands."""
    if hasattr(command, "commands") and not hasattr(command, "examples"):
        return tuple(example for one in command.commands.values() for example in examples_of(one)[:1])
    return tuple(getattr(command, "examples", ()))
