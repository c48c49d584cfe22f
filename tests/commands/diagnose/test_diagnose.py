"""``edgemnist diagnose`` by hand: what makes a model right, and what a device was fed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.harness.trying import open_predict
from edgemnist.runner.run import load_model
from edgemnist.tflite.normalisation import NORMALISATIONS
from edgemnist.tflite.preprocessing import Preprocessing
from tests.harness.tiles import CLASSES, SIDE, draw_tiles, write_tile_model
from tests.oracles import needs

pytestmark = needs("tflite-runtime-default")

GIVEN = Preprocessing((SIDE, SIDE, 3), CLASSES, NORMALISATIONS["-1..1"], bgr=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model and a dataset of pictures, 60 of each class."""
    from PIL import Image

    root = tmp_path_factory.mktemp("tiles")
    write_tile_model(root / "net.tflite", GIVEN)
    images, labels = draw_tiles(60 * len(CLASSES), 4)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = root / "photos" / CLASSES[label] / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return root


def diagnosed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert cli.run(["diagnose", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_what_makes_it_right_is_said_with_options_to_copy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = [str(folder / "net.tflite"), "--dataset", str(folder / "photos")]
    found = diagnosed(capsys, *usual)
    # In the folder's order of classes, which is that of the alphabet, the model's outputs are in another.
    order = ",".join(CLASSES)
    options = found["found"]["options"]
    assert options == ["--normalisation=-1..1", "--channels=bgr", f"--classes={order}"]
    assert found["found"]["accuracy"] > 0.95 > found["given"]["accuracy"] and found["right"]
    assert found["sentences"][0].startswith("net.tflite is right for") and "--channels=bgr" in found["sentences"][0]
    again = diagnosed(capsys, *usual, *options)
    assert again["found"] is None and again["given"]["accuracy"] > 0.95
    assert cli.run(["evaluate", *usual, *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["share"] > 0.95
    assert cli.run(["evaluate", *usual, "--normalisation=-1..1"]) == 0
    assert "--channels=bgr" in capsys.readouterr().err


def test_what_nothing_makes_right_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shuffled = tmp_path / "shuffled"
    generator = np.random.default_rng(1)
    for path in sorted((folder / "photos").rglob("*.png")):
        target = shuffled / CLASSES[int(generator.integers(len(CLASSES)))] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    found = diagnosed(capsys, str(folder / "net.tflite"), "--dataset", str(shuffled), code=1)
    assert found["at_chance"] and found["found"] is None and not found["right"]
    assert "no way of feeding net.tflite that was tried makes it right" in found["error"]["message"]


@pytest.fixture(params=["outputs", "classes", "names"])
def answers(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield a table of what a device says that is fed upside and with red first."""
    images, _ = draw_tiles(60 * len(CLASSES), 4)
    with open_predict(load_model(folder / "net.tflite")) as predict:
        shares = predict(replace(GIVEN, inverted=True, bgr=False), images)
    files = sorted((folder / "photos").rglob("*.png"), key=lambda path: path.name)
    path = tmp_path / "board.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        if request.param == "outputs":
            writer.writerow(["file", *CLASSES])
        for picture, row in zip(files, shares, strict=True):
            best = int(row.argmax())
            numbers = [f"{one:.6f}" for one in row]
            said = {"outputs": numbers, "classes": [str(best)], "names": [CLASSES[best]]}[str(request.param)]
            writer.writerow([str(picture.relative_to(folder / "photos")), *said])
    yield path


def test_what_a_device_was_fed_is_found(folder: Path, answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = diagnosed(
        capsys, str(folder / "net.tflite"), "--outputs", str(answers), "--inputs", str(folder / "photos"),
        "--normalisation=-1..1", "--channels=bgr", f"--classes={','.join(CLASSES)}",
    )  # fmt: skip
    assert found["options"] == ["--channels=rgb", "--inverted"]
    assert found["agreement"] == 1.0 > found["given_agreement"]
    assert found["sentences"][0].startswith("the device is fed pixels -1..1, RGB, inverted")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "has to have in every line a file name"),
        ("a.png\n", "has to have in every line a file name"),
        ("a.png,1\nb.png,1,2\n", "has to have in every line a file name"),
        ("a.png,0\nc.png,0\n", "names pictures that are not in"),
        ("a.png,0.1,0.2\n", "has 2 outputs a picture, 'net.tflite' has 5"),
        ("a.png,x,0.2,0,0,0\n", "an output that is no number"),
        ("a.png,9\n", "gives the class '9'; give indices from 0 to 4"),
    ],
)
def test_slips_in_a_table_are_told(
    table: str, says: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(draw_tiles(1, 0)[0][0]).save(tmp_path / "a.png")
    (tmp_path / "board.csv").write_text(table)
    usual = ["diagnose", str(folder / "net.tflite"), "--inputs", str(tmp_path)]
    assert cli.run([*usual, "--outputs", str(tmp_path / "board.csv")]) == 2
    assert says in capsys.readouterr().err
    assert cli.run(usual) == 2
    assert "--outputs CSV and --inputs DIR go together" in capsys.readouterr().err
