"""A bundle's own replay of its golden vectors, run on an emulated board, and its report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.pi.bundle.opened import LAUNCHERS
from edgemnist.pi.bundle_archive import unpacked
from edgemnist.pi.emulator import find_emulator
from edgemnist.pi.targets import find_target
from edgemnist.runner import refusals
from edgemnist.support import processes
from edgemnist.support.errors import EnvironmentFailure, GateFailedError, RuntimeCrashedError
from edgemnist.support.logs import log_clause
from edgemnist.support.progress import progress_task

TIMEOUT = 600.0
_EXIT_DIFFERENT = 1


@dataclass(frozen=True)
class Comparison:
    """One set of kernels of the machine against the expected outputs; counts as in the bundle's report.

    ``correct``: images whose class is right, None of a network that is no classifier.

    ``required`` is ``exact``, ``close`` or ``compared``, or empty when nothing was there to compare with.
    """

    kernels: str
    correct: int | None
    required: str
    expected_from: str
    values: int
    different: int
    images_different: int
    largest_difference: float
    passed: bool


@dataclass(frozen=True)
class Replay:
    """What a replay found. ``where`` names the machine for people; ``passed`` is the bundle's own verdict."""

    where: str
    interpreter: str
    version: str
    machine: str
    bits: int
    python: str
    numpy: str
    images: int
    model_sha256: str
    passed: bool
    comparisons: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the replay as JSON values."""
        return asdict(self)

    def raise_failed(self) -> None:
        """Raise if what has to be equal is not.

        :raises GateFailedError: says which kernels differ and by how much.
        """
        if self.passed:
            return
        failed = [one for one in self.comparisons if not one.passed] or list(self.comparisons)
        lines = [
            f"  - {one.kernels} kernels: {one.different} of {one.values} values differ "
            f"({one.images_different} images, at most {one.largest_difference:g}) from {one.expected_from or 'nothing'}"
            for one in failed
        ]
        raise GateFailedError("\n".join([f"the replay on {self.where} failed:", *lines]))


def replay_from_json(where: str, report: Mapping[str, Any]) -> Replay:
    """Read the JSON report of a bundle's ``classify.py --parity --json``.

    :raises EnvironmentFailure: it is not such a report.
    """
    try:
        comparisons = tuple(
            Comparison(
                kernels=str(one["kernels"]),
                correct=int(one["correct"]) if "correct" in one else None,
                required=str(one.get("required", "")),
                expected_from=str(one.get("expected_from", "")),
                values=int(one.get("values", 0)),
                different=int(one.get("different", 0)),
                images_different=int(one.get("images_different", 0)),
                largest_difference=float(one.get("largest_difference", 0.0)),
                passed=bool(one.get("passed", False)),
            )
            for one in report["comparisons"]
        )
        texts = {key: str(report[key]) for key in ("interpreter", "version", "machine", "python", "numpy")}
        counts = {key: int(report[key]) for key in ("bits", "images")}
        return Replay(
            where=where,
            model_sha256=str(report["model_sha256"]),
            passed=bool(report["passed"]),
            comparisons=comparisons,
            **texts,  # type: ignore[arg-type]
            **counts,  # type: ignore[arg-type]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EnvironmentFailure(
            f"{where} sent no report that can be read ({error!r}); make the bundle again"
        ) from error


def replay_emulated(bundle: Path, target_name: str, *, package: str | None = None, board: str | None = None) -> Replay:
    """Run the replay of a bundle, a folder or a ``.tar.gz``, on an emulated board and return its report.

    :raises MissingDependencyError: the emulator is not ready; says how to get it.
    :raises RuntimeCrashedError: the emulated program crashed or hung.
    """
    target = find_target(target_name)
    emulator = find_emulator(target, board)
    interpreter = target.interpreter(package)
    where = f"emulated {emulator.processor.board}, {target.name}, {interpreter.package}"
    with unpacked(bundle) as folder, progress_task(f"Replay on {where}"):
        options = ["--parity", "--json", "--interpreter", interpreter.package]
        command = emulator.command(interpreter, "-B", str(launcher_of(folder)), *options)
        try:
            done = processes.run(command, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise RuntimeCrashedError(f"the replay on {where} took more than {TIMEOUT:g} s") from error
    return parse_replay(where, done.returncode, done.stdout, done.stderr)


def launcher_of(folder: Path) -> Path:
    """Return a bundle's program."""
    return next((path for name in LAUNCHERS if (path := folder / name).exists()), folder / LAUNCHERS[0])


def parse_replay(where: str, code: int, output: str, errors: str) -> Replay:
    """Return the report that a replay printed.

    :raises RuntimeCrashedError: it ended otherwise than with a report.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if code not in (0, _EXIT_DIFFERENT) or not lines:
        said = (errors or output).strip()
        why = refusals.reason("", said) or refusals.in_one_line("\n".join(said.splitlines()[-1:]))
        raise RuntimeCrashedError(f"the replay on {where} ended with code {code}: {why}{log_clause('replay', said)}")
    try:
        return replay_from_json(where, json.loads(lines[-1]))
    except ValueError as error:
        raise RuntimeCrashedError(f"the replay on {where} printed no JSON: {lines[-1][:200]!r}") from error
