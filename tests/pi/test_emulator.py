"""A Raspberry Pi's system emulated: the bundle's own replay there, and the runtimes of the parity harness."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.pi import BundleSettings, make_bundle
from edgemnist.commands.deploy.prepare import prepare_emulators
from edgemnist.data.loading import load_dataset
from edgemnist.harness.images import ImageSettings
from edgemnist.pi.emulator import find_emulator, qemu_problem
from edgemnist.pi.replay import replay_emulated
from edgemnist.pi.targets import TARGETS
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.runner.run import load_model
from edgemnist.support.errors import InputError, MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.preprocessing import Preprocessing
from tests.mcu.test_packages_several import stream
from tests.oracles import needs

BOARDS = ("bookworm-aarch64", "bookworm-armv7")
_PROBLEM = next((reason for name in BOARDS if (reason := qemu_problem(TARGETS[name]))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_PROBLEM is not None, reason=_PROBLEM or "qemu is installed"),
    needs("tflm", "tflite-runtime-reference", "litert-default"),
]


@pytest.fixture(scope="module", autouse=True)
def systems() -> None:
    """Fetch the systems, unless they are in the cache."""
    prepare_emulators(BOARDS)


@pytest.mark.parametrize("target", BOARDS)
def test_outputs_equal_those_of_this_machine(bundle: Path, target: str) -> None:
    found = replay_emulated(bundle, target)
    assert (found.images, found.passed) == (200, True)
    assert found.bits == TARGETS[target].bits
    assert [(one.kernels, one.required, one.different) for one in found.comparisons] == [
        ("default", "exact", 0),
        ("reference", "exact", 0),
        ("generated-c", "exact", 0),
    ]
    assert not list(bundle.rglob("__pycache__"))


@pytest.mark.parametrize("target", BOARDS)
def test_all_outputs_of_a_network_that_keeps_something_are_equal(target: str, tmp_path: Path) -> None:
    model, out = tmp_path / "stream.tflite", tmp_path / "bundle.tar.gz"
    model.write_bytes(stream())
    make_bundle(BundleSettings(model=model, out=out, images=ImageSettings(count=10)), WorkFolder(tmp_path))
    found = replay_emulated(out, target)
    assert (found.images, found.passed) == (10, True)
    assert [(one.kernels, one.required, one.values, one.different) for one in found.comparisons] == [
        (kernels, "exact", 600, 0) for kernels in ("default", "reference", "generated-c")
    ]


def test_litert_on_a_pi_5(bundle: Path) -> None:
    found = replay_emulated(bundle, "bookworm-aarch64", package="ai-edge-litert", board="pi5")
    assert found.passed
    default, reference, generated = found.comparisons
    assert (reference.required, reference.different) == ("exact", 0)
    assert (generated.required, generated.different) == ("exact", 0)
    assert default.required == "compared"
    assert default.images_different <= 2


@pytest.mark.parametrize(
    ("target", "board", "library"),
    [
        ("bookworm-armv7", "pi2", "armv7"),
        ("bookworm-aarch64", "pi3", "cortex-a53"),
        ("bookworm-aarch64", "pi4", "cortex-a72"),
        ("bookworm-aarch64", "pi5", "cortex-a76"),
    ],
)
def test_the_generated_c_takes_the_processors_library(bundle: Path, target: str, board: str, library: str) -> None:
    emulator = find_emulator(TARGETS[target], board)
    options = ["--parity", "--images", "20", "--json", "--interpreter", "generated-c"]
    command = emulator.command(TARGETS[target].interpreter(), "-B", str(bundle / "classify.py"), *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    report = json.loads(done.stdout)
    assert (done.returncode, report["passed"]) == (0, True)
    assert report["version"].endswith(f"({library})")
    assert [one["different"] for one in report["comparisons"]] == [0]


def test_the_command_replays_a_float_model(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = real_models / "compact_float.tflite", tmp_path / "bundle.tar.gz"
    arguments = ["deploy", "pi", str(model), "--out", str(out), "--images", "20", "--json"]
    assert cli.run([*arguments, "--emulate", "bookworm-aarch64"]) == 0
    (replay,) = json.loads(capsys.readouterr().out)["replays"]
    assert [one["required"] for one in replay["comparisons"]] == ["close", "close"]


def test_it_is_a_runtime_of_the_parity_harness(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "pi-emulated-armv7-reference"
    arguments = ["parity", str(real_models / "compact_int8.tflite"), "--images", "40", "--require-exact", names]
    assert cli.run([*arguments, "--runtime", f"{names},tflm,tflite-runtime-reference", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["gates"]) == 1 and all(gate["passed"] for gate in report["gates"])
    ran = {run["runtime"]: run for run in report["runs"]}
    for name in names.split(","):
        assert ran[name]["version"] == "2.14.0"
        assert ran[name]["kernels"] == "reference, emulated"
        assert ran[name]["logits"]["elements"]["count"] == 0
        assert ran[name]["rss_bytes"] > 20_000_000


@pytest.mark.parametrize("architecture", ["aarch64", "armv7"])
def test_every_operator_of_a_residual_network_is_equal(real_models: Path, architecture: str) -> None:
    model = real_models / "pretrainedResnet_quant.tflite"
    inputs = np.random.default_rng(7).integers(-128, 128, (2, 1, 32, 32, 3)).astype(np.int8)
    traces = []
    for name in (f"pi-emulated-{architecture}-reference", "tflite-runtime-reference"):
        with runtime_worker(name) as worker:
            traces.append(worker.trace(model, [inputs]))
    found, expected = traces
    assert found.keys() == expected.keys() and len(found) > 15
    for index, values in expected.items():
        np.testing.assert_array_equal(found[index], values)


def test_litert_on_a_pi_3_gives_the_same_classes(real_models: Path, real_data: Path) -> None:
    model = load_model(real_models / "compact_int8.tflite")
    images = load_dataset("mnist").test.images[:20]
    outputs = []
    for name in ("litert-default", "pi-emulated-litert-pi3"):
        with runtime_worker(name) as worker:
            inputs = model.inputs(images, Preprocessing((28, 28, 1)))
            (values,) = worker.invoke(model.path, [inputs[:, np.newaxis]])
        outputs.append(values.reshape(20, -1).astype(int))
    for values in outputs[1:]:
        np.testing.assert_array_equal(values.argmax(axis=1), outputs[0].argmax(axis=1))
        assert abs(values - outputs[0]).max() <= 3


def test_a_guest_that_dies_is_a_crash_and_the_next_request_works(real_models: Path) -> None:
    model = real_models / "compact_int8.tflite"
    inputs = [np.zeros((1, 1, 28, 28, 1), dtype=np.int8)]
    with runtime_worker("pi-emulated-aarch64-reference") as worker:
        (expected,) = worker.invoke(model, inputs)
        (guest,) = _children(worker.process.pid)
        os.kill(guest, signal.SIGKILL)
        with pytest.raises(RuntimeCrashedError, match=r"; the details are in \S+\.log;") as crash:
            worker.invoke(model, inputs)
        found = re.search(r"details are in (\S+\.log)", str(crash.value))
        assert found
        log = Path(found[1])
        assert "the emulated process ended with code -9" in log.read_text()
        log.unlink()
        (again,) = worker.invoke(model, inputs)
        np.testing.assert_array_equal(again, expected)
        (guest,) = _children(worker.process.pid)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{guest}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{guest}").exists(), "the guest outlives its worker"


def _children(process: int | None) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_an_input_that_the_model_does_not_take(real_models: Path) -> None:
    inputs = [np.zeros((1, 1, 5, 5, 1), dtype=np.int8)]
    with (
        runtime_worker("pi-emulated-armv7-default") as worker,
        pytest.raises(UnsupportedModelError, match=r"emulated interpreter refuses:\n.*ValueError"),
    ):
        worker.invoke(real_models / "compact_int8.tflite", inputs)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path))
    runtime = find_runtime("pi-emulated-armv7-default")
    assert "edgemnist deploy emulator bookworm-armv7" in str(runtime.available())
    with pytest.raises(MissingDependencyError, match="edgemnist deploy emulator bookworm-aarch64"):
        find_emulator(TARGETS["bookworm-aarch64"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install qemu-user-static" in str(runtime.available())
    with pytest.raises(MissingDependencyError, match="qemu"):
        prepare_emulators(["bookworm-armv7"])
    with pytest.raises(InputError, match="not a Raspberry Pi's system"):
        prepare_emulators(["bookworm-x86_64"])


def test_the_guest_sees_an_arm_processor_and_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    target = TARGETS["bookworm-aarch64"]
    script = "import os, platform; print(platform.machine(), dict(os.environ)); print(open('/proc/cpuinfo').read())"
    command = find_emulator(target, "pi5").command(target.interpreter(), "-c", script)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("aarch64") and "/nowhere" not in said
    assert "0xd0b" in said and "asimddp" in said
    with pytest.raises(InputError, match="hoose one of pi2, pi3, pi4, pi5"):
        find_emulator(target, "pi9")
