"""All sources beside the oracle, chunk by chunk, each in its own process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.compare import (
    Chunk,
    Comparison,
    OperatorFinding,
    Oracle,
    check_alike,
    chunks,
    images_at_a_time,
)
from edgemnist.mismatch.sources import Source, Tensors
from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.progress import Task


@dataclass(frozen=True, eq=False)
class SourceFindings:
    """What was found of a source. ``outputs``: (images, *output shape) of the model's first output, None where it does
    not show it; ``failure``: why it could not go on, empty where it could.
    """

    name: str
    findings: tuple[OperatorFinding, ...]
    outputs: NDArray[Any] | None
    failure: str = ""


@dataclass(eq=False)
class _Running:
    comparison: Comparison
    outputs: list[NDArray[Any]] = field(default_factory=list)
    failure: str = ""

    def result(self) -> SourceFindings:
        outputs = np.concatenate(self.outputs) if self.outputs else None
        return SourceFindings(self.comparison.source.name, self.comparison.findings(), outputs, self.failure)


def compare_all(
    oracle: Oracle, sources: Sequence[Source], inputs: NDArray[Any], task: Task
) -> tuple[NDArray[Any], tuple[SourceFindings, ...]]:
    """Return the oracle's outputs, (images, *output shape), and what was found of each source.

    :param inputs: (images, *input shape), the batch of 1 included, for the model's only input.
    :raises EdgeMnistError: the oracle failed on the model.
    """
    model = oracle.model
    running = [_Running(Comparison(oracle, source)) for source in sources]
    outputs: list[NDArray[Any]] = []
    last: Tensors = {}
    with ThreadPoolExecutor(max_workers=len(sources) + 1) as pool:
        for part in chunks(len(inputs), images_at_a_time(model)):
            given = [inputs[part]]
            alive = [one for one in running if not one.failure]
            traces = [(one, pool.submit(one.comparison.source.trace, model, given, part.start)) for one in alive]
            truth = oracle.trace(given, part.start)
            outputs.append(truth[model.outputs[0]])
            added = [pool.submit(_add, one, trace, truth, last, model.outputs[0]) for one, trace in traces]
            for done in added:
                done.result()
            last = {index: values[-1:].copy() for index, values in truth.items()}
            task.update(advance=part.stop - part.start)
    return np.concatenate(outputs), tuple(one.result() for one in running)


def _add(one: _Running, trace: Future[Tensors], truth: Tensors, last: Tensors, output: int) -> None:
    try:
        found = trace.result()
        for index, values in found.items():
            if index in truth:
                check_alike(values, truth[index], f"tensor {index}")
    except EdgeMnistError as error:
        one.failure = str(error)
        return
    one.comparison.add(Chunk(truth, found, last))
    if output in found:
        one.outputs.append(found[output])
