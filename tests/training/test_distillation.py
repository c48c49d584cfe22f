"""Distillation: the loss by its formula, teachers trained on demand and kept, teachers refused, resume."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.data.splits import hold_out
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import EdgeMnistError, InputError
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.architectures import build_model
from edgemnist.training.augment import draw_changes
from edgemnist.training.distillation import (
    DistillationSettings,
    distillation_settings_from,
    divergence,
    log_probabilities,
)
from edgemnist.training.recipe import Recipe
from edgemnist.training.teacher import TEACHERS, find_teacher
from edgemnist.training.teacher_logits import VIEWS, prepare_teacher_logits
from edgemnist.training.train import TrainSettings
from tests.commands.train.test_train import interrupted
from tests.training.strokes import make_dataset

STUDENT = TrainSettings(arch="dense", epochs=2, seed=3, batch=32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_divergence_is_that_of_the_softened_probabilities(temperature: float) -> None:
    tf, _ = load_tensorflow()
    random = np.random.default_rng(3)
    logits = random.normal(scale=3, size=(2, 5, 7))

    def softened(of: NDArray[Any], by: float) -> NDArray[Any]:
        power = np.exp(of / by - (of / by).max(axis=1, keepdims=True))
        return np.asarray(power / power.sum(axis=1, keepdims=True))

    teacher, student = (log_probabilities(tf, tf.constant(softened(one, 1.0), tf.float32)) for one in logits)
    wanted, have = (softened(one, temperature) for one in logits)
    expected = (wanted * np.log(wanted / have)).sum(axis=1).mean()
    assert float(divergence(tf, teacher, student, temperature)) == pytest.approx(expected, rel=1e-3)
    assert float(divergence(tf, teacher, teacher, temperature)) == pytest.approx(0, abs=1e-6)


def test_probabilities_of_exactly_0_and_1_have_a_finite_gradient() -> None:
    tf, _ = load_tensorflow()
    student = tf.Variable([[1.0, 0.0]])
    with tf.GradientTape() as tape:
        said = log_probabilities(tf, tf.constant([[0.0, 1.0]]))
        loss = divergence(tf, said, log_probabilities(tf, student), 2.0)
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, student).numpy()).all()


def with_teacher(teacher: object, **options: float) -> TrainSettings:
    distillation = DistillationSettings(teacher=str(teacher), **options)  # type: ignore[arg-type]
    return dataclasses.replace(STUDENT, distillation=distillation)


def test_a_teacher_is_trained_once_and_kept_with_its_provenance(
    strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, settings = WorkFolder(tmp_path), with_teacher("dense", teacher_epochs=6, weight=0.9)
    run_training(settings, work, dataset=strokes)
    folder = WorkFolder(tmp_path / TEACHERS / "dense")
    provenance = folder.require("train", needed_by="the test")
    assert (provenance.settings["epochs"], provenance.settings["dataset_sha256"]) == (6, strokes.sha256)
    record = work.require("train", needed_by="the test")
    assert record.settings["distillation"]["sha256"] == provenance.outputs["trained.keras"]
    first, when = work.path("trained.keras").read_bytes(), folder.manifest_path.stat().st_mtime_ns
    with interrupted(monkeypatch, 3):
        run_training(settings, work, dataset=strokes)
    run_training(TrainSettings(), work, dataset=strokes, resume=True)
    assert work.path("trained.keras").read_bytes() == first
    assert folder.manifest_path.stat().st_mtime_ns == when
    run_training(with_teacher(folder.root, weight=0.0), work, dataset=strokes)
    assert work.path("trained.keras").read_bytes() != first


def test_the_teacher_makes_a_difference_only_with_a_weight(
    trained: tuple[Path, object], strokes: Dataset, tmp_path: Path
) -> None:
    results = {}
    teacher = shutil.copytree(trained[0], tmp_path / "teacher")  # its logits are kept beside it
    for name, settings in {
        "weight 0": with_teacher(teacher, weight=0.0),
        "weight 0, softer": with_teacher(teacher, weight=0.0, temperature=9.0),
        "weight 0.7": with_teacher(teacher / "trained.keras"),
    }.items():
        run_training(settings, WorkFolder(tmp_path / name), dataset=strokes)
        results[name] = (tmp_path / name / "trained.keras").read_bytes()
    assert results["weight 0"] == results["weight 0, softer"] != results["weight 0.7"]


def test_teacher_logits_are_computed_once_whatever_the_seed(
    trained: tuple[Path, object], strokes: Dataset, tmp_path: Path
) -> None:
    teacher = shutil.copytree(trained[0], tmp_path / "teacher")
    recipe = Recipe(VIEWS + 2, 32, 0.01, "one-cycle", "handwriting", 0, seed=1)
    validation = hold_out(strokes.train, 30, 1)[1]
    found = find_teacher(
        DistillationSettings(teacher=str(teacher)), strokes, validation, WorkFolder(tmp_path / "work"), seed=1
    )
    first, again, other = (
        prepare_teacher_logits(found, strokes, changed)
        for changed in (recipe, dataclasses.replace(recipe, seed=2), dataclasses.replace(recipe, augmentation="gentle"))
    )
    assert first is not None
    assert first == again != other
    assert first.folder.parent == teacher / "answers"
    fed_otherwise = dataclasses.replace(found, normalisation=Normalisation(1 / 127.5, -1.0))
    assert prepare_teacher_logits(fed_otherwise, strokes, dataclasses.replace(recipe, epochs=1)).folder != first.folder  # type: ignore[union-attr]
    assert len(list(first.folder.glob("*.npy"))) == VIEWS
    assert not (tmp_path / "work").exists()
    assert np.array_equal(first.of_epoch(0), first.of_epoch(VIEWS))
    assert not np.array_equal(first.of_epoch(0), first.of_epoch(1))
    logits = first.of_epoch(0).astype(np.float32)
    assert np.allclose(np.exp(logits).sum(axis=1), 1, atol=1e-2)
    assert (logits.argmax(axis=1) == strokes.train.labels).mean() > 0.8
    damaged = min(first.folder.glob("*.npy"))
    whole = damaged.read_bytes()
    for content in (whole[:100], whole[:-1], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        damaged.write_bytes(content)
        assert prepare_teacher_logits(found, strokes, recipe) == first
        assert damaged.read_bytes() == whole


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_teacher_sees_the_images_as_the_student_does_at_any_strength(
    strength: float, trained: tuple[Path, object], strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, dict[Any, NDArray[np.float32]]] = {"loop": {}, "teacher_logits": {}}
    for module in seen:

        def drawn(tf: Any, count: int, seed: Any, draws: int, module: str = module) -> Any:
            changes = draw_changes(tf, count, seed, draws)
            seen[module][tuple(seed)] = np.asarray(changes)
            return changes

        monkeypatch.setattr(f"edgemnist.training.{module}.draw_changes", drawn)
    teacher = shutil.copytree(trained[0], tmp_path / "teacher")
    settings = dataclasses.replace(with_teacher(teacher), augmentation="photos", augmentation_strength=strength)
    run_training(settings, WorkFolder(tmp_path / "work"), dataset=strokes)
    assert len(seen["loop"]) == STUDENT.epochs and seen["loop"].keys() == seen["teacher_logits"].keys()
    for seed, changes in seen["loop"].items():
        np.testing.assert_array_equal(changes, seen["teacher_logits"][seed])


def test_an_unfinished_teacher_goes_on(strokes: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_teacher("dense", teacher_epochs=3)
    with interrupted(monkeypatch, 5):
        run_training(settings, WorkFolder(tmp_path), dataset=strokes)
    folder = tmp_path / TEACHERS / "dense"
    assert [path.name for path in folder.iterdir()] == ["train-checkpoint.npz"]
    run_training(settings, WorkFolder(tmp_path), dataset=strokes)
    history = json.loads((folder / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("cnn-larg", "unknown teacher 'cnn-larg': it is neither an architecture"),
        ("OTHER", r"was trained on 'others' .* this is 'strokes'.* has to know the same dataset"),
        ("CLASSES", r"tells 3 classes apart, 'strokes' has \(12, 12, 1\) and 4"),
        ("SHAPE", r"takes images of shape \(13, 12, 1\)"),
        ("UNTRAINED", "hardly more than chance"),
    ],
)
def test_teachers_of_something_else_are_refused(
    teacher: str, message: str, trained: tuple[Path, object], strokes: Dataset, tmp_path: Path
) -> None:
    if teacher == "OTHER":
        other = shutil.copytree(trained[0], tmp_path / "other")
        manifest = (other / "manifest.json").read_text()
        (other / "manifest.json").write_text(
            manifest.replace('"dataset": "strokes"', '"dataset": "others"').replace("drawn 600", "drawn 7")
        )
        teacher = str(other)
    elif teacher.isupper():
        shape, classes = ((13, 12, 1), 4) if teacher == "SHAPE" else ((12, 12, 1), 3 if teacher == "CLASSES" else 4)
        save_model(build_model("nano", shape, classes, seed=2), tmp_path / "untrained.keras")
        teacher = str(tmp_path / "untrained.keras")
    with pytest.raises(EdgeMnistError, match=message):
        run_training(with_teacher(teacher), WorkFolder(tmp_path / "work"), dataset=strokes)
    assert not (tmp_path / "work").exists()


def test_a_teacher_trained_on_other_data_is_trained_anew(strokes: Dataset, tmp_path: Path) -> None:
    settings = DistillationSettings(teacher="dense", teacher_epochs=4)
    digests = []
    for dataset in (make_dataset(300), strokes, strokes):
        validation = hold_out(dataset.train, 30, 1)[1]
        found = find_teacher(settings, dataset, validation, WorkFolder(tmp_path), seed=1)
        digests.append(found.sha256)
    assert digests[0] != digests[1] == digests[2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((None, 2.0, None, None), "need --teacher"),
        (("dense", 0.0, None, None), "temperature 0.0 is not a number above 0"),
        (("dense", None, 1.5, None), "distillation weight 1.5 is out of range"),
        (("dense", None, None, 0), "cannot train a teacher for 0 epochs"),
    ],
)
def test_options_out_of_range_are_refused(
    values: tuple[str | None, float | None, float | None, int | None], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        distillation_settings_from(*values)


def test_distillation_from_the_command_line(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--dataset", str(strokes_file), "--epochs", "1", "--batch", "32", "--work", str(tmp_path)]
    options = ["--teacher", "dense", "--teacher-epochs", "6", "--temperature", "2", "--distillation-weight", "0.5"]
    assert cli.run(["train", "--arch", "dense", *usual, *options, "--no-average", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["arch"] == "dense"
    settings = WorkFolder(tmp_path).require("train", needed_by="the test").settings
    assert settings["averaging"] is False
    distillation = {
        key: settings["distillation"][key] for key in ("teacher", "temperature", "weight", "teacher_epochs")
    }
    assert distillation == {"teacher": "dense", "temperature": 2.0, "weight": 0.5, "teacher_epochs": 6}
