"""Reliability bins and the expected calibration error, on answers whose figures can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.harness.calibration import expected_calibration_error, reliability

pytestmark = pytest.mark.unit


def test_the_bins_and_their_means() -> None:
    confidences = np.array([0.0, 0.2, 0.21, 0.4, 1.0, 1.0])
    correct = np.array([False, True, False, False, True, False])
    bins = reliability(confidences, correct, bins=5)
    assert [one.images for one in bins] == [2, 2, 0, 0, 2]
    assert [(one.low, one.high) for one in bins][1] == (0.2, 0.4)
    assert bins[0].confidence == pytest.approx(0.1)
    assert bins[0].accuracy == 0.5
    assert (bins[2].confidence, bins[2].accuracy) == (None, None)
    # 2/6 of |0.1 - 0.5|, of |0.305 - 0|, of |1 - 0.5|
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.4 + 2 * 0.305 + 2 * 0.5) / 6)


def test_a_model_that_is_as_often_right_as_it_says_has_no_error() -> None:
    confidences = np.repeat([0.25, 0.75], 400)
    correct = np.tile([True, False, False, False], 100).tolist() + np.tile([True, True, True, False], 100).tolist()
    assert expected_calibration_error(reliability(confidences, np.array(correct))) == pytest.approx(0)


def test_of_no_image_there_is_no_error() -> None:
    bins = reliability(np.zeros(0), np.zeros(0, dtype=np.bool_))
    assert expected_calibration_error(bins) == 0
    assert sum(one.images for one in bins) == 0
