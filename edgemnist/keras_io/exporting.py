"""A loaded model for others to serve: as a SavedModel with a named signature, or as ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from edgemnist.keras_io.sources import SourceModel
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import MissingDependencyError, ModelError, first_line

INPUT, OUTPUT = "image", "probabilities"
"""Names of the signature's one input and one output."""

OPSET = 17
"""The ONNX version that is written: ONNX Runtime takes it since 1.12, of 2022."""


def saved_model_files(source: SourceModel) -> dict[str, bytes]:
    """Return a SavedModel folder's files by their relative paths.

    Its signature ``serving_default`` takes :data:`INPUT`, float32 (any number, *``input_shape``), and gives
    :data:`OUTPUT`, shape (that number, outputs). A model that takes no other number than one has that in its signature.
    """
    tensorflow, _ = load_tensorflow()
    module = tensorflow.Module()
    module.variables_of_the_model = source.owner
    signature = _function(tensorflow, source).get_concrete_function()
    with tempfile.TemporaryDirectory() as folder:
        tensorflow.saved_model.save(module, folder, signatures={"serving_default": signature})
        paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def onnx_bytes(source: SourceModel) -> bytes:
    """Return the model as ONNX, by tf2onnx; input and output are named and shaped as for a SavedModel.

    :raises MissingDependencyError: tf2onnx is not installed.
    :raises ModelError: it has an operation that tf2onnx does not know.
    """
    tensorflow, _ = load_tensorflow()
    try:
        import tf2onnx
    except ImportError as error:
        remedy = "install it with: pip install 'edgemnist[onnx]'"
        raise MissingDependencyError(f"ONNX is written by tf2onnx, which is not installed; {remedy}") from error
    function = _function(tensorflow, source)
    try:
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    except Exception as error:
        # tf2onnx raises ValueError, KeyError and its own for what it does not know.
        raise ModelError(f"tf2onnx cannot convert {str(source.path)!r}: {first_line(error)}") from error
    _name(model.graph.input[0], INPUT, model.graph)
    _name(model.graph.output[0], OUTPUT, model.graph)
    for one in (*model.graph.input, *model.graph.output):
        size = one.type.tensor_type.shape.dim[0]
        if source.batched is not None:
            size.dim_param = "batch"
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _function(tensorflow: Any, source: SourceModel) -> Any:
    """Return the model as a function with a signature, and its output by name."""
    call = source.batched if source.batched is not None else source.function
    number = None if source.batched is not None else 1
    specification = tensorflow.TensorSpec([number, *source.input_shape], tensorflow.float32, name=INPUT)

    def classify(image: Any) -> dict[str, Any]:
        return {OUTPUT: call(image)}

    return tensorflow.function(classify, input_signature=[specification], autograph=False)


def _name(value: Any, name: str, graph: Any) -> None:
    """Give a graph's input or output another name, wherever it stands."""
    old, value.name = value.name, name
    for node in graph.node:
        for names in (node.input, node.output):
            for place, found in enumerate(names):
                if found == old:
                    names[place] = name
