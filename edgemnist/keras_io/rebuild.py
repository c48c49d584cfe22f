"""A live Keras model, of Keras 2 or 3, rebuilt layer by layer in tf_keras, which the rest of the chain trains with.

Its nested models are flattened, what works in training alone is left out, and what has its channels first gets them
last. Wrappers of tensorflow-model-optimization are taken off (see :mod:`~edgemnist.keras_io.wrappers`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.keras_io import turning
from edgemnist.keras_io.activations import activated
from edgemnist.keras_io.layers import RefusedError, copied, is_operation, set_weights, why_not
from edgemnist.keras_io.operations import operations
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.turning import Held
from edgemnist.keras_io.walk import Call, calls, flat, is_graph, mapped
from edgemnist.keras_io.wrappers import QUANTISERS, WRAPPERS, Range, activation_of, all_layers, kind_of, learned_range
from edgemnist.keras_io.wrappers import weights_of as wrapped_weights
from edgemnist.support.errors import ModelError, UnsupportedModelError, first_line

_DROPPED = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise",
    "AlphaDropout", "ActivityRegularization", "Identity", "RandAugment", "CutMix", "MixUp", "AugMix",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to rebuild. ``ranges``: keep those that a quantisation-aware training learned; ``input_range`` stands in for
    that of the input. ``rounded``: kernels as that training rounds them. ``upright``: bring channels last.
    ``left_out``: layers, by their ``id``, that are to be left out.
    """

    ranges: bool = True
    left_out: frozenset[int] = frozenset()
    input_range: Range | None = None
    rounded: bool = False
    upright: bool = True


def unwrapped(model: Any, path: Path) -> tuple[Any, tuple[str, ...]]:
    """Return a model without wrappers, and a line that says which there were; the model itself where there are none.

    :raises UnsupportedModelError: it has wrappers, and layers that cannot be rebuilt.
    """
    present = {kind_of(layer) for layer in all_layers(model)}.intersection(WRAPPERS)
    if not present:
        return model, ()
    said = []
    if "PruneLowMagnitude" in present:
        said.append("the wrappers of pruning were taken off, their masks applied")
    if present.intersection(QUANTISERS):
        said.append("the wrappers of quantisation-aware training were taken off; the ranges that they learned stay")
    _, keras = load_tensorflow()
    keras.backend.reset_uids()
    image = keras.Input(batch_shape=tuple(model.inputs[0].shape), name="image")
    outputs, _ = rebuild(model, Held(image), path, Way(upright=False))
    return keras.Model(image, outputs), tuple(said)


def rebuild(model: Any, image: Held, path: Path, way: Way) -> tuple[list[Any], tuple[str, ...]]:
    """Return the outputs of a rebuilt model for the tensor ``image``, and the kinds of the layers that were left out.

    :raises UnsupportedModelError: layers that cannot be rebuilt; lists them all.
    :raises ModelError: it is Python code of its own rather than a graph of layers.
    """
    if not is_graph(model):
        raise ModelError(
            f"{str(path)!r} is a model of a class of its own, not a graph of layers, so it can be neither pruned nor "
            f"trained here; edgemnist convert {path} takes it as it is"
        )
    problems = list(_problems(model))
    builder = _Builder(way)
    if not problems:
        outputs = builder.model(model, [image], problems)
        if not problems:
            return [turning.plain(value, builder.unique).tensor for value in outputs], tuple(builder.dropped)
    raise UnsupportedModelError(
        f"{str(path)!r} has layers that cannot be rebuilt for training; edgemnist convert {path} takes it as it is:",
        list(dict.fromkeys(problems)),
    )


def _problems(model: Any) -> list[str]:
    """Return a line for every layer of which it is known before building that it cannot be."""
    found = []
    for call in calls(model):
        if is_graph(call.layer):
            found += _problems(call.layer)
        elif kind_of(call.layer) not in WRAPPERS and not _is_dropped(call.kind):
            reason = why_not(call.layer)
            found += [f"{call.label} {reason}"] if reason else []
    return found


def _is_dropped(kind: str) -> bool:
    return kind in _DROPPED or kind.startswith("Random")


