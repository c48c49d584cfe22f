"""The prune stage: zeros counted by hand in the saved file, patterns, what stays dense, refusals, resume."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.prune.stage import PRUNE, PruneResult, PruneSettings, run_pruning
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.keras_io.saving import load_model
from edgemnist.support.errors import InputError, StageOrderError
from edgemnist.training import sparsity
from edgemnist.training.distillation import DistillationSettings
from edgemnist.training.loop import Hooks
from edgemnist.training.sparsity import LayerSparsity, plan_pruning, why_short
from edgemnist.training.teacher import TEACHERS
from edgemnist.training.train import TrainResult, TrainSettings
from tests.commands.train.test_train import interrupted
from tests.training.strokes import make_dataset

QUICK = PruneSettings(epochs=3)


def kernels(work: WorkFolder) -> dict[str, NDArray[np.float32]]:
    """Return the kernels of the saved pruned model by layer name."""
    model = load_model(work.path("pruned.keras"))
    return {
        layer.name: np.asarray(layer.get_weights()[0])
        for layer in model.layers
        if type(layer).__name__ in ("Conv2D", "Dense", "DepthwiseConv2D")
    }


@pytest.fixture(scope="module")
def pruned(
    trained: tuple[Path, TrainResult], strokes: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[WorkFolder, PruneResult]:
    """Return a folder in which half of the weights were pruned, not to be changed, and the pruning's result."""
    work = WorkFolder(Path(shutil.copytree(trained[0], tmp_path_factory.mktemp("pruned") / "work")))
    return work, run_pruning(QUICK, work, dataset=strokes)


