"""What a ``.tflite`` file itself tells of how a picture becomes its input: size, layout, range of pixels, outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation
from edgemnist.tflite.pixels import NEAR, infer_normalisation, quantised_input, quantised_range
from edgemnist.tflite.preprocessing import OutputKind

_OF_BYTES = 0.06
"""A model that multiplies its input by less than this takes pixels of 0..255: 1/255 and 2/255 are below it."""

_OF_UNITS = 0.6
"""A model that multiplies its input by more than this takes pixels that were divided already."""

_PASSED_THROUGH = ("DEQUANTIZE", "QUANTIZE", "RESHAPE")
_PROBABILITIES = ("SOFTMAX", "LOGISTIC")

_RESCALING = ("MUL", "DIV", "ADD", "SUB")


@dataclass(frozen=True)
class ImageInput:
    """An image as a model takes it: (height, width, channels) whatever the layout; ``layout`` is "" where it is flat.

    ``certain`` is False where the shape allows another reading, as a flat colour image's does.
    """

    shape: tuple[int, int, int]
    layout: str
    certain: bool = True


@dataclass(frozen=True)
class DerivedRange:
    """A normalisation that a file tells, and the evidence for it in words."""

    normalisation: Normalisation
    evidence: str

    def is_near(self, other: Normalisation) -> bool:
        """Whether another normalisation covers about the same range, as one with numbers for each channel does."""
        near = NEAR * (self.normalisation.ends()[1] - self.normalisation.ends()[0])
        return all(abs(a - b) <= near for a, b in zip(self.normalisation.ends(), other.ends(), strict=True))


def image_input_of(shape: tuple[int, ...], name: str) -> ImageInput:
    """Return the image that an input of a shape (without its batch) holds; ``name`` is the model's, for messages.

    :raises ModelError: it is no grey or colour image.
    """
    if len(shape) == 3 and shape[2] in (1, 3):
        return ImageInput((shape[0], shape[1], shape[2]), "nhwc", certain=shape[0] not in (1, 3))
    if len(shape) == 3 and shape[0] in (1, 3):
        return ImageInput((shape[1], shape[2], shape[0]), "nchw")
    if len(shape) == 2:
        return ImageInput((shape[0], shape[1], 1), "nhwc")
    if len(shape) == 1:
        for channels in (1, 3):
            side = math.isqrt(shape[0] // channels)
            if shape[0] and side * side * channels == shape[0]:
                return ImageInput((side, side, channels), "nhwc", certain=channels == 1)
    raise ModelError(
        f"{name!r} takes inputs of shape {list(shape)}, which is no image of 1 or 3 channels; its last or its first "
        "size has to be 1 or 3, or it has to be a flat square"
    )


def derived_range(model: TfliteModel) -> DerivedRange | None:
    """Return the range of pixels that a file tells: its integer input's, its QUANTIZE's, or that of its own rescaling.

    None where nothing in the file tells.
    """
    quantised = quantised_input(model)
    if quantised is None:
        return _of_rescaling(model)
    normalisation = infer_normalisation(quantised)
    if normalisation is None:
        return None
    low, high = quantised_range(quantised)
    scale, zero_point = (quantised.quantisation.scale, quantised.quantisation.zero_point)  # type: ignore[union-attr]
    which = "the input's" if quantised.index == model.input().index else "that of the QUANTIZE behind the float input,"
    return DerivedRange(
        normalisation,
        f"{which} scale {scale:.6g} and zero point {zero_point} ({quantised.dtype}) cover {low:.4g}..{high:.4g}",
    )


def output_kind(model: TfliteModel) -> OutputKind:
    """Return what a model's outputs are, by the last operator that computes and by how many there are."""
    kinds = [operator.kind for operator in model.operators if operator.kind not in _PASSED_THROUGH]
    if not kinds:
        return OutputKind.UNKNOWN
    probabilities = kinds[-1] in _PROBABILITIES
    if model.output().elements == 1:
        return OutputKind.ONE_PROBABILITY if probabilities else OutputKind.ONE_SCORE
    return OutputKind.PROBABILITIES if probabilities else OutputKind.SCORES


def _of_rescaling(model: TfliteModel) -> DerivedRange | None:
    """Look at a float model's first operators: a Rescaling or Normalization layer is a product and a sum."""
    tensor, factor = model.input(), 1.0
    words: list[str] = []
    means: list[float] = []
    while (step := _rescaling_step(model, tensor)) is not None:
        operator, constant = step
        size = float(np.abs(constant).mean())
        if operator.kind in ("MUL", "DIV") and size > 0:
            factor *= size if operator.kind == "MUL" else 1.0 / size
        elif not words:
            means.append(size)
        words.append(f"{operator.kind} {float(constant.mean()):.4g}")
        tensor = model.tensors[operator.outputs[0]]
    said = f"the model rescales its input itself ({', '.join(words)})"
    if words and (factor < _OF_BYTES or (means and means[0] > 2)):
        return DerivedRange(NORMALISATIONS["0..255"], said)
    if words and _OF_UNITS < factor < 20 and (factor != 1.0 or means):
        return DerivedRange(NORMALISATIONS["0..1"], said)
    return None


def _rescaling_step(model: TfliteModel, tensor: TensorInfo) -> tuple[OperatorInfo, np.ndarray] | None:  # type: ignore[type-arg]
    """Return the one operator that reads a tensor and the constant it is combined with, if it is a rescaling."""
    readers = [operator for operator in model.operators if tensor.index in operator.inputs]
    if len(readers) != 1 or readers[0].kind not in _RESCALING or len(readers[0].inputs) != 2:
        return None
    other = next((index for index in readers[0].inputs if index != tensor.index), None)
    constant = None if other is None or other < 0 else model.tensors[other].data
    if constant is None or constant.dtype.kind != "f" or constant.size > 3 or not np.isfinite(constant).all():
        return None
    return readers[0], constant
