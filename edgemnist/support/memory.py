"""How much memory this process takes."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def resident_bytes() -> int:
    """Return this process's resident memory; off Linux its peak."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    return peak_memory_bytes()


def peak_memory_bytes() -> int:
    """Return the largest resident set this process has had, in bytes, as counted by the operating system."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
