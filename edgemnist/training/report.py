"""What a fit comes to and what it leaves: the model and its record, the history as CSV and JSON, the curves as PNG."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.keras_io.saving import save_model
from edgemnist.support.errors import InputError
from edgemnist.support.files import package_versions, write_json, write_text
from edgemnist.support.memory import peak_memory_bytes
from edgemnist.support.progress import say
from edgemnist.support.reading import read_json
from edgemnist.training.loop import EpochReport, FitState
from edgemnist.training.plots import CurvesHeading, write_curves

if TYPE_CHECKING:
    from typing import Self

_MOST_HISTORY_BYTES = 64 << 20
_NOT_FIGURES = ("model_path", "dataset", "arch", "history")


@dataclass(frozen=True)
class FitResult:
    """What every fit comes to. Accuracies are in 0..1, on the test split and on the best epoch's validation images.

    ``test_images`` is the size of the test split. ``seconds`` is wall time of all epochs, those before a resume
    included, ``cpu_seconds`` the processor time of all threads; ``peak_memory_bytes`` is that of the whole process.
    ``at_chance`` says by what it is seen that the model learned nothing, and what to do; "" where it learned.
    """

    model_path: Path
    dataset: str
    arch: str
    accuracy: float
    test_images: int
    at_chance: str
    validation_accuracy: float
    epochs_run: int
    best_epoch: int
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    history: tuple[EpochReport, ...]

    stage: ClassVar[str]

    @classmethod
    def recorded(cls, work: WorkFolder) -> Self:
        """Return what the stage's record in a work folder says.

        :raises StageOrderError: there is none, or its model is gone or another.
        :raises InputError: the record or the history beside it is damaged.
        """
        record = work.require(cls.stage, needed_by=f"the result of {cls.stage}")
        history = work.path(f"{_history_prefix(cls.stage)}history.json")
        fields = {field.name for field in dataclasses.fields(cls)}
        try:
            rows = tuple(EpochReport(**row) for row in read_json(history, _MOST_HISTORY_BYTES))
            return cls(
                model_path=work.path(next(iter(record.outputs))),
                dataset=record.settings["dataset"],
                arch=record.settings["arch"],
                history=rows,
                **cls.read_figures({name: value for name, value in record.results.items() if name in fields}),
            )
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
            raise InputError(
                f"cannot read what {cls.stage!r} came to in {str(work.root)!r}: {error!r}; run it again"
            ) from error

    @classmethod
    def read_figures(cls, figures: Mapping[str, Any]) -> dict[str, Any]:
        """Return the figures of a record as the values that the fields have."""
        return dict(figures)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document of the stage."""
        names = {"stage": self.stage, "model": str(self.model_path), "dataset": self.dataset, "arch": self.arch}
        return names | self.figures()

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON values, for the manifest and ``--json``."""
        fields = dataclasses.asdict(self)
        return {key: value for key, value in fields.items() if key not in _NOT_FIGURES}


def epochs_in_words(result: FitResult) -> str:
    """Return how many epochs there were and of which one the weights are."""
    which = "last" if result.best_epoch == result.epochs_run else f"best {result.best_epoch}"
    return f"{result.epochs_run}, {which}"


def fit_result_fields(path: Path, context: ModelContext, state: FitState) -> dict[str, Any]:
    """Return the fields of a ``FitResult`` that the model's path, its context and the fit's last state tell."""
    return {
        "model_path": path,
        "dataset": context.dataset,
        "arch": context.arch,
        "validation_accuracy": state.best.validation_accuracy,
        "epochs_run": state.epoch,
        "best_epoch": state.best_epoch,
        "seconds": sum(report.seconds for report in state.history),
        "cpu_seconds": sum(report.cpu_seconds for report in state.history),
        "peak_memory_bytes": peak_memory_bytes(),
        "history": state.history,
    }


def finish_fit(
    model: Any,
    result: FitResult,
    work: WorkFolder,
    stage: str,
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[Path, str],
    checkpoints: Sequence[Path],
) -> None:
    """Write the model, its history and the stage's record, and drop the checkpoints."""
    packages = ("edgemnist", "tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")
    with work.changing():
        save_model(model, result.model_path)
        write_history(work, _history_prefix(stage), result.history, _heading(result))
        work.record(
            stage,
            settings=settings,
            results=result.figures(),
            inputs=inputs,
            outputs=[result.model_path],
            versions=package_versions(*packages),
        )
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)


def _history_prefix(stage: str) -> str:
    return "" if stage == "train" else f"{stage}-"


def _heading(result: FitResult) -> CurvesHeading:
    words = f"{result.stage}: {result.arch} on {result.dataset}, {100 * result.accuracy:.2f} % of "
    return CurvesHeading(f"{words}{result.test_images:,} test images right", result.accuracy, result.best_epoch)


def write_history(
    work: WorkFolder, prefix: str, history: Sequence[EpochReport], heading: CurvesHeading | None = None
) -> tuple[Path, ...]:
    """Write ``<prefix>history.csv``, ``.json`` and ``<prefix>curves.png``; return what was written.

    The PNG needs matplotlib; without it one line says so and the rest is written all the same.
    """
    rows = [dataclasses.asdict(report) for report in history]
    table = write_text(work.path(f"{prefix}history.csv"), _as_csv(rows))
    document = write_json(work.path(f"{prefix}history.json"), rows)
    curves = work.path(f"{prefix}curves.png")
    if write_curves(curves, history, heading):
        return table, document, curves
    say("no curves drawn: matplotlib is not installed (pip install 'edgemnist[plot]')")
    return table, document


def _as_csv(rows: Sequence[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(EpochReport)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
