"""The main job's stages as they go by: their wall time, the overall progress line, and how long the rest takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edgemnist.commands.run.estimate import USUAL, Remaining, expect, in_words, keep
from edgemnist.support import progress

_TOLD = {"train": 1.0, "prune": 1.0, "parity": 0.85}
"""Stages that tell how far they are, and which share of their time that is of; for the rest parity measures times."""
_WHOLE = 100.0


class Stopwatch:
    """Wall time by stage, and the overall progress line, whose ``total`` is 100."""

    def __init__(self, task: progress.Task) -> None:
        self.seconds: dict[str, float] = {}
        self._task = task
        self._kind = ""
        self._units: Mapping[str, float] = {}
        self._remaining: Remaining | None = None
        self._done = 0.0

    def expect(self, kind: str, units: Mapping[str, float]) -> None:
        """Begin to estimate what is left, once it is known how much there is to do; see ``estimate.expect``."""
        expected = expect(kind, units)
        self._kind, self._units = kind, units
        self._remaining = Remaining(
            {name: value for name, value in expected.seconds.items() if name not in self.seconds}
        )
        if sys.stderr.isatty():
            progress.say(expected.in_words())

    @contextmanager
    def stage(self, name: str, *, whole: bool = True) -> Iterator[None]:
        """Do a stage; not ``whole`` if some of it was done before, so that its time tells nothing of the next one's."""
        self._task.update(description=f"stage {len(self.seconds) + 1} of {len(USUAL)}: {name}")
        start = time.perf_counter()
        if self._remaining:
            self._remaining.begin(name)
            self._tell()
        part = _TOLD.get(name)
        with progress.watched(None if part is None else lambda share: self._progressed(part * share)):
            yield
        seconds = time.perf_counter() - start
        self.seconds[name] = round(seconds, 1)
        if self._remaining:
            self._remaining.end(whole=whole)
            self._tell()
            if whole:
                keep(self._kind, self._units, name, seconds)

    def _progressed(self, share: float) -> None:
        if self._remaining:
            self._remaining.progress(share)
            self._tell()

    def _tell(self) -> None:
        if self._remaining is None:
            return
        left, spent = self._remaining.seconds(), self._remaining.elapsed()
        self._done = max(self._done, _WHOLE * spent / (spent + left or 1.0))
        self._task.update(completed=self._done, left=lambda seconds: in_words(left - seconds))
