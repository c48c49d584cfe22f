"""BATCH_MATMUL and L2_NORMALIZATION: exact over shapes, options and quantisations; refused where none fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import (
    ZERO_POINTS,
    assert_exact,
    assert_exact_at_limits,
    assert_reference_exact,
    assert_refused,
)

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """A product of matrices; the operand at position ``constant`` is one."""

    first: Shape = (1, 3, 5)
    second: Shape = (1, 5, 4)
    adj_x: bool = False
    adj_y: bool = False
    constant: int | None = None
    scales: tuple[float, float, float] = (0.1, 0.07, 0.9)
    zero_points: tuple[int, int, int] = (3, -11, 5)
    shape: Shape | None = None

    def model(self) -> bytes:
        """Return the model: its input holds the operands' elements one after the other."""
        builder, shapes = ModelBuilder(), (self.first, self.second)
        sizes = [0 if position == self.constant else int(np.prod(shape)) for position, shape in enumerate(shapes)]
        image = builder.input((1, sum(sizes)), 1.0, 0)
        operands = []
        for position, shape in enumerate(shapes):
            quantised = self.scales[position], self.zero_points[position]
            if position == self.constant:
                values = np.random.default_rng(7).integers(-128, 128, shape)
                operands.append(builder.constant(values, *quantised))
                continue
            start, size = sizes[0] * position, sizes[position]
            bounds = [builder.constant(values, dtype="int32") for values in ([0, start], [1, size])]
            part = builder.op("SLICE", [image, *bounds], (1, size), 1.0, 0)
            target = builder.constant(np.array(shape), dtype="int32")
            operands.append(builder.op("RESHAPE", [part, target], shape, *quantised, new_shape=list(shape)))
        output = builder.op(
            "BATCH_MATMUL", operands, self.shape or self.product(), self.scales[2], self.zero_points[2],
            adj_x=self.adj_x, adj_y=self.adj_y,
        )  # fmt: skip
        return builder.finish([output])

    def product(self) -> Shape:
        """Return the output's shape."""
        a = self.first[-1] if self.adj_x else self.first[-2]
        b = self.second[-2] if self.adj_y else self.second[-1]
        return (*np.broadcast_shapes(self.first[:-2], self.second[:-2]), a, b)


PRODUCTS = {
    "usual": Product(),
    "first transposed": Product((1, 5, 3), adj_x=True),
    "second transposed": Product(second=(1, 4, 5), adj_y=True),
    "both transposed": Product((1, 5, 3), (1, 4, 5), adj_x=True, adj_y=True),
    "no batch": Product((1, 5), (5, 4)),
    "batches": Product((1, 3, 2, 5), (1, 3, 5, 4)),
    "broadcast second": Product((1, 3, 2, 5), (5, 4)),
    "broadcast first": Product((1, 1, 2, 5), (1, 3, 5, 4)),
    "broadcast both": Product((1, 2, 1, 3, 2), (1, 1, 3, 2, 2)),
    "constant second": Product(constant=1),
    "constant first": Product(constant=0),
    "far finer output": Product(scales=(0.1, 0.07, 0.00001)),
    "far coarser output": Product(scales=(0.1, 0.07, 1e9), constant=1),
    "one": Product((1, 1, 1), (1, 1, 1)),
}
TABLE = {name: product.model() for name, product in PRODUCTS.items()}


def normalization(shape: Shape, zero_point: int = 3, output: tuple[float, int] = (1 / 128, 0)) -> bytes:
    builder = ModelBuilder()
    image = builder.input(shape, 0.05, zero_point)
    return builder.finish([builder.op("L2_NORMALIZATION", [image], shape, *output)])


NORMALIZATIONS = {
    "vector": normalization((1, 7)),
    "one": normalization((1, 1)),
    "every pixel": normalization((1, 3, 4, 5)),
    "long": normalization((1, 3, 900), -128),
    "zero": normalization((1, 4), 127),
}
TABLE |= {f"normalised, {name}": content for name, content in NORMALIZATIONS.items()}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(NORMALIZATIONS, tflm)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.tuples(*[st.integers(1, 5)] * 4), st.booleans(), st.booleans(), st.tuples(*[st.floats(-3, 1)] * 3))
def test_products_everywhere(
    tflm: RuntimeWorker, sizes: tuple[int, int, int, int], adj_x: bool, adj_y: bool, powers: tuple[float, float, float]
) -> None:
    batches, rows, depth, columns = sizes
    first = (1, batches, depth, rows) if adj_x else (1, batches, rows, depth)
    second = (1, columns, depth) if adj_y else (1, depth, columns)
    scales = tuple(float(np.float32(10.0**power)) for power in powers)

    assert_reference_exact(Product(first, second, adj_x, adj_y, scales=scales).model(), tflm)  # type: ignore[arg-type]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(depth=st.integers(1, 200), zero_point=st.sampled_from(ZERO_POINTS))
def test_normalization_everywhere(tflm: RuntimeWorker, depth: int, zero_point: int) -> None:
    assert_reference_exact(normalization((1, 3, depth), zero_point), tflm)


REFUSED = {
    "depths": (Product((1, 3, 5), (1, 4, 4), shape=(1, 3, 4)).model(), "has no shape"),
    "batches": (Product((1, 2, 3, 5), (1, 3, 5, 4), shape=(1, 2, 3, 4)).model(), "has no shape"),
    "shape": (Product(shape=(1, 4, 3)).model(), "the file says"),
    "axes": (Product((5,), (5, 4), shape=(4,)).model(), r"operands of \[1, 2\] axes"),
    "scale": (Product(scales=(1.0, 1.0, 1e-12)).model(), "times finer"),
    "deep": (Product((1, 1, 33026), (1, 33026, 1), constant=1).model(), "sums 33026 products"),
    "normalised scale": (normalization((1, 7), output=(1 / 127, 0)), "needed are 1/128 and 0"),
    "normalised axes": (normalization((1, 2, 2, 2, 2)), "has 5 axes"),
    "normalised depth": (normalization((1, 33026)), "33026 elements in a row"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])
