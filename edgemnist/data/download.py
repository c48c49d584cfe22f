"""Downloading one file from several mirrors: resumable, checked against its published checksums, atomic.

What has arrived lies in ``<name>.part`` until its checksums are right, and stays there when the download stops
half-way: the next try, on the same mirror or another, asks only for the rest.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgemnist.data.published import RemoteFile
from edgemnist.support.errors import DownloadError, storage_errors
from edgemnist.support.locking import alone_in
from edgemnist.support.progress import Task, progress_task
from edgemnist.support.version import VERSION

MAX_BYTES = 2 << 30
"""A reply for a file of unknown size is cut off here."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Patience:
    """How long a mirror may take.

    ``connect_seconds``: until the connection stands (TLS included). ``silence_seconds``: without a single byte.
    ``least_rate``: bytes per second, averaged over ``window_seconds``; a slower mirror is given up.
    ``attempts``: on one mirror, as long as each brings new bytes; one that brings ``worthwhile_bytes`` does not count.
    """

    connect_seconds: float = 5.0
    silence_seconds: float = 20.0
    window_seconds: float = 20.0
    least_rate: float = 2_000.0
    attempts: int = 5
    worthwhile_bytes: int = 1 << 20


class MirrorError(Exception):
    """A mirror failed. ``resumable``: asking the same mirror for the rest may help."""

    def __init__(self, reason: str, *, resumable: bool = False) -> None:
        super().__init__(reason)
        self.resumable = resumable


def download(file: RemoteFile, mirrors: Sequence[str], folder: Path, patience: Patience | None = None) -> str:
    """Download a file into ``folder`` unless a good copy is there; return the mirror it came from, "" for a good copy.

    ``mirrors``: address prefixes, to which the file's name is added, in the order in which they are tried.

    :raises DatasetError: no mirror delivered the published file; names each and why.
    :raises StorageError: no permission, disk full.
    """
    target, part = folder / file.name, folder / f"{file.name}.part"
    if _is_good(target, file):  # also in a folder that cannot be written
        return ""
    with alone_in(folder, "another download"):  # two must not write into one ``.part``
        if _is_good(target, file):
            return ""
        failures = []
        with progress_task(f"Downloading {file.name}", total=file.size or None) as task:
            for mirror in mirrors:
                try:
                    _from_mirror(mirror + file.name, file, part, patience or Patience(), task)
                except MirrorError as error:
                    failures.append(f"{mirror}{file.name}: {error}")
                    continue
                _put_in_place(part, target)
                return mirror
    raise DownloadError("\n  ".join([f"cannot download {file.name!r}; every mirror failed", *failures]))


def _is_good(path: Path, file: RemoteFile) -> bool:
    return path.exists() and difference(path, file) is None


def difference(path: Path, file: RemoteFile) -> str | None:
    """Return how a file differs from the published one (size, MD5, SHA-256), or None when it doesn't."""
    size = path.stat().st_size
    if file.size and size != file.size:
        return f"{size:,} bytes instead of {file.size:,}"
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            md5.update(block)
            sha256.update(block)
    for name, actual, published in (("MD5", md5, file.md5), ("SHA-256", sha256, file.sha256)):
        if published and actual.hexdigest() != published:
            return f"{name} {actual.hexdigest()} instead of {published}"
    return None


def _from_mirror(url: str, file: RemoteFile, part: Path, patience: Patience, task: Task) -> None:
    """Bring ``part`` to the published content from one mirror.

    :raises MirrorError: it can't be had there.
    """
    attempts = 0
    while True:
        before = _size(part)
        try:
            _append(url, file, part, patience, task)
        except MirrorError as error:
            grown = _size(part) - before
            attempts += grown < patience.worthwhile_bytes
            if not error.resumable or grown <= 0 or attempts == patience.attempts:
                raise
            continue
        wrong = difference(part, file)
        if wrong is None:
            return
        part.unlink()
        if before == 0:
            raise MirrorError(f"not the published file ({wrong})")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(url: str, file: RemoteFile, part: Path, patience: Patience, task: Task) -> None:
    """Ask for what ``part`` still lacks and append it; start over where the server can't resume."""
    have = _size(part)
    if file.size and have >= file.size:
        return
    with _reply(url, have, patience) as reply:
        if reply is None:
            return
        start = have if _resumes_at(reply, have) else 0
        length = reply.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else 0
        if file.size and total and total != file.size:
            raise MirrorError(f"not the published file ({total:,} bytes instead of {file.size:,})")
        limit = file.size or MAX_BYTES
        task.update(completed=start, total=file.size or total or None)
        with storage_errors(part), part.open("ab" if start else "wb") as output:
            arrived = start + _copy(reply, output, limit - start, patience, task)
    if arrived < (file.size or total):
        raise MirrorError(f"broke off after {arrived:,} of {file.size or total:,} bytes", resumable=True)


