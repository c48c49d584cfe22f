"""``edgemnist train`` and ``edgemnist prune`` as typed: results, JSON, and one clear message for every slip."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.checks import check_dataset
from edgemnist.data.loading import load_dataset
from edgemnist.data.summary import summary_lines
from tests.commands.typed import json_of, run
from tests.training.strokes import write_npz


def test_train_then_prune_with_no_further_argument(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained = json_of(
        capsys, "train", "--dataset", strokes_file, "--arch", "dense", "--epochs", 2, "--batch", 32, "--no-augment"
    )
    assert (trained["stage"], trained["arch"], trained["epochs_run"]) == ("train", "dense", 2)
    assert Path(trained["model"]) == Path("artifacts/trained.keras")
    record = WorkFolder(Path("artifacts")).require("train", needed_by="the test")
    assert record.settings["augmentation"] == "none"
    assert record.results["accuracy"] == trained["accuracy"]
    assert run("prune", "--epochs", 1) == 0
    out = capsys.readouterr().out
    assert "hidden" in out
    assert "counted after stripping" in out
    assert Path("artifacts/pruned.keras").exists()


def test_the_tables_go_to_stdout_and_what_was_understood_to_stderr(
    strokes_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--dataset", strokes_file, "--arch", "dense", "--epochs", 12, "--work", tmp_path)
    assert run("train", *arguments) == 0
    captured = capfd.readouterr()
    assert "train dense" in captured.out
    assert "measured once, on the test split" in captured.out
    dataset = load_dataset(str(strokes_file))
    *understood, recipe = captured.err.splitlines()
    assert understood == list(summary_lines(dataset, check_dataset(dataset)))
    assert "pictures to learn from" in recipe
    assert "a rough estimate: 200 test images put it between" in captured.out


def test_augmentation_options_reach_the_recipe(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ("train", "--dataset", strokes_file, "--arch", "dense", "--epochs", 1, "--work", tmp_path)
    changes = ("--augmentation", "garments", "--augmentation-strength", 0.5, "--label-smoothing", 0.05)
    expected = {(): ("none", 1, 0.1), ("--augment",): ("gentle", 1, 0.1), changes: ("garments", 0.5, 0.05)}
    for options, recipe in expected.items():
        json_of(capsys, *usual, *options)
        settings = WorkFolder(tmp_path).require("train", needed_by="the test").settings
        assert (settings["augmentation"], settings["augmentation_strength"], settings["label_smoothing"]) == recipe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("train", "--arch", "tinny"),
            "unknown architecture 'tinny'; did you mean 'tiny'? Choose one of nano, micro, tiny, small, ",
        ),
        (("train", "--dataset", "mnsit"), "unknown dataset 'mnsit'; did you mean 'mnist'?"),
        (("train", "--dataset", "DATA", "--epochs", "0"), "epochs 0 is too low"),
        (("train", "--dataset", "DATA", "--learning-rate", "-1"), "learning rate -1.0 is not a number above 0"),
        (("train", "--dataset", "DATA", "--schedule", "step"), "unknown schedule 'step'"),
        (("train", "--dataset", "DATA", "--validation", "600"), "cannot hold out 600 of 600"),
        (("train", "--dataset", "DATA", "--batch", "zwölf"), "--batch"),
        (("train", "--dataset", "DATA", "--seed", "-1"), "--seed"),
        (("train", "--no-augment", "--augmentation", "gentle"), "contradict each other"),
        (("train", "--resume"), "nothing to resume"),
        (("prune",), "run `edgemnist train --work"),
        (("prune", "--resume"), "run `edgemnist train --work"),
    ],
)
def test_a_slip_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], message: str, strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [str(strokes_file) if argument == "DATA" else argument for argument in arguments]
    assert run(*typed, "--work", tmp_path / "work") == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not (tmp_path / "work").exists()


def test_a_divergence_exits_with_2(strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--arch", "dense", "--learning-rate", "1e30", "--schedule", "constant")
    assert run("train", "--dataset", strokes_file, *arguments, "--work", tmp_path) == 2
    error = capsys.readouterr().err
    assert "the loss became infinite or not a number" in error
    assert "--learning-rate" in error


def test_prune_on_other_data_exits_with_2(
    work: WorkFolder, strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_npz(tmp_path / "other.npz", train=200)
    assert run("prune", "--dataset", other, "--work", work.root) == 2
    assert "the model was trained on 'strokes'" in capsys.readouterr().err


def test_a_truncated_model_exits_with_2(
    work: WorkFolder, strokes_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The manifest holds the drawn dataset's made-up hash, so the model is damaged in a folder of its own.
    arguments = ("--dataset", strokes_file, "--work", work.root)
    assert run("train", *arguments, "--arch", "dense", "--epochs", 1) == 0
    content = work.path("trained.keras").read_bytes()
    work.path("trained.keras").write_bytes(content[: len(content) // 2])
    assert run("prune", *arguments) == 2
    assert f"'trained.keras', and the one in '{work.root}' is not the one that is recorded" in capsys.readouterr().err


def test_a_damaged_manifest_exits_with_2(work: WorkFolder, capsys: pytest.CaptureFixture[str]) -> None:
    work.manifest_path.write_text("{")
    assert run("prune", "--work", work.root) == 2
    assert "cannot read" in capsys.readouterr().err


def test_a_fit_at_chance_exits_with_1_and_keeps_its_model(
    strokes_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--arch", "tiny", "--learning-rate", "1000", "--epochs", "1")
    assert run("train", "--dataset", strokes_file, *arguments, "--work", tmp_path, "--json") == 1
    captured = capsys.readouterr()
    assert "the train stage ended at chance: " in captured.err
    assert "the likely cause is the learning rate 1000" in captured.err
    assert "leave --learning-rate out, or give a lower one" in captured.err
    assert (tmp_path / "trained.keras").exists()
    record = WorkFolder(tmp_path).require("train", needed_by="the test")
    assert record.results["at_chance"]
