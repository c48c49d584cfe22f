"""Firmware that sends what every operator writes: emulated and over a serial line, equal to TFLM everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist import cli
from edgemnist.mcu.build import BuildSettings
from edgemnist.mismatch.dump import DumpSource, read_dump
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.tflite.kinds import operator_outputs
from tests.mcu import firmware
from tests.mcu.test_uart import plugged_in
from tests.oracles import needs

pytestmark = needs("tflm", "cortex-m4")

MODEL = firmware.model()
INPUTS = firmware.inputs(3)[:, np.newaxis]
SENDS = BuildSettings(tensors=True)


@pytest.fixture(scope="module")
def truth(tflm: RuntimeWorker) -> dict[int, NDArray[np.int8]]:
    """Every operator's output for three inputs."""
    return tflm.trace(MODEL.content, [INPUTS])


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model as a file."""
    path = tmp_path_factory.mktemp("tensors") / "small.tflite"
    path.write_bytes(MODEL.content)
    return path


def check(source: DumpSource, tflm: RuntimeWorker) -> None:
    """Every operator's output is TFLM's for what the dump says that went in."""
    inputs = source.inputs(MODEL)
    assert inputs is not None
    assert source.notes == ()
    for index, expected in tflm.trace(MODEL.content, inputs).items():
        np.testing.assert_array_equal(source.tensors[index], expected)


def test_the_emulated_cortex_m4_is_a_runtime_that_shows_its_tensors(truth: dict[int, NDArray[np.int8]]) -> None:
    """By the same request as every other runtime's; and as a plain one it answers the same."""
    with runtime_worker("cortex-m4") as worker:
        found = worker.trace(MODEL.content, [INPUTS])
        outputs = worker.invoke(MODEL.content, [INPUTS])[0]
    assert list(found) == operator_outputs(MODEL)
    for index, expected in truth.items():
        assert found[index].dtype == expected.dtype
        np.testing.assert_array_equal(found[index], expected)
    np.testing.assert_array_equal(outputs, truth[MODEL.outputs[0]])


@pytest.mark.parametrize("board", ["mps3-an547", "riscv32-virt"])
def test_boards_in_qemu(board: str, truth: dict[int, NDArray[np.int8]]) -> None:
    """A core with vectors, and one that is none of Arm's."""
    image = firmware.image(board, "zig", SENDS)
    execution = firmware.run(image, "qemu", INPUTS[:, 0])
    assert len(execution.tensors) == len(INPUTS)
    for number, calls in enumerate(execution.tensors):
        found = image.traced.by_index([INPUTS[number].tobytes()], calls)
        assert {index: found[index] for index in truth} == {one: truth[one][number].tobytes() for one in truth}


def test_a_run_writes_a_dump(
    model_file: Path, tmp_path: Path, tflm: RuntimeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside its report, whose figures are those of the firmware that sends none."""
    arguments = ["firmware", "run", str(model_file), "--dataset", "random", "--images", "12", "--json"]
    assert cli.run([*arguments, "--dump", str(tmp_path / "dump.txt.gz")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dump"] == str(tmp_path / "dump.txt.gz")
    assert (report["exact"], len(report["layers"])) == (True, 5)
    source = read_dump(tmp_path / "dump.txt.gz", MODEL)
    assert source.images == tuple(range(10))
    check(source, tflm)


def test_a_board_at_a_serial_port(
    model_file: Path, tmp_path: Path, tflm: RuntimeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    """QEMU's UART: the firmware that sends them, and another one, of which the user is told what to build."""
    arguments = ["firmware", "run", str(model_file), "--dataset", "random", "--images", "3"]
    for sends, code in ((True, 0), (False, 2)):
        image = firmware.image("mps2-an386", "zig", BuildSettings(transport="uart", tensors=sends))
        out = tmp_path / f"{code}.txt"
        with plugged_in(image) as port:
            assert cli.run([*arguments, "--port", port, "--dump", str(out)]) == code
        assert out.exists() == sends
    assert "edgemnist firmware build --with-dump --transport uart" in " ".join(capsys.readouterr().err.split())
    check(read_dump(tmp_path / "0.txt", MODEL), tflm)


def test_build_has_the_switch(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["firmware", "build", str(model_file), "--json"]
    sizes = []
    for extra in ([], ["--with-dump"]):
        assert cli.run([*arguments, "--out", str(tmp_path / str(len(extra))), *extra]) == 0
        sizes.append(json.loads(capsys.readouterr().out))
    assert len(sizes[0]["layers"]) < len(sizes[1]["layers"])
