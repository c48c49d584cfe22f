"""One process at a time in a folder of the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemnist.support.errors import storage_errors
from edgemnist.support.progress import say


@contextmanager
def alone_in(folder: Path, others: str) -> Iterator[None]:
    """Make a folder and wait until no other process is in it; ``others`` names in a message what is waited for.

    What is in the folder is to be looked at again afterwards: the other process may just have made it. Without locks
    (Windows, some network file systems) there is no waiting.

    :raises StorageError: the folder can't be made.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    with storage_errors(folder):
        handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for {others} into {folder}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
