"""End to end at a serial port: the board is QEMU, its UART is behind a pseudo-terminal, the client opens that."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.mcu.boards import boards
from edgemnist.mcu.build import BuildSettings, FirmwareImage
from edgemnist.mcu.emulators.qemu import machine_command
from tests.mcu import firmware

UART = BuildSettings(transport="uart")


@contextmanager
def plugged_in(image: FirmwareImage) -> Iterator[str]:
    """Start an image in QEMU and yield the device file of its serial port."""
    firmware.need(image.board.name, emulator="qemu")
    command = [*machine_command(image.board, image.path), "-serial", "pty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                found = re.search(r"redirected to (\S+)", line)
                if found:
                    yield found[1]
                    return
            raise AssertionError("QEMU named no pseudo-terminal")
        finally:
            process.kill()


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model as a file."""
    path = tmp_path_factory.mktemp("uart") / "small.tflite"
    path.write_bytes(firmware.model().content)
    return path


@pytest.mark.parametrize("board", [board.name for board in boards().values() if board.uart and board.qemu_machine])
def test_a_board_at_a_serial_port(board: str, model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with plugged_in(firmware.image(board, "zig", UART)) as port:
        code = cli.run(["firmware", "run", "--port", port, str(model_file), "--images", "20", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert report["exact"] is True
    assert report["difference"]["elements"]["total"] == 80
    assert report["device"] == f"{board} at {port}"
    assert report["measured_time"]["inferences"] == 20
    assert report["measured_time"]["mean_ms"] > 0
    assert report["instructions"] is None


def test_a_crash_at_a_serial_port(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = firmware.patched(firmware.image("mps2-an385", "zig", UART), "net_run_in", b"\x00\xde", tmp_path)
    with plugged_in(broken) as port:
        code = cli.run(["firmware", "run", "--port", port, str(model_file), "--images", "2"])
    message = capsys.readouterr().err
    assert code == 3
    assert "UsageFault" in message or "HardFault" in message
    assert "undefined instruction" in message


def test_another_model_at_a_serial_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host refuses to compare a board's answers with another model's."""
    from tests.compiler.random_graphs import random_network

    path = tmp_path / "other.tflite"
    path.write_bytes(random_network(1).content)
    with plugged_in(firmware.image("mps2-an385", "zig", UART)) as port:
        code = cli.run(["firmware", "run", "--port", port, str(path), "--images", "1"])
    assert code == 2
    assert "runs another model" in capsys.readouterr().err
