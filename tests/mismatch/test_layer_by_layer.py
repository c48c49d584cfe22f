"""The file of TFLM's layer_by_layer_output_tool, written here by its schema's field numbers with a builder."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mismatch.dump import read_dump
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import InputError
from tests.mismatch.test_dump import DUMPED, INPUT, MODEL, OUTPUT, tensors_of
from tests.oracles import needs

GOLDEN = Path(__file__).parents[1] / "golden" / "mismatch" / "tiny_int8_layers.bin"
NONE = 0xFFFFFFFF
TYPES = {"int8": 9, "uint8": 3, "float32": 0}


def _vector(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _tensor(builder: Any, index: int, values: NDArray[Any], layer: int, entry: int) -> int:
    """Write a TensorData: input_index, tensor_index, shape, dtype, data, num_bytes, layer_number."""
    data = builder.CreateByteVector(values.tobytes())
    shape = builder.CreateNumpyVector(np.array(values.shape, np.int32))
    builder.StartObject(7)
    builder.PrependUint32Slot(0, entry, 0)
    builder.PrependUint32Slot(1, index, 0)
    builder.PrependUOffsetTRelativeSlot(2, shape, 0)
    builder.PrependInt8Slot(3, TYPES[values.dtype.name], 0)
    builder.PrependUOffsetTRelativeSlot(4, data, 0)
    builder.PrependUint32Slot(5, values.nbytes, 0)
    builder.PrependUint32Slot(6, layer, 0)
    return int(builder.EndObject())


def written(tensors: Mapping[int, NDArray[Any]], entry: int = INPUT) -> bytes:
    """Return what the tool writes of one inference of a model with one graph."""
    builder = flatbuffers.Builder(1024)
    inputs = _vector(builder, [_tensor(builder, entry, tensors[entry], NONE, 0)])
    layers = [index for index in tensors if index != entry]
    outputs = _vector(builder, [_tensor(builder, index, tensors[index], n, NONE) for n, index in enumerate(layers)])
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, outputs, 0)
    builder.PrependUint32Slot(1, 0, 0)
    graphs = _vector(builder, [int(builder.EndObject())])
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, inputs, 0)
    builder.PrependUOffsetTRelativeSlot(1, graphs, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


@needs("tflm")
def test_every_tensor_is_tflms(tmp_path: Path, tflm: RuntimeWorker) -> None:
    image = np.random.default_rng(5).integers(-128, 128, (1, *MODEL.input().shape), np.int8)
    truth = tflm.trace(MODEL.content, [image])
    path = tmp_path / "layers.bin"
    path.write_bytes(written({INPUT: image[0], **{index: values[0] for index, values in truth.items()}}))
    source = read_dump(path, MODEL)
    assert (source.images, set(source.tensors)) == ((0,), set(DUMPED))
    np.testing.assert_array_equal(source.tensors[INPUT], image)
    for index, values in truth.items():
        np.testing.assert_array_equal(source.tensors[index], values)


@needs("tflm")
def test_a_file_of_the_tool_itself(tflm: RuntimeWorker) -> None:
    """Written by the tool of tflite-micro 90b983c2, built for x86-64 with TFLM's reference kernels."""
    source = read_dump(GOLDEN, MODEL)
    inputs = source.inputs(MODEL)
    assert inputs is not None
    assert source.notes == ("the dump does not say of which model it is",)
    for index, expected in tflm.trace(MODEL.content, inputs).items():
        np.testing.assert_array_equal(source.tensors[index], expected)


def test_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "layers.bin"
    tensors = tensors_of(0)
    path.write_bytes(written({**tensors, OUTPUT: np.zeros((1, 4), np.int8)}))
    with pytest.raises(InputError, match="output 3: tensor 8 is said to have 4 bytes, in the model it has 3"):
        read_dump(path, MODEL)
    path.write_bytes(written({**tensors, 77: np.zeros((1, 4), np.int8)}))
    with pytest.raises(InputError, match="output 4: the model has no tensor '77'"):
        read_dump(path, MODEL)


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    """Every byte changed at random, every length: an InputError or a source, never anything else."""
    whole, path, chance = written(tensors_of(0)), tmp_path / "layers.bin", random.Random(1)
    refused = 0
    for _ in range(400):
        content = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(4)):
            if content:
                content[chance.randrange(len(content))] = chance.choice([0, 1, 0x7F, 0xFF, chance.randrange(256)])
        path.write_bytes(content)
        try:
            read_dump(path, MODEL)
        except InputError:
            refused += 1
    assert 100 < refused < 400


def test_tables_that_share_their_bytes_take_no_memory(tmp_path: Path) -> None:
    """A thousand tables that all point to the same bytes would otherwise be a thousand copies."""
    builder = flatbuffers.Builder(1024)
    data = builder.CreateByteVector(bytes(1 << 20))
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(4, data, 0)
    table = builder.EndObject()
    inputs = _vector(builder, [table] * 1000)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, inputs, 0)
    builder.Finish(builder.EndObject())
    path = tmp_path / "bomb.bin"
    path.write_bytes(bytes(builder.Output()))
    assert struct.unpack_from("<I", path.read_bytes())[0] < 1 << 16
    with pytest.raises(InputError, match="more than the file"):
        read_dump(path, MODEL)
