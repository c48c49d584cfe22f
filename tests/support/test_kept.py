"""Entries of a cache: made once for all processes, never believed half, and made anew where they are damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgemnist.support.kept import kept_file, kept_json
from tests.support.others import another, go_on

pytestmark = pytest.mark.unit

CONTENT = "made\n"
WANTS = """
import sys
from pathlib import Path
from edgemnist.support.kept import kept_file, kept_json
path = Path(sys.argv[1])
def note():
    with (path.parent / "made").open("a") as file:
        file.write("x")
def make(target):
    note()
    target.write_text("ma")
    {inside}
    target.write_text("made\\n")
def value():
    note()
    {inside}
    return [1.5, 2.0]
{before}
print(kept_file(path, make, "another").read_text() if path.suffix == ".so" else kept_json(path, value, "another"))
"""
TOGETHER = WANTS.format(inside="import time; time.sleep(0.2)", before="wait()")
HALF = WANTS.format(inside="wait()", before="")


def make(target: Path) -> None:
    target.write_text(CONTENT)


def again(target: Path) -> None:
    raise AssertionError("made again")


@pytest.mark.parametrize("name", ["entry.so", "entry.json"])
def test_it_is_made_once_for_all(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / name)
    with another(TOGETHER, path) as one, another(TOGETHER, path) as two:
        for process in (one, two):
            go_on(process)
        outputs = {process.communicate()[0] for process in (one, two)}
    assert len(outputs) == 1 and ("made" in outputs.pop() or name == "entry.json")
    assert (tmp_path / "made").read_text() == "x"


@pytest.mark.parametrize("name", ["entry.so", "entry.json"])
def test_what_a_killed_process_left_is_no_entry(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with another(HALF, str(path)) as process:
        assert not path.exists()
        process.kill()
    if name == "entry.so":
        assert kept_file(path, make, "another").read_text() == CONTENT
    else:
        assert kept_json(path, lambda: [3], "another") == [3]
    assert {entry.name for entry in tmp_path.iterdir()} <= {name, f"{name}.sha256", "made"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("mad"),
        lambda path: path.write_text("Made\n"),
        lambda path: path.unlink(),
        lambda path: path.with_name(f"{path.name}.sha256").unlink(),
        lambda path: path.with_name(f"{path.name}.sha256").write_bytes(b"\xff"),
    ],
)
def test_a_damaged_file_is_made_anew(damage: Callable[[Path], None], tmp_path: Path) -> None:
    path = kept_file(tmp_path / "entry", make, "another")
    assert kept_file(path, again, "another").read_text() == CONTENT
    damage(path)
    assert kept_file(path, make, "another").read_text() == CONTENT
    kept_file(path, again, "another")


@pytest.mark.parametrize("damage", ["", "[1", "[1.0]", "{}", "5", '{"sha256": "", "value": [1]}', "changed"])
def test_damaged_values_are_made_anew(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "entry.json"
    assert kept_json(path, lambda: [1.5, 2.0], "another") == [1.5, 2.0]
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "value": [1.5, 3.0]}) if damage == "changed" else damage
    )
    assert kept_json(path, lambda: [4.0], "another") == [4.0]
    assert kept_json(path, lambda: [5.0], "another") == [4.0]
