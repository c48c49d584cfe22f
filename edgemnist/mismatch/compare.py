"""Every operator of a source beside the oracle's: its own error apart from what it inherits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.compare import same
from edgemnist.mismatch.one_operator import OneOperator, activations_of, one_operator, variables_of
from edgemnist.mismatch.sources import Fed, RuntimeSource, Source, Tensors
from edgemnist.mismatch.tally import Differences, Tally
from edgemnist.mismatch.variables import Carried, carried_by
from edgemnist.support.errors import EdgeMnistError, UnsupportedModelError, WrongOutputError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import has_state, operator_outputs

CHUNK_BYTES = 64 << 20
"""Of all tensors of the images that are compared at a time."""

KEPT_IMAGES = 16
"""Of each operator the images with the most differing elements are kept, to find the rule from."""

KEPT_BYTES = 1 << 20
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
    says why. ``sample`` is of its own error, None where there is none or the operator has several outputs or a state.
    ``first_image``: the first that differs in the whole model. ``state``: the names of the variables that the operator
    keeps; alone it begins without any, and makes its own from image to image.
    """

    index: int
    kind: str
    tensor: int
    accumulated: Differences
    own: Differences | None
    why_not_own: str = ""
    sample: Sample | None = None
    first_image: int | None = None
    state: tuple[str, ...] = ()


