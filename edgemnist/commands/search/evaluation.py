"""What an item of a search comes to: exact costs, accuracy on held-out images, a finalist's on the test set.

Everything is kept in the artefacts under a name made of all that decides it.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset
from edgemnist.data.splits import class_balanced_sample, hold_out
from edgemnist.harness.models import model_file
from edgemnist.harness.runtimes import QUICKEST
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, for_core
from edgemnist.mcu.netcost import NetCost, cost_of
from edgemnist.runner.registry import installed_for
from edgemnist.runner.run import run_model
from edgemnist.search.artefacts import Artefacts
from edgemnist.search.costs import Costs
from edgemnist.search.counts import HEAD
from edgemnist.search.outcome import Item, Outcome, digest_of, outcome_from
from edgemnist.search.settings import SearchSettings
from edgemnist.support.errors import ModelError
from edgemnist.support.progress import quietly
from edgemnist.tflite.file import TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.architectures import architecture_of, build_model
from edgemnist.training.distillation import DistillationSettings
from edgemnist.training.loop import TrainingDivergedError
from edgemnist.training.train import TrainSettings

_CALIBRATION = 50
"""Images for the scales of a net that only has to be counted: its weights are drawn, not trained."""

_BLOCK = re.compile(r"(block\d+)_")
_EXACT_IMAGES = 20
ARCHITECTURE_FILE = "architecture.toml"


@dataclass(frozen=True, eq=False)
class Evaluator:
    """Tries items of a study. ``dataset`` is the whole one; ``folder`` takes what a training needs meanwhile."""

    settings: SearchSettings
    dataset: Dataset
    artefacts: Artefacts

    def __call__(self, item: Item) -> Outcome:
        """Return what an item comes to; it is tried only where nobody has kept that.

        :raises MissingDependencyError: no toolchain, emulator or TensorFlow.
        :raises EnvironmentFailure: a tool failed.
        """
        name = f"{self._folder(item)}/outcome.json"
        kept = self.artefacts.read_json(name)
        if kept is not None:
            return outcome_from(kept)
        with quietly(True):
            outcome = self._tried(item)
        self.artefacts.write_json(name, outcome.as_json())
        return outcome

    def _folder(self, item: Item) -> str:
        """Return the name of an item's artefacts."""
        settings = self.settings
        last = item.rung == settings.last_rung
        decides = {
            "blueprint": item.blueprint.as_json(),
            "optimise": item.optimise,
            "seed": item.seed,
            "dataset": settings.dataset_sha256,
            "image_shape": settings.image_shape,
            "epochs": settings.epochs if last else settings.rungs[item.rung],
            "held_out": None if last else settings.held_out,
            "teacher": settings.teacher,
            "boards": settings.boards,
            "limits": dict(settings.limits.most),
            "versions": dict(settings.versions),
        }
        return f"trained/{item.blueprint.name}/{digest_of(decides)[:16]}"

    def _tried(self, item: Item) -> Outcome:
        start, costs = _cpu_seconds(), {}
        try:
            costs = {board: self.costs(item, board) for board in self.settings.boards}
            outcome = self._within(item, costs)
        except (TrainingDivergedError, ModelError) as error:
            outcome = Outcome(costs=costs, reason=str(error))
        return dataclasses.replace(outcome, cpu_seconds=_cpu_seconds() - start)

    def _within(self, item: Item, costs: Mapping[str, Costs]) -> Outcome:
        """Return what a net comes to that is trained if it is within its limits."""
        over = self.settings.limits.over(costs[self.settings.boards[0]])
        if over and item.rung == 0:
            return Outcome(costs=costs, over=over)
        last = item.rung == self.settings.last_rung
        return self._trained_in_full(item, costs) if last else self._trained(item, costs)

    # --- costs -------------------------------------------------------------------------------------------------------

    def costs(self, item: Item, board: str) -> Costs:
        """Return what a net costs on a board before it is trained: with drawn weights, which take what others do."""
        settings = self.settings
        blueprint = {name: one for name, one in item.blueprint.as_json().items() if name not in ("name", "recipe")}
        key = [blueprint, item.optimise, board, settings.image_shape, settings.classes, dict(settings.versions)]
        name = f"counted/{digest_of(key)[:32]}.json"
        kept = self.artefacts.read_json(name)
        if kept is None:
            counted = cost_of(self._untrained(item), find_board(board), item.optimise)
            kept = costs_of(counted).as_json()
            self.artefacts.write_json(name, kept)
        return Costs(**kept)

    def _untrained(self, item: Item) -> TfliteModel:
        from edgemnist.commands.convert.converter import tflite_bytes
        from edgemnist.keras_io.saving import save_model
        from edgemnist.keras_io.sources import load_source
        from edgemnist.keras_io.tensorflow import load_tensorflow

        _, keras = load_tensorflow()
        keras.backend.clear_session()
        model = build_model(
            architecture_of(item.blueprint), self.settings.image_shape, self.settings.classes, item.seed
        )
        sample = class_balanced_sample(self.dataset.train, min(_CALIBRATION, len(self.dataset.train)), 0).images
        images = Normalisation().apply(sample)
        _settle(model, images)
        with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
            path = Path(folder) / "untrained.keras"
            save_model(model, path)
            source = load_source(path, None)
            content = tflite_bytes(source, ModelKind.INT8, io="int8", calibration=source.arrange(images))
        return parse_tflite(content, name="untrained")

    # --- accuracy ----------------------------------------------------------------------------------------------------

    def _trained(self, item: Item, costs: Mapping[str, Costs]) -> Outcome:
        """Train for a rung's epochs; images that nets are chosen by stand in for the test set, which is not touched."""
        learned, chosen_by = hold_out(self.dataset.train, self._held_out(), 0)
        dataset = dataclasses.replace(self.dataset, train=learned, test=chosen_by)
        with self._training(item, dataset, self.settings.rungs[item.rung]) as (_, result):
            return Outcome(accuracy=result.accuracy, costs=costs)

    def _held_out(self) -> int:
        return max(1, min(self.settings.held_out, len(self.dataset.train) // 4))

    def _trained_in_full(self, item: Item, costs: Mapping[str, Costs]) -> Outcome:
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
                over=self.settings.limits.over(counted[self.settings.boards[0]]),
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


def _settle(model: Any, images: NDArray[np.float32]) -> None:
    """Give batch norms the statistics of images: else drawn weights come to values for which no scale is any good."""
    norms = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    usual = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum


def _cpu_seconds() -> float:
    """Return the processor time of this process and of those that it ran."""
    return sum(os.times()[:4])


def costs_of(counted: NetCost) -> Costs:
    """Return counted costs with the layers' instructions added up by block."""
    blocks: dict[str, float] = {}
    for layer in counted.layers:
        found = _BLOCK.search(layer.tensor.partition(";")[0])
        name = found.group(1) if found else HEAD
        blocks[name] = blocks.get(name, 0.0) + layer.instructions
    return Costs(
        instructions=counted.instructions,
        flash=counted.flash,
        arena=counted.arena,
        milliseconds=counted.milliseconds,
        blocks=blocks,
    )
