"""``edgemnist explain`` with a float net beside the int8 model: named, or the work folder's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.preprocessing import Preprocessing
from tests.oracles import needs
from tests.quantisation_error.nets import SECOND, Faults, draw, fitted, float_file, int8_file, random_filters

pytestmark = needs("tflm", "tflite-runtime-reference", "tflite-runtime-default")

NAMES = ("top left", "top right", "bottom left", "bottom right")


@pytest.fixture
def work(tmp_path: Path, witness: RuntimeWorker) -> Path:
    """Return a work folder with a float net and an int8 net of which a layer cuts values off, and their pictures."""
    parts = {"train": draw(40, 4), "test": draw(400, 9)}
    arrays = {f"x_{name}": np.rint(images[:, 0] * 255).astype(np.uint8) for name, (images, _) in parts.items()}
    np.savez(tmp_path / "quadrants.npz", **arrays, **{f"y_{name}": labels for name, (_, labels) in parts.items()})
    folder = WorkFolder(tmp_path / "artifacts")
    folder.root.mkdir()
    net = fitted(random_filters(), witness)
    files = {
        "model_float32.tflite": float_file(net),
        "model_int8.tflite": int8_file(net, witness, Faults({SECOND: 0.25})),
    }
    for name, content in files.items():
        folder.path(name).write_bytes(content)
    context = ModelContext(str(tmp_path / "quadrants.npz"), "quadrants", Preprocessing((8, 8, 1), NAMES))
    folder.record("convert", settings=context.as_json(), results={}, outputs=[folder.path(name) for name in files])
    return folder.root


def test_a_work_folders_float_net_is_compared_too(work: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["explain", "--work", str(work), "--against", "tflm", "--images", "300"]
    assert cli.run(arguments) == 0
    printed = capfd.readouterr().out
    assert "Blame the calibration: its range is" in printed
    table = [line for line in printed.splitlines() if "CONV_2D " in line or "own dB" in line]
    assert len(table) == 4
    assert all(len(line) <= 90 for line in table)


def test_without_a_float_net_that_part_is_left_out(work: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = str(work / "model_int8.tflite")
    assert cli.run(["explain", model, "--against", "tflm", "--images", "4", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["float"] is None


def test_a_net_of_another_kind_is_refused_at_once(
    work: Path, real_models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, other = str(work / "model_int8.tflite"), str(real_models / "compact_float.tflite")
    assert cli.run(["explain", model, "--float", other]) == 2
    assert "operator 0 CONV_2D (1x8x8x8) of the int8 net has no counterpart" in capfd.readouterr().err
    assert cli.run(["explain", model, "--float", str(work / "nothing.tflite")]) == 2


def test_a_named_pair_of_files(real_models: Path, real_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The compact net is as right as its float net, and its simulated int8 logits are the oracle's."""
    files = (str(real_models / f"compact_{kind}.tflite") for kind in ("int8", "float"))
    model, float_model = files
    arguments = ["explain", model, "--float", float_model, "--dataset", "mnist", "--against", "tflm", "--images", "2"]
    assert cli.run([*arguments, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["float"]
    assert (found["count"], found["verdict"]["blame"], found["int8"]["flips"]["count"]) == (200, "nobody", 0)
    assert found["simulated"]["logits"] == pytest.approx(found["int8"]["logits"], rel=0.03)
    assert all(row["measures"]["own"]["sqnr"] > 40 for row in found["layers"] if row["index"] >= 0)
    assert found["layers"][12]["measures"]["accumulated"]["cosine"] > 0.999
