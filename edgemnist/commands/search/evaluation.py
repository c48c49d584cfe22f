"""What an item of a search comes to: exact costs, accuracy on held-out images, a finalist's on the test set.

Everything is kept in the artefacts under a name made of all that decides it.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.commands.search.blocks import costs_of
from edgemnist.commands.search.counting import CountingProcess
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.data.splits import class_balanced_sample, hold_out
from edgemnist.harness.models import model_file
from edgemnist.harness.runtimes import QUICKEST
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, for_core
from edgemnist.mcu.netcost import cost_of
from edgemnist.runner.registry import installed_for
from edgemnist.runner.run import run_model
from edgemnist.search.artefacts import Artefacts
from edgemnist.search.costs import Costs
from edgemnist.search.outcome import Item, Outcome, digest_of, outcome_from
from edgemnist.search.settings import SearchSettings
from edgemnist.support.errors import GateFailedError, ModelError
from edgemnist.support.progress import quietly
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.distillation import DistillationSettings
from edgemnist.training.loop import TrainingDivergedError
from edgemnist.training.train import TrainSettings

_CALIBRATION = 50
"""Images for the scales of a net that only has to be counted: its weights are drawn, not trained."""

_EXACT_IMAGES = 20
ARCHITECTURE_FILE = "architecture.toml"


@dataclass(frozen=True, eq=False)
class Evaluator:
    """Tries items of a study. ``dataset`` is the whole one; ``counting`` is the process that counts nets."""

    settings: SearchSettings
    dataset: Dataset
    artefacts: Artefacts
    counting: CountingProcess

    def __call__(self, item: Item) -> Outcome:
        """Return what an item comes to; nothing is counted or trained again that somebody has kept.

        :raises MissingDependencyError: no toolchain, emulator or TensorFlow.
        :raises EnvironmentFailure: a tool failed.
        """
        costs: dict[str, Costs] = {}
        seconds = 0.0
        with quietly(True):
            try:
                for board in self.settings.boards:
                    costs[board], spent = self.costs(item, board)
                    seconds += spent
                outcome = self._within(item, costs)
            except (TrainingDivergedError, ModelError, GateFailedError) as error:
                outcome = Outcome(costs=costs, reason=str(error))
        return dataclasses.replace(outcome, cpu_seconds=outcome.cpu_seconds + seconds)

    def _within(self, item: Item, costs: Mapping[str, Costs]) -> Outcome:
        """Return what a net comes to, which is trained if it is within its limits."""
        over = self._over(costs)
        if over and item.rung == 0:
            return Outcome(costs=costs, over=over)
        if item.rung == self.settings.last_rung:
            outcome = self._kept(item, self._trained_in_full)
            return dataclasses.replace(outcome, over=self._over(outcome.costs))
        return dataclasses.replace(self._kept(item, self._trained), costs=costs)

    def _over(self, costs: Mapping[str, Costs]) -> dict[str, float]:
        return self.settings.limits.over(costs[self.settings.boards[0]])

    def _kept(self, item: Item, train: Callable[[Item], Outcome]) -> Outcome:
        """Return what an item's training came to, now or when somebody did it."""
        name = f"{self._folder(item)}/outcome.json"
        kept = self.artefacts.read_json(name)
        if kept is not None:
            return outcome_from(kept)
        start = _cpu_seconds()
        outcome = train(item)
        outcome = dataclasses.replace(outcome, cpu_seconds=_cpu_seconds() - start)
        self.artefacts.write_json(name, outcome.as_json())
        return outcome

    def _folder(self, item: Item) -> str:
        """Return the name of a training's artefacts, made of what decides it: limits don't, and boards a finalist's."""
        settings = self.settings
        decides = {
            "blueprint": item.blueprint.as_json(),
            "seed": item.seed,
            "dataset": settings.dataset_sha256,
            "image_shape": settings.image_shape,
            "teacher": settings.teacher,
            "versions": dict(settings.versions),
        }
        if item.rung == settings.last_rung:
            decides |= {"epochs": settings.epochs, "boards": settings.boards, "optimise": item.optimise}
        else:
            decides |= {"epochs": settings.rungs[item.rung], "held_out": settings.held_out}
        return f"trained/{item.blueprint.name}/{digest_of(decides)[:16]}"

    # --- costs -------------------------------------------------------------------------------------------------------

    def costs(self, item: Item, board: str) -> tuple[Costs, float]:
        """Return what a net costs on a board before it is trained, and the processor seconds that it took to know.

        The weights are drawn, and take what others do.
        """
        settings = self.settings
        blueprint = {name: one for name, one in item.blueprint.as_json().items() if name not in ("name", "recipe")}
        key = [blueprint, item.optimise, board, settings.image_shape, settings.classes, dict(settings.versions)]
        name = f"counted/{digest_of(key)[:32]}.json"
        kept = self.artefacts.read_json(name)
        if kept is not None:
            return Costs(**kept), 0.0
        images = class_balanced_sample(self.dataset.train, min(_CALIBRATION, len(self.dataset.train)), 0).images
        found, seconds = self.counting.costs(item, board, images, settings.classes)
        self.artefacts.write_json(name, found.as_json())
        return found, seconds

    # --- accuracy ----------------------------------------------------------------------------------------------------

    def _trained(self, item: Item) -> Outcome:
        """Train for a rung's epochs; images that nets are chosen by stand in for the test set, which is not touched."""
        learned, chosen_by = hold_out(self.dataset.train, self._held_out(), 0)
        dataset = dataclasses.replace(self.dataset, train=learned, test=chosen_by)
        with self._training(item, dataset, self.settings.rungs[item.rung]) as (_, result):
            return Outcome(accuracy=result.accuracy)

    def _held_out(self) -> int:
        return max(1, min(self.settings.held_out, len(self.dataset.train) // 4))

    def _trained_in_full(self, item: Item) -> Outcome:
        """Train with all images, convert, count the trained net, and read the test set once."""
        with self._training(item, self.dataset, self.settings.epochs) as (work, result):
            run_conversion(ConversionSettings(modes=(ModelKind.INT8,)), work)
            path = work.path(model_file(ModelKind.INT8))
            answers = run_model(installed_for(ModelKind.INT8, QUICKEST)[0], path, self.dataset.test.images)
            classes = answers.outputs.reshape(len(self.dataset.test), -1).argmax(axis=1)
            model = read_tflite(path)
            counted = {
                board: costs_of(cost_of(model, find_board(board), item.optimise)) for board in self.settings.boards
            }
            folder = self._folder(item)
            self.artefacts.write_file(f"{folder}/{TRAINED_MODEL}", work.path(TRAINED_MODEL))
            self.artefacts.write_file(f"{folder}/{path.name}", path)
            return Outcome(
                accuracy=result.validation_accuracy,
                costs=counted,
                test=float(np.mean(classes == self.dataset.test.labels)),
                test_float=result.accuracy,
                exact=self._exact(path, item.optimise),
                artefact=folder,
            )

    def _exact(self, path: Path, optimise: str) -> bool:
        """Return whether every byte of some test images is the oracle's on the first board."""
        from edgemnist.commands.firmware.run import RunSettings, run_emulated_board
        from edgemnist.harness.models import named_subject

        board = find_board(self.settings.boards[0])
        settings = RunSettings(
            dataset=self.dataset.name, images=_EXACT_IMAGES, build=for_core(BuildSettings(optimise=optimise), board)
        )
        return run_emulated_board(named_subject(path), board, settings).exact

    @contextmanager
    def _training(self, item: Item, dataset: Dataset, epochs: int) -> Iterator[tuple[WorkFolder, Any]]:
        from edgemnist.keras_io.tensorflow import load_tensorflow

        _, keras = load_tensorflow()
        keras.backend.clear_session()  # a worker trains hundreds of nets in one process
        teacher = self.settings.teacher
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            arch = Path(folder) / ARCHITECTURE_FILE
            arch.write_text(item.blueprint.as_toml(), encoding="utf-8")
            work = WorkFolder(Path(folder) / "work")
            settings = TrainSettings(
                arch=str(arch), epochs=epochs, seed=item.seed,
                distillation=DistillationSettings(teacher=teacher) if teacher else None,
            )  # fmt: skip
            yield work, run_training(settings, work, dataset=dataset)


def _cpu_seconds() -> float:
    """Return the processor time of this process and of those that it ran."""
    return sum(os.times()[:4])
