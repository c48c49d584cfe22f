"""A model that is served: its file, how it is fed and read, and the runtimes in which it is open."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.harness.claims import warn_of
from edgemnist.harness.models import digest_of, named_subject
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.recognised import recognised
from edgemnist.harness.runtimes import check_named, preferred_runtimes
from edgemnist.http import log
from edgemnist.runner.registry import find_runtime, installed_for
from edgemnist.runner.run import LoadedModel
from edgemnist.serving.engine import Engine, opened
from edgemnist.serving.metrics import EngineMetrics, Metrics
from edgemnist.serving.panel import GENERATED_C, Panel, places_of
from edgemnist.serving.settings import ModelSettings
from edgemnist.serving.shadow import Shadow
from edgemnist.serving.sources import Signature
from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite.kinds import ModelKind

_EXPORTED_NAME = re.compile(r"^(?:serving_default_|serve_)?(?P<name>[^:;]+)")


@dataclass(eq=False)
class ServedModel:
    """A version of a model. ``leases``: how many requests are at work with it; ``loaded_at``: seconds since 1970.

    ``assumed``: a line for each thing about how it is fed that nobody had said; ``recorded``: what somebody had, in the
    manifest beside it. ``timeout``: seconds that a runtime may take for an answer.
    """

    name: str
    version: int
    path: Path
    signature: Signature
    model: LoadedModel
    context: ModelContext
    assumed: tuple[str, ...]
    sha256: str
    engine: Engine
    shadow: Shadow | None
    loaded_at: float
    timeout: float
    recorded: ModelContext | None
    leases: int = 0
    _panel: Panel | None = None
    _finding: threading.Lock = field(default_factory=threading.Lock)

    def panel(self) -> Panel:
        """Return its engines side by side, none of which starts before it is asked.

        The first call takes a second or two, to find out what is installed; it may come from any thread.
        """
        with self._finding:
            if self._panel is None:
                self._panel = Panel(places_of(self.model, self.engine.runtime), self.context, self.timeout)
            return self._panel

    @property
    def class_names(self) -> tuple[str, ...]:
        """The labels in the order of the outputs."""
        return self.context.preprocessing.class_names

    @functools.cached_property
    def input_name(self) -> str:
        """What the input is called, without what exporting put around it."""
        return _exported(self.model.tflite.input().name) if self.model.tflite else "input"

    @functools.cached_property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input, without the batch."""
        if self.model.tflite is not None:
            return tuple(self.model.tflite.input().shape[1:])
        known = self.context.preprocessing
        image = np.zeros((1, *known.image_shape), dtype=np.uint8)
        return known.real_input(image).shape[1:]

    @functools.cached_property
    def is_int8(self) -> bool:
        """Whether the input and the output are int8 themselves."""
        tflite = self.model.tflite
        return tflite is not None and (tflite.input().dtype, tflite.output().dtype) == ("int8", "int8")

    def probabilities(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return class probabilities, shape (count, classes), of outputs as the runtime gave them."""
        return probabilities(rows, self.model, self.context.preprocessing)

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return uint8 images, shape (count, height, width, channels), as the model's input."""
        return self.model.inputs(images, self.context.preprocessing)

    def named(self) -> dict[str, Any]:
        """Return what an answer says of it as JSON values."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256, "runtime": self.engine.runtime}

    def told(self) -> tuple[str, str, str, str, str]:
        """Return the values of the labels of its line in the metrics."""
        return self.name, str(self.version), self.sha256, self.model.kind.value, self.engine.runtime

    def close(self) -> None:
        """Answer what waits and end its runtimes."""
        self.engine.close()
        if self.shadow is not None:
            self.shadow.engine.close()
        with self._finding:
            if self._panel is not None:
                self._panel.close()

    def as_json(self) -> dict[str, Any]:
        """Return what is told of it as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "file": str(self.path),
            "sha256": self.sha256,
            "kind": self.model.kind.value,
            "runtime": f"{self.engine.runtime} {self.engine.version}",
            "ready": self.engine.ready,
            "preprocessing": self.context.preprocessing.in_words(),
            "assumed": list(self.assumed),
            "shadow": self.shadow.as_json() if self.shadow else None,
        }


def _exported(name: str) -> str:
    found = _EXPORTED_NAME.match(name)
    return found["name"] if found else "input"


def load_served(
    name: str,
    version: int,
    path: Path,
    signature: Signature,
    settings: ModelSettings,
    metrics: Metrics,
    timeout: float,
) -> ServedModel:
    """Open a model file in a runtime, and in the shadow if there is one, and try it on one image.

    :raises EdgeMnistError: it is damaged, no runtime takes it, or it has other classes than are recorded of it.
    """
    subject = named_subject(path, output=settings.feeding.output)
    context, assumed = recognised(subject, settings.feeding, settings.dataset)
    model = subject.model
    warn_of(model)
    black = np.zeros((1, *context.preprocessing.image_shape), dtype=np.uint8)
    trial = model.inputs(black, context.preprocessing)

    def make(runtime: str) -> Engine:
        watcher = EngineMetrics(metrics, name, str(version), runtime)
        return Engine(model, runtime, trial, timeout=timeout, watcher=watcher)

    engine = opened([functools.partial(make, one) for one in _runtimes_for(model, settings.runtime)])
    try:
        _check_classes(engine.submit(trial).result(), model, context, path)
        shadow = _shadow(make, model, settings, engine)
    except BaseException:
        engine.close()
        raise
    sha256 = model.tflite.sha256 if model.tflite else digest_of(path)
    served = ServedModel(
        name, version, path, signature, model, context, assumed, sha256, engine,
        Shadow(shadow, metrics, name, str(version)) if shadow else None, time.time(), timeout, subject.context,
    )  # fmt: skip
    metrics.models.labels(*served.told()).set(1)
    log.write("info", "model opened", **served.as_json())
    return served


def _runtimes_for(model: LoadedModel, named: str | None) -> Sequence[str]:
    if named is not None:
        check_named([model], [named])
        return installed_for(model.kind, [named])
    usual = preferred_runtimes(model.kind)
    return installed_for(model.kind, (GENERATED_C, *usual) if model.kind is ModelKind.INT8 else usual)


def _shadow(make: Any, model: LoadedModel, settings: ModelSettings, engine: Engine) -> Engine | None:
    if settings.shadow is None:
        return None
    if settings.shadow == engine.runtime:
        raise InputError(
            f"--shadow {settings.shadow}: that runtime answers already; choose another one to compare with"
        )
    if model.kind not in find_runtime(settings.shadow).takes:
        raise InputError(f"--shadow {settings.shadow}: it takes no {model.kind.value} model; choose another runtime")
    shadow: Engine = make(settings.shadow)
    shadow.start()
    return shadow


def _check_classes(rows: NDArray[Any], model: LoadedModel, context: ModelContext, path: Path) -> None:
    found, known = probabilities(rows, model, context.preprocessing).shape[1], len(context.preprocessing.class_names)
    if found != known:
        raise ModelError(
            f"{str(path)!r} tells {found} classes apart, {known} are known; name the dataset that it was trained on "
            "with --dataset, or its classes with --classes"
        )
