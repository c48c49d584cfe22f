"""What makes a model right: the way of feeding that labelled pictures speak for, and what else they show of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.candidates import as_options, candidates, varied
from edgemnist.harness.search import Pictures, Predict, Trial, search, trials_at_most
from edgemnist.harness.trying import UNASKED
from edgemnist.harness.verdict import Alternative, Verdict, judge
from edgemnist.runner.run import LoadedModel
from edgemnist.support.progress import progress_task
from edgemnist.tflite.normalisation import normalisation_name
from edgemnist.tflite.pixels import infer_normalisation, quantised_input, quantised_range
from edgemnist.tflite.preprocessing import Preprocessing


@dataclass(frozen=True)
class Fed:
    """One way of feeding: in words, and the share of pictures that the model classifies rightly, 0..1."""

    preprocessing: str
    accuracy: float


@dataclass(frozen=True)
class Found(Fed):
    """A better way than the given one. ``options``: what to type for it; ``classes``: their order, if it is another."""

    options: tuple[str, ...]
    changed: tuple[str, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class InputRange:
    """What a quantised input covers, in real values, and what it is fed.

    ``calibrated``: the normalisation whose pixels it covers. ``clamped``: share of the values that lie outside, 0..1.
    """

    low: float
    high: float
    calibrated: str | None
    data_low: float
    data_high: float
    clamped: float


@dataclass(frozen=True)
class Diagnosis:
    """What was found of one model on labelled pictures.

    ``chance``: share of the most frequent class. ``only_class``: what the model says to every picture as given, or
    None. ``input_range``: of a quantised input, fed as found. ``constant_outputs``: share of pictures whose outputs are
    those of the first picture, to the last digit, as given.
    """

    model: str
    dataset: str
    images: int
    given: Fed
    found: Found | None
    chance: float
    at_chance: bool
    only_class: str | None
    constant_outputs: float
    input_range: InputRange | None

    @property
    def options(self) -> tuple[str, ...]:
        """What to type for the better way, if there is one."""
        return () if self.found is None else self.found.options

    @property
    def gain(self) -> float:
        """Share of pictures that the better way gets right more than the given one, 0..1."""
        return 0.0 if self.found is None else self.found.accuracy - self.given.accuracy

    @property
    def right(self) -> bool:
        """Whether the model is above chance, fed as found or as given."""
        return self.found is not None or not self.at_chance

    def as_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return {**asdict(self), "right": self.right, "sentences": list(self.sentences())}

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, for people, the main thing first."""
        return (self._verdict(), *self._remarks())

    def _verdict(self) -> str:
        of = f"of {self.images} pictures of {self.dataset}"
        if self.found is not None:
            return (
                f"{self.model} is right for {self.found.accuracy:.1%} {of} with {' '.join(self.found.options)} "
                f"({self.found.preprocessing}); as given ({self.given.preprocessing}) for {self.given.accuracy:.1%}"
            )
        if self.at_chance:
            return (
                f"no way of feeding {self.model} that was tried makes it right: {self.given.accuracy:.1%} {of} as "
                f"given ({self.given.preprocessing}), where saying always the same gets {self.chance:.1%}; it was "
                "trained on something else, or not at all, or its conversion broke it"
            )
        return (
            f"{self.model} is right for {self.given.accuracy:.1%} {of} as it is fed ({self.given.preprocessing}); no "
            "other way does better beyond luck"
        )

    def _remarks(self) -> list[str]:
        remarks = []
        if self.only_class is not None:
            remarks.append(f"as given it says {self.only_class!r} to every picture")
        if self.constant_outputs > 0.99:
            remarks.append("as given its outputs are the same for every picture: the input or a layer is saturated")
        inside = self.input_range
        if inside is not None:
            of = f" (pixels {inside.calibrated})" if inside.calibrated else ""
            remarks.append(
                f"its quantised input was calibrated for {inside.low:.4g}..{inside.high:.4g}{of}; fed so, pixels are "
                f"{inside.data_low:.4g}..{inside.data_high:.4g} and {inside.clamped:.1%} of them are clamped"
            )
        return remarks


