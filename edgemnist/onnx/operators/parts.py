"""Parts of a value, and images of another size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import Form, RefusedError, Value, channels_last, plain

Places = NDArray[np.int64]


@operator("Split")
def split(use: Use) -> tuple[Value, ...]:
    """Return the parts of a value along an axis."""
    value, count = use.value(), len(use.node.outputs)
    value = plain(value) if value.form is Form.FLATTENED else value
    axis = value.axis(use.attribute("axis", 0))
    size = int(value.tensor.shape[axis])
    each = -(-size // count)
    sizes = use.integers("split", 1) or [min(each, size - each * place) for place in range(count)]
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 1:
        raise RefusedError(f"splits {size} into {list(sizes)} for {count} outputs")
    return tuple(value.like(part) for part in load_tensorflow()[0].split(value.tensor, list(sizes), axis=axis))


@operator("Slice")
def part(use: Use) -> Value:
    """Return what lies between two places of some axes, every so many elements."""
    value = use.value()
    value = plain(value) if value.form is Form.FLATTENED else value
    starts, ends = use.integers("starts", 1) or (), use.integers("ends", 2) or ()
    axes = use.integers("axes", 3) or tuple(range(len(starts)))
    steps = use.integers("steps", 4) or (1,) * len(starts)
    taken = [slice(None)] * value.rank
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if axis in (0, -value.rank) and start == 0 and end >= use.batch and step == 1:
            continue
        place = value.axis(axis)
        size = int(value.tensor.shape[place])
        # ONNX walks backward to before the first element by an end below -size, which Python calls None.
        taken[place] = slice(start, None if step < 0 and end < -size else end, step)
    made = value.tensor[tuple(taken)]
    if 0 in made.shape[1:]:
        raise RefusedError("leaves nothing of its input")
    return value.like(made)


@operator("Gather")
def gathered(use: Use) -> Value:
    """Return elements of an axis by constant places; by a single one the axis goes."""
    value, places = use.value(), use.weights(1)
    value = plain(value)
    axis = value.axis(use.attribute("axis", 0))
    size = int(value.tensor.shape[axis])
    if places.ndim > 1 or not ((-size <= places) & (places < size)).all():
        raise RefusedError(f"takes places {places.tolist()} of {size}; only a row of such, or a single one")
    return Value(load_tensorflow()[0].gather(value.tensor, places % size, axis=axis))


@operator("Resize", "Upsample")
def resized(use: Use) -> Value:
    """Return an image of another height and width, by the nearest pixel or between the four around."""
    value = channels_last(use.value())
    _, height, width = value.shape
    target = _target(use, (height, width))
    kind = use.attribute("mode", "nearest")
    old = use.node.operator == "Upsample" or use.opset < 11
    place = use.attribute("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if kind == "nearest":
        rounding = use.attribute("nearest_mode", "floor" if old else "round_prefer_floor")
        return value.like(_nearest(value.tensor, target, place, rounding))
    if kind not in ("linear", "bilinear"):
        raise RefusedError(f"has mode {kind!r}; only 'nearest' or 'linear'")
    return value.like(_between(value.tensor, target, place))


def _target(use: Use, sizes: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width that are asked for."""
    wanted = use.constant(3)
    if wanted is not None and wanted.size:
        full = [int(size) for size in wanted.reshape(-1)]
    else:
        given = use.attribute("scales", None)
        scales = given if given is not None else use.weights(2 if use.node.operator == "Resize" else 1).reshape(-1)
        if len(scales) != 4 or tuple(scales[:2]) != (1.0, 1.0):
            raise RefusedError(f"has scales {list(map(float, scales))}; only of height and width")
        grown = [size * float(scale) for size, scale in zip(sizes, scales[2:], strict=True)]
        if any(abs(size - round(size)) > 1e-3 for size in grown):
            # ONNX goes on with the scale, TensorFlow with the quotient of the sizes.
            raise RefusedError(f"has scales {list(map(float, scales[2:]))} that give no whole sizes; give the sizes")
        full = [1, 1, *map(round, grown)]
    if len(full) != 4 or min(full) < 1:
        raise RefusedError(f"resizes to {full}; only batch, channels, height and width, each of 1 at least")
    return full[2], full[3]


def _origins(count: int, size: int, place: str) -> NDArray[np.float64]:
    """Return where each of ``count`` pixels lies among ``size`` (ONNX Resize, coordinate_transformation_mode)."""
    scale, pixels = count / size, np.arange(count, dtype=np.float64)
    if place == "asymmetric":
        return pixels / scale
    if place == "align_corners":
        return pixels * (size - 1) / max(count - 1, 1)
    if place == "half_pixel" or (place == "pytorch_half_pixel" and count > 1):
        return (pixels + 0.5) / scale - 0.5
    raise RefusedError(f"has coordinate_transformation_mode {place!r}; only half_pixel, asymmetric or align_corners")


_ROUNDED: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}

_KERAS_PLACES: Mapping[tuple[bool, bool], Callable[[int, int], NDArray[np.float64]]] = {
    (False, False): lambda count, size: np.floor(np.arange(count) * (size / count)),
    (False, True): lambda count, size: np.floor((np.arange(count) + 0.5) * (size / count)),
    (True, False): lambda count, size: np.floor(np.arange(count) * ((size - 1) / max(count - 1, 1)) + 0.5),
}
"""Which pixel TensorFlow's ResizeNearestNeighbor takes, by ``align_corners`` and ``half_pixel_centers``."""


def _nearest(tensor: Any, target: tuple[int, int], place: str, rounding: str) -> Any:
    sizes = tuple(int(size) for size in tensor.shape[1:3])
    if rounding not in _ROUNDED:
        raise RefusedError(f"has nearest_mode {rounding!r}; only {', '.join(_ROUNDED)}")
    wanted = [
        np.clip(_ROUNDED[rounding](_origins(count, size, place)), 0, size - 1)
        for count, size in zip(target, sizes, strict=True)
    ]
    for (corners, centres), places in _KERAS_PLACES.items():
        if all(_same(places(len(one), size), one, size) for one, size in zip(wanted, sizes, strict=True)):
            return _resized(tensor, target, "nearest", corners=corners, centres=centres)
    raise RefusedError(
        f"takes other pixels ({place}, {rounding}) than TensorFlow can; only whole multiples of the size"
    )


def _same(found: Sequence[float] | Any, wanted: Any, size: int) -> bool:
    return bool((np.clip(found, 0, size - 1) == wanted).all())


def _between(tensor: Any, target: tuple[int, int], place: str) -> Any:
    _origins(1 if 1 in target else 2, 2, place)
    corners, centres = place == "align_corners", place.endswith("half_pixel")
    return _resized(tensor, target, "bilinear", corners=corners, centres=centres)


def _resized(tensor: Any, target: tuple[int, int], method: str, *, corners: bool, centres: bool) -> Any:
    tensorflow, _ = load_tensorflow()
    if centres:
        return tensorflow.image.resize(tensor, target, method=method)
    return tensorflow.compat.v1.image.resize(tensor, target, method=method, align_corners=corners)
