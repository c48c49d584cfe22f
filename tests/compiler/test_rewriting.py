"""Rewriting and its invariants: deep graphs in time, and graphs that no pass may leave behind."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from edgemnist.compiler.graph import Graph, Node, validate
from edgemnist.compiler.lowering import lower
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.rewriting import Links, rewrite
from edgemnist.tflite.file import TensorInfo, parse_tflite
from tests.compiler.layers import WEIGHT_SCALE, Arithmetic, Layers

PAIRS = 256


def dense_and_relu(pairs: int) -> bytes:
    """Return a model of ``pairs`` dense layers, each with a RELU of its own behind it; every scale is the input's."""
    layers = Layers.seeded(0)
    value = layers.input((1, 2))
    for _ in range(pairs):
        value = layers.dense(value, 2, Arithmetic(multiplier=WEIGHT_SCALE, per_channel=False, bias=None))
        value = layers.op("RELU", [value], value.shape)
    return layers.finish(value)


def reshapes(count: int) -> bytes:
    """Return a model of ``count`` reshapes in a row, behind a dense layer."""
    layers = Layers.seeded(0)
    value = layers.dense(layers.input((1, 6)), 6)
    for number in range(count):
        value = layers.reshape(value, (1, 2, 3) if number % 2 else (1, 6))
    return layers.finish(value)


def processor_seconds(content: bytes) -> tuple[float, float, Graph]:
    """Return what optimising takes, what everything to the memory plan takes, and the optimised graph."""
    model = parse_tflite(content)
    start = time.process_time()
    graph = read_graph(model)
    read = time.process_time()
    optimised = optimise(graph)
    optimisation = time.process_time() - read
    plan(lower(optimised, LoweringSettings(sparse="never")))
    return optimisation, time.process_time() - start, optimised


def test_thousands_of_fusions_take_no_time() -> None:
    """256 layers and fusions take a quarter of a second; with the whole graph looked through for each, far more."""
    optimisation, all_, graph = processor_seconds(dense_and_relu(PAIRS))

    assert [node.sources for node in graph.nodes] == [(2 * pair, 2 * pair + 1) for pair in range(PAIRS)]
    assert optimisation < 2
    assert all_ < 6


def test_thousands_of_reshapes_take_no_time() -> None:
    """Aliases point at the tensor that has the memory, not at each other."""
    optimisation, _, graph = processor_seconds(reshapes(PAIRS))

    assert len(graph.nodes) == 1
    assert set(graph.storage.values()) == {graph.nodes[0].outputs[0]}
    assert optimisation < 1


# The invariants


def chain() -> Graph:
    """Return input 0 -> RELU -> 1 -> RELU -> 2, and 3, an alias of 2."""
    tensors = {index: TensorInfo(index, f"tensor {index}", (1, 4), (), "int8", None, None) for index in range(5)}
    nodes = (Node("RELU", (0,), (1,), {}, (0,)), Node("RELU", (1,), (2,), {}, (1,)))
    return Graph(tensors, nodes, (0,), (3,), "0" * 64, {3: 2})


def test_a_right_graph_is_returned() -> None:
    graph = chain()

    assert validate(graph) is graph


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda graph: graph.with_nodes(reversed(graph.nodes)), "operator 1 RELU reads tensor 1 before it is written"),
        (lambda graph: graph.with_nodes(graph.nodes[1:]), "reads tensor 1"),
        (lambda graph: graph.with_nodes(graph.nodes[:1]), "an output, tensor 3, is never written"),
        (lambda graph: graph.with_nodes([*graph.nodes, graph.nodes[0]]), "operator 0 RELU writes tensor 1"),
        (lambda graph: replace(graph, storage={3: 4}), "tensor 3, is never written"),
        (lambda graph: replace(graph, storage={3: 4, 4: 3}), "alias of itself"),
        (lambda graph: replace(graph, storage={3: 2, 2: 1}), "operator 1 RELU writes tensor 2"),
        (lambda graph: replace(graph, outputs=(4,)), "an output, tensor 4"),
        (
            lambda graph: graph.with_nodes([graph.nodes[0], replace(graph.nodes[1], fused=(graph.nodes[0],))]),
            "does not write what its last operator writes",
        ),
    ],
)
def test_a_graph_that_can_not_be_run_is_noticed(wrong: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        validate(wrong(chain()))  # type: ignore[operator]


def test_a_rule_that_takes_no_node_away_is_noticed() -> None:
    """It would fit for ever."""
    with pytest.raises(ValueError, match="does the work of no other node"):
        rewrite(chain(), [lambda links, node: node])


def test_a_rule_merges_as_far_as_it_fits() -> None:
    def merge(links: Links, node: Node) -> Node | None:
        producer = links.sole_producer(node.inputs[0])
        return None if producer is None else replace(node, inputs=producer.inputs)

    graph = chain()

    assert [(node.inputs, node.outputs) for node in rewrite(graph, [merge]).nodes] == [((0,), (2,))]
    kept = replace(graph, storage={3: 2, 4: 1})
    assert len(rewrite(kept, [merge]).nodes) == 2  # tensor 1 has another name, by which it may be read