def _copy(reply: http.client.HTTPResponse, output: BinaryIO, limit: int, patience: Patience, task: Task) -> int:
    """Copy a reply to a file and return how many bytes; watches the rate and the limit."""
    copied, window_start, window_bytes = 0, time.monotonic(), 0
    while True:
        block = _network(lambda: reply.read1(_CHUNK), "broke off")
        if not block:
            return copied
        if copied + len(block) > limit:
            raise MirrorError(f"not the published file (more than its {limit:,} bytes)")
        output.write(block)
        copied, window_bytes = copied + len(block), window_bytes + len(block)
        task.update(advance=len(block))
        elapsed = time.monotonic() - window_start
        if elapsed >= patience.window_seconds:
            if window_bytes < patience.least_rate * elapsed:
                raise MirrorError(f"too slow ({window_bytes / elapsed:,.0f} bytes per second)")
            window_start, window_bytes = time.monotonic(), 0


@contextmanager
def _reply(url: str, have: int, patience: Patience) -> Iterator[http.client.HTTPResponse | None]:
    """Open an address from byte ``have`` on; None when the server has nothing after that (HTTP 416)."""
    headers = {"User-Agent": f"edgemnist/{VERSION}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(_PatientHTTPHandler(patience), _PatientHTTPSHandler(patience))
    try:
        reply = _network(lambda: opener.open(request, timeout=patience.connect_seconds), "no connection")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise MirrorError(f"HTTP {error.code} {error.reason}") from error
        yield None
        return
    with reply:
        yield reply


def _network(action: Callable[[], Any], what: str) -> Any:
    """Run a network operation; what goes wrong becomes a :class:`MirrorError` (an HTTP status stays what it is)."""
    try:
        return action()
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        raise MirrorError(f"{what}: {_in_words(cause)}", resumable=True) from error


def _in_words(cause: str | BaseException) -> str:
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    system_message = cause.strerror if isinstance(cause, OSError) else None
    return system_message or str(cause) or type(cause).__name__


def _resumes_at(reply: http.client.HTTPResponse, have: int) -> bool:
    """Tell whether a reply continues at byte ``have``; a server that ignores Range sends everything with status 200."""
    announced = reply.headers.get("Content-Range", "")
    return have > 0 and reply.status == http.client.PARTIAL_CONTENT and announced.startswith(f"bytes {have}-")


def _put_in_place(part: Path, target: Path) -> None:
    with storage_errors(target):
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)


class _PatientHTTPConnection(http.client.HTTPConnection):
    """Takes the request's timeout for connecting only and allows longer silence afterwards."""

    silence_seconds = 20.0

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self.silence_seconds)


class _PatientHTTPSConnection(http.client.HTTPSConnection):
    """The same over TLS."""

    silence_seconds = 20.0

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self.silence_seconds)


class _PatientHTTPHandler(urllib.request.HTTPHandler):
    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._connect = functools.partial(_connection, _PatientHTTPConnection, patience)

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)


class _PatientHTTPSHandler(urllib.request.HTTPSHandler):
    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._connect = functools.partial(_connection, _PatientHTTPSConnection, patience)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)


def _connection(kind: Any, patience: Patience, host: str, **arguments: Any) -> Any:
    connection = kind(host, **arguments)
    connection.silence_seconds = patience.silence_seconds
    return connection
