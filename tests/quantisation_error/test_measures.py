"""SQNR, cosine, clipping and channels are what their definitions say, whatever the images' order and number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgemnist.quantisation_error.effects import Change
from edgemnist.quantisation_error.measures import LEAST_SQNR, NoiseTally, TensorTally
from edgemnist.quantisation_error.ranges import dequantise, quantise, range_for, seen
from edgemnist.tflite.file import Quantisation, TensorInfo

pytestmark = pytest.mark.unit


def tensor(quantisation: Quantisation, shape: tuple[int, ...] = (1, 2), dtype: str = "int8") -> TensorInfo:
    return TensorInfo(0, "x", shape, (), dtype, quantisation, None)


def test_noise_is_the_definition() -> None:
    random = np.random.default_rng(0)
    reference, error = random.normal(size=(6, 1, 10)), 0.01 * random.normal(size=(6, 1, 10))
    tally = NoiseTally(0.02)
    for part in (slice(0, 4), slice(4, 6)):
        tally.add((reference + error)[part], reference[part])
    found = tally.result()
    assert found.sqnr == pytest.approx(10 * math.log10((reference**2).sum() / (error**2).sum()))
    assert found.cosine == pytest.approx(
        float(np.vdot(reference, reference + error))
        / (np.linalg.norm(reference) * float(np.linalg.norm(reference + error)))
    )
    assert found.mean == pytest.approx(np.abs(error).mean() / 0.02)
    assert found.largest == pytest.approx(np.abs(error).max() / 0.02)


@pytest.mark.parametrize(
    ("found", "reference", "sqnr", "cosine"),
    [(0.0, 0.0, None, 1.0), (1.0, 1.0, None, 1.0), (1.0, 0.0, LEAST_SQNR, 0.0), (0.0, 1.0, 0.0, 0.0)],
)
def test_silence_has_numbers_too(found: float, reference: float, sqnr: float | None, cosine: float) -> None:
    tally = NoiseTally(1.0)
    tally.add(np.full((1, 3), found), np.full((1, 3), reference))
    assert (tally.result().sqnr, tally.result().cosine) == (sqnr, cosine)


def test_rounding_saturates_and_takes_halves_away_from_zero() -> None:
    quantisation = Quantisation((0.5,), (10,))
    values = np.array([[0.25, -0.25, 0.2, 1e9, -1e9]], np.float32)
    np.testing.assert_array_equal(quantise(values, quantisation, "int8"), [[11, 9, 10, 127, -128]])
    assert dequantise(np.array([[11]], np.int8), quantisation)[0, 0] == 0.5


def test_clipping_is_counted_where_a_value_is_further_out_than_half_a_step() -> None:
    quantisation = Quantisation((1.0,), (-128,))
    tally = TensorTally(tensor(quantisation))
    values = np.array([[[0.0, -0.4]], [[255.4, -0.6]], [[300.0, 100.0]]], np.float32)
    tally.add(values, quantise(values, quantisation, "int8"))
    use = tally.range_use()
    assert (use.low, use.high, use.most) == (0.0, 255.0, 300.0)
    assert use.least == pytest.approx(-0.6)
    assert (use.below, use.above, use.clipped) == (1 / 6, 1 / 6, 2 / 6)
    assert use.used == 1.0


def test_outliers_are_left_out_of_what_most_values_use() -> None:
    quantisation = Quantisation((1.0,), (-128,))
    tally = TensorTally(tensor(quantisation, (1, 100)))
    values = np.tile(np.linspace(0, 25, 100, dtype=np.float32), (50, 1, 1))
    values[0, 0, 0] = 255.0
    tally.add(values, quantise(values, quantisation, "int8"))
    use = tally.range_use()
    assert use.used == 1.0
    assert use.used_by_most == pytest.approx(25 / 255, abs=0.01)


def test_channels_that_are_dead_killed_and_narrow() -> None:
    quantisation = Quantisation((1.0,), (0,))
    tally = TensorTally(tensor(quantisation, (1, 4)))
    values = np.array([[[5.0, 0.1, 3.0, -90.0]], [[5.0, 0.3, 5.0, 90.0]]], np.float32)
    for image in values:
        tally.add(image[np.newaxis], quantise(image[np.newaxis], quantisation, "int8"))
    found = tally.channels()
    assert (found.count, found.dead, found.killed, found.narrow) == (4, (0,), (1,), (1, 2))
    assert found.spread == pytest.approx(180 / 2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize(("low", "high"), [(-3.0, 5.0), (2.0, 9.0), (-4.0, -1.0), (0.0, 0.0)])
def test_a_range_for_what_was_seen_holds_it_and_zero(dtype: str, low: float, high: float) -> None:
    values = np.array([[[low, high]]], np.float32)
    info = tensor(Quantisation((1.0,), (0,)), dtype=dtype)
    for channels in (False, True):
        chosen = range_for(seen(values), info, channels=channels)
        assert len(chosen.scales) == (2 if channels else 1)
        step = np.array(chosen.scales)
        for wanted in (values, np.zeros_like(values)):
            back = dequantise(quantise(wanted, chosen, dtype), chosen)
            assert (np.abs(back - wanted) <= step * (1.01 if dtype != "int16" else 0.51)).all()


@pytest.mark.parametrize(
    ("gained", "lost", "certain"), [(0, 0, False), (0, 4, False), (0, 5, True), (10, 21, False), (10, 30, True)]
)
def test_a_change_is_certain_beyond_two_standard_errors_of_its_pairs(gained: int, lost: int, certain: bool) -> None:
    change = Change(gained, lost, 200)
    assert change.standard_error == math.sqrt(gained + lost) / 200
    assert (change.certain, change.worse, change.better) == (certain, certain, False)
