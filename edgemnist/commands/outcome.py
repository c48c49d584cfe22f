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
    ``as_json`` is whether ``--json`` was given. ``announced``: ``then`` takes as long as the user wants, and what is
    printed before it, with ``--json`` in one line, is what others wait for.
    """

    result: Result | Sequence[Result]
    show: Callable[[], None]
    then: Callable[[], None] | None = None
    as_json: bool = False
    announced: bool = False

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
