"""Frames to bytes and back, damage, and what answers mean."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.mcu.faults import Fault
from edgemnist.mcu.link import (
    Damage,
    Decoder,
    DeviceError,
    DeviceInfo,
    ErrorCode,
    Frame,
    FrameType,
    MissingTensorError,
    RunAnswer,
    StackState,
    encode,
    parse_error,
    parse_fault,
    parse_info,
    parse_result,
    parse_state,
    parse_tensor,
)
from edgemnist.support.errors import InputError, RuntimeCrashedError

pytestmark = pytest.mark.unit

END = b"\xc0"
INFO = DeviceInfo(784, 10, 4096, 3, 25_000_000, True, bytes(range(8)), "µboard")
# Bytes that SLIP cares about are made as likely as all the others together.
WIRE_BYTES = st.lists(st.one_of(st.integers(0, 255), st.sampled_from(b"\xc0\xdb\xdc\xdd\x00\x01\x02"))).map(bytes)
FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 0xFFFF), WIRE_BYTES, st.integers(0, 255))


def test_bytes_on_the_wire() -> None:
    """The layout is the protocol's, written out by hand; the CRC is zlib's."""
    content = bytes([1, 0x02, 0xDB, 0xC0, 3, 0, 0, 0]) + b"\xc0\x07\xdb"
    crc = zlib.crc32(content).to_bytes(4, "little")
    escaped = b"\x01\x02\xdb\xdd\xdb\xdc\x03\x00\x00\x00" + b"\xdb\xdc\x07\xdb\xdd"
    assert not set(crc) & {0xC0, 0xDB}
    assert encode(Frame(FrameType.RUN, 0xC0DB, b"\xc0\x07\xdb")) == END + escaped + crc + END


def test_encode_with_crc_that_needs_escapes() -> None:
    """Somewhere in these CRCs both special bytes come up."""
    wire = b"".join(encode(Frame(FrameType.HELLO, sequence)) for sequence in range(2000))
    assert wire.count(END) == 4000
    assert [frame.sequence for frame in Decoder().feed(wire)] == list(range(2000))
    assert b"\xdb\xdc\xc0" in wire
    assert b"\xdb\xdd\xc0" in wire


@settings(deadline=None)
@given(frames=st.lists(FRAMES, max_size=5), cuts=st.lists(st.integers(0, 300), max_size=10))
def test_round_trip_in_any_pieces(frames: list[Frame], cuts: list[int]) -> None:
    """Frames come out as they went in, however the stream is cut."""
    wire = b"".join(encode(frame) for frame in frames)
    decoder, found, start = Decoder(), list[Frame](), 0
    for cut in sorted(cuts):
        found += decoder.feed(wire[start:cut])
        start = max(start, cut)
    found += decoder.feed(wire[start:])
    assert found == frames
    assert decoder.damage == Damage()
    assert decoder.unfinished == 0


@settings(deadline=None)
@given(junk=WIRE_BYTES, frame=FRAMES)
def test_frame_after_junk(junk: bytes, frame: Frame) -> None:
    """Whatever went before, the next frame is found."""
    assert Decoder().feed(junk + encode(frame))[-1:] == [frame]


@settings(deadline=None)
@given(frame=FRAMES, data=st.data())
def test_damaged_frame_is_never_returned(frame: Frame, data: st.DataObject) -> None:
    """One to three flipped bits, or a cut, are always noticed."""
    wire = bytearray(encode(frame))
    flips = data.draw(st.lists(st.integers(8, len(wire) * 8 - 9), min_size=1, max_size=3, unique=True))
    for flip in flips:
        wire[flip // 8] ^= 1 << flip % 8
    assert frame not in Decoder().feed(bytes(wire) + END)
    cut = data.draw(st.integers(1, len(encode(frame)) - 2))
    decoder = Decoder()
    assert decoder.feed(encode(frame)[:cut] + END) == []
    assert decoder.damage.total == (cut > 1)


@pytest.mark.parametrize(
    ("wire", "damage"),
    [
        (b"boot v1\r\n", Damage()),
        (b"boot v1\r\n" + END, Damage(length=1)),
        (b"a longer line of text\r\n" + END + END, Damage(crc=1)),
        (END + b"\xdb" + END, Damage(escape=1)),
        (END + b"\xdb\xdb\xdc" + END, Damage(escape=1)),
        (b"x" * 65 + END, Damage(oversize=1)),
        (b"x" * 1000 + END + b"y" * 13 + END, Damage(oversize=1, crc=1)),
    ],
)
def test_damage_is_counted(wire: bytes, damage: Damage) -> None:
    """Each piece between ENDs that is no frame counts once, byte by byte as in one go."""
    for pieces in ([wire], [bytes([byte]) for byte in wire]):
        decoder = Decoder(limit=64)
        for piece in pieces:
            assert decoder.feed(piece) == []
        assert decoder.damage == damage
        assert decoder.noise
        assert decoder.feed(encode(Frame(FrameType.STOP, 7))) == [Frame(FrameType.STOP, 7)]


def test_wrong_length_field_with_right_crc() -> None:
    """A sender's own mistake is damage, too."""
    header = struct.pack("<BBHI", 1, 1, 1, 5)
    decoder = Decoder()
    assert decoder.feed(END + header + zlib.crc32(header).to_bytes(4, "little") + END) == []
    assert decoder.damage == Damage(length=1)


