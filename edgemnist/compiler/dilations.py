"""Dilated convolutions that a converter wrote as blocks of pixels, a plain convolution of each image, and back.

Pixels that are a block's size apart are neighbours in an image of SPACE_TO_BATCH_ND, so that a VALID convolution of all
images is one of the padded input with that dilation; BATCH_TO_SPACE_ND cuts off what stands out (TensorFlow's
``tf.nn.convolution`` says so of ``dilations``). Layers of one dimension have reshapes inside, which stand around it
then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType

from edgemnist.compiler.added import AddedTensors
from edgemnist.compiler.claims import operand_problems
from edgemnist.compiler.graph import PADDING_VALID, Graph, Node, Padding
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.operands import activations_of, input_tensor, output_of, output_tensor, weights_tensor
from edgemnist.compiler.ops.space_to_batch import SPACE_TO_BATCH, amounts_of, blocks_of
from edgemnist.tflite.file import TensorInfo

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@dataclass(frozen=True)
class _Chain:
    """The nodes by place: blocks, a reshape, the layer, a reshape, back; -1 for a reshape that is not there."""

    first: int
    before: int
    layer: int
    after: int
    last: int

    @property
    def places(self) -> list[int]:
        """Those that are there, in the graph's order."""
        every = (self.first, self.before, self.layer, self.after, self.last)
        return sorted(place for place in every if place != -1)


def with_dilations(graph: Graph) -> Graph:
    """Return a graph, as read from a file and not checked yet, with one layer in place of each such chain."""
    if not any(node.operator == SPACE_TO_BATCH for node in graph.nodes):
        return graph
    readers: dict[int, list[int]] = {}
    for place, node in enumerate(graph.nodes):
        for index in node.inputs:
            readers.setdefault(index, []).append(place)
    for index in graph.wanted:
        readers.setdefault(index, []).append(-1)
    nodes: list[Node | None] = list(graph.nodes)
    added = AddedTensors(graph)
    found: dict[int, list[Node]] = {}
    for place, node in enumerate(graph.nodes):
        chain = _chain(place, graph, readers) if node.operator == SPACE_TO_BATCH else None
        if chain is not None:
            for one in chain.places:
                nodes[one] = None
            found[chain.places[-1]] = _merged(chain, added)
    return added.with_nodes(
        one for place, node in enumerate(nodes) for one in found.get(place, [node] if node else [])
    )  # fmt: skip


def _chain(first: int, graph: Graph, readers: Mapping[int, Sequence[int]]) -> _Chain | None:
    """Return the chain that begins at a place, None where it is not one that a dilation does the work of."""

    def next_of(place: int) -> int:
        outputs = graph.nodes[place].outputs
        following = readers.get(outputs[0], ()) if len(outputs) == 1 else ()
        return following[0] if len(following) == 1 and _follows(graph, place, following[0]) else -1

    place = next_of(first)
    before = place if place != -1 and graph.nodes[place].operator in _RESHAPES else -1
    layer = next_of(before) if before != -1 else place
    if layer == -1 or graph.nodes[layer].operator not in _LAYERS:
        return None
    place = next_of(layer)
    after = place if place != -1 and graph.nodes[place].operator in _RESHAPES else -1
    last = next_of(after) if after != -1 else place
    if last == -1 or graph.nodes[last].operator != "BATCH_TO_SPACE_ND" or (before == -1) != (after == -1):
        return None
    chain = _Chain(first, before, layer, after, last)
    return chain if _is_dilation(chain, graph) else None


def _follows(graph: Graph, place: int, later: int) -> bool:
    """Whether a node comes after another in the file and works on what that one writes."""
    return later > place and graph.nodes[later].inputs[0] == graph.nodes[place].outputs[0]


