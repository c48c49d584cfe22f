"""A device behind a pseudo-terminal, the real C and the real pyserial: bad wires and devices that misbehave, too."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mcu.execution import rows_of
from edgemnist.mcu.link import Decoder, DeviceInfo, FirmwareCrashedError, Frame, FrameType, StackState, encode
from edgemnist.mcu.serial_link import ByteStream, DeviceLink, LinkCounts, Patience, check_model
from edgemnist.mcu.serial_port import open_port
from edgemnist.support.errors import InputError, RuntimeCrashedError
from tests.mcu.link_device import MISBEHAVE, MODEL_START, Wired, compile_device, wired

QUICK = Patience(hello=0.3, hello_attempts=4, answer=0.25, attempts=4)
LONG = Patience(hello=5, answer=20)
SHAPE = (7, 4, 1)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The device."""
    return compile_device(tmp_path_factory.mktemp("device"))


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """No test may leave a file descriptor open, whatever went wrong in it."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not files
    yield
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def _images(count: int, seed: int = 1) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (count, *SHAPE), dtype=np.int8)


def _misbehaving(letter: str) -> NDArray[np.int8]:
    """Return two images: an ordinary one and one that makes the device misbehave."""
    images = _images(2)
    order = MISBEHAVE + letter.encode()
    images.reshape(2, -1)[1, : len(order)] = np.frombuffer(order, np.int8)
    return images


def _inverted(image: NDArray[Any]) -> bytes:
    return bytes(byte ^ 0xFF for byte in image.tobytes())


@contextmanager
def _linked(program: Path, *arguments: str, patience: Patience = QUICK) -> Iterator[DeviceLink]:
    size = str(int(np.prod(SHAPE)))
    with wired(program, size, *arguments) as device, DeviceLink(open_port(device.port), patience) as link:
        yield link


def test_everything_in_a_row(program: Path) -> None:
    """Hello, images, stack, stop: with every byte value in the images, nothing lost, nothing repeated."""
    images = _images(50)
    with _linked(program, "steps", patience=LONG) as link:
        info = link.hello()
        assert info == DeviceInfo(28, 28, 1234, 3, 1_000_000, True, MODEL_START, "test bench µ")
        answers = list(link.run(rows_of([images])))
        assert [answer.output for answer in answers] == [_inverted(image) for image in images]
        assert [answer.ticks for answer in answers] == list(range(1, 51))
        assert answers[6].step_ticks == (70, 71, 72)
        assert link.state() == StackState(4096, 50)
        assert link.stop()
        assert link.counts == LinkCounts()
        assert link.stop(), "it is gone"


def test_run_without_hello_and_other_layouts(program: Path) -> None:
    """``run`` greets by itself; no images are no answers; rows that lie apart in memory go over in order."""
    images = _images(4)[::2]
    with _linked(program) as link:
        assert list(link.run(rows_of([images[:0]]))) == []
        assert [answer.output for answer in link.run(rows_of([images]))] == [_inverted(image) for image in images]


def test_more_requests_than_sequences(program: Path) -> None:
    """After 65,535 the sequence starts over at 1: 0 is for what nobody asked for."""
    with _linked(program, patience=LONG) as link:
        link.hello()
        link._sequence = 0xFFFD
        assert [answer.ticks for answer in link.run(rows_of([_images(5)]))] == [1, 2, 3, 4, 5]
        assert link._sequence == 3


def test_inputs_of_the_wrong_size(program: Path) -> None:
    """The message has both sizes, and which input it is; nothing is sent."""
    rows = [bytes(28), bytes(784)]
    with _linked(program) as link, pytest.raises(InputError, match=r"input 1 has 784 bytes, but .* takes 28; give"):
        link.run(rows)


def test_other_model(program: Path) -> None:
    """The first 8 bytes of the hash decide."""
    with _linked(program) as link:
        info = link.hello()
    check_model(info, MODEL_START.hex().upper() + 48 * "0")
    with pytest.raises(InputError, match=r"test bench µ runs another model.*c0dbdcdd00010203.*00000000"):
        check_model(info, 64 * "0")


CRASHES = [
    ("f", FirmwareCrashedError, "crashed while running input 1: HardFault at pc 0x00000100"),
    ("m", FirmwareCrashedError, "division by zero"),
    ("h", RuntimeCrashedError, "no answer from /dev/.* while running input 1: it hangs, or .* longer than the 0.25 s"),
    ("x", RuntimeCrashedError, "/dev/.* is gone"),
    ("r", RuntimeCrashedError, r"restarted while running input 1 .*rst:0x8 watchdog"),
    ("n", RuntimeCrashedError, "no result although asked 4 times while running input 1, but the device still greets"),
    ("o", RuntimeCrashedError, "restarted with another firmware while running input 1"),
    ("g", RuntimeCrashedError, "RESULT frame makes no sense: 4 bytes instead of 32"),
]


@pytest.mark.parametrize(("letter", "error", "message"), CRASHES)
def test_misbehaviour_is_an_error(program: Path, letter: str, error: type[Exception], message: str) -> None:
    """Whatever a broken device does, it is said, and never a result."""
    with _linked(program) as link:
        answers = link.run(rows_of([_misbehaving(letter)]))
        assert next(answers).ticks == 1
        with pytest.raises(error, match=message):
            next(answers)


def test_fault_has_its_registers(program: Path) -> None:
    """Whoever reports it can look up the function that pc is in."""
    with _linked(program) as link, pytest.raises(FirmwareCrashedError) as caught:
        list(link.run(rows_of([_misbehaving("f")])))
    assert (caught.value.fault.pc, caught.value.fault.sp) == (0x100, 0x20000000)


@pytest.mark.parametrize(("letter", "repeats", "damaged"), [("t", 0, 2), ("l", 1, 1), ("s", 0, 0)])
def test_misbehaviour_that_is_made_good(program: Path, letter: str, repeats: int, damaged: int) -> None:
    """Text in between, a request that got lost, an answer after its time: the results are there all the same."""
    images = _misbehaving(letter)
    with _linked(program, patience=Patience(hello=5, answer=0.25)) as link:
        assert [answer.output for answer in link.run(rows_of([images]))] == [_inverted(image) for image in images]
        assert (link.counts.repeats, link.counts.damage.total) == (repeats, damaged)


@pytest.mark.parametrize(("letter", "repeats"), [("z", 0), ("w", 1), ("l", 1)])
def test_tensors_come_with_each_result(program: Path, letter: str, repeats: int) -> None:
    """Also where the wire loses one of them, or the whole request: then it is all asked for again."""
    images = _misbehaving(letter)
    with _linked(program, "tensors", patience=Patience(hello=5, answer=0.25)) as link:
        assert link.hello().tensors
        answers = list(link.run(rows_of([images])))
        assert link.counts.repeats == repeats
    for image, answer in zip(images, answers, strict=True):
        assert answer.output == _inverted(image)
        assert answer.tensors == tuple((image.view(np.uint8) - np.uint8(number)).tobytes() for number in range(3))


def test_hello_in_the_middle_of_anything(program: Path) -> None:
    """The device has half a RUN, its late answers are on the way, text is in the buffer: greeting works."""
    with wired(program, "28") as device:
        with DeviceLink(open_port(device.port), QUICK) as link:
            link.hello()
            link._stream.write(encode(Frame(FrameType.RUN, 1, _images(1).tobytes())) * 3)
            link._stream.write(encode(Frame(FrameType.HELLO, 1)) * 3)
            link._stream.write(encode(Frame(FrameType.RUN, 2, bytes(28)))[:17])
        for _ in range(3):
            with DeviceLink(open_port(device.port), QUICK) as link:
                assert link.hello().input_bytes == 28
                assert [answer.output for answer in link.run(rows_of([_images(2, 7)]))] == [
                    _inverted(image) for image in _images(2, 7)
                ]


def test_other_protocol_version(program: Path, tmp_path: Path) -> None:
    """Firmware of the future refuses us in its own version, or we refuse it: the message says what to do."""
    future = compile_device(tmp_path, version=2)
    with _linked(future) as link, pytest.raises(RuntimeCrashedError, match=r"version 2 .* this edgemnist version 1"):
        link.hello()
    with wired(program, "28") as device, closing(open_port(device.port)) as port:
        port.write(encode(Frame(FrameType.HELLO, 9, version=2)))
        refusal = _read_frames(port, 1)
    assert refusal == [Frame(FrameType.ERROR, 9, b"\x04")]


def _read_frames(port: ByteStream, count: int) -> list[Frame]:
    decoder, frames, deadline = Decoder(), list[Frame](), time.monotonic() + 5
    while len(frames) < count and time.monotonic() < deadline:
        frames += decoder.feed(port.read(0.2))
    return frames


def test_nobody_answers() -> None:
    """A port without a device, and one with a terminal program: the time-out, and what came instead."""
    far, near = os.openpty()
    try:
        with DeviceLink(open_port(os.ttyname(near)), QUICK) as link:
            os.write(far, b"login: ")
            start = time.monotonic()
            with pytest.raises(
                RuntimeCrashedError, match=r"no answer from /dev/.* at 115200 baud.*flashed.*b'login: '"
            ):
                link.hello()
            assert time.monotonic() - start < 10
            assert not link.stop()
    finally:
        os.close(near)
        os.close(far)


def test_board_that_boots_slowly_and_talks(program: Path) -> None:
    """A boot loader prints its lines before the firmware is there; the greeting is repeated until then."""
    far, near = os.openpty()
    try:
        with DeviceLink(open_port(os.ttyname(near)), Patience(hello=0.1, hello_attempts=30)) as link:
            booting = threading.Thread(target=_boot, args=(far, program))
            booting.start()
            try:
                assert link.hello().board == "test bench µ"
                assert link.counts.repeats > 0
                assert link.counts.damage.total > 0
                assert [answer.output for answer in link.run(rows_of([_images(3)]))] == [
                    _inverted(image) for image in _images(3)
                ]
            finally:
                link.stop()
                booting.join()
    finally:
        os.close(near)
        os.close(far)


def _boot(far: int, program: Path) -> None:
    """Swallow and print for a while, then become the device, until STOP."""
    import subprocess

    for line in range(5):
        os.write(far, b"\x00\xffrst:0x1 (POWERON_RESET)\xc0\xdb %d\r\n" % line)
        time.sleep(0.05)
    os.read(far, 16)
    subprocess.run([program, "28"], stdin=far, stdout=far, check=True, timeout=30)


class NoisyWire:
    """A port whose wire drops, flips and adds bytes, both ways."""

    def __init__(self, port: ByteStream, seed: int, rate: float) -> None:
        self._port, self._rng, self._rate = port, random.Random(seed), rate
        self.name, self.seconds_per_byte = port.name, 0.0

    def _spoilt(self, data: bytes) -> bytes:
        spoilt = bytearray()
        for byte in data:
            event = self._rng.random() / self._rate
            if event >= 1:
                spoilt.append(byte)
            elif event < 0.4:
                spoilt.append(byte ^ 1 << self._rng.randrange(8))
            elif event < 0.6:
                spoilt += bytes([byte, self._rng.randrange(256)])
        return bytes(spoilt)

    def read(self, timeout: float) -> bytes:
        """Read and spoil."""
        return self._spoilt(self._port.read(timeout))

    def write(self, data: bytes) -> None:
        """Spoil and write."""
        self._port.write(self._spoilt(data))

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _noisy_link(path: str, seed: int, patience: Patience) -> DeviceLink:
    """Return a link over a wire on which every 300th byte is spoilt."""
    return DeviceLink(NoisyWire(open_port(path), seed, 1 / 300), patience)


@pytest.mark.parametrize("seed", range(2))
def test_results_are_right_over_a_bad_wire(program: Path, seed: int) -> None:
    """Every 300th byte is spoilt, which hits a fifth of the requests; each result still is its image's."""
    images = _images(80, seed)
    patience = Patience(hello=0.06, hello_attempts=50, answer=0.06, attempts=50)
    with wired(program, "28", "steps") as device, _noisy_link(device.port, seed, patience) as link:
        assert [answer.output for answer in link.run(rows_of([images]))] == [_inverted(image) for image in images]
        assert link.state().size == 4096
        assert link.counts.repeats > 5
        assert link.counts.damage.total > 0
        assert link.counts.refused > 0


