"""A fit as people meet it: it can be resumed, with progress, a line per epoch, and a way on after Ctrl-C."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.support.errors import InputError
from edgemnist.support.progress import Task, progress_task, say, stderr_console
from edgemnist.training.checkpoint import Checkpoint, read_checkpoint, require_same_settings, write_checkpoint
from edgemnist.training.loop import EpochReport, FitState, Loop, TrainingDivergedError


@dataclass(frozen=True, kw_only=True)
class ResumableFit:
    """Where a fit keeps its checkpoint, and what it is called.

    ``command`` is what a person types to start it; ``settings`` (JSON values) decide the fit, and a resumed one has to
    have the same.
    """

    command: str
    title: str
    checkpoint: Path
    settings: Mapping[str, Any]
    epochs: int


def command_line(command: str, work: WorkFolder) -> str:
    """Return what a person types for a command in this work folder."""
    return f"{command} --work {shlex.quote(str(work.root))}"


def read_unfinished(path: Path, command: str) -> Checkpoint:
    """Return the checkpoint of an unfinished fit.

    :raises InputError: there is none, or it is unreadable.
    """
    if not path.exists():
        raise InputError(
            f"nothing to resume: there is no unfinished `{command}` in {str(path.parent)!r}; "
            f"run `{command}` without --resume"
        )
    return read_checkpoint(path)


def run_resumable(loop: Loop, fit: ResumableFit, *, resume: bool) -> FitState:
    """Fit to the end, with a checkpoint before the first epoch and after every one, and return the last state.

    The checkpoint stays; ``report.finish_fit`` deletes it when the stage's artifacts are in place.

    :raises InputError: ``resume`` and there is nothing to resume, or it has other settings.
    :raises TrainingDivergedError: the loss is no longer a number; the checkpoint of the epoch before stays.
    """
    state = _resumed(fit) if resume else _fresh(loop, fit)
    with progress_task(fit.title, fit.epochs * loop.steps_per_epoch) as task:
        task.update(completed=state.epoch * loop.steps_per_epoch)
        try:
            for after_epoch in loop.epochs(state, lambda steps: task.update(completed=steps)):
                state = after_epoch
                write_checkpoint(fit.checkpoint, Checkpoint(fit.settings, state))
                _tell(state.history[-1], state, fit, task)
        except TrainingDivergedError as error:
            raise TrainingDivergedError(f"{error}{_what_is_kept(state, fit)}") from error
    return state


def _what_is_kept(state: FitState, fit: ResumableFit) -> str:
    if not state.epoch:
        return ""
    kept = f"; the state after epoch {state.epoch} is kept in {str(fit.checkpoint)!r}"
    if not state.best_epoch:
        return kept
    return f"{kept}, best so far is epoch {state.best_epoch} with {state.best.validation_accuracy:.2%} in validation"


@contextmanager
def tells_how_to_resume(command: str, *checkpoints: Path) -> Iterator[None]:
    """On Ctrl-C, say how many epochs are kept in all checkpoints together and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        present = [path for path in checkpoints if path.exists()]
        if present:
            kept = sum(read_checkpoint(path).state.epoch for path in present)
            say(f"stopped with {kept} finished epochs, which are kept; go on with `{command} --resume`")
        raise


def _fresh(loop: Loop, fit: ResumableFit) -> FitState:
    if fit.checkpoint.exists():
        say(f"an unfinished `{fit.command}` was here and is dropped; `{fit.command} --resume` would have gone on")
    state = loop.start()
    write_checkpoint(fit.checkpoint, Checkpoint(fit.settings, state))
    return state


def _resumed(fit: ResumableFit) -> FitState:
    checkpoint = read_unfinished(fit.checkpoint, fit.command)
    require_same_settings(checkpoint.settings, fit.settings, fit.command)
    return checkpoint.state


def _tell(report: EpochReport, state: FitState, fit: ResumableFit, task: Task) -> None:
    task.update(description=f"{fit.title}, epoch {report.epoch} of {fit.epochs}")
    if sys.stderr.isatty():
        say(epoch_line(report, fit.epochs, best=state.best_epoch == report.epoch, width=stderr_console().width))


def epoch_line(report: EpochReport, epochs: int, *, best: bool, width: int) -> str:
    """Return one line of at most ``width`` columns: what lacks room is left out, the least needed first."""
    parts = (
        (0, f"epoch {report.epoch:{len(str(epochs))}}/{epochs}"),
        (2, f"loss {report.loss:.4f}"),
        (4, f"accuracy {report.accuracy:.2%}"),
        (6, f"validation loss {report.validation_loss:.4f}"),
        (0, f"validation {report.validation_accuracy:.2%}"),
        (5, f"rate {report.learning_rate:.2g}"),
        (3, f"{report.seconds:.1f} s"),
        (1, "best" if best else ""),
    )
    for most in range(max(rank for rank, _ in parts), -1, -1):
        line = "  ".join(text for rank, text in parts if rank <= most and text)
        if len(line) <= width:
            break
    return line
