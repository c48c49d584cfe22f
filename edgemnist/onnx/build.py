"""Graph to Keras model, operator by operator; every reason against it is found in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgemnist.keras_io.classifier import Built
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.graph import Constant, Graph, Node
from edgemnist.onnx.layout import Layout
from edgemnist.onnx.registry import Use, operators
from edgemnist.onnx.values import Form, RefusedError, Value, layers, plain, reshaped
from edgemnist.support.errors import ModelError, UnsupportedModelError, first_line

_SCORES_TO_SCORES = ("LogSoftmax", "Sigmoid", "ai.onnx.ml.Normalizer")
"""What may stand at the end and keeps the order of the classes: a softmax in its place gives probabilities."""


def build(graph: Graph, image_shape: tuple[int, int, int]) -> Built:
    """Return the Keras model of a graph.

    :raises UnsupportedModelError: operators, or uses of them, that cannot be imported; lists them all.
    :raises ModelError: its output is not one row of scores for each image.
    """
    _, keras = load_tensorflow()
    keras.backend.reset_uids()  # the layers' names are in the file, which has to be the same every time
    image = layers().Input(image_shape, name="image")
    values: dict[str, Value] = {graph.input: _entrance(image, graph.layout)}
    problems = _unknown(graph)
    for node in graph.nodes:
        try:
            made = _apply(node, graph, values) if node.kind in operators() else _placeholders(graph, node)
        except RefusedError as error:
            problems.append(f"{node.label} {error}")
            made = _placeholders(graph, node)
        values.update({name: value for name, value in zip(node.outputs, made, strict=False) if name and value})
    if problems:
        raise UnsupportedModelError(
            f"{str(graph.path)!r} (by {graph.producer}, opset {graph.opset}) cannot be imported; "
            f"what can be is made of {', '.join(operators())}",
            problems,
        )
    return _built(graph, image, values)


def _unknown(graph: Graph) -> list[str]:
    """Return a line for each kind of operator that is not in the table."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.kind not in operators():
            found.setdefault(node.kind, []).append(node)
    return [
        f"{nodes[0].label} is an operator that cannot be imported" + (f"; {len(nodes)} of them" if nodes[1:] else "")
        for nodes in found.values()
    ]


def _entrance(image: Any, layout: Layout) -> Value:
    """Return the image as the graph's first operators see it."""
    if layout is Layout.CHANNELS_FIRST:
        return Value(image, Form.CHANNELS_LAST)
    if layout is Layout.CHANNELS_LAST:
        return Value(image)
    height, width, channels = (int(size) for size in image.shape[1:])
    return Value(layers().Reshape(layout.sizes((height, width, channels)))(image))


def _apply(node: Node, graph: Graph, values: Mapping[str, Value]) -> Sequence[Value | None]:
    """Return what an operator makes, nothing where its inputs could not be made."""
    given: list[Value | Constant | None] = []
    for name in node.inputs:
        found = values.get(name) if name in values else graph.constants.get(name)
        if name and found is None:
            return ()
        given.append(found)
    try:
        made = operators()[node.kind](Use(node, tuple(given), graph.opset, graph.batch or 1))
        return (made,) if isinstance(made, Value) else made
    except (ValueError, TypeError, IndexError, ZeroDivisionError, load_tensorflow()[0].errors.OpError) as error:
        # Keras refuses shapes and arguments that do not fit with these.
        raise RefusedError(f"has sizes or attributes that do not fit its input: {first_line(error)}") from error


def _placeholders(graph: Graph, node: Node) -> Sequence[Value | None]:
    """Return something of the shapes that a refused operator would make, so that those after it are checked too."""
    shapes = [graph.shapes.get(name, ())[1:] for name in node.outputs]
    return [Value(layers().Input(sizes)) if sizes and None not in sizes else None for sizes in shapes]


def _built(graph: Graph, image: Any, values: Mapping[str, Value]) -> Built:
    keras = load_tensorflow()[1]
    made_by = {name: node for node in graph.nodes for name in node.outputs}
    end, replaced = graph.output, []
    while end in made_by and made_by[end].kind in _SCORES_TO_SCORES:
        replaced.append(made_by[end].kind)
        end = made_by[end].inputs[0]
    outputs = [_row(values.get(name), graph) for name in (graph.output, end)]
    if outputs[0] is image:
        raise ModelError(f"{str(graph.path)!r} gives its input back; it holds no classifier")
    exact, scores = (keras.Model(image, output) for output in outputs)
    return Built(exact, scores, tuple(replaced))


def _row(value: Value | None, graph: Graph) -> Any:
    if value is None:
        raise ModelError(f"{str(graph.path)!r} gives {graph.output!r}, which does not depend on the image")
    sizes = [size for size in value.shape if size != 1]
    if len(sizes) != 1:
        raise ModelError(
            f"{str(graph.path)!r} gives {'x'.join(map(str, ('batch', *value.shape)))} for an image; "
            "a classifier gives one score for each class"
        )
    return plain(reshaped(value, (sizes[0],))).tensor
