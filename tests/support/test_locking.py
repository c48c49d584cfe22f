"""Locks between real processes: who waits, who is refused, and that a killed holder is in nobody's way."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from pathlib import Path

import pytest

from edgemnist.support.identity import host_id, started
from edgemnist.support.locking import LOCK_NAME, SILENT_SECONDS, HeldError, alone_in, check_unclaimed, claimed
from tests.support.others import another, go_on

pytestmark = pytest.mark.unit

HOLDS = """
import sys
from pathlib import Path
from edgemnist.support.locking import alone_in, claimed
sys.argv = ["/usr/bin/edgemnist", *sys.argv[1:], "https://me:secret@host/x"]
with {lock}:
    wait()
"""
ALONE = HOLDS.format(lock="alone_in(Path(sys.argv[1]), 'another')")
CLAIMS = HOLDS.format(lock="claimed(Path(sys.argv[1]))")
COUNTS = """
import sys
from pathlib import Path
from edgemnist.support.locking import alone_in
wait()
path = Path(sys.argv[1]) / "count"
for _ in range(200):
    with alone_in(path.parent, "another"):
        path.write_text(str(int(path.read_text()) + 1))
"""


def test_nobody_is_in_a_folder_at_the_same_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    with another(COUNTS, str(tmp_path)) as one, another(COUNTS, str(tmp_path)) as two:
        for process in (one, two):
            go_on(process)
        assert [process.wait(30) for process in (one, two)] == [0, 0]
    assert (tmp_path / "count").read_text() == "400"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_who_waits_says_for_whom_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with another(ALONE, str(tmp_path)) as holder:
        threading.Timer(1.3, go_on, [holder]).start()
        with alone_in(tmp_path, "another writer"):
            pass
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"waiting for another writer in '{tmp_path}': process {holder.pid} (`edgemnist {tmp_path} ")
    assert f"since {time.strftime('%Y-%m-%d')}" in line
    assert "secret" not in line


def test_a_killed_holder_is_in_nobodys_way(tmp_path: Path) -> None:
    with another(ALONE, str(tmp_path)) as holder:
        holder.kill()
        holder.communicate()
    assert (tmp_path / LOCK_NAME).exists()
    begin = time.monotonic()
    with alone_in(tmp_path, "another"), alone_in(tmp_path, "another"):
        pass
    assert time.monotonic() - begin < 0.5
    assert not list(tmp_path.iterdir())


def test_a_claim_is_refused_at_once_and_free_after_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "claim"
    with another(CLAIMS, str(path)) as holder:
        says = rf"process {holder.pid} \(`edgemnist {path} "
        with pytest.raises(HeldError, match=says), claimed(path):
            pass
        with pytest.raises(HeldError, match=says):
            check_unclaimed(path)
        go_on(holder)
        holder.wait()
    check_unclaimed(path)
    assert not list(tmp_path.iterdir())
    with claimed(path), claimed(path):
        check_unclaimed(path)


def test_a_claim_looked_at_for_a_moment_is_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    with another(CLAIMS, str(path)) as looking:
        threading.Timer(0.05, go_on, [looking]).start()
        with claimed(path):
            pass


def note(path: Path, pid: int, start: str, machine: str) -> None:
    holder = {"pid": pid, "start": start, "host": "gpu-box", "machine": machine, "command": "edgemnist train"}
    path.write_text(json.dumps({**holder, "since": time.time()}))


def test_a_claim_of_another_machine_counts_until_it_is_silent(tmp_path: Path) -> None:
    """Whether its locks are seen here depends on the file system: this one's are not."""
    path = tmp_path / "claim"
    note(path, 7, "1", "0" * 8)
    with pytest.raises(HeldError, match=r"process 7 on 'gpu-box' \(`edgemnist train`\), since"), claimed(path):
        pass
    assert path.exists()
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    with claimed(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": 1}'])
def test_a_damaged_lock_file_is_nobodys(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "claim").write_bytes(content)
    with claimed(tmp_path / "claim"):
        pass


def test_without_locks_of_the_system_the_living_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    path = tmp_path / "claim"
    with another("wait()") as process:
        monkeypatch.setattr(fcntl, "flock", no_locks)
        note(path, process.pid, started(process.pid), host_id())
        with pytest.raises(HeldError), claimed(path):
            pass
        note(path, process.pid, "1", host_id())  # the number was another process's before
        with claimed(path):
            pass
        note(path, process.pid, started(process.pid), host_id())
    with claimed(path):
        pass
