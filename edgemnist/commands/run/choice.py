"""Which net the main job goes on with: the pruned one, or the dense one where pruning cost much and bought nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionResult, ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.commands.prune.stage import PruneResult
from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.harness.models import ONLY_INT8, find_subject
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import find_board
from edgemnist.support.progress import say
from edgemnist.support.statistics import standard_error


@dataclass(frozen=True)
class PruningChoice:
    """Whether the pruned net is what everything after it is made of; ``reason`` is "" where nothing spoke against it.

    ``points_lost`` are the test images, in percent of all, that the trained net knew more; ``bytes_saved`` those of
    weights in the generated C, None where nobody had to look.
    """

    pruned: bool
    reason: str
    points_lost: float
    bytes_saved: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        return asdict(self)


def convert_the_better(
    pruned: PruneResult, settings: ConversionSettings, work: WorkFolder, *, asked_for: bool
) -> tuple[ConversionResult, PruningChoice]:
    """Convert the pruned net; where it costs accuracy for nothing, set it aside and convert the trained one instead.

    A loss on the test split of more than one standard error of the accuracy before is only for those who asked for
    zeros (``asked_for``), and it has to buy something: layers of which the generated C for the default board stores
    nothing but the weights other than zero, which it does where that takes no more flash and no more instructions.
    Smaller compressed files are no gain in C.

    :raises EdgeMnistError: as ``run_conversion``.
    """
    lost = pruned.accuracy_before - pruned.accuracy
    error = standard_error(pruned.accuracy_before, pruned.test_images)
    if lost <= error and not pruned.at_chance:
        return run_conversion(settings, work), PruningChoice(True, "", 100 * lost, None)
    loss = f"pruning took {100 * lost:.2f} points of accuracy, more than one standard error ({100 * error:.2f})"
    if pruned.at_chance:
        return _dense(f"{loss}: it ended at chance", lost, None, settings, work)
    if not asked_for:
        return _dense(f"{loss}; --sparsity {pruned.asked:g} takes that for smaller C", lost, None, settings, work)
    converted = run_conversion(settings, work)
    saved = _bytes_saved(work)
    if not saved:
        return _dense(f"{loss}, and no layer of the generated C gains by the zeros", lost, saved, settings, work)
    reason = f"{loss}, for {saved:,} bytes of weights fewer in the generated C: the pruned net goes on, as asked for"
    say(reason)
    return converted, PruningChoice(True, reason, 100 * lost, saved)


def _dense(
    why: str, lost: float, saved: int | None, settings: ConversionSettings, work: WorkFolder
) -> tuple[ConversionResult, PruningChoice]:
    """Set the pruned net aside, say why, and convert the trained one."""
    reason = f"the dense net goes on: {why}"
    say(reason)
    work.set_aside("prune", reason)
    return run_conversion(settings, work), PruningChoice(False, reason, 100 * lost, saved)


def _bytes_saved(work: WorkFolder) -> int:
    """Return how many bytes of weights the C of the work folder's int8 model saves by zeros, on the default board."""
    model = find_subject(None, work, ONLY_INT8).tflite
    program, _ = compile_model(model, CodegenSettings(target=find_board(DEFAULT_BOARD).core.target))
    found = (step.sparsity for step in program.steps)
    return sum(sparsity.weights - sparsity.bytes for sparsity in found if sparsity is not None)
