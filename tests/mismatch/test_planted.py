"""Every planted fault is found at its operator, and named by its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest

from edgemnist.mismatch.compare import Oracle
from edgemnist.mismatch.rule_of_each import rule_of_each
from edgemnist.mismatch.run import compare_all
from edgemnist.mismatch.sources import RuntimeSource
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel
from tests.mismatch.planted import (
    CONV,
    DENSE,
    DEPTHWISE,
    FLAT,
    INPUT,
    POINTWISE,
    POOL,
    SOFTMAX,
    Call,
    Fault,
    FaultyRuntime,
    OnlyOutputs,
    Plain,
    net,
)

IMAGES = 6

MODEL = cache(net)


@pytest.fixture(scope="module")
def other() -> Iterator[RuntimeWorker]:
    """Return a second TFLM, that the faulty runtimes are made of; both are asked at the same time."""
    with runtime_worker("tflm") as worker:
        yield worker


def plain(index: int, **changes: object) -> Callable[[], Fault]:
    return lambda: Plain(model=MODEL(), index=index, **changes)  # type: ignore[arg-type]


def of(fault: Fault) -> Callable[[], Fault]:
    return lambda: fault


def _late(call: Call) -> np.ndarray:  # type: ignore[type-arg]
    mixed = call.right.copy().reshape(-1)
    mixed[mixed.size // 2 :] = call.before.reshape(-1)[mixed.size // 2 :]
    return mixed.reshape(call.right.shape)


FAULTS = [
    (CONV, plain(CONV, whole=lambda real: np.rint(real.astype(np.float32))), "float requantisation"),
    (DENSE, plain(DENSE, whole=np.trunc), "truncation"),
    (DEPTHWISE, plain(DEPTHWISE, whole=np.floor), "no rounding before the shift"),
    (CONV, plain(CONV, border=0), "padding value"),
    (DEPTHWISE, plain(DEPTHWISE, border=0), "padding value"),
    (CONV, plain(CONV, before_border=True), "offset of SAME padding"),
    (CONV, plain(CONV, scales=lambda one: np.full_like(one, one[0])), "per-tensor for per-channel"),
    (DENSE, plain(DENSE, scales=lambda one: np.full_like(one, one.max())), "per-tensor for per-channel"),
    (DEPTHWISE, plain(DEPTHWISE, scales=lambda one: np.roll(one, 1)), "scales of other channels"),
    (CONV, plain(CONV, limits=(-128, 127)), "activation range"),
    (POINTWISE, plain(POINTWISE, limits=(-30, 127)), "activation range"),
    (DEPTHWISE, plain(DEPTHWISE, limits=(7, 127)), "activation range"),
    (CONV, plain(CONV, bias=np.zeros_like), "bias"),
    (DENSE, plain(DENSE, bias=lambda one: np.roll(one, 1)), "bias"),
    (CONV, plain(CONV, input_zero_point=0), "input zero point"),
    (DENSE, plain(DENSE, input_zero_point=0), "input zero point"),
    (POINTWISE, plain(POINTWISE, output_zero_point=0), "output zero point"),
    (CONV, plain(CONV, weights=lambda one: one.transpose(0, 2, 1, 3)), "order of the weights"),
    (POINTWISE, plain(POINTWISE, weights=lambda one: one.transpose(3, 1, 2, 0)), "order of the weights"),
    (DENSE, plain(DENSE, weights=lambda one: one.reshape(72, 4).T), "order of the weights"),
    (DEPTHWISE, plain(DEPTHWISE, weights=lambda one: one[:, ::-1, ::-1]), "order of the weights"),
    (CONV, plain(CONV, image=lambda one: one & 255), "signed as unsigned"),
    (DENSE, plain(DENSE, weights=lambda one: one & 255), "signed as unsigned"),
    (CONV, plain(CONV, sums=lambda one: one.astype(np.int16).astype(np.int64)), "16-bit sums"),
    (DEPTHWISE, plain(DEPTHWISE, store=lambda one: (one + 128) % 256 - 128), "no saturation"),
    (POINTWISE, of(lambda call: call.right.transpose(0, 2, 1, 3)), "order of the axes"),
    (CONV, of(lambda call: call.right.transpose(0, 3, 1, 2).reshape(call.right.shape)), "order of the axes"),
    (POOL, of(lambda call: call.right[..., ::-1]), "order of the axes"),
    (POINTWISE, of(lambda call: np.roll(call.right, 1, axis=1)), "shifted output"),
    (POOL, of(lambda call: call.before), "stale arena"),
    (FLAT, of(_late), "stale arena"),
    (SOFTMAX, of(lambda call: call.inputs[0]), "operator left out"),
    (POOL, of(lambda call: call.right ^ -128), "uint8 for int8"),
]


CASES = [(*fault, True) for fault in FAULTS] + [(*fault, False) for fault in FAULTS[::4]]
"""All faults in a runtime that can be asked for operators alone, some of them in a device that can't."""


@pytest.mark.parametrize(
    ("index", "make", "rule", "shows"),
    CASES,
    ids=[f"{index} {rule}{'' if shows else ' in a device'}" for index, _, rule, shows in CASES],
)
def test_a_fault_is_found_at_its_operator_and_named(
    tflm: RuntimeWorker, other: RuntimeWorker, index: int, make: Callable[[], Fault], rule: str, shows: bool
) -> None:
    model = MODEL()
    found = explained(model, tflm, FaultyRuntime(model, other, index, make(), shows=shows))
    assert {number for number, (own, _) in found.items() if own} == {index}
    _, named = found[index]
    assert named is not None
    assert named[:2] == (rule, True), named


def test_a_runtime_that_shows_only_its_outputs(tflm: RuntimeWorker, other: RuntimeWorker) -> None:
    model = MODEL()
    source = OnlyOutputs(model, other, DEPTHWISE, plain(DEPTHWISE, border=0)(), shows=True)
    found = explained(model, tflm, source)
    assert {number for number, (own, _) in found.items() if own} == {DEPTHWISE}
    _, named = found[DEPTHWISE]
    assert named is not None
    assert named[:2] == ("padding value", True)


def test_a_sound_runtime_has_no_rule(tflm: RuntimeWorker, other: RuntimeWorker) -> None:
    model = MODEL()
    found = explained(model, tflm, FaultyRuntime(model, other, CONV, lambda call: call.right, shows=True))
    assert not any(own for own, _ in found.values())


@pytest.mark.parametrize("index", [CONV, DEPTHWISE, POINTWISE, DENSE])
def test_the_plain_layers_are_right(tflm: RuntimeWorker, other: RuntimeWorker, index: int) -> None:
    model = MODEL()
    found = explained(model, tflm, FaultyRuntime(model, other, index, plain(index)(), shows=True))
    assert not any(own for own, _ in found.values())


def explained(
    model: TfliteModel, tflm: RuntimeWorker, source: FaultyRuntime
) -> dict[int, tuple[int, tuple[str, bool, tuple[str, ...]] | None]]:
    """Return for each operator how many elements of its own differ, and the rule with its equals."""
    inputs = np.random.default_rng(1).integers(-128, 128, (IMAGES, *INPUT)).astype(np.int8)
    with progress_task("test") as task:
        _, (result,) = compare_all(Oracle(model, RuntimeSource(tflm)), [source], [inputs], task)
    assert not result.failure
    names = rule_of_each(model, source, result.findings)
    answer = {}
    for one in result.findings:
        assert one.own is not None, one.why_not_own
        name = names.get(one.index)
        answer[one.index] = (one.own.differing, None if name is None else (name.rule, name.exact, name.also))
    return answer
