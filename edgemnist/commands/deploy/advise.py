"""Which model in which engine on which Raspberry Pi: a table of counted instructions instead of folklore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.harness.models import Subject, find_subject, named_subject
from edgemnist.pi.counting import count_generated, count_instructions, counting_problem
from edgemnist.pi.emulator import Emulator, emulator_problem, find_emulator
from edgemnist.pi.generated import in_one_line, library_path
from edgemnist.pi.golden import GENERATED
from edgemnist.pi.targets import TARGETS, Interpreter
from edgemnist.support.errors import InputError, MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
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
    """Guest instructions of one invoke: batch 1, one thread, the interpreter's default kernels or the generated C."""

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
    """Count every model's instructions in every engine on every board whose system has been fetched.

    :raises InputError: a model is missing, twice there by name, or no ``.tflite``; or none named and none converted.
    :raises MissingDependencyError: no system has been fetched, or instructions can't be counted here.
    """
    subjects = [
        find_subject(settings.model, work, any_ends=True),
        *(named_subject(path, keras=False, any_ends=True) for path in settings.against),
    ]
    _check_names(subjects)
    missing = [emulator_problem(TARGETS[target]) for target in dict.fromkeys(target for target, _ in BOARDS)]
    notes = [problem for problem in missing if problem is not None]
    jobs = list(_jobs())
    if not jobs:
        raise MissingDependencyError("no Raspberry Pi can be emulated here: " + "; ".join(notes))
    found: list[Measurement] = []
    with progress_task("Counting instructions", total=len(jobs)) as task:
        for target, board, engine in jobs:
            task.update(description=f"{engine.package if engine else GENERATED} on {board}")
            emulator = find_emulator(TARGETS[target], board)
            problem = counting_problem(emulator)
            if problem is not None:
                raise MissingDependencyError(problem)
            found += _generated(emulator, subjects, notes) if engine is None else _of(emulator, engine, subjects, notes)
            task.update(advance=1)
    if not found:
        raise RuntimeCrashedError("no engine runs these models: " + "; ".join(notes))
    return Advice(tuple(found), tuple(dict.fromkeys(notes)))


def _of(
    emulator: Emulator, interpreter: Interpreter, subjects: Sequence[Subject], notes: list[str]
) -> list[Measurement]:
    """Return what an interpreter takes for every model, or nothing and a note."""
    try:
        counts = count_instructions(emulator, interpreter, [one.path for one in subjects])
    except RuntimeCrashedError as error:
        notes.append(str(error))
        return []
    return _measurements(emulator, interpreter.package, subjects, counts)


def _generated(emulator: Emulator, subjects: Sequence[Subject], notes: list[str]) -> list[Measurement]:
    """Return what the generated C takes for every model that can be compiled, and a note for each other one."""
    compiled: dict[Subject, Path] = {}
    for one in subjects:
        try:
            compiled[one] = library_path(one.tflite, emulator.processor.board)
        except (UnsupportedModelError, MissingDependencyError) as error:
            notes.append(f"{one.path.name} in {GENERATED}: {in_one_line(error)}")
    if not compiled:
        return []
    libraries = [
        (library, [one.tflite.tensors[index].bytes for index in (*one.tflite.inputs, *one.tflite.outputs)])
        for one, library in compiled.items()
    ]
    try:
        counts = count_generated(emulator, libraries)
    except RuntimeCrashedError as error:
        notes.append(str(error))
        return []
    return _measurements(emulator, GENERATED, list(compiled), counts)


def _measurements(
    emulator: Emulator, engine: str, subjects: Sequence[Subject], counts: Sequence[int]
) -> list[Measurement]:
    board, target = emulator.processor.board, emulator.sysroot.target.name
    return [
        Measurement(board, target, engine, one.path.name, one.kind.value, count)
        for one, count in zip(subjects, counts, strict=True)
    ]


def _check_names(subjects: Sequence[Subject]) -> None:
    names = [one.path.name for one in subjects]
    if len(set(names)) != len(names):
        raise InputError(f"two of the models have the same file name ({', '.join(names)}); rename one")


def _jobs() -> Iterator[tuple[str, str, Interpreter | None]]:
    """Yield (target, board, interpreter) for all that can be emulated; None stands for the generated C."""
    for target, board in BOARDS:
        if emulator_problem(TARGETS[target]) is None:
            yield from ((target, board, interpreter) for interpreter in (*TARGETS[target].interpreters, None))
