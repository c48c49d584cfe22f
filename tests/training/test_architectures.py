"""The architectures: what the table says of them, the shapes they take, and that they convert cleanly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.commands.convert.converter import tflite_bytes
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.sources import load_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.inspection import inspect
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import (
    DEFAULT_ARCHITECTURE,
    Architecture,
    architectures,
    build_model,
    find_architecture,
    folded_parameters,
)

every_architecture = pytest.mark.parametrize(
    "row", [row for row in architectures() if row.channels is None], ids=lambda row: row.name
)
"""The pre-trained base takes other images; its tests are in test_transfer.py."""


def test_the_table_holds_the_tutorial_nets_and_the_compact_ones() -> None:
    assert {row.name for row in architectures()} >= {"dense", "cnn", "ds-cnn", "cnn-large"}
    assert DEFAULT_ARCHITECTURE == "tiny"


@every_architecture
def test_parameters_are_those_of_the_table(row: Architecture) -> None:
    assert folded_parameters(build_model(row.name, (28, 28, 1), 10, seed=1)) == row.parameters


@every_architecture
@pytest.mark.parametrize(("shape", "classes"), [((28, 28, 1), 10), ((13, 17, 3), 2), ((32, 32, 3), 47)])
def test_output_is_probabilities(row: Architecture, shape: tuple[int, int, int], classes: int) -> None:
    images = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    probabilities = np.asarray(build_model(row.name, shape, classes, seed=1)(images))
    assert probabilities.shape == (3, classes)
    assert np.all(probabilities >= 0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@every_architecture
def test_smallest_side_is_the_smallest_that_builds(row: Architecture) -> None:
    side = row.smallest_side
    build_model(row.name, (side, side, 1), 10, seed=1)
    with pytest.raises(InputError, match=f"needs at least {side}x{side}x1"):
        build_model(row.name, (side - 1, side + 5, 1), 10, seed=1)
    _, keras = load_tensorflow()
    if side > 1:
        with pytest.raises(ValueError, match=r"size|dimension"):
            row.build(keras.layers, keras.Input((side - 1, side - 1, 1)), 10)


@every_architecture
def test_the_seed_decides_the_weights_and_nothing_else_does(row: Architecture) -> None:
    first, again, other = (build_model(row.name, (12, 12, 1), 4, seed) for seed in (5, 5, 6))
    assert [weight.name for weight in first.weights] == [weight.name for weight in again.weights]
    assert [layer.name for layer in first.layers] == [layer.name for layer in other.layers]
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first.get_weights(), other.get_weights(), strict=True))


@every_architecture
def test_the_int8_model_is_what_the_table_says_and_compiles_to_c(row: Architecture, tmp_path: Path) -> None:
    """Convert, count, and compile: an operator outside the compiler's set, or shape arithmetic, would be refused."""
    save_model(build_model(row.name, (28, 28, 1), 10, seed=1), tmp_path / "model.keras")
    images = np.random.default_rng(0).random((4, 28, 28, 1)).astype(np.float32)
    source = load_source(tmp_path / "model.keras", (28, 28, 1))
    model = parse_tflite(tflite_bytes(source, ModelKind.INT8, io="int8", calibration=images))
    assert inspect(model).macs == row.macs
    operators = {operator.kind for operator in model.operators}
    pooling = {"MAX_POOL_2D", "MEAN"}
    assert operators <= {"CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"} | pooling
    program, _ = compile_model(model, CodegenSettings())
    assert program.macs <= row.macs  # it leaves out what pooling never looks at


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("nano", 2_100, None),
        ("micro", 5_100, None),
        ("tiny", 8_000, None),
        ("small", 16_000, None),
        ("medium", 22_000, None),
        ("base", 33_000, None),
        ("large", 101_000, None),
        ("fast", 8_000, 300_000),
    ],
)
def test_the_ladder_stays_within_its_limits(name: str, parameters: int, macs: int | None) -> None:
    row = find_architecture(name)
    assert row.parameters <= parameters
    assert macs is None or row.macs <= macs


@pytest.mark.parametrize(("name", "close"), [("tinny", "tiny"), ("DSCNN", "ds-cnn"), ("Dense", "dense")])
def test_unknown_architecture_lists_all_and_suggests_one(name: str, close: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{close}'") as caught:
        find_architecture(name)
    assert all(row.name in str(caught.value) for row in architectures())


def test_unlike_any_architecture_suggests_none() -> None:
    with pytest.raises(InputError) as caught:
        find_architecture("zzzz")
    assert "did you mean" not in str(caught.value)


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 classes, got 1"):
        build_model("tiny", (28, 28, 1), 1, seed=1)


def test_images_too_small_for_one_architecture_are_pointed_to_others() -> None:
    others = "nano or micro or tiny or small or medium or base or large or cnn-large or ds-cnn or dense"
    with pytest.raises(InputError, match=f"--arch {others}, or larger images"):
        build_model("cnn", (8, 8, 1), 10, seed=1)
