"""One process at a time: in a folder for as long as it takes, or refused where that would be long.

A lock is a file that its holder has locked with the operating system, so that it ends with the holder, however that
ends. In the file stands who it is. Where the system has no locks for a folder, and for folders that several machines
share without sharing locks, the file counts as long as its holder, which touches it time and again, has not fallen
silent.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from edgemnist.support.errors import storage_errors
from edgemnist.support.identity import command_of_this_process, host_id, host_name, lives, started
from edgemnist.support.progress import say

LOCK_NAME = ".edgemnist.lock"
"""File in a folder whose content is changed by one process at a time."""

SILENT_SECONDS = 120.0
"""A holder whom the operating system does not vouch for counts as gone after so long without a sign of life."""

_BEAT_SECONDS = 20.0
_TELL_AFTER_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1
_LOCKED_BYTE = 1 << 30
"""Windows locks bytes for reading too: one far behind what stands in the file."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. ``start`` is what ``identity.started`` says, ``machine`` what ``host_id`` does.

    ``since`` is in seconds since 1970.
    """

    pid: int
    start: str
    host: str
    machine: str
    command: str
    since: float

    @classmethod
    def this(cls) -> Holder:
        """Return this process."""
        pid = os.getpid()
        return cls(pid, started(pid), host_name(), host_id(), command_of_this_process(), time.time())

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs on another machine."""
        return self.machine != host_id()

    def __str__(self) -> str:
        """Return who it is in words."""
        where = f" on {self.host!r}" if self.is_elsewhere else ""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.pid}{where} (`{self.command}`), since {since}"


class HeldError(Exception):
    """The lock is held; ``holder`` is None where the file does not say by whom."""

    def __init__(self, holder: Holder | None) -> None:
        self.holder = holder
        super().__init__(self.in_words)

    @property
    def in_words(self) -> str:
        """Who holds it."""
        return str(self.holder) if self.holder else "another process"


@contextmanager
def alone_in(folder: Path, others: str, name: str = LOCK_NAME) -> Iterator[None]:
    """Make a folder and wait until no other process is in it; ``others`` names in a message what is waited for.

    What is in the folder is to be looked at again afterwards: the other process may just have made it. ``name`` is that
    of the lock's file, for processes that are in the others' way only with one thing in the folder. A thread that is in
    the folder already goes on.

    :raises StorageError: the folder can't be made or written.
    """
    with _once(folder / name, lambda path: _waited_for(path, others)):
        yield


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold a lock that may be held for hours, or refuse at once; a thread that holds it goes on.

    :raises HeldError: another process holds it.
    :raises StorageError: the folder can't be made or written.
    """
    with _once(path, _claim):
        yield


def check_unclaimed(path: Path) -> None:
    """Make sure that nobody but this thread holds a lock that is held for long.

    :raises HeldError: another process holds it.
    """
    if path.exists():
        with claimed(path):
            pass


_threads = threading.local()


def _held() -> set[str]:
    """Return the locks of this thread."""
    if not hasattr(_threads, "held"):
        _threads.held = set()
    held: set[str] = _threads.held
    return held


def _key(path: Path) -> str:
    return os.path.realpath(path)


@contextmanager
def _once(path: Path, take: Callable[[Path], _Lock]) -> Iterator[None]:
    """Hold a lock, or go on where this thread holds it already."""
    held, key = _held(), _key(path)
    if key in held:
        yield
        return
    made = _make_folder(path.parent)
    try:
        lock = take(path)
        held.add(key)
        try:
            yield
        finally:
            held.remove(key)
            lock.release()
    finally:
        for folder in made:  # those that nobody has put anything into
            with suppress(OSError):
                folder.rmdir()


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and return those that were missing, the innermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return missing


def _waited_for(path: Path, others: str) -> _Lock:
    told = False
    for seconds in _pauses():
        try:
            return _Lock(path)
        except HeldError as error:
            if not told and seconds >= _TELL_AFTER_SECONDS:
                say(f"waiting for {others} in {str(path.parent)!r}: {error.in_words}")
                told = True
    raise AssertionError("pauses do not end")


def _claim(path: Path) -> _Lock:
    """Take a lock; one that is only looked at for a moment by another process is no reason to refuse."""
    for seconds in _pauses():
        try:
            return _Lock(path)
        except HeldError:
            if seconds >= _LOOK_SECONDS:
                raise
    raise AssertionError("pauses do not end")


def _pauses() -> Iterator[float]:
    """Yield the seconds since the first one, after ever longer pauses."""
    begin, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        yield time.monotonic() - begin
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


class _Lock:
    """A lock that is held until it is released or the process ends."""

    def __init__(self, path: Path) -> None:
        self._path, self._silent = path, threading.Event()
        with storage_errors(path):
            self._handle, vouched = _open_locked(path)
        known = _read(path)
        if known is not None and _may_live(known, vouched=vouched) and _silent_for(path) < SILENT_SECONDS:
            os.close(self._handle)
            raise HeldError(known)
        with suppress(OSError):  # a full disk: nobody can be told who it is
            os.ftruncate(self._handle, 0)
            os.write(self._handle, json.dumps(asdict(Holder.this())).encode())
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._silent.wait(_BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self._path)

    def release(self) -> None:
        self._silent.set()
        if sys.platform == "win32":  # an open file is not to be deleted there
            os.close(self._handle)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if sys.platform != "win32":
            os.close(self._handle)


def _may_live(holder: Holder, *, vouched: bool) -> bool:
    """Whether the holder that stands in a file which nobody has locked may live all the same."""
    return holder.is_elsewhere or (not vouched and lives(holder.pid, holder.start))


def _open_locked(path: Path) -> tuple[int, bool]:
    """Return a handle of the file, locked, and whether the operating system vouches for that.

    :raises HeldError: another process has it locked.
    """
    while True:
        handle = _open(path)
        try:
            vouched = _lock(handle)
            if _is_still(path, handle):
                return handle, vouched
        except BlockingIOError as error:
            os.close(handle)
            raise HeldError(_read(path)) from error
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its holder deleted it when it was released


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:  # a process that made the folder has no more use for it
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)


def _lock(handle: int) -> bool:
    """Lock a file without waiting; return whether the file system has locks.

    :raises BlockingIOError: another process has it locked.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
        os.lseek(handle, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def _is_still(path: Path, handle: int) -> bool:
    """Whether a file that was opened is still the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _silent_for(path: Path) -> float:
    """Return the seconds since a lock's holder touched it, by the clock of the machine that has the files."""
    with tempfile.TemporaryFile(dir=path.parent) as now:
        return os.fstat(now.fileno()).st_mtime - path.stat().st_mtime
