"""Zig's C compiler with its cache in edgemnist's, and without it where that is damaged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edgemnist.support import processes
from edgemnist.support.progress import say
from edgemnist.support.resources import cache_folder


def run_zig(command: Sequence[str], folder: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run Zig in ``folder``, and once more with a cache of its own there if what fails is a file of the shared one.

    Zig's own library, made for each processor, is kept in the user's cache folder; objects of the code in ``folder``:
    two compilers at once must not share those, as Zig 0.17 then may link one's object into the other's image.

    :raises subprocess.TimeoutExpired: it did not end within ``timeout`` seconds.
    """
    shared = cache_folder() / "zig"
    done = _run(command, folder, shared, timeout)
    if done.returncode == 0 or str(shared) not in done.stderr:
        return done
    again = _run(command, folder, folder.resolve() / "zig-library", timeout)
    if again.returncode == 0:
        say(f"the compiler's cache {str(shared)!r} is damaged and was passed over; delete it, and it is made anew")
    return again


def _run(command: Sequence[str], folder: Path, library: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    places = {"ZIG_GLOBAL_CACHE_DIR": str(library), "ZIG_LOCAL_CACHE_DIR": str(folder.resolve() / "zig-cache")}
    return processes.run(command, cwd=folder, env={**os.environ, **places}, timeout=timeout)
