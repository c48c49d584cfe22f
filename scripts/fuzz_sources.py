"""What `scripts/fuzz` damages: random nets, and a model of every operator, every type and every kind of end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from edgemnist.tflite.file import TensorInfo, TfliteModel, parse_tflite  # noqa: E402
from tests.compiler import test_loops, test_several_ends, test_state  # noqa: E402
from tests.compiler.layers import random_images  # noqa: E402
from tests.compiler.random_graphs import random_network  # noqa: E402
from tests.compiler.test_fields import operator_cases  # noqa: E402

LARGEST = 12_000
"""Bytes of a model that is damaged: in larger ones most bytes are weights."""

LARGEST_REAL = 1e4


def sources(files: Sequence[Path], seed: int) -> Iterator[bytes]:
    """Yield models without end: the given files in turn, or random nets and the tests' models one after the other."""
    if files:
        while True:
            yield from (path.read_bytes() for path in files)
    small = known()
    order = np.random.default_rng(seed).permutation(len(small))
    number = seed
    while True:
        for place in order:
            number += 1
            yield random_network(number, operators=2 + number % 5).content
            yield small[place]


def known() -> list[bytes]:
    """Return the tests' models of every operator, every type and every kind of end, the small ones."""
    found = [content for content, _ in operator_cases()]
    found += test_loops.EXACT.values()
    found += [one.content for nets in (test_several_ends.NETS, test_state.NETS) for one in nets.values()]
    return [content for content in found if len(content) <= LARGEST]


def kinds() -> list[bytes]:
    """Return the smallest of the tests' models of each combination of operators and types."""
    found: dict[object, bytes] = {}
    for content in sorted(known(), key=len):
        model = parse_tflite(content)
        types = {tensor.index: tensor.dtype for tensor in model.tensors}
        operators = tuple((one.kind, *(types.get(index) for index in one.inputs)) for one in model.operators)
        found.setdefault(operators, content)
    return list(found.values())


def inputs_of(model: TfliteModel, seed: int) -> tuple[NDArray[np.generic], ...]:
    """Return what a model is fed: for each of its inputs extremes and noise, of shape (4, *input shape)."""
    return tuple(values_of(model.tensors[index], seed) for index in model.inputs)


def values_of(tensor: TensorInfo, seed: int) -> NDArray[np.generic]:
    """Return extremes and noise of a tensor's type, of shape (4, *its shape)."""
    if tensor.dtype == "float32":
        noise = np.random.default_rng(seed).normal(0, 3, (4, *tensor.shape)).astype(np.float32)
        noise[0], noise[1] = 0, noise[1] * LARGEST_REAL
        return noise
    values = random_images(tensor.shape, seed, random=1)
    if tensor.dtype == "int16":
        return values.astype(np.int16) * 256 + (values > 0) * np.int16(255)
    if tensor.dtype == "uint8":
        return values.view(np.uint8) ^ 128
    if tensor.dtype == "bool":
        return values > 0
    return values.astype(tensor.dtype)
