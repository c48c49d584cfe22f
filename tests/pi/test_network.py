"""A bundle of a network with several inputs and outputs that keeps something: every byte of all outputs is proved."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.pi import BundleSettings, make_bundle
from edgemnist.harness.images import ImageSettings
from edgemnist.pi import generated
from edgemnist.pi.bundle_files import checksums
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.pixels import dequantise
from tests.compiler import test_state
from tests.compiler.test_several_ends import two_heads
from tests.mcu.test_packages_several import SHAPE, stream
from tests.oracles import needs

pytestmark = [
    needs("tflm", "tflite-runtime-reference", "litert-default"),
    pytest.mark.skipif(util.find_spec("ziglang") is None, reason="ziglang is not installed"),
]

COUNT = 20


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle's folder whose C has been compiled on this machine, too; not to be changed."""
    folder = tmp_path_factory.mktemp("network")
    model, out = folder / "stream.tflite", folder / "bundle"
    model.write_bytes(stream())
    make_bundle(BundleSettings(model=model, out=out, images=ImageSettings(count=COUNT)), WorkFolder(folder))
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed")
    subprocess.run([out / "c/build.sh"], check=True, capture_output=True)
    return out


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-W", "error", folder / "run.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def cases(seed: int = 3) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [draw.integers(-128, 128, (4, *SHAPE), dtype=np.int8) for _ in range(2)]


def test_every_engine_gives_every_byte_of_all_outputs(network: Path) -> None:
    done = run(network, "--parity", "--json", "--interpreter", "tflite-runtime")
    report = json.loads(done.stdout)
    assert (done.returncode, report["passed"], report["images"]) == (0, True, COUNT)
    found = [
        (one["kernels"], one["required"], one["values"], one["outputs_different"]) for one in report["comparisons"]
    ]
    assert found == [(name, "exact", COUNT * 60, [0, 0]) for name in ("default", "reference", "generated-c")]

    alone = run(network, "--parity", "--interpreter", "generated-c")
    assert alone.returncode == 0 and "generated-c 0.1.0 (own)" in alone.stdout


@pytest.mark.parametrize("output", [0, 1])
def test_a_wrong_byte_of_either_output_is_told(network: Path, tmp_path: Path, output: int) -> None:
    copy = Path(shutil.copytree(network, tmp_path / "copy"))
    with np.load(copy / "golden.npz") as golden:
        arrays = dict(golden)
    arrays[f"tflite-runtime-reference.{output}"][7, 5] ^= 1
    np.savez(copy / "golden.npz", **arrays)
    files = {name: (copy / name).read_bytes() for name in (copy / "SHA256SUMS").read_text().split()[1::2]}
    (copy / "SHA256SUMS").write_bytes(checksums(files))

    done = run(copy, "--parity", "--interpreter", "tflite-runtime")

    assert done.returncode == 1
    assert f"FAILED: reference kernels: 1 of {COUNT * 60} values differ (1 images, at most 1)" in done.stdout


