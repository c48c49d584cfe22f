"""Which model in which interpreter on which Raspberry Pi: a table of counted instructions instead of folklore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import Subject, find_subject, named_subject
from edgemnist.pi.counting import count_instructions, counting_problem
from edgemnist.pi.emulator import emulator_problem, find_emulator
from edgemnist.pi.targets import TARGETS, Interpreter
from edgemnist.support.errors import InputError, MissingDependencyError, RuntimeCrashedError
from edgemnist.support.progress import progress_task

BOARDS = (
    ("bookworm-armv7", "pi2"),
    ("bookworm-aarch64", "pi3"),
    ("bookworm-aarch64", "pi4"),
    ("bookworm-aarch64", "pi5"),
)
"""Systems and boards that are measured."""


@dataclass(frozen=True)
class Measurement:
    """Guest instructions of one invoke: batch 1, one thread, the interpreter's default kernels."""

    board: str
    target: str
    interpreter: str
    model: str
    kind: str
    instructions: int


@dataclass(frozen=True)
class Advice:
    """What was measured, and for people what was not."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the advice as JSON values."""
        best = {board: asdict(self.best(board)) for board in self.boards}
        return {"measurements": [asdict(one) for one in self.measurements], "best": best, "notes": list(self.notes)}

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards that were measured, in order."""
        return tuple(dict.fromkeys(one.board for one in self.measurements))

    def best(self, board: str) -> Measurement:
        """Return what takes the fewest instructions on a board."""
        return min((one for one in self.measurements if one.board == board), key=lambda one: one.instructions)


@dataclass(frozen=True, kw_only=True)
class AdviseSettings:
    """Which models to count: ``model``, by default the work folder's preferred one, and those to compare it with."""

    model: Path | None = None
    against: tuple[Path, ...] = ()


def advise(settings: AdviseSettings, work: WorkFolder) -> Advice:
    """Count every model's instructions in every interpreter on every board whose system has been fetched.

    :raises InputError: a model is missing, twice there by name, or no ``.tflite``; or none named and none converted.
    :raises MissingDependencyError: no system has been fetched, or instructions can't be counted here.
    """
    subjects = [find_subject(settings.model, work), *(named_subject(path, keras=False) for path in settings.against)]
    _check_names(subjects)
    models = [one.path for one in subjects]
    missing = [emulator_problem(TARGETS[target]) for target in dict.fromkeys(target for target, _ in BOARDS)]
    notes = [problem for problem in missing if problem is not None]
    jobs = list(_jobs())
    if not jobs:
        raise MissingDependencyError("no Raspberry Pi can be emulated here: " + "; ".join(notes))
    found: list[Measurement] = []
    with progress_task("Counting instructions", total=len(jobs)) as task:
        for target, board, interpreter in jobs:
            task.update(description=f"{interpreter.package} on {board}")
            emulator = find_emulator(TARGETS[target], board)
            problem = counting_problem(emulator)
            if problem is not None:
                raise MissingDependencyError(problem)
            try:
                counts = count_instructions(emulator, interpreter, models)
            except RuntimeCrashedError as error:
                notes.append(str(error))
                counts = []
            for one, count in zip(subjects, counts, strict=False):
                found.append(Measurement(board, target, interpreter.package, one.path.name, one.kind.value, count))
            task.update(advance=1)
    if not found:
        raise RuntimeCrashedError("no interpreter runs these models: " + "; ".join(notes))
    return Advice(tuple(found), tuple(notes))


def _check_names(subjects: Sequence[Subject]) -> None:
    names = [one.path.name for one in subjects]
    if len(set(names)) != len(names):
        raise InputError(f"two of the models have the same file name ({', '.join(names)}); rename one")


def _jobs() -> Iterator[tuple[str, str, Interpreter]]:
    for target, board in BOARDS:
        if emulator_problem(TARGETS[target]) is None:
            yield from ((target, board, interpreter) for interpreter in TARGETS[target].interpreters)