class _Builder:
    """Builds the calls of one model; what a layer becomes is kept, so that shared layers stay shared."""

    def __init__(self, way: Way) -> None:
        self.dropped: list[str] = []
        self._way = way
        self._made: dict[int, Any] = {}
        self._names: set[str] = {"image"}

    def unique(self, name: str) -> str:
        """Return a layer's name that is valid and not taken."""
        wanted = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "layer"
        wanted = wanted if wanted[0].isalnum() else f"layer{wanted}"
        found, count = wanted, 0
        while found in self._names:
            count += 1
            found = f"{wanted}_{count}"
        self._names.add(found)
        return found

    def model(self, model: Any, inputs: Sequence[Held], problems: list[str]) -> list[Held]:
        """Return the outputs of a model; what cannot be built ends it, with a line in ``problems``."""
        values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}

        def held(tensor: Any) -> Held:
            return values[id(tensor)]

        for call in calls(model):
            arguments, options = mapped((call.arguments, call.options), held)
            try:
                made = self._call(call, arguments, options, problems)
            except RefusedError as error:
                problems.append(f"{call.label} {error}")
            except (ValueError, TypeError, KeyError, AttributeError, load_tensorflow()[0].errors.OpError) as error:
                # tf_keras refuses arguments and shapes that it does not take with these.
                problems.append(f"{call.label} cannot be built: {first_line(error)}")
            if problems:
                return []
            values |= {id(tensor): value for tensor, value in zip(call.outputs, made, strict=True)}
        return [values[id(tensor)] for tensor in model.outputs]

    def _call(self, call: Call, arguments: Any, options: Any, problems: list[str]) -> list[Held]:
        layer, given = call.layer, [value for value in flat((arguments, options)) if isinstance(value, Held)]
        if id(layer) in self._way.left_out:
            return given[:1]
        if is_graph(layer):
            return self.model(layer, given, problems)
        if _is_dropped(call.kind):
            self.dropped.append(call.kind)
            return given[:1]
        if call.kind in WRAPPERS:
            return [self._wrapped(layer, given)]
        options = {name: value for name, value in options.items() if name not in ("training", "mask")}
        if is_operation(layer):
            build = operations()[call.kind]
            return [turning.operation(call, arguments, options, build, self.unique)]
        return [self._layer(layer, arguments, options, given)]

    def _layer(self, layer: Any, arguments: Any, options: Any, given: Sequence[Held]) -> Held:
        """Return what a copy of a layer makes of its arguments."""
        turned = turning.wanted(layer, given, upright=self._way.upright)
        first = id(layer) not in self._made
        if first:
            self._made[id(layer)] = copied(layer, self.unique, turning.changes(layer, turned))
        copy, after = self._made[id(layer)]
        if copy is None:
            result = given[0]
        else:
            take = turning.taker(turned, self.unique)
            tensor = copy(*map(take, arguments), **{name: take(value) for name, value in options.items()})
            result = Held(tensor, turned and len(tensor.shape) == 4)
            if first:
                set_weights(copy, layer, turned=turned)
        return Held(after(result.tensor), result.turned) if after else result

    def _wrapped(self, wrapper: Any, given: Sequence[Held]) -> Held:
        """Return what a layer makes of its inputs without its wrapper, with the range that the wrapper learned."""
        ends, before = learned_range(wrapper) if kind_of(wrapper) in QUANTISERS else (None, False)
        if kind_of(wrapper) == "QuantizeLayer":
            return Held(self._quantised(given[0].tensor, self._way.input_range or ends))
        layer = wrapper.layer
        name = getattr(activation_of(layer), "__name__", "linear")
        first = id(wrapper) not in self._made
        if first:
            changes = {"activation": "linear" if before else name} if hasattr(layer, "activation") else {}
            self._made[id(wrapper)] = copied(layer, self.unique, changes)[0]
        copy = self._made[id(wrapper)]
        tensors = [value.tensor for value in given]
        tensor = copy(tensors if len(tensors) > 1 else tensors[0])
        if first and copy.weights:
            weights = wrapped_weights(wrapper, rounded=self._way.rounded)
            copy.set_weights([weights[weight.name.rpartition("/")[2]] for weight in copy.weights])
        tensor = self._quantised(tensor, ends)
        return Held(activated(name, tensor, self.unique) if before else tensor)

    def _quantised(self, tensor: Any, ends: Range | None) -> Any:
        if ends is None or not self._way.ranges:
            return tensor
        return load_tensorflow()[0].quantization.fake_quant_with_min_max_vars(tensor, *ends)
