"""RESHAPE, SQUEEZE and EXPAND_DIMS: no code and no memory, wherever they stand."""

from __future__ import annotations

import pytest

from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import Subject, Variant, build_program, check_exact
from tests.compiler.layers import Layers, Value, Window, random_images
from tests.compiler.operators import assert_refused

SHAPE = (1, 4, 6, 2)


def squeeze(layers: Layers, value: Value, shape: tuple[int, ...]) -> Value:
    axes = [axis for axis, size in enumerate(value.shape) if size == 1 and axis]
    return layers.op("SQUEEZE", [value], shape, squeeze_dims=axes)


def expand(layers: Layers, value: Value, shape: tuple[int, ...], axis: int) -> Value:
    return layers.op("EXPAND_DIMS", [value, layers.builder.constant(axis, dtype="int32")], shape)


def reshaped(layers: Layers, image: Value) -> Value:
    return layers.reshape(image, (1, 48))


def reshaped_without_options(layers: Layers, image: Value) -> Value:
    target = layers.builder.constant([1, 48], dtype="int32")
    return layers.op("RESHAPE", [image, target], (1, 48), without_options=True)


def reshaped_by_options_only(layers: Layers, image: Value) -> Value:
    return layers.op("RESHAPE", [image], (1, 48), new_shape=[1, 48])


def reshaped_with_a_free_size(layers: Layers, image: Value) -> Value:
    target = layers.builder.constant([-1, 48], dtype="int32")
    return layers.op("RESHAPE", [image, target], (1, 48), new_shape=[-1, 48])


def between_convolutions(layers: Layers, image: Value) -> Value:
    wide = layers.reshape(layers.conv(image, 3), (1, 8, 3, 3))
    return layers.dense(layers.conv(wide, 2, Window((3, 3), (2, 2))), 5)


def twice(layers: Layers, image: Value) -> Value:
    return layers.dense(layers.reshape(layers.reshape(image, (1, 2, 24)), (1, 48)), 3)


def first_and_last(layers: Layers, image: Value) -> Value:
    return layers.reshape(layers.dense(layers.reshape(image, (1, 48)), 6), (1, 2, 3))


def both_forms_are_read(layers: Layers, image: Value) -> Value:
    features = layers.conv(image, 2)
    flat = layers.dense(layers.reshape(features, (1, 48)), 48)
    return layers.add(layers.reshape(features, (1, 48)), flat)


def pool_between(layers: Layers, image: Value) -> Value:
    features = layers.reshape(layers.conv(image, 4), (1, 6, 4, 4))
    return layers.reshape(layers.pool("MAX_POOL_2D", features), (1, 24))


def squeezed(layers: Layers, image: Value) -> Value:
    pooled = layers.pool("AVERAGE_POOL_2D", image, Window((4, 6), (1, 1), padding=1))
    return layers.dense(squeeze(layers, pooled, (1, 2)), 3)


def expanded(layers: Layers, image: Value) -> Value:
    flat = layers.reshape(image, (1, 24, 2))
    return layers.conv(expand(layers, flat, (1, 1, 24, 2), 1), 3)


GRAPHS = {
    function.__name__: function
    for function in (
        reshaped, reshaped_without_options, reshaped_by_options_only, reshaped_with_a_free_size, between_convolutions,
        twice, first_and_last, both_forms_are_read, pool_between, squeezed, expanded,
    )
}  # fmt: skip


def model(name: str) -> bytes:
    layers = Layers.seeded(3)
    return layers.finish(GRAPHS[name](layers, layers.input(SHAPE)))


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [Subject(name, model(name), random_images(SHAPE, 4)) for name in GRAPHS]

    check_exact(subjects, tflm, witness)


@pytest.mark.parametrize("name", ["reshaped", "reshaped_without_options", "first_and_last"])
def test_no_step_is_left_of_a_reshape(name: str) -> None:
    steps = build_program(model(name), Variant()).steps

    assert [step.node.kind for step in steps] == (["FULLY_CONNECTED"] if name == "first_and_last" else [])


@pytest.mark.parametrize("kind", ["RESHAPE", "SQUEEZE"])
def test_a_changed_size_is_refused(kind: str) -> None:
    layers = Layers.seeded(0)

    assert_refused(layers.finish(layers.op(kind, [layers.input(SHAPE)], (1, 47))), "can't become")
