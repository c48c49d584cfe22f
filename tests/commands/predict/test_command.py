"""``edgemnist predict`` on PNGs of real digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.base import Split
from edgemnist.data.loading import load_dataset
from edgemnist.harness.runtimes import preferred_runtimes
from edgemnist.runner import find_runtime
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.preprocessing import Preprocessing

SIZES = ((28, 28), (20, 20), (64, 64), (333, 333), (200, 260))
COUNT = 10


@pytest.fixture(scope="session")
def digits(real_data: Path) -> Split:
    """Return the first of MNIST's test images."""
    return load_dataset("mnist", fetch=False).test.take(slice(0, COUNT))


@pytest.fixture
def work(real_models: Path, tmp_path: Path) -> Path:
    """Return a work folder that says it has converted the tutorial CNN."""
    folder = WorkFolder(tmp_path / "work")
    context = ModelContext("mnist", "cnn", Preprocessing((28, 28, 1), tuple("0123456789")))
    outputs = []
    for kind in ("float", "int8"):
        target = folder.path("model_int8.tflite" if kind == "int8" else "model_float32.tflite")
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((real_models / f"seedcnn_{kind}.tflite").read_bytes())
        outputs.append(target)
    folder.record("convert", settings=context.as_json(), results={}, outputs=outputs)
    return folder.root


def save(digits: Split, index: int, path: Path, size: tuple[int, int] = (28, 28), *, dark_on_bright: bool) -> Path:
    picture = Image.fromarray(digits.images[index, ..., 0]).resize(size, Image.Resampling.BICUBIC)
    if dark_on_bright:
        picture = Image.fromarray(np.invert(np.asarray(picture)))
    picture.save(path)
    return path


def predicted(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    assert cli.run(["predict", *arguments, "--json"]) == code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_digits_of_any_size_and_ground_get_their_labels(
    work: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, labels = [], []
    for number, size in enumerate(SIZES):
        for dark in (False, True):
            for index in range(COUNT):
                name = tmp_path / f"{number}-{dark}-{index}.png"
                files.append(str(save(digits, index, name, size, dark_on_bright=dark)))
                labels.append(str(digits.labels[index]))

    answer = predicted([*files, "--work", str(work)], capsys)

    found = [entry["label"] for entry in answer["predictions"]]
    assert found == labels
    assert [entry["file"] for entry in answer["predictions"]] == files
    assert answer["model"].endswith("model_int8.tflite")
    first = next(name for name in preferred_runtimes(ModelKind.INT8) if find_runtime(name).available() is None)
    assert answer["runtime"].startswith(f"{first} ")
    for entry in answer["predictions"]:
        assert len(entry["top"]) == 3
        assert entry["top"][0]["probability"] >= entry["top"][1]["probability"]
        assert entry["inverted"] == ("True" in Path(entry["file"]).name)


@pytest.mark.parametrize("name", ["seedcnn_int8", "seedcnn_float", "compact_int8", "dense_int8"])
def test_models_from_elsewhere(
    name: str, real_models: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(save(digits, index, tmp_path / f"{index}.png", dark_on_bright=False)) for index in range(COUNT)]

    answer = predicted([*files, str(real_models / f"{name}.tflite")], capsys)

    right = sum(
        entry["index"] == label for entry, label in zip(answer["predictions"], digits.labels.tolist(), strict=True)
    )
    assert right >= COUNT - 1
    for entry in answer["predictions"]:
        assert 0 < sum(one["probability"] for one in entry["top"]) <= 1.02


def test_the_view_shows_what_the_net_sees(
    work: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(digits, 0, tmp_path / "seven.png", dark_on_bright=True)

    assert cli.run(["predict", str(file), "--work", str(work), "--view", "ascii"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[28].startswith(f"{file}: 7  (7 9")
    ink = digits.images[0, ..., 0] > 127
    for line, row in zip(lines[:28], ink, strict=True):
        characters = line.ljust(56)[::2]
        assert [character in "+*#%@=" for character in characters] >= row.tolist()
        assert all(characters[column] in "+*#%@" for column in np.flatnonzero(row))

    png = tmp_path / "view.png"
    assert cli.run(["predict", str(file), str(file), "--work", str(work), "--view", str(png)]) == 0
    with Image.open(png) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 2 * 28
        assert sheet.height >= 10 * 28


def test_one_bad_image_does_not_cost_the_others(
    work: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = save(digits, 0, tmp_path / "good.png", dark_on_bright=False)
    bad = tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:60])

    code = cli.run(["predict", str(good), str(bad), str(tmp_path / "none.png"), "--work", str(work)])

    out, err = capsys.readouterr()
    assert code == 2
    assert f"{good}: 7" in out
    assert "2 of 3 images could not be read" in err
    assert str(bad) in err
    assert "none.png" in err
    assert "Traceback" not in err
    answer = predicted([str(good), str(bad), "--work", str(work)], capsys, code=2)
    assert [len(answer["predictions"]), len(answer["problems"])] == [1, 1]


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (["--view", "view.gif"], "ends in .png"),
        (["--invert", "perhaps"], "choose one of auto, yes, no"),
        (["none.tflite"], "there is no model 'none.tflite'"),
        (["--work", "nothing-here"], "there is no converted model to take from 'nothing-here'"),
    ],
)
def test_bad_input_is_one_message(
    extra: list[str], says: str, work: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(digits, 0, tmp_path / "seven.png", dark_on_bright=False)
    arguments = [str(file), *([] if "--work" in extra else ["--work", str(work)]), *extra]

    assert cli.run(["predict", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.startswith("edgemnist: ")


def test_a_model_of_other_classes_needs_its_dataset(
    real_models: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(save(digits, 0, tmp_path / "seven.png", dark_on_bright=False))
    resnet = str(real_models / "pretrainedResnet_quant.tflite")

    answer = predicted([file, resnet], capsys)
    assert answer["predictions"][0]["framing"] == "scaled to 32 x 32"

    assert cli.run(["predict", file, resnet, "--dataset", "emnist-letters"]) == 2
    assert "tells 10 classes apart" in capsys.readouterr().err


def test_test_images_by_number(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = predicted(["--index", "2,0-1", "--work", str(work)], capsys)
    assert [one["file"].split()[-1] for one in answer["predictions"]] == ["2", "0", "1"]
    assert all(one["truth"] in "0123456789" for one in answer["predictions"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--index", "3-"], "give numbers and ranges, as 0-4,17"),
        (["--index", "4-2"], "give 1 to 10000"),
        (["--index", "99999999"], "has the test images 0 to"),
        ([], "name image files, or with --index test images"),
        (["some.png", "--index", "0"], "one of both"),
    ],
)
def test_numbers_that_are_none(arguments: list[str], says: str, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", *arguments, "--work", str(work)]) == 2
    assert says in capsys.readouterr().err
