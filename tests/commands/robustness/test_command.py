"""``edgemnist robustness`` as it is called, on a small CNN that was really trained."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.robustness.report import PLOT_NAME, REPORT_NAME
from edgemnist.data.corruptions import corrupt, corruptions
from edgemnist.data.loading import load_dataset
from edgemnist.data.splits import class_balanced_sample
from edgemnist.harness.compare import top1
from edgemnist.runner.run import run_model
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-default", "litert-default")

FEW = ["--images", "60", "--corruption", "rotation,stripe", "--severity", "2", "--severity", "5"]
QUICK = ["--runtime", "tflite-runtime-default"]


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.run(["robustness", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_work_folder(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(["--work", str(work), *FEW], capsys)

    assert report == json.loads((work / REPORT_NAME).read_text())
    assert [(model["file"], model["runtime"]) for model in report["models"]] == [
        ("model_float32.tflite", "tflite-runtime-default"),
        ("model_int8.tflite", "tflm"),
    ]
    conditions = [(one["condition"]["corruption"], one["condition"]["severity"]) for one in report["results"]]
    assert conditions == [("stripe", 1), ("rotation", 2), ("rotation", 5)]
    assert [summary["name"] for summary in report["summaries"]] == ["stripe", "rotation", "all corruptions"]
    assert report["reference"] == 0
    assert all(one["drop"][0] is None and one["drop"][1] is not None for one in report["results"])
    (verdict,) = report["verdicts"]
    assert "model_int8.tflite against model_float32.tflite: " in verdict["sentence"]
    assert "on average over 3 corrupted test sets" in verdict["sentence"]
    with Image.open(work / PLOT_NAME) as plot:
        assert plot.format == "PNG"
    record = WorkFolder(work).require("robustness", needed_by="test")
    assert set(record.inputs) == {"model_float32.tflite", "model_int8.tflite"}
    assert set(record.outputs) == {REPORT_NAME, PLOT_NAME}
    assert record.settings["seed"] == 0


def test_both_models_see_the_same_corrupted_images(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = answer(["--work", str(work), *FEW, "--seed", "3", *QUICK], capsys)

    sample = class_balanced_sample(load_dataset("mnist", fetch=False).test, 60, 0)
    correct = []
    for name in ("model_float32.tflite", "model_int8.tflite"):
        images = corrupt(sample.images, "rotation", 5, seed=3)
        correct.append(top1(run_model("tflite-runtime-default", work / name, images).outputs) == sample.labels)
    entry = report["results"][2]
    assert [one["count"] for one in entry["accuracy"]] == [int(one.sum()) for one in correct]
    lost = correct[0].astype(float) - correct[1]
    assert entry["drop"][1] == pytest.approx({"mean": lost.mean(), "standard_error": lost.std() / 60**0.5})


def test_every_corruption_hurts_and_stronger_ones_hurt_more(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = answer([str(real_models / "compact_float.tflite"), "--images", "300", *QUICK], capsys)

    clean = report["clean"]["accuracy"][0]["share"]
    assert clean > 0.95
    for name, one in corruptions().items():
        shares = [
            entry["accuracy"][0]["share"] for entry in report["results"] if entry["condition"]["corruption"] == name
        ]
        assert len(shares) == len(one.levels)
        assert shares[-1] <= clean + 0.01, name
        if name not in ("spatter", "shot_noise"):  # the one turns back, the other hardly hurts
            assert shares[-1] < clean - 0.05, name
            # Two standard errors of a share of 300 are at most 0.06.
            assert all(later <= earlier + 0.06 for earlier, later in pairwise(shares)), name
    assert [summary["name"] for summary in report["summaries"]][-2:] == ["MNIST-C as published", "all corruptions"]
    assert report["summaries"][-2]["conditions"] == 15


def test_the_table(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["robustness", "--work", str(work), *FEW]) == 0

    printed = capsys.readouterr().out
    for words in (
        "60 of 10000 test images",
        "model_float32.tflite (float32",
        "model_int8.tflite (int8, 18,048 bytes) in tflm",
        "model_float32.tflite / model_int8.tflite, accuracy in % at severities 1 to 5",
        "drop, points",
        "off-distribution",
        f"plot: {work / PLOT_NAME}",
    ):
        assert words in printed


def test_named_models_leave_files_only_where_asked(
    real_models: Path,
    real_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    models = [str(real_models / "compact_int8.tflite"), str(real_models / "compact_float.tflite")]
    report = answer([*models, *FEW, *QUICK], capsys)
    assert report["reference"] == 1
    assert list(tmp_path.iterdir()) == []
    answer([*models, *FEW, *QUICK, "--out", "results"], capsys)
    assert {file.name for file in (tmp_path / "results").iterdir()} == {REPORT_NAME, PLOT_NAME}


def test_without_a_float_model_there_is_no_verdict(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(real_models / "compact_int8.tflite")
    report = answer([model, *FEW, *QUICK], capsys)
    assert report["reference"] is None
    assert report["verdicts"] == []
    assert report["results"][0]["drop"] == [None]
    assert cli.run(["robustness", model, *FEW, *QUICK]) == 0
    assert "no float model took part" in capsys.readouterr().out


def test_without_matplotlib_everything_but_the_plot(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.run(["robustness", "--work", str(work), *FEW, *QUICK]) == 0
    assert "pip install 'edgemnist[plot]'" in capsys.readouterr().err
    assert (work / REPORT_NAME).exists()
    assert not (work / PLOT_NAME).exists()


def test_show_draws_and_runs_no_model(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = answer(["--show", "one.png", "--severity", "3"], capsys)
    assert shown["corruptions"] == list(corruptions())
    answer(["--show", "many.png", "--corruption", "fog,stripe"], capsys)
    cell_width, cell_height = 28 * 4 + 10, 28 * 4 + 27
    with Image.open("one.png") as one, Image.open("many.png") as many:
        assert one.size == (20 * cell_width + 10, 10 * cell_height + 10)
        assert 0.5 < many.width / many.height < 2
        assert len(np.unique(np.asarray(many))) > 50
    assert {file.name for file in tmp_path.iterdir()} == {"one.png", "many.png"}


def refuses(arguments: list[str], capsys: pytest.CaptureFixture[str], says: str, code: int = 2) -> None:
    assert cli.run(["robustness", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


def test_bad_names_and_severities(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refuses(
        ["--work", str(work), "--corruption", "frost"], capsys, "unknown corruption 'frost'; choose one of brightness,"
    )
    refuses(["--work", str(work), "--severity", "6"], capsys, "severity 6 is out of range; give 1 to 5")
    refuses(["--work", str(work), "--severity", "0"], capsys, "severity 0 is out of range; give 1 to 5")
    refuses(["--work", str(work), "--runtime", "tfml"], capsys, "unknown runtime 'tfml'")
    refuses(["--work", str(work), "--runtime", "keras"], capsys, "the runtime 'keras' takes none of model_float32")
    refuses(["--work", str(work), "--dataset", "nmist"], capsys, "nmist")
    refuses(["--work", str(work), "--images", "20000", "--normalisation", "0..2", "x.tflite"], capsys, "no model")
    refuses(["--work", str(work), "--images", "10", "--all"], capsys, "--images 10 and --all contradict each other")
    refuses(["--work", str(work), "--corruption", ""], capsys, "--corruption has no name in it")
    refuses(["--show", "sheet.png", str(work / "model_int8.tflite")], capsys, "--show runs no model")
    refuses(["--show", "sheet.jpg"], capsys, "must end in .png")
    refuses(["--show", "sheet.png", "--corruption", "frost"], capsys, "unknown corruption")
    refuses(["--work", str(work / "none")], capsys, "there is no converted model to take from")
    refuses(["--work", str(work), "--out", "/proc/none"], capsys, "choose another folder", code=3)


def test_a_folder_that_cannot_be_written(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "file").write_text("")
    refuses(["--work", str(work), "--out", str(work / "file"), *FEW], capsys, "a file stands where", code=3)


def test_models_that_do_not_fit(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses([str(real_models / "pretrainedResnet_quant.tflite"), *FEW], capsys, "name the dataset with --dataset")
    refuses([str(tmp_path / "none.tflite"), *FEW], capsys, "there is no model")
    builder = ModelBuilder()
    path = tmp_path / "three.tflite"
    path.write_bytes(builder.finish([builder.op("RELU", [builder.input((1, 784), 0.1)], (1, 784), 0.1)]))
    refuses([str(path), *FEW], capsys, "tells 784 classes apart, the dataset 'mnist' has 10")