def test_arrays_become_what_tflm_gives(network: Path, tmp_path: Path, tflm: RuntimeWorker) -> None:
    """Of files for each input and of one for all, in every engine, a stream from the state's first values on."""
    given, wanted = cases(), tflm.invoke(stream(), cases())
    for number, array in enumerate(given):
        np.save(tmp_path / f"{number}.npy", array[:, 0] if number else array)
    np.savez(tmp_path / "all.npz", input_0=given[0], input_1=given[1])
    files = [[tmp_path / "0.npy", tmp_path / "1.npy"], [tmp_path / "all.npz"], [tmp_path / "all.npz"]]
    for paths, engine in zip(files, ("tflite-runtime", "ai-edge-litert", "generated-c"), strict=True):
        out, kernels = tmp_path / f"{engine}.npz", ["--kernels", "reference"] if engine != "generated-c" else []
        done = run(network, *paths, "--interpreter", engine, "--out", out, *kernels, "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        with np.load(out) as outputs:
            for number, expected in enumerate(wanted):
                np.testing.assert_array_equal(outputs[f"output_{number}"], expected)
                np.testing.assert_array_equal(np.array(told[f"output_{number}"]), expected)


def test_numbers_are_taken_and_given_with_real(network: Path, tmp_path: Path, tflm: RuntimeWorker) -> None:
    model, given = parse_tflite(stream()), cases(4)
    entries, results = ([model.tensors[index] for index in some] for some in (model.inputs, model.outputs))
    numbers = [dequantise(one, entry.quantisation) for one, entry in zip(given, entries, strict=True)]
    np.savez(tmp_path / "all.npz", input_0=numbers[0], input_1=numbers[1])
    assert run(network, tmp_path / "all.npz", "--real", "--out", tmp_path / "out.npz").returncode == 0
    with np.load(tmp_path / "out.npz") as outputs:
        for number, (expected, result) in enumerate(zip(tflm.invoke(stream(), given), results, strict=True)):
            np.testing.assert_array_equal(outputs[f"output_{number}"], dequantise(expected, result.quantisation))


def test_python_takes_it_as_the_readme_says(network: Path) -> None:
    readme = (network / "README.md").read_text()
    snippet = "\n".join(re.findall(r"^    ((?:from|network|outputs).*)$", readme, re.MULTILINE))
    arrays = f"import numpy\ninput_0 = input_1 = numpy.zeros({SHAPE}, 'int8')\n"
    shapes = "print([one.shape for one in outputs])"
    done = subprocess.run(
        [sys.executable, "-B", "-c", arrays + snippet + "\n" + shapes], cwd=network, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[(1, 1, 4, 3, 3), (1, 1, 4, 3, 2)]"
    assert "| input_1 | input #1 | int8 | 1 x 4 x 3 x 2 | 0.0299999993 * (q - 7) |" in readme
    assert "labels" not in readme and not (network / "labels.txt").exists()


WRONG = {
    "none": ([], "no arrays given"),
    "no array": (["README.md"], "cannot read"),
    "one of two": (["one.npy"], "1 arrays, but it takes 2: input 0 'input': int8, 1 x 4 x 3 x 2"),
    "another shape": (["one.npy", "flat.npy"], "an array of shape (24,) for input 1"),
    "another type": (["one.npy", "real.npy"], "an array of float64 for input 1 'input #1'"),
    "another number": (["one.npy", "two.npy"], "of 1, 2 inferences"),
    "no number": (["one.npy", "nan.npy", "--real"], "--real takes finite numbers"),
    "an archive of something else": (["else.npz"], "has to hold input_0, input_1"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arrays_are_refused_in_a_line(network: Path, tmp_path: Path, what: str) -> None:
    one = np.zeros(SHAPE, np.int8)
    arrays = {"one": one, "flat": one.ravel(), "real": one.astype(float), "two": np.stack([one, one])}
    for name, array in {**arrays, "nan": one + np.nan}.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "else.npz", x=one)
    names, said = WRONG[what]
    done = run(network, *(tmp_path / name if name.endswith(("npy", "npz", "md")) else name for name in names))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("run.py: ") and said in done.stderr and done.stderr.count("\n") == 1


def test_the_service_is_for_pictures(network: Path) -> None:
    done = subprocess.run([network / "install.sh", "--service"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--service is for classifiers of pictures" in done.stderr


def test_one_output_of_several_can_still_be_a_classifiers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "heads.tflite"
    model.write_bytes(two_heads().content)
    assert cli.run(["deploy", "pi", str(model), "--out", str(tmp_path / "b"), "--dataset", "mnist"]) == 2
    said = capsys.readouterr().err
    assert (
        "has 1 inputs and 3 outputs, and is replayed with noise; name the output with the classes with --output" in said
    )


def test_a_network_that_keeps_something_is_replayed_with_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says what it is about; it has one input and one output."""
    monkeypatch.setattr(generated, "generated_problem", lambda: "no time for that here")
    model, out = tmp_path / "delay.tflite", tmp_path / "bundle"
    model.write_bytes(test_state.NETS["delay"].content)
    make_bundle(BundleSettings(model=model, out=out, images=ImageSettings(count=3)), WorkFolder(tmp_path))
    assert run(out, "--parity", "--interpreter", "tflite-runtime").returncode == 0
