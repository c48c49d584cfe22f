"""After every operator: the oracle, TFLM, and its second witness, tflite-runtime's reference kernels, agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.runtimes import EngineWorker, engine_worker
from edgemnist.tflite_file import TfliteModel, read_tflite

INT8_MODELS = ["compact_int8", "dense_int8", "seedcnn_int8", "kws_ref_model", "pretrainedResnet_quant"]


def random_inputs(model: TfliteModel, cases: int, seed: int) -> NDArray[Any]:
    info = model.input()
    generator = np.random.default_rng(seed)
    if info.dtype == "float32":
        return generator.random((cases, *info.shape), dtype=np.float32)
    limits = np.iinfo(info.dtype)
    return generator.integers(limits.min, limits.max + 1, (cases, *info.shape)).astype(info.dtype)


@pytest.fixture(scope="module")
def tflm() -> Iterator[EngineWorker]:
    with engine_worker("tflm") as worker:
        yield worker


@pytest.fixture(scope="module")
def witness() -> Iterator[EngineWorker]:
    with engine_worker("tflite-runtime-reference") as worker:
        yield worker


@pytest.mark.parametrize("name", INT8_MODELS)
def test_tflm_equals_its_witness_after_every_operator(
    name: str, real_models: Path, tflm: EngineWorker, witness: EngineWorker
) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=4, seed=7)]

    expected = tflm.trace(model.content, inputs)
    found = witness.trace(model.content, inputs)

    assert list(expected) == list(found) == [operator.outputs[0] for operator in model.operators]
    for index, tensor in expected.items():
        assert tensor.shape == (4, *model.tensors[index].shape)
        np.testing.assert_array_equal(found[index], tensor, err_msg=model.tensors[index].name)


@pytest.mark.parametrize("name", ["compact_int8", "compact_float", "dense_float"])
def test_keeping_tensors_changes_no_output(name: str, real_models: Path, tflm: EngineWorker) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=3, seed=1)]

    outputs = tflm.invoke(model.content, inputs)
    traced = tflm.trace(model.content, inputs, tensors=model.outputs)

    np.testing.assert_array_equal(outputs[0], traced[model.outputs[0]])