def test_wire_that_is_too_bad(program: Path) -> None:
    """When no request arrives whole the wire is blamed, not the device."""
    with _linked(program, patience=QUICK) as link:
        link.hello()
        real = link._stream
        link._stream = _Spoiling(real)
        with pytest.raises(
            RuntimeCrashedError, match="arrived damaged 4 times while running input 0; use a lower baud"
        ):
            list(link.run(rows_of([_images(1)])))


class _Spoiling(NoisyWire):
    """Spoils the last byte of each request's CRC."""

    def __init__(self, port: ByteStream) -> None:
        super().__init__(port, 0, 1)

    def read(self, timeout: float) -> bytes:
        """Read as it is."""
        return self._port.read(timeout)

    def write(self, data: bytes) -> None:
        """Spoil what is no escape."""
        self._port.write(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])


class _SpoilsFirst(NoisyWire):
    """Spoils the sequence in the first request."""

    def __init__(self, port: ByteStream) -> None:
        super().__init__(port, 0, 1)
        self._spoils = True

    def read(self, timeout: float) -> bytes:
        """Read as it is."""
        return self._port.read(timeout)

    def write(self, data: bytes) -> None:
        """Spoil the first one."""
        self._port.write(data[:3] + bytes([data[3] ^ 0x10 * self._spoils]) + data[4:])
        self._spoils = False