def diagnose(
    model: LoadedModel,
    predict: Predict,
    pictures: Pictures,
    given: Preprocessing,
    dataset: str,
    *,
    known: Collection[str],
) -> Diagnosis:
    """Try every plausible way of feeding a model and return what was found.

    :param pictures: the labelled pictures in every fit that is to be tried, the given one's among them.
    :param known: what somebody has said of how it is fed or the file tells, as ``Understanding.known``.
    :raises EdgeMnistError: as ``predict``.
    """
    found, fed = _diagnosed(predict, pictures, given, model.name, dataset, known=known)
    return replace(found, input_range=_input_range(model, fed, pictures.images[fed.fit]))


def diagnose_with(
    predict: Predict, pictures: Pictures, given: Preprocessing, name: str, dataset: str, *, known: Collection[str]
) -> Diagnosis:
    """Return what :func:`diagnose` does, of a model of which there is no more than a function and its name."""
    return _diagnosed(predict, pictures, given, name, dataset, known=known)[0]


def _diagnosed(
    predict: Predict, pictures: Pictures, given: Preprocessing, name: str, dataset: str, *, known: Collection[str]
) -> tuple[Diagnosis, Preprocessing]:
    """Return the diagnosis without its input range, and how the model is fed if the better way is taken."""
    unsaid = tuple(one for one in UNASKED if one not in known)
    verdict = tried(predict, pictures, given, unsaid, title=f"Diagnosing {name}")
    best = verdict.better
    names = given.class_names
    found = None if best is None else _found(best, given, names, unsaid)
    fed = given if best is None else best.trial.preprocessing
    said = np.unique(verdict.given.predicted)
    diagnosis = Diagnosis(
        model=name,
        dataset=dataset,
        images=len(verdict.given.labels),
        given=Fed(given.in_words(), verdict.given.accuracy),
        found=found,
        chance=verdict.chance,
        at_chance=verdict.at_chance,
        only_class=names[int(said[0])] if len(said) == 1 else None,
        constant_outputs=_constant(verdict.given),
        input_range=None,
    )
    return diagnosis, fed


def tried(
    predict: Predict, pictures: Pictures, given: Preprocessing, unsaid: Collection[str], *, title: str
) -> Verdict:
    """Search all ways of feeding and return the verdict, with progress under a title.

    ``unsaid``: of what nobody has said how it is; a layout that is not among it follows from the input's shape.
    """
    vary = varied(layout="layout" in unsaid)
    ways = candidates(given, pictures.images[given.fit], tuple(pictures.images), vary, unsaid)
    with progress_task(title, total=trials_at_most(len(ways))) as task:
        trials = search(predict, pictures, ways, _counted(task.update))
    return judge(trials, pictures.chance, unsaid)


def _counted(update: Callable[..., None]) -> Callable[[], None]:
    return lambda: update(advance=1)


def _found(best: Alternative, given: Preprocessing, names: tuple[str, ...], unsaid: Collection[str]) -> Found:
    order = None if best.order is None else tuple(names[label] for label in best.order)
    return Found(
        preprocessing=best.trial.preprocessing.in_words(),
        accuracy=best.accuracy,
        options=as_options(given, best.trial.preprocessing, order, unsaid),
        changed=best.changed,
        classes=order,
    )


def _constant(trial: Trial) -> float:
    return float((trial.probabilities == trial.probabilities[0]).all(axis=1).mean())


def _input_range(model: LoadedModel, fed: Preprocessing, images: NDArray[np.uint8]) -> InputRange | None:
    tensor = quantised_input(model.tflite) if model.tflite else None
    if tensor is None or tensor.quantisation is None:
        return None
    low, high = quantised_range(tensor)
    real, step = fed.real_input(images), tensor.quantisation.scale
    covered = infer_normalisation(tensor)
    # Half a step beyond the last value still rounds to it.
    clamped = float(((real < low - 0.51 * step) | (real > high + 0.51 * step)).mean())
    name = None if covered is None else normalisation_name(covered)
    return InputRange(low, high, name, float(real.min()), float(real.max()), clamped)
