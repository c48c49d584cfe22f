"""The device's side, the real C with sanitizers on, against a model of it and against damage of every kind."""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgemnist.compiler.host import HOUSE_FLAGS
from edgemnist.mcu.link import Decoder, ErrorCode, Frame, FrameType, encode
from tests.mcu.link_device import APP, COMPILERS, compile_device

END = b"\xc0"
INPUT_BYTES = 20
LAST = Frame(FrameType.HELLO, 0xFFFF)
ARM_GCC = shutil.which("arm-none-eabi-gcc")
Answer = tuple[int, int, bytes]


@pytest.fixture(scope="module", params=COMPILERS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The device, by each compiler of this machine."""
    return compile_device(tmp_path_factory.mktemp("device"), request.param)


def _unescaped(raw: bytes) -> tuple[bytes, bool]:
    """Return a frame's content as the device takes it, and whether its escapes are right."""
    content, right, escaped = bytearray(), True, False
    for byte in raw:
        if escaped:
            right = right and byte in (0xDC, 0xDD)
            content.append({0xDC: 0xC0, 0xDD: 0xDB}.get(byte, byte))
        elif byte != 0xDB:
            content.append(byte)
        escaped = not escaped and byte == 0xDB
    return bytes(content), right and not escaped


def _answer(raw: bytes) -> Answer:
    """Return the type, sequence and content (of errors and results) that the protocol demands for a piece of wire."""
    content, right = _unescaped(raw)
    sequence = int.from_bytes(content[2:4], "little") if len(content) >= 4 else 0
    length, payload = int.from_bytes(content[4:8], "little"), content[8:-4]

    def error(code: ErrorCode) -> Answer:
        return FrameType.ERROR, sequence, bytes([code])

    if len(content) < 12:
        return error(ErrorCode.LENGTH)
    if not right or zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "little"):
        return error(ErrorCode.CRC)
    if content[0] != 1:
        return error(ErrorCode.VERSION)
    if content[1] not in (1, 2, 3, 4, 6):
        return error(ErrorCode.TYPE)
    if length != len(payload) or length != (INPUT_BYTES if content[1] == FrameType.RUN else 0):
        return error(ErrorCode.LENGTH)
    inverted = bytes(byte ^ 0xFF for byte in payload)
    return content[1] | 0x80, sequence, inverted


def _expected(wire: bytes) -> list[Answer]:
    return [_answer(raw) for raw in wire.split(END)[:-1] if raw]


def _compared(frame: Frame) -> Answer:
    """Of an answer, return what the model knows."""
    if frame.type == FrameType.RESULT:
        return frame.type, frame.sequence, frame.payload[4:]
    return frame.type, frame.sequence, frame.payload if frame.type == FrameType.ERROR else b""


class Piped:
    """A device at the end of two pipes."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen([program, str(INPUT_BYTES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answers(self, wire: bytes) -> list[Answer]:
        """Send bytes and a last HELLO; return all answers before the HELLO's."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(wire + encode(LAST))
        self.process.stdin.flush()
        decoder, frames = Decoder(), list[Frame]()
        while not frames or (frames[-1].type, frames[-1].sequence) != (FrameType.INFO, LAST.sequence):
            assert select.select([self.process.stdout], [], [], 10)[0], "no answer to a good frame"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "the device ended"
            frames += decoder.feed(data)
        assert decoder.damage.total == 0
        return [_compared(frame) for frame in frames[:-1]]

    def end(self) -> int:
        """Close the pipes and return the exit status."""
        with self.process:
            pass
        return self.process.returncode


@pytest.fixture(scope="module")
def device(program: Path) -> Iterator[Piped]:
    """A device for all examples; no sanitizer may stop it."""
    piped = Piped(program)
    yield piped
    assert piped.end() == 0


def _rebuilt(frame: Frame, length: int) -> bytes:
    """Return a frame with another length in its header and the right CRC."""
    header = bytes([frame.version, frame.type]) + frame.sequence.to_bytes(2, "little") + length.to_bytes(4, "little")
    content = header + frame.payload
    content += zlib.crc32(content).to_bytes(4, "little")
    return END + content.replace(b"\xdb", b"\xdb\xdd").replace(END, b"\xdb\xdc") + END


