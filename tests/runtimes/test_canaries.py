"""TFLM is caught where a file makes it leave its tensors, and never where a file is right."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import UnsafeModelError
from edgemnist.tflite.file import parse_tflite, read_tflite
from edgemnist.tflm.apart import GAP, apart
from edgemnist.tflm.canaries import CanaryInterpreter
from tests.compiler.model_builder import OPTIONS, ModelBuilder
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference")

PLACEMENTS = [(0xA5, False), (0x5A, True)]
RIGHT = ("compact_int8.tflite", "compact_float.tflite", "kws_ref_model.tflite", "pretrainedResnet_quant.tflite")


def noise(content: bytes, cases: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    entry = parse_tflite(content).input()
    drawn = np.random.default_rng(3).integers(-128, 128, (cases, *entry.shape))
    return drawn.astype(entry.dtype)


def depthwise(multiplier: int) -> bytes:
    """Return a depthwise convolution of 8 channels whose option says how many outputs each of them has."""
    builder = ModelBuilder()
    image = builder.input((1, 6, 6, 8), 0.1)
    weights = builder.constant(np.ones((1, 3, 3, 8), np.int8), [0.1] * 8, axis=3)
    bias = builder.constant(np.zeros(8), [0.01] * 8, dtype="int32")
    same = builder.op("DEPTHWISE_CONV_2D", [image, weights, bias], (1, 6, 6, 8), 0.1, depth_multiplier=multiplier)
    return builder.finish([builder.op("RELU", [same], (1, 6, 6, 8), 0.1)])


def mean_into_less() -> bytes:
    """Return a mean that makes 4,096 values of which the file says that they are one, and a reader of that one."""
    builder = ModelBuilder()
    image = builder.input((1, 1, 4, 4096), 0.1)
    axes = builder.constant([1, 2], dtype="int32")
    mean = builder.op("MEAN", [image, axes], (1, 1), 0.1)
    return builder.finish([builder.op("ADD", [image, mean], (1, 1, 4, 4096), 0.1)])


def parts_into_less() -> bytes:
    """Return a concatenation of 4 times 64 values of which the file says that they are 64."""
    builder = ModelBuilder()
    image = builder.input((1, 64), 0.1)
    joined = builder.op("CONCATENATION", [image] * 4, (1, 64), 0.1, axis=1)
    return builder.finish([builder.op("RELU", [joined], (1, 64), 0.1)])


WRONG = {"depth_multiplier": depthwise(2), "mean": mean_into_less(), "parts": parts_into_less()}
WHAT_SHOWS = {
    "depth_multiplier": "it writes beside the tensor",
    "mean": "its outputs depend on where in memory",
    "parts": "it writes beside the tensor 'concatenation_1'",
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize(("fill", "backwards"), PLACEMENTS)
def test_a_copy_with_everything_apart_is_the_same_model(
    name: str, fill: int, backwards: bool, real_models: Path, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    model = read_tflite(real_models / name)
    found = apart(model, fill=fill, backwards=backwards)
    copy = parse_tflite(found.content)
    assert [(one.shape, one.dtype, one.quantisation) for one in copy.tensors] == [
        (one.shape, one.dtype, one.quantisation) for one in model.tensors
    ]
    for one, other in zip(copy.tensors, model.tensors, strict=True):
        assert (one.data is None) == (other.data is None)
        assert one.data is None or other.data is None or np.array_equal(one.data, other.data)
    ends = sorted((place, place + model.tensors[index].bytes) for index, place in found.places.items())
    assert all(after[0] - before[1] >= GAP for before, after in pairwise(ends))
    inputs = noise(model.content)
    (expected,) = tflm.invoke(model.content, [inputs])
    for runtime in (tflm, witness):
        (outputs,) = runtime.invoke(found.content, [inputs])
        if model.input().dtype == "int8":
            np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize(("fill", "backwards"), PLACEMENTS)
def test_canaries_watch_the_wheel_s_memory(fill: int, backwards: bool, real_models: Path) -> None:
    """Fails with a wheel that keeps its arena elsewhere: then only outputs are compared, and this has to be mended."""
    model = read_tflite(real_models / "compact_int8.tflite")
    interpreter = CanaryInterpreter(model, fill, backwards)
    assert interpreter.watches
    interpreter.invoke([noise(model.content)[0]])
    assert interpreter.touched() is None


_FREED_BEFORE = """
import ctypes, sys
from pathlib import Path
from edgemnist.tflite.file import read_tflite
from edgemnist.tflm.canaries import CanaryInterpreter
c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
c.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: what is freed stays with the process
block, above = c.malloc(200 << 20), c.malloc(1000)
c.free(block)
print(CanaryInterpreter(read_tflite(Path(sys.argv[1])), 0xA5, False).watches)
"""


def test_canaries_watch_memory_that_was_used_before(tmp_path: Path) -> None:
    """In a process that has freed as much before, so large an allocation gets no mapping of its own."""
    (tmp_path / "net.tflite").write_bytes(depthwise(1))
    command = [sys.executable, "-c", _FREED_BEFORE, "net.tflite"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("name", WRONG)
def test_a_model_that_leaves_its_tensors_is_unsafe(name: str, tflm: RuntimeWorker) -> None:
    with pytest.raises(UnsafeModelError, match=f"as 'tflm' shows: {WHAT_SHOWS[name]}.*convert it again"):
        tflm.invoke(WRONG[name], [noise(WRONG[name])])


@pytest.mark.parametrize("name", ["mean", "parts"])
def test_reference_kernels_that_work_shapes_out_tell_of_wrong_ones(name: str, witness: RuntimeWorker) -> None:
    with pytest.raises(UnsafeModelError, match=r"operators make the tensor .* the file says"):
        witness.invoke(WRONG[name], [noise(WRONG[name])])


def test_the_same_model_without_the_mistake_is_safe(tflm: RuntimeWorker) -> None:
    content = depthwise(1)
    assert tflm.invoke(content, [noise(content)])[0].shape == (2, 1, 6, 6, 8)


def test_what_has_a_memory_of_its_own_is_compared_from_its_first_state(
    tflm: RuntimeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter over time: outputs depend on the inputs before, which is no reason to call it unsafe."""
    monkeypatch.setitem(OPTIONS, "SVDF", "SVDFOptions")
    builder = ModelBuilder()
    entry = builder.input((1, 4), 0.1)
    features = builder.constant(np.full((2, 4), 50), 0.1)
    times = builder.constant(np.full((2, 3), 50), 0.01, dtype="int16")
    bias = builder.constant(np.zeros(2), 0.0001, dtype="int32")
    state = builder.tensor((1, 6), 0.01, dtype="int16", variable=True)
    output = builder.op("SVDF", [entry, features, times, bias, state], (1, 2), 2.0, version=3, rank=1)
    content = builder.finish([output])
    inputs = noise(content, cases=4)
    (outputs,) = tflm.invoke(content, [inputs])
    (alone,) = tflm.invoke(content, [inputs[3:]])
    assert not np.array_equal(outputs[3], alone[0])


def test_a_model_of_several_graphs_runs_though_none_of_its_tensors_is_laid_apart(tflm: RuntimeWorker) -> None:
    builder = ModelBuilder()
    content = builder.finish([builder.op("RELU", [builder.input((1, 4), 0.1)], (1, 4), 0.1)], subgraphs=2)

    (outputs,) = tflm.invoke(content, [np.array([[[-3, -1, 0, 5]]], np.int8)])

    assert outputs.tolist() == [[[0, 0, 0, 5]]]