@pytest.fixture(scope="module")
def separable(strokes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> PruneResult:
    """Return the result of pruning a net of depthwise convolutions."""
    work = WorkFolder(tmp_path_factory.mktemp("separable"))
    run_training(TrainSettings(arch="ds-cnn", epochs=1, batch=32), work, dataset=strokes)
    return run_pruning(PruneSettings(epochs=1), work, dataset=strokes)


def check_zeros(work: WorkFolder, result: PruneResult, sparsity: float) -> None:
    """Assert that the zeros that are told are in the saved file."""
    saved = kernels(work)
    assert {layer.layer: (layer.weights, layer.zeros) for layer in result.layers} == {
        name: (kernel.size, int((kernel == 0).sum())) for name, kernel in saved.items()
    }
    for layer in result.layers:
        if layer.layer == "conv1a":
            assert layer.zeros == 0
            assert layer.note.startswith("stays dense")
        else:
            assert layer.sparsity == pytest.approx(sparsity, abs=1.01 / layer.weights)
            assert layer.note == ""
    assert result.sparsity == sum(layer.zeros for layer in result.layers) / sum(
        kernel.size for kernel in saved.values()
    )
    assert result.gzip_bytes < result.gzip_bytes_before * (1 - 0.6 * sparsity)
    assert result.accuracy > 0.9


def test_the_zeros_are_in_the_saved_file(pruned: tuple[WorkFolder, PruneResult]) -> None:
    check_zeros(*pruned, sparsity=0.5)


def test_zeros_that_come_at_once_are_in_the_saved_file(work: WorkFolder, strokes: Dataset) -> None:
    settings = PruneSettings(sparsity=0.85, schedule="constant", epochs=3)
    check_zeros(work, run_pruning(settings, work, dataset=strokes), sparsity=0.85)


def test_the_next_stage_finds_the_pruned_model(
    work: WorkFolder, pruned: tuple[WorkFolder, PruneResult], strokes: Dataset
) -> None:
    assert work.latest_model(needed_by="the test")[0].name == "trained.keras"
    trained = work.require("train", needed_by="the test")
    work, result = pruned
    path, record = work.latest_model(needed_by="the test")
    assert path == result.model_path == work.path("pruned.keras")
    assert record.inputs == trained.outputs
    assert record.results["accuracy_before"] == trained.results["accuracy"]
    assert record.settings["class_names"] == list(strokes.class_names)
    assert [record.settings[key] for key in ("sparsity", "pruning_schedule")] == [0.5, "polynomial"]
    assert {"prune-history.csv", "prune-history.json", "prune-curves.png"} <= {p.name for p in work.root.iterdir()}
    assert not work.path(PRUNE.checkpoint).exists()
    assert load_model(path).name == "tiny"


def test_sparsity_0_prunes_nothing(work: WorkFolder, strokes: Dataset) -> None:
    result = run_pruning(PruneSettings(sparsity=0.0, epochs=1), work, dataset=strokes)
    assert all(layer.zeros <= 1 for layer in result.layers)


def test_2_of_4_along_the_input_channels(work: WorkFolder, strokes: Dataset) -> None:
    result = run_pruning(PruneSettings(pattern="2:4", epochs=2), work, dataset=strokes)
    for name, kernel in kernels(work).items():
        inputs = kernel.shape[-2]
        if name == "conv1a":
            continue
        whole = np.moveaxis(kernel, -2, 0)[: inputs // 4 * 4].reshape(inputs // 4, 4, -1)
        assert np.all((whole != 0).sum(axis=1) <= 2)
    notes = {layer.layer: layer.note for layer in result.layers}
    assert notes["conv3b"] == ""
    assert notes["probabilities"] == "18 input channels do not divide by 4: the last 2 stay denser"


def test_depthwise_convolutions_are_reported_as_dense(separable: PruneResult) -> None:
    for layer in separable.layers:
        if layer.kind == "DepthwiseConv2D":
            assert layer.zeros == 0
            assert "depthwise kernels can't be pruned" in layer.note
        elif layer.layer != "conv1":
            assert layer.sparsity == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (PruneSettings(sparsity=1.0), r"sparsity 1.0 is out of range"),
        (PruneSettings(sparsity=-0.1), r"sparsity -0.1 is out of range"),
        (PruneSettings(sparsity=float("nan")), r"sparsity nan is out of range"),
        (PruneSettings(schedule="linear"), r"unknown pruning schedule 'linear'; choose one of polynomial, constant"),
        (PruneSettings(pattern="1:2"), r"unknown pattern '1:2'; choose one of unstructured, 2:4"),
        (PruneSettings(pattern="2:4", sparsity=0.8), r"pattern 2:4 means sparsity 0.5 .*leave --sparsity"),
        (PruneSettings(pattern="2:4", schedule="polynomial"), r"pattern 2:4 means sparsity 0.5"),
        (PruneSettings(epochs=0), r"epochs 0 is too low"),
        (PruneSettings(initial_sparsity=0.6), r"initial sparsity 0.6 is out of range; give a share of zeros from 0 to"),
        (PruneSettings(schedule="constant", initial_sparsity=0.2), r"zeros that rise.*leave --initial-sparsity out"),
        (PruneSettings(begin="half"), r"--begin 'half' is neither a number of steps nor a share of them; give"),
        (PruneSettings(end="150%"), r"--end '150%' is neither"),
        (PruneSettings(end="nan"), r"--end 'nan' is neither"),
        (PruneSettings(begin="0.5", end="0.4"), r"--begin has to be before --end"),
        (PruneSettings(epochs=1, end="900"), r"from step 1 to step 900 of 16; --begin"),
    ],
)
def test_bad_settings_are_refused(settings: PruneSettings, message: str, work: WorkFolder, strokes: Dataset) -> None:
    before = sorted(work.root.iterdir())
    with pytest.raises(InputError, match=message):
        run_pruning(settings, work, dataset=strokes)
    assert sorted(work.root.iterdir()) == before


@pytest.mark.parametrize("resume", [False, True])
def test_nothing_trained_names_the_command_that_comes_first(resume: bool, strokes: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StageOrderError, match=r"edgemnist prune needs the result of 'train'.*run `edgemnist train"):
        run_pruning(QUICK, WorkFolder(tmp_path), dataset=strokes, resume=resume)


def test_a_pruning_trains_its_teacher_on_what_the_training_learned_from(work: WorkFolder, strokes: Dataset) -> None:
    distillation = DistillationSettings(teacher="dense", teacher_epochs=6)
    run_pruning(PruneSettings(epochs=1, seed=8, distillation=distillation), work, dataset=strokes)
    teacher = WorkFolder(work.path(TEACHERS) / "dense").require("train", needed_by="the test")
    trained, pruned = (work.require(stage, needed_by="the test").settings for stage in ("train", "prune"))
    assert pruned["distillation"]["sha256"] == teacher.outputs["trained.keras"]
    assert [teacher.settings[key] for key in ("seed", "validation")] == [trained["seed"], trained["validation"]]