def test_request_that_arrives_unreadable(program: Path) -> None:
    """The device can't say whose request was damaged; asking it back is quicker than the time-out."""
    start = time.monotonic()
    with _linked(program, patience=LONG) as link:
        link.hello()
        link._stream = _SpoilsFirst(link._stream)
        assert [answer.output for answer in link.run(rows_of([_images(2)]))] == [
            _inverted(image) for image in _images(2)
        ]
        assert (link.counts.repeats, link.counts.refused) == (1, 1)
    assert time.monotonic() - start < LONG.answer


def test_refusal_of_something_else(program: Path) -> None:
    """A refusal that is for junk on the wire does not make an intact request be sent again."""
    with _linked(program, patience=LONG) as link:
        link.hello()
        link._stream.write(b"junk\xc0")
        assert [answer.ticks for answer in link.run(rows_of([_images(3)]))] == [1, 2, 3]
        assert (link.counts.repeats, link.counts.refused) == (0, 1)


def test_wired_device_is_the_one_at_the_port(program: Path) -> None:
    """A device that ends is noticed at once, not after a time-out."""
    with wired(program, "28") as device, DeviceLink(open_port(device.port), Patience(answer=60)) as link:
        _end(device, link)
        start = time.monotonic()
        with pytest.raises(RuntimeCrashedError, match="is gone"):
            link.state()
        assert time.monotonic() - start < 20


def _end(device: Wired, link: DeviceLink) -> None:
    link.hello()
    device.process.kill()
    device.process.wait()
