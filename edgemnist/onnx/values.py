"""Values between operators: what ONNX counts channels first, Keras holds channels last; :class:`Value` knows both."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.graph import Constant
from edgemnist.support.errors import EdgeMnistError

FIRST_TO_LAST = (0, 2, 3, 1)
LAST_TO_FIRST = (0, 3, 1, 2)


class RefusedError(EdgeMnistError):
    """An operator, as it is used, cannot be imported; the message ends the sentence "Conv 'conv1' has ..."."""


class Form(enum.Enum):
    """How a tensor's elements lie, beside how ONNX counts them."""

    PLAIN = "as ONNX counts them"
    CHANNELS_LAST = "(batch, height, width, channels) for ONNX's (batch, channels, height, width)"
    FLATTENED = "(batch, height * width * channels) for ONNX's (batch, channels * height * width)"


@dataclass(frozen=True, eq=False)
class Value:
    """A Keras tensor and how its elements lie. ``image`` is (height, width, channels) of a flattened one."""

    tensor: Any
    form: Form = Form.PLAIN
    image: tuple[int, int, int] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that ONNX sees, without the batch."""
        sizes = tuple(int(size) for size in self.tensor.shape[1:])
        if self.form is not Form.CHANNELS_LAST:
            return sizes
        height, width, channels = sizes
        return channels, height, width

    @property
    def rank(self) -> int:
        """Number of dimensions, the batch included."""
        return len(self.shape) + 1

    def like(self, tensor: Any) -> Value:
        """Return a value whose elements lie as this one's."""
        return Value(tensor, self.form, self.image)

    def axis(self, axis: int) -> int:
        """Return where the tensor has ONNX's ``axis``, which may be negative.

        :raises RefusedError: it is the batch's, or there is no such axis.
        """
        found = axis + self.rank if axis < 0 else axis
        if not 0 < found < self.rank:
            raise RefusedError(f"works along axis {axis} of {self.rank}; the images of a batch have to stay apart")
        return FIRST_TO_LAST.index(found) if self.form is Form.CHANNELS_LAST else found

    def arranged(self, constant: Constant) -> Constant:
        """Return a constant that ONNX broadcasts against this value, arranged as the value's elements lie.

        :raises RefusedError: it differs from image to image of a batch, or has more dimensions than the value.
        """
        shape = (1,) * (self.rank - constant.ndim) + constant.shape
        if len(shape) > self.rank or shape[0] != 1:
            raise RefusedError(
                f"combines {_words(('batch', *self.shape))} with a constant of {_words(constant.shape)}; "
                "the images of a batch have to stay apart"
            )
        full = constant.reshape(shape)
        if self.form is Form.CHANNELS_LAST:
            return np.ascontiguousarray(full.transpose(FIRST_TO_LAST))
        return full[:, self.columns()] if self.form is Form.FLATTENED and shape[1] > 1 else full

    def columns(self) -> Any:
        """Return ONNX's index of each column of a flattened value."""
        height, width, channels = self.image or (0, 0, 0)
        return np.arange(channels * height * width).reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)


def layers() -> ModuleType:
    """Return the Keras layers that everything is built of."""
    found: ModuleType = load_tensorflow()[1].layers
    return found


def plain(value: Value) -> Value:
    """Return the value with its elements as ONNX counts them; only where they have to move does it cost anything."""
    if value.form is Form.PLAIN:
        return value
    tensor = value.tensor
    if value.form is Form.FLATTENED:
        tensor = layers().Reshape(value.image)(tensor)
    shape = value.shape
    if not _in_order(tensor.shape[1:]):
        tensor = layers().Permute(LAST_TO_FIRST[1:])(tensor)
    return Value(tensor if tuple(tensor.shape[1:]) == shape else layers().Reshape(shape)(tensor))


def channels_last(value: Value) -> Value:
    """Return a value of four dimensions as Keras's image layers take it.

    :raises RefusedError: it has another number of dimensions.
    """
    if value.rank != 4:
        raise RefusedError(f"takes {_words(('batch', *value.shape))}; only images (batch, channels, height, width)")
    if value.form is Form.CHANNELS_LAST:
        return value
    channels, height, width = value.shape
    if channels == 1 or height == width == 1:
        return Value(layers().Reshape((height, width, channels))(value.tensor), Form.CHANNELS_LAST)
    return Value(layers().Permute(FIRST_TO_LAST[1:])(value.tensor), Form.CHANNELS_LAST)


def reshaped(value: Value, shape: Sequence[int]) -> Value:
    """Return the value with another ONNX shape (without the batch) and the same number of elements."""
    wanted = tuple(shape)
    if wanted == value.shape:
        return value
    if value.form is Form.CHANNELS_LAST and not _in_order(value.tensor.shape[1:]) and wanted == (math.prod(wanted),):
        height, width, channels = (int(size) for size in value.tensor.shape[1:])
        return Value(layers().Reshape(wanted)(value.tensor), Form.FLATTENED, (height, width, channels))
    if value.form is Form.FLATTENED and value.image and wanted == (value.image[2], *value.image[:2]):
        return Value(layers().Reshape(value.image)(value.tensor), Form.CHANNELS_LAST)
    if value.form is Form.CHANNELS_LAST and _in_order(value.tensor.shape[1:]):
        return Value(layers().Reshape(wanted)(value.tensor))
    return Value(layers().Reshape(wanted)(plain(value).tensor))


def _in_order(sizes: Sequence[int]) -> bool:
    """Whether (height, width, channels) lie in memory as (channels, height, width) do."""
    height, width, channels = sizes
    return channels == 1 or height == width == 1


def together(values: Sequence[Value]) -> list[Value]:
    """Return values whose elements lie alike, so that they can be combined one by one."""
    first = values[0]
    if all((value.form, value.image) == (first.form, first.image) for value in values):
        return list(values)
    if any(value.form is Form.CHANNELS_LAST for value in values) and all(value.rank == 4 for value in values):
        return [channels_last(value) for value in values]
    return [plain(value) for value in values]


def _words(shape: Sequence[object]) -> str:
    return "x".join(map(str, shape)) or "a single number"
