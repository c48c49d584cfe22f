"""After every operator: the oracle, TFLM, and its second witness, tflite-runtime's reference kernels, agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.runner import RuntimeWorker, run_model, runtime_worker, trace_model
from edgemnist.tflite.file import TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.lists import with_tensors
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference", "litert-default", "tensorflow-reference")

MNIST_INT8 = ["compact_int8", "dense_int8", "seedcnn_int8"]
INT8_MODELS = [*MNIST_INT8, "kws_ref_model", "pretrainedResnet_quant"]


def random_inputs(model: TfliteModel, cases: int, seed: int) -> NDArray[Any]:
    """Return inputs over the whole range of the model's input type, shape (cases, *input shape)."""
    info = model.input()
    generator = np.random.default_rng(seed)
    if info.dtype == "float32":
        return generator.random((cases, *info.shape), dtype=np.float32)
    limits = np.iinfo(info.dtype)
    return generator.integers(limits.min, limits.max + 1, (cases, *info.shape)).astype(info.dtype)


@pytest.fixture(scope="module")
def tensorflow_reference() -> Iterator[RuntimeWorker]:
    """Return TensorFlow's reference kernels."""
    with runtime_worker("tensorflow-reference") as worker:
        yield worker


@pytest.mark.parametrize("name", INT8_MODELS)
def test_tflm_equals_its_witness_after_every_operator(
    name: str, real_models: Path, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=4, seed=7)]

    expected = tflm.trace(model.content, inputs)
    found = witness.trace(model.content, inputs)

    assert list(expected) == list(found) == [operator.outputs[0] for operator in model.operators]
    for index, tensor in expected.items():
        assert tensor.shape == (4, *model.tensors[index].shape)
        np.testing.assert_array_equal(found[index], tensor, err_msg=model.tensors[index].name)


@pytest.mark.slow
@pytest.mark.parametrize("name", INT8_MODELS)
def test_tensorflow_reference_differs_from_tflm_first_in_a_dense_layer(
    name: str, real_models: Path, tflm: RuntimeWorker, tensorflow_reference: RuntimeWorker
) -> None:
    """TensorFlow rounds FULLY_CONNECTED once, TFLM twice: by one step there, and by nothing before."""
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=4, seed=7)]

    expected = tflm.trace(model.content, inputs)
    found = tensorflow_reference.trace(model.content, inputs)

    for operator in model.operators:
        index = operator.outputs[0]
        gap = np.abs(found[index].astype(int) - expected[index].astype(int))
        if operator.kind == "FULLY_CONNECTED":
            assert gap.max() <= 1, model.tensors[index].name
            break
        assert gap.max() == 0, model.tensors[index].name


@pytest.mark.parametrize("name", ["compact_int8", "compact_float", "dense_float"])
def test_keeping_tensors_changes_no_output(name: str, real_models: Path, tflm: RuntimeWorker) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=3, seed=1)]

    outputs = tflm.invoke(model.content, inputs)
    traced = tflm.trace(model.content, inputs, tensors=model.outputs)

    np.testing.assert_array_equal(outputs[0], traced[model.outputs[0]])


@pytest.mark.parametrize("runtime", ["tflite-runtime-default", "litert-default"])
@pytest.mark.parametrize("name", ["compact_int8", "compact_float"])
def test_kernels_stay_the_same_when_tensors_are_kept(name: str, runtime: str, real_models: Path) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    inputs = [random_inputs(model, cases=3, seed=1)]

    with runtime_worker(runtime) as worker:
        outputs = worker.invoke(model.content, inputs)
        traced = worker.trace(model.content, inputs)

    np.testing.assert_array_equal(outputs[0], traced[model.outputs[0]])


@pytest.mark.parametrize("name", MNIST_INT8)
def test_mnist_outputs_and_logits_of_tflm_and_witness_are_the_same_bytes(
    name: str, real_models: Path, digits: Split
) -> None:
    path = real_models / f"{name}.tflite"

    oracle, witness = (run_model(one, path, digits.images[:100]) for one in ("tflm", "tflite-runtime-reference"))

    assert oracle.outputs.shape == (100, 10)
    assert oracle.outputs.dtype == np.int8
    assert oracle.outputs.tobytes() == witness.outputs.tobytes()
    assert oracle.logits is not None
    assert witness.logits is not None
    assert oracle.logits.tobytes() == witness.logits.tobytes()
    assert (oracle.outputs.argmax(axis=1) == digits.labels[:100]).mean() >= 0.9


def test_trace_model_gives_the_outputs_of_run_model(real_models: Path, digits: Split) -> None:
    path = real_models / "dense_int8.tflite"

    traced = trace_model("tflite-runtime-reference", path, digits.images[:5])
    ran = run_model("tflite-runtime-reference", path, digits.images[:5])

    last = read_tflite(path).outputs[0]
    np.testing.assert_array_equal(traced[last].reshape(5, 10), ran.outputs)


def test_outputs_of_a_file_can_be_replaced(real_models: Path) -> None:
    model = read_tflite(real_models / "compact_int8.tflite")
    wanted = (model.outputs[0], model.operators[0].outputs[0], model.operators[3].outputs[0])

    changed = parse_tflite(with_tensors(model.content, outputs=wanted))

    assert changed.outputs == wanted
    assert changed.operators == model.operators
