"""LSTM layers for tests: of int8 and of float32, of any shape and quantisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.compiler.bench import Subject
from tests.compiler.model_builder import ModelBuilder

CASES = 6


@dataclass(frozen=True)
class Cells:
    """A layer of ``units`` over ``steps`` of ``batch`` sequences of ``inputs``."""

    steps: int = 4
    batch: int = 1
    inputs: int = 6
    units: int = 5
    time_major: bool = False
    dtype: str = "int8"
    source: tuple[float, int] = (0.04, -7)
    """Scale and zero point of the input, and of the hidden state, which the output has too."""
    hidden: tuple[float, int] = (1 / 128, 3)
    cell: float = 2.0**-11
    weights: float = 0.02
    clip: float = 0.0
    seed: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """The input's."""
        return (*((self.steps, self.batch) if self.time_major else (self.batch, self.steps)), self.inputs)

    def model(self) -> bytes:
        """Return a model of one such layer; its ends are flat."""
        builder, floats = ModelBuilder(), self.dtype == "float32"
        count = self.steps * self.batch
        source, hidden = ((None, 0), (None, 0)) if floats else (self.source, self.hidden)
        flat = builder.input((1, count * self.inputs), *source, dtype=self.dtype)
        x = _reshape(builder, flat, self.shape, source, self.dtype)
        y = self.add_to(builder, x, source, hidden)
        return builder.finish([_reshape(builder, y, (1, count * self.units), hidden, self.dtype)])

    def add_to(
        self, builder: ModelBuilder, x: int, source: tuple[float | None, int], hidden: tuple[float | None, int]
    ) -> int:
        """Add the layer behind a tensor, and return its output."""
        random, absent = np.random.default_rng(self.seed), [-1]
        states = [
            builder.tensor((self.batch, self.units), *hidden, dtype=self.dtype, variable=True, name="hidden"),
            builder.tensor(
                (self.batch, self.units), None if source[0] is None else self.cell, variable=True, name="cell",
                dtype="float32" if source[0] is None else "int16",
            ),
        ]  # fmt: skip
        operands = [
            x, *self._gates(builder, random, (self.units, self.inputs)),
            *self._gates(builder, random, (self.units, self.units)), *absent * 3,
            *self._biases(builder, random, source[0]), *absent * 2, *states, *absent * 4,
        ]  # fmt: skip
        return builder.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", operands, (*self.shape[:2], self.units), *hidden, dtype=self.dtype,
            fused_activation_function=4, cell_clip=self.clip, time_major=self.time_major,
        )  # fmt: skip

    def _gates(self, builder: ModelBuilder, random: np.random.Generator, shape: tuple[int, int]) -> list[int]:
        if self.dtype == "float32":
            return [builder.constant(random.normal(0, 0.6, shape), dtype="float32") for _ in range(4)]
        scales = self.weights * random.uniform(0.5, 1.5, 4)
        return [builder.constant(random.integers(-127, 128, shape), float(scale)) for scale in scales]

    def _biases(self, builder: ModelBuilder, random: np.random.Generator, scale: float | None) -> list[int]:
        if scale is None:
            return [builder.constant(random.normal(size=self.units), dtype="float32") for _ in range(4)]
        values = [random.integers(-3000, 3000, self.units) for _ in range(4)]
        return [builder.constant(one, scale * self.weights, dtype="int32") for one in values]


def _reshape(
    builder: ModelBuilder, index: int, shape: tuple[int, ...], end: tuple[float | None, int], dtype: str
) -> int:
    target = builder.constant(np.array(shape), dtype="int32")
    return builder.op("RESHAPE", [index, target], shape, *end, dtype=dtype, new_shape=list(shape))


def stream_of(name: str, cells: Cells, cases: int = CASES) -> Subject:
    """Return a layer with a stream of inputs: noise, and the extremes.

    tflite-runtime 2.14 is no witness: its LSTM of int8 has other arithmetic.
    """
    random, shape = np.random.default_rng(3), (cases, 1, cells.steps * cells.batch * cells.inputs)
    if cells.dtype == "float32":
        values: Any = random.normal(0, 2, shape)
        values[cases // 2] *= 1e4
        return Subject(name, cells.model(), values.astype(np.float32), witnessed=False)
    values = random.integers(-128, 128, shape)
    values[cases // 2], values[cases // 2 + 1] = -128, 127
    return Subject(name, cells.model(), values.astype(np.int8), witnessed=False)
