"""Where what is too long for a message goes: a file of its own, which the message names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def keep_log(subject: str, text: str) -> Path:
    """Write ``text`` to a new file ``edgemnist-SUBJECT-....log`` in the folder for temporary files; return its path.

    :raises OSError: there is no folder that takes it; a file that is not whole is gone.
    """
    handle, name = tempfile.mkstemp(prefix=f"edgemnist-{subject}-", suffix=".log")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text if text.endswith("\n") else text + "\n")
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def log_clause(subject: str, text: str) -> str:
    """Return "; the details are in FILE" after writing them there, or nothing where there are none or no room."""
    if not text.strip():
        return ""
    try:
        return f"; the details are in {keep_log(subject, text)}"
    except OSError:  # what is to be reported is another error than a full disk
        return ""
