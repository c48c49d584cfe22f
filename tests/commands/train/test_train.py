"""The train stage: what it leaves behind, what it refuses, and that nothing good is lost."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.keras_io.saving import load_model, save_model
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError, StorageError
from edgemnist.support.files import sha256_of
from edgemnist.training import loop, report
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.loop import TrainingDivergedError
from edgemnist.training.recipe import Recipe, learning_rates
from edgemnist.training.train import TRAIN, TrainResult, TrainSettings
from tests.commands.convert.test_convert_storage import largest_file
from tests.training.fixtures import SETTINGS
from tests.training.strokes import make_dataset

CHECKPOINT = TRAIN.checkpoint
QUICK = TrainSettings(arch="dense", epochs=2, seed=3, batch=32)


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, after_calls: int) -> Iterator[None]:
    """Raise KeyboardInterrupt, as Ctrl-C does, when the loop looks up for the ``after_calls``-th time."""
    from edgemnist.support.progress import Task

    calls = 0

    def update(self: Task, **_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == after_calls:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Task, "update", update)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_the_artifacts_are_complete(trained: tuple[Path, TrainResult]) -> None:
    root, result = trained
    assert sorted(path.name for path in root.iterdir()) == [
        "curves.png",
        "history.csv",
        "history.json",
        "manifest.json",
        "trained.keras",
    ]
    assert (root / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((root / "history.csv").read_text().splitlines()))
    document = json.loads((root / "history.json").read_text())
    assert [int(row["epoch"]) for row in rows] == [row["epoch"] for row in document] == [1, 2, 3, 4]
    assert [float(row["loss"]) for row in rows] == [report.loss for report in result.history]


def test_the_manifest_says_what_was_done(trained: tuple[Path, TrainResult], strokes: Dataset) -> None:
    root, result = trained
    record = WorkFolder(root).require("train", needed_by="the test")
    context = ModelContext.from_json(record.settings)
    assert (context.dataset, context.arch, context.preprocessing.image_shape) == ("strokes", "tiny", (12, 12, 1))
    assert context.preprocessing.class_names == strokes.class_names
    assert {key: record.settings[key] for key in ("seed", "epochs", "batch", "augmentation", "validation")} == {
        "seed": 3,
        "epochs": 4,
        "batch": 32,
        "augmentation": "gentle",
        "validation": 60,
    }
    assert record.results["accuracy"] == result.accuracy > 0.9
    assert record.results["parameters"] == result.parameters
    assert record.results["peak_memory_bytes"] > 2**20
    assert record.outputs == {"trained.keras": sha256_of(root / "trained.keras")}
    assert "tensorflow" in record.versions


def test_the_saved_model_is_plain_keras_with_the_told_accuracy(
    trained: tuple[Path, TrainResult], strokes: Dataset
) -> None:
    root, result = trained
    _, keras = load_tensorflow()
    model = keras.models.load_model(root / "trained.keras")
    assert not getattr(model, "optimizer", None)
    assert model.input_shape == (None, 12, 12, 1)
    predicted = np.asarray(model(strokes.test.images / np.float32(255))).argmax(axis=1)
    assert np.mean(predicted == strokes.test.labels) == result.accuracy


def test_the_same_seed_gives_the_same_file(trained: tuple[Path, TrainResult], strokes: Dataset, tmp_path: Path) -> None:
    run_training(SETTINGS, WorkFolder(tmp_path), dataset=strokes)
    assert (tmp_path / "trained.keras").read_bytes() == (trained[0] / "trained.keras").read_bytes()


@pytest.mark.parametrize("calls", [1, 3, 9])
def test_ctrl_c_then_resume_gives_the_same_file(
    trained: tuple[Path, TrainResult],
    strokes: Dataset,
    tmp_path: Path,
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    work = WorkFolder(tmp_path)
    with interrupted(monkeypatch, calls):
        run_training(SETTINGS, work, dataset=strokes)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
    error = capsys.readouterr().err
    assert re.search(
        rf"stopped with \d finished epochs.*go on with `edgemnist train --work {tmp_path} --resume`", error
    )
    result = run_training(TrainSettings(), work, dataset=strokes, resume=True)
    assert result.epochs_run == 4
    assert (tmp_path / "trained.keras").read_bytes() == (trained[0] / "trained.keras").read_bytes()
    assert not (tmp_path / CHECKPOINT).exists()


def test_resume_without_an_unfinished_training_is_refused(work: WorkFolder, strokes: Dataset) -> None:
    with pytest.raises(InputError, match=r"nothing to resume: there is no unfinished `edgemnist train --work"):
        run_training(SETTINGS, work, dataset=strokes, resume=True)


def test_resume_with_other_settings_names_them(
    strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, 2):
        run_training(QUICK, WorkFolder(tmp_path), dataset=strokes)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(InputError, match=r"epochs was 2 and is now 7, learning_rate was 0.001414.* and is now 0.5"):
        run_training(TrainSettings(epochs=7, learning_rate=0.5), WorkFolder(tmp_path), dataset=strokes, resume=True)
    with pytest.raises(InputError, match="dataset_sha256 was 'drawn 600' and is now 'drawn 300'"):
        run_training(TrainSettings(validation=60), WorkFolder(tmp_path), dataset=make_dataset(300), resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_data_may_have_moved(
    trained: tuple[Path, TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, 4):
        run_training(SETTINGS, WorkFolder(tmp_path), dataset=make_dataset())
    run_training(TrainSettings(), WorkFolder(tmp_path), dataset=make_dataset(name="moved"), resume=True)
    assert (tmp_path / "trained.keras").read_bytes() == (trained[0] / "trained.keras").read_bytes()


def test_killed_after_the_last_epoch_resume_only_finishes(
    trained: tuple[Path, TrainResult], strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(report, "save_model", kill)
        run_training(SETTINGS, WorkFolder(tmp_path), dataset=strokes)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
    assert read_checkpoint(tmp_path / CHECKPOINT).state.epoch == 4
    result = run_training(TrainSettings(), WorkFolder(tmp_path), dataset=strokes, resume=True)
    assert result.epochs_run == 4
    assert (tmp_path / "trained.keras").read_bytes() == (trained[0] / "trained.keras").read_bytes()


def test_no_room_is_told_and_leaves_nothing(strokes: Dataset, work: WorkFolder) -> None:
    before = {path.name: path.read_bytes() for path in work.root.iterdir()}
    with pytest.raises(StorageError, match="cannot write"), largest_file(5_000):
        run_training(SETTINGS, work, dataset=strokes)
    assert {path.name: path.read_bytes() for path in work.root.iterdir()} == before


def test_a_model_without_room_leaves_the_last_good_one(work: WorkFolder) -> None:
    path = work.path("trained.keras")
    before = path.read_bytes()
    model = load_model(path)
    with pytest.raises(StorageError, match="cannot write"), largest_file(20_000):
        save_model(model, path)
    assert path.read_bytes() == before
    assert not list(work.root.glob(".partial-*"))


def test_on_a_terminal_every_epoch_gets_a_line(
    strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    result = run_training(QUICK, WorkFolder(tmp_path), dataset=strokes)
    told = re.findall(r"epoch +(\d+)/2 +loss ([\d.]+) .*validation ([\d.]+)% .* s", capsys.readouterr().err)
    assert [int(line[0]) for line in told] == [1, 2]
    assert float(told[1][1]) == pytest.approx(result.history[1].loss, abs=1e-4)


def test_a_divergence_keeps_the_earlier_model(work: WorkFolder, strokes: Dataset) -> None:
    before = work.path("trained.keras").read_bytes(), work.manifest_path.read_bytes()
    with pytest.raises(TrainingDivergedError):
        run_training(
            TrainSettings(arch="dense", epochs=2, learning_rate=1e30, schedule="constant"), work, dataset=strokes
        )
    assert (work.path("trained.keras").read_bytes(), work.manifest_path.read_bytes()) == before


@pytest.mark.parametrize("first_bad_step", [40, 47])
def test_a_late_divergence_keeps_the_last_good_epoch(
    first_bad_step: int, strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate becomes NaN in the middle of the third epoch, or in its last step, which no training loss shows."""

    def rates(recipe: Recipe, steps: int) -> NDArray[np.float32]:
        found = learning_rates(recipe, steps)
        found[first_bad_step:] = np.nan
        return found

    monkeypatch.setattr(loop, "learning_rates", rates)
    settings = TrainSettings(arch="dense", epochs=4, seed=3, batch=32)
    with pytest.raises(TrainingDivergedError, match=r"in epoch 3: .* the state after epoch 2 is kept in .*best so far"):
        run_training(settings, WorkFolder(tmp_path), dataset=strokes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last-good.keras", CHECKPOINT]
    state = read_checkpoint(tmp_path / CHECKPOINT).state
    assert state.epoch == 2
    assert all(np.isfinite(weight).all() for weight in state.weights)
    kept = load_model(tmp_path / "last-good.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(kept, state.best_weights, strict=True))


def test_a_new_training_replaces_the_old_one(work: WorkFolder, strokes: Dataset) -> None:
    result = run_training(QUICK, work, dataset=strokes)
    assert result.arch == "dense"
    assert load_model(work.path("trained.keras")).name == "dense"
    assert work.require("train", needed_by="the test").settings["arch"] == "dense"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TrainSettings(arch="lenet"), "unknown architecture 'lenet'"),
        (TrainSettings(epochs=0), "epochs 0 is too low"),
        (TrainSettings(batch=0), "batch 0 is too low"),
        (TrainSettings(validation=600), "cannot hold out 600 of 600 training images"),
        (TrainSettings(validation=0), "cannot hold out 0 of 600 training images"),
        (TrainSettings(augmentation="blur"), "unknown augmentation 'blur'"),
        (TrainSettings(schedule="step"), "unknown schedule 'step'"),
    ],
)
def test_bad_settings_leave_nothing_behind(
    settings: TrainSettings, message: str, strokes: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        run_training(settings, WorkFolder(tmp_path / "work"), dataset=strokes)
    assert not (tmp_path / "work").exists()


def test_a_folder_that_cannot_be_written_is_told_before_training(
    strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot write .*file"):
        run_training(TrainSettings(epochs=100_000), WorkFolder(tmp_path / "file"), dataset=strokes)


def test_without_matplotlib_only_the_curves_are_missing(
    strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run_training(QUICK, WorkFolder(tmp_path), dataset=strokes)
    assert capsys.readouterr().err.count("matplotlib is not installed") == 1
    assert not (tmp_path / "curves.png").exists()
    assert (tmp_path / "history.csv").exists()
