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
from edgemnist.tflite.file import TensorInfo


@dataclass(frozen=True, eq=False)
class Execution:
    """What a device made of N inputs.

    ``outputs``: shape (N, *output shape without batch), the output's dtype. ``ticks``: N durations, in ticks of
    ``info.ticks_per_second``. ``profiles``: of the first inferences, where the device is an emulator that can tell.
    ``tensors``: of each input what the network wrote, in this order, where the firmware sends that.
    """

    info: DeviceInfo
    outputs: NDArray[Any]
    ticks: tuple[int, ...]
    step_ticks: tuple[tuple[int, ...], ...]
    stack: StackState
    profiles: tuple[InferenceProfile, ...] = ()
    tensors: tuple[tuple[bytes, ...], ...] = ()


def run_on_port(device: DeviceLink, inputs: NDArray[Any], output: TensorInfo, model_sha256: str) -> Execution:
    """Run inputs on the board that a link leads to.

    :raises InputError: the board runs another model.
    :raises RuntimeCrashedError: the board crashes, hangs or answers what makes no sense.
    """
    info = device.hello()
    check_model(info, model_sha256)
    answers = []
    with progress_task(f"Running on {info.board}", total=len(inputs)) as task:
        for answer in device.run(inputs):
            answers.append(answer)
            task.update(advance=1)
    return _execution(info, answers, device.state(), output)


def run_emulated(
    image: FirmwareImage,
    emulator: Emulator,
    inputs: NDArray[Any],
    *,
    profiled: int = 0,
    timeout: float = DEFAULT_TIMEOUT,
) -> Execution:
    """Run inputs on an image in an emulator.

    :raises RuntimeCrashedError: the firmware crashed, hung or answered what makes no sense.
    """
    emulation = emulator.run(image.elf, image.board, _requests(inputs), profiled=profiled, timeout=timeout)
    decoder = link.Decoder()
    frames = decoder.feed(emulation.answers)
    _raise_fault(frames, image)
    if decoder.damage.total or decoder.unfinished:
        raise RuntimeCrashedError(
            f"{decoder.damage.total or 1} of the firmware's answers are damaged; is its memory overwritten? "
            f"the last bytes that were no frame: {decoder.noise[-60:]!r}"
        )
    execution = _from_frames(frames, len(inputs), image.output)
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

    def run(self, row: NDArray[Any]) -> RunAnswer:
        """Run one input.

        :raises RuntimeCrashedError: anything but one result, and tensors before it, comes back.
        """
        *tensors, last = link.Decoder().feed(self._ask(link.encode(Frame(FrameType.RUN, 1, row.tobytes())))) or [
            Frame(FrameType.STOPPED, 1)
        ]
        return link.parse_result(last, self._info, dict(map(link.parse_tensor, tensors)))


def _requests(inputs: NDArray[Any]) -> bytes:
    runs = [Frame(FrameType.RUN, _sequence(index), row.tobytes()) for index, row in enumerate(inputs)]
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


def _from_frames(frames: Sequence[Frame], count: int, output: TensorInfo) -> Execution:
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
    return _execution(info, answers, link.parse_state(found[FrameType.STATE_ANSWER]), output)


def _execution(info: DeviceInfo, answers: Sequence[RunAnswer], stack: StackState, output: TensorInfo) -> Execution:
    if info.output_bytes != output.bytes:
        raise RuntimeCrashedError(f"the device's output has {info.output_bytes} bytes, the model's {output.bytes}")
    rows = [np.frombuffer(answer.output, np.dtype(output.dtype)).reshape(output.shape[1:]) for answer in answers]
    return Execution(
        info, np.array(rows), tuple(one.ticks for one in answers), tuple(one.step_ticks for one in answers), stack,
        tensors=tuple(one.tensors for one in answers) if info.tensors else (),
    )  # fmt: skip
