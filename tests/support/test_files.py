"""What killed processes were writing is removed; what living ones write, and what is the user's, is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgemnist.support.files import atomic_path, partial_folder, write_text
from tests.support.others import another, go_on

pytestmark = pytest.mark.unit

WRITES = """
import sys
from pathlib import Path
from edgemnist.support.files import atomic_path, partial_folder
with atomic_path(Path(sys.argv[1]) / "file.keras") as path, partial_folder(Path(sys.argv[1])) as folder:
    path.write_text("whole")
    (folder / "inner").mkdir()
    (folder / "inner" / "part").touch()
    wait()
"""


def partials(folder: Path) -> list[Path]:
    return sorted(folder.glob(".partial-*"))


def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    with another(WRITES, str(tmp_path)) as process:
        write_text(tmp_path / "other", "more")
        assert len(partials(tmp_path)) == 2
        go_on(process)
        assert process.wait() == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file.keras": "whole", "other": "more"}


@pytest.mark.parametrize("how", ["file", "folder"])
def test_what_a_killed_process_wrote_goes_with_the_next_write(how: str, tmp_path: Path) -> None:
    with another(WRITES, str(tmp_path)) as process:
        process.kill()
    left = partials(tmp_path)
    assert len(left) == 2
    # A number that another process has now.
    left[0].rename(left[0].with_name(left[0].name.replace(f"-{process.pid}-", f"-{os.getpid()}-")))
    with atomic_path(tmp_path / "x") if how == "file" else partial_folder(tmp_path) as own:
        assert partials(tmp_path) == [own]


def test_another_machines_stays_until_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / ".partial-00000000-1-1-abcdefgh.keras"
    path.touch()
    write_text(tmp_path / "x", "")
    assert path.exists()
    yesterday = time.time() - 90_000
    os.utime(path, (yesterday, yesterday))
    write_text(tmp_path / "x", "")
    assert not path.exists()


def test_nothing_of_the_users_goes(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    names = [".partial-abcd.npz", ".partial-abcdefgh.keras", ".partial-", ".partial-results", "x.partial-1"]
    for name in names:
        (tmp_path / name).write_text("mine")
    dead = ".partial-00000000-1-1-abcdefgh"
    (tmp_path / dead).symlink_to(tmp_path / "else")
    os.utime(tmp_path / dead, (0, 0), follow_symlinks=False)
    write_text(tmp_path / "x", "")
    assert {path.name for path in tmp_path.iterdir()} == {*names, dead, "else", "x"}
