"""CONV_2D with the ADD behind it, and activations behind a weighted layer: what merges, and that it is exact."""

from __future__ import annotations

import pytest

from edgemnist.compiler.graph import PADDING_SAME
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import (
    CLANG,
    SIZE_SANITISED,
    SPEED,
    VARIANTS,
    WORDS,
    Subject,
    Variant,
    build_program,
    check_exact,
)
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images
from tests.compiler.test_fusions import Network, kinds, model

SAME = Window(padding=PADDING_SAME)
Case = tuple[tuple[int, int, int], Network]


def residual(
    window: Window = SAME,
    filters: int = 3,
    *,
    swapped: bool = False,
    activation: int = 0,
    arithmetic: Arithmetic | None = None,
) -> Network:
    """Return two convolutions whose first output is added to the second's, in either order of the operands."""

    def network(layers: Layers, image: Value) -> Value:
        kept = layers.conv(image, filters, SAME)
        changed = layers.conv(kept, filters, window, arithmetic or Arithmetic())
        first, second = (changed, kept) if swapped else (kept, changed)
        return layers.add(first, second, activation)

    return network


def two_branches(layers: Layers, image: Value) -> Value:
    left = layers.conv(image, 4, Window(stride=(2, 2), padding=PADDING_SAME))
    right = layers.conv(image, 4, Window((1, 1), stride=(2, 2), padding=PADDING_SAME))
    return layers.conv(layers.add(left, right, 1), 2, SAME)


def residual_needed_later(layers: Layers, image: Value) -> Value:
    kept = layers.conv(image, 3, SAME)
    summed = layers.add(kept, layers.conv(kept, 3, SAME))
    return layers.add(layers.conv(summed, 3, SAME), kept)


def added_to_itself(layers: Layers, image: Value) -> Value:
    features = layers.conv(image, 3, SAME)
    return layers.add(features, features)


def residual_of_another_tensor(layers: Layers, image: Value) -> Value:
    kept = layers.conv(image, 3, SAME)
    between = layers.conv(kept, 4, SAME)
    return layers.add(kept, layers.conv(between, 3, SAME))


RESIDUAL: dict[str, Case] = {
    "residual that is not the input": ((5, 7, 2), residual_of_another_tensor),
    "3x3": ((6, 6, 2), residual()),
    "odd width, where the last pixel is done twice over": ((5, 7, 2), residual()),
    "one column": ((6, 1, 2), residual()),
    "one pixel": ((1, 1, 2), residual()),
    "1x1": ((5, 5, 3), residual(Window((1, 1)), 5)),
    "operands the other way round": ((5, 5, 2), residual(swapped=True)),
    "ReLU": ((6, 5, 2), residual(activation=1)),
    "ReLU6": ((5, 6, 2), residual(activation=3)),
    "dilation": ((7, 7, 2), residual(Window(padding=PADDING_SAME, dilation=(2, 2)))),
    "a ReLU of the convolution itself": ((6, 6, 2), residual(arithmetic=Arithmetic(activation=1))),
    "dead channels": ((5, 5, 2), residual(arithmetic=Arithmetic(weight_factors=(1.0, 1e-20)))),
    "two branches": ((7, 7, 3), two_branches),
    "residual needed later": ((5, 5, 2), residual_needed_later),
} | {f"{filters} filters": ((4, 3, 2), residual(filters=filters)) for filters in range(1, 10)}

SEPARATE: dict[str, Case] = {
    "a convolution added to itself": ((5, 5, 2), added_to_itself),
    "wide multipliers": ((5, 5, 2), residual(arithmetic=Arithmetic(multiplier=1.5))),
}


def activated(kind: str, *, same: bool = True, depthwise: bool = False) -> Network:
    """Return a convolution with an activation operator behind it, in its quantisation or in another."""

    def network(layers: Layers, image: Value) -> Value:
        features = layers.depthwise(image, 1, SAME) if depthwise else layers.conv(image, 5, SAME)
        tensor = layers.builder._tensors[features.index].quantization
        scale = float(tensor.scale[0]) * (1.0 if same else 1.25)
        return layers.op(kind, [features], features.shape, scale=scale, zero_point=int(tensor.zeroPoint[0]))

    return network


ACTIVATED: dict[str, Case] = {
    "RELU": ((5, 6, 2), activated("RELU")),
    "RELU6": ((5, 6, 2), activated("RELU6")),
    "RELU behind depthwise": ((6, 6, 3), activated("RELU", depthwise=True)),
}


def _subjects(table: dict[str, Case]) -> list[Subject]:
    return [Subject(name, model(*case), random_images((1, *case[0]), 3)) for name, case in table.items()]


@pytest.mark.parametrize("name", RESIDUAL)
def test_an_add_fuses(name: str) -> None:
    found = kinds(model(*RESIDUAL[name]))

    assert "CONV_2D+ADD" in found
    assert "ADD" not in found


@pytest.mark.parametrize("name", SEPARATE)
def test_what_does_not_fit_stays_apart(name: str) -> None:
    assert "ADD" in kinds(model(*SEPARATE[name]))


@pytest.mark.parametrize("name", ACTIVATED)
def test_an_activation_fuses(name: str) -> None:
    assert len(build_program(model(*ACTIVATED[name]), Variant()).steps) == 1


def test_an_activation_in_another_quantisation_stays_apart() -> None:
    case = ((5, 6, 2), activated("RELU", same=False))

    assert len(build_program(model(*case), Variant()).steps) == 2


@pytest.mark.parametrize("table", [RESIDUAL, SEPARATE, ACTIVATED], ids=["residual", "separate", "activated"])
def test_exact(table: dict[str, Case], tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    check_exact(_subjects(table), tflm, witness, [SIZE_SANITISED], VARIANTS)
    check_exact(_subjects(table)[::4], tflm, witness, [SPEED], [Variant(target="x86-64")])
    for number, variant in enumerate(WORDS):
        check_exact(_subjects(table)[number::2], tflm, witness, [SIZE_SANITISED], [variant])
    check_exact(_subjects(table)[::3], tflm, witness, [SIZE_SANITISED], [Variant(apart=True, target="cortex-m55")])
    check_exact(_subjects(table)[1::4], tflm, witness, [CLANG], [Variant()])
