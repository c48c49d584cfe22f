"""The moving average is that of its formula, is what is evaluated and kept, and leaves the training alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.training.architectures import build_model
from edgemnist.training.averaging import DECAY, WeightAverage, averaged_variables
from tests.training.test_loop import fit, make_loop


@pytest.mark.parametrize("start", [0, 40])
def test_the_average_follows_its_formula(start: int) -> None:
    tf, keras = load_tensorflow()
    model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])
    average = WeightAverage(tf, model, start)
    expected = model.trainable_weights[0].numpy().astype(np.float64)
    random = np.random.default_rng(1)
    for number in (0, 1, 2, 50, 10_000):
        value = random.normal(size=expected.shape)
        model.trainable_weights[0].assign(value)
        average.update(tf.constant(number, tf.int64))
        keep = min(DECAY, (1 + number - start) / (10 + number - start)) if number >= start else 0.0
        expected = keep * expected + (1 - keep) * value
    np.testing.assert_allclose(average.values[0].numpy(), expected, rtol=1e-5)


def test_weights_and_batch_norm_statistics_are_averaged() -> None:
    model = build_model("tiny", (12, 12, 1), 4, seed=1)
    assert len(averaged_variables(model)) == len(model.weights)


def test_the_averages_are_in_place_only_for_a_while() -> None:
    tf, _ = load_tensorflow()
    model = build_model("dense", (4, 4, 1), 2, seed=1)
    average = WeightAverage(tf, model)
    own = [weight + 1 for weight in model.get_weights()]
    before = model.get_weights()
    model.set_weights(own)
    with average.in_place():
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), own, strict=True))


def test_averaging_changes_what_is_kept_but_not_the_training() -> None:
    plain, averaged = (fit(make_loop(epochs=2, averaging=averaging))[-1] for averaging in (False, True))
    assert plain.averages == ()
    assert all(np.array_equal(a, b) for a, b in zip(plain.weights, averaged.weights, strict=True))
    assert [report.loss for report in plain.history] == [report.loss for report in averaged.history]
    assert not all(np.array_equal(a, b) for a, b in zip(averaged.best_weights, averaged.weights, strict=True))
