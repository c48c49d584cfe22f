"""Which operator of an int8 net is which of the float net it was converted from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind

INPUT = -1
"""Stands for the model's input where layers are numbered: it has a range of its own, and no weights."""

NO_RANGE = -2
"""Stands for the owner of an output that int8 leaves in float."""

MOST_NAMED = 4
"""Operators that a refusal names."""

_EDGES = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class Layer:
    """An operator that both nets have. ``position`` counts from 0 in the float net's order.

    ``inputs`` are its activations, ``outputs`` what it writes, ``constants`` the weights that int8 quantised: pairs of
    tensor indices, the float net's and the int8 net's; of ``outputs`` the int8 one is what the range is that of.
    ``owners``: for each output the position of the layer whose range it has, since operators such as MAX_POOL_2D pass
    theirs on; :data:`INPUT` for the model's input.
    """

    position: int
    kind: str
    float_index: int
    int8_index: int
    inputs: tuple[tuple[int, int], ...]
    outputs: tuple[tuple[int, int], ...]
    constants: tuple[tuple[int, int], ...]
    owners: tuple[int, ...] = ()

    @property
    def has_range(self) -> bool:
        """Whether its output's range is its own."""
        return self.position in self.owners

    @property
    def is_quantised(self) -> bool:
        """Whether it has weights or a range that quantisation could cost something with."""
        return self.has_range or bool(self.constants)


@dataclass(frozen=True, eq=False)
class Pair:
    """A float net and its int8 net. ``source``: the model's input in both, the int8 one as a quantised tensor."""

    float_model: TfliteModel
    int8_model: TfliteModel
    source: tuple[int, int]
    layers: tuple[Layer, ...]

    def quantised(self, tensor: int) -> TensorInfo:
        """Return a tensor of the int8 net."""
        return self.int8_model.tensors[tensor]


def pair_up(float_model: TfliteModel, int8_model: TfliteModel) -> Pair:
    """Return which operators of two nets are the same: by their outputs' names, else by order, kind and shape.

    :raises UnsupportedModelError: the first is not float32 or the second has no integer activations, or one has an
        operator that the other has not; names every one.
    """
    _check_kinds(float_model, int8_model)
    _check_scales(int8_model)
    graph = _Int8Graph(int8_model)
    partners = _partners(float_model, graph)
    source = graph.quantised(int8_model.inputs[0])
    tensors = {int8_model.inputs[0]: float_model.inputs[0]}
    for number, partner in partners.items():
        operator = int8_model.operators[number]
        tensors |= dict(zip(operator.outputs, float_model.operators[partner].outputs, strict=True))
    layers, problems = [], []
    for position, (number, partner) in enumerate(sorted(partners.items(), key=lambda one: one[1])):
        left, right = float_model.operators[partner], int8_model.operators[number]
        problem = _wiring(left, right, float_model, graph, tensors)
        problems += [problem] if problem else []
        layers.append(_layer(position, left, right, float_model, graph))
    if problems:
        raise _other_net(problems)
    pair = Pair(float_model, int8_model, (float_model.inputs[0], source), tuple(layers))
    return replace(pair, layers=_with_owners(pair))


def _other_net(problems: Sequence[str]) -> UnsupportedModelError:
    listed = list(problems[:MOST_NAMED])
    if len(problems) > MOST_NAMED:
        listed.append(f"and {len(problems) - MOST_NAMED} more")
    headline = "the float net and the int8 net are not the same net; name the float .tflite that it was converted with:"
    return UnsupportedModelError(headline, listed)


def _check_kinds(float_model: TfliteModel, int8_model: TfliteModel) -> None:
    kind = model_kind(float_model)
    if kind is not ModelKind.FLOAT32:
        raise UnsupportedModelError(
            "nothing to compare with:",
            [f"the model named as float is {kind.value}; make a float32 one with `edgemnist convert --float32`"],
        )
    kind = model_kind(int8_model)
    if kind not in (ModelKind.INT8, ModelKind.INT16X8):
        raise UnsupportedModelError(
            "nothing is quantised:",
            [f"the model is {kind.value}, with float activations; make an int8 one with `edgemnist convert --int8`"],
        )


def _check_scales(model: TfliteModel) -> None:
    for tensor in model.tensors:
        scales = tensor.quantisation.scales if tensor.quantisation is not None else ()
        if any(not math.isfinite(scale) or scale <= 0.0 for scale in scales):
            what = f"tensor {tensor.name!r} has a scale that is no positive number; convert the model again"
            raise UnsupportedModelError("the int8 net can't be compared:", [what])


class _Int8Graph:
    """The int8 net without the operators that only change a type."""

    def __init__(self, model: TfliteModel) -> None:
        self.model = model
        self.operators = [one for one in model.operators if one.kind not in _EDGES]
        self._sources = {one.outputs[0]: one.inputs[0] for one in model.operators if one.kind in _EDGES}
        self._readers: dict[int, list[OperatorInfo]] = {}
        for operator in model.operators:
            for tensor in operator.inputs:
                self._readers.setdefault(tensor, []).append(operator)

    def origin(self, tensor: int) -> int:
        """Return what a tensor is before its changes of type."""
        while tensor in self._sources:
            tensor = self._sources[tensor]
        return tensor

    def quantised(self, tensor: int) -> int:
        """Return the tensor itself, or what QUANTIZE makes of a float one."""
        if self.model.tensors[tensor].quantisation is not None:
            return tensor
        made = [one.outputs[0] for one in self._readers.get(tensor, []) if one.kind == "QUANTIZE"]
        return made[0] if made else tensor


