"""What a command hands to ``cli.py``, which alone decides between text and JSON, prints, and exits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Result(Protocol):
    """What a stage returns."""

    def as_json(self) -> Any:
        """Return the result as values that JSON can hold."""


class UnforeseenError(Exception):
    """What a command raised, its cause, where that is an exception of which Typer would make another one."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A stage's result, or several, and how it is shown.

    ``show`` prints it for people. ``then`` comes after it has been said, such as a gate that may fail or a log.
    ``as_json`` is whether ``--json`` was given. ``running``, instead of ``then``, is work that lasts until
    the user ends it: it calls what it is given when the result is to be printed, with ``--json`` in one line.
    """

    result: Result | Sequence[Result]
    show: Callable[[], None]
    then: Callable[[], None] | None = None
    as_json: bool = False
    running: Callable[[Callable[[], None]], None] | None = None

    def document(self) -> Any:
        """Return the JSON document: the result's, or a list of them."""
        if isinstance(self.result, Sequence):
            return [one.as_json() for one in self.result]
        return self.result.as_json()

    def finish(self) -> None:
        """Do what comes after it has been shown.

        :raises EdgeMnistError: a gate failed.
        """
        if self.then is not None:
            self.then()
