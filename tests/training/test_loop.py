"""The loop learns, repeats itself bit by bit, goes on from any epoch, stops early, and tells a divergence."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.data.base import Dataset
from edgemnist.data.splits import TrainingDivision
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.architectures import build_model
from edgemnist.training.checkpoint import FORMAT, Checkpoint, read_checkpoint, require_same_settings, write_checkpoint
from edgemnist.training.loop import FitState, Hooks, Loop, TrainingDivergedError, evaluate, use_best_weights
from edgemnist.training.recipe import Recipe
from tests.training.strokes import CLASSES, SIDE, make_split

NORMALISATION = Normalisation()


def make_loop(hooks: Hooks | None = None, arch: str = "tiny", **changes: Any) -> Loop:
    usual = Recipe(4, 32, 0.01, "one-cycle", "handwriting", 0, seed=9, averaging=True)
    model = build_model(arch, (SIDE, SIDE, 1), len(CLASSES), seed=9)
    division = TrainingDivision(make_split(480, 1), np.arange(480), make_split(120, 2))
    return Loop(model, dataclasses.replace(usual, **changes), division, NORMALISATION, hooks)


def fit(loop: Loop, state: FitState | None = None) -> list[FitState]:
    return list(loop.epochs(state or loop.start(), lambda steps: None))


def same(left: FitState, right: FitState) -> bool:
    """Whether two states have the same bits, and the same history but for the time it took."""
    groups = ("weights", "slots", "best_weights", "averages")
    pairs = [(getattr(left, group), getattr(right, group)) for group in groups]
    equal = all(a.tobytes() == b.tobytes() for one, other in pairs for a, b in zip(one, other, strict=True))
    timeless = [[dataclasses.replace(r, seconds=0, cpu_seconds=0) for r in state.history] for state in (left, right)]
    return equal and timeless[0] == timeless[1] and left.best_epoch == right.best_epoch


@pytest.fixture(scope="module")
def states() -> list[FitState]:
    """Return the states of an uninterrupted fit of 4 epochs."""
    return fit(make_loop())


def test_it_learns(states: list[FitState]) -> None:
    assert [state.epoch for state in states] == [1, 2, 3, 4]
    assert states[-1].best.validation_accuracy > 0.9
    assert states[-1].history[0].loss > states[-1].history[-1].loss


def test_the_same_fit_gives_the_same_bits(states: list[FitState]) -> None:
    assert all(same(a, b) for a, b in zip(states, fit(make_loop()), strict=True))


def test_another_seed_gives_another_model(states: list[FitState]) -> None:
    other = fit(make_loop(seed=10, epochs=1))
    assert other[0].weights[0].tobytes() != states[0].weights[0].tobytes()


@pytest.mark.parametrize("finished", [0, 1, 3])
def test_going_on_from_a_checkpoint_gives_the_same_bits(states: list[FitState], finished: int, tmp_path: Path) -> None:
    loop = make_loop()
    state = states[finished - 1] if finished else loop.start()
    write_checkpoint(tmp_path / "checkpoint.npz", Checkpoint({"seed": 9}, state))
    restored = read_checkpoint(tmp_path / "checkpoint.npz")
    assert restored.settings == {"seed": 9}
    assert same(restored.state, state)
    assert same(fit(loop, restored.state)[-1], states[-1])


def test_steps_are_counted_without_gap() -> None:
    seen: list[int] = []
    loop = make_loop(epochs=2, batch=8)
    list(loop.epochs(loop.start(), seen.append))
    assert loop.steps_per_epoch == 60
    assert seen == [25, 50, 60, 85, 110, 120]


def test_the_best_weights_are_those_of_the_best_epoch(states: list[FitState]) -> None:
    last = states[-1]
    accuracies = [report.validation_accuracy for report in last.history]
    assert accuracies[last.best_epoch - 1] == max(accuracies)
    model = build_model("tiny", (SIDE, SIDE, 1), len(CLASSES), seed=0)
    use_best_weights(model, last)
    loss, accuracy = evaluate(model, make_split(120, 2), NORMALISATION)
    assert accuracy == last.best.validation_accuracy
    assert loss == pytest.approx(last.best.validation_loss)


def test_early_epochs_can_be_barred_from_selection() -> None:
    states = fit(make_loop(Hooks(first_eligible_epoch=3), epochs=3))
    assert [state.best_epoch for state in states] == [0, 0, 3]


def test_without_improvement_it_stops_after_the_patience() -> None:
    states = fit(make_loop(learning_rate=1e-9, schedule="constant", patience=2, epochs=50, arch="dense"))
    last = states[-1]
    assert last.epoch < 50
    assert last.epoch - last.best_epoch == 2


def test_a_divergence_is_told_and_the_remedy_too() -> None:
    loop = make_loop(learning_rate=1e30, schedule="constant", arch="dense")
    with pytest.raises(TrainingDivergedError, match=r"in epoch 1: .*start it anew .*--learning-rate 2.5e\+29"):
        fit(loop)


def test_a_batch_larger_than_the_set_takes_the_whole_set() -> None:
    loop = make_loop(batch=10_000, epochs=1)
    assert loop.steps_per_epoch == 1
    assert len(fit(loop)) == 1


def test_evaluation_counts_every_image(strokes: Dataset) -> None:
    model = build_model("dense", (SIDE, SIDE, 1), len(CLASSES), seed=4)
    many = make_split(1203, 5)
    probabilities = np.asarray(model(NORMALISATION.apply(many.images)))
    loss, accuracy = evaluate(model, many, NORMALISATION)
    assert accuracy == np.mean(probabilities.argmax(axis=1) == many.labels)
    assert loss == pytest.approx(-np.log(probabilities[np.arange(1203), many.labels]).mean(), rel=1e-5)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused(states: list[FitState], keep: float, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    write_checkpoint(path, Checkpoint({}, states[0]))
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(InputError, match=r"cannot read the checkpoint .* without --resume"):
        read_checkpoint(path)


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    np.savez(path, header=np.frombuffer(b'{"format": 99}', np.uint8))
    with pytest.raises(InputError, match=f"format 99, known is {FORMAT}"):
        read_checkpoint(path)


def test_every_changed_setting_is_named() -> None:
    stored = {"epochs": 4, "seed": 1, "batch": 32}
    require_same_settings(stored, dict(stored), "edgemnist train")
    with pytest.raises(InputError, match=r"epochs was 4 and is now 5, seed was 1 and is now 2; .*`edgemnist train`"):
        require_same_settings(stored, {"epochs": 5, "seed": 2, "batch": 32}, "edgemnist train")
