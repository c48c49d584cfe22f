"""Downloads against a server that is slow, truncates, lies and dies."""

from __future__ import annotations

import hashlib
import io
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.data.download import Patience, difference, download
from edgemnist.data.published import RemoteFile
from edgemnist.support.errors import DatasetError, StorageError
from edgemnist.support.locking import alone_in
from tests.data.conftest import ARRIVED, TELL_OF_ARRIVALS
from tests.data.server import MirrorServer
from tests.halting import halted

pytestmark = pytest.mark.unit

CONTENT = hashlib.sha256(b"seed").digest() * 4096
FILE = RemoteFile(
    name="file.gz",
    size=len(CONTENT),
    md5=hashlib.md5(CONTENT).hexdigest(),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)
UNSIZED = replace(FILE, size=0)
IMPATIENT = Patience(connect_seconds=0.5, silence_seconds=0.3, window_seconds=0.2, least_rate=10_000)


@pytest.fixture
def mirrors(server: MirrorServer) -> MirrorServer:
    """Return the server with the file on it."""
    server.files["file.gz"] = CONTENT
    return server


def fetch(server: MirrorServer, folder: Path, *behaviours: str, file: RemoteFile = FILE) -> str:
    mirror = download(file, [server.mirror(behaviour) for behaviour in behaviours], folder, IMPATIENT)
    assert (folder / "file.gz").read_bytes() == CONTENT
    assert sorted(path.name for path in folder.iterdir()) == ["file.gz"]
    return mirror.rsplit("/", 2)[-2] if mirror else ""


@pytest.mark.parametrize("file", [FILE, UNSIZED])
@pytest.mark.parametrize("behaviour", ["good", "ignores_range", "wrong_range", "dies", "redirects"])
def test_one_mirror_is_enough(mirrors: MirrorServer, tmp_path: Path, behaviour: str, file: RemoteFile) -> None:
    file_folder = tmp_path / "new/folder"
    mirrors.files["file.gz"] = CONTENT
    if behaviour == "dies":
        with pytest.raises(DatasetError, match="broke off"):
            fetch(mirrors, file_folder, behaviour, file=file)
        assert fetch(mirrors, file_folder, "dies", "good", file=file) in ("dies", "good")
        return
    assert fetch(mirrors, file_folder, behaviour, file=file) == behaviour


@pytest.mark.parametrize("file", [FILE, UNSIZED])
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("truncates", "broke off after"),
        ("lies", "not the published file"),
        ("lies_then_dies", ""),
        ("portal", "not the published file"),
        ("endless", "not the published file"),
        ("fails", "HTTP 500"),
        ("hangs_up", "no connection"),
        ("silent", "no connection: no answer in time"),
        ("falls_silent", "broke off: no answer in time"),
        ("dribbles", "too slow"),
        ("circles", "HTTP 302"),
    ],
)
def test_bad_mirror_is_named_and_the_next_one_taken(
    mirrors: MirrorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: str,
    reason: str,
    file: RemoteFile,
) -> None:
    monkeypatch.setattr("edgemnist.data.download.MAX_BYTES", 1 << 20)
    with pytest.raises(DatasetError, match="every mirror failed") as raised:
        fetch(mirrors, tmp_path, behaviour, file=file)
    assert f"{mirrors.mirror(behaviour)}file.gz: " in str(raised.value)
    assert reason in str(raised.value)
    assert not (tmp_path / "file.gz").exists()
    assert fetch(mirrors, tmp_path, behaviour, "good", file=file) == "good"


def test_every_mirror_is_named_with_its_reason(mirrors: MirrorServer, tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as raised:
        fetch(mirrors, tmp_path, "fails", "portal", "hangs_up")
    lines = str(raised.value).splitlines()
    assert len(lines) == 4
    assert "/fails/" in lines[1]
    assert "/portal/" in lines[2]
    assert "/hangs_up/" in lines[3]


def test_missing_file_is_a_404(server: MirrorServer, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="HTTP 404"):
        fetch(server, tmp_path, "good")


def test_dying_mirror_is_asked_for_the_rest_only(mirrors: MirrorServer, tmp_path: Path) -> None:
    fetch(mirrors, tmp_path, "dies", "good")
    asked = mirrors.ranges("dies")
    assert asked[0] == ""
    assert asked[1] == f"bytes={len(CONTENT) // 2}-"
    assert len(asked) == IMPATIENT.attempts
    assert mirrors.ranges("good")[0].startswith("bytes=")


def test_large_file_survives_any_number_of_breaks(mirrors: MirrorServer, tmp_path: Path) -> None:
    patience = replace(IMPATIENT, attempts=1, worthwhile_bytes=1)
    download(FILE, [mirrors.mirror("dies")], tmp_path, patience)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT
    assert len(mirrors.ranges("dies")) > 15


def test_next_run_continues_where_the_last_one_stopped(mirrors: MirrorServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENT[:1000])
    fetch(mirrors, tmp_path, "good")
    assert mirrors.ranges("good") == ["bytes=1000-"]


@pytest.mark.parametrize("behaviour", ["ignores_range", "wrong_range"])
def test_server_without_range_starts_over(mirrors: MirrorServer, tmp_path: Path, behaviour: str) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENT[:1000])
    fetch(mirrors, tmp_path, behaviour)
    assert mirrors.ranges(behaviour) == ["bytes=1000-"]


