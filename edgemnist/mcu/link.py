"""The link protocol, version 1, host's side: frames to bytes and back, and what the device's answers mean.

A frame on the wire lies between two END bytes and is escaped as in RFC 1055 (SLIP), so a receiver finds the next frame
whatever went before. Its content, little-endian: version u8, type u8, sequence u16, payload length u32, payload, CRC-32
(IEEE 802.3, as ``zlib.crc32``) of header and payload. The device's side, with each payload's layout, is
``firmware/app/link.h``. Over a serial port: :mod:`edgemnist.mcu.serial_link`; emulators use the same frames in files.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from edgemnist.mcu.faults import Fault
from edgemnist.support.errors import InputError, RuntimeCrashedError

PROTOCOL_VERSION = 1
LARGEST_CONTENT = 1 << 24
"""Bytes of content, header and CRC included, above which a frame is taken for damage."""
UNASKED = 0
"""The sequence of frames that answer no request; no request has it."""

_END, _ESC, _ESC_END, _ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"
_HEADER = struct.Struct("<BBHI")
_CRC = struct.Struct("<I")
_INFO = struct.Struct("<6I8s")
_TICKS = struct.Struct("<I")
_STACK = struct.Struct("<2I")
_FAULT = struct.Struct("<9I")
_STEP_TICKS_FLAG, _TENSORS_FLAG = 1, 2
_COUNT = struct.Struct("<I")
_NOISE_KEPT = 200


class FrameType(IntEnum):
    """What a frame is; an answer's type is its request's + 0x80."""

    HELLO = 0x01
    RUN = 0x02
    STATE = 0x03
    STOP = 0x04
    RESET = 0x06
    INFO = 0x81
    RESULT = 0x82
    STATE_ANSWER = 0x83
    STOPPED = 0x84
    RESET_ANSWER = 0x86
    TENSOR = 0x85
    ERROR = 0xFE
    FAULT = 0xFF


class ErrorCode(IntEnum):
    """Why the device refused a frame: damaged (``CRC``, ``LENGTH``), or not what it knows."""

    CRC = 1
    LENGTH = 2
    TYPE = 3
    VERSION = 4


@dataclass(frozen=True)
class Frame:
    """One frame. ``type``: 0..255, of our version a :class:`FrameType`; ``sequence``: 0..65535."""

    type: int
    sequence: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Damage:
    """Counts of what a decoder dropped: frames by the first thing found wrong with them. Text between frames counts."""

    crc: int = 0
    length: int = 0
    escape: int = 0
    oversize: int = 0

    @property
    def total(self) -> int:
        """Dropped frames altogether."""
        return self.crc + self.length + self.escape + self.oversize


@dataclass(frozen=True)
class DeviceInfo:
    """What runs on the device. Sizes in bytes; ``ticks_per_second`` 0: it has no clock; ``model_start``: 8 bytes.

    ``step_ticks``: its results have the ticks of each of the ``steps``. ``tensors``: it sends what the network writes.
    """

    input_bytes: int
    output_bytes: int
    arena_bytes: int
    steps: int
    ticks_per_second: int
    step_ticks: bool
    model_start: bytes
    board: str
    tensors: bool = False


@dataclass(frozen=True)
class RunAnswer:
    """One inference: duration in ticks, the output tensor's bytes, and ticks per step (empty if not measured).

    ``tensors``: what the network wrote, in this order, where the device sends that.
    """

    ticks: int
    output: bytes
    step_ticks: tuple[int, ...]
    tensors: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class StackState:
    """The stack's size and the most that was ever used of it since the start, in bytes; size 0: it does not know."""

    size: int
    used: int


class FirmwareCrashedError(RuntimeCrashedError):
    """The device sent a FAULT; ``fault`` holds its registers."""

    def __init__(self, fault: Fault, doing: str) -> None:
        """:param doing: what it was about, as in "while ..."."""
        self.fault = fault
        super().__init__(f"the firmware crashed while {doing}: {fault}")


class DeviceGoneError(RuntimeCrashedError):
    """The stream to the device has ended: unplugged, or its emulator's process is over."""


class MissingTensorError(RuntimeCrashedError):
    """Of the tensors that a device sent with a result not all have come: to be asked for again."""


@dataclass(frozen=True)
class DeviceError:
    """The device's refusal of a frame; ``sequence`` as it was received, 0 where it could not be read."""

    code: ErrorCode
    sequence: int


