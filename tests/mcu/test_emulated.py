"""Firmware on emulated cores: exact everywhere, counted alike by both emulators, and never silent when it breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.reference import run_reference
from edgemnist.mcu.boards import Board, boards
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.emulators.base import emulators, emulators_of
from edgemnist.mcu.emulators.qemu import INSTRUCTIONS_PER_SECOND
from edgemnist.mcu.execution import run_emulated
from edgemnist.support.errors import RuntimeCrashedError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.test_operators_elements import float_model
from tests.mcu import firmware

BOTH = sorted(name for name, board in boards().items() if len(emulators_of(board)) == 2)
ENDLESS_LOOP = b"\xfe\xe7"
UNDEFINED = b"\x00\xde"
READ_NOWHERE = b"\x40\xf2\x00\x00\xcd\xf6\xad\x60\x00\x68"  # movw r0, #0; movt r0, #0xdead; ldr r0, [r0]
RETURN = b"\x70\x47"


def _name(way: object) -> str:
    return getattr(way, "name", str(way))


@pytest.mark.parametrize(("board", "toolchain", "emulator"), firmware.WAYS, ids=_name)
def test_every_way_gives_the_same_bytes(board: object, toolchain: str, emulator: str) -> None:
    """Boards, toolchains and emulators: all of them here, none skipped."""
    images = firmware.inputs(5)
    image = firmware.image(_name(board), toolchain)
    execution = firmware.run(image, emulator, images)
    np.testing.assert_array_equal(execution.outputs[0], firmware.expected(images))
    assert execution.info.board == image.board.name
    assert 0 < execution.stack.used < execution.stack.size == image.sizes.stack


@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
@pytest.mark.parametrize("board", BOTH)
def test_the_emulators_agree_on_the_count(board: str, toolchain: str) -> None:
    """To within the resolution of QEMU's timer: the read of the timer, then one tick at each end."""
    images, image = firmware.inputs(4), firmware.image(board, toolchain)
    exact = firmware.run(image, "unicorn", images, profiled=4)
    timed = firmware.run(image, "qemu", images)
    per_tick = INSTRUCTIONS_PER_SECOND / timed.info.ticks_per_second
    for profile, ticks in zip(exact.profiles, timed.ticks, strict=True):
        assert abs(ticks * per_tick - profile.whole.instructions()) <= 2 * per_tick


FLOATS = float_model(0.05, 3)
OF_FLOATS = [
    way
    for way in firmware.WAYS
    if way[0].core.name in ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
]


@pytest.mark.parametrize(("board", "toolchain", "emulator"), OF_FLOATS, ids=_name)
def test_floating_point_units_are_used(board: Board, toolchain: str, emulator: str, tmp_path: Path) -> None:
    """QUANTIZE divides, which in software takes some hundred instructions for an element."""
    firmware.need(board.name, toolchain, emulator)
    content = parse_tflite(FLOATS)
    image = build_firmware(content, board, BuildSettings(toolchain=toolchain), tmp_path)
    values = np.random.default_rng(0).normal(0, 3, (2, 1, 3, 100)).astype(np.float32)
    execution = run_emulated(image, emulators()[emulator], [values])
    graph = read_graph(content)
    wanted = [run_reference(graph, value, LoweringSettings())[graph.output] for value in values]
    np.testing.assert_array_equal(execution.outputs[0].reshape(2, -1), np.stack(wanted).reshape(2, -1))
    in_software = {"__aeabi_fdiv", "__divsf3"} & set(image.elf.symbols)
    assert bool(in_software) == (board.core.name == "cortex-m3")


def test_layers_and_whole_add_up() -> None:
    image = firmware.image("mps2-an386")
    profile = firmware.run(image, "unicorn", firmware.inputs(1), profiled=1).profiles[0]
    layers = [layer.instructions() for layer in profile.layers]
    assert len(layers) == len(image.layers)
    assert min(layers) > 0
    assert sum(layers) + profile.outside.instructions() == profile.whole.instructions()


@pytest.mark.parametrize(
    ("board", "emulator"), [("mps2-an386", "unicorn"), ("microbit", "qemu"), ("mps3-an547", "qemu")]
)
def test_step_ticks_add_up(board: str, emulator: str) -> None:
    """An image that measures its layers: their ticks are the whole inference's, up to the calls between them."""
    image = firmware.image(board, "zig", BuildSettings(step_ticks=True))
    run = firmware.run(image, emulator, firmware.inputs(1))
    assert len(run.step_ticks[0]) == len(image.layers)
    assert abs(sum(run.step_ticks[0]) - run.ticks[0]) <= len(image.layers)


@pytest.mark.parametrize("emulator", ["unicorn", "qemu"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (UNDEFINED, r"(faulted|crashed).*net_run_in"),
        (READ_NOWHERE, r"(faulted|crashed).*net_run_in.*0x?dead|bus"),
    ],
    ids=["undefined", "stray-read"],
)
def test_a_crash_is_told(tmp_path: Path, emulator: str, code: bytes, message: str) -> None:
    broken = firmware.patched(firmware.image("mps2-an385"), "net_run_in", code, tmp_path)
    with pytest.raises(RuntimeCrashedError, match=message):
        firmware.run(broken, emulator, firmware.inputs(1))


@pytest.mark.parametrize("emulator", ["unicorn", "qemu"])
def test_a_hang_is_ended(tmp_path: Path, emulator: str) -> None:
    broken = firmware.patched(firmware.image("mps2-an385"), "net_run_in", ENDLESS_LOOP, tmp_path)
    with pytest.raises(RuntimeCrashedError, match="did not end within 2 s"):
        firmware.run(broken, emulator, firmware.inputs(1), timeout=2)


@pytest.mark.parametrize("board", [*BOTH, "mps3-an547", "riscv32-virt", "raspberry-pi-pico-2"])
def test_a_stack_overflow_is_told(board: str) -> None:
    """On every core, in every emulator that knows it: the stack ends where memory ends."""
    image = firmware.image(board, "zig", BuildSettings(stack_bytes=64))
    for emulator in emulators_of(image.board):
        with pytest.raises(RuntimeCrashedError, match="overflow"):
            firmware.run(image, emulator, firmware.inputs(1))


@pytest.mark.parametrize("emulator", ["unicorn", "qemu"])
def test_wrong_answers_are_not_taken(tmp_path: Path, emulator: str) -> None:
    """A network that does nothing answers its input's bytes; a link that sends no end answers nothing."""
    images = firmware.inputs(2)
    idle = firmware.patched(firmware.image("mps2-an385"), "net_run_in", RETURN, tmp_path)
    assert not np.array_equal(firmware.run(idle, emulator, images).outputs[0], firmware.expected(images))
    mute = firmware.patched(firmware.image("mps2-an385"), "link_end", RETURN, tmp_path)
    with pytest.raises(RuntimeCrashedError, match=r"answered 0 of 2|damaged"):
        firmware.run(mute, emulator, images)


def test_an_image_for_the_unknown_machine_is_refused() -> None:
    image = firmware.image("mps2-an386")
    with pytest.raises(RuntimeCrashedError, match="QEMU ended with code 1"):
        firmware.run(
            replace(image, board=replace(image.board, qemu_machine="no-such-board")), "qemu", firmware.inputs(1)
        )
