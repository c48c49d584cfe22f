"""Experiments: inputs on which candidate rules differ, put to the runtime, until one rule is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.compare import Sample
from edgemnist.mismatch.naming import Parts, Search, predictions

ROUNDS = 4
ELEMENTS = 200_000
"""Outputs that are computed in each round, about; rules of rounding differ in one of ten thousand or fewer."""

INPUT_BYTES = 4 << 20
"""Of a round's inputs, at most, one image at least."""

WIDTHS = (2, 8, 32, 128)
"""Largest noise on an input, in LSB."""

ASKED = 32
"""Of a round's images so many are put to the runtime at most."""

Ask = Callable[[Sequence[NDArray[Any]]], NDArray[Any]]
"""Takes one array per activation of the operator, (images, *shape), and gives the runtime's output."""


def tell_apart(case: Case, found: Search, ask: Ask) -> Search:
    """Return a search with those exact rules left out that do not give what the runtime makes of further inputs.

    The inputs are drawn at random, always the same.

    :raises EdgeMnistError: the runtime failed.
    """
    generator = np.random.default_rng(0)
    left, probes = list(found.exact), 0
    for _ in range(ROUNDS):
        if len(left) < 2:
            break
        inputs = _draw(case, generator)
        blank = np.zeros((len(inputs[0]), *case.sample.oracle.shape[1:]), case.sample.oracle.dtype)
        drawn = Case(case.model, case.index, Sample(tuple(inputs), blank, blank, blank))
        answers = [_answer(drawn, parts, naming.detail) for parts, naming in left]
        images = _disagreeing(answers)[:ASKED]
        if len(images) == 0:
            continue
        truth = ask([one[images] for one in inputs])
        probes += len(images)
        left = [one for one, answer in zip(left, answers, strict=True) if np.array_equal(answer[images], truth)]
    if not left:  # what the runtime does is none of them, though it looked like each
        return Search((), replace(found.exact[0][1], also=()))
    excluded = tuple(naming.rule for _, naming in found.exact if naming not in [one for _, one in left])
    (parts, first), *others = left
    return Search(((parts, replace(first, excluded=excluded, probes=probes)), *others), None)


def _draw(case: Case, generator: np.random.Generator) -> list[NDArray[Any]]:
    """Return inputs as they come in images that differ, with noise of several widths: wide noise saturates outputs."""
    samples = case.sample.inputs
    size = sum(one[0].nbytes for one in samples)
    count = max(1, min(ELEMENTS // max(case.sample.oracle[0].size, 1), INPUT_BYTES // max(size, 1)))
    images = generator.integers(0, case.images, count)
    widths = generator.choice(WIDTHS, count)
    return [_noisy(one[images], widths, generator) for one in samples]


def _noisy(values: NDArray[Any], widths: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
    span = widths.reshape(-1, *[1] * (values.ndim - 1))
    noise = np.rint(generator.uniform(-1, 1, values.shape) * span)
    limits = np.iinfo(values.dtype)
    noisy: NDArray[Any] = np.clip(values + noise, limits.min, limits.max).astype(values.dtype)
    return noisy


def _answer(case: Case, parts: Parts, detail: str) -> NDArray[Any]:
    """Return what a rule makes of further inputs."""
    return next(one.values for one in predictions(case, parts) if one.detail == detail)


def _disagreeing(answers: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the images in which not all answers are equal."""
    first = answers[0]
    apart = np.zeros(len(first), np.bool_)
    for other in answers[1:]:
        unequal = np.asarray(other != first)
        apart |= unequal.any(axis=tuple(range(1, unequal.ndim)))
    return np.flatnonzero(apart)
