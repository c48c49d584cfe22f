"""Every fault of a model is found where it was planted, and none in a sound net."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.commands.doctor.faults.base import Network, Observed
from edgemnist.commands.doctor.report import Finding
from edgemnist.commands.doctor.stage import all_faults, find_faults
from edgemnist.tflite.file import parse_tflite
from tests.commands.doctor.nets import PLANTED, convolution, sound
from tests.compiler.model_builder import ModelBuilder

pytestmark = pytest.mark.unit


def faults_of(content: bytes, observed: dict[int, Observed] | None = None) -> dict[str, Finding]:
    network = Network(parse_tflite(content), observed or {}, 10 if observed else 0)
    return {finding.fault.name: finding for finding in find_faults(network)}


def test_a_sound_net_has_no_fault() -> None:
    assert faults_of(sound()) == {}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else(name: str) -> None:
    build, others = PLANTED[name]

    found = faults_of(build())

    assert set(found) == {name} | others
    assert all(place.where and place.evidence for place in found[name].places)


def test_every_fault_is_planted_somewhere() -> None:
    seen_on_images = {fault.name for fault in all_faults() if fault.needs_images}

    assert {fault.name for fault in all_faults()} == set(PLANTED) | seen_on_images
    assert seen_on_images == set(ON_IMAGES)


@pytest.mark.parametrize(
    ("name", "number"),
    [("shape-arithmetic", "3 operators"), ("one-scale-weights", "8 channels"), ("idle-channels", "1 of 8"),
     ("unfused-batch-norm", "1 MUL, 2 ADD"), ("unused-activation-range", "-128..-98"), ("early-relu6", "1.5"),
     ("unused-weight-range", "38 of 127"), ("rescaling-relu6", "2.776"), ("float-inside", "512 values")],
)  # fmt: skip
def test_the_evidence_has_the_numbers(name: str, number: str) -> None:
    (place, *_) = faults_of(PLANTED[name][0]())[name].places

    assert number in place.evidence


def test_a_transpose_that_moves_nothing_is_no_leftover() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 1, 1, 6), 0.1, 0)
    order = builder.constant([0, 3, 1, 2], dtype="int32")
    content = builder.finish([builder.op("TRANSPOSE", [image, order], (1, 6, 1, 1), 0.1, 0)])

    assert "layout-transposes" not in faults_of(content)


def test_a_signal_is_no_picture_with_channels_first() -> None:
    builder = ModelBuilder()
    content = builder.finish(
        [builder.op("RELU", [builder.input((1, 3, 12, 64), 0.1, -128)], (1, 3, 12, 64), 0.1, -128)]
    )

    assert faults_of(content) == {}


@pytest.mark.parametrize(
    "values", [np.full((8, 3, 3, 3), 127), np.sign(np.arange(216).reshape(8, 3, 3, 3) % 3 - 1) * 127]
)
def test_nets_of_two_or_three_weights_are_not_clipped(values: np.ndarray) -> None:  # type: ignore[type-arg]
    builder = ModelBuilder()
    content = builder.finish(
        [convolution(builder, builder.input((1, 8, 8, 3), 1 / 255, -128), values=values.astype(np.int8))]
    )

    assert "clipped-weights" not in faults_of(content)


# --- on images -------------------------------------------------------------------------------------------------------


def observed(low: int, high: int, at_low: float = 0.0, at_high: float = 0.0) -> Observed:
    """Return what the convolution's output held, where its eight channels lay between the two."""
    return Observed(np.full(8, low), np.full(8, high), at_low, at_high)


ON_IMAGES = {
    "saturated-range": observed(-128, 127, at_high=0.05),
    "unused-range": observed(-128, -90),
    "still-channels": Observed(np.arange(-120, -112), np.full(8, -113), 0.0, 0.0),
}


def _without_six() -> tuple[bytes, int]:
    """Return a net whose activation is RELU, and its convolution's output."""
    builder = ModelBuilder()
    output = convolution(builder, builder.input((1, 8, 8, 3), 1 / 255, -128), activation=1)
    return builder.finish([output]), output


@pytest.mark.parametrize("name", ON_IMAGES)
def test_what_images_show_is_found(name: str) -> None:
    content, output = _without_six()

    found = faults_of(content, {output: ON_IMAGES[name]})

    assert name in found
    assert found[name].places[0].tensor == output


def test_values_that_fill_the_range_are_no_fault() -> None:
    content, output = _without_six()

    # At the low end lies what RELU cut, whatever its share.
    assert faults_of(content, {output: observed(-128, 127, at_low=0.6, at_high=0.001)}) == {}


def test_relu6_may_end_at_the_end() -> None:
    builder = ModelBuilder()
    output = convolution(builder, builder.input((1, 8, 8, 3), 1 / 255, -128))

    assert faults_of(builder.finish([output]), {output: observed(-128, 127, at_high=0.3)}) == {}
