"""What is kept in a cache because it takes long to make: made once for all processes, and anew where it is damaged.

A file's SHA-256 lies beside it, written after it: what a killed process left is no entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgemnist.support.files import atomic_path, sha256_of, write_bytes, write_json, write_text
from edgemnist.support.locking import alone_in


def kept_file(path: Path, make: Callable[[Path], None], others: str) -> Path:
    """Return a file of a cache; ``make`` writes it to the path that it is given, where it is missing or damaged.

    ``others`` names what is waited for while another process makes it.
    """
    if is_whole(path):
        return path
    with alone_in(path.parent, others, _lock_name(path)):
        if not is_whole(path):
            with atomic_path(path) as temporary:
                make(temporary)
            write_text(_digest_path(path), sha256_of(path))
    return path


def keep(path: Path, content: bytes) -> None:
    """Write a file of a cache, with its digest."""
    write_bytes(path, content)
    write_text(_digest_path(path), hashlib.sha256(content).hexdigest())


def is_whole(path: Path, *, without_digest: bool = False) -> bool:
    """Whether a file of a cache is there, as it was when it was made.

    ``without_digest``: whether one counts that was kept before there were digests.
    """
    try:
        if without_digest and not _digest_path(path).exists():
            return path.is_file()
        return _digest_path(path).read_text(encoding="utf-8") == sha256_of(path)
    except (OSError, ValueError):
        return False


def kept_json(path: Path, make: Callable[[], Any], others: str) -> Any:
    """Return JSON values of a cache, never None, which ``make`` returns where they are missing or damaged.

    ``others``: as for :func:`kept_file`.
    """
    found = _read(path)
    if found is None:
        with alone_in(path.parent, others, _lock_name(path)):
            found = _read(path)
            if found is None:
                found = make()
                write_json(path, {"sha256": _digest(found), "value": found})
    return found


def _read(path: Path) -> Any:
    """Return what is kept, None where it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["value"] if content["sha256"] == _digest(content["value"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _lock_name(path: Path) -> str:
    return f".{path.name}.lock"
