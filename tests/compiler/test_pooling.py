"""MAX_POOL_2D and AVERAGE_POOL_2D: generated C and numpy references equal TFLM byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.runner import RuntimeWorker
from tests.compiler.bench import CLANG, SIZE_SANITISED, SPEED_SANITISED, VARIANTS, Subject, Variant, check_exact
from tests.compiler.layers import Layers, Window, random_images
from tests.compiler.operators import assert_refused
from tests.compiler.weighted_cases import ACTIVATIONS, ZERO_POINTS, windows

KINDS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")


@dataclass(frozen=True)
class Case:
    """One pool; ``size`` is the input's height, width and channels."""

    kind: str
    size: tuple[int, int, int] = (5, 7, 3)
    window: Window = field(default_factory=lambda: Window((2, 2), (2, 2), padding=PADDING_VALID))
    activation: int = 0
    scale: float = 0.05
    zero_point: int = -5
    seed: int = 0

    def subject(self, name: str) -> Subject:
        """Return the model with images."""
        layers = Layers.seeded(self.seed)
        image = layers.input((1, *self.size), self.scale, self.zero_point)
        content = layers.finish(layers.pool(self.kind, image, self.window, self.activation))
        return Subject(name, content, random_images((1, *self.size), self.seed, random=4))


def table(kind: str) -> dict[str, Case]:
    base = Case(kind)
    cases = {
        f"{size}, {kernel} by {stride}, padding {padding}": replace(
            base, size=size, window=Window(kernel, (stride, stride), padding=padding)
        )
        for size in ((5, 5, 1), (6, 6, 4), (7, 4, 3))
        for kernel in ((1, 1), (2, 2), (3, 3), (2, 3), (4, 1))
        for stride in (1, 2, 3)
        for padding in (PADDING_SAME, PADDING_VALID)
    }
    cases |= {f"{count} channels": replace(base, size=(4, 4, count)) for count in range(1, 14)}
    for activation in ACTIVATIONS:
        for zero_point in ZERO_POINTS:
            name = f"activation {activation} at {zero_point}"
            cases[name] = replace(base, activation=activation, zero_point=zero_point, scale=0.04)
    cases["the whole image"] = replace(base, window=Window((5, 7), (1, 1), padding=PADDING_VALID))
    cases["kernel larger than the image"] = replace(base, window=Window((9, 9), (2, 2), padding=PADDING_SAME))
    cases["one pixel"] = replace(base, size=(1, 1, 5), window=Window((3, 3), (2, 2), padding=PADDING_SAME))
    return cases


@pytest.mark.parametrize("kind", KINDS)
def test_exact(kind: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [case.subject(name) for name, case in table(kind).items()]

    check_exact(subjects, tflm, witness, [SIZE_SANITISED], VARIANTS)
    check_exact(subjects[::6], tflm, witness, [SPEED_SANITISED, CLANG], [Variant()])
    check_exact(subjects[1::6], tflm, witness, [SPEED_SANITISED], [Variant(apart=True, target="cortex-m55")])


@pytest.mark.parametrize("kind", KINDS)
def test_any_pool_is_exact(kind: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        height, width, channels = draw(st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6)))
        return Case(
            kind, (height, width, channels), draw(windows(height, width, dilated=False)),
            draw(st.sampled_from(ACTIVATIONS)), draw(st.sampled_from((1e-4, 0.02, 0.05, 3.0))),
            draw(st.integers(-128, 127)), draw(st.integers(0, 2**16)),
        )  # fmt: skip

    @settings(
        deadline=None, derandomize=True, max_examples=3, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(st.lists(cases(), min_size=20, max_size=30))
    def check(drawn: list[Case]) -> None:
        check_exact([case.subject(repr(case)) for case in drawn], tflm, witness)

    check()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("scale", "zero_point"), [(0.05, 3), (0.06, -5)])
def test_a_pool_that_changes_the_quantisation_is_refused(kind: str, scale: float, zero_point: int) -> None:
    layers = Layers.seeded(0)
    image = layers.input((1, 4, 4, 2), 0.05, -5)
    window = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": PADDING_VALID}

    assert_refused(
        layers.finish(layers.op(kind, [image], (1, 2, 2, 2), scale, zero_point, **window)), "quantisation differ"
    )