def encode(frame: Frame) -> bytes:
    """Return a frame as it goes over the wire.

    :raises InputError: a number is out of its range, or the payload is larger than any receiver takes.
    """
    if not (0 <= frame.type <= 0xFF and 0 <= frame.sequence <= 0xFFFF and 0 <= frame.version <= 0xFF):
        raise InputError(f"no such frame: {frame.type=}, {frame.sequence=}, {frame.version=}; 0..255, 0..65535, 0..255")
    if len(frame.payload) > LARGEST_CONTENT - _HEADER.size - _CRC.size:
        raise InputError(f"a payload of {len(frame.payload):,} bytes is too large; {LARGEST_CONTENT - 12:,} at most")
    content = _HEADER.pack(frame.version, frame.type, frame.sequence, len(frame.payload)) + frame.payload
    content += _CRC.pack(zlib.crc32(content))
    return _END + content.replace(_ESC, _ESC_ESC).replace(_END, _ESC_END) + _END


class Decoder:
    """Takes bytes as they come in and returns the frames that are whole; counts and drops everything else."""

    def __init__(self, limit: int = 2 * LARGEST_CONTENT) -> None:
        """:param limit: bytes on the wire, escapes included, above which a frame is dropped; bounds the memory used."""
        self._limit = limit
        self._pending = bytearray()
        self._overlong = False
        self._damage = Damage()
        self._noise = b""

    @property
    def damage(self) -> Damage:
        """What was dropped so far."""
        return self._damage

    @property
    def unfinished(self) -> int:
        """Bytes since the last END: the start of a frame, or text."""
        return len(self._pending)

    @property
    def noise(self) -> bytes:
        """The last bytes, at most 200, that were no frame: what a boot loader printed, for example."""
        return (self._noise + bytes(self._pending))[-_NOISE_KEPT:]

    def feed(self, data: bytes) -> list[Frame]:
        """Take more bytes; return the frames, of whatever version, that they complete."""
        *ended, rest = data.split(_END)
        frames = []
        for piece in ended:
            self._append(piece)
            frame = self._take()
            if frame is not None:
                frames.append(frame)
        self._append(rest)
        return frames

    def _append(self, piece: bytes) -> None:
        """Add to the frame that is coming in; past the limit keep only that there is something."""
        if self._overlong or len(self._pending) + len(piece) > self._limit:
            self._noise = (self.noise + piece)[-_NOISE_KEPT:]
            self._pending.clear()
            self._overlong = True
        else:
            self._pending += piece

    def _take(self) -> Frame | None:
        """Return the frame that an END completed; None for no or a damaged one."""
        raw, overlong = bytes(self._pending), self._overlong
        self._pending.clear()
        self._overlong = False
        if overlong:
            self._damage = replace(self._damage, oversize=self._damage.oversize + 1)
            return None
        found = _frame(raw) if raw else None
        if isinstance(found, str):
            self._damage = replace(self._damage, **{found: getattr(self._damage, found) + 1})
            self._noise = (self._noise + raw)[-_NOISE_KEPT:]
            return None
        return found


def _frame(raw: bytes) -> Frame | str:
    """Return the frame between two ENDs, or the field of :class:`Damage` that it belongs to."""
    if raw.count(_ESC) != raw.count(_ESC_END) + raw.count(_ESC_ESC):
        return "escape"
    content = raw.replace(_ESC_END, _END).replace(_ESC_ESC, _ESC)
    if len(content) < _HEADER.size + _CRC.size:
        return "length"
    body, payload = content[: -_CRC.size], content[_HEADER.size : -_CRC.size]
    if _CRC.unpack(content[-_CRC.size :])[0] != zlib.crc32(body):
        return "crc"
    version, kind, sequence, length = _HEADER.unpack_from(content)
    return Frame(kind, sequence, payload, version) if length == len(payload) else "length"


def check_version(frame: Frame) -> None:
    """Refuse a frame of another protocol version.

    :raises RuntimeCrashedError: it is of another one.
    """
    if frame.version != PROTOCOL_VERSION:
        raise RuntimeCrashedError(
            f"the device speaks version {frame.version} of the link protocol, this edgemnist version "
            f"{PROTOCOL_VERSION}; build the firmware with this edgemnist and flash it"
        )


def _expect(frame: Frame, expected: FrameType, length: int | None = None) -> None:
    """Refuse a frame of another version, type or payload length."""
    check_version(frame)
    if frame.type != expected:
        raise RuntimeCrashedError(f"the device sent a frame of type 0x{frame.type:02x} where {expected.name} was due")
    if length is not None and len(frame.payload) != length:
        raise _garbage(expected, f"{len(frame.payload)} bytes instead of {length}")


