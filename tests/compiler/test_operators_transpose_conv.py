"""TRANSPOSE_CONV: exact over kernels, strides, paddings and quantisations; refused where the file makes no sense."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist import cli
from edgemnist.compiler.graph import ACTIVATION_RELU6, PADDING_SAME, PADDING_VALID
from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused


@dataclass(frozen=True)
class Case:
    """One layer, with ``cut`` rows and columns less than the padding gives."""

    image: tuple[int, int, int] = (3, 4, 2)
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (2, 2)
    padding: int = PADDING_SAME
    filters: int = 3
    cut: int = 0
    scales: tuple[float, float] = (0.02, 0.05)
    bias: int | None = 3000
    per_channel: bool = True
    activation: int = 0
    shape: tuple[int, ...] | None = None
    shape_is_input: bool = False

    def model(self) -> bytes:
        height, width, channels = self.image
        generator, builder = np.random.default_rng(3), ModelBuilder()
        image = builder.input((1, *self.image), self.scales[0], -9)
        values = generator.integers(-127, 128, (self.filters, *self.kernel, channels))
        factors = np.linspace(0.6, 1.4, self.filters) if self.per_channel else np.ones(1)
        weights = builder.constant(values, [float(np.float32(0.005 * factor)) for factor in factors])
        sizes = [
            size * stride if self.padding == PADDING_SAME else (size - 1) * stride + kernel
            for size, stride, kernel in zip((height, width), self.stride, self.kernel, strict=True)
        ]
        shape = (1, *(size - self.cut for size in sizes), self.filters)
        asked = builder.input((4,), None, dtype="int32", name="sizes") if self.shape_is_input else None
        asked = builder.constant(self.shape or shape, dtype="int32") if asked is None else asked
        inputs = [asked, weights, image]
        if self.bias is not None:
            bias = generator.integers(-self.bias, self.bias + 1, self.filters)
            bias[0] = self.bias
            scales = [float(np.float32(0.005 * factor)) * self.scales[0] for factor in factors]
            inputs.append(builder.constant(bias, scales, [0] * len(scales), dtype="int32"))
        output = builder.op(
            "TRANSPOSE_CONV", inputs, shape, self.scales[1], 3, version=4 if self.activation else 3,
            padding=self.padding, stride_h=self.stride[0], stride_w=self.stride[1],
            fused_activation_function=self.activation,
        )  # fmt: skip
        return builder.finish([output])


CASES = {
    "same": Case(),
    "valid": Case(padding=PADDING_VALID),
    "no bias": Case(bias=None),
    "as large as its stride": Case(kernel=(2, 2), image=(4, 5, 7), filters=4),
    "twice its stride": Case(kernel=(4, 4), image=(3, 4, 5), filters=2),
    "twice its stride, valid": Case(kernel=(4, 6), stride=(2, 3), image=(3, 4, 4), padding=PADDING_VALID),
    "strides apart": Case(kernel=(5, 4), stride=(3, 1), image=(3, 3, 9), filters=5),
    "one scale": Case(per_channel=False),
    "stride 1": Case(stride=(1, 1), kernel=(5, 5)),
    "kernel smaller than its stride": Case(kernel=(2, 1), stride=(3, 2), padding=PADDING_VALID),
    "odd output": Case(cut=1),
    "one pixel": Case(image=(1, 1, 4), kernel=(4, 3), padding=PADDING_VALID),
    "a column": Case(image=(6, 1, 3), kernel=(3, 1), stride=(2, 1)),
    "activation": Case(activation=ACTIVATION_RELU6),
    "far finer output": Case(scales=(0.02, 0.00001)),
    "far coarser output": Case(scales=(0.02, 1e8)),
}
TABLE = {name: case.model() for name, case in CASES.items()}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact({name: content for name, content in TABLE.items() if name != "activation"}, tflm, witness)


def test_a_shape_that_is_an_input_is_not_read(tflm: RuntimeWorker) -> None:
    assert_exact({"input": Case(shape_is_input=True).model()}, tflm, None)  # tflite-runtime reads it


def test_that_it_is_not_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.tflite").write_bytes(Case(shape_is_input=True).model())

    assert cli.run(["codegen", str(tmp_path / "net.tflite"), "--target", "host", "--out", str(tmp_path / "c")]) == 0
    assert "input not read        sizes: its values change nothing" in capsys.readouterr().out


def test_an_activation_is_exact(tflm: RuntimeWorker) -> None:
    assert_exact({"activation": TABLE["activation"]}, tflm, None)  # tflite-runtime 2.14 knows no version with one


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(SIZES, SIZES, SIZES, st.sampled_from([PADDING_SAME, PADDING_VALID]), st.integers(0, 2))
def test_everywhere(
    tflm: RuntimeWorker,
    image: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: int,
    cut: int,
) -> None:
    case = Case((*image, 2), kernel, stride, padding, cut=min(cut, *(size - 1 for size in image)))

    assert_reference_exact(case.model(), tflm)


REFUSED = {
    "another shape": (replace(Case(), shape=(1, 7, 8, 3)), "is not"),
    "two images": (replace(Case(), shape=(2, 6, 8, 3)), "is not"),
    "stride 0": (replace(Case(kernel=(1, 1)), stride=(0, 1), padding=PADDING_VALID), "stride .* is not in 1"),
    "padding": (replace(Case(), padding=7, kernel=(2, 2)), "neither SAME nor VALID"),
    "too large a sum": (Case(bias=2**31 - 2), "a 32-bit accumulator can overflow"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    case, reason = REFUSED[name]

    assert_refused(case.model(), reason)
