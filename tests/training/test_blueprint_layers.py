"""Every kind of block, gated, pooled and unpadded, is built, converted to int8 and compiled to the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.commands.convert.converter import tflite_bytes
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.sources import load_source
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.runner.run import invoke_with, load_model
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import architecture_of, build_model
from edgemnist.training.blueprint import Block, Blueprint
from tests.oracles import needs

SIDE, CLASSES = 24, 4


def forms_of(kind: str) -> tuple[Block, ...]:
    """Return a block of a kind in each form that it has."""
    wide = 2 if kind == "bottleneck" else 1
    last = "same" if kind in ("residual", "bottleneck") else "valid"
    return (
        Block(kind=kind, channels=4, expansion=wide),
        Block(kind=kind, channels=4, squeeze=2, expansion=wide),
        Block(kind=kind, channels=4, kernel=5, padding=last, expansion=wide),
    )


NET = Blueprint(
    name="every-block",
    blocks=(
        *forms_of("conv"),
        Block(channels=4, pool=True),
        *forms_of("residual"),
        Block(kind="residual", channels=6, stride=2),
        *forms_of("bottleneck"),
        *forms_of("separable"),
    ),
    head="flatten",
)


@pytest.mark.slow
@needs("tflm", "host-c")
def test_it_is_exact(tflm: RuntimeWorker, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = (random.random((20, SIDE, SIDE, 1)) * random.random((20, 1, 1, 1))).astype(np.float32)
    keras, path = tmp_path / "net.keras", tmp_path / "net.tflite"
    net = build_model(architecture_of(NET), (SIDE, SIDE, 1), CLASSES, seed=1)
    for layer in net.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
    net(images, training=True)  # with the statistics of images, as a trained net has them, values do not vanish
    save_model(net, keras)
    path.write_bytes(tflite_bytes(load_source(keras, None), ModelKind.INT8, io="int8", calibration=images))
    model = load_model(path)
    inputs = np.round(255 * images - 128).astype(np.int8)
    with runtime_worker("host-c") as worker:
        ours = invoke_with(worker, model, inputs)

    assert len(np.unique(ours)) > CLASSES
    np.testing.assert_array_equal(ours, invoke_with(tflm, model, inputs))
