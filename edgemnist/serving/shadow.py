"""Another runtime that gets what the first one got, after the answer is out; where they differ is counted."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.serving.engine import Engine, EngineClosedError, QueueFullError
from edgemnist.serving.metrics import Metrics


@dataclass
class ShadowCounts:
    """Images: that both runtimes ran, of these those with other bytes and with another class, and those left out."""

    compared: int = 0
    different_bytes: int = 0
    different_class: int = 0
    dropped: int = 0


class Shadow:
    """A runtime beside the one that answers. Its failures are nobody's but its own."""

    def __init__(self, engine: Engine, metrics: Metrics, model: str, version: str) -> None:
        self.engine, self.counts = engine, ShadowCounts()
        labels = (model, version, engine.runtime)
        self._compared = metrics.shadowed.labels(*labels)
        self._bytes = metrics.shadow_bytes.labels(*labels)
        self._classes = metrics.shadow_classes.labels(*labels)
        self._dropped = metrics.shadow_dropped.labels(*labels)

    def offer(self, inputs: NDArray[Any], rows: NDArray[Any]) -> None:
        """Run inputs, shape (count, ...), and compare with ``rows``, what was answered; does not wait for it."""
        try:
            answer = self.engine.submit(inputs)
        except (QueueFullError, EngineClosedError):
            self._drop(len(inputs))
            return
        answer.add_done_callback(lambda done: self._compare(done, rows))

    def as_json(self) -> dict[str, Any]:
        """Return the runtime and what was counted as JSON values."""
        return {"runtime": self.engine.runtime, "ready": self.engine.ready, **asdict(self.counts)}

    def _compare(self, done: Future[NDArray[Any]], rows: NDArray[Any]) -> None:
        """Count; runs in the engine's thread alone, so that nothing is counted twice at a time."""
        if done.cancelled() or done.exception() is not None:
            self._drop(len(rows))
            return
        others = done.result()
        same_bytes = np.array([one.tobytes() == other.tobytes() for one, other in zip(rows, others, strict=True)])
        different_bytes = int((~same_bytes).sum())
        different_class = int((rows.argmax(axis=1) != others.argmax(axis=1)).sum())
        self.counts.compared += len(rows)
        self.counts.different_bytes += different_bytes
        self.counts.different_class += different_class
        self._compared.inc(len(rows))
        self._bytes.inc(different_bytes)
        self._classes.inc(different_class)

    def _drop(self, images: int) -> None:
        self.counts.dropped += images
        self._dropped.inc(images)
