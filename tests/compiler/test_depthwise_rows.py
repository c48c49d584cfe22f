"""The rows of a depthwise layer's plane that bodies hold: how many, and that none is overwritten before it is read."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edgemnist.compiler.bodies.base import in_place, reads_first
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import PADDING_VALID, Padding
from edgemnist.compiler.targets import TARGETS
from tests.compiler.bench import Variant, build_program
from tests.compiler.layers import Layers, Window
from tests.compiler.test_emulated_layers import check_on_core
from tests.compiler.test_weighted_layers import DEPTHWISE
from tests.compiler.weighted_cases import Case


def square(size: int, kernel: int, stride: int = 1, channels: int = 8, multiplier: int = 1) -> Geometry:
    """Return the geometry of a square image with a border on every side as wide as half of the kernel."""
    pad = kernel // 2
    out = (size + 2 * pad - kernel) // stride + 1
    border = Padding(pad, pad, pad, pad)
    return Geometry(
        size, size, channels, out, out, channels * multiplier, kernel, kernel, stride, stride, 1, 1, border
    )  # fmt: skip


SCRATCH = {
    ("portable", square(14, 3)): (6, 6 * 16),
    ("portable", square(14, 3, stride=2)): (9, 9 * 16),
    ("portable", square(2, 3)): (4, 4 * 4),
    ("cortex-m4", square(14, 3)): (0, 4 * 2 * 16),
    ("cortex-m4", square(14, 5)): (6, 6 * 2 * 20),
    ("cortex-m3", square(14, 3)): (0, 4 * 4 * 16),
    ("cortex-m3", square(14, 5)): (8, 8 * 20),
    ("cortex-m0plus", square(14, 3)): (0, 3 * 4 * 16),
    ("cortex-m0plus", square(14, 5, stride=2)): (11, 11 * 20),
}


@pytest.mark.parametrize(("target", "geometry"), SCRATCH, ids=str)
def test_a_few_rows_are_held(target: str, geometry: Geometry) -> None:
    body = TARGETS[target].depthwise

    assert (body.rows(geometry), body.scratch(geometry)) == SCRATCH[target, geometry]


def test_rows_are_read_before_they_are_overwritten() -> None:
    high = Geometry(6, 5, 4, 8, 3, 4, 3, 3, 1, 1, 1, 1, Padding(4, 0, 0, 0))

    assert in_place(high)
    assert [reads_first(high, 2, held) for held in (4, 5, 10)] == [False, False, True]
    assert all(target.depthwise.rows(high) == high.plane_height for target in TARGETS.values())
    assert not in_place(square(6, 3, multiplier=2))
    assert reads_first(square(6, 3), 2, 4)


@dataclass(frozen=True)
class Padded(Case):
    """A depthwise layer behind a PAD: top, left, bottom, right."""

    border: tuple[int, int, int, int] = (0, 0, 0, 0)

    def content(self) -> bytes:
        """Return the model."""
        layers = Layers.seeded(self.seed)
        padded = layers.pad(layers.input((1, *self.size), zero_point=self.in_zero_point), *self.border)
        return layers.finish(layers.depthwise(padded, self.out_channels, self.window))


BORDERS = ((1, 1, 1, 1), (4, 0, 0, 0), (3, 4, 5, 6), (0, 2, 0, 2), (0, 1, 0, 3), (2, 0, 3, 0))
WINDOWS = [
    *[Window(kernel, padding=PADDING_VALID) for kernel in ((3, 3), (2, 3), (1, 3), (5, 1))],
    Window((3, 3), (2, 2), padding=PADDING_VALID),
]


def padded_layers() -> dict[str, Case]:
    """Return layers whose borders are as no padding option makes them."""
    return {
        f"{size} in {border}, {window}": Padded(DEPTHWISE, size, 1, window, border=border)
        for size in ((6, 5, 2), (7, 6, 3))
        for border in BORDERS
        for window in WINDOWS
    }


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4"])
def test_any_border_is_exact_in_place(core: str) -> None:
    layers = padded_layers()
    steps = [build_program(case.content(), Variant(target=core)).steps[0] for case in layers.values()]
    kept = [{field.name: field.value for field in step.parameters if hasattr(field, "value")} for step in steps]
    whole = [sizes["rows"] == sizes["plane_height"] for sizes in kept]

    assert any(step.overlaps and all_rows for step, all_rows in zip(steps, whole, strict=True))
    check_on_core(layers, core, "zig", "-Os")
