"""Files that are written whole or not at all, and what killed processes left of theirs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from edgemnist.support import stopping
from edgemnist.support.errors import InputError, storage_errors
from edgemnist.support.identity import host_id, lives, started

_OLD_SECONDS = 86_400.0
"""What another machine's process is writing counts as left behind when nothing was added to it for so long."""

_PARTIAL = re.compile(r"\.partial-(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]+)-(?P<start>[0-9]+)-[a-z0-9_]{8}(\..*)?")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` on success, delete it on any failure.

    The temporary name keeps the target's suffix, because Keras chooses its file format by suffix. What killed
    processes left in the folder is removed.
    """
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        temporary = target.parent / f"{_partial_prefix()}{secrets.token_hex(4)}{target.suffix}"
        sys.audit("tempfile.mkstemp", str(temporary))  # as the standard library tells of such a file
        try:
            temporary.touch(mode=0o600, exist_ok=False)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write every file beside its target before any is put in place.

    A full disk changes none of them, and the signals that end a command come before the first or after the last.
    """
    with ExitStack() as stack:
        for target, content in contents.items():
            stack.enter_context(atomic_path(target)).write_bytes(content)
        with stopping.held():
            stack.close()


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in ``parent``, for what is renamed into its place when complete; deleted in the end.

    What killed processes left in ``parent`` is removed.
    """
    with storage_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(parent)
        with tempfile.TemporaryDirectory(dir=parent, prefix=_partial_prefix()) as name:
            yield Path(name)


def remove_leftovers(folder: Path) -> None:
    """Remove what edgemnist's own processes were writing in a folder when they were killed.

    The names say whose they are. What a living process writes stays, and so does what merely has a similar name.
    """
    mine = _partial_prefix()  # of many files that are written together all see all
    with os.scandir(folder) as entries:
        left = [Path(entry.path) for entry in entries if not entry.name.startswith(mine) and _is_left(entry)]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # another process removes it too
                path.unlink()


def _is_left(entry: os.DirEntry[str]) -> bool:
    found = _PARTIAL.fullmatch(entry.name)
    if found is None or entry.is_symlink():
        return False
    if found["machine"] == host_id():
        return not lives(int(found["pid"]), found["start"])
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD_SECONDS
    except OSError:
        return False


def _partial_prefix() -> str:
    pid = os.getpid()
    return f".partial-{host_id()}-{pid}-{started(pid)}-"


def check_writable(folder: Path) -> None:
    """Make a folder and make sure that it can be written, before a slow stage finds out in the end.

    :raises StorageError: it cannot.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def check_png(path: Path | None) -> None:
    """Refuse a picture's name that does not end in .png.

    :raises InputError: says the name.
    """
    if path is not None and path.suffix.lower() != ".png":
        raise InputError(f"cannot draw {str(path)!r}: pictures are PNG, so the name must end in .png")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(target: Path, content: bytes) -> Path:
    """Write ``content`` to ``target`` atomically and return ``target``."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)
    return target


def write_text(target: Path, content: str) -> Path:
    """Write ``content`` to ``target`` atomically as UTF-8 and return ``target``.

    Half a surrogate pair, as Python has one for a byte of a file's name that is not UTF-8, is written as ``\\udcff``.
    """
    return write_bytes(target, content.encode(errors="backslashreplace"))


def json_text(content: Any, encoding: str = "utf-8") -> str:
    """Return ``content`` as indented JSON with a final newline, in characters that ``encoding`` has."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(content, indent=2)
    return text + "\n"


def write_json(target: Path, content: Any) -> Path:
    """Write ``content`` as JSON, atomically, and return ``target``."""
    return write_text(target, json_text(content))


def package_versions(*names: str) -> dict[str, str]:
    """Return installed versions of the named distributions; those not installed are left out."""
    from importlib import metadata

    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
