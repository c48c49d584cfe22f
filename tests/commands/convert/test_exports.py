"""SavedModel and ONNX: what others load gives the source's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert import exports
from edgemnist.keras_io.tensorflow import load_tensorflow
from tests.commands.convert.conftest import SIDE, draw
from tests.csource.files import TINY_MODEL


def images() -> Any:
    return (draw(7, 5)[0][..., np.newaxis] / 255.0).astype(np.float32)


def test_others_load_both_and_get_the_same(
    work: WorkFolder, legacy_model: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["convert", "--saved-model", "--onnx", "--work", str(work.root), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)["exports"]
    assert found["saved-model"]["agreement"] == found["onnx"]["agreement"] == 1.0
    expected = legacy_model.predict(images(), verbose=0)
    import onnxruntime

    session = onnxruntime.InferenceSession(str(work.path("model.onnx")))
    (entry,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (entry.name, entry.shape, answer.name) == ("image", ["batch", SIDE, SIDE, 1], "probabilities")
    for count in (1, 7):
        given = {"image": images()[:count]}
        np.testing.assert_allclose(session.run(None, given)[0], expected[:count], atol=1e-5)
    tensorflow, _ = load_tensorflow()
    signature = tensorflow.saved_model.load(str(work.path("saved_model") / "1")).signatures["serving_default"]
    for count in (1, 7):
        outputs = signature(image=tensorflow.constant(images()[:count]))
        np.testing.assert_allclose(outputs["probabilities"], expected[:count], atol=1e-5)
    assert not work.path("model_int8.tflite").exists()
    record = work.require("export", needed_by="test")
    assert {"model.onnx", "saved_model/1/saved_model.pb"} <= set(record.outputs)


def test_a_server_gets_the_next_version_and_earlier_ones_stay(
    work: WorkFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    work.path("saved_model/1").mkdir(parents=True)
    assert cli.run(["convert", "--saved-model", "--work", str(work.root)]) == 0
    assert f"{Path('saved_model') / '2'} (" in capsys.readouterr().out.replace("\n", "")
    assert sorted(path.name for path in work.path("saved_model").iterdir()) == ["1", "2"]


def test_what_is_written_can_be_imported_again(
    work: WorkFolder, quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["convert", "--onnx", "--int8", "--calibration", "50", "--work", str(work.root)]) == 0
    printed = capsys.readouterr().out
    assert "model_int8.tflite" in printed and "model.onnx (" in printed

    model, out = str(work.path("model.onnx")), str(tmp_path / "imported")
    assert cli.run(["import", model, "--dataset", str(quadrants), "--work", out, "--json"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([str(TINY_MODEL), "--onnx"], "is a .tflite: name the model that it was converted from"),
        ([str(TINY_MODEL), "--int8", "--saved-model"], "is a .tflite: name the model"),
        (["--onnx", "--c"], "--c is of a .tflite; add --int8"),
        (["--onnx", "--c-array"], "--c-array is of a .tflite; add --int8"),
    ],
)
def test_what_does_not_go_together_is_refused(
    work: WorkFolder, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(work.root.iterdir())
    assert cli.run(["convert", *arguments, "--work", str(work.root)]) == 2
    assert said in capsys.readouterr().err
    assert sorted(work.root.iterdir()) == before


def test_what_answers_otherwise_is_not_kept(
    work: WorkFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exports, "MOST_DIFFERENCE", -1.0)
    assert cli.run(["convert", "--onnx", "--work", str(work.root)]) == 2
    assert "it was not kept" in capsys.readouterr().err
    assert not work.path("model.onnx").exists()
