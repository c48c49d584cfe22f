"""TFLite values made by hand, for what no converter would write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from edgemnist.tflite.file import Quantisation, TensorInfo, TfliteModel
from edgemnist.tflite.preprocessing import Preprocessing

GOLDEN = Path(__file__).parent.parent / "golden" / "convert"
TINY_MODEL = GOLDEN / "tiny_int8.tflite"
"""A 4x4 image, one convolution, one dense layer of three classes, made by the TensorFlow 2.21 converter."""


def tensor(
    index: int,
    shape: tuple[int, ...],
    dtype: str = "int8",
    *,
    scale: float | None = 1.0 / 255.0,
    zero_point: int = -128,
    name: str = "t",
) -> TensorInfo:
    """Return an activation; ``scale`` None leaves it without quantisation."""
    quantisation = None if scale is None else Quantisation((scale,), (zero_point,))
    return TensorInfo(index, name, shape, (), dtype, quantisation, None)


def classes(names: Sequence[str]) -> Preprocessing:
    """Return what the tiny model was trained with, its classes called by these names."""
    return Preprocessing((4, 4, 1), tuple(names))


def model(
    inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], content: bytes = bytes(range(40))
) -> TfliteModel:
    """Return a model without operators whose file is ``content``."""
    return TfliteModel(
        tensors=(*inputs, *outputs),
        operators=(),
        inputs=tuple(range(len(inputs))),
        outputs=tuple(range(len(inputs), len(inputs) + len(outputs))),
        description="",
        subgraphs=1,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )
