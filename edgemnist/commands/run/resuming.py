"""A main job that was stopped goes on: with the settings and the data that it began with, and no others.

What it began with is in a file of the work folder from the moment the data are read until everything is made. A net
whose record is there with just the settings that the job would fit it with is taken as it is; an unfinished fit goes on
where its last whole epoch ended. What comes after the nets takes seconds and gives the same bytes; it is made anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edgemnist.artifacts.folder import SET_ASIDE, WorkFolder
from edgemnist.commands.run.settings import RunSettings
from edgemnist.data.base import Dataset
from edgemnist.support.errors import InputError
from edgemnist.support.files import write_json, write_text
from edgemnist.support.progress import say
from edgemnist.support.reading import read_json
from edgemnist.training.architectures import BLUEPRINT_SUFFIX
from edgemnist.training.blueprint import read_blueprint
from edgemnist.training.checkpoint import require_same_settings
from edgemnist.training.fit import FitStage, is_made, is_unfinished, plan_fit
from edgemnist.training.report import FitResult
from edgemnist.training.resuming import command_line
from edgemnist.training.settings import FitSettings
from edgemnist.training.train import KEPT_ARCHITECTURE

NAME = "unfinished-run.json"
_MOST_BYTES = 1 << 20

ResultT = TypeVar("ResultT", bound=FitResult)
SettingsT = TypeVar("SettingsT", bound=FitSettings)


@dataclass(frozen=True)
class Unfinished:
    """What a job began with: ``settings`` by the names of :class:`RunSettings`, all of them; the dataset it read."""

    settings: Mapping[str, Any]
    dataset: str
    dataset_sha256: str

    def require_same(self, dataset: Dataset, work: WorkFolder) -> None:
        """Make sure that the dataset is still the one that the job began with.

        :raises InputError: it is not.
        """
        if dataset.sha256 != self.dataset_sha256:
            raise InputError(
                f"cannot resume: the dataset {self.dataset!r} has other content than when the job began; put it back, "
                f"or run `{command_in(work)}` without --resume to start anew"
            )


def command_in(work: WorkFolder) -> str:
    """Return what a person types for the main job in a work folder."""
    return command_line("edgemnist run", work)


def read_unfinished(work: WorkFolder) -> Unfinished:
    """Return what the unfinished job of a work folder began with.

    :raises InputError: there is none, or the file is damaged.
    """
    path = work.path(NAME)
    if not path.exists():
        raise InputError(
            f"nothing to resume: there is no unfinished `edgemnist run` in {str(work.root)!r}; "
            f"run `{command_in(work)}` without --resume"
        )
    try:
        return Unfinished(**read_json(path, _MOST_BYTES))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"cannot read {str(path)!r}: {error}; run `{command_in(work)}` without --resume to start anew"
        ) from error


def as_it_began(settings: RunSettings, unfinished: Unfinished, work: WorkFolder) -> RunSettings:
    """Return settings with what is not given taken from the unfinished job.

    :raises InputError: what is given differs from what the job began with.
    """
    given = {
        name: value for name, value in dataclasses.asdict(settings).items() if value is not None and value is not False
    }
    began = {_told(name): "not given" if value is None else value for name, value in unfinished.settings.items()}
    wanted = began | {_told(name): value for name, value in given.items()}
    require_same_settings(began, wanted, command_in(work))
    return RunSettings(**unfinished.settings)


def _told(name: str) -> str:
    """Return an option's name; of what fits, the dataset may move, but here it is asked for by name."""
    return f"--{name.replace('_', '-')}"


def begin(settings: RunSettings, dataset: Dataset, work: WorkFolder) -> None:
    """Note what a job begins with."""
    content = Unfinished(dataclasses.asdict(settings), dataset.name, dataset.sha256)
    write_json(work.path(NAME), dataclasses.asdict(content))


def with_kept_architecture(settings: RunSettings, work: WorkFolder, *, begins: bool) -> RunSettings:
    """Return settings with the work folder's copy of an architecture's file in its place, made where the job begins.

    :raises InputError: the job goes on, and the file is another than when it began, or the copy is gone.
    """
    if not settings.architecture.endswith(BLUEPRINT_SUFFIX):
        return settings
    path, kept = Path(settings.architecture), work.path(KEPT_ARCHITECTURE)
    if begins:
        write_text(kept, read_blueprint(path).as_toml())
    elif path.exists() and read_blueprint(path) != read_blueprint(kept):
        raise InputError(
            f"cannot resume: the architecture in {str(path)!r} is another than when the job began; put it back, or run "
            f"`{command_in(work)}` without --resume to start anew"
        )
    return dataclasses.replace(settings, arch=str(kept))


def forget(work: WorkFolder) -> bool:
    """Forget an unfinished job; return whether there was one."""
    present = work.path(NAME).exists()
    work.path(NAME).unlink(missing_ok=True)
    return present


@contextmanager
def tells_how_to_go_on(work: WorkFolder) -> Iterator[None]:
    """On Ctrl-C, say how the job goes on."""
    try:
        yield
    except KeyboardInterrupt:
        if work.path(NAME).exists():
            say(f"the job goes on from here with `{command_in(work)} --resume`")
        raise


def fit_or_go_on(
    stage: FitStage[SettingsT, Any, Any, ResultT],
    result: type[ResultT],
    settings: SettingsT,
    dataset: Dataset,
    work: WorkFolder,
    fit: Callable[[bool], ResultT],
) -> ResultT:
    """Return what a fit of the unfinished job came to, or let ``fit`` do it, which is told whether one is to go on."""
    planned = plan_fit(stage, settings, dataset, work)
    if not is_made(planned):
        return fit(is_unfinished(planned))
    record = work.require(stage.name, needed_by="edgemnist run --resume")
    if SET_ASIDE in record.results:
        work.take_back(stage.name)
    say(f"{stage.name}: {stage.model} is finished and taken as it is")
    return result.recorded(work)
