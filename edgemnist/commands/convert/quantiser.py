"""A float ``.tflite`` to a quantised one, with ai-edge-quantizer; repeatable to the byte.

The recipe is plain values, so that the manifest keeps exactly what was asked for. The ranges of activations are ours:
the lowest and highest value over all calibration images, as TensorFlow's converter has them. The quantiser's own are a
moving average, which depends on the images' order, and for which a file needs a signature, as those before 2021 have
none.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.refusals import in_one_line
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import ModelKind, model_kind, operator_outputs

Recipe = list[dict[str, Any]]

CALIBRATION_RUNTIME = "litert-default"

_MIN_MAX, _CAST, _NOTHING = "min_max_uniform_quantize", "float_casting", "no_quantize"


def recipe_for(mode: ModelKind, io: str) -> Recipe:
    """Return ai-edge-quantizer's recipe for a mode, with input and output of type ``io``.

    Weights are symmetric and have a scale for each channel, as TensorFlow's converter makes them. With float
    activations those of FULLY_CONNECTED have one for all, because tflite-runtime 2.14 can load no other. Activations
    have a scale and a zero point (int8), or a scale alone (int16).

    :raises InputError: the mode is what the source is already.
    """
    if mode is ModelKind.FLOAT32:
        raise InputError("a float32 .tflite is float32 already; choose --int8, --int16x8, --dynamic or --float16")
    if mode is ModelKind.FLOAT16:
        weights = _tensor(16, "TENSORWISE", dtype="FLOAT")
        return [_rule("*", _CAST, {"weight_tensor_config": weights, **_precision("FLOAT", dequantise=True)})]
    activations = None
    if mode is not ModelKind.DYNAMIC:
        activations = _tensor(16 if mode is ModelKind.INT16X8 else 8, "TENSORWISE", symmetric=mode is ModelKind.INT16X8)
    every = _rule("*", _MIN_MAX, _integers(activations, "CHANNELWISE"))
    if mode is ModelKind.DYNAMIC:
        return [every, _rule("FULLY_CONNECTED", _MIN_MAX, _integers(activations, "TENSORWISE"))]
    return [every, *_ends(io)]


def _ends(io: str) -> Recipe:
    """Return the rules for input and output, where these are not of the activations' type."""
    if io in ("int8", "int16"):
        return []
    if io == "float32":
        return [_rule(end, _NOTHING, None) for end in ("INPUT", "OUTPUT")]
    bytes_ = _tensor(8, "TENSORWISE", dtype="UINT", symmetric=False)
    return [_rule(end, _MIN_MAX, _integers(bytes_, "CHANNELWISE")) for end in ("INPUT", "OUTPUT")]


def _integers(activations: Mapping[str, Any] | None, granularity: str) -> dict[str, Any]:
    given = {} if activations is None else {"activation_tensor_config": dict(activations)}
    return {**given, "weight_tensor_config": _tensor(8, granularity), **_precision("INTEGER", dequantise=False)}


def _tensor(bits: int, granularity: str, *, dtype: str = "INT", symmetric: bool = True) -> dict[str, Any]:
    return {"num_bits": bits, "symmetric": symmetric, "granularity": granularity, "dtype": dtype}


def _precision(compute: str, *, dequantise: bool) -> dict[str, Any]:
    return {"compute_precision": compute, "explicit_dequantize": dequantise, "skip_checks": False}


def _rule(operation: str, algorithm: str, config: Mapping[str, Any] | None) -> dict[str, Any]:
    rule = {"regex": ".*", "operation": operation, "algorithm_key": algorithm}
    return rule if config is None else {**rule, "op_config": dict(config)}


def quantise(model: TfliteModel, name: str, recipe: Recipe, calibration: NDArray[np.float32] | None) -> bytes:
    """Return a float model quantised by a recipe.

    ``name`` is what messages call it. ``calibration``: inputs, float32, shape (count, *input shape without the batch);
    None for a recipe that leaves the activations in float.

    :raises ModelError: ai-edge-quantizer does not take it; says why in its words.
    """
    with _quiet():
        from ai_edge_quantizer import quantizer

        try:
            ranges = None if calibration is None else activation_ranges(model, calibration)
            made = quantizer.Quantizer(bytearray(model.content), recipe).quantize(
                ranges, enable_progress_bar=False, enable_progress_report=False
            )
        except Exception as error:  # it raises ValueError, KeyError and others for what it does not know
            raise ModelError(f"ai-edge-quantizer cannot quantise {name!r}: {in_one_line(str(error))}") from error
    content = bytes(made.quantized_model)
    _check_complete(parse_tflite(content, name=name), name, whole=calibration is not None)
    return content


def _check_complete(made: TfliteModel, name: str, *, whole: bool) -> None:
    """Refuse what the quantiser left in float where all was to become integers, or a file that it left as it was."""
    if model_kind(made) is ModelKind.FLOAT32:
        raise ModelError(f"{name!r} has no weights that could be quantised; it stays as it is")
    ends = ("QUANTIZE", "DEQUANTIZE")
    left = [one.kind for one in made.operators if one.kind not in ends and _is_float(made, one.outputs)]
    if whole and left:
        kinds = ", ".join(f"{kind} ({left.count(kind)})" for kind in sorted(set(left)))
        raise ModelError(
            f"ai-edge-quantizer leaves operators of {name!r} in float32: {kinds}; convert the Keras model that it "
            "was made of, or choose --dynamic or --float16"
        )


def _is_float(model: TfliteModel, tensors: Sequence[int]) -> bool:
    return any(model.tensors[index].dtype == "float32" for index in tensors)


def activation_ranges(model: TfliteModel, calibration: NDArray[np.float32]) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the lowest and highest value of every computed tensor over all inputs, by the tensor's name.

    Each is float32 of as many dimensions as the tensor, every one of size 1.
    """
    session = find_runtime(CALIBRATION_RUNTIME).open(model.content, keep_tensors=True)
    entry = model.input()
    floats = [index for index in dict.fromkeys(operator_outputs(model)) if model.tensors[index].dtype == "float32"]
    lowest = dict.fromkeys((entry.index, *floats), np.inf)
    highest = dict.fromkeys(lowest, -np.inf)
    for case in calibration:
        session.invoke([case.reshape(entry.shape)])
        for index in lowest:
            values = case if index == entry.index else session.tensor(index)
            lowest[index] = min(lowest[index], float(values.min()))
            highest[index] = max(highest[index], float(values.max()))
    return {
        model.tensors[index].name: {
            "min": _sized(lowest[index], len(model.tensors[index].shape)),
            "max": _sized(highest[index], len(model.tensors[index].shape)),
        }
        for index in lowest
    }


def _sized(value: float, dimensions: int) -> NDArray[np.float32]:
    return np.full((1,) * dimensions, value, np.float32)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Python's warnings and absl's notes, which are for the quantiser's own users."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "1")
        yield