def _garbage(kind: FrameType, problem: str) -> RuntimeCrashedError:
    return RuntimeCrashedError(
        f"the device's {kind.name} frame makes no sense: {problem}; its memory may be overwritten "
        "(stack too small?), or its firmware is another edgemnist's: build it anew and flash it"
    )


def parse_info(frame: Frame) -> DeviceInfo:
    """Read an INFO frame.

    :raises RuntimeCrashedError: of another version or type, or its content can't be.
    """
    _expect(frame, FrameType.INFO)
    if len(frame.payload) < _INFO.size:
        raise _garbage(FrameType.INFO, f"{len(frame.payload)} bytes, at least {_INFO.size} are needed")
    inputs, outputs, arena, steps, ticks, flags, model_start = _INFO.unpack_from(frame.payload)
    if inputs == 0 or outputs == 0:
        raise _garbage(FrameType.INFO, f"input of {inputs} bytes, output of {outputs} bytes")
    if inputs > LARGEST_CONTENT - _HEADER.size - _CRC.size:
        raise _garbage(FrameType.INFO, f"input of {inputs:,} bytes")
    try:
        board = frame.payload[_INFO.size :].decode()
    except UnicodeDecodeError as error:
        raise _garbage(FrameType.INFO, f"board name {frame.payload[_INFO.size :]!r} is not UTF-8") from error
    step_ticks, tensors = bool(flags & _STEP_TICKS_FLAG), bool(flags & _TENSORS_FLAG)
    return DeviceInfo(inputs, outputs, arena, steps, ticks, step_ticks, model_start, board, tensors)


def parse_result(frame: Frame, info: DeviceInfo, tensors: Mapping[int, bytes] | None = None) -> RunAnswer:
    """Read a RESULT frame of a device.

    :param tensors: what the TENSOR frames before it had, by number; see :func:`parse_tensor`.
    :raises MissingTensorError: one of those has not come.
    :raises RuntimeCrashedError: of another version or type, or its length does not suit ``info``.
    """
    steps = info.steps if info.step_ticks else 0
    output_end = _TICKS.size + info.output_bytes
    step_end = output_end + _TICKS.size * steps
    _expect(frame, FrameType.RESULT, step_end + _COUNT.size * info.tensors)
    step_ticks = struct.unpack(f"<{steps}I", frame.payload[output_end:step_end])
    count = _COUNT.unpack_from(frame.payload, step_end)[0] if info.tensors else 0
    found = tuple(content for number, content in sorted((tensors or {}).items()) if number < count)
    if len(found) != count:
        raise MissingTensorError(f"{count - len(found):,} of the {count:,} tensors that the device sent did not come")
    return RunAnswer(_TICKS.unpack_from(frame.payload)[0], frame.payload[_TICKS.size : output_end], step_ticks, found)


def parse_tensor(frame: Frame) -> tuple[int, bytes]:
    """Read a TENSOR frame: its number in the order in which the network writes them, and its bytes.

    :raises RuntimeCrashedError: of another version or type, or too short.
    """
    _expect(frame, FrameType.TENSOR)
    if len(frame.payload) < _COUNT.size:
        raise _garbage(FrameType.TENSOR, f"{len(frame.payload)} bytes")
    return _COUNT.unpack_from(frame.payload)[0], frame.payload[_COUNT.size :]


def parse_state(frame: Frame) -> StackState:
    """Read a STATE answer.

    :raises RuntimeCrashedError: of another version or type, or its content can't be.
    """
    _expect(frame, FrameType.STATE_ANSWER, _STACK.size)
    state = StackState(*_STACK.unpack(frame.payload))
    if state.used > state.size:
        raise _garbage(FrameType.STATE_ANSWER, f"{state.used} bytes used of a stack of {state.size}")
    return state


def parse_error(frame: Frame) -> DeviceError:
    """Read an ERROR frame.

    :raises RuntimeCrashedError: of another version or type, or its content can't be.
    """
    _expect(frame, FrameType.ERROR, 1)
    if frame.payload[0] not in ErrorCode.__members__.values():
        raise _garbage(FrameType.ERROR, f"unknown error code {frame.payload[0]}")
    return DeviceError(ErrorCode(frame.payload[0]), frame.sequence)


def parse_fault(frame: Frame) -> Fault:
    """Read a FAULT frame.

    :raises RuntimeCrashedError: of another version or type, or its length is wrong.
    """
    _expect(frame, FrameType.FAULT, _FAULT.size)
    return Fault(*_FAULT.unpack(frame.payload))
