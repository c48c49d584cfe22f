"""``edgemnist convert`` on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.stage import run_conversion
from tests.commands.convert.conftest import INT8
from tests.csource.files import TINY_MODEL
from tests.oracles import needs


def test_command_prints_json_and_nothing_else(work: WorkFolder, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["convert", "--int8", "--calibration", "50", "--work", str(work.root), "--json"]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out)["models"]["int8"]["input"]["zero_point"] == -128


def test_command_prints_a_table(work: WorkFolder, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["convert", "--calibration", "50", "--work", str(work.root)]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "model_float32.tflite" in printed.out
    assert "model_int8.h, model_int8.c" in printed.out
    assert max(len(line) for line in printed.out.splitlines()[:3]) <= 100


def test_c_array_of_any_tflite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["convert", str(TINY_MODEL), "--c-array", "--name", "g_tiny_model", "--style", "tflm"]
    assert cli.run([*arguments, "--out", str(tmp_path / "c"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["tiny_int8_data.h", "tiny_int8_data.cc"]
    assert "g_tiny_model_data_size" in (tmp_path / "c" / "tiny_int8_data.h").read_text()
    assert not (tmp_path / "c" / "manifest.json").exists()


LEFT_OUT = {
    "079_emlearn_mnist_cnn_fp32": ("what range the input was trained on is not known", "this is float32"),
    "109_tensorfl_add16": ("the model has 2 inputs", "this is int16x8"),
    "046_esphome_alexa": ("no class names: none are known", "it has 2 subgraphs"),
    "141_cpetig_mobilenet_v1_0_25_160_quantized": ("no class names", "TFLM's interpreter refuses the model"),
}


@needs("tflm")
def test_c_array_says_what_is_left_out_and_why(
    real_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, reasons in LEFT_OUT.items():
        model = real_models / "public" / f"{name}.tflite"
        assert cli.run(["convert", str(model), "--c-array", "--out", str(tmp_path)]) == 0
        said = capfd.readouterr().out
        assert all(reason in said for reason in reasons), said


def test_c_array_of_the_work_folders_own_file_has_its_labels(work: WorkFolder, tmp_path: Path) -> None:
    run_conversion(replace(INT8, c_array=False), work)
    model = work.path("model_int8.tflite")
    assert cli.run(["convert", str(model), "--work", str(work.root), "--out", str(tmp_path / "c")]) == 0
    assert "g_model_labels" in (tmp_path / "c" / "model_int8.h").read_text()