def test_noise_is_bounded() -> None:
    """A talkative device costs no memory, and its last words are kept."""
    decoder = Decoder(limit=1000)
    for number in range(500):
        decoder.feed(f"line {number}\r\n".encode())
    assert decoder.unfinished <= 1000
    assert decoder.noise.endswith(b"line 499\r\n")
    assert len(decoder.noise) == 200


@pytest.mark.parametrize("frame", [Frame(256, 0), Frame(1, 65536), Frame(1, -1), Frame(1, 1, b"", 256)])
def test_frames_that_can_not_be(frame: Frame) -> None:
    """A number out of its range is refused."""
    with pytest.raises(InputError, match=r"0\.\.65535"):
        encode(frame)


def test_payload_too_large() -> None:
    """No receiver would take it."""
    with pytest.raises(InputError, match="too large"):
        encode(Frame(FrameType.RUN, 1, bytes(1 << 24)))


def _info(frame_bytes: bytes) -> Frame:
    return Frame(FrameType.INFO, 1, frame_bytes)


GOOD_INFO = struct.pack("<6I", 784, 10, 4096, 3, 25_000_000, 1) + bytes(range(8)) + "µboard".encode()


def test_parse_answers() -> None:
    """Every answer's content, byte by byte."""
    assert parse_info(_info(GOOD_INFO)) == INFO
    output = bytes(range(10))
    result = Frame(FrameType.RESULT, 1, struct.pack("<I", 7) + output + struct.pack("<3I", 1, 2, 0xFFFFFFFF))
    assert parse_result(result, INFO) == RunAnswer(7, output, (1, 2, 0xFFFFFFFF))
    assert parse_state(Frame(FrameType.STATE_ANSWER, 1, struct.pack("<2I", 2048, 2048))) == StackState(2048, 2048)
    assert parse_error(Frame(FrameType.ERROR, 9, b"\x02")) == DeviceError(ErrorCode.LENGTH, 9)
    fault = parse_fault(Frame(FrameType.FAULT, 0, struct.pack("<9I", *range(9))))
    assert fault == Fault(kind=0, pc=1, lr=2, sp=3, xpsr=4, cfsr=5, hfsr=6, mmfar=7, bfar=8)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (GOOD_INFO[:31], "31 bytes"),
        (bytes(4) + GOOD_INFO[4:], "input of 0 bytes"),
        (b"\xff" * 4 + GOOD_INFO[4:], "input of 4,294,967,295 bytes"),
        (GOOD_INFO + b"\xff", "not UTF-8"),
    ],
)
def test_info_that_makes_no_sense(payload: bytes, words: str) -> None:
    """It is refused, not believed."""
    with pytest.raises(RuntimeCrashedError, match=words):
        parse_info(_info(payload))


def test_other_answers_that_make_no_sense() -> None:
    """Wrong lengths, impossible values, another type, another version."""
    with pytest.raises(RuntimeCrashedError, match="25 bytes instead of 26"):
        parse_result(Frame(FrameType.RESULT, 1, bytes(25)), INFO)
    with pytest.raises(RuntimeCrashedError, match="5 bytes used of a stack of 4"):
        parse_state(Frame(FrameType.STATE_ANSWER, 1, struct.pack("<2I", 4, 5)))
    with pytest.raises(RuntimeCrashedError, match="unknown error code 9"):
        parse_error(Frame(FrameType.ERROR, 1, b"\x09"))
    with pytest.raises(RuntimeCrashedError, match="35 bytes instead of 36"):
        parse_fault(Frame(FrameType.FAULT, 1, bytes(35)))
    with pytest.raises(RuntimeCrashedError, match="type 0x83 where RESULT"):
        parse_result(Frame(FrameType.STATE_ANSWER, 1, bytes(26)), INFO)
    with pytest.raises(RuntimeCrashedError, match="version 2 of the link protocol"):
        parse_info(Frame(FrameType.INFO, 1, GOOD_INFO, version=2))


