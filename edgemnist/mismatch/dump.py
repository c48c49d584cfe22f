"""What a device has dumped of its tensors, or only its answers, as a source to be compared with the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.dump_assembly import HOW, Assembly
from edgemnist.mismatch.dump_text import DumpLines
from edgemnist.mismatch.layer_by_layer import is_layer_by_layer, read_pieces
from edgemnist.mismatch.sources import Source, Tensors
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TensorInfo, TfliteModel


class DumpSource(Source):
    """A device's tensors. Their place k is the image ``images[k]``: so the oracle has to be fed.

    ``images``: the numbers under which the device dumped them, ascending. ``tensors``: by index, of shape (images,
    *tensor shape), in the dtype of the model's tensor. ``notes``: what was passed over, a sentence each.
    """

    def __init__(
        self, name: str, images: Sequence[int], tensors: Mapping[int, NDArray[Any]], notes: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.images = tuple(images)
        self.tensors = dict(tensors)
        self.notes = tuple(notes)

    def inputs(self, model: TfliteModel) -> list[NDArray[Any]] | None:
        """Return what the device fed the model, one array of (images, *input shape) per input; None: it doesn't say."""
        if all(index in self.tensors for index in model.inputs):
            return [self.tensors[index] for index in model.inputs]
        return None

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """See :meth:`Source.trace`; the inputs count, what is in them does not matter.

        :raises InputError: it has fewer images.
        """
        last = first + len(inputs[0])
        if last > len(self.images):
            raise InputError(f"{self.name} has {len(self.images)} images, {last} are compared; compare no more")
        return {index: values[first:last] for index, values in self.tensors.items()}


def read_dump(path: Path, model: TfliteModel) -> DumpSource:
    """Read what a device printed, or a file of TFLM's ``layer_by_layer_output_tool``.

    Lines that a wire has damaged, and tensors that did not come whole, are passed over and told in ``notes``.

    :raises InputError: no such file or no dump, too large, of another model, or it contradicts itself.
    """
    lines, assembly = DumpLines(path), Assembly(path, model)
    for record in lines.records():
        assembly.add(record)
    if assembly.is_empty and not lines.damaged.count:
        if not is_layer_by_layer(path):
            raise InputError(f"{str(path)!r} has no line that begins with @tensor; give what the board printed, {HOW}")
        for piece in read_pieces(path):
            assembly.add(piece)
    dumped = assembly.result(lines.damaged.notes())
    return DumpSource(path.name, dumped.images, dumped.tensors, dumped.notes)


def answers_source(name: str, model: TfliteModel, answers: NDArray[Any]) -> DumpSource:
    """Return a device that shows its answers only.

    :param answers: of shape (images, outputs): the output's integers, or the reals that they stand for.
    :raises InputError: they are not the model's outputs.
    """
    output = model.output()
    if answers.ndim != 2 or answers.shape[1] != output.elements:
        raise InputError(
            f"{name} has {answers.shape[-1]} outputs an image, the model has {output.elements}; give all outputs"
        )
    values = stored_values(name, answers, output).reshape(len(answers), *output.shape)
    real = np.dtype(output.dtype).kind != "f" and not np.array_equal(np.rint(answers), answers, equal_nan=True)
    notes = (
        [f"the answers of {name} are no whole numbers: they were quantised as the model's output is"] if real else []
    )
    return DumpSource(name, range(len(answers)), {output.index: values}, notes)


def stored_values(name: str, answers: NDArray[Any], tensor: TensorInfo) -> NDArray[Any]:
    """Return answers as a tensor has them: whole numbers as they are, other ones quantised to the nearest.

    :raises InputError: one is outside of the type's range.
    """
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return answers.astype(dtype)
    whole = np.rint(answers)
    if tensor.quantisation is not None and not np.array_equal(whole, answers, equal_nan=True):
        whole = np.rint(answers / tensor.quantisation.scale) + tensor.quantisation.zero_point
    limits = np.iinfo(dtype)
    outside = whole[(whole < limits.min) | (whole > limits.max) | ~np.isfinite(whole)]
    if outside.size:
        raise InputError(
            f"{name} has the output {outside.flat[0]:g}, the model's are {tensor.dtype}: {limits.min} to {limits.max}; "
            "give the integers that the device has in its output"
        )
    stored: NDArray[Any] = whole.astype(dtype)
    return stored
