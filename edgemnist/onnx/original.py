"""The model as it came, run by its own framework: what the imported one is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.onnx import torch_file
from edgemnist.onnx.graph import Graph
from edgemnist.onnx.layout import Shape
from edgemnist.onnx.onnx_file import graph_of, input_shape, load_model, load_onnx
from edgemnist.support.errors import InputError, ModelError, first_line

SUFFIXES = (".onnx", ".pt2")
FAST_IMAGES = 500
SLOW_IMAGES = 20
"""Images to compare with where only ONNX's reference implementation is installed, which is written in Python."""

Invoke = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Original:
    """A model file: its graph, and how to run it. ``engine`` names who does, with its version.

    ``images`` is how many it can be asked for in a few seconds.
    """

    graph: Graph
    engine: str
    images: int
    invoke: Invoke

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores, shape (count, classes), of normalised images (count, height, width, channels).

        :raises ModelError: the original's own framework cannot run it.
        """
        arranged = self.graph.layout.arrange(inputs).astype(self.graph.input_dtype)
        count, batch = len(arranged), self.graph.batch or 100
        parts = []
        for start in range(0, count, batch):
            part = arranged[start : start + batch]
            missing = batch - len(part) if self.graph.batch else 0
            whole = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part
            try:
                result = np.asarray(self.invoke(whole), np.float32)
            except Exception as error:
                # Every framework raises its own; none of them means anything but "not this model".
                raise ModelError(
                    f"{self.engine} cannot run {str(self.graph.path)!r}: {first_line(error)}; export it again"
                ) from error
            parts.append(result.reshape(len(whole), -1)[: len(part)])
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class OpenedOnnx:
    """A model file that was read, before it is known which images it gets. ``shape`` is its input's, batch first.

    ``model`` is the ``onnx.ModelProto``, ``program`` PyTorch's own form of it where it came from there.
    """

    path: Path
    model: Any
    program: Any | None
    shape: Shape

    def bind(self, image_shape: tuple[int, int, int], dataset: str, output: str | None = None) -> Original:
        """Return the original for images of (height, width, channels) of a dataset; ``output`` is one of several.

        :raises ModelError: it is no classifier of such images.
        """
        graph = graph_of(self.model, self.path, image_shape, dataset, output)
        if self.program is not None:
            return Original(graph, torch_file.engine_name(), FAST_IMAGES, torch_file.invoker(self.program))
        try:
            import onnxruntime
        except ImportError:
            return _by_reference(graph)
        return _by_onnxruntime(graph, onnxruntime)


def open_original(path: Path) -> OpenedOnnx:
    """Read an ``.onnx`` or ``.pt2`` file.

    :raises InputError: there is none.
    :raises ModelError: it is corrupt, or takes something else than one image.
    :raises MissingDependencyError: a package that reads it is not installed.
    """
    if not path.is_file():
        raise InputError(f"there is no model {str(path)!r}; give an .onnx or .pt2 file")
    program = torch_file.load_program(path) if path.suffix == ".pt2" else None
    model = load_model(path) if program is None else torch_file.as_onnx(program, path)
    return OpenedOnnx(path, model, program, input_shape(model, path))


def _by_onnxruntime(graph: Graph, onnxruntime: Any) -> Original:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(graph.path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # Its errors are classes of their own, made in C++, with no common base.
        raise ModelError(
            f"onnxruntime cannot load {str(graph.path)!r}: {first_line(error)}; export it again"
        ) from error
    name = f"onnxruntime {onnxruntime.__version__}"
    known = {value.name for value in session.get_outputs()}
    return Original(graph, name, FAST_IMAGES, _asking(session, graph, known))


def _by_reference(graph: Graph) -> Original:
    onnx = load_onnx()
    try:
        session = onnx.reference.ReferenceEvaluator(str(graph.path))
    except Exception as error:
        # Operators without a reference implementation raise NotImplementedError, RuntimeContextError and others.
        raise ModelError(f"onnx cannot run {str(graph.path)!r}: {first_line(error)}; install onnxruntime") from error
    return Original(
        graph, f"onnx {onnx.__version__} reference", SLOW_IMAGES, _asking(session, graph, set(session.output_names))
    )


def _asking(session: Any, graph: Graph, outputs: set[str]) -> Invoke:
    """Return how a session is asked for the scores, which scikit-learn's converters wrap into one map per image."""
    if graph.output in outputs:
        return lambda inputs: np.asarray(session.run([graph.output], {graph.input: inputs})[0])

    def unwrapped(inputs: NDArray[Any]) -> NDArray[Any]:
        maps = session.run(None, {graph.input: inputs})[-1]
        return np.asarray([list(one.values()) for one in maps])

    return unwrapped
