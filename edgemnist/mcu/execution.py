"""Inputs through a running firmware, on an emulated core or at a serial port, by the link protocol either way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mcu import link
from edgemnist.mcu.build import FirmwareImage
from edgemnist.mcu.emulators.base import DEFAULT_TIMEOUT, Emulator
from edgemnist.mcu.link import DeviceInfo, FirmwareCrashedError, Frame, FrameType, RunAnswer, StackState
from edgemnist.mcu.profile import InferenceProfile
from edgemnist.mcu.serial_link import DeviceLink, check_model
from edgemnist.support.errors import RuntimeCrashedError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.kept import kept_of


@dataclass(frozen=True, eq=False)
class Execution:
    """What a device made of N inputs.

    ``outputs``: one for each output, shape (N, *output shape without batch), the output's dtype. ``ticks``: N
    durations, in ticks of ``info.ticks_per_second``. ``profiles``: of the first inferences, where the device is an
    emulator that can tell. ``tensors``: of each input what the network wrote, in this order, where the firmware sends
    that.
    """

    info: DeviceInfo
    outputs: tuple[NDArray[Any], ...]
    ticks: tuple[int, ...]
    step_ticks: tuple[tuple[int, ...], ...]
    stack: StackState
    profiles: tuple[InferenceProfile, ...] = ()
    tensors: tuple[tuple[bytes, ...], ...] = ()


def rows_of(inputs: Sequence[NDArray[Any]]) -> list[bytes]:
    """Return the bytes that a device takes for each inference.

    :param inputs: one for each of the model's, shape (N, *input shape without batch), the input's dtype.
    """
    return [b"".join(one.tobytes() for one in row) for row in zip(*inputs, strict=True)]


def values_of(content: bytes, tensors: Sequence[TensorInfo]) -> list[NDArray[Any]]:
    """Return a device's outputs of one inference, each of its tensor's shape without batch.

    :raises RuntimeCrashedError: there are more or less bytes than the tensors have.
    """
    if len(content) != sum(tensor.bytes for tensor in tensors):
        has = sum(tensor.bytes for tensor in tensors)
        raise RuntimeCrashedError(f"the device's output has {len(content)} bytes, the model's {has}")
    found, start = [], 0
    for tensor in tensors:
        values = np.frombuffer(content[start : start + tensor.bytes], np.dtype(tensor.dtype))
        found.append(values.reshape(tensor.shape[1:]))
        start += tensor.bytes
    return found


def run_on_port(device: DeviceLink, inputs: Sequence[NDArray[Any]], model: TfliteModel) -> Execution:
    """Run inputs, see :func:`rows_of`, on the board that a link leads to; what it keeps has its first values before.

    :raises InputError: the board runs another model.
    :raises RuntimeCrashedError: the board crashes, hangs or answers what makes no sense.
    """
    info = device.hello()
    check_model(info, model.sha256)
    if kept_of(model):
        device.reset()
    answers, rows = [], rows_of(inputs)
    with progress_task(f"Running on {info.board}", total=len(rows)) as task:
        for answer in device.run(rows):
            answers.append(answer)
            task.update(advance=1)
    return _execution(info, answers, device.state(), [model.tensors[index] for index in model.outputs])


def run_emulated(
    image: FirmwareImage,
    emulator: Emulator,
    inputs: Sequence[NDArray[Any]],
    *,
    profiled: int = 0,
    timeout: float = DEFAULT_TIMEOUT,
) -> Execution:
    """Run inputs, see :func:`rows_of`, on an image in an emulator.

    :raises RuntimeCrashedError: the firmware crashed, hung or answered what makes no sense.
    """
    rows = rows_of(inputs)
    emulation = emulator.run(image.elf, image.board, _requests(rows), profiled=profiled, timeout=timeout)
    decoder = link.Decoder()
    frames = decoder.feed(emulation.answers)
    _raise_fault(frames, image)
    if decoder.damage.total or decoder.unfinished:
        raise RuntimeCrashedError(
            f"{decoder.damage.total or 1} of the firmware's answers are damaged; is its memory overwritten? "
            f"the last bytes that were no frame: {decoder.noise[-60:]!r}"
        )
    execution = _from_frames(frames, len(rows), image.outputs)
    return replace(execution, profiles=emulation.profiles)


class RunningDevice:
    """A device that stays on and takes one input after the other: requests in, answers out."""

    def __init__(self, ask: Callable[[bytes], bytes]) -> None:
        """Greet it.

        :raises RuntimeCrashedError: it answers something else.
        """
        self._ask = ask
        frames = link.Decoder().feed(ask(link.encode(Frame(FrameType.HELLO, 1))))
        self._info = link.parse_info(frames[-1] if frames else Frame(FrameType.STOPPED, 1))

    def run(self, row: bytes) -> RunAnswer:
        """Run one inference's inputs.

        :raises RuntimeCrashedError: anything but one result, and tensors before it, comes back.
        """
        *tensors, last = link.Decoder().feed(self._ask(link.encode(Frame(FrameType.RUN, 1, row)))) or [
            Frame(FrameType.STOPPED, 1)
        ]
        return link.parse_result(last, self._info, dict(map(link.parse_tensor, tensors)))


def _requests(rows: Sequence[bytes]) -> bytes:
    runs = [Frame(FrameType.RUN, _sequence(index), row) for index, row in enumerate(rows)]
    frames = [Frame(FrameType.HELLO, 1), *runs, Frame(FrameType.STATE, 1), Frame(FrameType.STOP, 1)]
    return b"".join(link.encode(frame) for frame in frames)


def _sequence(index: int) -> int:
    return index % 0xFFFF + 1


def _raise_fault(frames: Sequence[Frame], image: FirmwareImage) -> None:
    for frame in frames:
        if frame.type == FrameType.FAULT:
            fault = link.parse_fault(frame)
            done = sum(one.type == FrameType.RESULT for one in frames)
            limit = image.elf.symbols["stack_limit"].address
            overflow = f"; its stack overflowed (its end is 0x{limit:08x}): give it more with --stack"
            raise FirmwareCrashedError(
                fault,
                f"running input {done} at {image.elf.place(fault.pc)}" + (overflow if fault.sp < limit + 32 else ""),
            )


def _from_frames(frames: Sequence[Frame], count: int, outputs: Sequence[TensorInfo]) -> Execution:
    results = [frame for frame in frames if frame.type == FrameType.RESULT]
    tensors: dict[int, dict[int, bytes]] = {}
    for frame in frames:
        if frame.type == FrameType.TENSOR:
            number, content = link.parse_tensor(frame)
            tensors.setdefault(frame.sequence, {})[number] = content
    found = {frame.type: frame for frame in frames}
    missing = [kind.name for kind in (FrameType.INFO, FrameType.STATE_ANSWER, FrameType.STOPPED) if kind not in found]
    if missing or [frame.sequence for frame in results] != [_sequence(index) for index in range(count)]:
        raise RuntimeCrashedError(
            f"the firmware answered {len(results)} of {count} inputs" + "".join(f", no {name}" for name in missing)
        )
    info = link.parse_info(found[FrameType.INFO])
    answers = [link.parse_result(frame, info, tensors.get(frame.sequence)) for frame in results]
    return _execution(info, answers, link.parse_state(found[FrameType.STATE_ANSWER]), outputs)


def _execution(
    info: DeviceInfo, answers: Sequence[RunAnswer], stack: StackState, outputs: Sequence[TensorInfo]
) -> Execution:
    rows = [values_of(answer.output, outputs) for answer in answers]
    values = tuple(map(np.array, zip(*rows, strict=True)))
    return Execution(
        info, values, tuple(one.ticks for one in answers), tuple(one.step_ticks for one in answers), stack,
        tensors=tuple(one.tensors for one in answers) if info.tensors else (),
    )  # fmt: skip
