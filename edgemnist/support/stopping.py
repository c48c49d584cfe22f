"""The signals that end a command: Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed.

All of them are a ``KeyboardInterrupt``, so that what is being made is taken back wherever the command is. A signal that
was ignored when the process started stays ignored, as ``nohup`` and a shell's ``&`` want it.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """A signal came.

    That it is a class of its own keeps Python from ending itself by SIGINT instead of with the exit code, as it does
    after a ``KeyboardInterrupt`` in a text that ``exec`` runs.
    """


_SAME_EVENT_SECONDS = 3.0
"""A terminal and a supervisor may both tell the same process of one event; people press Ctrl-C more than once."""


class _State:
    """What was sent, when it was last raised, how many blocks hold it back, what is done before, and what instead."""

    number: int | None = None
    raised_at: float | None = None
    held = 0
    before: Callable[[], None] = staticmethod(lambda: None)
    instead: Callable[[], None] | None = None


def listen(*signals: signal.Signals) -> None:
    """Have signals raise :class:`Stopped` in the main thread."""
    for number in signals:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _arrived)
    sys.unraisablehook = _swallowed


def do_first(action: Callable[[], None]) -> None:
    """Have ``action`` called before a signal is raised."""
    _State.before = staticmethod(action)


@contextmanager
def taken_by(action: Callable[[], None]) -> Iterator[None]:
    """Have the first signal call ``action``, in the main thread, instead of being raised; a later one is raised.

    For what has an end of its own to come to, as a server has that still answers.
    """
    _State.instead = staticmethod(action)
    try:
        yield
    finally:
        _State.instead = None


def sent() -> int:
    """Return the number of the signal that came first, SIGINT's if none did."""
    return signal.SIGINT if _State.number is None else _State.number


@contextmanager
def held() -> Iterator[None]:
    """Hold signals back for as long as it takes to write down what has to be taken back when they come."""
    _State.held += 1
    try:
        yield
    finally:
        _State.held -= 1
        if _State.number is not None and _State.raised_at is None and not _State.held:
            _raise()


def _arrived(number: int, frame: FrameType | None) -> None:
    same = _State.raised_at is not None and time.monotonic() - _State.raised_at < _SAME_EVENT_SECONDS
    if _State.instead is not None:
        action, _State.instead, _State.raised_at = _State.instead, None, time.monotonic()
        action()
        return
    if _State.number is None and not same:
        _State.number = number
    if not same and not _State.held:
        _raise()


def _raise() -> None:
    _State.raised_at = time.monotonic()
    _State.before()
    raise Stopped


def _swallowed(what: UnraisableHookArgs) -> None:
    """Raise again what came in a destructor or in a callback from C, where nothing can be raised."""
    if issubclass(what.exc_type, KeyboardInterrupt) and _State.number is not None:
        _State.raised_at = None
        signal.raise_signal(_State.number)
    else:
        sys.__unraisablehook__(what)
