"""Every operator of a source beside the oracle's: its own error apart from what it inherits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.one_operator import OneOperator, activations_of, one_operator
from edgemnist.mismatch.sources import RuntimeSource, Source, Tensors
from edgemnist.mismatch.tally import Differences, Tally
from edgemnist.support.errors import EdgeMnistError, UnsupportedModelError, WrongOutputError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import operator_outputs

CHUNK_BYTES = 64 << 20
"""Of all tensors of the images that are compared at a time."""

KEPT_IMAGES = 16
"""Of each operator the images with the most differing elements are kept, to find the rule from."""

KEPT_BYTES = 8 << 20
"""Of one operator's inputs and outputs, at most, one image at least."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Images of one operator that differ: what went in, the oracle's answer to that, the source's, and the oracle's to
    the image before, each of shape (images, *tensor shape); ``inputs`` has one array per activation of the operator.
    """

    inputs: tuple[NDArray[Any], ...]
    oracle: NDArray[Any]
    found: NDArray[Any]
    before: NDArray[Any]


@dataclass(frozen=True, eq=False)
class OperatorFinding:
    """One operator. ``accumulated``: its output in the whole model, of 0 elements where that is not shown; ``own``: its
    output for the very same bytes that the oracle's operator gets, None where that is not known, and ``why_not_own``
    says why. ``sample`` is of its own error, None where there is none or the operator has several outputs.
    """

    index: int
    kind: str
    tensor: int
    accumulated: Differences
    own: Differences | None
    why_not_own: str = ""
    sample: Sample | None = None


class Oracle:
    """The oracle's tensors for the images at hand, and its operators alone."""

    def __init__(self, model: TfliteModel, source: RuntimeSource) -> None:
        self.model = model
        self.source = source
        self._cuts: dict[int, OneOperator | UnsupportedModelError] = {}

    def trace(self, inputs: Sequence[NDArray[Any]], first: int) -> dict[int, NDArray[Any]]:
        """Return every operator's output and the model's inputs."""
        return {**dict(zip(self.model.inputs, inputs, strict=True)), **self.source.trace(self.model, inputs, first)}

    def cut(self, index: int) -> OneOperator:
        """Return an operator as a model.

        :raises UnsupportedModelError: it can't be run alone.
        """
        if index not in self._cuts:
            try:
                self._cuts[index] = one_operator(self.model, index)
            except UnsupportedModelError as error:
                self._cuts[index] = error
        found = self._cuts[index]
        if isinstance(found, UnsupportedModelError):
            raise found
        return found


class Comparison:
    """A source beside the oracle, filled chunk by chunk."""

    def __init__(self, oracle: Oracle, source: Source) -> None:
        self.source = source
        self._oracle = oracle
        numbers = set(operator_outputs(oracle.model))
        operators = [one.index for one in oracle.model.operators if one.outputs and one.outputs[0] in numbers]
        self._operators = [_OperatorTally(oracle, index) for index in operators]

    def add(self, truth: Tensors, found: Tensors, before: Tensors) -> None:
        """Add images.

        :param truth: the oracle's inputs and operators' outputs.
        :param found: the source's as far as it has them; what is missing of the model's inputs is the oracle's.
        :param before: the oracle's outputs for the image before each.
        """
        found = {**{index: truth[index] for index in self._oracle.model.inputs}, **found}
        for operator in self._operators:
            operator.add(self.source, truth, found, before)

    def findings(self) -> tuple[OperatorFinding, ...]:
        """Return what was found of every operator that the source shows, in the file's order."""
        return tuple(found for operator in self._operators if (found := operator.finding()) is not None)


_Pair = tuple[list[NDArray[Any]], NDArray[Any], NDArray[Any], NDArray[Any]]
"""Inputs, the oracle's answer, the source's, and the oracle's to the image before."""


