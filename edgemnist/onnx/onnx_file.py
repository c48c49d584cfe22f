"""``.onnx`` files and models to :class:`Graph`: one image in, one row of scores out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from edgemnist.onnx.graph import Graph, Node
from edgemnist.onnx.layout import Shape, layout_of
from edgemnist.onnx.simplify import simplified
from edgemnist.support.errors import InputError, MissingDependencyError, ModelError, first_line
from edgemnist.support.limits import MAX_MODEL_BYTES
from edgemnist.support.reading import require_file

INSTALL = "install it with: pip install 'edgemnist[onnx]'"
_FLOATS = ("FLOAT", "DOUBLE", "FLOAT16")


def load_onnx() -> Any:
    """Return the module ``onnx``.

    :raises MissingDependencyError: it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.inliner
        import onnx.reference
        import onnx.shape_inference
    except ImportError as error:
        raise MissingDependencyError(f"importing a model needs the package onnx ({error}); {INSTALL}") from error
    return onnx


def load_model(path: Path) -> Any:
    """Return the ``onnx.ModelProto`` of an ``.onnx`` file, with the files that hold its weights if it has such.

    :raises ModelError: it is corrupt.
    :raises InputError: it is no regular file, or too large.
    :raises MissingDependencyError: onnx is not installed.
    """
    onnx = load_onnx()
    try:
        require_file(path, MAX_MODEL_BYTES)
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except InputError:
        raise
    except Exception as error:
        # protobuf's DecodeError, onnx's ValidationError, OSError for weights beside it: no common class.
        raise ModelError(
            f"cannot read {str(path)!r} as ONNX: {first_line(error)}; the file is corrupt or truncated, of an opset "
            f"newer than onnx {onnx.__version__} knows, or its weights are in a file that is not beside it"
        ) from error
    return model


def input_shape(model: Any, path: Path) -> Shape:
    """Return the shape of an ``onnx.ModelProto``'s image, batch first, None where a size is free.

    :raises ModelError: it does not take exactly one image.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    return _shape(_only_input(load_onnx(), [one for one in model.graph.input if one.name not in weights], path))


def graph_of(
    model: Any, path: Path, image_shape: tuple[int, int, int], dataset: str, output: str | None = None
) -> Graph:
    """Return the graph of an ``onnx.ModelProto`` for images of (height, width, channels).

    ``path`` and ``dataset`` are where the model and the images came from, for messages; ``output`` names one of several
    outputs.

    :raises ModelError: it does not take exactly one such image or does not give exactly one row of scores.
    """
    onnx = load_onnx()
    model = onnx.inliner.inline_local_functions(model)
    found = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in found.initializer}
    image = _only_input(onnx, [value for value in found.input if value.name not in constants], path)
    batch = (_shape(image) or (None,))[0]
    layout = layout_of(_shape(image), image_shape, path, dataset)
    _fix_sizes(image, (batch or 1, *layout.sizes(image_shape)))
    model = _with_shapes(onnx, model, path)
    found = model.graph
    nodes = [_node(onnx, node) for node in found.node]
    output_name = _scores(onnx, found, nodes, path, output)
    nodes = list(_needed(nodes, output_name))
    graph = Graph(
        path=path,
        nodes=tuple(nodes),
        constants=constants,
        input=image.name,
        layout=layout,
        input_dtype=np.dtype(onnx.helper.tensor_dtype_to_np_dtype(image.type.tensor_type.elem_type)),
        batch=batch,
        output=output_name,
        shapes={
            value.name: _shape(value)
            for value in (*found.value_info, *found.input, *found.output)
            if value.type.tensor_type.HasField("shape")
        },
        opsets={"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import},
        operators=tuple(dict.fromkeys(node.kind for node in nodes if node.kind != "Constant")),
        producer=f"{model.producer_name or 'unknown'} {model.producer_version}".strip(),
    )
    return simplified(onnx, graph)


def _fix_sizes(image: Any, sizes: Sequence[int]) -> None:
    """Write the sizes that images will have into the input, so that every shape behind it can be inferred."""
    for dimension, size in zip(image.type.tensor_type.shape.dim, sizes, strict=True):
        dimension.dim_value = size


def _with_shapes(onnx: ModuleType, model: Any, path: Path) -> Any:
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError(
            f"{str(path)!r} contradicts itself in the shapes of its values: {first_line(error)}"
        ) from error


def _only_input(onnx: ModuleType, inputs: Sequence[Any], path: Path) -> Any:
    types = onnx.TensorProto
    allowed = (types.FLOAT, types.DOUBLE, types.FLOAT16, types.UINT8)
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none at all"
        raise ModelError(f"{str(path)!r} has {len(inputs)} inputs ({names}); an image classifier has exactly one")
    if inputs[0].type.tensor_type.elem_type not in allowed:
        kind = inputs[0].type.tensor_type.elem_type
        name = types.DataType.Name(kind) if kind else "something that is no tensor"
        raise ModelError(f"{str(path)!r} takes {name}; an image is float32, float64, float16 or uint8")
    return inputs[0]


def _scores(onnx: ModuleType, found: Any, nodes: Sequence[Node], path: Path, named: str | None) -> str:
    """Return the output with the scores: scikit-learn's converters also give the label, and wrap scores in a map."""
    outputs, made_by = [], {name: node for node in nodes for name in node.outputs}
    for place, value in enumerate(found.output):
        if named is not None and named not in (value.name, str(place)):
            continue
        node = made_by.get(value.name)
        if node is not None and node.operator == "ZipMap":
            outputs.append(node.inputs[0])
        elif onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type) in _FLOATS:
            outputs.append(value.name)
    if len(outputs) != 1:
        names = ", ".join(value.name for value in found.output) or "none"
        raise ModelError(
            f"{str(path)!r} has {len(outputs)} outputs of real numbers{f' named {named!r}' if named else ''} (outputs: "
            f"{names}); a classifier has one, the scores of the classes: name it with --output"
        )
    return str(outputs[0])


def _shape(value: Any) -> Shape:
    sizes = value.type.tensor_type.shape.dim
    return tuple(int(size.dim_value) if size.dim_value > 0 else None for size in sizes)


def _node(onnx: ModuleType, node: Any) -> Node:
    attributes = {entry.name: _plain(onnx.helper.get_attribute_value(entry)) for entry in node.attribute}
    domain = "" if node.domain == "ai.onnx" else node.domain
    return Node(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), attributes, node)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value


def _needed(nodes: Sequence[Node], output: str) -> Iterator[Node]:
    """Yield the nodes on the way to the output, in the file's order, which is one of computation."""
    wanted, kept = {output}, set()
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            kept.add(id(node))
    return (node for node in nodes if id(node) in kept)
