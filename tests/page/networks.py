"""Small models as WebAssembly, for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgemnist.compiler.emit import EmitSettings, constants
from edgemnist.compiler.generate import CodegenSettings
from edgemnist.page.checking import Material
from edgemnist.page.web_assembly import WebNetwork, build
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.kinds import model_kind
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import net

CLASSES = ("one", "two", "three", "four")
COLOURS = Preprocessing((12, 12, 3), CLASSES, Normalisation((0.02, 0.018, 0.015), (-2.4, -2.2, -1.9)), bgr=True)
"""How the net of colours is fed: another range for each channel, and blue first, so that C rearranges the picture."""


def loaded(model: TfliteModel) -> LoadedModel:
    """Return a model as one that was read from a file."""
    return LoadedModel(Path("net.tflite"), model_kind(model), model)


def colour_net() -> LoadedModel:
    """Return a net of seven operators for pictures of 12 x 12 x 3."""
    return loaded(net())


def float_net() -> LoadedModel:
    """Return a net that takes floats and gives floats, int8 inside."""
    draw, builder = np.random.default_rng(2), ModelBuilder()
    entry = builder.input((1, 9), None, dtype="float32")
    inside = builder.op("QUANTIZE", [entry], (1, 9), 0.04, 11)
    weights = builder.constant(draw.integers(-127, 128, (5, 9)), 0.01)
    bias = builder.constant(draw.integers(-900, 900, 5), 0.0004, dtype="int32")
    scores = builder.op("FULLY_CONNECTED", [inside, weights, bias], (1, 5), 0.07, -4)
    return loaded(parse_tflite(builder.finish([builder.op("DEQUANTIZE", [scores], (1, 5), dtype="float32")])))


def byte_net(*, index: bool = False) -> LoadedModel:
    """Return a net that takes uint8 and gives uint8, int8 inside; with ``index`` the highest one's place, int32."""
    draw, builder = np.random.default_rng(3), ModelBuilder()
    entry = builder.input((1, 9), 0.04, 139, dtype="uint8")
    inside = builder.op("QUANTIZE", [entry], (1, 9), 0.04, 11)
    weights = builder.constant(draw.integers(-127, 128, (5, 9)), 0.01)
    bias = builder.constant(draw.integers(-900, 900, 5), 0.0004, dtype="int32")
    scores = builder.op("FULLY_CONNECTED", [inside, weights, bias], (1, 5), 0.07, -4)
    if index:
        axis = builder.constant(1, dtype="int32")
        found = builder.op("ARG_MAX", [scores, axis], (1,), dtype="int32", output_type=2)
    else:
        found = builder.op("QUANTIZE", [scores], (1, 5), 0.07, 124, dtype="uint8")
    return loaded(parse_tflite(builder.finish([found])))


def built(model: LoadedModel, preprocessing: Preprocessing | None = None, **changes: object) -> WebNetwork:
    """Return a model's WebAssembly; ``changes`` are of its settings."""
    assert model.tflite is not None
    settings = replace(CodegenSettings(preprocessing=preprocessing), **changes)  # type: ignore[arg-type]
    return build(model.tflite, settings, preprocessing, source_name="net.tflite")


def pictures(model: LoadedModel, preprocessing: Preprocessing, count: int = 12) -> Material:
    """Return random pictures."""
    shape = (count, *preprocessing.image_shape)
    drawn = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    return Material(model.inputs(drawn, preprocessing), drawn, f"{count} random pictures")


def floats(count: int = 12) -> Material:
    """Return random inputs of the net of floats, some beyond its range."""
    return Material(
        np.random.default_rng(4).normal(0, 3, (count, 9)).astype(np.float32), None, f"{count} random inputs"
    )


def with_another_weight(network: WebNetwork) -> WebNetwork:
    """Return a network one byte of whose last weights is another."""
    generated = network.generated
    arrays = constants(generated.program, EmitSettings(name=generated.name, command=""))
    weights = [content for name, content in arrays.items() if "weights" in name][-1]
    assert network.content.count(weights) == 1
    changed = bytearray(network.content)
    changed[network.content.index(weights)] ^= 0x40
    return replace(network, content=bytes(changed))
