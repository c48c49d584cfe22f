"""A dump beside the oracle: the operator that differs is found by it, also where the dump has only some tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mismatch.compare import Oracle
from edgemnist.mismatch.dump import DumpSource, answers_source, read_dump
from edgemnist.mismatch.dump_text import text_of
from edgemnist.mismatch.run import SourceFindings, compare_all
from edgemnist.mismatch.sources import RuntimeSource
from edgemnist.runner import RuntimeWorker
from edgemnist.support.progress import progress_task
from tests.mismatch.test_dump import INPUT, MODEL, OUTPUT
from tests.oracles import needs

pytestmark = needs("tflm")

CONV, MEAN, DENSE, SOFTMAX = (operator.outputs[0] for operator in MODEL.operators)


@pytest.fixture
def device(tflm: RuntimeWorker) -> dict[int, NDArray[np.int8]]:
    """Return what a device without a fault has in its tensors, three images."""
    images = np.random.default_rng(8).integers(-128, 128, (3, *MODEL.input().shape), np.int8)
    return {INPUT: images, **tflm.trace(MODEL.content, [images])}


def dumped(tensors: dict[int, NDArray[np.int8]], folder: Path) -> DumpSource:
    """Print the tensors as the images 4, 7 and 9, and read them back."""
    images = {number: {index: values[at] for index, values in tensors.items()} for at, number in enumerate((4, 7, 9))}
    (folder / "board.txt").write_text("".join(text_of(MODEL.sha256, images)))
    return read_dump(folder / "board.txt", MODEL)


def compared(source: DumpSource, inputs: NDArray[np.int8], tflm: RuntimeWorker) -> SourceFindings:
    with progress_task("Comparing", total=len(inputs)) as task:
        _, (found,) = compare_all(Oracle(MODEL, RuntimeSource(tflm)), [source], [inputs], task)
    assert not found.failure
    return found


def test_a_device_without_a_fault(device: dict[int, NDArray[np.int8]], tmp_path: Path, tflm: RuntimeWorker) -> None:
    source = dumped(device, tmp_path)
    inputs = source.inputs(MODEL)
    assert source.images == (4, 7, 9)
    assert inputs is not None
    findings = compared(source, inputs[0], tflm).findings
    assert [one.tensor for one in findings] == [CONV, MEAN, DENSE, SOFTMAX]
    assert all(one.own is not None and one.own.differing == one.accumulated.differing == 0 for one in findings)


def test_an_operator_that_is_wrong(device: dict[int, NDArray[np.int8]], tmp_path: Path, tflm: RuntimeWorker) -> None:
    """What follows inherits it: its own error is none, judged by the bytes that the device says it got."""
    device[DENSE] = device[DENSE] + np.int8(1)
    device[SOFTMAX] = tflm.trace(MODEL.content, [device[INPUT]])[SOFTMAX]
    findings = compared(dumped(device, tmp_path), device[INPUT], tflm).findings
    own = {one.tensor: one.own.differing for one in findings if one.own is not None}
    assert (own[CONV], own[MEAN], own[DENSE]) == (0, 0, device[DENSE].size)


def test_input_that_is_not_what_was_sent(
    device: dict[int, NDArray[np.int8]], tmp_path: Path, tflm: RuntimeWorker
) -> None:
    """The device has quantised the pictures otherwise: every operator is right for what it got."""
    sent = device[INPUT] ^ np.int8(-128)
    findings = compared(dumped(device, tmp_path), sent, tflm).findings
    assert all(one.own is not None and one.own.differing == 0 for one in findings)
    assert findings[0].accumulated.differing > 0


def test_a_few_tensors_and_answers_alone(
    device: dict[int, NDArray[np.int8]], tmp_path: Path, tflm: RuntimeWorker
) -> None:
    found = compared(dumped({CONV: device[CONV], OUTPUT: device[OUTPUT]}, tmp_path), device[INPUT], tflm)
    assert [(one.tensor, one.own is None) for one in found.findings] == [(CONV, False), (SOFTMAX, True)]
    answers = device[OUTPUT].reshape(3, -1).astype(np.float64)
    found = compared(answers_source("board.csv", MODEL, answers), device[INPUT], tflm)
    assert [(one.tensor, one.own, one.accumulated.differing) for one in found.findings] == [(SOFTMAX, None, 0)]
    np.testing.assert_array_equal(found.outputs, [device[OUTPUT]])
