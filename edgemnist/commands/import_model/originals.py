"""A model from elsewhere, whatever it was written by, as it came and as it was rebuilt: what an import compares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.classifier import Built, layer_kinds, rebuild_classifier
from edgemnist.keras_io.folding import Affine
from edgemnist.keras_io.rebuild import Way
from edgemnist.keras_io.sources import BYTES, OpenedSource, open_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.wrappers import is_quantised
from edgemnist.onnx.build import build
from edgemnist.onnx.layout import Layout, image_sizes
from edgemnist.onnx.original import SUFFIXES, OpenedOnnx, open_original
from edgemnist.tflite.normalisation import Normalisation

_IMAGES = 500

Sizes = tuple[int | None, int | None, int | None]
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Original:
    """A model as it came and as a tf_keras model.

    ``batch`` is the number of images that it takes at a time, None if that is free; ``images`` how many ``engine`` can
    be asked for in a few seconds. ``scores`` gives its outputs, float32 (count, outputs), for normalised images
    (count, height, width, channels), ``built`` is what has to give the same. ``pixels`` is the range that the file
    tells, ``certain`` where no other is possible; ``notes`` are findings, a line each.

    ``trained`` is what training goes on from, without what ``scaling`` (scale, offset) does to every pixel in front.

    ``aware``: of a model after quantisation-aware training, the rebuilt one with the ranges that it learned, for a
    normalisation; ``trained`` is then the one without them.
    """

    path: Path
    producer: str
    operators: tuple[str, ...]
    layout: str
    batch: int | None
    engine: str
    images: int
    scores: Predict
    built: Built
    trained: Built
    scaling: Affine = (1.0, 0.0)
    aware: Callable[[Normalisation], Built] | None = None
    pixels: str | None = None
    certain: bool = False
    notes: tuple[str, ...] = ()


class Opened(ABC):
    """A model file that was read. ``sizes``: (height, width, channels) that its images have to have, None if free."""

    sizes: Sizes

    @abstractmethod
    def bind(self, image_shape: tuple[int, int, int], dataset: str) -> Original:
        """Return the original, rebuilt, for images of (height, width, channels) of a dataset.

        :raises ModelError: it takes others, or is no classifier.
        :raises UnsupportedModelError: it has parts that cannot be rebuilt; lists them all.
        """


def open_model(path: Path, output: str | None) -> Opened:
    """Read a model file of any kind that can be imported; ``output`` names one of several outputs.

    :raises InputError: there is none, or it is of another kind.
    :raises ModelError: it is corrupt, or no model of one image.
    :raises MissingDependencyError: a package that reads it is not installed.
    """
    if path.suffix in SUFFIXES:
        return _Onnx(open_original(path), output)
    return _Keras(open_source(path, output, as_keras=True))


class _Onnx(Opened):
    def __init__(self, opened: OpenedOnnx, output: str | None) -> None:
        self._opened, self._output = opened, output
        self.sizes = image_sizes(opened.shape)

    def bind(self, image_shape: tuple[int, int, int], dataset: str) -> Original:
        original = self._opened.bind(image_shape, dataset, self._output)
        graph = original.graph
        built = build(graph, image_shape)
        takes_bytes = bool(graph.input_dtype == np.uint8)
        return Original(
            path=graph.path,
            producer=graph.producer,
            operators=graph.operators,
            layout=graph.layout.value,
            batch=graph.batch,
            engine=original.engine,
            images=original.images,
            scores=original.scores,
            built=built,
            trained=built,
            pixels=BYTES if takes_bytes else None,
            certain=takes_bytes,
        )


class _Keras(Opened):
    def __init__(self, opened: OpenedSource) -> None:
        self._opened = opened
        self.sizes = opened.sizes

    def bind(self, image_shape: tuple[int, int, int], dataset: str) -> Original:
        opened, loaded = self._opened, self._opened.keras
        source = opened.bind(image_shape, as_saved=True)
        quantised = loaded is not None and is_quantised(loaded.model)
        built, dropped = rebuild_classifier(opened, image_shape, Way(rounded=quantised))
        model = loaded.model if loaded else None
        trained = rebuild_classifier(opened, image_shape, Way(ranges=False))[0] if quantised else built
        trained, scaling = (trained, (1.0, 0.0)) if quantised else trained.without_scaling()
        return Original(
            path=opened.path,
            producer=f"Keras {loaded.version}" if loaded else "TensorFlow",
            operators=layer_kinds(model),
            layout=_layout(opened).value,
            batch=opened.batch,
            engine=_engine(model),
            images=_IMAGES,
            scores=lambda images: source.predict(source.arrange(images)),
            built=built,
            trained=trained,
            scaling=scaling,
            aware=(lambda pixels: _aware(opened, image_shape, pixels)) if quantised else None,
            pixels=opened.pixels,
            certain=bool(loaded and loaded.takes_bytes),
            notes=(*opened.notes, *_said_of(dropped)),
        )


def _said_of(dropped: tuple[str, ...]) -> tuple[str, ...]:
    kinds = ", ".join(f"{kind} ({count})" if count > 1 else kind for kind, count in Counter(dropped).items())
    return (f"left out, as they work in training alone: {kinds}",) if dropped else ()


def _aware(opened: OpenedSource, image_shape: tuple[int, int, int], normalisation: Normalisation) -> Built:
    return rebuild_classifier(opened, image_shape, Way(input_range=normalisation.ends()))[0]


def _layout(opened: OpenedSource) -> Layout:
    if len(opened.shape) == 3:
        return Layout.CHANNELS_FIRST if opened.layout == "nchw" else Layout.CHANNELS_LAST
    return Layout.WITHOUT_CHANNEL if len(opened.shape) == 2 else Layout.FLAT


def _engine(model: object) -> str:
    _, legacy = load_tensorflow()
    if type(model).__module__.startswith("tf_keras") or isinstance(model, legacy.Model):
        return f"tf-keras {legacy.__version__}"
    import keras  # type: ignore[import-untyped]

    return f"keras {keras.__version__}"
