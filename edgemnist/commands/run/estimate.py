"""How long the main job still takes: stages weighted by the times that they took, on this machine where it is known.

A stage's usual time is a fixed part and one for each unit of its work; what a stage took on this machine, as a multiple
of that, is kept in the cache for the next job. While a job runs, the stages that are over tell how much slower or
faster this one is, and a fit tells its own pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.files import write_json
from edgemnist.support.reading import read_json
from edgemnist.support.resources import cache_folder

_KEPT = "run-times.json"
_MOST_BYTES = 1 << 20
_LEAST_PACE, _MOST_PACE = 0.01, 1000.0
_DOUBT = 0.02
"""Share of the whole job's expected time that the expectation weighs against what stages really took."""
_TRUST = 2.0
"""A stage's own pace counts fully from half of its work on."""
_KINSHIP = 0.75
"""The power with which the pace of fits tells that of other stages, and the other way round: a slow machine slows all
of them, a large net only the fits."""

FITS = ("train", "prune")


@dataclass(frozen=True)
class UsualTime:
    """Seconds of a stage: ``fixed``, and ``each`` for a unit of its work."""

    fixed: float
    each: float = 0.0

    def of(self, units: float) -> float:
        """Return the seconds for so many units."""
        return self.fixed + self.each * units


USUAL: Mapping[str, UsualTime] = MappingProxyType(
    {
        "data": UsualTime(1.0),
        "train": UsualTime(9.0, 2.9e-4),
        "prune": UsualTime(11.0, 2.9e-4),
        "convert": UsualTime(12.0),
        "codegen": UsualTime(1.0),
        "firmware": UsualTime(6.0),
        "parity": UsualTime(55.0, 0.002),
    }
)
"""By stage, in the order of the job. A unit is an image in an epoch of a fit, and a test image of the parity. From two
jobs with the architecture tiny on MNIST, of the presets quick and standard, on two cores of an AMD EPYC with other
work; `scripts/run_times` measures it."""


@dataclass(frozen=True)
class Expectation:
    """Seconds by stage in the job's order; ``measured_here``: stages of this machine among them."""

    seconds: Mapping[str, float]
    measured_here: bool

    def in_words(self) -> str:
        """Say where the expectation comes from."""
        if self.measured_here:
            return "the time left is estimated by what the stages took on this machine before"
        return "the time left is estimated by another machine's times until stages have run here"


def expect(kind: str, units: Mapping[str, float]) -> Expectation:
    """Return what a job is expected to take.

    ``kind``: of net and images, as which times are kept; ``units``: of its work, by stage, where that differs.
    """
    paces = _read()
    known = {stage: paces[_key(stage, kind)] for stage in USUAL if _key(stage, kind) in paces}
    seconds = {stage: known.get(stage, 1.0) * usual.of(units.get(stage, 0.0)) for stage, usual in USUAL.items()}
    return Expectation(seconds, bool(known))


def keep(kind: str, units: Mapping[str, float], stage: str, seconds: float) -> None:
    """Keep what a stage took, for the next job; a cache that cannot be written is none."""
    pace = seconds / USUAL[stage].of(units.get(stage, 0.0))
    with suppress(EdgeMnistError, OSError):
        write_json(_path(), {**_read(), _key(stage, kind): min(max(pace, _LEAST_PACE), _MOST_PACE)})


class Remaining:
    """Seconds that are left of a job, told of its stages as they begin, go on and end."""

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._expected, self._clock = dict(expected), clock
        self._whole = sum(expected.values())
        self._over = dict.fromkeys((True, False), (0.0, 0.0))
        self._start = clock()
        self._stage, self._began = "", self._start
        self._first: tuple[float, float] | None = None
        self._share = 0.0

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._began = stage, self._clock()
        self._first, self._share = None, 0.0

    def progress(self, share: float) -> None:
        """The stage has done a share of its work, 0..1; the first that is told is what was done before."""
        self._first = self._first or (self._clock(), share)
        self._share = share

    def end(self, *, whole: bool = True) -> None:
        """The stage is over; not ``whole`` if some of it was done before, so that its time tells nothing."""
        expected = self._expected.pop(self._stage, 0.0)
        if whole:
            fits = self._stage in FITS
            took, before = self._over[fits]
            self._over[fits] = (took + self._clock() - self._began, before + expected)
        self._stage = ""

    def elapsed(self) -> float:
        """Return the seconds since the job was first told of."""
        return self._clock() - self._start

    def seconds(self) -> float:
        """Return the seconds left, by all that is known now."""
        later = ((name, seconds) for name, seconds in self._expected.items() if name != self._stage)
        return self._of_stage() + sum(self._factor(name in FITS) * seconds for name, seconds in later)

    def _factor(self, fits: bool) -> float:
        """Return how many times as long as expected the fits of this job take, or its other stages.

        Those that are over and the present one tell, and where little is known of a kind the other kind does.
        """
        doubt = _DOUBT * self._whole
        if not doubt:
            return 1.0
        took, expected = self._told(fits)
        others_took, others_expected = self._told(not fits)
        others = (others_took + doubt) / (others_expected + doubt)
        return (took + doubt * float(others**_KINSHIP)) / (expected + doubt)

    def _told(self, fits: bool) -> tuple[float, float]:
        """Return what stages of a kind took and should have, the present one by its pace as far as that is trusted."""
        took, expected = self._over[fits]
        if self._stage and (self._stage in FITS) == fits:
            trust, own = self._pace()
            took += trust * (self._clock() - self._began + own)
            expected += trust * self._expected.get(self._stage, 0.0)
        return took, expected

    def _of_stage(self) -> float:
        if not self._stage:
            return 0.0
        expected, spent = (
            self._factor(self._stage in FITS) * self._expected.get(self._stage, 0.0),
            self._clock() - self._began,
        )
        if self._first is None:
            return max(expected - spent, 0.0)
        trust, own = self._pace()
        return trust * own + (1.0 - trust) * expected * (1.0 - self._share)

    def _pace(self) -> tuple[float, float]:
        """Return how far the present stage's own pace is to be trusted, 0..1, and the seconds that it says are left."""
        since, before = self._first or (0.0, self._share)
        done = self._share - before
        if done <= 0.0:
            return 0.0, 0.0
        return min(1.0, _TRUST * done / (1.0 - before)), (self._clock() - since) / done * (1.0 - self._share)


def in_words(seconds: float) -> str:
    """Return a time that is left for people, no more exact than it is known."""
    if seconds < 5:
        return "nearly done"
    if seconds < 95:
        return f"{round(seconds / 10) * 10 or 10} s left"
    return f"{round(seconds / 60)} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def _key(stage: str, kind: str) -> str:
    return f"{stage} {kind}"


def _path() -> Path:
    return cache_folder() / _KEPT


def _read() -> dict[str, float]:
    """Return the paces that are kept, none where the file is missing or damaged."""
    try:
        found = read_json(_path(), _MOST_BYTES)
        return {str(name): float(pace) for name, pace in found.items() if _LEAST_PACE <= float(pace) <= _MOST_PACE}
    except (OSError, ValueError, TypeError, AttributeError, EdgeMnistError):
        return {}
