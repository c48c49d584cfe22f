"""NAME_examples.h and NAME_examples.c: inputs with their labels, and what is needed to judge an output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.generate import GeneratedModel
from edgemnist.compiler.reference import run_stream
from edgemnist.compiler.self_test import CRC_VECTORS, GOLDEN_VECTORS, generated_inputs, value_rows
from edgemnist.csource.columns import within_columns
from edgemnist.csource.outputs import class_limit, second_class
from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.source import lines_of, string_literal
from edgemnist.data.base import Split
from edgemnist.mcu.packages.base import Example, fill, template_text
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import infer_normalisation, model_input
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing, class_count

TRUE_LABELS = "The labels are the images' true classes."
REFERENCE_LABELS = "The inputs are noise, so their labels are the classes that the numpy reference gives."

_HIGHEST = "the class with the highest score, the first of equals"
_SEARCH = """  int best = 0;
  for (int i = 1; i < {size}; ++i) {{
    if (output[i] > output[best]) best = i;
  }}
  return best;"""


@dataclass(frozen=True, eq=False)
class ExampleCode:
    """The two files, where the labels are from, what the main program prints, times left open, how many examples.

    ``reset``: the call that has to be made before the first of them, "" for a network that keeps nothing. ``arrays``:
    the text of inputs, outputs and labels, as C has it.
    """

    header: str
    source: str
    labels_are: str
    printed: str
    count: int
    reset: str = ""
    arrays: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """Return what the README says of the examples, by placeholder."""
        return {
            **self.arrays,
            "count": str(self.count),
            "labels_are": self.labels_are,
            "printed_indented": self.printed.replace("\n", "\n    "),
            "reset": f"  {self.reset}\n" if self.reset else "",
            "reset_tabs": f"\t{self.reset}\n" if self.reset else "",
        }


def example_code(generated: GeneratedModel, examples: Sequence[Example]) -> ExampleCode:
    """Return the examples as C, outputs computed by the numpy reference.

    Without ``examples`` two inputs of the self-test's generator stand in, labelled as the reference classifies them.

    :raises InputError: an example is not of the input's size and dtype, or its label is no class.
    """
    graph = generated.program.graph
    entry, result = graph.tensors[graph.input], graph.tensors[graph.output]
    inputs = [_checked(generated, index, example) for index, example in enumerate(examples)]
    inputs = inputs or generated_inputs(entry, CRC_VECTORS + GOLDEN_VECTORS)[CRC_VECTORS:]
    outputs = [values[graph.output] for values in run_stream(graph, inputs, generated.program.settings)]
    found = [_class_of(generated, output) for output in outputs]
    labels = [example.label for example in examples] or found
    names = class_names(generated)
    values = {
        "name": generated.name,
        "NAME": generated.name.upper(),
        "count": str(len(inputs)),
        "entry": C_TYPES[entry.dtype],
        "result": C_TYPES[result.dtype],
        "inputs": value_rows(inputs),
        "outputs": value_rows(outputs),
        "labels": ", ".join(str(label) for label in labels),
        "labels_are": TRUE_LABELS if examples else REFERENCE_LABELS,
        "class_names": lines_of([string_literal(name) for name in names]),
        **_class_values(generated),
    }
    printed = printed_lines(generated.name, [names[index] for index in found], [names[index] for index in labels])
    header, source = (within_columns(fill(template_text(f"common/examples.{suffix}"), values)) for suffix in ("h", "c"))
    reset = f"{generated.name}_reset();" if graph.variables else ""
    arrays = {what: values[what] for what in ("inputs", "outputs", "labels")}
    return ExampleCode(header, source, values["labels_are"], printed, len(inputs), reset, arrays)


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