BYTES = st.one_of(st.integers(0, 255), st.sampled_from(b"\xc0\xdb\xdc\xdd\x00\x01\x02"))
JUNK = st.lists(BYTES, max_size=80).map(bytes)
SEQUENCES = st.integers(0, 0xFFFE)
# STOP would end the device; the type is right in half of the frames, and so is the size of a RUN.
TYPES = st.one_of(st.sampled_from([1, 2, 2, 3, 6]), st.integers(0, 255)).filter(lambda kind: kind != FrameType.STOP)
PAYLOADS = st.one_of(st.lists(BYTES, min_size=INPUT_BYTES, max_size=INPUT_BYTES).map(bytes), JUNK, st.just(b""))
FRAMES = st.builds(Frame, TYPES, SEQUENCES, PAYLOADS, st.sampled_from([1, 1, 1, 1, 0, 2, 255]))
WHOLE = FRAMES.map(encode)
CUT = st.tuples(WHOLE, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])
DROPPED = st.tuples(WHOLE, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]] + pair[0][pair[1] + 1 :])
FLIPPED = st.tuples(WHOLE, st.integers(0, 500)).map(lambda pair: _flipped(*pair))
ESCAPED = st.tuples(WHOLE, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]] + b"\xdb" + pair[0][pair[1] :])
LIED = st.tuples(FRAMES, st.integers(0, 2**32 - 1)).map(lambda pair: _rebuilt(*pair))
WIRES = st.lists(st.one_of(WHOLE, WHOLE, JUNK, CUT, DROPPED, FLIPPED, ESCAPED, LIED), max_size=8).map(b"".join)


def _flipped(wire: bytes, bit: int) -> bytes:
    changed = bytearray(wire)
    changed[bit // 8 % len(wire)] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wire=WIRES)
def test_every_frame_is_answered_as_the_model_does(device: Piped, wire: bytes) -> None:
    """Each good, damaged or foreign frame has exactly its answer, in order, and the good one after them is answered."""
    assert device.answers(wire) == _expected(wire + END)


def test_thousands_of_damaged_frames(program: Path) -> None:
    """The device reads a long stream of damaged and good frames to its end; it never writes beyond its input."""
    rng = random.Random(20240229)
    pieces = []
    for sequence in range(4000):
        payload = rng.randbytes(rng.choice([INPUT_BYTES, INPUT_BYTES, INPUT_BYTES + 1, INPUT_BYTES + 5000, 0]))
        piece = encode(Frame(FrameType.RUN, sequence, payload))
        damage = rng.randrange(5)
        at = rng.randrange(len(piece))
        if damage == 1:
            piece = _flipped(piece, rng.randrange(8 * len(piece)))
        elif damage == 2:
            piece = piece[:at]
        elif damage == 3:
            piece = piece[:at] + rng.randbytes(3) + piece[at:]
        pieces.append(piece)
    wire = b"".join(pieces) + END
    run = subprocess.run([program, str(INPUT_BYTES)], input=wire, capture_output=True, check=True, timeout=60)
    assert run.stderr == b""
    decoder = Decoder()
    assert [_compared(frame) for frame in decoder.feed(run.stdout)] == _expected(wire)
    assert decoder.damage.total == 0


def test_stop_ends_the_device(program: Path) -> None:
    """STOP is confirmed; what comes after it is not looked at."""
    wire = encode(Frame(FrameType.STOP, 5)) + encode(Frame(FrameType.HELLO, 6))
    run = subprocess.run([program, "1"], input=wire, capture_output=True, check=True, timeout=10)
    assert run.stdout == encode(Frame(FrameType.STOPPED, 5))


def test_escape_that_should_not_be(program: Path) -> None:
    """A byte that needs no escape makes a frame with one invalid, although its content and CRC are right."""
    wire = encode(Frame(FrameType.STATE, 0x0605))
    wire = wire.replace(b"\x05", b"\xdb\x05", 1)
    run = subprocess.run([program, "1"], input=wire, capture_output=True, check=True, timeout=10)
    assert run.stdout == encode(Frame(FrameType.ERROR, 0x0605, bytes([ErrorCode.CRC])))


@pytest.mark.parametrize("wire", [b"", END, b"\xdb", encode(LAST)[:-1], b"\x01\x02\x03"])
def test_end_of_input_in_the_middle(program: Path, wire: bytes) -> None:
    """A file of requests may end anywhere; half a frame gets no answer."""
    run = subprocess.run([program, "1"], input=wire, capture_output=True, check=True, timeout=10)
    assert (run.stdout, run.stderr) == (b"", b"")


@pytest.mark.skipif(ARM_GCC is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_small_on_a_microcontroller(tmp_path: Path, core: str) -> None:
    """The link is under 704 bytes of flash with its table, 4 of RAM, and calls nothing but the board."""
    flags = [*HOUSE_FLAGS, f"-mcpu={core}", "-mthumb", "-Os", "-ffreestanding", "-c", "-o", str(tmp_path / "link.o")]
    subprocess.run([str(ARM_GCC), *flags, str(APP / "link.c")], check=True)
    size = subprocess.run(["arm-none-eabi-size", tmp_path / "link.o"], capture_output=True, text=True, check=True)
    text, data, bss = (int(number) for number in size.stdout.splitlines()[1].split()[:3])
    symbols = subprocess.run(
        ["arm-none-eabi-nm", "-u", tmp_path / "link.o"], capture_output=True, text=True, check=True
    )
    assert text < 704
    assert (data, bss) == (0, 4)
    assert set(symbols.stdout.split()) == {"U", "board_read", "board_write", "board_flush"}
