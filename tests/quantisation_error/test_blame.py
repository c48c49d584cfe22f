"""The verdict follows from the experiments: the first change that brings back most of what int8 costs is the cause."""

from __future__ import annotations

from typing import Any

import pytest

from edgemnist.harness.compare import Share
from edgemnist.quantisation_error.blame import Evidence, verdict_of, worst_layer
from edgemnist.quantisation_error.effects import Change, Effect
from edgemnist.quantisation_error.layers import LayerMeasures
from edgemnist.quantisation_error.report import Blame, LayerRow, Margins, Trial
from edgemnist.quantisation_error.trials import MENDED

pytestmark = pytest.mark.unit

COUNT = 1000
LOSS = Change(10, 60, COUNT)
NOTHING = Change(3, 2, COUNT)


def effect(change: Change, logits: float = 0.1) -> Effect:
    return Effect(Share(900, COUNT), change, Share(50, COUNT), logits)


def row(position: int, alone: Change, without: Change, arithmetic: float = 1.0, logits: float = 0.1) -> LayerRow:
    measures = LayerMeasures(None, None, arithmetic, None, None)
    return LayerRow(position, position, "CONV_2D", "x", (1, 2), measures, 40.0, effect(alone, logits), effect(without))


def evidence(**changes: Any) -> Evidence:
    given: dict[str, Any] = {
        "drop": LOSS, "rounding": LOSS, "arithmetic": NOTHING, "flips": 0.07, "float_accuracy": 0.95,
        "int8_accuracy": 0.9, "chance": 0.1, "drawn": False,
        "layers": [row(0, NOTHING, NOTHING), row(1, NOTHING, NOTHING)], "trials": (),
        "worst": None, "of_worst": (), "logits_sqnr": 30.0, "margins": Margins(2.0, 0.1),
    }  # fmt: skip
    return Evidence(**{**given, **changes})


def trials(gains: list[int], position: int | None = None) -> tuple[Trial, ...]:
    names = [name for name, _, _ in MENDED]
    return tuple(Trial(name, position, effect(Change(gain, 0, COUNT))) for name, gain in zip(names, gains, strict=True))


@pytest.mark.parametrize(
    ("gains", "blame"),
    [
        ([50, 0, 50, 0, 50], Blame.CALIBRATION),
        ([0, 50, 0, 50, 0], Blame.WEIGHTS),
        ([0, 0, 50, 0, 50], Blame.CHANNELS),
        ([20, 0, 50, 0, 50], Blame.CHANNELS),
        ([30, 0, 55, 0, 55], Blame.CHANNELS),
        ([50, 0, 55, 0, 55], Blame.CALIBRATION),
        ([0, 0, 0, 50, 0], Blame.WEIGHTS),
        ([0, 0, 0, 0, 50], Blame.EIGHT_BITS),
    ],
)
def test_the_easiest_change_that_brings_back_most_is_the_cause(gains: list[int], blame: Blame) -> None:
    worst = row(1, LOSS, Change(50, 0, COUNT))
    given = evidence(layers=[row(0, NOTHING, NOTHING), worst], worst=worst, of_worst=trials(gains, 1))
    found = verdict_of(given)
    assert (found.blame, found.layer) == (blame, 1)
    assert "1 CONV_2D" in found.sentences[1]
    spread = verdict_of(evidence(trials=trials(gains), logits_sqnr=8.0))
    assert (spread.blame, spread.layer) == (blame, None)


def test_the_net_is_blamed_where_it_is_unsure_and_int8_is_sound() -> None:
    found = verdict_of(evidence(trials=trials([0, 0, 0, 0, 50])))
    assert found.blame is Blame.NET
    assert "by 0.1 where int8 changes the class" in found.sentences[-1]


def test_eight_bits_are_blamed_where_nothing_brings_it_back() -> None:
    found = verdict_of(evidence(trials=trials([5, 5, 5, 5, 5]), logits_sqnr=8.0))
    assert (found.blame, found.layer) == (Blame.EIGHT_BITS, None)


def test_the_arithmetic_is_blamed_where_rounding_alone_costs_nothing() -> None:
    layers = [row(0, NOTHING, NOTHING), row(1, NOTHING, NOTHING, arithmetic=37.0)]
    found = verdict_of(evidence(rounding=NOTHING, arithmetic=LOSS, layers=layers))
    assert (found.blame, found.layer) == (Blame.ARITHMETIC, 1)
    assert "37 LSB" in found.sentences[-1]


@pytest.mark.parametrize(("drop", "chance"), [(NOTHING, 0.1), (Change(0, 0, COUNT), 0.1), (Change(0, 20, COUNT), None)])
def test_nobody_is_blamed_for_what_may_be_luck(drop: Change, chance: float | None) -> None:
    found = verdict_of(evidence(drop=drop, chance=chance))
    assert (found.blame, found.remedy) == (Blame.NOBODY, "")


def test_random_inputs_are_no_evidence() -> None:
    worst = row(1, LOSS, Change(50, 0, COUNT))
    found = verdict_of(evidence(chance=None, drawn=True, worst=worst, of_worst=trials([50, 0, 50, 0, 50], 1)))
    assert (found.blame, found.layer) == (Blame.NOBODY, None)
    assert "--dataset" in found.remedy


def test_without_labels_right_is_the_float_nets_class() -> None:
    worst = row(1, LOSS, Change(50, 0, COUNT))
    drop = Change(0, 60, COUNT)
    found = verdict_of(evidence(drop=drop, chance=None, worst=worst, of_worst=trials([50, 0, 50, 0, 50], 1)))
    assert found.blame is Blame.CALIBRATION
    assert "gives float's class to 90.0%" in found.sentences[-1]


def test_the_worst_layer_is_one_that_certainly_costs_something() -> None:
    small, large = Change(0, 4, COUNT), Change(2, 40, COUNT)
    assert worst_layer([row(0, small, NOTHING), row(1, NOTHING, NOTHING)]) is None
    rows = [row(0, small, NOTHING, logits=9.0), row(1, large, NOTHING), row(2, NOTHING, Change(20, 0, COUNT))]
    assert worst_layer(rows) is rows[1]
    assert worst_layer([]) is None
