"""What ``--baseline`` names, a report, a model or a folder with either, as a report to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder, digests_of
from edgemnist.commands.report.baseline.accuracy import right_of
from edgemnist.commands.report.baseline.reading import read_report
from edgemnist.commands.report.collecting import collected
from edgemnist.commands.report.device import device
from edgemnist.commands.report.measuring import Measured, MeasuringSettings, measure
from edgemnist.commands.report.records import provenance
from edgemnist.commands.report.report import Report
from edgemnist.harness.gates import Gates
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import Subject, named_subject, work_subjects
from edgemnist.harness.runtimes import preferred_runtimes
from edgemnist.runner.registry import find_runtime, installed_for
from edgemnist.support.errors import InputError, StageOrderError
from edgemnist.support.reading import open_file
from edgemnist.tflite.kinds import ModelKind

REPORT_JSON = "report.json"


@dataclass(frozen=True, eq=False)
class Found:
    """What was named: a report, or models of which the one is measured that is of the new one's kind."""

    name: str
    report: Report | None = None
    subjects: tuple[Subject, ...] = ()

    @property
    def images(self) -> int | None:
        """How many images a report has answers for, None where that does not matter or nobody knows."""
        if self.report is None or self.report.answers is None:
            return None
        return len(self.report.answers.labels.split()) or None


@dataclass(frozen=True, eq=False)
class Release:
    """An earlier release: its report, where that comes from, and what was measured now, None for one that was read."""

    report: Report
    source: str
    measured: Measured | None


def find_baseline(path: Path, output: str | None = None) -> Found:
    """Look into what was named, before anything is measured.

    :param output: which of a named model's several outputs is the one with the classes.
    :raises InputError: there is nothing to compare with, or it is damaged.
    :raises ModelError: a model is corrupt.
    """
    if path.is_dir():
        return _in_folder(path)
    if not path.exists():
        raise InputError(f"there is no baseline {str(path)!r}; give a report.json, a .tflite, or a folder with either")
    if path.suffix.lower() == ".json" or _begins_as_json(path):
        return _read(path)
    return Found(str(path), subjects=(named_subject(path, keras=False, output=output),))


def _read(path: Path) -> Found:
    report = read_report(path)
    right_of(report)  # what is damaged is told now
    return Found(str(path), report=report)


def _begins_as_json(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return file.read(64).lstrip().startswith(b"{")
    except (OSError, InputError):
        return False  # what is wrong with it is told by who reads it as a model


def _in_folder(folder: Path) -> Found:
    """Return a work folder's models, else the report that lies there."""
    work, report = WorkFolder(folder), folder / REPORT_JSON
    if work.find("convert") is not None:
        try:
            return Found(str(folder), subjects=work_subjects(work))
        except StageOrderError:
            if not report.is_file():
                raise
    if report.is_file():
        return _read(report)
    raise InputError(
        f"the folder {str(folder)!r} has neither converted models nor a {REPORT_JSON}; name a .tflite or a .json in it"
    )


def measured_release(
    found: Found, beside: Measured, settings: MeasuringSettings, board: str, work: WorkFolder
) -> Release:
    """Return what was named as a report; a model is measured on the images of ``beside``, in its runtime.

    :raises EdgeMnistError: as ``measure``; or a model was replaced meanwhile.
    """
    if found.report is not None:
        made = found.report.provenance.created
        return Release(found.report, f"{found.name}, made {made}", None)
    subject = _like(found.subjects, beside.subject.kind)
    read = digests_of([subject.path])
    images = ImageSettings(count=len(beside.subjects.split), dataset=beside.subjects.dataset)
    ungated = replace(settings, gates=Gates())  # they are for the new release
    own = replace(ungated, images=images, dataset=None, runtimes=(_runtime(subject.kind, beside.main.run.runtime),))
    measured = measure([subject], own, None)
    onto = device(measured, board, settings.feeding, work, named=True)
    report, _ = collected(measured, onto, None, provenance([subject], None, ()), own)
    if digests_of(read) != read:
        raise InputError(f"the baseline {found.name!r} was replaced while it was measured; run the command again")
    return Release(report, f"{found.name}, measured by this command beside the model{_fed(measured, beside)}", measured)


def _fed(measured: Measured, beside: Measured) -> str:
    """Return how a model was fed, "" where that is as the other one is."""
    own = measured.parity["preprocessing"]
    return "" if own == beside.parity["preprocessing"] else f", fed otherwise than it: {own}"


def _like(subjects: Sequence[Subject], kind: ModelKind) -> Subject:
    return next((one for one in subjects if one.kind is kind), subjects[0])


def _runtime(kind: ModelKind, wanted: str) -> str:
    """Return the wanted runtime if it takes a kind of model, else the one that is preferred for it."""
    return wanted if kind in find_runtime(wanted).takes else installed_for(kind, preferred_runtimes(kind))[0]
