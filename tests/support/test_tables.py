"""Tables have as many columns as the terminal has room for; no number is cut, and what is left out is named."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from edgemnist.support.tables import Column, fits, numbers, table_lines
from tests.compiler.layers import Layers, Window

pytestmark = pytest.mark.unit

COLUMNS = [Column("operator"), *numbers("MACs"), *numbers("weight\nbytes", rank=2), Column("kind", rank=1)]
ROWS = [["CONV_2D", "14,112", "1,536", "int8"], ["MEAN\nof it", "0", "0", ""]]


def test_a_file_gets_every_column() -> None:
    assert table_lines(COLUMNS, ROWS, None) == [
        "operator    MACs  weight  kind",
        "                   bytes",
        "CONV_2D   14,112   1,536  int8",
        "MEAN           0       0",
        "of it",
    ]


def test_the_highest_rank_is_left_out_first_and_named() -> None:
    wide, closer, narrower, narrow = (table_lines(COLUMNS, ROWS, width) for width in (30, 29, 26, 18))

    assert wide == table_lines(COLUMNS, ROWS, None)
    assert closer[0] == "operator   MACs weight kind"
    assert narrower[0] == "operator   MACs kind"
    assert " ".join(" ".join(narrower[-3:]).split()) == "(in a wider terminal, and with --json: weight bytes)"
    assert narrow[0] == "operator   MACs"
    assert "weight bytes; kind" in " ".join(" ".join(narrow).split())
    assert [fits(COLUMNS, ROWS, width) for width in (None, 27, 26)] == [True, True, False]


def test_where_nothing_more_can_go_each_row_has_lines_of_its_own() -> None:
    assert table_lines(COLUMNS, ROWS, 14) == [
        "CONV_2D", "  MACs: 14,112", "  weight bytes: 1,536", "  kind: int8",
        "MEAN", "of it", "  MACs: 0", "  weight bytes: 0",
    ]  # fmt: skip


def test_an_empty_column_is_left_out_without_a_word() -> None:
    rows = [["CONV_2D", "14,112", "", "int8"]]

    assert table_lines(COLUMNS, rows, None) == ["operator    MACs  kind", "CONV_2D   14,112  int8"]


@given(
    st.lists(st.lists(st.text(st.sampled_from("a0,.漢")), min_size=4, max_size=4), min_size=1, max_size=5),
    st.integers(1, 60),
)
def test_every_cell_is_whole_or_its_column_named(rows: list[list[str]], width: int) -> None:
    lines = table_lines(COLUMNS, rows, width)
    text = "\n".join(lines)
    table = lines[0].startswith("operator")

    assert not table or all(
        cell_len(line) <= width or line.startswith("(in a wider") for line in lines[: len(rows) + 2]
    )
    for row in rows:
        for column, cell in zip(COLUMNS, row, strict=True):
            assert cell in text or (table and column.title.split()[-1] in text)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_terminal_no_line_of_a_table_is_wrapped(width: int, tmp_path: Path) -> None:
    layers = Layers.seeded(1)
    model = tmp_path / "net.tflite"
    model.write_bytes(layers.finish(layers.depthwise(layers.input((1, 40, 40, 32)), 1, Window((3, 3)))))
    shown = on_terminal(width, "inspect", str(model))
    table = shown[: shown.index("")]

    assert all(cell_len(line) <= width or len(line.split()) == 1 for line in shown)
    assert any("DEPTHWISE_CONV_2D" in line and "460,800" in line for line in table)
    assert ("scales" in table[1]) == (width == 120)


def on_terminal(width: int, *arguments: str) -> list[str]:
    """Return the lines that a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "edgemnist", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, env=environment) as process:
        os.close(theirs)
        content = bytearray()
        while True:
            try:
                content += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    assert process.returncode == 0
    return content.decode().replace("\r\n", "\n").split("\n")
