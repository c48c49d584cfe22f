"""The result of a robustness run as values; its JSON is the truth, table and plot are views of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.commands.robustness.statistics import Estimate
from edgemnist.harness.classifier import EvaluatedModel
from edgemnist.harness.compare import Share

REPORT_NAME = "robustness.json"
PLOT_NAME = "robustness.png"
REPORT_FORMAT = 1

CLEAN = "clean"
"""Name of the condition without corruption."""

DROPS = (
    "a drop is the reference's accuracy less the model's, on the same images; ± is one standard error, over the images"
)


@dataclass(frozen=True)
class Condition:
    """A corruption at a severity: ``parameters`` are its strength there, ``published`` whether MNIST-C has it so."""

    corruption: str
    severity: int
    parameters: tuple[float, ...]
    published: bool


@dataclass(frozen=True)
class ConditionResult:
    """What the models made of the images under one condition, in the order of the report's models.

    ``drop`` is None for the reference, and for all models where there is none.
    """

    condition: Condition
    accuracy: tuple[Share, ...]
    drop: tuple[Estimate | None, ...]


@dataclass(frozen=True)
class Summary:
    """The mean over several conditions: of one corruption, of MNIST-C as published, or of all."""

    name: str
    conditions: int
    accuracy: tuple[Estimate, ...]
    drop: tuple[Estimate | None, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a model loses more on corrupted images than on clean ones, against the reference.

    ``excess`` is the drop on corrupted images less that on clean ones; ``significant`` is beyond two standard errors.
    """

    model: str
    clean: Estimate
    corrupted: Estimate
    excess: Estimate
    significant: bool
    sentence: str


@dataclass(frozen=True)
class RobustnessReport:
    """Everything that a robustness run found. ``sampling`` says which images; ``reference`` is the index of the float
    model that the others are compared with, None without one.
    """

    dataset: str
    images: int
    sampling: str
    seed: int
    normalisation: str
    preprocessing: str
    assumed: tuple[str, ...]
    models: tuple[EvaluatedModel, ...]
    reference: int | None
    clean: ConditionResult
    results: tuple[ConditionResult, ...]
    summaries: tuple[Summary, ...]
    verdicts: tuple[Verdict, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        content = {"format": REPORT_FORMAT, "drops": DROPS, **asdict(self)}
        for entry, result in zip((content["clean"], *content["results"]), (self.clean, *self.results), strict=True):
            for values, share in zip(entry["accuracy"], result.accuracy, strict=True):
                values |= {"share": share.share, "standard_error": share.standard_error}
        return content
