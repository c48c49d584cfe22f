"""What a server is told when it is started: what a request may take, and who is let in."""

from __future__ import annotations

import ipaddress
import math
import socket
from dataclasses import dataclass
from pathlib import Path

from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_SLOW_BYTES, SERVED_PIXELS

_OPTIONS = (
    ("body_bytes", "body-limit"),
    ("pixels", "pixel-limit"),
    ("concurrency", "concurrency"),
    ("seconds", "time-limit"),
    ("body_seconds", "head-limit"),
    ("head_seconds", "head-limit"),
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)  # not kw_only, which Python 3.9 does not have
class Limits:
    """What a request may take: bytes of its body, decompressed; pixels of a picture; and seconds.

    ``concurrency``: requests at a time. ``seconds``: from its head to its answer; of these ``body_seconds`` for the
    body. ``head_seconds``: for the head. ``grace``: how long others are still let in after the end was asked for.
    ``json_bytes``, ``form_bytes``: of a body that is JSON or a form, which are parsed; None is as of any.
    ``held_bodies``: so many bodies of the largest size may be kept at a time, or more that are smaller. ``slow_bytes``:
    of a picture in a coding that is decoded in Python.
    """

    body_bytes: int = 16 << 20
    pixels: int = SERVED_PIXELS
    concurrency: int = 512
    seconds: float = 30.0
    body_seconds: float = 10.0
    head_seconds: float = 10.0
    grace: float = 1.0
    json_bytes: int | None = None
    form_bytes: int | None = None
    held_bodies: int = 8
    slow_bytes: int = MAX_SLOW_BYTES

    def __post_init__(self) -> None:
        """Refuse what would let nothing in."""
        for name, option in _OPTIONS:
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"--{option} {getattr(self, name):g}: give a number above 0")
        if not 0 <= self.grace < math.inf:
            raise InputError(f"--grace {self.grace:g}: give 0 or more seconds")


@dataclass(frozen=True)
class AccessSettings:
    """Who is let in. ``keys``: one of them has to come with a request, if there are any.

    ``hosts``: names that a request may have been sent to, None for any. ``addresses``: or any IP address, which no web
    page can have as a name of its own. ``origins``: of web pages that may ask.
    """

    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None
    addresses: bool = False
    origins: tuple[str, ...] = ()

    def answers_for(self, host: str) -> bool:
        """Tell whether a request to that host, a name or an address without its port, is for this server."""
        return self.hosts is None or host in self.hosts or (self.addresses and _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def own_names() -> tuple[str, ...]:
    """Return the names by which others in the same network know this machine: also as mDNS has it (RFC 6762)."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return tuple(dict.fromkeys((*LOOPBACK, name, short, f"{short}.local")))


def keys_from(file: Path | None, value: str | None) -> tuple[str, ...]:
    """Return the API keys of a file, one a line, where ``#`` begins a comment; else the one that is given.

    :raises InputError: the file cannot be read, or has none.
    """
    if file is None:
        return (value,) if value else ()
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the API keys in {str(file)!r}: {error}; give a text file, one key a line") from (
            error
        )
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise InputError(f"--api-key-file {str(file)!r} has no key; write one a line, or leave the option out")
    return found