@pytest.mark.parametrize("file", [FILE, UNSIZED])
@pytest.mark.parametrize("part", [b"garbage" * 100, CONTENT + b"more", bytes(len(CONTENT))])
def test_wrong_part_is_thrown_away(mirrors: MirrorServer, tmp_path: Path, part: bytes, file: RemoteFile) -> None:
    (tmp_path / "file.gz.part").write_bytes(part)
    fetch(mirrors, tmp_path, "good", file=file)
    assert mirrors.ranges("good")[-1] == ""


@pytest.mark.parametrize("file", [FILE, UNSIZED])
def test_complete_part_is_not_downloaded_again(mirrors: MirrorServer, tmp_path: Path, file: RemoteFile) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENT)
    fetch(mirrors, tmp_path, "good", file=file)
    assert mirrors.ranges("good") == ([] if file.size else [f"bytes={len(CONTENT)}-"])


def test_good_copy_is_left_alone(mirrors: MirrorServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(CONTENT)
    assert fetch(mirrors, tmp_path, "good") == ""
    assert mirrors.requests == []


def test_bad_copy_is_replaced_only_by_a_good_one(mirrors: MirrorServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(b"old")
    with pytest.raises(DatasetError):
        fetch(mirrors, tmp_path, "lies")
    assert (tmp_path / "file.gz").read_bytes() == b"old"
    fetch(mirrors, tmp_path, "good")


def test_nobody_listening(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(DatasetError, match=r"no connection: .*refused"):
        download(FILE, [f"http://127.0.0.1:{port}/"], tmp_path, IMPATIENT)


def test_connecting_takes_no_longer_than_it_may(mirrors: MirrorServer, tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with socket.create_connection(deaf.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(deaf.getsockname())
            start = time.monotonic()
            download(FILE, [f"http://127.0.0.1:{deaf.getsockname()[1]}/", mirrors.mirror("good")], tmp_path, IMPATIENT)
            assert time.monotonic() - start < 3


def test_full_disk_is_a_storage_error(mirrors: MirrorServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz.part").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="the disk is full"):
        download(FILE, [mirrors.mirror("good")], tmp_path, IMPATIENT)
    assert not (tmp_path / "file.gz").exists()


def test_folder_that_cannot_be_made_is_a_storage_error(mirrors: MirrorServer, tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("a file")
    with pytest.raises(StorageError, match="in_the_way"):
        download(FILE, [mirrors.mirror("good")], tmp_path / "in_the_way" / "folder", IMPATIENT)


def test_two_downloads_take_turns(mirrors: MirrorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()  # capsys would lose what is written while it is read
    monkeypatch.setattr(sys, "stderr", told)
    thread = threading.Thread(target=fetch, args=(mirrors, tmp_path, "good"))
    with alone_in(tmp_path, "the test"):
        thread.start()
        while "waiting for another download" not in told.getvalue():
            assert thread.is_alive()
            time.sleep(0.01)
        assert mirrors.requests == []
    thread.join()
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_interrupted_download_keeps_what_it_has(mirrors: MirrorServer, tmp_path: Path) -> None:
    arguments = f"{FILE!r}, [{mirrors.mirror('falls_silent')!r}], Path({str(tmp_path)!r})"
    script = (
        "from pathlib import Path; from edgemnist.data.download import *; "
        "from edgemnist.data.registry import RemoteFile"
    )
    with halted([], ARRIVED, f"{TELL_OF_ARRIVALS}\n{script}\ndownload({arguments})") as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert "KeyboardInterrupt" in errors
    assert (tmp_path / "file.gz.part").read_bytes() == CONTENT[:10]
    fetch(mirrors, tmp_path, "good")
    assert mirrors.ranges("good") == ["bytes=10-"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (FILE, None),
        (UNSIZED, None),
        (replace(FILE, size=1), "bytes instead of 1"),
        (replace(FILE, md5="0" * 32), "MD5"),
        (replace(FILE, sha256="0" * 64), "SHA-256"),
        (replace(FILE, md5="", sha256=""), None),
    ],
)
def test_difference(tmp_path: Path, file: RemoteFile, expected: str | None) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    found = difference(tmp_path / "file", file)
    assert found is None if expected is None else expected in str(found)
