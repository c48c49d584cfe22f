"""``edgemnist evaluate`` as it is called, on a small CNN that was really trained."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.evaluate.pictures import write_confusion, write_pictures
from edgemnist.commands.evaluate.report import REPORT_NAME
from edgemnist.commands.evaluate.stage import EvaluateSettings, Evaluation, evaluate
from edgemnist.data.loading import load_dataset
from edgemnist.harness.compare import top1
from edgemnist.harness.images import ImageSettings
from edgemnist.runner.run import run_model
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-default")

QUICK = ["--runtime", "tflite-runtime-default"]


def test_the_work_folders_int8_model(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["evaluate", "--work", str(work), "--images", "100", "--json"]) == 0

    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report == json.loads((work / REPORT_NAME).read_text())
    assert (report["model"]["file"], report["model"]["runtime"]) == ("model_int8.tflite", "tflm")
    assert sum(map(sum, report["confusion"])) == 100
    assert [score["support"] for score in report["classes"]] == [10] * 10
    record = WorkFolder(work).require("evaluate", needed_by="test")
    assert record.results["accuracy"] == report["accuracy"]
    assert set(record.inputs) == {"model_int8.tflite"}


def test_the_whole_test_set_and_its_mistakes(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = real_models / "compact_int8.tflite"
    assert cli.run(["evaluate", str(model), *QUICK, "--json"]) == 0

    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    test = load_dataset("mnist", fetch=False).test
    assert report["accuracy"]["total"] == sum(map(sum, report["confusion"])) == len(test) == 10_000
    assert np.trace(report["confusion"]) == report["accuracy"]["count"] > 9_500
    assert 0.05 < report["loss"] < 0.2 and 0.0 < report["calibration_error"] < 0.05
    tops = [report["top"][count]["share"] for count in "235"]
    assert report["accuracy"]["share"] < tops[0] < tops[1] < tops[2] < 1
    assert report["images_per_second"] > 100
    mistakes = report["mistakes"]
    assert len(mistakes) == 10_000 - report["accuracy"]["count"]
    some = np.array([mistake["index"] for mistake in mistakes[::20]])
    predicted = top1(run_model("tflite-runtime-default", model, test.images[some]).outputs)
    assert [mistake["predicted"] for mistake in mistakes[::20]] == predicted.tolist()
    assert [mistake["label"] for mistake in mistakes[::20]] == test.labels[some].tolist()


def test_tables_and_pictures(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    confusion, mistakes = tmp_path / "confusion.png", tmp_path / "mistakes.png"
    arguments = ["--confusion", str(confusion), "--mistakes", str(mistakes), "--images", "500"]
    assert cli.run(["evaluate", "--work", str(work), *arguments, *QUICK]) == 0

    printed = capsys.readouterr().out
    for words in ("500 of 10000 test images", "precision %", "macro average", "confused most often:", "mistakes: "):
        assert words in printed
    for file in (confusion, mistakes):
        with Image.open(file) as picture:
            assert picture.format == "PNG"


@pytest.fixture(scope="module")
def evaluation(real_models: Path, real_data: Path) -> Evaluation:
    """Return an evaluation of 50 images."""
    model = real_models / "compact_int8.tflite"
    settings = EvaluateSettings(model=model, images=ImageSettings(count=50), runtimes=("tflite-runtime-default",))
    return evaluate(settings, WorkFolder(Path("none")))


def test_no_mistakes_no_picture(evaluation: Evaluation, tmp_path: Path) -> None:
    perfect = dataclasses.replace(evaluation.report, mistakes=(), confusion=tuple(map(tuple, np.eye(10, dtype=int))))
    target = tmp_path / "mistakes.png"
    confusion = tmp_path / "confusion.png"
    target.write_bytes(b"an earlier model's")
    lines = write_pictures(Evaluation(perfect, evaluation.split), confusion, target)
    assert lines[1] == f"no mistakes, so no {target}"
    assert not target.exists()
    assert confusion.exists()


def test_class_names_of_any_script(evaluation: Evaluation, tmp_path: Path) -> None:
    named = dataclasses.replace(evaluation.report, class_names=(*"あいうえ", "$x$", "^_{", "long name", *"789"))
    assert write_confusion(tmp_path / "confusion.png", named).exists()


def refuses(arguments: list[str], capsys: pytest.CaptureFixture[str], says: str, code: int = 2) -> None:
    assert cli.run(["evaluate", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


def test_bad_input(work: Path, real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(real_models / "compact_int8.tflite")
    refuses([str(tmp_path / "none.tflite")], capsys, "there is no model")
    refuses([str(real_models / "pretrainedResnet_quant.tflite")], capsys, "name the dataset with --dataset")
    refuses([model, "--runtime", "keras"], capsys, "takes none of compact_int8.tflite (int8)")
    refuses([model, "--images", "20", "--dataset", "nmist"], capsys, "nmist")
    refuses([model, "--mistakes", "mistakes.jpg"], capsys, "must end in .png")
    refuses(["--work", str(tmp_path / "empty")], capsys, "there is no converted model to take from")


def test_a_confusion_matrix_without_matplotlib(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    arguments = ["--work", str(work), "--confusion", "confusion.png"]
    refuses(arguments, capsys, "pip install 'edgemnist[plot]'", code=3)
    assert not (work / REPORT_NAME).exists()
