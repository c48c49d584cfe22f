"""A device at the end of a wire: requests, answers, time-outs, repeats. The wire is a serial port or any byte stream.

Requests are idempotent, so what gets no answer is sent again; an answer counts only with its request's sequence and
type. A device takes requests in order, so whatever it still had to say to an earlier program comes before the INFO that
:meth:`DeviceLink.hello` waits for.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Protocol

from edgemnist.mcu.link import (
    UNASKED,
    Damage,
    Decoder,
    DeviceGoneError,
    DeviceInfo,
    ErrorCode,
    FirmwareCrashedError,
    Frame,
    FrameType,
    MissingTensorError,
    RunAnswer,
    StackState,
    check_version,
    encode,
    parse_error,
    parse_fault,
    parse_info,
    parse_result,
    parse_state,
    parse_tensor,
)
from edgemnist.support.errors import InputError, RuntimeCrashedError

_NOISE_SHOWN = 80
_ANSWER_ALLOWANCE = 256  # bytes: an answer with its frame, besides outputs and ticks


class ByteStream(Protocol):
    """A two-way stream of bytes. Reading and writing raise ``DeviceGoneError`` when the other side is gone."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def seconds_per_byte(self) -> float:
        """How long a byte takes on the wire; 0 where that does not matter."""

    def read(self, timeout: float) -> bytes:
        """Return what has come in, waiting at most ``timeout`` seconds for the first byte; ``b""``: nothing came."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def close(self) -> None:
        """Let go of it; may be called again."""


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for an answer, the wire's own time not counted, and how often to ask.

    ``answer`` has to be longer than an inference; ``hello`` also bounds how soon a board that starts is heard.
    """

    hello: float = 1.0
    hello_attempts: int = 10
    answer: float = 10.0
    attempts: int = 5


@dataclass(frozen=True)
class LinkCounts:
    """How well the wire works: requests sent again, requests that arrived damaged, answers to nothing, damage here."""

    repeats: int = 0
    refused: int = 0
    stale: int = 0
    damage: Damage = field(default_factory=Damage)