def _is_dilation(chain: _Chain, graph: Graph) -> bool:
    first, layer, last = (graph.nodes[place] for place in (chain.first, chain.layer, chain.last))
    nodes = (graph.nodes[place] for place in chain.places)
    if any(operand_problems(node, graph.tensors, several_outputs=False) for node in nodes):
        return False
    if any(OPERATORS[node.kind].check(node, graph) if node.kind in OPERATORS else True for node in (first, last)):
        return False
    block, padding = blocks_of(first, graph), _padding(chain, graph)
    same_blocks = blocks_of(last, graph) == block and input_tensor(first, graph).shape[0] == 1
    if not _is_plain(layer) or not same_blocks or (chain.before != -1 and not _is_row(chain, graph)):
        return False
    images, result, weights = input_tensor(layer, graph), output_tensor(layer, graph), weights_tensor(layer, graph)
    if not len(images.shape) == len(weights.shape) == 4:
        return False
    sizes = [size - kernel + 1 for size, kernel in zip(images.shape[1:3], weights.shape[1:3], strict=True)]
    whole = (images.shape[0], *sizes) == result.shape[:3] and images.shape[0] == prod(block)
    return whole and min(padding.top, padding.left, padding.bottom, padding.right) >= 0


def _is_plain(layer: Node) -> bool:
    """Whether a layer has weights, strides of 1 and no padding, and is not dilated yet."""
    factors = {layer.integer("dilation_hfactor"), layer.integer("dilation_wfactor")}
    strides = {layer.integer("stride_h"), layer.integer("stride_w")}
    weighted = len(layer.inputs) > 1 and layer.inputs[1] != -1
    return weighted and strides == {1} and factors <= {0, 1} and layer.integer("padding") == PADDING_VALID


def _is_row(chain: _Chain, graph: Graph) -> bool:
    """Whether the reshapes make images of one row of three axes, and three axes of them."""
    first, layer, last = (graph.nodes[place] for place in (chain.first, chain.layer, chain.last))
    three, four = output_tensor(first, graph).shape, input_tensor(layer, graph).shape
    out_four, out_three = output_tensor(layer, graph).shape, input_tensor(last, graph).shape
    return (
        len(three) == len(out_three) == 3
        and four == (three[0], 1, *three[1:])
        and out_four == (out_three[0], 1, *out_three[1:])
    )


def _padding(chain: _Chain, graph: Graph) -> Padding:
    """Return what is padded around the input less what is cropped of the output; negative where more is cropped."""
    both = zip(*(amounts_of(graph.nodes[place], graph) for place in (chain.first, chain.last)), strict=True)
    net = [(pads[0] - crops[0], pads[1] - crops[1]) for pads, crops in both]
    rows, columns = net if len(net) == 2 else ((0, 0), net[0])
    return Padding(rows[0], columns[0], rows[1], columns[1])


def _merged(chain: _Chain, added: AddedTensors) -> list[Node]:
    """Return the layer with its dilation, and reshapes around one of a single row, whose tensors are added."""
    graph = added.graph
    first, layer, last = (graph.nodes[place] for place in (chain.first, chain.layer, chain.last))
    sources = tuple(source for place in chain.places for source in graph.nodes[place].sources)
    height, width = (1, *blocks_of(first, graph))[-2:]
    options = MappingProxyType({**layer.options, "dilation_hfactor": height, "dilation_wfactor": width})
    merged = replace(layer, options=options, padding=_padding(chain, graph), sources=sources)
    if chain.before == -1:
        return [replace(merged, inputs=(activations_of(first), *layer.inputs[1:]), outputs=last.outputs)]
    before, after = graph.nodes[chain.before], graph.nodes[chain.after]
    row, result = _as_row(input_tensor(first, graph)), _as_row(output_tensor(last, graph))
    image, output = added.add(row), added.add(result)
    return [
        _reshape(before, activations_of(first), image, row.shape),
        replace(merged, inputs=(image, *layer.inputs[1:]), outputs=(output,)),
        _reshape(after, output, output_of(last), output_tensor(last, graph).shape),
    ]


def _reshape(like: Node, source: int, target: int, shape: tuple[int, ...]) -> Node:
    options = MappingProxyType({"new_shape": shape})
    return Node("RESHAPE", (source,), (target,), options, like.sources)


def _as_row(like: TensorInfo) -> TensorInfo:
    """Return a tensor of three axes as an image of one row."""
    return replace(like, shape=(like.shape[0], 1, *like.shape[1:]), shape_signature=())
