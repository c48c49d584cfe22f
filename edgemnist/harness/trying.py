"""What nobody has said of how a model is fed is tried on labelled images, and the choice is said with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.data.splits import class_balanced_sample
from edgemnist.harness.candidates import candidates
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.runtimes import QUICKEST, OpenRuntimes
from edgemnist.harness.search import MOST_PICTURES, Pictures, Predict, Trial, search
from edgemnist.runner.refusals import in_one_line
from edgemnist.runner.run import LoadedModel, invoke_with
from edgemnist.support.errors import ModelError, RuntimeCrashedError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.preprocessing import Preprocessing

TIMEOUT = 300.0
_SEED = 0
_LEVEL = 0.01
"""Share of pictures below which two ways are taken to be level."""

UNASKED = ("normalisation", "layout")
"""What is tried without being asked: what a wrong guess of makes nonsense of every picture."""


@dataclass(frozen=True)
class Choice:
    """How a model is fed; ``known`` names what is known of it, ``evidence`` says what the rest was chosen by."""

    preprocessing: Preprocessing
    known: frozenset[str]
    evidence: tuple[str, ...] = ()


@contextmanager
def open_outputs(
    model: LoadedModel, names: Sequence[str] = (), *, timeout: float = TIMEOUT
) -> Iterator[Callable[[Preprocessing, NDArray[np.uint8]], NDArray[Any]]]:
    """Open a model as a function from images, fed in a way, to its outputs, shape (count, outputs), as it gives them.

    ``names``: the runtimes to try, by default those that are preferred for its kind. ``timeout``: in seconds, for
    each request.

    :raises MissingDependencyError: no runtime that takes the model is installed.
    :raises UnsupportedModelError: every one refused it.
    """
    with OpenRuntimes(timeout=timeout) as runtimes:

        def run(preprocessing: Preprocessing, images: NDArray[np.uint8]) -> NDArray[Any]:
            inputs = model.inputs(images, preprocessing)
            return runtimes.first(model.kind, lambda one: invoke_with(one, model, inputs), names)[1]

        yield run


@contextmanager
def open_predict(model: LoadedModel, *, timeout: float = TIMEOUT) -> Iterator[Predict]:
    """Open a model in the quickest runtime that takes it, as a function for a search.

    :raises MissingDependencyError, UnsupportedModelError: as :func:`open_outputs`.
    """
    with open_outputs(model, () if model.kind is ModelKind.KERAS else QUICKEST, timeout=timeout) as outputs:

        def predict(preprocessing: Preprocessing, images: NDArray[np.uint8]) -> NDArray[np.float64]:
            return probabilities(np.nan_to_num(outputs(preprocessing, images)), model, preprocessing)

        yield predict


def sample_of(split: Split) -> Split:
    """Return the pictures that are tried: at most ``MOST_PICTURES``, balanced in every leading part."""
    return class_balanced_sample(split, min(MOST_PICTURES, len(split)), _SEED)


def choose_unknown(model: LoadedModel, split: Split, given: Choice, *, timeout: float = TIMEOUT) -> Choice:
    """Return the choice with the range of pixels and the layout as they classify the images best, if unknown.

    Where it cannot be tried, because the runtime dies over the model or none takes it, it stays as it is, and the
    evidence says so: whoever runs the model then says what is wrong with it.

    :raises MissingDependencyError: no runtime that takes the model is installed.
    """
    vary = [name for name in UNASKED if name not in given.known]
    if not vary:
        return given
    sample, base = sample_of(split), given.preprocessing
    pictures = Pictures({base.fit: sample.images}, sample.labels, len(base.class_names))
    try:
        with open_predict(model, timeout=timeout) as predict:
            found, evidence = best_of(predict, pictures, base, vary, model.name)
    except (RuntimeCrashedError, ModelError) as error:
        found, evidence = (
            base,
            f"{base.in_words()}: assumed, for it could not be tried: {in_one_line(str(error))}",
        )
    return replace(given, preprocessing=found, evidence=(*given.evidence, evidence))


def best_of(
    predict: Predict, pictures: Pictures, base: Preprocessing, vary: Sequence[str], name: str
) -> tuple[Preprocessing, str]:
    """Return the way of feeding by which most pictures are right, and a line that says so with the next best.

    :param vary: which of ``candidates.VARIED`` nobody has said. ``name`` is the model's, for people.
    """
    ways = candidates(base, pictures.images[base.fit], (base.fit,), vary)
    with progress_task(f"How is {name} fed?"):
        trials = search(predict, pictures, ways)
    best, *others = sorted(trials, key=lambda one: (-one.accuracy, -one.likelihood))
    # Several ranges may come to the same: then the one that most models take, which is tried first.
    level = [
        one for one in trials if one.accuracy >= best.accuracy - _LEVEL and one.likelihood >= best.likelihood - 0.05
    ]
    chosen = level[0] if level else best
    return chosen.preprocessing, _said(name, chosen, [one for one in (best, *others) if one is not chosen])


def _said(name: str, chosen: Trial, others: Sequence[Trial]) -> str:
    next_best = f"; {others[0].preprocessing.in_words()}: {others[0].accuracy:.1%}" if others else ""
    return (
        f"{chosen.preprocessing.in_words()}: tried, for nothing tells how {name} is fed; {chosen.accuracy:.1%} of "
        f"{len(chosen.labels)} images right{next_best}"
    )
