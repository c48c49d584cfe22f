"""A network with any inputs and outputs: arrays in, arrays out, as the manifest says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError
from edgemnist.tflite.integers import to_integers, to_real

from .opened import Opened


class End:
    """An input or output: its name, the dtype and shape of one inference, and how its integers stand for numbers."""

    def __init__(self, place: str, told: Mapping[str, Any]) -> None:
        self.place, self.name = place, str(told["name"])
        self.dtype, self.shape = np.dtype(told["dtype"]), tuple(int(size) for size in told["shape"])
        self.scale, self.zero_point = told["scale"], told["zero_point"]

    def in_words(self) -> str:
        """Return what it is, for people."""
        scale = "" if self.scale is None else f", real = {self.scale:g} * (q - {self.zero_point})"
        return f"{self.place} {self.name!r}: {self.dtype}, {' x '.join(map(str, self.shape))}{scale}"

    def rows(self, values: NDArray[Any], *, real: bool) -> NDArray[Any]:
        """Return values as this input takes them, of shape (inferences, *shape).

        ``real``: they are numbers, of which the integers are to be made.

        :raises InputError: they are of another shape or type.
        """
        one = self.shape[1:] if self.shape[:1] == (1,) else self.shape
        if values.shape in (self.shape, one):
            values = values.reshape(1, *self.shape)
        elif values.ndim and len(values) and values.shape[1:] in (self.shape, one):
            values = values.reshape(len(values), *self.shape)
        else:
            raise InputError(
                f"an array of shape {values.shape} for {self.in_words()}; give this shape, or several of it"
            )
        if real and self.scale is not None:
            if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
                raise InputError(f"{values.dtype} for {self.in_words()}: --real takes finite numbers")
            return to_integers(values.astype(np.float32), self.scale, self.zero_point, self.dtype.name)
        if values.dtype != self.dtype:
            more = "give" if self.scale is None else "give real numbers with --real, or"
            raise InputError(f"an array of {values.dtype} for {self.in_words()}; {more} {self.dtype}")
        return values

    def real(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers that this output's values stand for; without a scale they are as they are."""
        return values if self.scale is None else to_real(values, self.scale, self.zero_point)


class Network(Opened):
    """A bundle's network on one thread. It keeps from one inference to the next what it does, and begins anew when it
    is opened.
    """

    @property
    def inputs(self) -> list[End]:
        """What it takes."""
        return [End(f"input {number}", told) for number, told in enumerate(self.manifest["inputs"])]

    @property
    def outputs(self) -> list[End]:
        """What it gives."""
        return [End(f"output {number}", told) for number, told in enumerate(self.manifest["outputs"])]

    def golden_inputs(self, arrays: Mapping[str, NDArray[Any]]) -> Iterator[Sequence[NDArray[Any]]]:
        """Yield what the model is fed with for each golden vector."""
        names = [f"input_{number}" for number in range(len(self.manifest["inputs"]))]
        for row in range(len(arrays[names[0]])):
            yield [arrays[name][row] for name in names]

    def run(self, inputs: Sequence[NDArray[Any]], *, real: bool = False) -> list[NDArray[Any]]:
        """Run it on one array for each input, of one inference or of several, which are run one after the other.

        Returns one array for each output, of shape (inferences, *shape). ``real``: inputs are numbers that integers are
        made of, and outputs the numbers that theirs stand for.

        :raises InputError: another number of arrays, one of another shape or type, or of another number of inferences.
        """
        wanted, given = self.inputs, self.outputs
        if len(inputs) != len(wanted):
            raise InputError(
                f"{len(inputs)} arrays, but it takes {len(wanted)}: {'; '.join(e.in_words() for e in wanted)}"
            )
        rows = [wanted[number].rows(values, real=real) for number, values in enumerate(inputs)]
        counts = [len(one) for one in rows]
        if len(set(counts)) != 1:
            raise InputError(f"the inputs are of {', '.join(map(str, counts))} inferences; give as many of each")
        found = [self.engine.invoke([one[place] for one in rows]) for place in range(counts[0])]
        columns = [np.stack([outputs[number] for outputs in found]) for number in range(len(given))]
        shaped = [columns[number].reshape(-1, *end.shape) for number, end in enumerate(given)]
        return [end.real(shaped[number]) for number, end in enumerate(given)] if real else shaped
