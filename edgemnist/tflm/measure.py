"""What TFLM's own interpreter, in its Python wheel, says about a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.self_test import generated_inputs
from edgemnist.runner import runtime_worker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.support.files import package_versions
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflm.least_arena import REFUSAL, TIMEOUT_SECONDS, last_words, tflm_arena

GOLDEN_VECTORS = 4
GOLDEN_TYPES = ("int8", "uint8", "float32")
"""Types of input that :func:`edgemnist.compiler.self_test.generated_inputs` makes."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """``version``: the wheel's. ``arena_bytes``: the least arena, a multiple of 16, in which it allocates the model.

    ``golden``: the outputs, shape (:data:`GOLDEN_VECTORS`, *output shape), for the first inputs of
    :func:`edgemnist.compiler.self_test.generated_inputs`; None for a model without exactly one input, of
    :data:`GOLDEN_TYPES`, and one output.
    """

    version: str
    arena_bytes: int
    golden: NDArray[Any] | None


def measure(model: TfliteModel) -> Measurement:
    """Run a model in TFLM's wheel.

    :raises MissingDependencyError: it is not installed, or its installation is broken.
    :raises UnsupportedModelError: it refuses the model.
    :raises RuntimeCrashedError: it died or hung.
    """
    arena = tflm_arena(model).least
    golden = None
    if len(model.inputs) == len(model.outputs) == 1 and model.input().dtype in GOLDEN_TYPES:
        golden = _golden(model)
    return Measurement(package_versions("tflite-micro").get("tflite-micro", "unknown"), arena, golden)


def _golden(model: TfliteModel) -> NDArray[Any]:
    inputs = np.stack(generated_inputs(model.input(), GOLDEN_VECTORS))
    try:
        with runtime_worker("tflm", timeout=TIMEOUT_SECONDS) as worker:
            return worker.invoke(model.content, [inputs])[0]
    except UnsupportedModelError as error:
        raise UnsupportedModelError(REFUSAL, last_words("\n".join(error.problems))) from error
