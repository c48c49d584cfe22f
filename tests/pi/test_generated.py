"""The generated C in a bundle: made with Zig, loaded through ctypes, equal to TFLM."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.pi import generated
from edgemnist.pi.bundle.generated import processor
from edgemnist.pi.generated import BOARD_BUILDS, BUILDS
from edgemnist.tflite.file import read_tflite
from tests.oracles import needs
from tests.pi.conftest import Classify

pytestmark = [
    needs("tflm", "tflite-runtime-reference", "litert-default"),
    pytest.mark.skipif(util.find_spec("ziglang") is None, reason="ziglang is not installed"),
]


@pytest.fixture(scope="module")
def own(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the bundle whose C has been compiled on this machine."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed")
    copy = Path(shutil.copytree(bundle, tmp_path_factory.mktemp("own") / "bundle"))
    subprocess.run([copy / "c/build.sh"], check=True, capture_output=True)
    return copy


def test_every_board_has_its_library(bundle: Path) -> None:
    assert {path.stem for path in (bundle / "c/lib").iterdir()} == {build.name for build in BUILDS}
    assert set(BOARD_BUILDS.values()) == {build.name for build in BUILDS}
    expected = json.loads((bundle / "manifest.json").read_text())["expected"]
    (entry,) = [one for one in expected if one["interpreter"] == "generated-c"]
    assert entry["required"] == "exact" and "TFLM" in entry["from"]
    with np.load(bundle / "golden.npz") as golden:
        np.testing.assert_array_equal(golden[entry["array"]], golden["tflite-runtime-reference"])


def test_what_this_machine_compiled_is_exact(own: Path, classify: Classify) -> None:
    done = classify(own, "--parity", "--json", "--interpreter", "generated-c")
    report = json.loads(done.stdout)
    assert (done.returncode, report["passed"], report["version"].split()[1]) == (0, True, "(own)")
    assert [(one["kernels"], one["different"]) for one in report["comparisons"]] == [("generated-c", 0)]

    done = classify(own, "--parity", "--json", "--interpreter", "tflite-runtime", "--images", "20")
    kernels = [one["kernels"] for one in json.loads(done.stdout)["comparisons"]]
    assert (done.returncode, kernels) == (0, ["default", "reference", "generated-c"])


def test_it_classifies_and_is_timed(own: Path, classify: Classify) -> None:
    found = json.loads(classify(own, "--benchmark", "20", "--json", "--interpreter", "generated-c").stdout)
    assert (found["interpreter"], found["kernels"], found["invokes"]) == ("generated-c", "default", 20)


def test_a_processor_without_a_library_says_what_to_do(bundle: Path, classify: Classify) -> None:
    done = classify(bundle, "--check", "--interpreter", "generated-c")
    assert done.returncode == 3
    assert "run c/build.sh" in done.stderr and "Traceback" not in done.stderr


def test_without_zig_the_engine_is_left_out(
    real_models: Path,
    real_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    classify: Classify,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(generated, "generated_problem", lambda: "ziglang is not installed; install it")
    model, out = str(real_models / "compact_int8.tflite"), tmp_path / "bundle"
    assert cli.run(["deploy", "pi", model, "--out", str(out), "--images", "20"]) == 0
    assert "note: no generated-c in the bundle: ziglang is not installed; install it" in capsys.readouterr().err
    assert not (out / "c").exists()
    assert classify(out, "--parity").returncode == 0
    done = classify(out, "--check", "--interpreter", "generated-c")
    assert done.returncode == 3 and "holds no generated C" in done.stderr


def test_a_float_model_has_none(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = str(real_models / "compact_float.tflite"), tmp_path / "bundle"
    assert cli.run(["deploy", "pi", model, "--out", str(out), "--images", "20"]) == 0
    assert "no generated-c in the bundle: the model can't be compiled: operator 0" in capsys.readouterr().err
    assert not (out / "c").exists()


def test_the_same_sources_are_compiled_once(real_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = read_tflite(real_models / "compact_int8.tflite")
    library = generated.library_path(model, "pi5")
    monkeypatch.setattr(generated, "_run", lambda *arguments: pytest.fail("compiled again"))
    assert generated.library_path(model, "pi5") == library


@pytest.mark.parametrize(
    ("machine", "bits", "information", "library"),
    [
        ("aarch64", 64, "Features : fp asimd asimddp\nCPU part : 0xd0b", "cortex-a76"),
        ("aarch64", 64, "Features : fp asimd\nCPU part : 0xd08", "cortex-a72"),
        ("aarch64", 64, "Features : fp asimd\nCPU part : 0xd03", "cortex-a53"),
        ("aarch64", 32, "", "armv7"),
        ("armv7l", 32, "", "armv7"),
        ("armv6l", 32, "", ""),
        ("x86_64", 64, "", ""),
    ],
)
def test_the_processor_decides(machine: str, bits: int, information: str, library: str) -> None:
    assert processor(machine, bits, information) == library
