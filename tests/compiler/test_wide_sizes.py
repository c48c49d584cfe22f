"""Sizes beyond 16 bits: the parameters are wider then, in networks that have one, on every kernel's targets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, SPEED, WARNINGS, Subject, Variant, examine
from tests.compiler.layers import Layers, Window, random_images
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.test_fields import one_layer
from tests.compiler.test_operators_movement import resize

LONG = 40_000


def convolution(shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int], channels: int = 2) -> bytes:
    layers = Layers.seeded(0)
    return layers.finish(layers.conv(layers.input(shape), channels, Window(kernel, stride)))


def rows_of(size: int) -> bytes:
    return convolution((1, size, 1, 1), (3, 1), (2, 1))


def depthwise(shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int]) -> bytes:
    layers = Layers.seeded(0)
    return layers.finish(layers.depthwise(layers.input(shape), 1, Window(kernel, stride)))


def dense_rows() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, LONG, 2), 0.1)
    weights = builder.constant(np.array([[3, -7], [100, 5], [1, 1]]), 0.01)
    return builder.finish([builder.op("FULLY_CONNECTED", [image, weights], (1, LONG, 3), 0.1, keep_num_dims=True)])


NETS = {
    "rows": rows_of(LONG),
    "columns": convolution((1, 1, LONG, 2), (1, 5), (1, 1)),
    "pixels": convolution((1, 1, LONG, 4), (1, 1), (1, 1)),
    "input channels": one_layer("CONV_2D", LONG, 3),
    "output channels": convolution((1, 1, 1, 1), (1, 1), (1, 1), LONG),
    "depthwise rows": depthwise((1, LONG, 1, 4), (7, 1), (1, 1)),
    "depthwise columns": depthwise((1, 3, LONG, 1), (3, 3), (2, 2)),
    "depthwise channels": depthwise((1, 3, 3, LONG), (3, 3), (1, 1)),
    "pool": one_layer("MAX_POOL_2D", LONG, 2),
    "units": one_layer("FULLY_CONNECTED", LONG, 1),
    "rows of features": dense_rows(),
    "resized channels": resize((1, 1, 1, LONG), 1, 2),
}
TARGETS = ("portable", "cortex-m4", "x86-64-v3")


@pytest.mark.parametrize("target", TARGETS)
def test_exact(target: str, tflm: RuntimeWorker) -> None:
    """The bodies of cores run in plain C here, as far as they have it."""
    subjects = [
        Subject(name, content, random_images(parse_tflite(content).input().shape, 5, random=1))
        for name, content in NETS.items()
    ]
    toolchain = SPEED if target == "x86-64-v3" else SIZE_SANITISED
    complaints = examine(subjects, tflm, None, (toolchain,), (Variant(target=target),))
    assert not any(complaints.values()), complaints


def test_only_what_needs_them_has_them() -> None:
    def source(size: int) -> str:
        return generate(parse_tflite(rows_of(size)), CodegenSettings(target="portable")).files["model.c"]

    assert "#define EM_WIDE_SIZES" in source(LONG)
    assert "EM_WIDE_SIZES" not in source(32767)


@pytest.mark.parametrize(("first", "second", "fits"), [("wide", "narrow", True), ("narrow", "wide", False)])
def test_two_networks_in_one_file(first: str, second: str, fits: bool, tmp_path: Path) -> None:
    for name, size in (("wide", LONG), ("narrow", 9)):
        settings = CodegenSettings(name=name, target="portable")
        for file, text in generate(parse_tflite(rows_of(size)), settings).files.items():
            (tmp_path / file).write_text(text)
    (tmp_path / "both.c").write_text(f'#include "{first}.c"\n#include "{second}.c"\n')
    done = subprocess.run(
        ["gcc", "-std=c99", "-c", *WARNINGS, "both.c"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == fits, done.stderr
    assert fits or "a network with smaller sizes is before this one" in done.stderr
