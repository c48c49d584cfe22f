"""How a picture becomes a model's input and what its outputs mean: one value, from the dataset to the chip."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.normalisation import Normalisation

_PASSED_THROUGH = ("DEQUANTIZE", "QUANTIZE", "RESHAPE")
_PROBABILITIES = ("SOFTMAX", "LOGISTIC")


class OutputKind(enum.Enum):
    """What a classifier's outputs are."""

    PROBABILITIES = "probabilities"
    SCORES = "scores"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Preprocessing:
    """What goes into a classifier and what comes out.

    ``image_shape``: (height, width, channels) of an image as uint8, channels last; 1 channel is grey, 3 are RGB.
    ``class_names``: in the order of the outputs; empty where nobody has named them. ``output``: what the outputs are,
    where the file tells.
    """

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...] = ()
    normalisation: Normalisation = field(default_factory=Normalisation)
    output: OutputKind = OutputKind.UNKNOWN

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for RGB."""
        return self.image_shape[2]

    def as_json(self) -> dict[str, Any]:
        """Return what a manifest records, as JSON values; the kind of output is in the file itself."""
        return {
            "image_shape": list(self.image_shape),
            "class_names": list(self.class_names),
            "normalisation": {"scale": self.normalisation.scale, "offset": self.normalisation.offset},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Read back what :meth:`as_json` gave.

        :raises KeyError, TypeError, ValueError: a value is missing or of the wrong type.
        """
        height, width, channels = (int(size) for size in values["image_shape"])
        names = tuple(str(name) for name in values["class_names"])
        return cls((height, width, channels), names, Normalisation(**values["normalisation"]))


def output_kind(model: TfliteModel) -> OutputKind:
    """Return what a model's outputs are, by the last operator that computes."""
    kinds = [operator.kind for operator in model.operators if operator.kind not in _PASSED_THROUGH]
    if not kinds:
        return OutputKind.UNKNOWN
    return OutputKind.PROBABILITIES if kinds[-1] in _PROBABILITIES else OutputKind.SCORES
