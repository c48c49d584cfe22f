"""Every way of feeding pictures to a model, for what has to agree with ``model_input`` in all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.normalisation import Normalisation, standardised
from edgemnist.tflite.preprocessing import Preprocessing
from tests.csource.files import tensor

HEIGHT, WIDTH = 3, 5
NAMES = ("cat", "dog")
IMAGENET = standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SCALES = {"int8": (0.031, 4), "uint8": (0.02, 90), "int16": (1.2e-4, 0), "float32": (None, 0)}
"""An input's scale and zero point by its type: of no usual range, so that values are rounded and clamped."""


def all_preprocessings(
    normalisations: Sequence[Normalisation] = (Normalisation(), IMAGENET),
) -> Iterator[Preprocessing]:
    """Yield colours, layouts, inversion, transposition and normalisations in all combinations that there are."""
    switches = itertools.product(("grey", "rgb", "bgr"), ("nhwc", "nchw"), (False, True), (False, True), normalisations)
    for colours, layout, inverted, transposed, normalisation in switches:
        channels = 1 if colours == "grey" else 3
        if normalisation.channels in (1, channels):
            yield Preprocessing(
                (HEIGHT, WIDTH, channels),
                NAMES,
                normalisation,
                bgr=colours == "bgr",
                layout=layout,
                inverted=inverted,
                transposed=transposed,
            )


def input_of(known: Preprocessing, dtype: str) -> TensorInfo:
    """Return a model's input that takes pictures so fed."""
    rows, columns = known.input_size
    shape = (known.channels, rows, columns) if known.layout == "nchw" else (rows, columns, known.channels)
    scale, zero_point = SCALES[dtype]
    return tensor(0, (1, *shape), dtype, scale=scale, zero_point=zero_point)
