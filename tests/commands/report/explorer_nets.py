"""Small models whose operators Model Explorer has to be told apart by: names, none, one name twice, names like ids."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from tests.compiler.model_builder import ModelBuilder


def nets() -> dict[str, bytes]:
    """Return every model by its name; the same bytes each time."""
    plain = _plain()
    return {
        "named": plain,
        "one name twice": _chain(["twice", "twice", "last"]),
        "without names": _renamed(plain, lambda tensor: ""),
        "names like ids": _chain(["2", "0", "1"]),
        "an id that is a name": _chain(["twice", "twice", "0"]),
        "a graph without a name": _renamed(plain, graph=""),
        "a signature instead": _renamed(plain, graph="", signature="serving_default"),
        "another graph": _renamed(plain, graph="net é"),
    }


def _plain() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 2, 2, 1), 1 / 255, -128)
    flat = builder.op("RESHAPE", [image, builder.constant([1, 4], dtype="int32")], (1, 4), 1 / 255, -128)
    weights = builder.constant(np.arange(12).reshape(3, 4), 0.5)
    offset = builder.constant([1, 2, 3], 0.5 / 255, dtype="int32")
    scores = builder.op("FULLY_CONNECTED", [flat, weights, offset], (1, 3), 0.25, 0, name="<b>scores;scores</b>")
    return builder.finish([builder.op("SOFTMAX", [scores], (1, 3), 1 / 256, -128, beta=1.0)])


def _chain(names: list[str]) -> bytes:
    builder = ModelBuilder()
    last = builder.input((1, 4), 0.5, 0)
    for name in names:
        last = builder.op("RELU", [last], (1, 4), 0.5, 0, name=name)
    return builder.finish([last])


def _renamed(content: bytes, tensor: Any = None, graph: str | None = None, signature: str = "") -> bytes:
    """Return a model whose tensors or graph are called otherwise; "" is no name."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    first = model.subgraphs[0]
    for one in first.tensors if tensor is not None else ():
        one.name = tensor(one.name) or None
    if graph is not None:
        first.name = graph or None
    if signature:
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = signature, 0
        model.signatureDefs = [definition]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
