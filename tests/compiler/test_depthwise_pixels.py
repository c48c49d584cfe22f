"""Depthwise layers whose windows have nothing in common: exact in place, without scratch, where that is faster."""

from __future__ import annotations

import pytest

from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import Variant, build_program
from tests.compiler.layers import Arithmetic, Window
from tests.compiler.operators import assert_exact_at_limits
from tests.compiler.test_weighted_layers import DEPTHWISE
from tests.compiler.weighted_cases import Case

FUNCTION = "em_depthwise_conv_2d_pixels"


def apart_table() -> dict[str, Case]:
    """Return depthwise layers whose windows have nothing in common."""
    table = {}
    sizes = ((7, 7, 5), (1, 9, 4), (6, 6, 3), (8, 12, 9), (5, 4, 6), (6, 7, 8))
    kernels = ((7, 7), (1, 9), (3, 3), (4, 4), (2, 2), (3, 2))
    for number, (size, kernel) in enumerate(zip(sizes, kernels, strict=True)):
        arithmetic = Arithmetic(activation=number % 4, zero_point=(-128, -5, 64)[number % 3])
        window = Window(kernel, kernel, padding=PADDING_VALID)
        table[f"depthwise, {kernel} of {size} apart"] = Case(DEPTHWISE, size, 1, window, arithmetic)
    dilated = Window((3, 2), dilation=(2, 3), padding=PADDING_VALID)
    table["depthwise, the whole image, dilated"] = Case(DEPTHWISE, (5, 4, 6), 1, dilated)
    return table


@pytest.mark.parametrize("target", ["portable", "cortex-m0plus", "cortex-m4"])
def test_exact_in_place(target: str, tflm: RuntimeWorker) -> None:
    contents = {name: case.content() for name, case in apart_table().items()}

    assert_exact_at_limits(contents, tflm, Variant(target=target))


@pytest.mark.parametrize(
    ("window", "target", "taken"),
    [
        (Window((6, 6), padding=PADDING_VALID), "cortex-m4", True),
        (Window((6, 6), padding=PADDING_VALID), "cortex-m55", True),
        (Window((3, 3), (3, 3), padding=PADDING_VALID), "cortex-m4", True),
        (Window((3, 3), (3, 3), padding=PADDING_VALID), "cortex-m55", True),
        (Window((2, 2), (2, 2), padding=PADDING_VALID), "cortex-m55", False),
        (Window((2, 2), (2, 2), padding=PADDING_VALID), "cortex-m0plus", False),
        (Window((4, 4), (4, 4)), "cortex-m4", False),
        (Window((6, 6), padding=PADDING_VALID), "cortex-a72", False),
    ],
)
def test_taken_where_it_is_faster(window: Window, target: str, taken: bool) -> None:
    step = build_program(Case(DEPTHWISE, (6, 6, 8), 1, window).content(), Variant(target=target)).steps[-1]

    assert (step.function == FUNCTION, step.scratch == 0) == (taken, taken)
