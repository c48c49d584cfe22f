"""The search: a study, its workers, and what comes of it."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from edgemnist.commands.search.report import StudyReport, report_of
from edgemnist.commands.search.workers import last_line, log_of, workers
from edgemnist.data.loading import load_dataset
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.cycles import MODELS
from edgemnist.search.artefacts import Artefacts
from edgemnist.search.outcome import Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.settings import SearchSettings
from edgemnist.search.storage import open_storage
from edgemnist.search.study import SharedStudy, begin_study
from edgemnist.search.worker import work
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure, InputError
from edgemnist.support.files import package_versions
from edgemnist.support.progress import Task, progress_task, say

FOLDER = "search"
JOURNAL = "study.journal"
ARTEFACTS = "artefacts"
DECIDING = ("edgemnist", "tensorflow", "tf-keras", "numpy", "optuna")
"""Packages whose versions decide what a study comes to."""

_PER_MAC = {"cortex-m0plus": 3.4, "cortex-m3": 1.8, "cortex-m4": 1.2, "cortex-m55": 0.3}
"""Instructions for a multiply-accumulate in keyword spotting (docs/benchmarks.md), by a core's target."""
_PER_MAC_ELSEWHERE = 3.6

_BUDGET = re.compile(r"(\d+)|(\d+(?:\.\d+)?)\s*(h|m)", re.IGNORECASE)
_WATCH_SECONDS = 1.0
_MOST_BY_TIME = 100_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a study is: its storage and its artefacts, by URL or path, and its name."""

    storage: str
    artefacts: str
    study: str

    def options(self) -> list[str]:
        """Return the options that name it."""
        return ["--storage", self.storage, "--artifacts", self.artefacts, "--study", self.study]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for, beside a study's settings: the dataset by name, and the images' size, None for its own."""

    dataset: str
    image_size: int | None = None
    budget: str = "40"
    values: Mapping[str, Any] = field(default_factory=dict)


def place_of(work: Path, storage: str | None, artefacts: str | None, study: str) -> Place:
    """Return where a study is; what is not given lies in the work folder."""
    folder = work / FOLDER
    return Place(
        storage=storage or str(folder / JOURNAL),
        artefacts=artefacts or str((folder / ARTEFACTS).resolve()),
        study=study,
    )


def budget_from(text: str) -> tuple[int, float | None]:
    """Return a budget as nets and hours: ``40``, ``8h`` or ``30m``.

    :raises InputError: it is none of these.
    """
    found = _BUDGET.fullmatch(text.strip())
    if found is None:
        raise InputError(f"budget {text!r} is neither a number of nets nor a time; give such as 40, 8h or 30m")
    if found[1]:
        return int(found[1]), None
    hours = float(found[2]) / (1 if found[3].lower() == "h" else 60)
    return _MOST_BY_TIME, hours


def settings_for(wanted: Wanted) -> SearchSettings:
    """Return the settings of a new study.

    :raises EdgeMnistError: as ``load_dataset``; InputError: a setting is out of range, or a board unknown.
    """
    budget, hours = budget_from(wanted.budget)
    for board in wanted.values["boards"]:
        find_board(board)
    _check_time(wanted.values)
    _check_teacher(wanted.values["teacher"])
    size = None if wanted.image_size is None else (wanted.image_size, wanted.image_size)
    dataset = load_dataset(wanted.dataset, image_size=size)
    return SearchSettings(
        dataset=wanted.dataset,
        dataset_sha256=dataset.sha256,
        image_shape=dataset.image_shape,
        classes=dataset.classes,
        budget=budget,
        hours=hours,
        versions=package_versions(*DECIDING),
        instructions_per_mac=_PER_MAC.get(find_board(wanted.values["boards"][0]).core.target, _PER_MAC_ELSEWHERE),
        **wanted.values,
    )


def _check_time(values: Mapping[str, Any]) -> None:
    """Check that milliseconds can be estimated where they are limited or made small."""
    core = find_board(values["boards"][0]).core.name
    if core not in MODELS and "milliseconds" in (*values["objectives"], *values["limits"].most):
        raise InputError(
            f"there is no timing model for {core}, only for {', '.join(MODELS)}; instructions are counted on every "
            "core: use --max-instructions, and the objective instructions"
        )


def _check_teacher(teacher: str) -> None:
    """Check that a teacher is trained already: every net of a study would train one of its own."""
    if teacher and not Path(teacher).exists():
        raise InputError(
            f"{teacher!r} is no file and no work folder of a trained teacher; train one once with `edgemnist train "
            "--arch cnn-large --work teacher` and give --teacher teacher"
        )


def search(settings: SearchSettings, place: Place, jobs: int, folder: Path, how: str) -> StudyReport:
    """Run a study to its end with so many workers on this machine; what was tried before is not tried again.

    ``folder`` gets the workers' logs; ``how``: the command that goes on with the study.

    :raises InputError: the study exists with other settings.
    :raises EnvironmentFailure: every worker ended before the study did.
    """
    study = begin_study(open_storage(place.storage), place.study, settings)
    return _run(study, place, jobs, folder, how)