class _OperatorTally:
    def __init__(self, oracle: Oracle, index: int) -> None:
        model = oracle.model
        self._oracle, self._operator = oracle, model.operators[index]
        self._inputs = activations_of(model, index)
        self._tensor = model.tensors[self._operator.outputs[0]]
        self._accumulated = Tally(self._tensor.shape, self._tensor.dtype)
        self._own = Tally(self._tensor.shape, self._tensor.dtype)
        self._seen = False
        self._why = ""
        self._samples: list[tuple[int, Sample]] = []

    def add(self, source: Source, truth: Tensors, found: Tensors, before: Tensors) -> None:
        tensor = self._tensor.index
        if tensor not in found and not source.asks:
            return
        self._seen = True
        if tensor in found:
            self._accumulated.add(found[tensor], truth[tensor])
        if self._why:
            return
        try:
            if tensor in found and all(one in found for one in self._inputs):
                self._divide(source, truth, found, before)
            elif source.asks:
                self._judge(self._apart(source, np.ones(len(truth[tensor]), np.bool_), truth, truth, before))
            else:
                self._why = "what goes into it is not known"
        except UnsupportedModelError as error:
            self._why = "; ".join(error.problems)
        except EdgeMnistError as error:
            self._why = str(error)

    def _divide(self, source: Source, truth: Tensors, found: Tensors, before: Tensors) -> None:
        """Judge images by the source's outputs where what goes in is the oracle's, and apart where it is not."""
        tensor = self._tensor.index
        same = _images_alike([(found[one], truth[one]) for one in self._inputs], len(truth[tensor]))
        self._judge((self._chosen(same, truth), truth[tensor][same], found[tensor][same], before[tensor][same]))
        if not same.all():
            self._judge(self._apart(source, ~same, truth, found, before))

    def _judge(self, pair: _Pair) -> None:
        inputs, oracle, mine, earlier = pair
        check_alike(mine, oracle, f"operator {self._operator.index} {self._operator.kind} alone")
        self._keep(self._own.add(mine, oracle), inputs, oracle, mine, earlier)

    def _chosen(self, images: NDArray[np.bool_], tensors: Tensors) -> list[NDArray[Any]]:
        return [tensors[one][images] for one in self._inputs]

    def _apart(
        self, source: Source, images: NDArray[np.bool_], truth: Tensors, found: Tensors, before: Tensors
    ) -> _Pair:
        """Return both answers to the same inputs for images whose inputs differ.

        The source's operator gets the oracle's bytes; where it can't be asked, the oracle's gets the source's.
        """
        tensor = self._tensor.index
        cut = self._oracle.cut(self._operator.index)
        inputs = self._chosen(images, truth)
        answer = source.alone(cut, inputs)
        if answer is not None:
            return inputs, truth[tensor][images], answer[0], before[tensor][images]
        inputs = self._chosen(images, found)
        oracle = self._oracle.source.alone(cut, inputs)[0]
        return inputs, oracle, found[tensor][images], before[tensor][images]

    def _keep(
        self, unequal: NDArray[np.bool_], inputs: Sequence[NDArray[Any]], oracle: NDArray[Any], found: NDArray[Any],
        before: NDArray[Any],
    ) -> None:  # fmt: skip
        counts = unequal.sum(axis=tuple(range(1, unequal.ndim)))
        for image in np.argsort(-counts, kind="stable")[:KEPT_IMAGES]:
            if counts[image] == 0:
                break
            one = slice(image, image + 1)
            kept = [value[one].copy() for value in (*inputs, oracle, found, before)]
            sample = Sample(tuple(kept[:-3]), *kept[-3:])
            self._samples.append((int(counts[image]), sample))
        self._samples.sort(key=lambda pair: -pair[0])
        size = sum(value[0].nbytes for value in (*inputs, oracle, found)) if len(unequal) else 1
        del self._samples[max(1, min(KEPT_IMAGES, KEPT_BYTES // size)) :]

    def finding(self) -> OperatorFinding | None:
        if not self._seen:
            return None
        return OperatorFinding(
            index=self._operator.index,
            kind=self._operator.kind,
            tensor=self._tensor.index,
            accumulated=self._accumulated.result(),
            own=None if self._why else self._own.result(),
            why_not_own=self._why,
            sample=self._joined() if self._samples and len(self._operator.outputs) == 1 else None,
        )

    def _joined(self) -> Sample:
        samples = [sample for _, sample in self._samples]
        return Sample(
            tuple(np.concatenate(column) for column in zip(*(one.inputs for one in samples), strict=True)),
            np.concatenate([one.oracle for one in samples]),
            np.concatenate([one.found for one in samples]),
            np.concatenate([one.before for one in samples]),
        )


def _images_alike(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]], count: int) -> NDArray[np.bool_]:
    """Return for each image whether both of every pair are equal."""
    alike = np.ones(count, np.bool_)
    for one, other in pairs:
        alike &= np.asarray(one == other).all(axis=tuple(range(1, one.ndim)))
    return alike


def check_alike(found: NDArray[Any], oracle: NDArray[Any], what: str) -> None:
    """Refuse to compare arrays of other shapes or types.

    :raises WrongOutputError: says both.
    """
    if (found.shape, found.dtype) != (oracle.shape, oracle.dtype):
        raise WrongOutputError(
            f"{what} is of shape {list(found.shape)} and type {found.dtype.name}, the oracle's of {list(oracle.shape)} "
            f"and {oracle.dtype.name}"
        )


def images_at_a_time(model: TfliteModel) -> int:
    """Return how many images are compared at a time, so that their tensors stay small in memory."""
    size = sum(tensor.bytes for tensor in model.tensors if tensor.data is None)
    return max(1, CHUNK_BYTES // max(size, 1))


def before_each(truth: Mapping[int, NDArray[Any]], last: Mapping[int, NDArray[Any]]) -> dict[int, NDArray[Any]]:
    """Return each tensor for the image before; that before the first is in ``last``, or zeros at the very beginning."""
    return {
        index: np.concatenate([last.get(index, np.zeros_like(values[:1])), values[:-1]])
        for index, values in truth.items()
    }


def chunks(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most ``size`` that make up ``count``."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
