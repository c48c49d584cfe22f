"""A study as a picture: which, of what, and where it is written."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.search.report import StudyReport
from edgemnist.search.settings import PICTURES
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError, MissingDependencyError


@dataclass(frozen=True)
class Plotted:
    """The picture, of which kind it is, and how many nets are in it."""

    path: Path
    kind: str
    nets: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"path": str(self.path), "kind": self.kind, "nets": self.nets}


def check(path: Path, kind: str) -> None:
    """Check what is asked for, before a study is read.

    :raises InputError: there is no such picture, or the file is not to be a PNG.
    """
    if kind not in PICTURES:
        raise unknown("kind of picture", kind, PICTURES)
    if path.suffix.lower() != ".png":
        raise InputError(
            f"{str(path)!r} is no name of a PNG, which is all that is drawn; give such as search-{kind}.png"
        )


def plot(report: StudyReport, path: Path, kind: str = "front") -> Plotted:
    """Draw a study.

    :raises InputError: as :func:`check`; the study has trained too few nets.
    :raises MissingDependencyError: matplotlib is not installed.
    """
    check(path, kind)
    if not report.candidates:
        raise InputError(
            f"the study {report.name!r} has trained no net yet; there is nothing to draw. See `edgemnist search status`"
        )
    try:
        from edgemnist.support.figures import save

        figure = importlib.import_module(f"edgemnist.commands.search.picture_{kind}").figure_of(report)
    except ImportError:
        raise MissingDependencyError("matplotlib is not installed; run `pip install 'edgemnist[plot]'`") from None
    save(figure, path)
    return Plotted(path, kind, len(report.candidates))


def title_of(report: StudyReport) -> str:
    """Return what stands above a study's pictures."""
    return f"search {report.name}: {Path(report.settings.dataset).name} on {report.settings.boards[0]}"
