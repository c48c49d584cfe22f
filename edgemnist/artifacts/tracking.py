"""Experiment tracking: what a stage left in the work folder, logged to MLflow as a run.

Nothing is logged while a net trains: the stage's record, history and files are, once they are complete. So a tracking
server that fails takes nothing along. Whether there is one that answers is found out before the training.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import MANIFEST_NAME, StageRecord, WorkFolder
from edgemnist.support.environment import MLFLOW_EXPERIMENT, MLFLOW_STORE
from edgemnist.support.errors import EdgeMnistError, EnvironmentFailure, MissingDependencyError
from edgemnist.support.progress import say

EXPERIMENT = "edgemnist"
"""The experiment to which runs belong, unless ``MLFLOW_EXPERIMENT_NAME`` names another."""

DEFAULT_STORE = Path("mlruns")
"""The folder that is logged to, unless ``MLFLOW_TRACKING_URI`` says where."""

_CHECK_PATIENCE = ("5", "0")
_LOG_PATIENCE = ("30", "2")
"""Seconds that a server may take for an answer, and retries; MLflow's own are 120 and 7."""

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_HISTORIES = {"train": "", "prune": "prune-", "qat": "qat-"}
_LONGEST_VALUE = 500
_PARAMETERS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000


@dataclass(frozen=True, eq=False)
class Tracking:
    """A place to log to; ``client`` is an ``MlflowClient``, None where nothing is logged."""

    uri: str = ""
    client: Any = None
    experiment: str = ""

    def log(self, work: WorkFolder, stage: str, parts: Sequence[str] = ()) -> None:
        """Log a recorded stage as a run, and ``parts``, the stages it was made of, as runs within it.

        :raises EnvironmentFailure: it could not be logged; the work folder is as it was.
        """
        if self.client is None:
            return
        what = f"{stage} is complete in {str(work.root)!r}, but could not be logged to {self.uri!r}"
        with _copied(work, (stage, *parts)) as copy, _clear_errors(what), _patience(*_LOG_PATIENCE):
            parent = self._log(copy, copy.require(stage, needed_by="--mlflow"), {})
            for one in [copy.find(part) for part in parts]:
                if one is not None:
                    self._log(copy, one, {"mlflow.parentRunId": parent})
        if sys.stderr.isatty():
            say(f"logged to {self.uri}, experiment {self.experiment}, run {parent}")

    def _log(self, work: WorkFolder, record: StageRecord, tags: Mapping[str, str]) -> str:
        settings = record.settings
        known = [str(settings[key]) for key in ("arch", "dataset") if settings.get(key)]
        versions = {f"version.{name}": version for name, version in record.versions.items()}
        run = self.client.create_run(
            self.experiment,
            run_name=" ".join([record.stage, *known]),
            tags={**tags, **versions, "edgemnist.stage": record.stage, "mlflow.source.name": "edgemnist"},
        ).info.run_id
        try:
            self._log_values(run, record, _history(work, record.stage))
            self._log_files(run, work, record)
        except BaseException:
            with suppress(Exception):  # the first failure is the one to tell
                self.client.set_terminated(run, "FAILED")
            raise
        self.client.set_terminated(run)
        return str(run)

    def _log_values(self, run: str, record: StageRecord, history: Sequence[Mapping[str, float]]) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        metrics = [
            Metric(f"epoch/{name}", float(value), now, int(epoch["epoch"]))
            for epoch in history
            for name, value in epoch.items()
            if name != "epoch"
        ]
        metrics += [Metric(f"result/{name}", value, now, 0) for name, value in _numbers(record.results)]
        params = [Param(name, text[:_LONGEST_VALUE]) for name, text in _texts(record.settings)]
        for first in range(0, len(params), _PARAMETERS_AT_ONCE):
            self.client.log_batch(run, params=params[first : first + _PARAMETERS_AT_ONCE])
        for first in range(0, len(metrics), _METRICS_AT_ONCE):
            self.client.log_batch(run, metrics=metrics[first : first + _METRICS_AT_ONCE])

    def _log_files(self, run: str, work: WorkFolder, record: StageRecord) -> None:
        for name in _files_of(record):
            if work.path(name).is_file():
                self.client.log_artifact(run, str(work.path(name)))
        self.client.log_dict(run, asdict(record), "record.json")


