"""One-operator models with their inputs, what the oracle makes of them, and faults that were planted in its outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.compare import Sample
from edgemnist.mismatch.naming import Naming, search
from edgemnist.mismatch.one_operator import activations_of
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder

Integers = NDArray[np.int64]
Scale = tuple[float, int]
"""Scale and zero point."""


@dataclass(frozen=True, eq=False)
class Given:
    """An input: a constant's ``data``, or ``shape``; floats have no ``scale``."""

    shape: tuple[int, ...] = ()
    scale: Any = None
    zero_point: int = 0
    dtype: str = "int8"
    data: Any = None


@dataclass(frozen=True, eq=False)
class Operator:
    """A model; ``index`` is that of the operator under test, into which a RESHAPE of the input may lead."""

    content: bytes
    index: int = 0


def operator(
    kind: str, given: Sequence[Given | None], shape: Sequence[int], target: Scale | None, dtype: str = "int8",
    version: int | None = None, **options: Any,
) -> Operator:  # fmt: skip
    """Return a model with one operator."""
    builder, tensors = ModelBuilder(), []
    for number, one in enumerate(given):
        if one is None:
            tensors.append(-1)
        elif one.data is not None:
            tensors.append(builder.constant(one.data, one.scale, one.zero_point, dtype=one.dtype))
        else:
            tensors.append(builder.input(one.shape, one.scale, one.zero_point, dtype=one.dtype, name=f"input{number}"))
    scale, zero_point = target or (None, 0)
    output = builder.op(kind, tensors, shape, scale, zero_point, dtype=dtype, version=version, **options)
    return Operator(builder.finish([output]))


def images(operator: Operator, count: int = 5, low: int = -128, high: int = 127, seed: int = 0) -> list[NDArray[Any]]:
    """Return random inputs for a model, (count, *shape) each."""
    model, generator = parse_tflite(operator.content), np.random.default_rng(seed)
    made = []
    for index in model.inputs:
        tensor = model.tensors[index]
        size = (count, *tensor.shape)
        real = tensor.dtype == "float32"
        made.append(generator.normal(0, 2, size) if real else generator.integers(low, high + 1, size))
    return [one.astype(model.tensors[index].dtype) for index, one in zip(model.inputs, made, strict=True)]


def case_of(operator: Operator, inputs: Sequence[NDArray[Any]], oracle: NDArray[Any], found: NDArray[Any]) -> Case:
    """Return the case of outputs that were found, all images in order; the image before is the one before."""
    model = parse_tflite(operator.content)
    given = dict(zip(model.inputs, inputs, strict=True))
    before = np.concatenate([np.zeros_like(oracle[:1]), oracle[:-1]])
    for tensor in activations_of(model, operator.index):
        given.setdefault(tensor, inputs[0].reshape(len(oracle), *model.tensors[tensor].shape))
    chosen = tuple(given[tensor] for tensor in activations_of(model, operator.index))
    return Case(model, operator.index, Sample(chosen, oracle, found, before))


def named(operator: Operator, inputs: Sequence[NDArray[Any]], oracle: Any, found: Any) -> Naming | None:
    """Return the rule that is named, after the images that do not differ are left out, as a comparison does."""
    case = case_of(operator, inputs, oracle, found)
    sample = case.sample
    differ = np.flatnonzero((sample.found != sample.oracle).any(axis=tuple(range(1, oracle.ndim))))
    assert len(differ), "the fault changes nothing"
    chosen = Sample(tuple(one[differ] for one in sample.inputs), *(
        one[differ] for one in (sample.oracle, sample.found, sample.before)
    ))  # fmt: skip
    return search(Case(case.model, case.index, chosen)).naming


@dataclass(frozen=True, eq=False)
class Planted:
    """A fault: ``found`` makes outputs of the inputs and the oracle's outputs, whole numbers or floats."""

    rule: str
    what: str
    operator: Callable[[], Operator]
    found: Callable[[Sequence[Any], Any], Any]
    detail: str = ""
    low: int = -128
    high: int = 127

    def __str__(self) -> str:
        return f"{self.what}"


def check(planted: Planted, tflm: RuntimeWorker) -> None:
    """Assert that the rule of a planted fault is named and reproduces every byte."""
    made = planted.operator()
    inputs = images(made, low=planted.low, high=planted.high)
    oracle = tflm.invoke(made.content, inputs)[0]
    found = np.asarray(planted.found(inputs, oracle)).reshape(oracle.shape)
    assert found.dtype == oracle.dtype or np.array_equal(found, found.astype(oracle.dtype)), "not the output's type"
    naming = named(made, inputs, oracle, found.astype(oracle.dtype))
    assert naming is not None
    assert (naming.rule, naming.exact) == (planted.rule, True), naming
    assert planted.detail in naming.detail, naming.detail
