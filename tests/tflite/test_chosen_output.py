"""One of several outputs is chosen by name or place; every runtime runs the file that has no other."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.runner import runtime_worker
from edgemnist.support.errors import ModelError
from edgemnist.tflite.chosen_output import with_output
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs


@pytest.fixture(scope="module")
def two_heads() -> TfliteModel:
    builder = ModelBuilder()
    image = builder.input((1, 6), 1 / 255, -128)
    outputs = []
    for classes, name in ((4, "features"), (2, "classes")):
        weights = builder.constant(np.arange(6 * classes).reshape(classes, 6) % 7 - 3, 0.02)
        outputs.append(builder.op("FULLY_CONNECTED", [image, weights, -1], (1, classes), 0.01, 3, name=name))
    return parse_tflite(builder.finish(outputs))


@pytest.mark.unit
def test_without_a_name_the_outputs_are_listed(two_heads: TfliteModel) -> None:
    with pytest.raises(ModelError, match=r"2 outputs: features \(1x4\), classes \(1x2\); .* --output 'features'"):
        with_output(two_heads, None, "net")
    for wrong in ("other", "2"):
        with pytest.raises(ModelError, match=f"no output '{wrong}'; it has features"):
            with_output(two_heads, wrong, "net")


@needs("tflm", "tflite-runtime-reference", "litert-default", "host-c")
@pytest.mark.parametrize("output", ["classes", "1"])
def test_every_runtime_gives_the_chosen_one(two_heads: TfliteModel, output: str) -> None:
    chosen = with_output(two_heads, output, "net")
    assert (chosen.output().name, chosen.size) == ("classes", two_heads.size)
    assert with_output(chosen, None, "net") is chosen
    inputs = np.random.default_rng(0).integers(-128, 128, (20, 1, 6)).astype(np.int8)
    with runtime_worker("tflite-runtime-reference") as worker:
        _, expected = worker.invoke(two_heads.content, [inputs])
    for runtime in ("tflm", "tflite-runtime-reference", "litert-default", "host-c"):
        with runtime_worker(runtime) as worker:
            (found,) = worker.invoke(chosen.content, [inputs])
        assert np.array_equal(found, expected), runtime
