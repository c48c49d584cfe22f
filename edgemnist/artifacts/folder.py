"""The work folder: atomic writes, ``manifest.json`` and where each result came from.

Every file is written beside its target under a temporary name and renamed when complete, so a killed command leaves
the last good artifact. The manifest gets a stage's record only after that stage's files are in place. Several commands
may use a folder at once: each puts files and record in place while it is alone there, and two that fit a model do not
work there together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgemnist.support.errors import FolderInUseError, InputError, StageOrderError, StorageError
from edgemnist.support.files import sha256_of, write_json
from edgemnist.support.locking import HeldError, alone_in, check_unclaimed, claimed
from edgemnist.support.reading import read_json

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
MAX_MANIFEST_BYTES = 64 << 20
_LONGEST_NAME = 4096

TRAINED_MODEL = "trained.keras"
PRUNED_MODEL = "pruned.keras"
QAT_MODEL = "qat.keras"

_MODELS = (TRAINED_MODEL, PRUNED_MODEL, QAT_MODEL)

SET_ASIDE = "set_aside"
"""Key among a stage's results: why its model is not to be gone on with."""

_FITTING_CLAIM, _RUN_CLAIM = ".edgemnist-fitting.lock", ".edgemnist-run.lock"

STAGE_COMMANDS = {
    "train": "edgemnist train",
    "prune": "edgemnist prune",
    "qat": "edgemnist qat",
    "convert": "edgemnist convert --int8",
    "parity": "edgemnist parity",
}
"""The command that makes each stage's artifacts, named in errors when they are missing."""


@dataclass(frozen=True)
class StageRecord:
    """What one stage did: enough to repeat it and to tell whether its artifacts are still the ones it wrote.

    ``settings`` and ``results`` are JSON values; ``inputs`` and ``outputs`` map a file name to its SHA-256;
    ``versions`` maps a package to its version.
    """

    stage: str
    settings: Mapping[str, Any]
    results: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


_NO_INPUTS: Mapping[Path, str] = MappingProxyType({})


def _record(stage: str, content: Mapping[str, Any]) -> StageRecord:
    """Return a stage's record as the manifest has it.

    :raises ValueError: a part of it is of another type than is written there.
    """
    record = StageRecord(stage=stage, **content)
    for part in ("settings", "results", "inputs", "outputs", "versions"):
        values = getattr(record, part)
        if not isinstance(values, dict):
            raise ValueError(f"{part} of {stage!r} are {type(values).__name__}, needed is an object")
        texts = (*values, *values.values()) if part in ("inputs", "outputs") else ()
        if not all(isinstance(text, str) and len(text) <= _LONGEST_NAME and "\0" not in text for text in texts):
            raise ValueError(f"{part} of {stage!r} have more than names and digests")
    return record


