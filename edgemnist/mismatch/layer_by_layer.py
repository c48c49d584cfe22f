"""The file of TFLM's ``layer_by_layer_output_tool``, one inference: a FlatBuffer by ``layer_by_layer_schema.fbs``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgemnist.mismatch.dump_text import Piece
from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_DUMP_BYTES
from edgemnist.support.reading import require_file
from edgemnist.tflite.flatbuffer import TableReader

_INPUT_DATA, _SUBGRAPH_DATA = 0, 1
"""Fields of the schema's ModelTestData."""

_OUTPUTS, _SUBGRAPH_INDEX = 0, 1
"""Fields of SubgraphData."""

_TENSOR_INDEX, _DTYPE, _DATA = 1, 3, 4
"""Fields of TensorData that are read; its shape and number of bytes are the model's."""

_TYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8", 10: "float64",
    12: "uint64", 15: "uint32", 16: "uint16",
}  # fmt: skip
"""Of the schema's TensorTypes those that an array can have."""


def is_layer_by_layer(path: Path) -> bool:
    """Whether a file may be one: its first four bytes are the place of the outermost table, which is near."""
    with path.open("rb") as file:
        start = file.read(4)
    return len(start) == 4 and start[2:] == b"\0\0" and start != bytes(4)


def read_pieces(path: Path) -> Iterator[Piece]:
    """Yield the tensors of the model's first graph, all of image 0.

    :raises InputError: the file is too large, or something else.
    """
    require_file(path, MAX_DUMP_BYTES)
    try:
        yield from _pieces(path.read_bytes())
    except Exception as error:  # bytes of anybody's: the reader of FlatBuffers raises nearly anything on damaged ones
        raise InputError(
            f"{str(path)!r} is neither a dump as text nor a whole file of TFLM's layer_by_layer_output_tool ({error}); "
            "give what the board printed, see docs/dump-format.md"
        ) from error


def _pieces(content: bytes) -> list[Piece]:
    root, left, found = TableReader.root(content), len(content), []
    for place, table in _tables(root):
        values = table.content(_DATA, left)
        left -= len(values)
        dtype = _TYPES.get(table.byte_or_zero(_DTYPE), "-")
        tensor = str(table.integer_or_zero(_TENSOR_INDEX))
        found.append(Piece(place, 0, tensor, dtype, len(values), 0, values))
    return found


def _tables(root: TableReader) -> Iterator[tuple[str, TableReader]]:
    """Yield the inputs' and the operators' tables, each with where it stands."""
    for number, table in enumerate(root.tables_or_empty(_INPUT_DATA)):
        yield f"input {number}", table
    for graph in root.tables_or_empty(_SUBGRAPH_DATA):
        if graph.integer_or_zero(_SUBGRAPH_INDEX) == 0:
            yield from ((f"output {number}", table) for number, table in enumerate(graph.tables_or_empty(_OUTPUTS)))
