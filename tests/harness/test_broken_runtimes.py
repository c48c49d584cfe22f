"""Commands that run a model in one runtime end with a sentence where that dies, hangs, or the file can't be trusted."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-default")

ABORTS, HANGS = "import os\nos.abort()\n", "import time\ntime.sleep(600)\n"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((28, 28), 200, np.uint8)).save(path)
    return path


def break_package(package: str, code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package in a worker's way that does not even start."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.parametrize(
    ("package", "code", "arguments", "says"),
    [
        ("tflite_micro", ABORTS, ["predict", "PICTURE", "compact_int8"], "'tflm' was killed by signal 6"),
        ("tflite_micro", ABORTS, ["evaluate", "compact_int8", "--images", "10"], "'tflm' was killed by signal 6"),
        ("tflite_runtime", ABORTS, ["diagnose", "compact_float", "--dataset", "mnist"], "was killed by signal 6"),
        (
            "tflite_runtime",
            HANGS,
            ["evaluate", "compact_float", "--images", "10", "--timeout", "1"],
            "gave no answer within 1 s and was ended; give it fewer images",
        ),
    ],
)
def test_what_dies_or_hangs(
    package: str, code: str, arguments: list[str], says: str, tmp_path: Path, picture: Path, real_data: Path,
    real_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    break_package(package, code, tmp_path, monkeypatch)
    models = {name: str(real_models / f"{name}.tflite") for name in ("compact_int8", "compact_float")}
    start = time.monotonic()
    code_of_exit = cli.run([{**models, "PICTURE": str(picture)}.get(argument, argument) for argument in arguments])
    said = capsys.readouterr().err
    assert code_of_exit == 3
    assert time.monotonic() - start < 100
    last = " ".join(said.split()).rpartition("edgemnist: ")[2]
    assert says in last and "Traceback" not in said


def test_a_file_that_cannot_be_trusted_is_said(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Interpreters run it all the same: an operator that takes numbers times no number."""
    builder = ModelBuilder()
    image = builder.input((1, 28, 28, 1), 1 / 255, -128)
    mean = builder.op("MEAN", [image, builder.constant([2, 3], dtype="int32")], (1, 28), 1 / 255, -128)
    path = tmp_path / "leaky.tflite"
    path.write_bytes(builder.finish([builder.op("LEAKY_RELU", [mean], (1, 28), 0.1, alpha=float("nan"))]))
    assert cli.run(["predict", str(picture), str(path)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "warning: leaky.tflite can't be trusted, whatever is made of it: operator 1 LEAKY_RELU: alpha is nan" in said
