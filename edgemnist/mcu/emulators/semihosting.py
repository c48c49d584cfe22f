"""Semihosting as far as the firmware uses it (Arm, Semihosting for AArch32 and AArch64): two files and the exit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

SYS_OPEN, SYS_WRITE, SYS_READ, SYS_EXIT = 0x01, 0x05, 0x06, 0x18
APPLICATION_EXIT = 0x20026
_REQUESTS, _ANSWERS = 1, 2
_FAILED = 0xFFFFFFFF


@dataclass
class Host:
    """The debugger's side. ``read`` and ``write`` reach the core's memory; ``exit_reason`` is set by SYS_EXIT.

    With ``more_to_come`` a read that finds no request sets ``starved``, and is to be repeated when there is one.
    """

    requests: bytes
    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]
    answers: bytearray = field(default_factory=bytearray)
    exit_reason: int | None = None
    more_to_come: bool = False
    starved: bool = False
    _position: int = 0

    def feed(self, requests: bytes) -> None:
        """Put the next requests in place of those that were read."""
        self.requests, self._position = requests, 0

    def call(self, operation: int, argument: int) -> int:
        """Serve one request and return its result; an unknown one fails with -1, as the specification says."""
        if operation == SYS_OPEN:
            return self._open(*self._words(argument, 3))
        if operation == SYS_READ:
            return self._read(*self._words(argument, 3))
        if operation == SYS_WRITE:
            _, buffer, size = self._words(argument, 3)
            self.answers += self.read(buffer, size)
            return 0
        if operation == SYS_EXIT:
            self.exit_reason = argument
            return 0
        return _FAILED

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self.read(address, 4 * count))

    def _open(self, name: int, mode: int, length: int) -> int:
        known = {(b"requests.bin", True): _REQUESTS, (b"answers.bin", False): _ANSWERS}
        return known.get((self.read(name, length), mode < 4), _FAILED)

    def _read(self, _: int, buffer: int, size: int) -> int:
        chunk = self.requests[self._position : self._position + size]
        self.starved = self.more_to_come and not chunk
        self._position += len(chunk)
        self.write(buffer, chunk)
        return size - len(chunk)