def test_another_dataset_is_refused(work: WorkFolder) -> None:
    with pytest.raises(InputError, match=r"the model was trained on 'strokes' .* this is 'others'"):
        run_pruning(QUICK, work, dataset=make_dataset(300, name="others"))


def test_ctrl_c_then_resume_gives_the_same_file(
    pruned: tuple[WorkFolder, PruneResult], strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    work = WorkFolder(Path(shutil.copytree(pruned[0].root, tmp_path / "work")))
    whole = work.path("pruned.keras").read_bytes()
    with interrupted(monkeypatch, 5):
        run_pruning(QUICK, work, dataset=strokes)
    assert work.path("pruned.keras").read_bytes() == whole
    assert f"go on with `edgemnist prune --work {work.root} --resume`" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"sparsity was 0.5 and is now 0.8"):
        run_pruning(PruneSettings(sparsity=0.8), work, dataset=strokes, resume=True)
    work.path("pruned.keras").unlink()
    run_pruning(PruneSettings(), work, dataset=strokes, resume=True)
    assert work.path("pruned.keras").read_bytes() == whole


@pytest.mark.parametrize("steps", [1, 2, 5, 47, 1000, 2145])
def test_the_last_change_of_the_masks_reaches_the_full_sparsity(steps: int) -> None:
    plan = plan_pruning(0.5, "polynomial", "unstructured", steps)
    assert (plan.end_step - 1) % plan.frequency == 0
    assert plan.end_step <= max(2, 0.6 * steps + 1)


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (None, None, (1, 601)),
        ("100", "500", (100, 500)),
        ("0.2", "0.5", (200, 494)),
        ("20%", "50%", (200, 494)),
        ("0", "1.0", (0, 984)),
        ("600", None, (600, 840)),
        (None, "0.4", (1, 397)),
    ],
)
def test_begin_and_end_are_steps_or_shares(begin: str | None, end: str | None, expected: tuple[int, int]) -> None:
    plan = plan_pruning(0.5, "polynomial", "unstructured", 1000, begin=begin, end=end)
    assert (plan.begin_step, plan.end_step) == expected
    assert plan.end_step + plan.frequency > (1000 if end == "1.0" else plan.end_step)


def test_the_ramp_starts_where_it_is_told(work: WorkFolder, strokes: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the zeros are there from the first change on, and none before it."""
    seen: list[float] = []
    hooks = sparsity.pruning_hooks

    def watched(model: Any, plan: sparsity.PruningPlan, steps_per_epoch: int) -> Hooks:
        made = hooks(model, plan, steps_per_epoch)
        layer = next(layer for layer in model.layers if hasattr(layer, "pruning_obj"))

        def after_epoch() -> None:
            made.after_epoch()
            seen.append(float(np.mean(layer.pruning_vars[0][1].numpy() == 0)))

        return dataclasses.replace(made, after_epoch=after_epoch)

    monkeypatch.setattr(sparsity, "pruning_hooks", watched)
    settings = PruneSettings(sparsity=0.8, initial_sparsity=0.5, begin="17", end="60", epochs=4)
    run_pruning(settings, work, dataset=strokes)
    by_epoch = seen[::2]
    assert by_epoch[0] == 0
    assert by_epoch[1] > 0.5
    assert by_epoch[1] < by_epoch[2] < by_epoch[3] == pytest.approx(0.8, abs=0.01)
    stored = work.require("prune", needed_by="the test").settings
    assert [stored[key] for key in ("initial_sparsity", "begin", "end")] == [0.5, "17", "60"]


def test_a_missed_target_says_which_layers_miss_it(separable: PruneResult) -> None:
    result = separable
    assert result.shortfall.startswith(f"50.0% zeros were asked for, all kernels together have {result.sparsity:.1%}: ")
    assert "conv1 (144 weights): stays dense: reads the image itself; block1_depthwise, block2_depthwise," in (
        result.shortfall
    )
    assert result.figures()["shortfall"] == result.shortfall
    assert why_short((LayerSparsity("hidden", "Dense", 1000, 497, ""),), 0.5) == ""
