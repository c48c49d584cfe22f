"""Opening serial ports: what can go wrong is said with its remedy, and nothing is left open."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from edgemnist.mcu.serial_port import _explained, find_ports, open_port
from edgemnist.support.errors import (
    EnvironmentFailure,
    InputError,
    MissingDependencyError,
    RuntimeCrashedError,
    StorageError,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/ttyNOTHERE", "there is no serial port '/dev/ttyNOTHERE'; (there are: /dev|none is there)"),
        ("", "there is no serial port ''"),
        ("/dev/null/tty", "there is no serial port"),
        (__file__, "can't be used as a serial port"),
        ("/dev", "can't be used as a serial port"),
        ("/dev/null", "can't be used as a serial port"),
        ("with\0null", "can't be used as a serial port"),
    ],
)
def test_no_such_port(path: str, words: str) -> None:
    """A wrong path is the user's input; nothing stays open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not files
    with pytest.raises(InputError, match=words):
        open_port(path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_port_in_use() -> None:
    """The second to open it is told; after the first closes, it can have it."""
    far, near = os.openpty()
    try:
        path = os.ttyname(near)
        first = open_port(path)
        with pytest.raises(EnvironmentFailure, match=f"{path} is in use by another program"):
            open_port(path)
        first.close()
        first.close()
        open_port(path).close()
    finally:
        os.close(near)
        os.close(far)


def test_device_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody reads, writing ends with an error, and closing does not wait for what could not be sent."""
    monkeypatch.setattr("edgemnist.mcu.serial_port._WRITE_SECONDS", 0.2)
    far, near = os.openpty()
    try:
        port = open_port(os.ttyname(near))
        with pytest.raises(RuntimeCrashedError, match="takes no more bytes: the device hangs"):
            port.write(bytes(100_000))
        port.close()
    finally:
        os.close(near)
        os.close(far)


def test_port_that_goes_away() -> None:
    """Reading and writing say so; so does a port that was closed here."""
    far, near = os.openpty()
    port = open_port(os.ttyname(near))
    os.close(near)
    os.close(far)
    with pytest.raises(RuntimeCrashedError, match="is gone"):
        port.read(1)
    with pytest.raises(RuntimeCrashedError, match="is gone"):
        port.write(b"x")
    port.close()
    with pytest.raises(RuntimeCrashedError, match="is gone"):
        port.read(1)


def test_permission(tmp_path: Path) -> None:
    """The message names the group that the device file belongs to, and how to join it."""
    error = PermissionError(errno.EACCES, "could not open port")
    explained = _explained(str(tmp_path), 115_200, error)
    assert isinstance(explained, StorageError)
    assert f"sudo usermod -aG {tmp_path.group()} $USER" in str(explained)
    assert "sudo usermod -aG dialout $USER" in str(_explained("/dev/ttyNOTHERE", 115_200, error))


def test_permission_for_real(tmp_path: Path) -> None:
    """A file that this user may not open is refused in the same words."""
    path = tmp_path / "port"
    path.touch(mode=0)
    find_ports()  # imports what it needs while that may be read
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        with pytest.raises(StorageError, match="no permission to open"):
            open_port(str(path))
    finally:
        os.seteuid(user)


def test_baud_rates() -> None:
    """A rate is passed on as it is; one that can't be is refused."""
    with pytest.raises(InputError, match="baud rate 0 is not possible"):
        open_port("/dev/ttyNOTHERE", 0)
    far, near = os.openpty()
    try:
        port = open_port(os.ttyname(near), 9600)
        assert port.name.endswith("at 9600 baud")
        assert port.seconds_per_byte == pytest.approx(1 / 960)
        port.close()
    finally:
        os.close(near)
        os.close(far)


def test_raw_whatever_the_terminal_was() -> None:
    """Line editing, echo and flow control of a terminal are switched off: every byte value passes."""
    far, near = os.openpty()
    try:
        port = open_port(os.ttyname(near))
        every = bytes(range(256))
        port.write(every)
        assert os.read(far, 1000) == every
        os.write(far, every)
        received = b""
        while len(received) < len(every):
            received += port.read(1)
        assert received == every
        assert port.read(0) == b""
        port.close()
    finally:
        os.close(near)
        os.close(far)


def test_without_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, "serial", None)
    for call in (find_ports, lambda: open_port("/dev/ttyACM0")):
        with pytest.raises(MissingDependencyError, match=r"pip install 'edgemnist\[mcu\]'"):
            call()


def test_ports_of_this_machine() -> None:
    """Listing works, whatever there is."""
    assert all(isinstance(path, str) for path in find_ports())