def resume(place: Place, jobs: int, folder: Path, how: str) -> StudyReport:
    """Go on with a study to its end, as :func:`search` does.

    :raises InputError: there is no such study.
    """
    return _run(_open(place), place, jobs, folder, how)


def status(place: Place) -> StudyReport:
    """Return how far a study is.

    :raises InputError: there is no such study.
    """
    study = _open(place)
    planner, outcomes = _read(study)
    return report_of(study.name, planner, outcomes, finished=study.is_over(), running=len(study.busy()))


@dataclass(frozen=True)
class WorkerResult:
    """What a worker did: ``items`` outcomes that it stored."""

    study: str
    items: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"study": self.study, "items": self.items}


def run_worker(place: Place, parent: int | None = None) -> WorkerResult:
    """Try items of a study until it is over, or until the process ``parent``, which started this one, is gone.

    :raises InputError: there is no such study, or its dataset is another one here.
    """
    from edgemnist.commands.search.counting import CountingProcess
    from edgemnist.commands.search.evaluation import Evaluator

    if parent is not None:
        processes.when_orphaned(parent, partial(os.kill, os.getpid(), signal.SIGTERM))
    study = _open(place)
    settings = study.settings
    dataset = load_dataset(settings.dataset, image_size=settings.image_shape[:2])
    if dataset.sha256 != settings.dataset_sha256:
        raise InputError(
            f"{settings.dataset!r} is another dataset here (sha256 {dataset.sha256[:12]}) than the study's "
            f"({settings.dataset_sha256[:12]}); bring the same files here"
        )
    _tell_versions(settings)
    counting = CountingProcess()
    try:
        done = work(study, Evaluator(settings, dataset, Artefacts(place.artefacts), counting))
    finally:
        counting.close()
    return WorkerResult(study.name, done)


def _tell_versions(settings: SearchSettings) -> None:
    here = package_versions(*DECIDING)
    other = [f"{name} {here[name]} ({version})" for name, version in settings.versions.items() if here[name] != version]
    if other:
        say(f"other versions here than where the study began: {', '.join(other)}; accuracies may differ")


def _open(place: Place) -> SharedStudy:
    if "://" not in place.storage and not Path(place.storage).exists():
        raise InputError(
            f"there is no study at {place.storage!r}; begin one with `edgemnist search --dataset NAME`, or say where "
            "it is with --work or --storage"
        )
    return SharedStudy(open_storage(place.storage), place.study)


def _run(study: SharedStudy, place: Place, jobs: int, folder: Path, how: str) -> StudyReport:
    if study.is_over():  # nothing is left for a worker
        return report_of(study.name, *_read(study), finished=True, running=0)
    with (
        _tells_how_to_go_on(how),
        workers(place.options(), jobs, folder) as started,
        progress_task("Searching", total=None) as task,
    ):
        while True:
            over = study.is_over()
            planner, outcomes = _read(study)
            _tell(task, planner, outcomes, max(study.hours().values(), default=0.0))
            if over:
                break
            if all(one.poll() is not None for one in started) and not study.is_over():
                log = log_of(folder, 1)
                raise EnvironmentFailure(
                    f"the workers ended before the study did; why is in {str(log)!r}: {last_line(log)}"
                )
            time.sleep(_WATCH_SECONDS)
    return report_of(study.name, planner, outcomes, finished=True, running=0)


@contextmanager
def _tells_how_to_go_on(how: str) -> Iterator[None]:
    """On Ctrl-C, say how the study goes on."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"what was tried is kept; the study goes on from here with `{how}`")
        raise


def _read(study: SharedStudy) -> tuple[Planner, Mapping[str, Outcome]]:
    """Return a study's rounds until now, and what came of them."""
    outcomes = study.outcomes()
    return Planner(study.settings, study.rounds()), outcomes


def _tell(task: Task, planner: Planner, outcomes: Mapping[str, Outcome], hours: float) -> None:
    """Show how far the study is, and the best until now; ``hours``: from its start to the last outcome."""
    settings, best, words = planner.settings, planner.best(outcomes), "Searching"
    if best:
        outcome = outcomes[best[0].key]
        cost = outcome.costs[settings.boards[0]]
        words = f"best {outcome.accuracy:.2%} with {cost.instructions:,.0f} instructions"
    if settings.hours is not None:
        task.update(description=words, completed=hours, total=max(settings.hours, hours))
        return
    done = sum(one.accuracy is not None for one in outcomes.values())
    on_rungs = sum(-(-settings.budget // settings.fewer**rung) for rung in range(settings.last_rung))
    task.update(description=words, completed=done, total=max(on_rungs + settings.finalists * settings.seeds, done))
