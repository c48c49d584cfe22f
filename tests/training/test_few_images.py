"""The recipe of few images: small batches, several passes, lower rates, shorter averages; that of many stays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.data.splits import TrainingDivision
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.architectures import build_model
from edgemnist.training.augment import draw_changes
from edgemnist.training.averaging import DECAY
from edgemnist.training.loop import FitState, Loop
from edgemnist.training.recipe import (
    FEW_IMAGES,
    Recipe,
    averaging_decay_for,
    batch_for,
    epochs_for,
    fine_tuning_epochs_for,
    passes_for,
    rate_for,
    steps_of,
)
from tests.training.strokes import CLASSES, SIDE, make_split


@pytest.mark.unit
@given(images=st.integers(1, 200_000), batch=st.one_of(st.none(), st.integers(1, 500)), epochs=st.integers(1, 60))
def test_an_epoch_has_ten_steps_and_a_fit_enough(images: int, batch: int | None, epochs: int) -> None:
    chosen = batch or batch_for(128, images)
    steps = steps_of(images, chosen, passes_for(images, chosen))
    assert steps >= 10
    if images < FEW_IMAGES:
        assert epochs_for(epochs, images, chosen) * steps >= 1_000
        assert fine_tuning_epochs_for(epochs, images, chosen) * steps >= 300


@pytest.mark.unit
@pytest.mark.parametrize("images", [FEW_IMAGES, 3_600, 55_000])
def test_from_ten_usual_batches_on_everything_is_as_usual(images: int) -> None:
    assert (batch_for(128, images), passes_for(images, 128)) == (128, 1)
    assert rate_for(0.01, 128, 32, images) == 0.01
    assert averaging_decay_for(images, 100) == DECAY


@pytest.mark.unit
def test_few_images_get_small_batches_and_a_rate_and_an_average_to_match() -> None:
    assert [batch_for(128, images) for images in (5, 113, 270, 1_279)] == [12, 12, 27, 127]
    assert [passes_for(images, 12) for images in (5, 36, 113, 120)] == [10, 4, 2, 1]
    assert rate_for(0.01, 128, 8, 320) == pytest.approx(0.005)
    assert rate_for(0.01, 12, 32, 320) == 0.01
    assert averaging_decay_for(113, 1_000) == pytest.approx(0.99)


def fit(passes: int, epochs: int = 2) -> list[FitState]:
    recipe = Recipe(epochs, 16, 0.01, "one-cycle", "gentle", 0, seed=4, averaging=True, passes=passes, selection=False)
    model = build_model("dense", (SIDE, SIDE, 1), len(CLASSES), seed=4)
    division = TrainingDivision(make_split(50, 1), np.arange(40), make_split(20, 2))
    loop = Loop(model, recipe, division, Normalisation())
    assert loop.steps_per_epoch == 40 * passes // 16
    return list(loop.epochs(loop.start(), lambda steps: None))


def test_two_passes_are_other_images_than_two_epochs_and_repeat_themselves() -> None:
    twice, again, once = fit(2), fit(2), fit(1, 4)
    assert twice[-1].weights[0].tobytes() == again[-1].weights[0].tobytes()
    assert twice[-1].weights[0].tobytes() != once[-1].weights[0].tobytes()


def test_without_selection_the_last_epoch_is_taken() -> None:
    states = fit(1, 3)
    assert [state.best_epoch for state in states] == [1, 2, 3]


def test_the_passes_of_an_epoch_change_an_image_each_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order counts images on from pass to pass, and each number has changes of its own."""
    drawn: list[tuple[int, ...]] = []

    def watched(tf: object, count: int, seed: tuple[int, int], draws: int) -> object:
        drawn.append((count, *seed, draws))
        return draw_changes(tf, count, seed, draws)

    monkeypatch.setattr("edgemnist.training.loop.draw_changes", watched)
    fit(3, 1)
    assert drawn == [(150, 4, 0, 7)]


def test_a_normalisation_may_have_numbers_for_each_channel() -> None:
    """Learning from pixels that are scaled channel by channel is learning from the pixels so scaled."""
    images = np.repeat(make_split(60, 1).images, 3, axis=3)
    split = dataclasses.replace(make_split(60, 1), images=images)
    alike, each = Normalisation(1 / 255, 0.0), Normalisation((1 / 255,) * 3, (0.0, 0.0, 0.0))
    other = Normalisation((1 / 255, 1 / 100, 1 / 255), (0.0, -1.0, 0.0))
    results = []
    for normalisation in (alike, each, other):
        model = build_model("dense", (SIDE, SIDE, 3), len(CLASSES), seed=4)
        recipe = Recipe(1, 16, 0.01, "one-cycle", "none", 0, seed=4)
        loop = Loop(model, recipe, TrainingDivision(split, np.arange(50), split), normalisation)
        results.append(list(loop.epochs(loop.start(), lambda steps: None))[-1].weights[0].tobytes())
    assert results[0] == results[1] != results[2]
