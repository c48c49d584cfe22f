"""What the fuzzer feeds a model has the types of its inputs."""

from __future__ import annotations

import numpy as np
import pytest
from fuzz_sources import values_of
from numpy.typing import NDArray

from edgemnist.tflite.file import TensorInfo

pytestmark = pytest.mark.unit

SHAPE = (1, 3, 5)


def fed(dtype: str) -> NDArray[np.generic]:
    return values_of(TensorInfo(0, "x", SHAPE, (), dtype, None, None), seed=1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "float32", "bool"])
def test_the_shape_and_the_type_are_the_tensors(dtype: str) -> None:
    assert fed(dtype).shape == (4, *SHAPE)
    assert fed(dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_quantised_ones_reach_both_ends(dtype: str) -> None:
    values = np.asarray(fed(dtype), np.int64)

    assert (values.min(), values.max()) == (np.iinfo(dtype).min, np.iinfo(dtype).max)
