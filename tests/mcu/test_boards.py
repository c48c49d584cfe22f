"""Boards: the folder is the registry, a wrong file is refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.mcu.boards import boards, boards_folder, find_board
from edgemnist.mcu.build import firmware_folder
from edgemnist.mcu.cores import CORES
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

GOOD = """title = "A board"
core = "cortex-m4"
clock_hz = 80_000_000
flash = { origin = 0x08000000, bytes = 0x80000, wait_states = 4 }
ram = { origin = 0x20000000, bytes = 0x10000 }
"""


def test_every_folder_is_a_board_and_every_core_has_one() -> None:
    assert set(boards()) == {path.name for path in boards_folder().iterdir()}
    assert {board.core.name for board in boards().values()} == set(CORES)
    assert all(board.emulators() for board in boards().values())


@pytest.mark.parametrize("name", sorted(boards()))
def test_drivers_are_there(name: str) -> None:
    board, platform = boards()[name], firmware_folder() / "platform"
    assert board.uart is None or (platform / f"uart_{board.uart.driver}.c").is_file()
    assert board.ticks.driver == "core" or (platform / f"ticks_{board.ticks.driver}.c").is_file()


def test_a_folder_of_ones_own_is_a_board(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "board.toml").write_text(GOOD)
    board = find_board(str(folder))
    assert (board.name, board.flash.wait_states, board.ticks.driver) == ("mine", 4, "systick")
    assert board.emulators() == ("unicorn",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("cortex-m4", "cortex-m99"), "unknown core 'cortex-m99'"),
        (GOOD.replace('title = "A board"', ""), "title"),
        (GOOD.replace("wait_states", "waits"), "waits"),
        (GOOD + "colour = 3\n", "unknown keys: colour"),
        ("title = ", "cannot read the board"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "board.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        find_board(str(tmp_path))


def test_an_unknown_board_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"unknown board 'arduino'.*microbit.*board\.toml"):
        find_board("arduino")
