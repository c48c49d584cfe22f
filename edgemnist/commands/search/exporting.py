"""A found net as a file that ``edgemnist train --arch`` takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_text
from edgemnist.training.architectures import BLUEPRINT_SUFFIX


@dataclass(frozen=True, eq=False)
class Exported:
    """The file, and the net in it."""

    path: Path
    candidate: Candidate
    train: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"path": str(self.path), "train": self.train, "net": self.candidate.as_json()}

    def lines(self) -> Iterator[str]:
        """Yield what to say of it."""
        yield f"{self.candidate.item.blueprint.name}: {self.path}"
        yield from (f"trained already, among the artefacts: {name}" for name in self.candidate.artefacts)
        yield f"next: `{self.train}`"


def train_command(report: StudyReport, path: str) -> str:
    """Return what is typed to train a net of a study in full, as its finalists were."""
    settings = report.settings
    words = ["edgemnist", "train", "--arch", path, "--dataset", settings.dataset]
    return shlex.join([*words, *(["--teacher", settings.teacher] if settings.teacher else [])])


def export(report: StudyReport, number: int, out: Path | None) -> Exported:
    """Write the architecture with that number in the study's status.

    :raises InputError: there is none, or the file's name does not end as that of an architecture.
    """
    if out is not None and out.suffix != BLUEPRINT_SUFFIX:
        raise InputError(
            f"{str(out)!r} is no name of an architecture's file; give one that ends with {BLUEPRINT_SUFFIX}"
        )
    if number > len(report.candidates):
        raise InputError(
            f"the study {report.name!r} has no net {number}; give 1 to {len(report.candidates)}, as `edgemnist search "
            "status` numbers them"
            if report.candidates
            else f"the study {report.name!r} has trained no net yet"
        )
    candidate = report.candidates[number - 1]
    path = out or Path(f"{candidate.item.blueprint.name}.toml")
    write_text(path, candidate.item.blueprint.as_toml())
    return Exported(path, candidate, train_command(report, str(path)))
