"""What a server is told when it is started."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from edgemnist.harness.feeding import FeedingSettings
from edgemnist.support.errors import InputError
from edgemnist.support.limits import SERVED_PIXELS

_OPTIONS = (
    ("body_bytes", "body-limit"),
    ("pixels", "pixel-limit"),
    ("concurrency", "concurrency"),
    ("seconds", "time-limit"),
    ("body_seconds", "head-limit"),
    ("head_seconds", "head-limit"),
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may take: bytes of its body, decompressed; pixels of a picture; and seconds.

    ``concurrency``: requests at a time. ``seconds``: from its head to its answer; of these ``body_seconds`` for the
    body. ``head_seconds``: for the head. ``grace``: how long others are still let in after the end was asked for.
    """

    body_bytes: int = 16 << 20
    pixels: int = SERVED_PIXELS
    concurrency: int = 512
    seconds: float = 30.0
    body_seconds: float = 10.0
    head_seconds: float = 10.0
    grace: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what would let nothing in."""
        for name, option in _OPTIONS:
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"--{option} {getattr(self, name):g}: give a number above 0")
        if not 0 <= self.grace < math.inf:
            raise InputError(f"--grace {self.grace:g}: give 0 or more seconds")


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """How models are opened. ``runtime`` None is the first that takes the model; ``shadow`` one beside it.

    ``versions``: how many of the newest versions are kept. ``poll``: seconds between looks at the files; 0 looks never.
    ``feeding`` and ``dataset``: as for ``edgemnist predict``.
    """

    runtime: str | None = None
    shadow: str | None = None
    versions: int = 1
    poll: float = 2.0
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    dataset: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.versions < 1:
            raise InputError(f"--versions {self.versions}: give 1 or more")
        if not 0 <= self.poll < math.inf:
            raise InputError(f"--poll {self.poll:g}: give 0 or more seconds")


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """Who is let in. ``keys``: one of them has to come with a request, if there are any.

    ``hosts``: names that a request may have been sent to, None for any. ``origins``: of web pages that may ask.
    """

    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None
    origins: tuple[str, ...] = ()


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