class DeviceLink(AbstractContextManager["DeviceLink"]):
    """The client of one device; owns its stream and closes it."""

    def __init__(self, stream: ByteStream, patience: Patience | None = None) -> None:
        """Nothing is sent before the first call."""
        self._stream = stream
        self._patience = patience or Patience()
        self._decoder = Decoder()
        self._frames: deque[Frame] = deque()
        self._counts = LinkCounts()
        self._sequence = UNASKED
        self._info: DeviceInfo | None = None
        self._tensors: dict[int, bytes] = {}
        self._doing = "saying hello"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the stream."""
        self.close()

    def close(self) -> None:
        """Close the stream; the device goes on waiting for requests."""
        self._stream.close()

    @property
    def counts(self) -> LinkCounts:
        """What went wrong and was made good so far."""
        return replace(self._counts, damage=self._decoder.damage)

    def hello(self) -> DeviceInfo:
        """Find the device, whatever it was doing, and learn what it runs.

        :raises RuntimeCrashedError: no answer, another protocol version, a fault, or an answer that makes no sense.
        """
        self._info = None
        self._doing = "saying hello"
        frame = self._hello()
        if frame is None:
            raise self._silent()
        self._info = parse_info(frame)
        return self._info

    def run(self, rows: Sequence[bytes]) -> Iterator[RunAnswer]:
        """Run inputs one by one; each answer is yielded when it is there.

        :param rows: for each inference the bytes of the model's inputs, one after the other.
        :raises InputError: one has not as many bytes as the device's inputs.
        :raises RuntimeCrashedError: the device hangs, crashes (:class:`FirmwareCrashedError`), restarts or is gone,
            sends what makes no sense, or the wire is too bad.
        """
        info = self._info or self.hello()
        for index, row in enumerate(rows):
            if len(row) != info.input_bytes:
                raise InputError(
                    f"input {index} has {len(row)} bytes, but the model on {info.board} takes {info.input_bytes}; "
                    "give inputs of the model that it was flashed with"
                )
        return (self._run_one(f"running input {index}", row) for index, row in enumerate(rows))

    def reset(self) -> None:
        """Give what the network keeps from one inference to the next its first values.

        :raises RuntimeCrashedError: no answer, or one that makes no sense.
        """
        self._doing = "resetting"
        if self._ask(self._request(FrameType.RESET), self._patience.answer, self._patience.attempts) is None:
            raise self._silent()

    def state(self) -> StackState:
        """Ask how much stack was used since the device started.

        :raises RuntimeCrashedError: no answer, or one that makes no sense.
        """
        self._doing = "reporting its stack"
        request = self._request(FrameType.STATE)
        frame = self._ask(request, self._patience.answer, self._patience.attempts)
        if frame is None:
            raise self._silent()
        return parse_state(frame)

    def stop(self) -> bool:
        """End an emulation; a board then waits for a reset. Returns whether the device has confirmed it or is gone."""
        self._doing = "stopping"
        try:
            return self._ask(self._request(FrameType.STOP), self._patience.hello, 2) is not None
        except DeviceGoneError:
            return True

    def _run_one(self, doing: str, payload: bytes) -> RunAnswer:
        info = self._info or self.hello()
        self._doing = doing
        request = self._request(FrameType.RUN, payload)
        refused, self._tensors = 0, {}
        for attempt in range(self._patience.attempts):
            frame = self._exchange(request, self._patience.answer, repeated=attempt > 0)
            if frame is None:
                frame = self._hello(late=request)
            if frame is None:
                raise self._silent()
            if frame.type == FrameType.RESULT:
                try:
                    return parse_result(frame, info, self._tensors)
                except MissingTensorError:
                    continue
            if frame.type == FrameType.ERROR:
                refused += 1
            elif parse_info(frame) != info:
                raise RuntimeCrashedError(f"the device restarted with another firmware while {self._doing}")
        raise self._no_result(refused)

    def _hello(self, late: Frame | None = None) -> Frame | None:
        """Greet; return the INFO, or the answer to a ``late`` request if that comes first, or None."""
        request = self._request(FrameType.HELLO)
        return self._ask(request, self._patience.hello, self._patience.hello_attempts, late)

    def _ask(self, request: Frame, timeout: float, attempts: int, late: Frame | None = None) -> Frame | None:
        """Send a request until it is answered; None if it never is."""
        for attempt in range(attempts):
            frame = self._exchange(request, timeout, late, repeated=attempt > 0)
            if frame is not None and frame.type != FrameType.ERROR:
                return frame
        return None

    def _request(self, kind: FrameType, payload: bytes = b"") -> Frame:
        self._sequence = self._sequence % 0xFFFF + 1
        return Frame(kind, self._sequence, payload)

    def _exchange(
        self, request: Frame, timeout: float, late: Frame | None = None, *, repeated: bool = False
    ) -> Frame | None:
        """Send a request once and return its answer (or the ``late`` request's), or the device's refusal of it.

        None: nothing came in time. INFO instead of a RESULT: the RUN got lost. That is asked for when the device has
        refused something unreadable: if that was the RUN, INFO comes at once, and else after the RESULT.
        """
        self._counts = replace(self._counts, repeats=self._counts.repeats + repeated)
        message = encode(request)
        self._stream.write(message)
        deadline = self._deadline(timeout, message)
        wanted = {_answer_to(request), (FrameType.ERROR, request.sequence)}
        if late is not None:
            wanted.add(_answer_to(late))
        unsure = request.type == FrameType.RUN
        while (frame := self._next_frame(deadline)) is not None:
            self._check(frame)
            if (frame.type, frame.sequence) in wanted:
                return frame
            if (frame.type, frame.sequence) == (FrameType.TENSOR, request.sequence):
                number, content = parse_tensor(frame)
                self._tensors[number] = content
                deadline = self._deadline(timeout, message)
                continue
            self._counts = replace(self._counts, stale=self._counts.stale + 1)
            if unsure and frame.type == FrameType.ERROR:
                unsure = False
                greeting = self._request(FrameType.HELLO)
                wanted.add(_answer_to(greeting))
                self._stream.write(encode(greeting))
        return None

    def _deadline(self, timeout: float, message: bytes) -> float:
        """Return until when an answer to a message, or the next part of one, has to be there."""
        return time.monotonic() + timeout + self._stream.seconds_per_byte * (len(message) + self._answer_bytes())

    def _answer_bytes(self) -> int:
        """Return how many bytes, escapes included, an answer may take."""
        if self._info is None:
            return _ANSWER_ALLOWANCE
        tensor = self._info.arena_bytes * self._info.tensors
        steps = 4 * self._info.steps * self._info.step_ticks
        return 2 * (self._info.output_bytes + steps + tensor) + _ANSWER_ALLOWANCE

    def _next_frame(self, deadline: float) -> Frame | None:
        while not self._frames:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._frames.extend(self._decoder.feed(self._stream.read(left)))
        return self._frames.popleft()

    def _check(self, frame: Frame) -> None:
        """Raise what a frame says about the device, asked or not; count what it says about the wire."""
        check_version(frame)
        if frame.type == FrameType.FAULT:
            raise FirmwareCrashedError(parse_fault(frame), self._doing)
        if frame.type == FrameType.INFO and frame.sequence == UNASKED and self._info is not None:
            raise RuntimeCrashedError(
                f"the device restarted while {self._doing} (watchdog, power supply, reset?){self._noise()}"
            )
        if frame.type == FrameType.ERROR:
            self._check_refusal(parse_error(frame).code)

    def _check_refusal(self, code: ErrorCode) -> None:
        if code is ErrorCode.VERSION:
            raise RuntimeCrashedError(
                "the device speaks another version of the link protocol; "
                "build the firmware with this edgemnist and flash it"
            )
        if code is ErrorCode.TYPE:
            raise RuntimeCrashedError(f"the device does not know the request sent while {self._doing}")
        self._counts = replace(self._counts, refused=self._counts.refused + 1)

    def _silent(self) -> RuntimeCrashedError:
        """Say that the device says nothing; why depends on whether it ever did."""
        if self._info is None:
            reason = "is it powered, flashed with edgemnist's firmware, at this port and baud rate?"
        else:
            reason = f"it hangs, or an inference takes longer than the {self._patience.answer:g} s it was given"
        return RuntimeCrashedError(f"no answer from {self._stream.name} while {self._doing}: {reason}{self._noise()}")

    def _no_result(self, refused: int) -> RuntimeCrashedError:
        times = f"{self._patience.attempts} times"
        if refused == self._patience.attempts:
            return RuntimeCrashedError(
                f"the request arrived damaged {times} while {self._doing}; use a lower baud rate or a better cable"
            )
        return RuntimeCrashedError(
            f"no result although asked {times} while {self._doing}, but the device still greets: it restarts during "
            f"the inference, or loses bytes, or needs longer than the {self._patience.answer:g} s it was given"
            f"{self._noise()}"
        )

    def _noise(self) -> str:
        """Return what the device printed besides frames, for a message."""
        noise = self._decoder.noise[-_NOISE_SHOWN:]
        return f"; the last bytes that were no frame: {noise!r}" if noise else ""


def _answer_to(request: Frame) -> tuple[int, int]:
    return request.type | 0x80, request.sequence


def check_model(info: DeviceInfo, sha256: str) -> None:
    """Make sure that the device runs a certain model file.

    :param sha256: of the .tflite file, 64 hexadecimal digits.
    :raises InputError: it runs another one.
    """
    expected = sha256.lower()[: 2 * len(info.model_start)]
    if info.model_start.hex() != expected:
        raise InputError(
            f"{info.board} runs another model: its file's SHA-256 starts with {info.model_start.hex()}, "
            f"that of the one given with {expected}; build firmware of that one and flash it, or give the other model"
        )
