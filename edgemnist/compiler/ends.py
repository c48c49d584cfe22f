"""A network's inputs and outputs as the generated C names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemnist.compiler.graph import Graph
from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.values import dequantise_function, quantise_function
from edgemnist.tflite.file import TensorInfo


@dataclass(frozen=True, eq=False)
class End:
    """An input or output. ``name`` is the argument: ``input``, or ``input_0`` where there are several."""

    index: int
    tensor: TensorInfo
    name: str

    @property
    def macro(self) -> str:
        """What its macros begin with, after the network's prefix."""
        return self.name.upper()

    @property
    def ctype(self) -> str:
        """The C type of its elements."""
        return C_TYPES[self.tensor.dtype]


@dataclass(frozen=True, eq=False)
class Ends:
    """All of a network, in the file's order."""

    inputs: tuple[End, ...]
    outputs: tuple[End, ...]

    @property
    def several(self) -> bool:
        """Whether there is more than one input or output."""
        return len(self.inputs) > 1 or len(self.outputs) > 1

    def arguments(self, prefix: str) -> str:
        """Return the C function's parameters; ``prefix`` is that of the macros of the sizes."""
        inputs = [f"const {end.ctype} {end.name}[{prefix}_{end.macro}_SIZE]" for end in self.inputs]
        return ", ".join([*inputs, *(f"{end.ctype} {end.name}[{prefix}_{end.macro}_SIZE]" for end in self.outputs)])

    def names(self) -> str:
        """Return the arguments' names, as a call has them."""
        return ", ".join(end.name for end in (*self.inputs, *self.outputs))


def ends_of(graph: Graph) -> Ends:
    """Return a graph's inputs and outputs."""
    return Ends(_named("input", graph.inputs, graph), _named("output", graph.outputs, graph))


def value_functions(ends: Ends, name: str) -> list[str]:
    """Return the lines of the functions between real numbers and integers; of several ends each has its own."""
    lines: list[str] = []
    for make, verb, places in (
        (quantise_function, "quantise", ends.inputs), (dequantise_function, "dequantise", ends.outputs),
    ):  # fmt: skip
        for end in places:
            called = f"{name}_{verb}{f'_{end.name}' if ends.several else ''}"
            text = make(called, f"{name.upper()}_{end.macro}", end.tensor)
            lines += ["", *text.splitlines()] if text else []
    return lines


def _named(what: str, indices: Sequence[int], graph: Graph) -> tuple[End, ...]:
    names = [what] if len(indices) == 1 else [f"{what}_{number}" for number in range(len(indices))]
    return tuple(End(index, graph.tensors[index], name) for index, name in zip(indices, names, strict=True))


def typed(place: str, dtype: str, const: str, *, as_bytes: bool) -> str:
    """Return a C expression of an ``int8_t *``, as a pointer to elements where a kernel takes those.

    :param const: ``const`` and a blank, or empty.
    """
    return place if dtype == "int8" or as_bytes else f"({const}{C_TYPES[dtype]} *)({const}void *)({place})"
