"""Run a whole model over images, whatever the model and whatever the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.formats import KERAS_SUFFIXES
from edgemnist.runner.base import RunResult
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker, runtime_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import InputError, UnsupportedModelError, WrongOutputError
from edgemnist.tflite.chosen_output import with_output
from edgemnist.tflite.file import TfliteModel, read_tflite, size_problems
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflite.pixels import model_input
from edgemnist.tflite.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model file and what has to be known about it to run it; ``tflite`` is None for a Keras model.

    ``longer_name`` is for reports in which another file is called alike.
    """

    path: Path
    kind: ModelKind
    tflite: TfliteModel | None
    longer_name: str = ""

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.longer_name or self.path.name

    @property
    def runnable(self) -> bytes | Path:
        """What a runtime opens: the path of a Keras model, the bytes of a ``.tflite`` with the one chosen output."""
        return self.path if self.tflite is None else self.tflite.content

    @property
    def logits_tensor(self) -> int | None:
        """Index of the tensor that feeds the final softmax, or None when there is no such softmax."""
        return None if self.tflite is None else final_softmax_input(self.tflite)

    def inputs(self, images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
        """Return uint8 images, shape (N, height, width, channels), as this model's input, one row per image."""
        if self.tflite is None:
            return preprocessing.real_input(images)
        return model_input(images, self.tflite.input(), preprocessing)


def load_model(path: Path, output: str | None = None, *, any_ends: bool = False) -> LoadedModel:
    """Look into a model file: ``.keras``, ``.h5`` or a SavedModel folder is Keras, everything else has to be TFLite.

    ``output`` names one of several outputs of a ``.tflite``; with ``any_ends`` it may have several inputs, and several
    outputs of which none is named.

    :raises InputError: the file is not there, or an output is named of a Keras model.
    :raises ModelError: it is no TFLite file, is corrupt, has several inputs, or several outputs of which none is named;
        or a tensor is too large to be computed.
    """
    if not path.exists():
        raise InputError(f"there is no model {str(path)!r}; give a .tflite, .keras or .h5 file or a SavedModel folder")
    if path.suffix in KERAS_SUFFIXES or path.is_dir():
        if output is not None:
            raise InputError(
                f"--output {output}: of a Keras model an output is chosen when it is converted or imported; give the "
                "option there, and name what comes of it"
            )
        return LoadedModel(path, ModelKind.KERAS, None)
    whole = read_tflite(path)
    require_computable(whole, path)
    if not any_ends:
        whole.input()
    model = whole if any_ends and output is None else with_output(whole, output, str(path))
    return LoadedModel(path, model_kind(model), model)


def require_computable(model: TfliteModel, path: Path) -> None:
    """Make sure that no tensor is too large to be computed.

    :raises UnsupportedModelError: one is; names every one.
    """
    problems = [one for tensor in model.tensors if tensor.data is None for one in size_problems(tensor)]
    if problems:
        raise UnsupportedModelError(f"{str(path)!r} can't be run:", problems)


def final_softmax_input(model: TfliteModel) -> int | None:
    """Return the tensor, computed by an operator, that feeds the softmax at the end of a model, or None.

    The softmax is seen through a final change of type.
    """
    producers = {index: operator for operator in model.operators for index in operator.outputs}
    last = producers.get(model.output().index)
    while last is not None and last.kind in ("QUANTIZE", "DEQUANTIZE", "RESHAPE"):
        last = producers.get(last.inputs[0])
    if last is None or last.kind != "SOFTMAX" or last.inputs[0] not in producers:
        return None
    return last.inputs[0]


def run_model(
    runtime: str,
    model_path: Path,
    images: NDArray[np.uint8],
    *,
    preprocessing: Preprocessing | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> RunResult:
    """Run an image classifier over images in a runtime, in a process of its own.

    :param images: uint8, shape (N, height, width, channels), 0..255.
    :param timeout: seconds.
    :raises InputError: no such runtime or model, or no images.
    :raises ModelError: the model is corrupt, or the runtime doesn't take it.
    :raises MissingDependencyError: the runtime is not installed.
    :raises WrongOutputError: it gave other outputs than the file declares, or NaN.
    :raises RuntimeCrashedError: the runtime died or hung.
    """
    with runtime_worker(runtime, timeout=timeout) as worker:
        return run_with(worker, load_model(model_path), images, preprocessing or _as_it_is(images))


def run_with(
    worker: RuntimeWorker, model: LoadedModel, images: NDArray[np.uint8], preprocessing: Preprocessing
) -> RunResult:
    """Do what :func:`run_model` does, in a worker that is there already."""
    if len(images) == 0:
        raise InputError("there are no images to run the model on; give at least one")
    takes = find_runtime(worker.runtime).takes
    if model.kind not in takes:
        kinds = ", ".join(sorted(kind.value for kind in takes))
        raise UnsupportedModelError(
            f"the runtime {worker.runtime!r} does not take {model.path.name!r}:",
            [f"it is a {model.kind.value} model; the runtime takes: {kinds}"],
        )
    inputs = model.inputs(images, preprocessing)
    result = worker.run(model.runnable, inputs, logits_tensor=model.logits_tensor)
    check_outputs(worker.runtime, result.outputs, model, len(images))
    check_numbers(worker.runtime, result.outputs)
    return result


def invoke_with(worker: RuntimeWorker, model: LoadedModel, inputs: NDArray[Any]) -> NDArray[Any]:
    """Return the outputs of a model's only output for inputs as ``LoadedModel.inputs`` has them, shape (N, outputs).

    :raises WrongOutputError: the runtime gave other outputs than the file declares.
    :raises EdgeMnistError: as ``RuntimeWorker.invoke``.
    """
    outputs = worker.invoke(model.runnable, [inputs[:, np.newaxis]])[0]
    return checked_rows(worker.runtime, model, outputs, len(inputs))


def checked_rows(runtime: str, model: LoadedModel, outputs: NDArray[Any], count: int) -> NDArray[Any]:
    """Return what ``RuntimeWorker.invoke`` gave for ``count`` inputs as one row for each, shape (count, outputs).

    :raises WrongOutputError: these are other outputs than the file declares.
    """
    check_outputs(runtime, outputs.reshape(-1, *outputs.shape[2:]), model, count)
    return outputs.reshape(count, -1)


def check_outputs(runtime: str, outputs: NDArray[Any], model: LoadedModel, count: int) -> None:
    """Refuse outputs, of shape (N, ...), that are none of the model's.

    :param count: N, the number of images.
    :raises WrongOutputError: says what came and what is declared.
    """
    if model.tflite is not None:
        declared = model.tflite.output()
        first, *rest = declared.shape or (1,)
        expected = (count * first, *rest)
        fits = outputs.shape == expected or -1 in declared.shape_signature[1:]
        if not fits or outputs.dtype.name != declared.dtype:
            raise WrongOutputError(
                f"{runtime!r} gave outputs of shape {list(outputs.shape)} and type {outputs.dtype.name} for {count} "
                f"images, the file declares {list(expected)} and {declared.dtype}; convert it again"
            )
    elif len(outputs) != count:
        raise WrongOutputError(f"{runtime!r} gave {len(outputs)} outputs for {count} images; save the model again")


def check_numbers(runtime: str, outputs: NDArray[Any]) -> None:
    """Refuse NaN in outputs of shape (N, ...).

    :raises WrongOutputError: says of how many images.
    """
    if outputs.dtype.kind == "f" and np.isnan(outputs).any():
        images = int(np.isnan(outputs).reshape(len(outputs), -1).any(axis=1).sum())
        raise WrongOutputError(
            f"{runtime!r} gave no number (NaN) for {images} of {len(outputs)} images; look at the model's weights and "
            "at what it is fed (--normalisation)"
        )


def trace_model(
    runtime: str,
    model_path: Path,
    images: NDArray[np.uint8],
    *,
    preprocessing: Preprocessing | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> dict[int, NDArray[Any]]:
    """Return every operator's output for every image by tensor index, each of shape (N, *tensor shape).

    Only for ``.tflite`` models; parameters and errors as for :func:`run_model`.
    """
    model = load_model(model_path)
    if model.tflite is None:
        raise UnsupportedModelError(f"cannot trace {str(model_path)!r}:", ["only .tflite models can be traced"])
    inputs = model.inputs(images, preprocessing or _as_it_is(images))[:, np.newaxis]
    with runtime_worker(runtime, timeout=timeout) as worker:
        return worker.trace(model.tflite.content, [inputs])


def _as_it_is(images: NDArray[np.uint8]) -> Preprocessing:
    """Return how images of the model's own size and channels are fed where nobody says otherwise: pixels in 0..1."""
    height, width, channels = images.shape[1:]
    return Preprocessing((height, width, channels))
