"""Run a model over many images inside a worker: outputs, logits, memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Loading, RunResult, Runtime

CONFIRMED_CASES = 8
"""How many of the inputs, spread over all, a session is asked to confirm; each may take it several invokes."""


def trace(
    runtime: Runtime, model: bytes | Path, inputs: Sequence[NDArray[Any]], tensors: Sequence[int]
) -> list[NDArray[Any]]:
    """Return the named tensors for every case, each of shape (cases, *tensor shape).

    ``inputs``: one array per model input, of shape (cases, *input shape). A model with a state sees them one after the
    other; it is confirmed when all is done, since that begins again.
    """
    session = runtime.open(model, keep_tensors=True)
    rows: list[list[NDArray[Any]]] = []
    chosen = _to_confirm(len(inputs[0]) if inputs else 0)
    to_confirm = []
    for number, case in enumerate(zip(*inputs, strict=True)):
        outputs = session.invoke(case)
        rows.append([session.tensor(index) for index in tensors])
        if number in chosen:
            to_confirm.append((case, outputs))
    for case, outputs in to_confirm:
        session.confirm(case, outputs)
    return [np.stack(column) for column in zip(*rows, strict=True)]


def invoke_all(runtime: Runtime, model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return every model output for every case, each of shape (cases, *output shape)."""
    session = runtime.open(model)
    outputs = session.invoke_each(inputs)
    for number in _to_confirm(len(inputs[0]) if inputs else 0):
        session.confirm([column[number] for column in inputs], [column[number] for column in outputs])
    return outputs


def load(runtime: Runtime, model: bytes | Path, inputs: Sequence[NDArray[Any]]) -> Loading:
    """Open a model, run it once and let the session confirm it; ``inputs``: one array per model input, of its shape."""
    session = runtime.open(model)
    session.confirm(inputs, session.invoke(inputs))
    return Loading(session.version, session.kernels, session.delegated_operators())


def run(runtime: Runtime, model: bytes | Path, inputs: NDArray[Any], logits_tensor: int | None) -> RunResult:
    """Run one image classifier over ``inputs``, shape (N, *image shape) in the model's input dtype.

    Outputs are those of a session that keeps no tensors, as an application opens it; a runtime may fuse operators
    there. The logits come from a second session, and are left out should its outputs be different ones.
    """
    plain = runtime.open(model)
    outputs = np.concatenate([plain.invoke([image[np.newaxis]])[0] for image in inputs])
    rss_bytes = plain.resident_bytes()
    for number in _to_confirm(len(inputs)):
        plain.confirm([inputs[number][np.newaxis]], [outputs[number][np.newaxis]])
    logits = None if logits_tensor is None else _logits(runtime, model, inputs, outputs, logits_tensor)
    return RunResult(
        runtime=runtime.name,
        version=plain.version,
        kernels=plain.kernels,
        outputs=outputs,
        logits=logits,
        rss_bytes=rss_bytes,
    )


def _to_confirm(count: int) -> list[int]:
    """Return which of ``count`` inputs a session is asked to confirm."""
    return sorted({int(number) for number in np.linspace(0, count - 1, min(count, CONFIRMED_CASES))})


def _logits(
    runtime: Runtime, model: bytes | Path, inputs: NDArray[Any], outputs: NDArray[Any], tensor: int
) -> NDArray[Any] | None:
    """Return a tensor for every input, or None if the runtime can't show it, or only by computing other outputs."""
    session = runtime.open(model, keep_tensors=True)
    logits = []
    for image, expected in zip(inputs, outputs, strict=True):
        found = session.invoke([image[np.newaxis]])[0][0]
        try:
            logits.append(session.tensor(tensor))
        except NotImplementedError:
            return None
        if not np.array_equal(found, expected):
            return None
    return np.asarray(np.concatenate(logits))
