"""Emulators and package formats are found by their files; nothing lists them a second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.mcu import emulators as emulators_package
from edgemnist.mcu.boards import boards
from edgemnist.mcu.emulators.base import board_json, choose_emulator, emulators, emulators_of
from edgemnist.mcu.packages import platforms as platforms_package
from edgemnist.mcu.packages.registry import find_platform, platform_names, platforms

EMULATOR = """
from edgemnist.mcu.emulators.base import Emulator

class Paper(Emulator):
    name, exact = "paper", True
    refusal = lambda self, board: None if board.name == "microbit" else "only microbit"
    missing = lambda self, board: None
    version = lambda self: "paper 1"
    run = lambda self, *given, **more: None

EMULATORS = (Paper(),)
"""

PLATFORM = """
from edgemnist.mcu.packages.base import Platform

PLATFORM = Platform("punched-cards", "Punched cards", lambda package: {}, frozenset())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose modules both packages have too."""
    for package in (emulators_package, platforms_package):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / package.__name__)])
    emulators.cache_clear()
    platforms.cache_clear()
    yield tmp_path
    emulators.cache_clear()
    platforms.cache_clear()


def test_an_emulator_is_found_by_its_file_and_says_what_it_takes(folder: Path) -> None:
    place = folder / emulators_package.__name__
    place.mkdir()
    (place / "paper.py").write_text(EMULATOR)

    assert "paper" in emulators()
    assert "paper" in emulators_of(boards()["microbit"]) and "paper" not in emulators_of(boards()["blue-pill"])
    assert "paper" in board_json(boards()["microbit"])["emulators"]
    assert choose_emulator("auto", boards()["microbit"]).name == "paper"


def test_a_package_format_is_found_by_its_file(folder: Path) -> None:
    place = folder / platforms_package.__name__
    place.mkdir()
    (place / "punched_cards.py").write_text(PLATFORM)

    assert "punched-cards" in platform_names()
    assert find_platform("punched-cards").name == "punched-cards"


def test_a_platform_is_called_as_its_file() -> None:
    assert [platform.name for platform in platforms().values()] == list(platform_names())


@pytest.mark.parametrize(
    ("arguments", "names"), [(("run",), tuple(emulators())), (("package",), platform_names())], ids=["run", "package"]
)
def test_help_names_all_of_them(
    arguments: tuple[str, ...], names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["firmware", *arguments, "--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in names)


def test_every_board_that_an_emulator_does_not_take_says_so() -> None:
    for board in boards().values():
        for name, emulator in emulators().items():
            assert (emulator.refusal(board) is None) == (name in emulators_of(board))
            if name not in emulators_of(board):
                assert emulator.available(board) == emulator.refusal(board)
