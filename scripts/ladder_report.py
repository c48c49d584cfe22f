"""What ``scripts/ladder`` measured, as JSON, table and plot: the runs, their summaries, and BitNetMCU's beside them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pareto import CostPanel, CostPoint, CostSeries, write_pareto

from edgemnist.data.base import Dataset
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.support.files import package_versions, write_json, write_text
from edgemnist.support.progress import say
from edgemnist.training import reference_nets

FORMAT = 3
"""Of run.json and ladder.json; figures of another format are measured again, and not drawn."""

COSTS = {
    "parameters_left": "parameters that are not zero",
    "weight_bytes": "weights and biases, bytes",
    "flash": "flash of the network at -Os, bytes",
    "arena": "arena, bytes",
    "instructions": "instructions per inference at -O2, Cortex-M4",
}
"""The plot's horizontal axes."""


@dataclass(frozen=True)
class Run:
    """What one net with one seed came to. Accuracies in 0..1 on the whole test set; sizes in bytes.

    ``parameters_left`` are those that pruning left. ``flash`` is the network's code and constants at -Os,
    ``flash_fast`` those of the -O2 build whose ``instructions`` per inference are counted. None: not measured.
    ``cpu_seconds`` is the processor time of all fitting.
    """

    arch: str
    seed: int
    accuracy_float: float
    accuracy_int8: float
    validation: float
    parameters: int
    parameters_left: int
    macs: int
    weight_bytes: int
    tflite_bytes: int
    sparsity: float | None
    flash: int | None
    flash_fast: int | None
    arena: int | None
    instructions: float | None
    exact: bool | None
    cpu_seconds: float
    epochs: int


@dataclass(frozen=True)
class Choice:
    """What the command line asks for."""

    archs: tuple[str, ...]
    seeds: int
    epochs: int | None
    teacher: str
    sparsity: float | None
    qat: bool
    jobs: int = 1

    @property
    def variant(self) -> str:
        """What tells these runs' folders from those of plain training."""
        pruned = f"-pruned-{round(100 * self.sparsity)}" if self.sparsity is not None else ""
        return pruned + ("-qat" if self.qat else "")


def summary(arch: str, runs: Sequence[Run]) -> dict[str, Any]:
    """Return mean and standard deviation (n - 1) of the accuracies, and the figures that no seed changes much."""

    def of(name: str) -> dict[str, float | None]:
        values = [getattr(run, name) for run in runs]
        return {"mean": statistics.mean(values), "deviation": statistics.stdev(values) if len(values) > 1 else None}

    first = runs[0]
    instructions = [run.instructions for run in runs if run.instructions is not None]
    shared = ("parameters", "parameters_left", "macs", "weight_bytes", "flash", "flash_fast", "arena")
    return {
        "arch": arch,
        "seeds": len(runs),
        "accuracy_int8": of("accuracy_int8"),
        "accuracy_float": of("accuracy_float"),
        **{name: getattr(first, name) for name in shared},
        "instructions": statistics.mean(instructions) if instructions else None,
        "cpu_minutes": statistics.mean(run.cpu_seconds for run in runs) / 60,
        "runs": [asdict(run) for run in runs],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the summaries as a Markdown table."""
    names = "net, parameters, MACs, int8 accuracy %, float %, seeds, weights B, flash -Os B, flash -O2 B, arena B, "
    names += "instructions, CPU minutes"
    columns = names.split(", ")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in rows:
        accuracies = [percent(row[name]) for name in ("accuracy_int8", "accuracy_float")]
        sizes = [whole(row[name]) for name in ("weight_bytes", "flash", "flash_fast", "arena", "instructions")]
        cells = [row["arch"], whole(row["parameters"]), whole(row["macs"]), *accuracies, str(row["seeds"]), *sizes]
        lines.append(f"| {' | '.join(cells)} | {row['cpu_minutes']:.1f} |")
    return "\n".join(lines) + "\n"


def percent(value: dict[str, float | None]) -> str:
    """Return mean and deviation in %."""
    deviation = "" if value["deviation"] is None else f" ± {100 * value['deviation']:.2f}"
    return f"{100 * (value['mean'] or 0):.2f}{deviation}"


def whole(value: float | None) -> str:
    """Return a count with thousands separated, or a dash."""
    return "-" if value is None else f"{value:,.0f}"


def panels(ours: dict[str, Sequence[dict[str, Any]]], *, with_published: bool) -> list[CostPanel]:
    """Return the plot's panels: our nets by variant, and BitNetMCU's where their cost is known."""
    nets = reference_nets.BITNETMCU
    weights = [CostPoint(net.name, net.weight_bytes, net.accuracy) for net in nets]
    cycles = [CostPoint(net.name, net.cycles, net.accuracy) for net in nets if net.cycles is not None]
    published = {
        "weight_bytes": CostSeries("BitNetMCU, 16x16 input", weights),
        "flash": CostSeries("BitNetMCU, weights alone", weights),
        "instructions": CostSeries("BitNetMCU, cycles of a CH32V002", cycles),
    }
    found = []
    for key, name in COSTS.items():
        series = [CostSeries(variant, points(rows, key)) for variant, rows in ours.items()]
        measured = [one for one in series if one.points]
        if measured:
            found.append(CostPanel(name, measured, published.get(key) if with_published else None))
    return found


def points(rows: Sequence[dict[str, Any]], cost: str) -> list[CostPoint]:
    """Return the nets whose cost was measured."""
    measured = [(row, row["accuracy_int8"]) for row in rows if row[cost] is not None]
    return [CostPoint(row["arch"], row[cost], of["mean"], of["deviation"] or 0.0) for row, of in measured]


def write_results(choice: Choice, dataset: Dataset, rows: Sequence[dict[str, Any]], root: Path) -> dict[str, Any]:
    """Write ladder.json and ladder.md, named after the variant, and return the document; draw ladder.png anew.

    The plot holds every variant whose figures lie in the folder.
    """
    packages = ("edgemnist", "tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")
    document = {
        "format": FORMAT,
        "dataset": dataset.name,
        "dataset_sha256": dataset.sha256,
        "settings": asdict(choice),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "versions": package_versions(*packages),
        "board": DEFAULT_BOARD,
        "nets": list(rows),
    }
    write_json(root / f"ladder{choice.variant}.json", document)
    write_text(root / f"ladder{choice.variant}.md", table(rows))
    draw(dataset, root)
    return document


def draw(dataset: Dataset, root: Path) -> None:
    """Draw the plot of every ``ladder*.json`` in the folder."""
    paths = sorted(root.glob("ladder*.json"), key=lambda path: path.stem)  # the dense ones first
    documents = {path.stem: json.loads(path.read_text()) for path in paths}
    ours = {
        f"edgemnist, {name.removeprefix('ladder').strip('-') or 'dense'}": document["nets"]
        for name, document in documents.items()
        if document.get("format") == FORMAT
    }
    title = f"{dataset.name}, int8 accuracy on the test set, mean and standard deviation over the seeds"
    if not write_pareto(root / "ladder.png", title, panels(ours, with_published=dataset.name == "mnist")):
        say("no plot drawn: matplotlib is not installed (pip install 'edgemnist[plot]')")


def write_reference(document: dict[str, Any]) -> None:
    """Write the figures of the dense nets into the package, for the advice to users who prune."""
    nets = [{key: value for key, value in net.items() if key != "runs"} for net in document["nets"]]
    kept = {key: value for key, value in document.items() if key in ("dataset", "dataset_sha256", "versions")}
    write_json(reference_nets.FOLDER / f"{document['dataset']}.json", {**kept, "nets": nets})