@contextmanager
def _copied(work: WorkFolder, stages: Sequence[str]) -> Iterator[WorkFolder]:
    """Yield a copy of what stages left: logging takes long, and another command may replace some of it meanwhile."""
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as name:
        copy = WorkFolder(Path(name))
        with work.changing():
            found = [work.find(stage) for stage in stages]
            for file in {MANIFEST_NAME, *(file for record in found if record for file in _files_of(record))}:
                if work.path(file).is_file():
                    copy.path(file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(work.path(file), copy.path(file))
        yield copy


def _files_of(record: StageRecord) -> list[str]:
    """Return the names of what a stage leaves to be logged."""
    names = list(record.outputs)
    if record.stage in _HISTORIES:
        names += [_HISTORIES[record.stage] + name for name in ("history.csv", "history.json", "curves.png")]
    return names


def open_tracking(uri: str | None) -> Tracking:
    """Return where to log to, after making sure that it answers.

    ``uri`` None logs nothing; "" is ``MLFLOW_TRACKING_URI``, or the folder ``mlruns``; else a folder, or the address of
    a tracking server or database.

    :raises MissingDependencyError: MLflow is not installed, or only in part.
    :raises EnvironmentFailure: the server does not answer, the folder cannot be written, or there is no such scheme.
    """
    if uri is None:
        return Tracking()
    place = uri or MLFLOW_STORE.text() or str(DEFAULT_STORE)
    scheme = place.partition(":")[0].partition("+")[0] if ":" in place else ""
    if scheme in _DATABASES and find_spec("sqlalchemy") is None:
        raise MissingDependencyError(
            f"logging to the database {place!r} needs all of MLflow: pip install mlflow; a folder does without"
        )
    if scheme in ("", "file"):
        # MLflow calls folders a thing of the past and wants them to be asked for; --mlflow does.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    if scheme == "":
        place = Path(place).expanduser().resolve().as_uri()
    client_class = _load_client()
    with _clear_errors(f"cannot log to MLflow at {place!r}"), _patience(*_CHECK_PATIENCE):
        client = client_class(tracking_uri=place)
        name = MLFLOW_EXPERIMENT.text() or EXPERIMENT
        found = client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage != "active":
            raise EnvironmentFailure(
                f"the MLflow experiment {name!r} at {place!r} was deleted; restore it (mlflow experiments restore "
                f"--experiment-id {found.experiment_id}) or name another with {MLFLOW_EXPERIMENT.name}"
            )
        return Tracking(place, client, found.experiment_id if found else client.create_experiment(name))


def _load_client() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nobody else is told of this
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise MissingDependencyError(
            f"--mlflow needs MLflow ({error}); install it with: pip install 'edgemnist[mlflow]'"
        ) from error
    return MlflowClient


@contextmanager
def _clear_errors(what: str) -> Iterator[None]:
    """Turn whatever MLflow raises, which is nearly anything, into one message."""
    try:
        yield
    except EdgeMnistError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise EnvironmentFailure(f"{what}: {lines[0]}") from error


@contextmanager
def _patience(seconds: str, retries: str) -> Iterator[None]:
    """Let MLflow wait for servers so long and no longer, unless the environment says how long."""
    wanted = {"MLFLOW_HTTP_REQUEST_TIMEOUT": seconds, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": retries}
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def _history(work: WorkFolder, stage: str) -> list[dict[str, float]]:
    path = work.path(f"{_HISTORIES.get(stage, stage)}history.json")
    if stage not in _HISTORIES or not path.is_file():
        return []
    rows: list[dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of everything in nested mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _numbers(results: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in _leaves(results):
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield name, float(value)


def _texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in _leaves(settings):
        if value is not None:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
