"""Serial ports, through pyserial: errors that say what to do, reading and writing with time-outs."""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgemnist.mcu.link import DeviceGoneError
from edgemnist.support.errors import (
    EnvironmentFailure,
    InputError,
    MissingDependencyError,
    RuntimeCrashedError,
    StorageError,
)

DEFAULT_BAUD = 115_200
_POLL_SECONDS = 0.02
_WRITE_SECONDS = 5.0
_WRITE_BYTES = 256  # at a time, so that even 1200 baud makes progress within the time-out
_BITS_PER_BYTE = 10  # start, 8 data, stop


def _pyserial() -> Any:
    """Import pyserial, whose absence is the user's to mend."""
    try:
        import serial
        import serial.tools.list_ports
    except ImportError as error:
        raise MissingDependencyError("serial ports need pyserial: pip install 'edgemnist[mcu]'") from error
    return serial


def find_ports() -> tuple[str, ...]:
    """Return the serial ports of this machine that have hardware behind them.

    :raises MissingDependencyError: no pyserial.
    """
    return tuple(sorted(str(port.device) for port in _pyserial().tools.list_ports.comports()))


class SerialPort:
    """An open serial port, 8N1 without flow control; a ``ByteStream``."""

    def __init__(self, port: Any, baud: int) -> None:
        """:param port: an open ``serial.Serial`` with a read time-out of at most 0.1 s."""
        self._port = port
        self._baud = baud

    @property
    def name(self) -> str:
        """The device file and the baud rate."""
        return f"{self._port.port} at {self._baud} baud"

    @property
    def seconds_per_byte(self) -> float:
        """How long a byte takes at the port's baud rate."""
        return _BITS_PER_BYTE / self._baud

    def read(self, timeout: float) -> bytes:
        """Return what has come in, waiting at most ``timeout`` seconds for the first byte.

        :raises DeviceGoneError: so is the port.
        """
        if not self._port.is_open:
            raise self._gone()
        deadline = time.monotonic() + timeout
        try:
            while True:
                data = self._port.read(max(1, self._port.in_waiting))
                if data or time.monotonic() >= deadline:
                    return bytes(data)
        except OSError as error:
            raise self._gone() from error

    def write(self, data: bytes) -> None:
        """Send bytes.

        :raises DeviceGoneError: so is the port.
        :raises RuntimeCrashedError: the port takes nothing for 5 s.
        """
        try:
            for start in range(0, len(data), _WRITE_BYTES):
                self._port.write(data[start : start + _WRITE_BYTES])
        except _pyserial().SerialTimeoutException as error:
            raise RuntimeCrashedError(f"{self.name} takes no more bytes: the device hangs") from error
        except OSError as error:
            raise self._gone() from error

    def close(self) -> None:
        """Close the port; what was not sent yet is dropped, so that a device that hangs can't block this."""
        if self._port.is_open:
            with suppress(*_port_errors()):
                self._port.reset_output_buffer()
            self._port.close()

    def _gone(self) -> DeviceGoneError:
        return DeviceGoneError(
            f"{self._port.port} is gone: unplugged, restarted in the middle, or another program reads from it, too"
        )


def open_port(path: str, baud: int = DEFAULT_BAUD) -> SerialPort:
    """Open a serial port for this process alone; what it had received is dropped.

    :param path: its device file or name: ``/dev/ttyACM0``, ``/dev/cu.usbmodem101``, ``COM3``.
    :raises InputError: no such port, not a serial port, or a baud rate that it can't do.
    :raises StorageError: no permission.
    :raises EnvironmentFailure: another program has it open.
    :raises MissingDependencyError: no pyserial.
    """
    serial = _pyserial()
    if baud < 1:
        raise InputError(f"baud rate {baud} is not possible; 115200 is usual")
    try:
        port = serial.Serial(path, baud, timeout=_POLL_SECONDS, write_timeout=_WRITE_SECONDS, exclusive=True)
    except _port_errors() as error:
        raise _explained(path, baud, error) from error
    return SerialPort(port, baud)


def _port_errors() -> tuple[type[Exception], ...]:
    """Return what pyserial raises; a port's settings raise ``termios.error``, which is no ``OSError``."""
    try:
        import termios
    except ImportError:  # Windows
        return (OSError, ValueError)
    return (OSError, ValueError, termios.error)


def _explained(path: str, baud: int, error: Exception) -> EnvironmentFailure | InputError:
    """Turn pyserial's error into what is wrong and what helps. On Windows the reason is only in the text."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR) or "FileNotFoundError" in text:
        return InputError(f"there is no serial port {path!r}; {_ports_text()}")
    if number in (errno.EBUSY, errno.EAGAIN) or "PermissionError" in text:
        return EnvironmentFailure(f"{path} is in use by another program (a serial monitor?); close that one")
    if number in (errno.EACCES, errno.EPERM):
        return StorageError(
            f"no permission to open {path}: it belongs to group {_group(path)!r}; join it with "
            f"'sudo usermod -aG {_group(path)} $USER' and log in again"
        )
    if isinstance(error, ValueError) and "baud" in text:
        return InputError(f"{path} can't do {baud} baud; 115200 is usual")
    return InputError(f"{path!r} can't be used as a serial port ({text}); {_ports_text()}")


def _ports_text() -> str:
    found = find_ports()
    return f"there are: {', '.join(found)}" if found else "none is there: is the board plugged in, with a data cable?"


def _group(path: str) -> str:
    """Return the group that a device file belongs to; Debian's name for it where that can't be seen."""
    try:
        return Path(path).group()
    except (OSError, KeyError, NotImplementedError):
        return "dialout"
