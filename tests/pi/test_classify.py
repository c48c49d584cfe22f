"""The bundle's classify.py as a person runs it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.pi.bundle_files import checksums
from tests.oracles import needs
from tests.pi.conftest import Classify

pytestmark = needs("tflite-runtime-reference", "litert-default")


@pytest.fixture(scope="module")
def drawings(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with golden images as files: as they are, and large with dark ink on bright ground."""
    folder = tmp_path_factory.mktemp("drawings")
    with np.load(bundle / "golden.npz") as golden:
        images = golden["images"][:4, ..., 0]
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
        large = Image.fromarray(255 - image).resize((300, 300)).convert("RGB")
        canvas = Image.new("RGB", (500, 400), "white")
        canvas.paste(large, (20, 60))
        canvas.save(folder / f"{index}_large.jpg", quality=90)
    return folder


def test_it_says_what_edgemnist_predict_says(
    bundle: Path, drawings: Path, real_models: Path, classify: Classify, capsys: pytest.CaptureFixture[str]
) -> None:
    done = classify(bundle, "--json", "--kernels", "reference", str(drawings))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]

    files = [str(path) for path in sorted(drawings.iterdir())]
    assert cli.run(["predict", *files, str(real_models / "compact_int8.tflite"), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["predictions"]
    assert [one["file"] for one in found] == [one["file"] for one in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine["label"] == theirs["label"]
        assert [one["probability"] for one in mine["top"]] == pytest.approx(
            [one["probability"] for one in theirs["top"]], abs=1e-6
        )


def test_stdin_and_bad_files(bundle: Path, drawings: Path, tmp_path: Path, classify: Classify) -> None:
    done = classify(bundle, "-", content=(drawings / "0.png").read_bytes())
    assert done.returncode == 0
    assert " %" in done.stdout and " us)" in done.stdout

    (tmp_path / "notes.txt").write_text("no image")
    done = classify(bundle, str(tmp_path / "notes.txt"), str(tmp_path / "gone.png"), str(drawings / "1.png"))
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    assert "notes.txt" in done.stderr and "gone.png" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no pictures given"),
        (["--benchmark", "0"], "--benchmark is 0"),
        (["--interpreter", "torch", "--check"], "torch"),
    ],
)
def test_wrong_use(bundle: Path, classify: Classify, arguments: list[str], message: str) -> None:
    done = classify(bundle, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr


def test_benchmark(bundle: Path, classify: Classify) -> None:
    found = json.loads(classify(bundle, "--benchmark", "20", "--json").stdout)
    assert found["invokes"] == 20
    assert 0 < found["median_us"] <= found["p95_us"]


@pytest.mark.parametrize("interpreter", ["tflite-runtime", "ai-edge-litert"])
def test_the_replay_here_is_exact(bundle: Path, classify: Classify, interpreter: str) -> None:
    done = classify(bundle, "--parity", "--json", "--interpreter", interpreter)
    report = json.loads(done.stdout)
    assert (done.returncode, report["passed"], report["images"]) == (0, True, 200)
    assert [one["different"] for one in report["comparisons"]] == [0, 0]


def test_the_replay_notices_one_other_byte(bundle: Path, tmp_path: Path, classify: Classify) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    with np.load(copy / "golden.npz") as golden:
        arrays = {name: golden[name][:50] for name in golden.files}
    arrays["tflite-runtime-reference"][7, 3] += 1
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (copy / "golden.npz").write_bytes(buffer.getvalue())
    files = {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    del files["SHA256SUMS"]
    (copy / "SHA256SUMS").write_bytes(checksums(files))

    done = classify(copy, "--parity", "--interpreter", "tflite-runtime")
    assert done.returncode == 1
    assert "FAILED: reference kernels" in done.stdout
    assert "1 of 500 values differ (1 images, at most 1)" in done.stdout


def test_without_its_packages_it_says_what_to_install(bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-E", "-S", str(bundle / "classify.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "install.sh" in done.stderr and "Traceback" not in done.stderr
