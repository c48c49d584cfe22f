"""A model whose only signature calls its inputs and outputs by their places, for runtimes that find them by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemnist.tflite.schema import read_objects, schema_module, write_objects

SIGNATURE = "serving_default"


def with_named_ends(content: bytes) -> bytes:
    """Return a copy of a TFLite file with the signature ``input_0``, ..., ``output_0``, ..., and no others.

    LiteRT's compiled models find tensors by name, and fail where two inputs are called alike in a file without a
    signature; with one, whose order is the file's, a place is a place.

    :raises MissingDependencyError: no package with the schema of model files is installed.
    """
    schema = schema_module()
    model = read_objects(content)

    def named(what: str, indices: Sequence[int]) -> list[Any]:
        found = []
        for number, index in enumerate(indices):
            one = schema.TensorMapT()
            one.name, one.tensorIndex = f"{what}_{number}", int(index)
            found.append(one)
        return found

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    graph = model.subgraphs[0]
    signature.inputs, signature.outputs = named("input", graph.inputs), named("output", graph.outputs)
    model.signatureDefs = [signature]
    return write_objects(model)
