"""Recipes, schedules, and the optimizer against its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError
from edgemnist.training.adamw import BETA1, EPSILON, AdamW
from edgemnist.training.recipe import SCHEDULES, Recipe, epochs_for, learning_rates


def recipe(**changes: Any) -> Recipe:
    usual: dict[str, Any] = {
        "epochs": 3,
        "batch": 32,
        "learning_rate": 0.01,
        "schedule": "one-cycle",
        "augmentation": "none",
        "patience": 0,
        "seed": 1,
    }
    return Recipe(**{**usual, **changes})


@given(steps=st.integers(1, 3000), schedule=st.sampled_from(sorted(SCHEDULES)), peak=st.floats(1e-5, 1.0))
def test_every_step_has_a_rate_between_0_and_the_peak(steps: int, schedule: str, peak: float) -> None:
    rates = learning_rates(recipe(schedule=schedule, learning_rate=peak), steps)
    assert rates.shape == (steps,)
    assert rates.dtype == np.float32
    assert rates.min() >= 0
    assert rates.max() <= peak * (1 + 1e-6)


def test_one_cycle_rises_for_a_fifth_then_falls_to_nothing() -> None:
    rates = learning_rates(recipe(), 1000)
    assert rates.argmax() == 200
    assert rates[200] == np.float32(0.01)
    assert rates[0] == pytest.approx(0.01 / 25)
    assert np.all(np.diff(rates[:201]) > 0)
    assert np.all(np.diff(rates[200:]) < 0)
    assert rates[-1] < 1e-7


def test_cosine_starts_at_the_peak_and_constant_stays_there() -> None:
    cosine = learning_rates(recipe(schedule="cosine"), 100)
    assert cosine[0] == np.float32(0.01)
    assert cosine[50] == pytest.approx(0.005)
    assert np.all(learning_rates(recipe(schedule="constant"), 100) == np.float32(0.01))


@pytest.mark.parametrize(
    ("images", "expected"), [(55_000, 10), (240_000, 10), (27_500, 20), (4_500, 80), (1_280, 80), (54_000, 10)]
)
def test_small_sets_get_more_epochs(images: int, expected: int) -> None:
    assert epochs_for(10, images, 128) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs 0 is too low; give a whole number of at least 1"),
        ({"batch": -1}, "batch -1 is too low"),
        ({"patience": -1}, "patience -1 is too low"),
        ({"seed": -1}, "seed -1 is too low"),
        ({"learning_rate": 0.0}, "learning rate 0.0 is not a number above 0"),
        ({"learning_rate": float("nan")}, "learning rate nan"),
        ({"learning_rate": float("inf")}, "learning rate inf"),
        ({"label_smoothing": 1.5}, "label smoothing 1.5 is out of range; give a number from 0 to 1"),
        ({"augmentation_strength": -0.1}, "augmentation strength -0.1 is out of range"),
        ({"augmentation_strength": float("nan")}, "augmentation strength nan is out of range"),
        ({"schedule": "linear"}, "unknown schedule 'linear'; choose one of one-cycle, cosine, constant"),
    ],
)
def test_what_is_out_of_range_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recipe(**changes)


def adamw_by_the_formula(
    weight: NDArray[Any], gradients: list[NDArray[Any]], rates: list[float], beta2: float, decay: float
) -> NDArray[Any]:
    """AdamW (Loshchilov and Hutter 2019, algorithm 2), in float64, decaying before the Adam step."""
    first, second = np.zeros_like(weight), np.zeros_like(weight)
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        weight = weight * (1 - rate * decay)
        first = BETA1 * first + (1 - BETA1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        # The kernel folds both bias corrections into the rate, so epsilon is added to the uncorrected root.
        corrected = rate * np.sqrt(1 - beta2**step) / (1 - BETA1**step)
        weight = weight - corrected * first / (np.sqrt(second) + EPSILON)
    return weight


def test_adamw_follows_its_formula_and_decays_kernels_only() -> None:
    tf, _ = load_tensorflow()
    random = np.random.default_rng(7)
    start = [random.normal(size=(3, 4)), random.normal(size=4)]
    gradients = [[random.normal(size=value.shape) for value in start] for _ in range(6)]
    rates = [0.01, 0.02, 0.03, 0.02, 0.01, 0.005]
    variables = [tf.Variable(value.astype(np.float32)) for value in start]
    optimizer = AdamW(tf, variables, beta2=0.99, weight_decay=0.1)
    for step, (of_step, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        optimizer.apply([tf.constant(g, tf.float32) for g in of_step], tf.constant(rate), tf.constant(float(step)))
    for index, decay in ((0, 0.1), (1, 0.0)):
        expected = adamw_by_the_formula(start[index], [g[index] for g in gradients], rates, 0.99, decay)
        np.testing.assert_allclose(variables[index].numpy(), expected, rtol=1e-5)
