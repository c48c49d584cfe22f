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

SIDE, CLASSES = 14, 4
SURE = 300.0
"""By which the last weights are multiplied: nobody has trained the net, and all classes would be as likely."""


def forms_of(kind: str) -> tuple[Block, ...]:
    """Return a block of a kind in each form that it has."""
    wide = 2 if kind == "bottleneck" else 1
    last = "same" if kind in ("residual", "bottleneck") else "valid"
    return (
        Block(kind=kind, channels=4, expansion=wide),
        Block(kind=kind, channels=4, squeeze=2, expansion=wide),
        Block(kind=kind, channels=4, kernel=5, padding=last, expansion=wide),
    )


NETS = (
    Blueprint(
        name="plain",
        blocks=(*forms_of("conv"), Block(channels=4, pool=True), *forms_of("residual")),
        head="flatten",
    ),
    Blueprint(
        name="slim",
        blocks=(Block(channels=4, stride=2), *forms_of("bottleneck"), *forms_of("separable")),
    ),
)


@pytest.mark.slow
@needs("tflm", "host-c")
@pytest.mark.parametrize("blueprint", NETS, ids=lambda one: one.name)
def test_it_is_exact(blueprint: Blueprint, tflm: RuntimeWorker, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = (random.random((20, SIDE, SIDE, 1)) * random.random((20, 1, 1, 1))).astype(np.float32)
    keras, path = tmp_path / "net.keras", tmp_path / "net.tflite"
    net = build_model(architecture_of(blueprint), (SIDE, SIDE, 1), CLASSES, seed=1)
    last = net.get_layer("probabilities")
    last.set_weights([SURE * last.get_weights()[0], last.get_weights()[1]])
    save_model(net, keras)
    path.write_bytes(tflite_bytes(load_source(keras, None), ModelKind.INT8, io="int8", calibration=images))
    model = load_model(path)
    inputs = np.round(255 * images - 128).astype(np.int8)
    with runtime_worker("host-c") as worker:
        ours = invoke_with(worker, model, inputs)

    assert len(np.unique(ours, axis=0)) > 1
    np.testing.assert_array_equal(ours, invoke_with(tflm, model, inputs))
