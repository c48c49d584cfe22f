"""The four questions of ``edgemnist init``, asked on a terminal where no option has answered them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from edgemnist.commands.init.stage import OWN, InitSettings, check_dataset, check_name, check_preset
from edgemnist.commands.presets import PRESETS
from edgemnist.csource.source import free_name
from edgemnist.data.registry import MNIST_5K
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import boards, find_board
from edgemnist.support.errors import EdgeMnistError


@dataclass(frozen=True)
class Question:
    """What is asked, the answer that is offered, and what refuses a wrong one."""

    text: str
    default: str
    check: Callable[[str], object]


def settings_from(folder: Path, given: Mapping[str, str | None]) -> tuple[InitSettings, tuple[str, ...]]:
    """Return the settings that the options and answers come to, and the names of those that nobody has said.

    :raises EdgeMnistError: an option's value is unknown.
    """
    asked = sys.stdin.isatty() and sys.stderr.isatty()
    answers: dict[str, str] = {}
    assumed: list[str] = []
    for name, question in _questions(folder).items():
        value = given.get(name)
        if value is not None:
            question.check(value)
        elif asked:
            value = _ask(question)
        else:
            value = question.default
            assumed.append(name)
        answers[name] = value
    return InitSettings(folder=folder, **answers), tuple(assumed)


def _questions(folder: Path) -> dict[str, Question]:
    return {
        "dataset": Question(
            f"Pictures: a name of `edgemnist data list`, or {OWN} for your own in data/", MNIST_5K, check_dataset
        ),
        "board": Question(f"Board: {', '.join(boards())}", DEFAULT_BOARD, find_board),
        "preset": Question(f"Time for training: {', '.join(PRESETS)}", "standard", check_preset),
        "name": Question("Prefix of C names", free_name(folder.resolve().name), check_name),
    }


def _ask(question: Question) -> str:
    """Ask until the answer is one."""
    while True:
        answer = str(typer.prompt(question.text, default=question.default, err=True)).strip()
        try:
            question.check(answer)
        except EdgeMnistError as error:
            typer.echo(str(error), err=True)
        else:
            return answer
