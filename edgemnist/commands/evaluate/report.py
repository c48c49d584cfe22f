"""The result of an evaluation as values; its JSON is the truth, tables and pictures are views of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.commands.evaluate.metrics import ClassScore
from edgemnist.harness.classifier import EvaluatedModel
from edgemnist.harness.compare import Share

REPORT_NAME = "evaluation.json"
REPORT_FORMAT = 1

THROUGHPUT = (
    "images to input, the way to the runtime's process and back, invokes of one image each on one thread (Keras: "
    "batches); in requests of up to 4,096 images"
)


@dataclass(frozen=True)
class Mistake:
    """A misclassified image: ``index`` among the images evaluated, ``label`` and ``predicted`` as class indices.

    ``confidence``: the probability of the predicted class, 0..1.
    """

    index: int
    label: int
    predicted: int
    confidence: float


@dataclass(frozen=True)
class EvaluationReport:
    """Everything that an evaluation found.

    ``sampling`` says which images, ``preprocessing`` in words how they are fed, ``assumed`` what nobody had said of it.
    ``confusion`` has a row per label and a column per predicted class. ``averages`` are
    the macro and the weighted one. ``mistakes`` are sorted by label, then predicted class, then index. ``loss``:
    cross-entropy in nats; ``top``: by k, images whose label is among the k most probable classes;
    ``calibration_error``: the expected one, 0..1; ``images_per_second``: as THROUGHPUT says.
    """

    model: EvaluatedModel
    dataset: str
    sampling: str
    normalisation: str
    preprocessing: str
    assumed: tuple[str, ...]
    accuracy: Share
    loss: float
    top: Mapping[int, Share]
    calibration_error: float
    images_per_second: float
    class_names: tuple[str, ...]
    classes: tuple[ClassScore, ...]
    averages: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        content = {"format": REPORT_FORMAT, "throughput": THROUGHPUT, **asdict(self)}
        content["top"] = {str(count): {**asdict(one), "share": one.share} for count, one in self.top.items()}
        content["accuracy"] |= {"share": self.accuracy.share, "standard_error": self.accuracy.standard_error}
        return content
