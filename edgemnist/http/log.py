"""One JSON object a line on stderr for everything that a server has to say."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import datetime, timezone
from typing import Any

_lock = threading.Lock()


def write(level: str, event: str, **values: Any) -> None:
    """Write one line: the time in UTC, ``info``, ``warning`` or ``error``, what happened, and more values."""
    moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": moment, "level": level, "event": event, **values}, default=str)
    with _lock:
        sys.stderr.write(line + "\n")


class Handler(logging.Handler):
    """What libraries log, as such lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a traceback is one of its values."""
        values = {"traceback": logging.Formatter().formatException(record.exc_info)} if record.exc_info else {}
        write(record.levelname.lower(), "log", logger=record.name, message=record.getMessage(), **values)
