"""Firmware of models with several inputs and outputs, and of such that keep something: on emulated cores, as TFLM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.emulators.base import emulators
from edgemnist.mcu.execution import RunningDevice, rows_of, run_emulated, values_of
from edgemnist.mcu.link import Decoder, Frame, FrameType, encode
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.support.errors import RuntimeCrashedError
from edgemnist.tflite.file import parse_tflite
from tests.compiler import test_several_ends, test_state
from tests.compiler.bench import Subject
from tests.mcu import firmware

NETS: dict[str, Callable[[], Subject]] = {
    "two heads": test_several_ends.two_heads,
    "concatenated inputs": test_several_ends.inputs_joined,
    "running sum": test_state.running_sum,
    "two windows": test_state.two_windows,
}
WAYS = [("mps2-an386", "unicorn"), ("microbit", "qemu"), ("riscv32-virt", "qemu")]


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(("board", "emulator"), WAYS)
def test_a_stream_of_inputs_gives_the_oracles_outputs(
    net: str, board: str, emulator: str, tmp_path: Path, tflm: RuntimeWorker
) -> None:
    firmware.need(board, "zig", emulator)
    subject = NETS[net]()
    cases = [subject.images, *subject.more]
    image = build_firmware(parse_tflite(subject.content), find_board(board), BuildSettings(toolchain="zig"), tmp_path)
    execution = run_emulated(image, emulators()[emulator], [one[:, 0] for one in cases])
    for found, wanted in zip(execution.outputs, tflm.invoke(subject.content, cases), strict=True):
        np.testing.assert_array_equal(found, wanted.reshape(found.shape))


def test_a_reset_begins_anew(tmp_path: Path, tflm: RuntimeWorker) -> None:
    from edgemnist.mcu.emulators.unicorn import UnicornDevice

    subject, board = test_state.running_sum(), find_board("mps2-an386")
    model = parse_tflite(subject.content)
    image = build_firmware(model, board, BuildSettings(toolchain="zig"), tmp_path)
    ask = UnicornDevice(image.elf, board).ask
    device, rows = RunningDevice(ask), rows_of([subject.images[:, 0]])
    first = [device.run(row).output for row in rows]
    gone_on = [device.run(row).output for row in rows]
    (answer,) = Decoder().feed(ask(encode(Frame(FrameType.RESET, 7))))
    assert (answer.type, answer.sequence, answer.payload) == (FrameType.RESET_ANSWER, 7, b"")
    assert [device.run(row).output for row in rows] == first != gone_on
    wanted = tflm.invoke(subject.content, [subject.images])[0]
    assert b"".join(first) == wanted.tobytes()


@pytest.mark.parametrize("net", ["two heads", "two windows"])
def test_the_emulated_core_is_a_runtime_for_them(net: str, tflm: RuntimeWorker) -> None:
    subject = NETS[net]()
    cases = [subject.images, *subject.more]
    with runtime_worker("cortex-m4") as worker:
        found, traced = worker.invoke(subject.content, cases), worker.trace(subject.content, cases)
    for one, wanted in zip(found, tflm.invoke(subject.content, cases), strict=True):
        np.testing.assert_array_equal(one, wanted)
    for index, values in traced.items():
        np.testing.assert_array_equal(values, tflm.trace(subject.content, cases)[index])


def test_the_command_runs_them_and_says_why_the_inputs_are_random(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "heads.tflite"
    path.write_bytes(test_several_ends.two_heads().content)
    assert cli.run(["firmware", "run", str(path), "--images", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exact"]
    assert "3 random inputs (seed 0), because the model has 1 inputs and 3 outputs" in told["images"]


def test_bytes_of_another_number_are_refused() -> None:
    model = parse_tflite(test_several_ends.two_heads().content)
    with pytest.raises(RuntimeCrashedError, match="has 3 bytes"):
        values_of(bytes(3), [model.tensors[index] for index in model.outputs])
