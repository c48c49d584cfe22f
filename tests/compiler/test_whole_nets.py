"""Whole networks as converters made them: every tensor equal to TFLM, and every test image's output."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.host import build_host_model
from edgemnist.compiler.host_cpu import BODIES, host_target
from edgemnist.compiler.memory import plan
from edgemnist.data.idx import IdxFile, read_idx
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import read_tflite
from tests.compiler.bench import HOST, SIZE_SANITISED, SPEED, VARIANTS, Subject, Variant, build_program, check_exact
from tests.compiler.host_flags import runs_here

MNIST_NETS = ("compact_int8", "dense_int8", "seedcnn_int8")
OTHER_NETS = ("kws_ref_model", "pretrainedResnet_quant")

LARGEST_ARENA = {
    "compact_int8": 3400, "dense_int8": 1000, "seedcnn_int8": 7600, "kws_ref_model": 9000,
    "pretrainedResnet_quant": 34000,
}  # fmt: skip
"""Bytes, input, output and scratch included."""


@cache
def digits(folder: Path) -> NDArray[np.int8]:
    """Return MNIST's test images as int8 with scale 1/255 and zero point -128: (10000, 1, 28, 28, 1)."""
    pixels = read_idx(IdxFile(folder / "mnist" / "t10k-images-idx3-ubyte.gz"))
    images: NDArray[np.int8] = (pixels.astype(np.int16) - 128).astype(np.int8).reshape(-1, 1, 28, 28, 1)
    return images


@pytest.mark.slow
@pytest.mark.parametrize("name", MNIST_NETS + OTHER_NETS)
def test_every_tensor_is_exact(
    name: str, real_models: Path, real_data: Path, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    model = read_tflite(real_models / f"{name}.tflite")
    info = model.input()
    assert info.quantisation is not None
    images = digits(real_data)[:8]
    if name in MNIST_NETS:
        assert info.quantisation.zero_point == -128
    else:
        images = np.random.default_rng(1).integers(-128, 128, (2, *info.shape)).astype(np.int8)  # each takes seconds

    check_exact([Subject(name, model.content, images)], tflm, witness, [SIZE_SANITISED], VARIANTS)
    check_exact([Subject(name, model.content, images)], tflm, witness, [SPEED], [Variant(target=host_target())])
    for number, body in enumerate(filter(runs_here, BODIES)):
        # Without fusions for one body: the same kernels do it, whose sizes are in tables elsewhere.
        variants = [Variant(target=body.target), Variant(target=body.target, fusions=())][: 2 if number == 0 else 1]
        check_exact([Subject(name, model.content, images)], tflm, witness, [HOST[body]], variants)


@pytest.mark.slow
def test_every_test_image_of_the_compact_net_is_exact(real_models: Path, real_data: Path, tflm: RuntimeWorker) -> None:
    content = (real_models / "compact_int8.tflite").read_bytes()
    images = digits(real_data)
    expected = tflm.invoke(content, [images])[0]

    for target in ("portable", host_target()):
        program = build_program(content, Variant(target=target))
        found = build_host_model(program, plan(program)).run(images)
        np.testing.assert_array_equal(found[:, None], expected, err_msg=target)


@pytest.mark.parametrize("name", LARGEST_ARENA)
def test_the_arena_stays_small(name: str, real_models: Path) -> None:
    program = build_program((real_models / f"{name}.tflite").read_bytes(), Variant())

    layout = plan(program)

    assert layout.largest_tensor <= layout.size <= LARGEST_ARENA[name]
