"""A name that is not known: the nearest is suggested, by spelling, as a part, or by what it stands for."""

from __future__ import annotations

import pytest

from edgemnist import cli
from edgemnist.mcu.boards import find_board
from edgemnist.support.choices import nearest, unknown
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

NAMES = ("cortex-m4", "cortex-m55", "rv32", "portable")


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("Cortex_M4f", ["cortex-m4"]),
        ("portabel", ["portable"]),
        ("m55", ["cortex-m55"]),
        ("cor", ["cortex-m4", "cortex-m55"]),
        ("risc-v", ["rv32"]),
        ("x", []),
        ("", []),
    ],
)
def test_the_nearest_is_found(value: str, near: list[str]) -> None:
    assert nearest(value, NAMES, {"rv32": "RISC-V RV32IMC"}) == near


def test_the_message_has_the_value_the_guess_and_all_names() -> None:
    assert str(unknown("target", "portabel", NAMES)) == (
        "unknown target 'portabel'; did you mean 'portable'? Choose one of cortex-m4, cortex-m55, rv32, portable"
    )
    assert str(unknown("target", "x", ["a"])) == "unknown target 'x'; choose one of a"


def test_a_board_is_found_by_its_core() -> None:
    with pytest.raises(InputError, match=r"unknown board 'm55'; did you mean 'mps3-an547'\? .*board\.toml"):
        find_board("m55")


def test_the_remedy_is_one_that_the_command_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["data", "fetch", "mnits"]) == 2
    assert "did you mean 'mnist'?" in capsys.readouterr().err
