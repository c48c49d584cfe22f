"""Faults are planted in one layer of an int8 net: the layer is found, and the right one of the causes is blamed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from edgemnist.quantisation_error.report import Blame
from edgemnist.runner import RuntimeWorker
from tests.oracles import needs
from tests.quantisation_error.conftest import Compare
from tests.quantisation_error.nets import (
    FIRST,
    LOGITS,
    POOL,
    SECOND,
    THIRD,
    Faults,
    Net,
    fitted,
    float_file,
    int8_file,
    random_filters,
    with_loud_channel,
    with_outlier_channel,
)

pytestmark = needs("tflm", "tflite-runtime-default")


@pytest.mark.parametrize(("position", "factor", "images"), [(SECOND, 1 / 4, 200), (THIRD, 16, 600)])
def test_a_range_that_does_not_fit_is_the_calibrations_fault(
    net: Net, floats: RuntimeWorker, compared: Compare, position: int, factor: float, images: int
) -> None:
    found = compared(float_file(net), int8_file(net, floats, Faults({position: factor})), images)
    assert (found.verdict.blame, found.verdict.layer) == (Blame.CALIBRATION, position)
    assert found.verdict.recovered is not None
    assert found.verdict.recovered.share > -found.int8.change.share / 2
    use = found.layers[position + 1].measures.range_use
    assert use is not None
    assert use.clipped > 0.05 if factor < 1 else use.used == pytest.approx(1 / factor, rel=0.1)
    assert ("cut off" if factor < 1 else "of it is used") in found.verdict.sentences[-1]
    costs = {row.position: -row.alone.change.share for row in found.layers if row.alone}
    assert all(cost < costs[position] / 2 for place, cost in costs.items() if place != position)
    assert "edgemnist convert --int8" in found.verdict.remedy


def test_two_ranges_that_do_not_fit_are_not_blamed_on_one_layer(
    net: Net, floats: RuntimeWorker, compared: Compare
) -> None:
    found = compared(float_file(net), int8_file(net, floats, Faults({FIRST: 1 / 4, THIRD: 1 / 4})))
    assert (found.verdict.blame, found.verdict.layer) == (Blame.CALIBRATION, None)
    worse = {row.position for row in found.layers if row.alone and row.alone.change.worse}
    assert worse == {FIRST, THIRD}


@pytest.mark.parametrize(
    ("change", "faults", "blame", "position", "remedy"),
    [
        (with_outlier_channel, Faults(per_tensor=frozenset({THIRD})), Blame.WEIGHTS, THIRD, "a scale for each channel"),
        (lambda net: with_loud_channel(net, 1000.0), Faults(), Blame.CHANNELS, FIRST, "edgemnist qat"),
    ],
    ids=["weights of an outlier channel with one scale", "a channel that is louder than all others"],
)
def test_channels_that_share_a_scale_are_blamed(
    floats: RuntimeWorker, compared: Compare, change: Callable[[Net], Net], faults: Faults, blame: Blame,
    position: int, remedy: str,
) -> None:  # fmt: skip
    net = fitted(change(random_filters()), floats)
    found = compared(float_file(net), int8_file(net, floats, faults))
    assert (found.verdict.blame, found.verdict.layer) == (blame, position)
    assert remedy in found.verdict.remedy
    assert len(found.verdict.sentences) == 3
    channels = found.layers[FIRST + 1].measures.channels
    assert channels is not None
    assert channels.narrow == (() if blame is Blame.WEIGHTS else (0, 1, 3, 4, 5, 6, 7))


@pytest.mark.parametrize(
    ("change", "labelled"),
    [(lambda net: net, True), (lambda net: net, False), (with_outlier_channel, True)],
    ids=["sound", "without labels", "an outlier channel with a scale of its own"],
)
def test_nobody_is_blamed_for_a_sound_net(
    floats: RuntimeWorker, compared: Compare, change: Callable[[Net], Net], labelled: bool
) -> None:
    net = fitted(change(random_filters()), floats)
    found = compared(float_file(net), int8_file(net, floats), labelled=labelled)
    assert (found.verdict.blame, found.verdict.layer, found.verdict.remedy) == (Blame.NOBODY, None, "")
    assert abs(found.int8.change.share) < 0.06


def test_a_fault_that_costs_nothing_is_told_and_not_blamed(net: Net, floats: RuntimeWorker, compared: Compare) -> None:
    found = compared(float_file(net), int8_file(net, floats, Faults({SECOND: 16.0})))
    assert found.verdict.blame is Blame.NOBODY
    assert "1 DEPTHWISE_CONV_2D moves the logits most" in found.verdict.sentences[1]
    assert "little is used of the range of 1 DEPTHWISE_CONV_2D (5." in found.verdict.sentences[2]


def test_a_range_that_is_passed_on_belongs_to_the_layer_that_made_it(
    net: Net, floats: RuntimeWorker, compared: Compare
) -> None:
    """A pool has the scale of the convolution before it: leaving the convolution out has to leave out both."""
    found = compared(float_file(net), int8_file(net, floats, Faults({THIRD: 1 / 4})))
    pool, convolution = found.layers[POOL + 1], found.layers[THIRD + 1]
    assert (pool.alone, pool.without) == (None, None)
    assert (found.verdict.blame, found.verdict.layer) == (Blame.CALIBRATION, THIRD)
    assert convolution.without is not None
    assert convolution.without.accuracy.share == pytest.approx(found.float_accuracy.share, abs=0.03)


def test_the_simulated_net_is_the_oracles(net: Net, floats: RuntimeWorker, compared: Compare) -> None:
    found = compared(float_file(net), int8_file(net, floats))
    assert found.simulated.logits == pytest.approx(found.int8.logits, rel=0.05)
    assert found.arithmetic.gained + found.arithmetic.lost <= 0.02 * found.count
    assert all((row.measures.arithmetic or 0.0) < 1.01 for row in found.layers)
    assert found.layers[LOGITS + 1].measures.own is not None
    content = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert content["verdict"]["blame"] == "nobody"
    assert content["layers"][1]["without"]["change"]["standard_error"] >= 0
