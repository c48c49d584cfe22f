"""The result of an evaluation as values; its JSON is the truth, tables and pictures are views of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.commands.evaluate.metrics import ClassScore
from edgemnist.harness.classifier import EvaluatedModel
from edgemnist.harness.compare import Share

REPORT_NAME = "evaluation.json"
REPORT_FORMAT = 1


@dataclass(frozen=True)
class Mistake:
    """A misclassified image: ``index`` among the images evaluated, ``label`` and ``predicted`` as class indices."""

    index: int
    label: int
    predicted: int


@dataclass(frozen=True)
class EvaluationReport:
    """Everything that an evaluation found.

    ``sampling`` says which images, ``preprocessing`` in words how they are fed, ``assumed`` what nobody had said of it.
    ``confusion`` has a row per label and a column per predicted class. ``averages`` are
    the macro and the weighted one. ``mistakes`` are sorted by label, then predicted class, then index.
    """

    model: EvaluatedModel
    dataset: str
    sampling: str
    normalisation: str
    preprocessing: str
    assumed: tuple[str, ...]
    accuracy: Share
    class_names: tuple[str, ...]
    classes: tuple[ClassScore, ...]
    averages: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        content = {"format": REPORT_FORMAT, **asdict(self)}
        content["accuracy"] |= {"share": self.accuracy.share, "standard_error": self.accuracy.standard_error}
        return content
