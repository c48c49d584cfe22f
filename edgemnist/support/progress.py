"""Progress on stderr, only on a terminal; results go to stdout. One place decides how both look."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgemnist.support.files import json_text
from edgemnist.support.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_LEAST_BAR, _LONGEST_BAR = 5, 40
_BESIDE_BAR = 55
"""Columns that text takes beside a bar."""

_active: list[Any] = []
_listeners: list[Callable[[str], None]] = []
_watchers: list[Callable[[float], None] | None] = []
_quiet = False


def stdout_console() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def stderr_console() -> Console:
    """Return the console for progress and messages."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def stderr_width() -> int | None:
    """Return the columns of the terminal on stderr, None for a file or pipe."""
    if not sys.stderr.isatty():
        return None
    return stderr_console().width


@contextmanager
def said_to(listener: Callable[[str], None]) -> Iterator[None]:
    """Give what :func:`say` is told to ``listener`` instead, for as long as the block lasts."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """With ``quiet`` neither say anything nor show progress, for as long as the block lasts."""
    global _quiet
    before, _quiet = _quiet, quiet or _quiet
    try:
        yield
    finally:
        _quiet = before


def say(message: str) -> None:
    """Print a message to stderr, for people; appears above a running progress display."""
    if _listeners:
        _listeners[-1](message)
        return
    if _quiet:
        return
    console = _active[-1].console if _active else stderr_console()
    for line in wrapped(message, console.width if console.is_terminal else None):
        console.print(line, markup=False, soft_wrap=True)


def print_json(content: Any) -> None:
    """Print ``content`` to stdout as JSON."""
    sys.stdout.write(json_text(content, sys.stdout.encoding or "utf-8"))


def print_json_line(content: Any) -> None:
    """Print ``content`` to stdout as JSON in one line."""
    sys.stdout.write(json.dumps(content) + "\n")


class Task:
    """One line of a progress display. Every method is a no-op off a terminal."""

    def __init__(self, progress: Progress, identifier: Any, watcher: Callable[[float], None] | None = None) -> None:
        self._progress = progress
        self._identifier = identifier
        self._watcher = watcher

    def update(
        self,
        *,
        advance: float = 0,
        completed: float | None = None,
        total: float | None = None,
        description: str | None = None,
        left: Callable[[float], str] | None = None,
    ) -> None:
        """Move the bar on, or change its total or text.

        ``left``: returns what to say of the time that is left, so many seconds from now; else the bar's pace tells it.
        """
        changes: dict[str, Any] = {"completed": completed, "total": total, "description": description}
        changes |= {"left": left, "since": time.monotonic()} if left else {}
        given = {key: value for key, value in changes.items() if value is not None}
        if advance:
            given["advance"] = advance
        self._progress.update(self._identifier, **given)
        if self._watcher:
            self._watch(self._watcher)

    def _watch(self, watcher: Callable[[float], None]) -> None:
        task = next(one for one in self._progress.tasks if one.id == self._identifier)
        if task.total:
            watcher(task.completed / task.total)


@contextmanager
def watched(watcher: Callable[[float], None] | None) -> Iterator[None]:
    """Tell ``watcher``, if there is one, what share of its work is done of every task that begins in the block."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.pop()


def _display() -> Progress:
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Task as Shown
    from rich.table import Column
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """What a task says of the time that is left, else what its bar's pace tells."""

        _by_pace = TimeRemainingColumn()

        def render(self, task: Shown) -> Text:
            left = task.fields.get("left")
            if left is None:
                return self._by_pace.render(task)
            return Text(left(time.monotonic() - task.fields["since"]), style="progress.remaining")

    console = stderr_console()
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(max(_LEAST_BAR, min(_LONGEST_BAR, console.width - _BESIDE_BAR))),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeLeft(table_column=Column(no_wrap=True)),
        console=console,
        disable=_quiet or not sys.stderr.isatty(),
        transient=True,
    )


@contextmanager
def progress_task(description: str, total: float | None = None) -> Iterator[Task]:
    """Show a progress line with elapsed and remaining time; nested calls share one display."""
    if _active:
        display = _active[-1]
        identifier = display.add_task(description, total=total)
        try:
            yield Task(display, identifier, _watchers[-1] if _watchers else None)
        finally:
            display.remove_task(identifier)
        return
    display = _display()
    with display:
        _active.append(display)
        try:
            yield Task(display, display.add_task(description, total=total))
        finally:
            _active.pop()
