"""``edgemnist explain`` with what a device left: its tensors, or its answers alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist import cli
from edgemnist.runner.client import RuntimeWorker
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import pixel_table
from tests.mismatch.planted import CONV, INPUT, POOL, SOFTMAX, net


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(net().content)
    return path


@pytest.fixture
def tensors(model: Path, tflm: RuntimeWorker) -> dict[int, NDArray[Any]]:
    """Return three inputs and what TFLM makes of them, by tensor."""
    read = read_tflite(model)
    inputs = np.random.default_rng(4).integers(-128, 128, (3, *INPUT)).astype(np.int8)
    return {read.input().index: inputs, **tflm.trace(read.content, [inputs])}


def dumped(path: Path, tensors: dict[int, NDArray[Any]]) -> Path:
    """Write a dump as any firmware could, a line for each tensor, among other output."""
    lines = ["booting", "@dump 1 model=-"]
    for index, values in tensors.items():
        for image, one in enumerate(values):
            lines.append(f"@tensor {image} {index} int8 {one.size} 0 {one.tobytes().hex()}")
    path.write_text("\r\n".join([*lines, "@end", "done"]) + "\r\n")
    return path


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run(["explain", *arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    (source,) = document["sources"]
    return {**source, "inputs": document["inputs"]}


def test_a_sound_device_is_exact(
    model: Path, tensors: dict[int, NDArray[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys, str(model), "--dump", str(dumped(tmp_path / "board.txt", tensors)))
    assert (found["name"], found["exact"], found["inputs"]) == ("board.txt", True, "3 inputs as board.txt has them")


def test_the_operator_that_is_wrong_on_a_device_is_named(
    model: Path, tensors: dict[int, NDArray[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = net().operators[POOL].outputs[0]
    tensors[output] = tensors[output][..., ::-1].copy()
    found = explained(capsys, str(model), "--dump", str(dumped(tmp_path / "board.txt", tensors)))
    assert (found["exact"], found["first"]) == (False, POOL)
    row = next(one for one in found["operators"] if one["index"] == POOL)
    assert (row["rule"]["rule"], row["rule"]["exact"]) == ("order of the axes", True)
    assert "channels in the opposite order" in row["rule"]["detail"]


def test_answers_alone(
    model: Path, tensors: dict[int, NDArray[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
    for number, one in enumerate(pixels):
        Image.fromarray(one).save(tmp_path / f"{number}.png")
    answers = tmp_path / "board.csv"
    answers.write_text("0.png,1,2,3,4\n1.png,5,6,7,8\n")
    pictures = ("--outputs", str(answers), "--inputs", str(tmp_path), "--normalisation", "0..1")
    found = explained(capsys, str(model), *pictures)
    assert [row["index"] for row in found["operators"] if row["accumulated"]["elements"]] == [SOFTMAX]
    assert found["first"] == SOFTMAX
    assert found["cost"]["flips"]["total"] == 2


@pytest.mark.parametrize(
    ("swapped", "sentence"),
    [
        (False, "the input, beside 3 pictures; pixels -2.4..2.7, RGB, padded to 12x12: all 1,296 values are right"),
        (True, "order of the colours (BGR instead of RGB): the device puts"),
    ],
)
def test_what_a_device_received_is_compared_with_the_pictures(
    swapped: bool, sentence: str, model: Path, tflm: RuntimeWorker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read, folder = read_tflite(model), tmp_path / "shown"
    folder.mkdir()
    pixels = np.random.default_rng(6).integers(0, 256, (3, 12, 12, 3)).astype(np.uint8)
    for number, one in enumerate(pixels):
        Image.fromarray(one).save(folder / f"{number}.png")
    table = pixel_table(read.input(), Normalisation(1 / 50, -2.4))
    received = table[pixels[..., ::-1] if swapped else pixels][:, np.newaxis]
    tensors = {read.input().index: received, **tflm.trace(read.content, [received])}
    dump = str(dumped(tmp_path / "board.txt", tensors))
    options = ["explain", str(model), "--dump", dump, "--inputs", str(folder), "--normalisation=-2.4..2.7"]
    assert cli.run([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sentence in found["fed"]["sentence"]
    assert bool(found["fed"]["differing"]) == swapped
    assert found["sources"][0]["exact"]
    assert cli.run(options) == 0
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dump", "none.txt"], "none.txt"),
        (["--inputs", "."], "--inputs DIR goes with --outputs CSV"),
        (["--dump", "DUMP", "--inputs", "none"], "'none' is no folder"),
        (["--dump", "DUMP", "--inputs", "EMPTY"], "has no pictures"),
        (["--dump", "DUMP", "--inputs", "ONE"], "the device has an image 1"),
        (["--dump", "a", "--outputs", "b"], "give one of them"),
        (["--dump", "a", "--random"], "leave --random out"),
    ],
)
def test_bad_input(
    model: Path,
    tensors: dict[int, NDArray[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    named = {name: tmp_path / name for name in ("DUMP", "EMPTY", "ONE")}
    dumped(named["DUMP"], tensors)
    named["EMPTY"].mkdir()
    named["ONE"].mkdir()
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(named["ONE"] / "one.png")
    assert cli.run(["explain", str(model), *(str(named.get(option, option)) for option in options)]) == 2
    assert message in capsys.readouterr().err


def test_a_dump_of_another_model_is_refused(
    model: Path, tensors: dict[int, NDArray[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = dumped(tmp_path / "board.txt", {CONV: tensors[net().operators[CONV].outputs[0]]})
    path.write_text(path.read_text().replace("model=-", "model=0123456789abcdef"))
    assert cli.run(["explain", str(model), "--dump", str(path)]) == 2
    assert "model" in capsys.readouterr().err
