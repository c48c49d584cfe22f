"""Which ``.tflite`` files can be quantised: those that are float, whole, and not quantised already."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from edgemnist.support.errors import InputError, MissingDependencyError, ModelError
from edgemnist.tflite.file import TfliteModel, read_tflite
from edgemnist.tflite.kinds import ModelKind, model_kind

INSTALL = "pip install 'edgemnist[quantizer]'"

_ALREADY = {
    ModelKind.INT8: "is int8 already",
    ModelKind.INT16X8: "is int16x8 already",
    ModelKind.DYNAMIC: "has int8 weights already",
    ModelKind.FLOAT16: "has float16 weights already",
}


def check_quantisable(path: Path) -> tuple[Path, ...]:
    """Return the file as the one that a conversion is made of.

    :raises InputError: there is no such file.
    :raises ModelError: it is corrupt, not float32 through and through, or has control flow.
    :raises MissingDependencyError: ai-edge-quantizer is not installed.
    """
    model = read_tflite(path)
    already = _ALREADY.get(model_kind(model))
    if already is not None:
        raise InputError(
            f"{str(path)!r} {already}, and only float32 can be converted: for its C array leave the mode out, "
            f"`edgemnist convert {path}`; for another kind convert the Keras model or the float32 .tflite of it"
        )
    _check_shape(path, model)
    if find_spec("ai_edge_quantizer") is None:
        raise MissingDependencyError(
            f"quantising {str(path)!r} needs ai-edge-quantizer, which is not installed; install it with: {INSTALL}"
        )
    return (path,)


def _check_shape(path: Path, model: TfliteModel) -> None:
    if model.subgraphs != 1:
        raise ModelError(
            f"{str(path)!r} has {model.subgraphs} subgraphs, which control flow (recurrent layers) and several "
            "signatures make; it can be quantised with one only: convert the Keras model, its loops unrolled"
        )
    dtypes = (model.input().dtype, model.output().dtype)
    if dtypes != ("float32", "float32"):
        raise ModelError(
            f"{str(path)!r} takes {dtypes[0]} and answers {dtypes[1]}, and only float32 can be quantised: "
            "convert the Keras model that it was made of"
        )
    if model.input().shape[:1] != (1,):
        raise ModelError(
            f"{str(path)!r} takes inputs of shape {list(model.input().shape)}, and only a batch of 1 can be quantised: "
            "convert the Keras model that it was made of"
        )
