"""Files whose parts that nobody reads are damaged, or that name the same tables over and over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder, edited

NAMED_OFTEN = "the same ones are named many times"


def vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    """Write a vector of tables."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def repeated(tensors: int = 2, operators: int = 0, sizes: int = 1) -> bytes:
    """Return a file whose tensors, whose operators are the same table, named so often; a tensor has ``sizes`` axes."""
    from ai_edge_litert import schema_py_generated as schema

    builder = flatbuffers.Builder(1 << 20)
    shape = builder.CreateNumpyVector(np.ones(sizes, np.int32))
    first, second = (builder.CreateNumpyVector(np.full(1, index, np.int32)) for index in (0, 1))
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    tensor = schema.TensorEnd(builder)
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, first)
    schema.OperatorAddOutputs(builder, second)
    operator = schema.OperatorEnd(builder)
    schema.OperatorCodeStart(builder)
    schema.OperatorCodeAddDeprecatedBuiltinCode(builder, 19)
    codes = vector(builder, [schema.OperatorCodeEnd(builder)])
    schema.BufferStart(builder)
    buffers = vector(builder, [schema.BufferEnd(builder)])
    all_tensors, all_operators = vector(builder, [tensor] * tensors), vector(builder, [operator] * operators)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, all_tensors)
    schema.SubGraphAddInputs(builder, first)
    schema.SubGraphAddOutputs(builder, second)
    schema.SubGraphAddOperators(builder, all_operators)
    graphs = vector(builder, [schema.SubGraphEnd(builder)])
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    schema.ModelAddBuffers(builder, buffers)
    schema.ModelAddOperatorCodes(builder, codes)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


MANY: dict[str, Callable[[], bytes]] = {
    "tensors": lambda: repeated(tensors=200_000),
    "operators": lambda: repeated(operators=200_000),
    "shapes": lambda: repeated(tensors=100_000, sizes=100_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_tables_that_are_named_again_and_again_are_refused_soon(kind: str) -> None:
    content = MANY[kind]()
    start = time.process_time()

    with pytest.raises(ModelError, match=NAMED_OFTEN):
        parse_tflite(content)

    assert time.process_time() - start < 1


def test_a_table_that_two_name_is_read() -> None:
    assert len(parse_tflite(repeated()).tensors) == 2


def relu() -> bytes:
    """Return a small net with metadata that edgemnist does not read."""
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((1, 4, 4, 2))], (1, 4, 4, 2))])


def test_every_byte_may_be_damaged() -> None:
    """A file is read or refused, whatever is wrong with it; lengths of what nobody reads are noticed."""
    content, refused = relu(), 0
    for place in range(8, len(content)):
        damaged = content[:place] + bytes([content[place] ^ 0x7F]) + content[place + 1 :]
        try:
            parse_tflite(damaged)
        except ModelError:
            refused += 1

    assert refused > len(content) // 4


def test_a_part_that_nobody_reads_has_to_lie_in_the_file() -> None:
    least = np.arange(5, dtype="<f4") + 0.125

    def calibrated(model: Any) -> None:
        model.subgraphs[0].tensors[0].quantization.min = least

    content = edited(relu(), calibrated)
    where = content.index(least.tobytes())  # behind the vector's length
    parse_tflite(content)

    with pytest.raises(ModelError, match="corrupt"):
        parse_tflite(content[: where - 4] + len(content).to_bytes(4, "little") + content[where:])


@pytest.mark.parametrize("version", [0, 2, 4, 2**32 - 1])
def test_another_version_of_the_schema_is_refused(version: int) -> None:
    def renumbered(model: Any) -> None:
        model.version = version

    with pytest.raises(ModelError, match=f"has version {version} of TensorFlow Lite's schema, needed is 3"):
        parse_tflite(edited(relu(), renumbered))
