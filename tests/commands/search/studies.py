"""Studies whose nets nobody trained: what came of each is made up from its blueprint, so that hundreds take seconds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from edgemnist.search.costs import ACCURACY, Costs, Limits
from edgemnist.search.counts import parts_of
from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.settings import SearchSettings
from edgemnist.search.storage import open_storage
from edgemnist.search.study import begin_study
from edgemnist.search.worker import work

SHAPE = (28, 28, 1)
BOARD = "mps2-an386"


def settings_of(**values: Any) -> SearchSettings:
    """Return settings of a study of MNIST."""
    usual: dict[str, Any] = {
        "dataset": "mnist", "dataset_sha256": "0" * 64, "image_shape": SHAPE, "classes": 10, "boards": (BOARD,),
        "limits": Limits({"instructions": 600_000, "flash": 20_000}), "objectives": (ACCURACY, "instructions"),
        "budget": 14, "sampler": "random", "versions": {"optuna": "5"},
    }  # fmt: skip
    return SearchSettings(**{**usual, **values})


def write_study(folder: Path, **values: Any) -> Path:
    """Bring a study to its end in a work folder, and return the folder."""
    settings = settings_of(**values)
    study = begin_study(open_storage(str(folder / "search" / "study.journal")), "edgemnist", settings)
    work(study, lambda item: _outcome(settings, item))
    return folder


def _outcome(settings: SearchSettings, item: Item) -> Outcome:
    """Return an outcome: the more instructions and epochs, the fewer errors, and a part that is chance."""
    parts = list(parts_of(item.blueprint, SHAPE, 10))
    blocks = {part.name: 1.1 * part.macs + 2000 for part in parts}
    instructions, weights = sum(blocks.values()), sum(part.weights for part in parts)
    costs = Costs(
        instructions=instructions, flash=4000 + weights, milliseconds=instructions / 16_000, blocks=blocks,
        arena=max(height * width * channels for height, width, channels in item.blueprint.shapes(SHAPE)),
    )  # fmt: skip
    over = settings.limits.over(costs)
    if over and item.rung == 0:
        return Outcome(costs={BOARD: costs}, over=over)
    chance = random.Random(f"{item.blueprint.name}{item.rung}{item.seed}")
    usual = (8, 2.5, 0.8)[item.rung] * (3e5 / instructions) ** 0.5
    error = min(0.9, 0.01 * usual * chance.uniform(0.7, 1.4))
    if item.rung < settings.last_rung:
        return Outcome(accuracy=1 - error, costs={BOARD: costs}, cpu_seconds=90.0)
    test = error * chance.uniform(0.9, 1.2)
    return Outcome(
        accuracy=1 - error, costs={BOARD: costs}, cpu_seconds=900.0, test=1 - test, test_float=1 - test, exact=True,
        artefact=f"trained/{item.key}",
    )  # fmt: skip
