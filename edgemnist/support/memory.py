"""How much memory this process takes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_CONTROL_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def resident_bytes() -> int:
    """Return this process's resident memory; off Linux its peak."""
    return resident_bytes_of("self") or peak_memory_bytes()


def resident_bytes_of(process: int | str) -> int | None:
    """Return the resident memory of a process by its identifier; None where it is gone, and off Linux."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else None


def machine_bytes() -> int:
    """Return the memory that all processes here may take together: the machine's, or a container's if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in map(Path, _CONTROL_GROUP_LIMITS):
        text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if text.isdecimal():
            total = min(total, int(text))
    return total


def peak_memory_bytes() -> int:
    """Return the largest resident set this process has had, in bytes, as counted by the operating system."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