THUMB = 1 << 24


def _fault(kind: int, *, xpsr: int = THUMB, cfsr: int = 0, hfsr: int = 0) -> Fault:
    return Fault(kind, 0x1234, 0x5678, 0x20000100, xpsr, cfsr, hfsr, mmfar=0xAAAA, bfar=0xBBBB)


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        (_fault(3), "HardFault", ["Armv6-M"]),
        (_fault(3, xpsr=0), "HardFault", ["Thumb bit is clear", "Armv6-M"]),
        (_fault(3, xpsr=THUMB | 15), "HardFault", ["in the handler of SysTick"]),
        (_fault(3, hfsr=1 << 30, cfsr=1 << 25), "HardFault", ["division by zero"]),
        (_fault(3, hfsr=1 << 30), "HardFault", ["its own handler"]),
        (_fault(3, hfsr=1 << 1), "HardFault", ["vector table"]),
        (_fault(3, hfsr=1 << 31), "HardFault", ["breakpoint without a debugger"]),
        (_fault(4, cfsr=1 << 1 | 1 << 7), "MemManage fault", ["protection unit", "0x0000aaaa"]),
        (_fault(4, cfsr=1 << 0 | 1 << 3 | 1 << 4 | 1 << 5), "MemManage fault", ["must not be executed", "overflowed"]),
        (_fault(5, cfsr=1 << 9 | 1 << 15), "BusFault", ["bus error on reading or writing", "0x0000bbbb"]),
        (_fault(5, cfsr=1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13), "BusFault", ["buffered write", "overflowed"]),
        (_fault(6, cfsr=1 << 16), "UsageFault", ["undefined instruction"]),
        (_fault(6, cfsr=1 << 17), "UsageFault", ["even address"]),
        (_fault(6, cfsr=1 << 18), "UsageFault", ["invalid return"]),
        (_fault(6, cfsr=1 << 19), "UsageFault", ["floating-point instruction"]),
        (_fault(6, cfsr=1 << 20), "UsageFault", ["stack overflow", "Armv8-M"]),
        (_fault(6, cfsr=1 << 24), "UsageFault", ["unaligned access"]),
        (_fault(7), "SecureFault", []),
        (_fault(9), "exception 9", []),
        (_fault(16 + 5), "interrupt 5", []),
        (_fault(0x1002), "RISC-V trap 2", ["illegal instruction", "mtval 0x0000bbbb"]),
        (_fault(0x1000 + 99), "RISC-V trap 99", ["mcause 99"]),
    ],
)
def test_fault_in_words(fault: Fault, name: str, words: list[str]) -> None:
    """Exception, place and every cause are said; nothing that the registers don't tell."""
    text = str(fault)
    assert text.startswith(f"{name} at pc 0x00001234 (lr 0x00005678, sp 0x20000100)\n  - ")
    assert all(word in text for word in words)
    assert ("0x0000aaaa" in text) == bool(fault.cfsr & 1 << 7)
    assert ("recorded no cause" in text) == (not fault.riscv and not fault.cfsr | fault.hfsr)


def test_a_result_has_all_its_tensors() -> None:
    """Those that are missing make it one that has to be asked for again, however many it says that there were."""
    info = replace(INFO, step_ticks=False, tensors=True)
    result = Frame(FrameType.RESULT, 1, struct.pack("<I", 7) + bytes(10) + struct.pack("<I", 2))
    parts = dict(parse_tensor(Frame(FrameType.TENSOR, 1, struct.pack("<I", number) + b"ab")) for number in (1, 0))
    assert parse_result(result, info, parts).tensors == (b"ab", b"ab")
    for count, had in ((2, {0: b""}), (0xFFFFFFFF, parts), (1, {1: b""}), (1, None)):
        frame = replace(result, payload=result.payload[:-4] + struct.pack("<I", count))
        with pytest.raises(MissingTensorError, match="did not come"):
            parse_result(frame, info, had)
    with pytest.raises(RuntimeCrashedError, match="TENSOR frame makes no sense: 3 bytes"):
        parse_tensor(Frame(FrameType.TENSOR, 1, bytes(3)))
    with pytest.raises(RuntimeCrashedError, match="type 0x82 where TENSOR was due"):
        parse_tensor(result)
