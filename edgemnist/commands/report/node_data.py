"""A report's figures by operator as custom node data for Model Explorer, which lays them over a model's graph.

Source of the format: Google's Model Explorer, ``node_data_builder.py``. A file has one data set: by the name of a graph
its results, by the name of an output tensor or else a node's id. With the adapter that Model Explorer takes for a
.tflite an operator's id is its position in the file; its other one, by MLIR, has other ids but keeps most names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.report.report import LeftOut, Report
from edgemnist.commands.report.sections import Layer
from edgemnist.support.files import json_text, write_together
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.graph_name import graph_name

SECTION = "node data"
_PALE, _STRONG = "#ffffff", {"cost": "#f0a33f", "error": "#d9534f"}
_DIGITS = 6


@dataclass(frozen=True)
class NodeData:
    """A figure of operators by their position in the file; ``title`` is for people, ``stem`` for the file's name.

    ``colour``: a gradient's, from the least to the most.
    """

    stem: str
    title: str
    values: Mapping[int, float]
    colour: str

    def as_json(self, model: TfliteModel) -> dict[str, Any]:
        """Return what Model Explorer reads."""
        keys = node_keys(model)
        results = {keys[index]: {"value": value} for index, value in sorted(self.values.items()) if index in keys}
        gradient = [{"stop": 0, "bgColor": _PALE}, {"stop": 1, "bgColor": self.colour}]
        return {graph_name(model.content): {"name": self.title, "results": results, "gradient": gradient}}


def node_keys(model: TfliteModel) -> dict[int, str]:
    """Return by what Model Explorer knows each operator: its first output's name, or its id where that is ambiguous.

    An operator whose id is also the name of a tensor can't be told from it, and is left out.
    """
    names = Counter(one.name for one in model.tensors)
    found = {}
    for operator in model.operators:
        name = model.tensors[operator.outputs[0]].name if operator.outputs else ""
        if name and names[name] == 1:
            found[operator.index] = name
        elif str(operator.index) not in names:
            found[operator.index] = str(operator.index)
    return found


def node_data(report: Report) -> tuple[NodeData, ...]:
    """Return every data set that a report has figures for: own errors by runtime, instructions, flash, RAM."""
    return tuple(one for one in (*_own_errors(report), *_costs(report)) if one.values)


def _own_errors(report: Report) -> Iterator[NodeData]:
    found = report.operators
    for place, runtime in enumerate(found.runtimes if found else ()):
        cells = {int(row.operator.split()[0]): row.cells[place] for row in (found.rows if found else ())}
        values = {index: round(cell.own, _DIGITS) for index, cell in cells.items() if cell is not None}
        title = f"own error in {runtime}: share of elements that differ"
        yield NodeData(f"own-error-{_file_name(runtime)}", title, values, _STRONG["error"])


def _costs(report: Report) -> Iterator[NodeData]:
    firmware, memory = report.firmware, report.memory
    if firmware is None or memory is None:
        return
    rows = {layer.index: firmware.layers[layer.step] for layer in report.layers if layer.step is not None}
    own = {layer.index: rows[layer.index] for layer in _first_of_each(report.layers)}
    counts = {index: row.instructions for index, row in own.items() if row.instructions is not None}
    flash = {index: row.code_bytes + row.constant_bytes for index, row in own.items()}
    used = {index: row.arena_bytes for index, row in rows.items() if row.arena_bytes is not None}
    where = f"on {firmware.board}"
    yield NodeData("instructions", f"instructions {where}", counts, _STRONG["cost"])
    yield NodeData("flash", f"flash {where}, bytes", flash, _STRONG["cost"])
    yield NodeData("ram", f"arena in use {where}, bytes", used, _STRONG["cost"])


def _first_of_each(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Yield one operator of each of the firmware's layers, so that Model Explorer's sums are right."""
    seen: set[int] = set()
    for layer in layers:
        if layer.step is not None and layer.step not in seen:
            seen.add(layer.step)
            yield layer


def _file_name(runtime: str) -> str:
    return re.sub(r"[^\w.-]+", "-", runtime)


def left_out(found: tuple[NodeData, ...]) -> tuple[LeftOut, ...]:
    """Return why there are no files, where there are none."""
    reason = "nothing is known of single operators: the model has no firmware, and no runtime differs from an oracle"
    return () if found else (LeftOut(SECTION, reason),)


def write_node_data(found: tuple[NodeData, ...], model: TfliteModel, folder: Path) -> tuple[Path, ...]:
    """Write a file for each data set, all or none, and return their paths.

    :raises StorageError: one cannot be written.
    """
    texts = {folder / f"{one.stem}.json": json_text(one.as_json(model)).encode() for one in found}
    write_together(texts)
    return tuple(texts)
