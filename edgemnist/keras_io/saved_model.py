"""SavedModels without Keras: one of their signatures as a function of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError, first_line

_DEFAULT = "serving_default"
_INTERNAL = "__saved_model"
_PASSED_THROUGH = ("Identity", "Reshape", "ExpandDims", "Squeeze", "Transpose")

Shape = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Signature:
    """One function of a SavedModel. ``shape`` is that of its input, batch first; ``outputs`` their shapes by name.

    ``call`` gives all outputs by name for float32 images; ``dtype`` is what it takes by itself, by TensorFlow's name.
    """

    name: str
    call: Callable[[Any], dict[str, Any]]
    owner: Any
    input_name: str
    dtype: str
    shape: Shape
    outputs: dict[str, Shape]


def open_saved_model(path: Path, output: str | None) -> tuple[Signature, str | None]:
    """Load the signature that serves images; ``output`` may name another, as ``SIGNATURE:OUTPUT``.

    Returns it with what is left of ``output``.

    :raises ModelError: it is corrupt, has no signature for one image, or several of which none is named.
    """
    tensorflow, _ = load_tensorflow()
    try:
        loaded = tensorflow.saved_model.load(str(path))
    except Exception as error:
        # TensorFlow raises errors of several unrelated classes for damaged files.
        raise ModelError(f"cannot load the SavedModel {str(path)!r}: {first_line(error)}; it is corrupt") from error
    signatures = {name: one for name, one in dict(loaded.signatures).items() if not name.startswith(_INTERNAL)}
    name, rest = _chosen(path, signatures, output)
    return _signature(path, name, signatures[name], loaded), rest


def _chosen(path: Path, signatures: dict[str, Any], output: str | None) -> tuple[str, str | None]:
    if not signatures:
        raise ModelError(f"the SavedModel {str(path)!r} has no signature; export it with model.export or with one")
    name, _, rest = (output or "").partition(":")
    if name in signatures:
        return name, rest or None
    if _DEFAULT in signatures or len(signatures) == 1:
        return (_DEFAULT if _DEFAULT in signatures else next(iter(signatures))), output
    raise ModelError(
        f"the SavedModel {str(path)!r} has the signatures {', '.join(sorted(signatures))}; "
        f"name one with --output, such as --output {min(signatures)}"
    )


def _signature(path: Path, name: str, function: Any, owner: Any) -> Signature:
    tensorflow, _ = load_tensorflow()
    arguments = function.structured_input_signature[1]
    if len(arguments) != 1:
        raise ModelError(
            f"{str(path)!r} has {len(arguments)} inputs ({', '.join(arguments) or 'none'}) in its signature {name!r}; "
            "edgemnist takes image classifiers with exactly one"
        )
    input_name, spec = next(iter(arguments.items()))
    if spec.dtype == tensorflow.string:
        raise ModelError(
            f"{str(path)!r} takes {input_name!r} as a string, such as the bytes of a JPEG file or an Example, in its "
            f"signature {name!r}, and decodes it inside, which no chip does; save it again with a signature of the "
            "decoded pictures: tf.saved_model.save(model, folder, signatures=tf.function(model).get_concrete_function("
            "tf.TensorSpec([None, HEIGHT, WIDTH, CHANNELS], tf.float32)))"
        )
    # Sorted: the file keeps them in a map, whose order changes from one loading to the next.
    outputs = {key: _shape(tensor) for key, tensor in sorted(function.structured_outputs.items())}

    taking_real = None if spec.dtype == tensorflow.float32 else _taking_real(function, list(outputs))

    def call(image: Any) -> dict[str, Any]:
        if taking_real is not None:
            return dict(zip(outputs, taking_real(image), strict=True))
        return dict(function(**{input_name: tensorflow.cast(image, spec.dtype)}))

    return Signature(name, call, (owner, taking_real), input_name, spec.dtype.name, _shape(spec), outputs)


def _taking_real(function: Any, names: list[str]) -> Any | None:
    """Return a signature's function with float32 as input in place of another type, None where that cannot be done.

    With a cast in front, and the cast back to float32 behind it, no converter could make whole int8 models. The
    outputs are in the order of ``names``.
    """
    tensorflow, _ = load_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function)
    definition = frozen.graph.as_graph_def()
    if not _retyped(definition, frozen.inputs[0].op.name):
        return None
    ends = [frozen.outputs[place].name for place in _places(function, names)]
    wrapped = tensorflow.compat.v1.wrap_function(
        lambda: tensorflow.graph_util.import_graph_def(definition, name=""), []
    )
    return wrapped.prune(frozen.inputs[0].name, ends)


def _places(function: Any, names: list[str]) -> list[int]:
    """Return where the named outputs are among the function's own."""
    tensors = function.structured_outputs
    flat = load_tensorflow()[0].nest.flatten(tensors)
    return [next(place for place, one in enumerate(flat) if one is tensors[name]) for name in names]


def _retyped(definition: Any, entrance: str) -> bool:
    """Make a graph's input float32, with everything up to the casts behind it; say whether that was all there was."""
    tensorflow, _ = load_tensorflow()
    real = tensorflow.float32.as_datatype_enum
    changed = [entrance]
    for name in changed:  # grows while it is gone through
        for node in definition.node:
            if node.name == entrance:
                node.attr["dtype"].type = real
            if name not in (one.partition(":")[0] for one in node.input):
                continue
            if node.op == "Cast":
                node.attr["SrcT"].type = real
            elif node.op in _PASSED_THROUGH and node.name not in changed:
                node.attr["T"].type = real
                changed.append(node.name)
            else:
                return False
    return True


def _shape(spec: Any) -> Shape:
    """Return a tensor's shape; where not even the number of its dimensions is known, that of any images."""
    return (None,) * 4 if spec.shape.rank is None else tuple(spec.shape)
