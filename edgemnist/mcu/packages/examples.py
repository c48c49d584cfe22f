"""NAME_examples.h and NAME_examples.c: inputs with their labels, and what is needed to judge an output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.ends import Ends, ends_of
from edgemnist.compiler.generate import GeneratedModel
from edgemnist.compiler.reference import run_stream, value_of
from edgemnist.compiler.self_test import CRC_VECTORS, GOLDEN_VECTORS, generated_vectors
from edgemnist.csource.columns import within_columns
from edgemnist.csource.outputs import class_limit, second_class
from edgemnist.csource.source import lines_of, string_literal
from edgemnist.data.base import Split
from edgemnist.mcu.packages.base import Example, ExampleCode, Vector, fill, template_text
from edgemnist.mcu.packages.end_texts import array_values, end_values, printed_outputs
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import infer_normalisation, model_input
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing, class_count

TRUE_LABELS = "The labels are the images' true classes."
REFERENCE_LABELS = "The inputs are noise, so their labels are the classes that the numpy reference gives."
NO_LABELS = "The inputs are noise, and the outputs those that the numpy reference gives."

_HIGHEST = "the class with the highest score, the first of equals"
_SEARCH = """  int best = 0;
  for (int i = 1; i < {size}; ++i) {{
    if (output[i] > output[best]) best = i;
  }}
  return best;"""


def example_code(generated: GeneratedModel, examples: Sequence[Example]) -> ExampleCode:
    """Return the examples as C, outputs computed by the numpy reference.

    Without ``examples`` two inputs of the self-test's generator stand in, labelled as the reference classifies them. A
    network of several inputs or outputs has no classes: what its outputs hold is printed.

    :raises InputError: an example is not of the input's size and dtype, its label is no class, or there are no classes.
    """
    graph = generated.program.graph
    ends = ends_of(graph)
    if examples and ends.several:
        raise InputError(
            f"the network has {len(ends.inputs)} inputs and {len(ends.outputs)} outputs, and an example is an "
            "image with its class; leave the examples out, and noise stands in"
        )
    inputs: list[Vector] = [[_checked(generated, index, example)] for index, example in enumerate(examples)]
    entries = [end.tensor for end in ends.inputs]
    inputs = inputs or generated_vectors(entries, CRC_VECTORS + GOLDEN_VECTORS)[CRC_VECTORS:]
    stream = run_stream(graph, inputs, generated.program.settings)
    outputs = [[value_of(index, graph, values) for index in graph.outputs] for values in stream]
    told = _outputs_told(generated, ends, outputs) if ends.several else _classes_told(generated, examples, outputs)
    values = {
        "name": generated.name,
        "NAME": generated.name.upper(),
        "count": str(len(inputs)),
        **end_values(generated),
        **array_values(generated.name, ends, inputs, outputs),
        **told.values,
        "labels": ", ".join(str(label) for label in told.labels),
        "labels_are": told.labels_are,
    }
    header, source = (within_columns(fill(template_text(f"common/examples.{suffix}"), values)) for suffix in ("h", "c"))
    reset = f"{generated.name}_reset();" if graph.variables else ""
    return ExampleCode(header, source, told.labels_are, told.printed, len(inputs), inputs, outputs, told.labels, reset)


@dataclass(frozen=True, eq=False)
class _Told:
    """What the main program tells of the examples: what it prints, and what of the two files is about that."""

    labels: Sequence[int]
    labels_are: str
    printed: str
    values: Mapping[str, str] = field(default_factory=dict)


def _outputs_told(generated: GeneratedModel, ends: Ends, outputs: Sequence[Vector]) -> _Told:
    return _Told((), NO_LABELS, printed_outputs(generated.name, ends, outputs))


def _classes_told(generated: GeneratedModel, examples: Sequence[Example], outputs: Sequence[Vector]) -> _Told:
    found = [_class_of(generated, output) for (output,) in outputs]
    labels = [example.label for example in examples] or found
    names = class_names(generated)
    printed = printed_lines(generated.name, [names[index] for index in found], [names[index] for index in labels])
    texts = {"class_names": lines_of([string_literal(name) for name in names]), **_class_values(generated)}
    return _Told(labels, TRUE_LABELS if examples else REFERENCE_LABELS, printed, texts)


def image_examples(
    generated: GeneratedModel, split: Split, *, count: int = 10, preprocessing: Preprocessing | None = None
) -> list[Example]:
    """Return ``count`` examples from a split, or all it has: the first image of every class, then the second.

    ``preprocessing`` None takes the normalisation that the input's integers were made for.

    :raises InputError: the images have not the input's size, or the normalisation is not known.
    """
    graph = generated.program.graph
    entry = graph.tensors[graph.input]
    known = preprocessing or _derived(entry, split)
    if split.images[:1].size != entry.elements:
        shapes = ["x".join(str(size) for size in shape[1:]) for shape in (split.images.shape, entry.shape)]
        raise InputError(f"the images are {shapes[0]} and the model takes {shapes[1]}; choose its own dataset")
    chosen = _spread(split.labels.tolist())[:count]
    values = model_input(split.images[chosen], entry, known)
    return [Example(one, int(split.labels[index])) for one, index in zip(values, chosen, strict=True)]


def _derived(entry: TensorInfo, split: Split) -> Preprocessing:
    normalisation = infer_normalisation(entry)
    if normalisation is None:
        raise InputError("what range of pixels the model was trained on is not known; give the normalisation")
    height, width, channels = split.images.shape[1:]
    return Preprocessing((height, width, channels), normalisation=normalisation)


def _spread(labels: Sequence[int]) -> list[int]:
    """Return the positions of labels: each label's first in the order of the labels, then each one's second."""
    seen: Counter[int] = Counter()
    ranks = []
    for label in labels:
        ranks.append((seen[label], label))
        seen[label] += 1
    return sorted(range(len(labels)), key=ranks.__getitem__)


def class_names(generated: GeneratedModel) -> list[str]:
    """Return what to print for each class: its index, and its name where that says more."""
    graph = generated.program.graph
    indices = [str(index) for index in range(class_count(graph.tensors[graph.output].elements))]
    if not generated.labels or list(generated.labels) == indices:
        return indices
    return [f"{index} ({label})" for index, label in zip(indices, generated.labels, strict=True)]


def _class_of(generated: GeneratedModel, output: NDArray[Any]) -> int:
    """Return the class that an output stands for: the highest of several, else what one output says of two."""
    graph = generated.program.graph
    limit = class_limit(graph.tensors[graph.output], generated.output) if output.size == 1 else None
    return int(np.argmax(output)) if limit is None else int(output.reshape(-1)[0] > limit)


def _class_values(generated: GeneratedModel) -> dict[str, str]:
    """Return how many class texts there are, and the function that chooses one by an output, by placeholder."""
    graph, size = generated.program.graph, f"{generated.name.upper()}_OUTPUT_SIZE"
    result = graph.tensors[graph.output]
    if result.elements != 1:
        return {"class_count": size, "best_is": _HIGHEST, "best_class": _SEARCH.format(size=size)}
    what = (
        "1 where the output is above a half"
        if generated.output is OutputKind.ONE_PROBABILITY
        else ("1 where the output is above zero")
    )
    chosen = second_class(result, generated.output, "output[0]")
    unused = "" if "output" in chosen else "  (void)output;\n"
    return {"class_count": "2", "best_is": f"{what}, else class 0", "best_class": f"{unused}  return {chosen};"}


def printed_lines(name: str, found: Sequence[str], labels: Sequence[str]) -> str:
    """Return what the main program prints when all is well, with "..." for the times."""
    lines = [f"{name}: self-test passed"]
    for index, (one, label) in enumerate(zip(found, labels, strict=True)):
        verdict = "right" if one == label else "wrong"
        lines.append(f"{name}: example {index}: class {one}, label {label}: {verdict}, ... us")
    right = sum(one == label for one, label in zip(found, labels, strict=True))
    return "\n".join([*lines, f"{name}: {right} of {len(labels)} right", f"{name}: PASSED"])


def _checked(generated: GeneratedModel, index: int, example: Example) -> NDArray[Any]:
    graph = generated.program.graph
    entry, classes = graph.tensors[graph.input], class_count(graph.tensors[graph.output].elements)
    if example.values.size != entry.elements or example.values.dtype != np.dtype(entry.dtype):
        raise InputError(
            f"example {index} has {example.values.size} values of {example.values.dtype}; "
            f"the model takes {entry.elements} of {entry.dtype}"
        )
    if not 0 <= example.label < classes:
        raise InputError(f"example {index} has label {example.label}; the model's classes are 0 to {classes - 1}")
    return example.values.reshape(entry.shape)
