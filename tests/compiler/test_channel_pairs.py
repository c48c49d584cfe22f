"""The dense body of Cortex-M4, M7 and M33, every way through it: on an emulated core and, as plain C, on the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from edgemnist.compiler.bodies.pairs import ChannelPairs
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import SIZE_SANITISED, SPEED_SANITISED, Toolchain, Variant, check_exact
from tests.compiler.layers import Arithmetic, Layers, Window
from tests.compiler.test_emulated_layers import check_on_core
from tests.compiler.test_weighted_layers import CONV, DENSE
from tests.compiler.weighted_cases import Case

TARGET = "cortex-m4"
NARROW = Arithmetic(activation=3, zero_point=-7)
"""Fused ReLU6: neither limit is the end of int8."""
ANY = Arithmetic(multiplier=3.0)
"""A factor above 1, which the fast requantisation is not for."""
LARGEST = Arithmetic(lowest_weight=127)


@dataclass(frozen=True)
class Followed(Case):
    """A convolution with a max pool behind it, or one whose output is added to another's."""

    pool: tuple[int, int] | None = None

    def content(self) -> bytes:
        """See :meth:`Case.content`."""
        layers = Layers.seeded(self.seed)
        image = layers.input((1, *self.size), zero_point=self.in_zero_point)
        if self.pool is not None:
            features = layers.conv(image, self.out_channels, self.window, self.arithmetic)
            return layers.finish(
                layers.pool("MAX_POOL_2D", features, Window(self.pool, self.pool, padding=PADDING_VALID))
            )
        kept = layers.conv(image, self.out_channels, self.window, self.arithmetic)
        return layers.finish(layers.add(kept, layers.conv(kept, self.out_channels, self.window, self.arithmetic)))


def _pooled() -> dict[str, Case]:
    table: dict[str, Case] = {}
    for name, arithmetic in {"fast": Arithmetic(), "any": ANY, "narrow": NARROW}.items():
        for pool, channels, filters in (((2, 2), 1, 5), ((2, 2), 62, 4), ((3, 3), 2, 6), ((1, 2), 3, 2)):
            sizes = f"{channels} to {filters}, pool {pool}, {name}"
            table[sizes] = Followed(CONV, (6, 7, channels), filters, Window((3, 3)), arithmetic, pool=pool)
    table["largest, pooled"] = Followed(CONV, (4, 4, 58), 4, Window((3, 3)), LARGEST, in_zero_point=127, pool=(2, 2))
    return table


def _one_pixel_wide() -> dict[str, Case]:
    """One column of outputs: windows of an odd number of groups, of just one, and of more than one round."""
    return {
        f"one pixel wide, {rows} rows of {channels}, to {filters}, {name}": Case(
            CONV, (5, 1, channels), filters, Window((rows, 1), padding=PADDING_VALID), arithmetic
        )
        for name, arithmetic in {"fast": Arithmetic(), "any": ANY}.items()
        for rows, channels, filters in (
            (1, 4, 2),
            (3, 4, 3),
            (2, 8, 2),
            (3, 5, 4),
            (3, 164, 4),
            (2, 246, 3),
            (1, 380, 5),
        )
    }


def table() -> dict[str, Case]:
    """Return layers that between them go every way."""
    found = _pooled() | _one_pixel_wide()
    for name, arithmetic in {"fast": Arithmetic(), "any": ANY, "narrow": NARROW}.items():
        for filters in (1, 2, 5):
            found[f"3x3x3 to {filters}, {name}"] = Case(CONV, (4, 5, 3), filters, Window((3, 3)), arithmetic)
            found[f"3x3x60 to {filters}, {name}"] = Case(CONV, (3, 4, 60), filters, Window((3, 3)), arithmetic)
        for features, units in ((1, 1), (367, 3), (369, 2), (484, 67), (380, 131)):
            found[f"{features} to {units}, {name}"] = Case(DENSE, (1, 1, features), units, arithmetic=arithmetic)
    for channels, filters in ((2, 3), (5, 2), (3, 1)):
        for padding in (PADDING_SAME, PADDING_VALID):
            window = Window((2, 3), padding=padding)
            name = f"groups of {channels} to {filters}, padding {padding}"
            found[name] = Case(CONV, (3, 5, 2 * channels), 2 * filters, window, groups=2)
    found |= {f"sum, {n} channels": Followed(CONV, (3, 5, n), n, Window((3, 3))) for n in (1, 2, 7, 60)}
    found["sum, one pixel wide"] = Followed(CONV, (4, 1, 3), 4, Window((3, 3)))
    found["several rows"] = Case(DENSE, (2, 3, 250), 5)
    found["largest"] = Case(CONV, (3, 4, 120), 4, Window((3, 3)), LARGEST, in_zero_point=127)
    return found


BUILDS = [("gnu", "-O2", slice(None)), ("zig", "-O2", slice(0, None, 3)), ("zig", "-Os", slice(1, None, 2))]
"""Toolchain, optimisation, and which layers are taken."""


@pytest.mark.parametrize(("toolchain", "optimisation", "taken"), BUILDS)
def test_every_way_is_exact_on_the_core(toolchain: str, optimisation: str, taken: slice) -> None:
    check_on_core(dict(list(table().items())[taken]), TARGET, toolchain, optimisation)


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("optimisation", ["-O0", "-O1", "-Og", "-Os", "-O3"])
def test_every_level_of_optimisation_is_exact(toolchain: str, optimisation: str) -> None:
    check_on_core(dict(list(table().items())[::9]), TARGET, toolchain, optimisation)


@pytest.mark.parametrize("compiler", [SIZE_SANITISED, SPEED_SANITISED], ids=str)
def test_every_way_is_exact_on_the_host(compiler: Toolchain, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    chosen = list(table().items())[:: 1 if compiler is SIZE_SANITISED else 15]
    subjects = [case.subject(name) for name, case in chosen]

    check_exact(subjects, tflm, witness, [compiler], [Variant(target=TARGET, apart=True)])


def test_weights_are_pairs_in_groups_of_four() -> None:
    rows = np.arange(15).reshape(3, 5) - 7

    packed = ChannelPairs().pack(rows, 5)

    order = [0, 2, 1, 3, 4]
    assert packed[:16].view("<i2").tolist() == [*(256 * rows[1] + rows[0])[order].tolist(), 0, 0, 0]
    assert packed[16:].tolist() == [*rows[2].tolist(), 0, 0, 0]


@pytest.mark.parametrize(
    ("rows", "row_length", "pairs", "wanted"),
    [
        (1, 8, 1, 32),
        (3, 3, 1, 48),
        (3, 5, 1, 64 + 32),
        (3, 4, 2, 96),
        (3, 3, 2, 96),
        (3, 5, 2, 128 + 32),
    ],
)
def test_strip_bytes(rows: int, row_length: int, pairs: int, wanted: int) -> None:
    assert ChannelPairs().strip(rows, row_length, pairs) == wanted


@pytest.mark.parametrize(
    ("rows", "row_length", "wanted"),
    [(1, 10, 24), (1, 368, 736), (1, 784, 784), (3, 4, 24), (3, 3, 24), (3, 5, 32 + 16)],
)
def test_strip_bytes_of_a_single_pixel(rows: int, row_length: int, wanted: int) -> None:
    assert ChannelPairs().strip_single(rows, row_length, 5) == wanted
