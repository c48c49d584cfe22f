"""Where Debian's packages are fetched from: the mirror that this machine's own apt uses."""

from __future__ import annotations

import re
from pathlib import Path

from edgemnist.support.environment import DEBIAN_MIRROR
from edgemnist.support.errors import MissingDependencyError

_SOURCES = Path("/etc/apt")
_ADDRESS = re.compile(r"https?://[^\s/]+/debian(?=/?(?:\s|$))")


def debian_mirror(sources: Path = _SOURCES) -> str:
    """Return the address of a Debian mirror: from the environment, else the first one in apt's sources.

    :raises MissingDependencyError: neither names one, as on Ubuntu.
    """
    chosen = DEBIAN_MIRROR.text()
    if chosen:
        return chosen.rstrip("/")
    for path in [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]:
        if path.suffix in (".list", ".sources") and path.is_file():
            lines = [
                line
                for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
                if not line.lstrip().startswith("#")
            ]
            found = _ADDRESS.search("\n".join(lines))
            if found:
                return found[0]
    raise MissingDependencyError(
        f"apt's sources in {str(sources)!r} name no Debian mirror; set {DEBIAN_MIRROR.name} to the address of one, "
        "from Debian's list of mirrors"
    )
