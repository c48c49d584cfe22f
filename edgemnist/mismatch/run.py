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
    """What was found of a source. ``outputs``: (images, *output shape) of each of the model's outputs, none where it
    does not show all of them; ``failure``: why it could not go on, empty where it could.
    """

    name: str
    findings: tuple[OperatorFinding, ...]
    outputs: tuple[NDArray[Any], ...]
    failure: str = ""


@dataclass(eq=False)
class _Running:
    comparison: Comparison
    outputs: list[tuple[NDArray[Any], ...]] = field(default_factory=list)
    failure: str = ""

    def result(self) -> SourceFindings:
        return SourceFindings(
            self.comparison.source.name, self.comparison.findings(), _joined(self.outputs), self.failure
        )


def _joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def compare_all(
    oracle: Oracle, sources: Sequence[Source], inputs: Sequence[NDArray[Any]], task: Task
) -> tuple[tuple[NDArray[Any], ...], tuple[SourceFindings, ...]]:
    """Return the oracle's outputs, (images, *output shape) each, and what was found of each source.

    :param inputs: (images, *input shape), the batch of 1 included, for each of the model's inputs.
    :raises EdgeMnistError: the oracle failed on the model.
    """
    model = oracle.model
    running = [_Running(Comparison(oracle, source)) for source in sources]
    outputs: list[tuple[NDArray[Any], ...]] = []
    last: Tensors = {}
    with ThreadPoolExecutor(max_workers=len(sources) + 1) as pool:
        for part in chunks(len(inputs[0]), images_at_a_time(model)):
            given = [one[part] for one in inputs]
            alive = [one for one in running if not one.failure]
            traces = [(one, pool.submit(one.comparison.source.trace, model, given, part.start)) for one in alive]
            truth = oracle.trace(given, part.start)
            outputs.append(tuple(truth[index] for index in model.outputs))
            added = [pool.submit(_add, one, trace, truth, last, model.outputs) for one, trace in traces]
            for done in added:
                done.result()
            last = {index: values[-1:].copy() for index, values in truth.items()}
            task.update(advance=part.stop - part.start)
    return _joined(outputs), tuple(one.result() for one in running)


def _add(one: _Running, trace: Future[Tensors], truth: Tensors, last: Tensors, outputs: Sequence[int]) -> None:
    try:
        found = trace.result()
        for index, values in found.items():
            if index in truth:
                check_alike(values, truth[index], f"tensor {index}")
    except EdgeMnistError as error:
        one.failure = str(error)
        return
    one.comparison.add(Chunk(truth, found, last))
    if all(index in found for index in outputs):
        one.outputs.append(tuple(found[index] for index in outputs))
