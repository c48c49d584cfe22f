"""Which process this is, and whether one that left something behind still lives."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shlex
import socket
import sys
from pathlib import Path

_MOST_CHARACTERS = 200
_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")


def host_name() -> str:
    """Return this machine's name as others in its network know it."""
    return socket.gethostname()


@functools.cache
def host_id() -> str:
    """Return 8 hex digits for the machine, or the container in it, within which a process's number means something."""
    try:
        numbers = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:  # not Linux
        numbers = ""
    return hashlib.sha256(f"{host_name()} {numbers}".encode()).hexdigest()[:8]


def started(pid: int) -> str:
    """Return when a process of this machine started, in the system's own count; "0" where that is not to be had."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "0"
    return fields[19]


def lives(pid: int, start: str) -> bool:
    """Whether the process ``pid`` of this machine lives and, where that can be told, is the one that started then."""
    if sys.platform == "win32":
        return _lives_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return start == "0" or started(pid) in (start, "0")


def _lives_on_windows(pid: int) -> bool:
    """There ``os.kill`` would end the process, whichever signal it is given."""
    import ctypes

    query, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(query, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return not known or code.value == still_active


def command_of_this_process() -> str:
    """Return what was typed to start this process, without passwords in addresses."""
    program, *arguments = sys.argv or [""]
    path = Path(program)
    name = path.parent.name if path.name == "__main__.py" else path.name
    line = shlex.join([name or "python", *arguments])
    return _CREDENTIALS.sub("", " ".join(line.split()))[:_MOST_CHARACTERS]