def digests_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the SHA-256 of files, those that are none left out: to be called before they are read."""
    return {path: sha256_of(path) for path in paths if path.is_file()}


class WorkFolder:
    """A folder in which stages leave their artifacts for the next one (``--work``, default ``artifacts/``)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Return the path of an artifact by its file name."""
        return self.root / name

    @property
    def manifest_path(self) -> Path:
        """Path of ``manifest.json``."""
        return self.root / MANIFEST_NAME

    def stages(self) -> dict[str, StageRecord]:
        """Return the recorded stages by name, in the order in which they were first recorded.

        :raises InputError: the manifest is not readable JSON of the known format.
        """
        if not self.manifest_path.exists():
            return {}
        try:
            content = read_json(self.manifest_path, MAX_MANIFEST_BYTES)
            if content["format"] != MANIFEST_FORMAT:
                raise ValueError(f"format {content['format']!r}, known is {MANIFEST_FORMAT}")
            return {name: _record(name, record) for name, record in content["stages"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise InputError(
                f"cannot read {str(self.manifest_path)!r}: {error}; delete it (models stay) and run the stages again"
            ) from error

    def find(self, stage: str) -> StageRecord | None:
        """Return a stage's record, or None when it has not run here."""
        return self.stages().get(stage)

    def require(self, stage: str, *, needed_by: str) -> StageRecord:
        """Return a stage's record after checking that its artifacts are still those that it wrote.

        :raises StageOrderError: the stage has not run in this folder, or its files are gone or others; names the
            command to run.
        """
        record = self.find(stage)
        if record is not None and self._others(record):
            self.wait_for_writers()
            record = self.find(stage)
        remedy = f"run `{STAGE_COMMANDS.get(stage, 'edgemnist ' + stage)} --work {self.root}` first"
        if record is None:
            raise StageOrderError(
                f"{needed_by} needs the result of {stage!r}, which has not run in {str(self.root)!r}: {remedy}"
            )
        missing = [name for name in record.outputs if not self.path(name).exists()]
        if missing:
            raise StageOrderError(f"{needed_by} needs {missing[0]!r}, which is gone from {str(self.root)!r}: {remedy}")
        others = self._others(record)
        if others:
            raise StageOrderError(
                f"{needed_by} needs {others[0]!r}, and the one in {str(self.root)!r} is not the one that is recorded "
                f"there (a command was killed, or the file was replaced): {remedy}"
            )
        return record

    def _others(self, record: StageRecord) -> list[str]:
        """Return the Keras models of a record that are there and not as recorded."""
        paths = {name: self.path(name) for name in record.outputs if name in _MODELS}
        return [name for name, path in paths.items() if path.exists() and sha256_of(path) != record.outputs[name]]

    def wait_for_writers(self) -> None:
        """Let a command that is just putting its files in place come to its record."""
        with suppress(StorageError), self.changing():  # nobody writes into what cannot be written
            pass

    def latest_model(self, *, needed_by: str) -> tuple[Path, StageRecord]:
        """Return the newest Keras model and its stage: that of the last stage whose input is still the present one.

        :raises StageOrderError: nothing has been trained here.
        """
        path, record = self.latest_float_model(needed_by=needed_by)
        aware = self.find("qat")
        if aware is not None and aware.inputs.get(path.name) == record.outputs.get(path.name):
            return self.path(QAT_MODEL), self.require("qat", needed_by=needed_by)
        return path, record

    def latest_float_model(self, *, needed_by: str) -> tuple[Path, StageRecord]:
        """Return the pruned model and its stage if it was made from the present trained one, else the trained one.

        A pruned model that was set aside counts as none.

        :raises StageOrderError: nothing has been trained here.
        """
        trained = self.require("train", needed_by=needed_by)
        pruned = self.find("prune")
        present = pruned is not None and pruned.inputs.get(TRAINED_MODEL) == trained.outputs.get(TRAINED_MODEL)
        if pruned is not None and present and SET_ASIDE not in pruned.results:
            return self.path(PRUNED_MODEL), self.require("prune", needed_by=needed_by)
        return self.path(TRAINED_MODEL), trained

    @contextmanager
    def fitting(self, stage: str) -> Iterator[None]:
        """Fit a model here while no other command does; "run" also keeps conversions away.

        :raises FolderInUseError: another command fits one here; says which process, and what to do.
        :raises StorageError: the folder cannot be written.
        """
        names = (_FITTING_CLAIM, _RUN_CLAIM) if stage == "run" else (_FITTING_CLAIM,)
        with ExitStack() as stack:
            for name in names:
                try:
                    stack.enter_context(claimed(self.path(name)))
                except HeldError as error:
                    raise self._in_use(stage, name, error) from error
            yield

    def check_no_run(self, stage: str) -> None:
        """Make sure that the main job of another command does not go on from what ``stage`` would replace.

        :raises FolderInUseError: it does.
        """
        try:
            check_unclaimed(self.path(_RUN_CLAIM))
        except HeldError as error:
            raise self._in_use(stage, _RUN_CLAIM, error) from error

    def _in_use(self, stage: str, claim: str, error: HeldError) -> FolderInUseError:
        elsewhere = error.holder is not None and error.holder.is_elsewhere
        gone = f"; or delete {str(self.path(claim))!r} if that process is gone" if elsewhere else ""
        return FolderInUseError(
            f"`edgemnist {stage}` cannot go on in {str(self.root)!r}, where another command makes a model: "
            f"{error.in_words}; give another --work, or wait until it has ended{gone}"
        )

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Put files and their record in place while no other process does; for moments, and others wait.

        :raises StorageError: the folder cannot be written.
        """
        with alone_in(self.root, "another command that writes its results"):
            yield

    @contextmanager
    def leaving(self, stage: str, inputs: Mapping[Path, str]) -> Iterator[None]:
        """As :meth:`changing`, after making sure that a stage's inputs still are what it read.

        ``inputs``: what :func:`digests_of` said when the stage began.

        :raises InputError: one was replaced; nothing of the result is to be kept.
        """
        with self.changing():
            for path, digest in inputs.items():
                if not path.is_file() or sha256_of(path) != digest:
                    raise InputError(
                        f"{str(path)!r} was replaced by another command while `edgemnist {stage}` ran, so its result "
                        f"was dropped; run `edgemnist {stage}` again"
                    )
            yield

    def record(
        self,
        stage: str,
        *,
        settings: Mapping[str, Any],
        results: Mapping[str, Any],
        inputs: Mapping[Path, str] = _NO_INPUTS,
        outputs: Sequence[Path] = (),
        versions: Mapping[str, str] | None = None,
    ) -> StageRecord:
        """Put a finished stage into the manifest, hashing its output files, and return its record.

        ``inputs`` are files with the SHA-256 that they had when they were read.
        """
        with self.changing():
            record = StageRecord(
                stage=stage,
                settings=dict(settings),
                results=dict(results),
                inputs={self._name(path): digest for path, digest in inputs.items()},
                outputs={self._name(path): sha256_of(path) for path in outputs},
                versions=dict(versions or {}),
            )
            self._write({**self.stages(), stage: record})
        return record

    def set_aside(self, stage: str, reason: str) -> None:
        """Note in a stage's record that its model, which stays, is not to be gone on with, and why."""
        with self.changing():
            stages = self.stages()
            record = stages[stage]
            self._write({**stages, stage: replace(record, results={**record.results, SET_ASIDE: reason})})

    def take_back(self, stage: str) -> None:
        """Undo :meth:`set_aside`."""
        with self.changing():
            stages = self.stages()
            results = {name: value for name, value in stages[stage].results.items() if name != SET_ASIDE}
            self._write({**stages, stage: replace(stages[stage], results=results)})

    def _write(self, stages: Mapping[str, StageRecord]) -> None:
        records = {name: _record_json(record) for name, record in stages.items()}
        write_json(self.manifest_path, {"format": MANIFEST_FORMAT, "stages": records})

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else path.name


def _record_json(record: StageRecord) -> dict[str, Any]:
    return {
        "settings": dict(record.settings),
        "results": dict(record.results),
        "inputs": dict(record.inputs),
        "outputs": dict(record.outputs),
        "versions": dict(record.versions),
    }
