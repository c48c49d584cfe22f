"""What is counted, in the form in which Prometheus reads it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edgemnist.http import log
from edgemnist.http.service import Counts
from edgemnist.serving.engine import Watcher

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Metrics:
    """Every metric of one server, in a registry of its own. The names of labels are bounded: no client invents one."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        model = ("model", "version")
        self.requests = Counter(
            "edgemnist_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self.seconds = Histogram(
            "edgemnist_request_seconds", "From the head of a request to its answer.", ("route",), registry=registry,
            buckets=_SECONDS,
        )  # fmt: skip
        self.in_flight = Gauge("edgemnist_requests_in_flight", "Requests being answered.", registry=registry)
        self.refused = Counter(
            "edgemnist_refused", "Requests that were not let in, by why.", ("reason",), registry=registry
        )
        self.predictions = Counter("edgemnist_predictions", "Images classified.", (*model, "label"), registry=registry)
        self.confidence = Histogram(
            "edgemnist_confidence", "Probability of the class that was chosen.", model, registry=registry,
            buckets=_SHARES,
        )  # fmt: skip
        self.batches = Histogram(
            "edgemnist_batch_images", "Images answered together by a runtime.", (*model, "runtime"), registry=registry,
            buckets=_IMAGES,
        )  # fmt: skip
        self.invoke_seconds = Histogram(
            "edgemnist_batch_seconds", "Time of such a batch in the runtime.", (*model, "runtime"), registry=registry,
            buckets=_SECONDS,
        )  # fmt: skip
        self.queue = Gauge(
            "edgemnist_queue_images", "Images that wait for a runtime.", (*model, "runtime"), registry=registry
        )
        self.restarts = Counter(
            "edgemnist_worker_restarts", "Runtimes' processes started again.", (*model, "runtime"), registry=registry
        )
        self.loads = Counter("edgemnist_model_loads", "Model files loaded.", ("model", "outcome"), registry=registry)
        self.models = Gauge(
            "edgemnist_model_info", "1 for each model that is served.", (*model, "sha256", "kind", "runtime"),
            registry=registry,
        )  # fmt: skip
        self.shadowed = Counter(
            "edgemnist_shadow_compared", "Images that the shadow runtime ran too.", (*model, "shadow"),
            registry=registry,
        )  # fmt: skip
        self.shadow_bytes = Counter(
            "edgemnist_shadow_different_bytes", "Of these, those with other output bytes.", (*model, "shadow"),
            registry=registry,
        )  # fmt: skip
        self.shadow_classes = Counter(
            "edgemnist_shadow_different_class", "Of these, those with another class.", (*model, "shadow"),
            registry=registry,
        )  # fmt: skip
        self.shadow_dropped = Counter(
            "edgemnist_shadow_dropped", "Images that the shadow runtime was too slow for, or failed on.",
            (*model, "shadow"), registry=registry,
        )  # fmt: skip

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class RequestMetrics(Counts):
    """The requests' part of the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def in_flight(self, requests: int) -> None:
        """See :meth:`Counts.in_flight`."""
        self._metrics.in_flight.set(requests)

    def refused(self, reason: str) -> None:
        """See :meth:`Counts.refused`."""
        self._metrics.refused.labels(reason).inc()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """See :meth:`Counts.answered`."""
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)


class EngineMetrics(Watcher):
    """An engine's part of the metrics."""

    def __init__(self, metrics: Metrics, model: str, version: str, runtime: str) -> None:
        labels = (model, version, runtime)
        self._batches = metrics.batches.labels(*labels)
        self._seconds = metrics.invoke_seconds.labels(*labels)
        self._queue = metrics.queue.labels(*labels)
        self._restarts = metrics.restarts.labels(*labels)
        self._named = {"model": model, "version": version, "runtime": runtime}

    def batch(self, images: int, seconds: float) -> None:
        """See :meth:`Watcher.batch`."""
        self._batches.observe(images)
        self._seconds.observe(seconds)

    def waiting(self, images: int) -> None:
        """See :meth:`Watcher.waiting`."""
        self._queue.set(images)

    def restarted(self, reason: str) -> None:
        """See :meth:`Watcher.restarted`."""
        self._restarts.inc()
        log.write("error", "worker restarted", **self._named, reason=reason)