class Oracle:
    """The oracle's tensors for the images at hand, and its operators alone."""

    def __init__(self, model: TfliteModel, source: RuntimeSource) -> None:
        self.model = model
        self.source = source
        self._cuts: dict[int, OneOperator | UnsupportedModelError] = {}
        self._last: tuple[int, Tensors] | None = None

    def trace(self, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return every operator's output and the model's inputs; see :meth:`Source.trace`.

        The images that were traced last are not run again.
        """
        if self._last is None or self._last[0] != first:
            given = dict(zip(self.model.inputs, inputs, strict=True))
            self._last = first, {**given, **self.source.trace(self.model, inputs, first)}
        return self._last[1]

    def cut(self, index: int) -> OneOperator:
        """Return an operator as a model.

        :raises UnsupportedModelError: it can't be run alone.
        """
        if index not in self._cuts:
            try:
                self._cuts[index] = one_operator(self.model, index, with_state=True)
            except UnsupportedModelError as error:
                self._cuts[index] = error
        found = self._cuts[index]
        if isinstance(found, UnsupportedModelError):
            raise found
        return found


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some of the images. ``truth``: the oracle's inputs and operators' outputs for them; ``found``: the source's, as
    far as it has them; ``last``: the oracle's for the image before the first, empty at the very beginning.
    """

    truth: Tensors
    found: Tensors
    last: Tensors
    _unequal: dict[int, NDArray[np.bool_] | None] = field(default_factory=dict, init=False)

    @property
    def images(self) -> int:
        """How many there are."""
        return len(next(iter(self.truth.values())))

    def unequal(self, tensor: int) -> NDArray[np.bool_] | None:
        """Return which elements of a tensor that the source shows are not the oracle's, None where all are."""
        if tensor not in self._unequal:
            unequal = ~same(self.found[tensor], self.truth[tensor])
            self._unequal[tensor] = unequal if unequal.any() else None
        return self._unequal[tensor]

    def alike(self, tensors: Sequence[int]) -> NDArray[np.bool_]:
        """Return for each image whether the source has the oracle's bytes in all of some tensors."""
        alike = np.ones(self.images, np.bool_)
        for tensor in tensors:
            unequal = self.unequal(tensor)
            if unequal is not None:
                alike &= ~unequal.any(axis=tuple(range(1, unequal.ndim)))
        return alike

    def before(self, tensor: int, image: int) -> NDArray[Any]:
        """Return the oracle's tensor for the image before, (1, *tensor shape), zeros where there was none."""
        values = self.truth[tensor]
        if image > 0:
            return values[image - 1 : image]
        return self.last.get(tensor, np.zeros_like(values[:1]))


@dataclass(frozen=True, eq=False)
class _Question:
    """An operator that has to be run alone for ``images``, their places in the chunk."""

    operator: _OperatorTally
    images: NDArray[np.int64]
    fed: Fed


class Comparison:
    """A source beside the oracle, filled chunk by chunk."""

    def __init__(self, oracle: Oracle, source: Source) -> None:
        self.source = source
        self._oracle = oracle
        numbers = set(operator_outputs(oracle.model))
        operators = [one.index for one in oracle.model.operators if one.outputs and one.outputs[0] in numbers]
        self._operators = [_OperatorTally(oracle, index) for index in operators]

    def add(self, chunk: Chunk) -> None:
        """Add images; what the source lacks of the model's inputs is the oracle's."""
        given = {index: chunk.truth[index] for index in self._oracle.model.inputs}
        chunk = replace(chunk, found={**given, **chunk.found})
        asked = [one for operator in self._operators if (one := operator.look(self.source, chunk)) is not None]
        answering = self.source if self.source.asks else self._oracle.source
        for question, answer in zip(asked, answering.alone([one.fed for one in asked]), strict=True):
            question.operator.hear(self.source, chunk, question, answer)

    def findings(self) -> tuple[OperatorFinding, ...]:
        """Return what was found of every operator that the source shows, in the file's order."""
        return tuple(found for operator in self._operators if (found := operator.finding()) is not None)


@dataclass(frozen=True, eq=False)
class _Pair:
    """The oracle's answer and the source's to the same inputs, those of ``given`` for ``images``, places in the chunk.
    ``unequal``: what differs, where that is known.
    """

    images: NDArray[np.int64]
    given: Tensors
    oracle: NDArray[Any]
    mine: NDArray[Any]
    unequal: NDArray[np.bool_] | None = None


class _OperatorTally:
    def __init__(self, oracle: Oracle, index: int) -> None:
        model = oracle.model
        self._oracle, self._operator = oracle, model.operators[index]
        self._inputs = activations_of(model, index)
        self._state = variables_of(model, index)
        self._carried = carried_by(model, index)
        self._tensor = model.tensors[self._operator.outputs[0]]
        self._accumulated = Tally(self._tensor.shape, self._tensor.dtype)
        self._own = Tally(self._tensor.shape, self._tensor.dtype)
        self._images = 0
        self._first_image: int | None = None
        self._seen = False
        self._why = ""
        self._samples: list[tuple[int, Sample]] = []

    def look(self, source: Source, chunk: Chunk) -> _Question | None:
        """Add what the source shows; return what has to be asked to know the operator's own error."""
        tensor = self._tensor.index
        if tensor not in chunk.found and not source.asks:
            return None
        self._seen = True
        if tensor in chunk.found:
            self._accumulate(chunk)
        self._images += chunk.images
        if self._carried is not None and self._is_copied(source, chunk, self._carried):
            return None
        shown = tensor in chunk.found and all(one in chunk.found for one in self._inputs)
        if not shown and not source.asks:
            self._why = self._why or "what goes into it is not known"
        if self._why:
            return None
        alike = chunk.alike(self._inputs) if shown else np.zeros(chunk.images, np.bool_)
        if self._state and not alike.all():  # its state is made of all that it was given
            alike[:] = False
        if alike.any():
            self._judge(chunk, self._shown(chunk, alike))
        return None if alike.all() else self._question(source, chunk, np.flatnonzero(~alike))

    def _is_copied(self, source: Source, chunk: Chunk, carried: Carried) -> bool:
        """Judge a variable that is read by what the source has assigned to it; False where that is not to be told.

        What a device's variables held at the very beginning nobody knows.
        """
        tensor, late = self._tensor.index, int(carried.late)
        if not all(one in chunk.found for one in (tensor, carried.tensor)):
            return False
        stop = chunk.images - late
        if not same(chunk.truth[tensor][late:], chunk.truth[carried.tensor][:stop]).all():
            return False  # it is assigned otherwise, too
        mine, right = chunk.found[tensor], chunk.found[carried.tensor][:stop]
        right = np.concatenate([(chunk.truth[tensor] if source.asks else mine)[:late], right])
        self._own.add(mine, right, ~same(mine, right))
        return True

    def _accumulate(self, chunk: Chunk) -> None:
        tensor = self._tensor.index
        unequal = chunk.unequal(tensor)
        self._accumulated.add(chunk.found[tensor], chunk.truth[tensor], unequal)
        if unequal is not None and self._first_image is None:
            self._first_image = self._images + int(np.flatnonzero(~chunk.alike([tensor]))[0])

    def _shown(self, chunk: Chunk, alike: NDArray[np.bool_]) -> _Pair:
        """Return the answers for images whose inputs are the same: they are in the whole model's tensors."""
        tensor, images = self._tensor.index, np.flatnonzero(alike)
        unequal = chunk.unequal(tensor)
        oracle, mine = chunk.truth[tensor], chunk.found[tensor]
        if alike.all():
            return _Pair(images, chunk.truth, oracle, mine, unequal)
        part = None if unequal is None else unequal[images]
        return _Pair(images, chunk.truth, oracle[images], mine[images], part)

    def _question(self, source: Source, chunk: Chunk, images: NDArray[np.int64]) -> _Question | None:
        if self._state and not source.asks:
            self._why = f"it keeps {self._state[0]!r}, and what that holds in the device is not known"
            return None
        given = chunk.truth if source.asks else chunk.found
        try:
            cut = self._oracle.cut(self._operator.index)
        except UnsupportedModelError as error:
            self._why = "; ".join(error.problems)
            return None
        if not all(one in given for one in self._inputs):
            self._why = "no operator writes what goes into it"
            return None
        return _Question(self, images, Fed(cut, [given[one][images] for one in self._inputs]))

    def hear(self, source: Source, chunk: Chunk, asked: _Question, answer: list[NDArray[Any]] | EdgeMnistError) -> None:
        """Add what the operator alone gave: the source's for the oracle's bytes, or the oracle's for the source's."""
        if isinstance(answer, EdgeMnistError):
            self._why = "; ".join(getattr(answer, "problems", ())) or str(answer)
            return
        given = chunk.truth if source.asks else chunk.found
        shown = given[self._tensor.index][asked.images]
        oracle, mine = (shown, answer[0]) if source.asks else (answer[0], shown)
        try:
            check_alike(mine, oracle, f"operator {self._operator.index} {self._operator.kind} alone")
        except WrongOutputError as error:
            self._why = str(error)
            return
        self._judge(chunk, _Pair(asked.images, given, oracle, mine, ~same(mine, oracle)))

    def _judge(self, chunk: Chunk, pair: _Pair) -> None:
        self._own.add(pair.mine, pair.oracle, pair.unequal)
        if pair.unequal is not None and not self._state:
            self._keep(chunk, pair, pair.unequal)

    def _keep(self, chunk: Chunk, pair: _Pair, unequal: NDArray[np.bool_]) -> None:
        """Keep the images with the most differing elements."""
        counts = unequal.sum(axis=tuple(range(1, unequal.ndim)))
        for place in np.argsort(-counts, kind="stable")[:KEPT_IMAGES]:
            if counts[place] == 0:
                break
            one, image = slice(place, place + 1), int(pair.images[place])
            inputs = tuple(pair.given[tensor][image : image + 1].copy() for tensor in self._inputs)
            before = chunk.before(self._tensor.index, image).copy()
            sample = Sample(inputs, pair.oracle[one].copy(), pair.mine[one].copy(), before)
            self._samples.append((int(counts[place]), sample))
        self._samples.sort(key=lambda kept: -kept[0])
        size = sum(value.nbytes for _, kept in self._samples[:1] for value in (*kept.inputs, kept.oracle, kept.found))
        del self._samples[max(1, min(KEPT_IMAGES, KEPT_BYTES // max(size, 1))) :]

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
            first_image=self._first_image,
            state=self._state,
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
    """Return how many images are compared at a time, so that their tensors stay small in memory.

    All of them where a state goes on from one to the next: at each time it begins anew.
    """
    if has_state(model):
        return sys.maxsize
    size = sum(tensor.bytes for tensor in model.tensors if tensor.data is None)
    return max(1, CHUNK_BYTES // max(size, 1))


def chunks(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most ``size`` that make up ``count``."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
