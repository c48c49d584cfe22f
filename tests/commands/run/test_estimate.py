"""How long the rest of the main job takes: near the truth by the middle, and without a jump, on a made-up clock."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from edgemnist.commands.run.estimate import USUAL, Remaining, expect, in_words, keep

pytestmark = pytest.mark.unit

UNITS = {"train": 4000.0 * 12, "prune": 4000.0 * 8, "parity": 1000.0}
TELL = ("train", "prune", "parity")
START_UP, TICKS = 0.2, 50
"""The share of a stage before it first tells how far it is, and how often it does."""


class Clock:
    """A clock that stands until it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(expected: Mapping[str, float], factors: Mapping[str, float], usual: float) -> list[tuple[float, float]]:
    """Return (true seconds left, those estimated) of a job whose stages take ``factors`` times the expected."""
    clock, pairs = Clock(), []
    durations = {name: seconds * factors.get(name, usual) for name, seconds in expected.items()}
    remaining, whole = Remaining(expected, clock), sum(durations.values())
    for name, duration in durations.items():
        remaining.begin(name)
        begun = clock.now
        for tick in range(TICKS + 1):
            clock.now = begun + duration * tick / TICKS
            share = (tick / TICKS - START_UP) / (1 - START_UP)
            if name in TELL and share >= 0:
                remaining.progress(share)
            pairs.append((whole - clock.now, remaining.seconds()))
        remaining.end()
    return pairs


@pytest.mark.parametrize(
    ("factors", "usual"),
    [
        ({}, 1.0),
        ({}, 3.0),
        ({}, 0.4),
        ({"train": 1.3, "prune": 1.2, "parity": 0.9}, 1.0),
        ({"train": 2.3, "prune": 2.0, "parity": 1.8}, 2.2),
    ],
)
def test_from_half_of_the_time_on_it_is_right_within_30_percent(factors: dict[str, float], usual: float) -> None:
    pairs = told(expect("nothing like it", UNITS).seconds, factors, usual)
    whole = pairs[0][0]
    middle = [(left, estimated) for left, estimated in pairs if 0.45 * whole <= left <= 0.55 * whole]

    assert middle and all(estimated == pytest.approx(left, rel=0.3) for left, estimated in middle)
    assert max(abs(after[1] - before[1]) for before, after in pairwise(pairs)) < 0.25 * max(whole, pairs[0][1])


def test_a_fit_that_goes_on_counts_from_where_it_was() -> None:
    clock = Clock()
    remaining = Remaining({"train": 100.0}, clock)
    remaining.begin("train")
    remaining.progress(0.6)
    clock.now = 30.0
    remaining.progress(0.9)

    assert remaining.seconds() == pytest.approx(10.0, rel=0.05)


def test_what_was_done_before_says_nothing_of_the_rest() -> None:
    clock = Clock()
    remaining = Remaining({"train": 100.0, "parity": 50.0}, clock)
    remaining.begin("train")
    clock.now = 0.1
    remaining.end(whole=False)

    assert remaining.seconds() == 50.0


def test_times_of_this_machine_are_kept_for_the_next_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path))
    before = expect("tiny 28x28x1", UNITS)
    keep("tiny 28x28x1", UNITS, "train", 3 * before.seconds["train"])
    after, other = expect("tiny 28x28x1", UNITS), expect("cnn 28x28x1", UNITS)

    assert after.seconds == {**before.seconds, "train": pytest.approx(3 * before.seconds["train"])}
    assert (before.measured_here, after.measured_here, other.measured_here) == (False, True, False)
    assert other.seconds == before.seconds
    assert "on this machine" in after.in_words() and "another machine" in before.in_words()
    (tmp_path / "run-times.json").write_text('{"train tiny 28x28x1": "soon"}')
    assert expect("tiny 28x28x1", UNITS) == before


def test_every_stage_has_a_usual_time_in_the_order_of_the_job() -> None:
    assert list(USUAL) == ["data", "train", "prune", "convert", "codegen", "firmware", "parity"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "nearly done"),
        (-20, "nearly done"),
        (7, "10 s left"),
        (64, "60 s left"),
        (130, "2 min left"),
        (7200, "2.0 h left"),
    ],
)
def test_a_time_is_told_no_more_exactly_than_it_is_known(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
