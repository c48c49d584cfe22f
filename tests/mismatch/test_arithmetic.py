"""Arithmetics that rules change are the oracle's as long as nothing changes them; no rule is without a planted case."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest

from edgemnist.mismatch.arithmetics import arithmetic_of
from edgemnist.mismatch.naming import search
from edgemnist.mismatch.resizing import resized, resizing_of
from edgemnist.mismatch.rule import rules
from edgemnist.runner import RuntimeWorker
from edgemnist.support.discovery import modules_of
from edgemnist.tflite.file import parse_tflite
from tests.mismatch.faults import Given, Operator, case_of, images, operator
from tests.mismatch.test_known_differences import RESIZE, _layer, _prelu, rules_of_runtimes
from tests.mismatch.test_layer_mistakes import TABLE as LAYERS
from tests.mismatch.test_layer_mistakes import convolution, depthwise, flattened, near_ties
from tests.mismatch.test_operator_mistakes import (
    ADD,
    AVERAGE,
    LARGEST,
    LAST,
    LEAKY,
    MEAN,
    NEAREST,
    PRODUCT,
    SUB,
    A,
    one,
)
from tests.mismatch.test_operator_mistakes import TABLE as OPERATORS
from tests.mismatch.test_wide_mistakes import MISTAKES as WIDE
from tests.oracles import needs

pytestmark = needs("tflm")


def _other_type() -> Operator:
    return operator("QUANTIZE", [Given((1, 6, 5, 4), *A)], (1, 6, 5, 4), (0.031, 100), dtype="uint8")


REQUANTISING = [
    convolution, functools.partial(convolution, 3), functools.partial(convolution, 0, 2), depthwise, flattened,
    near_ties, functools.partial(_layer, "TRANSPOSE_CONV"), PRODUCT, ADD, SUB, functools.partial(ADD, activation=1),
    MEAN, LAST, LEAKY, functools.partial(one, "LEAKY_RELU", alpha=-0.3), AVERAGE, LARGEST,
    functools.partial(one, "RELU"), functools.partial(one, "QUANTIZE"), _other_type, _prelu,
]  # fmt: skip


@pytest.mark.parametrize("made", REQUANTISING)
def test_an_arithmetic_that_nothing_changes_is_the_oracles(made: Callable[[], Operator], tflm: RuntimeWorker) -> None:
    model = made()
    inputs = images(model)
    oracle = tflm.invoke(model.content, inputs)[0]
    case = case_of(model, inputs, oracle, oracle)
    arithmetic = arithmetic_of(case)
    assert arithmetic is not None
    assert np.array_equal(case.stored(arithmetic.outputs()), oracle)
    assert search(case).naming is None, "nothing differs, so nothing is to be named"


@pytest.mark.parametrize("options", [{}, {"align_corners": True}, {"half_pixel_centers": True}])
@pytest.mark.parametrize("made", [RESIZE, NEAREST])
def test_a_resize_that_nothing_changes_is_the_oracles(
    made: Callable[..., Operator], options: dict[str, bool], tflm: RuntimeWorker
) -> None:
    model = made(**options)
    inputs = images(model)
    oracle = tflm.invoke(model.content, inputs)[0]
    resizing = resizing_of(case_of(model, inputs, oracle, oracle))
    assert resizing is not None
    assert np.array_equal(resized(resizing).reshape(oracle.shape), oracle)


def test_every_rule_has_a_planted_case() -> None:
    planted = {name for one in (*LAYERS, *OPERATORS, *WIDE) for name in one.rule.split(" and ")}
    assert {rule.name for rule in rules()} - planted - rules_of_runtimes() == set()


def test_every_module_has_a_rule_of_its_own_name() -> None:
    modules = list(modules_of("edgemnist.mismatch.rules"))
    assert all(hasattr(module, "RULE") for module in modules)
    assert len({module.RULE.name for module in modules}) == len(modules)


def test_there_are_many_faults_in_many_kinds_of_operators() -> None:
    table = [*LAYERS, *OPERATORS]
    kinds = {parse_tflite(one.operator().content).operators[-1].kind for one in table}
    assert len(table) >= 40
    assert len(kinds) >= 8
