"""Files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgemnist.support.errors import InputError, storage_errors


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

    The temporary name keeps the target's suffix, because Keras chooses its file format by suffix.
    """
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".partial-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


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
    """Write UTF-8 ``content`` to ``target`` atomically and return ``target``."""
    return write_bytes(target, content.encode())


def write_json(target: Path, content: Any) -> Path:
    """Write ``content`` as indented JSON with a final newline, atomically, and return ``target``."""
    return write_text(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


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
