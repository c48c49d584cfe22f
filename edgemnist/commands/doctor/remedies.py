"""What helps where a target refuses a model."""

from __future__ import annotations

from collections.abc import Iterable

from edgemnist.runner.operator_versions import TFLM, Column, Refusal, columns, first_that_knows, form_of
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind

CONVERT_INT8 = "convert the trained model with full int8: `edgemnist convert --int8`"
_WITHOUT_FLEX = (
    "convert without TensorFlow's own operators: target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS], and "
    "replace the layer of which the converter then says that it needs them"
)
_PER_TENSOR_DENSE = (
    "set the converter's _experimental_disable_per_channel_quantization_for_dense_layers = True, as `edgemnist convert "
    "--dynamic` does: FULLY_CONNECTED then has version 9 or lower"
)


def install_of(column: Column) -> str:
    """Return how a measured version is installed, and on which Pythons, or nothing where pip has no part in it."""
    if not column.pythons:
        return f"npm install {column.package}@{column.version}" if column.package.startswith("@") else ""
    numpy = " 'numpy<2'" if column.numpy_2 is False else ""
    first, last = column.pythons[0], column.pythons[-1]
    pythons = f"Python {first}" if first == last else f"Python {first} to {last}"
    return f"pip install '{column.package}=={column.version}'{numpy} ({pythons})"


def remedies_for(refusals: Iterable[Refusal], column: Column, model: TfliteModel) -> tuple[str, ...]:
    """Return what helps against the reasons for which a column refuses a model, each once."""
    found = (remedy for refusal in refusals for remedy in _remedies(refusal, column, model))
    return tuple(dict.fromkeys(found))


def _remedies(refusal: Refusal, column: Column, model: TfliteModel) -> Iterable[str]:
    if refusal.what == "edges":
        yield "convert with inference_input_type and inference_output_type tf.float32: float edges, integers inside"
        return
    operator = refusal.operator
    if operator is None:
        return
    if (
        refusal.what == "version"
        and operator.kind == "FULLY_CONNECTED"
        and "float32,int8/c" in form_of(operator, model)
    ):
        yield _PER_TENSOR_DENSE
    if refusal.what == "types" and model_kind(model) is not ModelKind.INT8:
        yield CONVERT_INT8
        return
    if column.name == TFLM:
        yield f"replace the layer that becomes {operator.kind} by one that TFLM has"
        return
    later = first_that_knows(operator, _later_than(column))
    if refusal.what in ("kind", "version") and later is not None:
        yield f"take a later interpreter: {later.name} knows it, {install_of(later)}"


def _later_than(column: Column) -> list[str]:
    """Return the names of the Python interpreters behind a column, the oldest first."""
    names = [name for name, one in columns().items() if one.pythons and name != TFLM]
    return names[names.index(column.name) + 1 :] if column.name in names else names


def remedies_of_model(model: TfliteModel) -> tuple[str, ...]:
    """Return what helps, by the model alone, where a runtime refused it for a reason of its own."""
    found = []
    if any(operator.kind.startswith("CUSTOM:Flex") for operator in model.operators):
        found.append(_WITHOUT_FLEX)
    if any(operator.kind.startswith("CUSTOM:") for operator in model.operators):
        found.append(
            "leave the custom operators to the program around the model, or register them in an interpreter of its own"
        )
    if any(-1 in model.tensors[index].shape_signature for index in model.inputs):
        found.append("convert with a fixed shape, as `edgemnist convert` does")
    if model_kind(model) is not ModelKind.INT8:
        found.append(CONVERT_INT8)
    return tuple(found)
