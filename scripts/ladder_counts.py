"""Flash, arena and instructions of the ladder's nets: counted, put into the reference files and docs/benchmarks.md.

They depend on the architecture and hardly on the weights, so a net that was trained for a moment tells them. Accuracies
are never touched.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.commands.firmware.run import RunSettings, run_emulated_board
from edgemnist.commands.prune.stage import PruneSettings, run_pruning
from edgemnist.commands.train.stage import run_training
from edgemnist.data.base import Dataset, Split
from edgemnist.harness.models import model_file, named_subject
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
from edgemnist.support.errors import EnvironmentFailure, InputError
from edgemnist.support.files import write_json
from edgemnist.support.progress import say
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.inspection import inspect
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training import reference_nets
from edgemnist.training.train import TrainSettings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEADINGS = {"mnist": "## The ladder of architectures", "fashion-mnist": "### Fashion-MNIST"}
FIELDS = ("flash", "flash_fast", "arena", "instructions")
PRUNED = {"mnist": ("small-pruned-80", "small-pruned-50")}
"""Nets of which a reference file has only these counts, under "counted"; the first is a row of the table too."""
BESIDE = {"small-pruned-80": "micro", "small-pruned-50": "tiny"}
"""The dense net that a pruned one is as accurate as, or next to."""
SPREAD_OF = ("nano", "small", "small-pruned-80")
"""Nets that are counted with two seeds."""
TRAINED_ON = 12_000
"""Images of the one epoch."""
PARAGRAPH = "Flash, arena and instructions are counted"


@dataclass(frozen=True)
class Counts:
    """What one net came to, as ``ladder_report.Run`` names it; ``tools``: compiler and emulator."""

    weight_bytes: int
    flash: int
    flash_fast: int
    arena: int
    instructions: float
    tools: str = ""


def on_device(path: Path, images: int) -> dict[str, Any]:
    """Return flash, arena, instructions and exactness on the emulated board; None where this machine can't tell."""
    board = find_board(DEFAULT_BOARD)
    fast, small = (for_core(BuildSettings(optimise=goal), board) for goal in ("speed", "size"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            compact = build_firmware(read_tflite(path), board, small, Path(folder)).sizes
        report = run_emulated_board(named_subject(path), board, RunSettings(images=images, build=fast))
    except EnvironmentFailure as error:
        say(f"no figures of {board.name}: {error}")
        return dict.fromkeys((*FIELDS, "exact", "tools"))
    if report.image is None:
        raise InputError(f"{board.name} is emulated, so there is an image")  # only a real board has none
    sizes = report.image.sizes
    return {
        "flash": compact.model_code + compact.model_constants,
        "flash_fast": sizes.model_code + sizes.model_constants,
        "arena": sizes.arena,
        "instructions": report.counts.mean if report.counts else None,
        "exact": report.exact,
        "tools": f"{report.image.compiler}; {report.counts.source if report.counts else ''}",
    }


def briefly(dataset: Dataset) -> Dataset:
    """Return the dataset with the first training images only."""
    train = Split(dataset.train.images[:TRAINED_ON], dataset.train.labels[:TRAINED_ON])
    return dataclasses.replace(dataset, train=train)


def count(name: str, seed: int, dataset: Dataset, root: Path) -> Counts:
    """Train a net for an epoch, prune it where its name says so, convert and count.

    :raises InputError: an output byte differs, or nothing could be counted here.
    """
    arch, _, sparsity = name.partition("-pruned-")
    work = WorkFolder(root / name / f"seed-{seed}")
    run_training(TrainSettings(arch=arch, epochs=1, seed=seed), work, dataset=dataset)
    if sparsity:
        run_pruning(PruneSettings(sparsity=int(sparsity) / 100, epochs=1), work, dataset=dataset)
    run_conversion(ConversionSettings(modes=(ModelKind.INT8,)), work)
    path = work.path(model_file(ModelKind.INT8))
    found = on_device(path, images=3)
    if not found.pop("exact"):
        raise InputError(f"{name}: not counted, or an output byte differs from the oracle's")
    weights = inspect(read_tflite(path))
    return Counts(weights.weight_bytes + weights.bias_bytes, **found)


def documents() -> dict[str, dict[str, Any]]:
    """Return the reference files by dataset."""
    return {name: json.loads((reference_nets.FOLDER / f"{name}.json").read_text()) for name in HEADINGS}


def wanted() -> list[tuple[str, int]]:
    """Return every net that has to be counted, with its seed; those that take longest first."""
    nets = [net for document in documents().values() for net in document["nets"]]
    names = dict.fromkeys(net["arch"] for net in sorted(nets, key=lambda net: -net["macs"]))
    pruned = [name for few in PRUNED.values() for name in few]
    return [*((name, 0) for name in (*pruned, *names)), *((name, 1) for name in SPREAD_OF)]


def spread(counted: Mapping[tuple[str, int], Counts]) -> dict[str, dict[str, float]]:
    """Return how far the second seed's counts are from the first's, as a share."""
    found: dict[str, dict[str, float]] = {}
    for name in SPREAD_OF:
        first, second = counted[name, 0], counted[name, 1]
        found[name] = {
            field: round(abs(getattr(second, field) - getattr(first, field)) / getattr(first, field), 5)
            for field in FIELDS
        }
    return found


def updated(
    name: str, document: dict[str, Any], counted: Mapping[tuple[str, int], Counts], dataset: str
) -> dict[str, Any]:
    """Return a reference file's content with new counts.

    :raises InputError: a net has other weights than the one that was measured.
    """
    nets = []
    for net in document["nets"]:
        counts = counted[net["arch"], 0]
        if counts.weight_bytes != net["weight_bytes"]:
            raise InputError(
                f"{net['arch']} has {counts.weight_bytes} bytes of weights, measured were {net['weight_bytes']}: "
                "its accuracies are another net's; run scripts/ladder --reference"
            )
        nets.append(net | {field: getattr(counts, field) for field in FIELDS})
    origin = {
        "trained": f"1 epoch of {TRAINED_ON:,} images of {dataset}, seed 0",
        "tools": counted[nets[0]["arch"], 0].tools,
        "spread_of_two_seeds": spread(counted),
        "pruned": [
            {"arch": each} | {field: getattr(counted[each, 0], field) for field in FIELDS}
            for each in PRUNED.get(name, ())
        ],
    }
    return {**document, "nets": nets, "counted": origin}


def write_counts(counted: Mapping[tuple[str, int], Counts], dataset: str) -> None:
    """Put the counts into the reference files and the document."""
    for name, document in documents().items():
        write_json(reference_nets.FOLDER / f"{name}.json", updated(name, document, counted, dataset))
    DOCUMENT.write_text(described(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


def described(text: str) -> str:
    """Return the document with the reference files' counts in its tables, and how they were counted."""
    for name, document in documents().items():
        start = text.index(HEADINGS[name])
        end = re.compile(r"^##", re.MULTILINE).search(text, start + 3)
        stop = end.start() if end else len(text)
        section = text[start:stop]
        for net in (*document["nets"], *document["counted"]["pruned"]):
            section = with_row(section, net)
        text = text[:start] + with_paragraph(section, document) + text[stop:]
    return text


def with_row(section: str, net: Mapping[str, Any]) -> str:
    """Return a section with a net's four counts in its row, where it has one."""
    arch, _, sparsity = net["arch"].partition("-pruned-")
    title = f"| `{arch}`, {sparsity} % zeros |" if sparsity else f"| `{arch}` |"
    lines = section.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(title):
            cells = line.split("|")
            cells[7:11] = [f" {net[field]:,.0f} " for field in FIELDS]
            lines[number] = "|".join(cells)
    return "\n".join(lines)


def with_paragraph(section: str, document: Mapping[str, Any]) -> str:
    """Return a section with the paragraph that says how its counts came about, where it has one."""
    found = re.search(rf"^{PARAGRAPH}.*?(?=\n\n)", section, re.MULTILINE | re.DOTALL)
    if found is None:
        return section
    lines = [how(document["counted"]), *pruned_beside_dense(document)]
    return section[: found.start()] + "\n".join(lines) + section[found.end() :]


def how(counted: Mapping[str, Any]) -> str:
    """Return how the counts came about, for people."""
    apart = counted["spread_of_two_seeds"]
    dense = {name: each for name, each in apart.items() if "-pruned-" not in name}
    pruned = [each for name, each in apart.items() if name not in dense]
    return (
        f"{PARAGRAPH} by `scripts/ladder_recount` of nets that learned from {counted['trained']}\n"
        f"({counted['tools']}); the accuracies are of those trained in full.\n"
        f"With another seed dense nets ({', '.join(f'`{name}`' for name in dense)}) differ by at most "
        f"{most(dense.values(), FIELDS[:3])} in bytes\nand {most(dense.values(), FIELDS[3:])} in instructions, the one "
        f"with 80 % zeros by {most(pruned, FIELDS[:3])} and {most(pruned, FIELDS[3:])}."
    )


def pruned_beside_dense(document: Mapping[str, Any]) -> Iterator[str]:
    """Return a line for each pruned net: what it takes beside the dense net that is about as accurate."""
    dense = {net["arch"]: net for net in document["nets"]}
    for net in document["counted"]["pruned"]:
        arch, _, sparsity = net["arch"].partition("-pruned-")
        beside = dense[BESIDE[net["arch"]]]
        flash, instructions = (apart(net, beside, field) for field in ("flash", "instructions"))
        yield (
            f"`{arch}` with {sparsity} % zeros takes {net['flash']:,} bytes at -Os, {flash} than the dense "
            f"`{beside['arch']}`,\nand {net['instructions']:,.0f} instructions, {instructions}."
        )


def apart(one: Mapping[str, Any], other: Mapping[str, Any], field: str) -> str:
    """Return how much more or less of something one net takes than another."""
    share = one[field] / other[field] - 1
    return f"{100 * abs(share):.0f} % {'more' if share > 0 else 'less' if field == 'flash' else 'fewer'}"


def most(shares: Iterable[Mapping[str, float]], fields: Iterable[str]) -> str:
    """Return the largest of the shares in percent, rounded up."""
    names = tuple(fields)
    return f"{ceil(10_000 * max(each[field] for each in shares for field in names)) / 100:.2f} %"


def as_json(counts: Counts) -> dict[str, Any]:
    """Return counts as JSON values."""
    return asdict(counts)