def _partners(float_model: TfliteModel, graph: _Int8Graph) -> dict[int, int]:
    """Return the float net's operator for each operator of the int8 net, by their numbers in the files.

    :raises UnsupportedModelError: one has none.
    """
    floats = [one for one in float_model.operators if one.kind not in _EDGES]
    names = _by_name(float_model, floats)
    found: dict[int, int] = {}
    for operator in graph.operators:
        named = names.get(graph.model.tensors[operator.outputs[0]].name)
        if named is not None and _alike(float_model, named, graph.model, operator):
            found[operator.index] = named.index
    problems = []
    left = [one for one in floats if one.index not in found.values()]
    for operator in graph.operators:
        if operator.index in found:
            continue
        if left and _alike(float_model, left[0], graph.model, operator):
            found[operator.index] = left.pop(0).index
        else:
            problems.append(f"{_in_words(graph.model, operator)} of the int8 net has no counterpart in the float net")
    problems += [f"{_in_words(float_model, one)} of the float net has no counterpart in the int8 net" for one in left]
    if problems:
        raise _other_net(problems)
    return found


def _by_name(model: TfliteModel, operators: Sequence[OperatorInfo]) -> Mapping[str, OperatorInfo]:
    """Return operators by the name of their first output, where no other has that name."""
    names = [model.tensors[one.outputs[0]].name for one in operators]
    return {name: one for name, one in zip(names, operators, strict=True) if names.count(name) == 1}


def _alike(one: TfliteModel, left: OperatorInfo, other: TfliteModel, right: OperatorInfo) -> bool:
    return left.kind == right.kind and _shapes(one, left) == _shapes(other, right)


def _shapes(model: TfliteModel, operator: OperatorInfo) -> list[tuple[int, ...]]:
    """Return the shapes of its outputs and of its weights, which have several axes."""
    outputs = [model.tensors[tensor].shape for tensor in operator.outputs]
    inputs = [model.tensors[tensor] for tensor in operator.inputs if tensor != -1]
    return outputs + [one.shape for one in inputs if one.data is not None and len(one.shape) > 1]


def _in_words(model: TfliteModel, operator: OperatorInfo) -> str:
    shape = "x".join(map(str, model.tensors[operator.outputs[0]].shape))
    return f"operator {operator.index} {operator.kind} ({shape})"


def _activations(model: TfliteModel, operator: OperatorInfo) -> list[int]:
    return [one for one in dict.fromkeys(operator.inputs) if one != -1 and model.tensors[one].data is None]


def _wiring(
    left: OperatorInfo, right: OperatorInfo, float_model: TfliteModel, graph: _Int8Graph, tensors: Mapping[int, int]
) -> str:
    """Return what two operators read that is not the same, in words, "" where they read the same."""
    read = [tensors.get(graph.origin(one)) for one in _activations(graph.model, right)]
    if read == _activations(float_model, left):
        return ""
    return f"{_in_words(float_model, left)} of the float net reads other tensors than {_in_words(graph.model, right)}"


def _layer(
    position: int, left: OperatorInfo, right: OperatorInfo, float_model: TfliteModel, graph: _Int8Graph
) -> Layer:
    inputs = zip(_activations(float_model, left), _activations(graph.model, right), strict=False)
    outputs = [(one, graph.quantised(other)) for one, other in zip(left.outputs, right.outputs, strict=True)]
    constants = [
        (one, other)
        for one, other in zip(left.inputs, right.inputs, strict=False)
        if -1 not in (one, other) and _is_weight(float_model.tensors[one], graph.model.tensors[other])
    ]
    return Layer(position, left.kind, left.index, right.index, tuple(inputs), tuple(outputs), tuple(constants))


def _is_weight(left: TensorInfo, right: TensorInfo) -> bool:
    return (
        left.data is not None
        and right.data is not None
        and left.dtype == "float32"
        and right.quantisation is not None
        and left.data.size == right.data.size
    )


def _with_owners(pair: Pair) -> tuple[Layer, ...]:
    """Return the layers with whose range each output has: an output of the same scale as an input has the input's."""
    owner: dict[int, int] = {pair.source[0]: INPUT}
    for layer in pair.layers:
        owner |= {output: layer.position for output, _ in layer.outputs}
    for layer in pair.layers:
        for output, its in layer.outputs:
            range_ = pair.quantised(its).quantisation
            tied = [one for one, other in layer.inputs if range_ and pair.quantised(other).quantisation == range_]
            group = {owner[one] for one in (output, *tied)}
            owner = {tensor: min(group) if one in group else one for tensor, one in owner.items()}
    outputs = [both for layer in pair.layers for both in layer.outputs]
    quantised = {output for output, other in outputs if pair.quantised(other).quantisation}
    return tuple(
        replace(one, owners=tuple(owner[output] if output in quantised else NO_RANGE for output, _ in one.outputs))
        for one in pair.layers
    )
