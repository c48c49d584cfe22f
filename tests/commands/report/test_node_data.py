"""Custom node data: Model Explorer, whose own ids are on record, finds every operator that there are figures for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgemnist.commands.report.node_data import NodeData, left_out, node_data, node_keys, write_node_data
from edgemnist.commands.report.sections import Layer, OperatorCell, OperatorRow, Operators
from edgemnist.support.errors import StorageError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.graph_name import graph_name
from tests.commands.report.explorer_nets import nets
from tests.commands.report.sample import sample_report

RECORD = json.loads((Path(__file__).parent / "model_explorer.json").read_text(encoding="utf-8"))
NETS = nets()


def node_of(graph: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the node that Model Explorer shows a result at: by a tensor's name, else by its id."""
    named = {name: node for node in graph["nodes"] for name in node["tensors"]}
    found: dict[str, Any] = named.get(key) or {node["id"]: node for node in graph["nodes"]}[key]
    return found


@pytest.mark.parametrize("name", NETS)
def test_model_explorer_finds_the_operators(name: str) -> None:
    content, known = NETS[name], RECORD["models"][name]
    assert hashlib.sha256(content).hexdigest() == known["sha256"], "another model: run scripts/model_explorer"
    model = parse_tflite(content)
    (graph,) = known["graphs"]
    assert graph_name(content) == graph["id"]
    keys = node_keys(model)
    for operator in model.operators:
        if operator.index in keys:
            node = node_of(graph, keys[operator.index])
            assert (node["id"], node["label"]) == (str(operator.index), operator.kind.lower())


def test_only_what_cannot_be_told_apart_is_left_out() -> None:
    """An operator whose output's name is another's too, and whose id is the name of a third."""
    found = {name: node_keys(parse_tflite(content)) for name, content in NETS.items()}
    assert found["one name twice"] == {0: "0", 1: "1", 2: "last"}
    assert found["without names"] == {0: "0", 1: "1", 2: "2"}
    assert found["names like ids"] == {0: "2", 1: "0", 2: "1"}
    assert found["an id that is a name"] == {1: "1", 2: "0"}
    graph = RECORD["models"]["an id that is a name"]["graphs"][0]
    assert node_of(graph, "0")["id"] == "2"


def test_a_file_is_as_model_explorer_reads_it(tmp_path: Path) -> None:
    model = parse_tflite(NETS["named"])
    data = NodeData("flash", "flash, bytes", {2: 30, 1: 20}, "#f0a33f")
    (path,) = write_node_data((data,), model, tmp_path)
    assert path == tmp_path / "flash.json"
    assert json.loads(path.read_text()) == {
        "main": {
            "name": "flash, bytes",
            "results": {"<b>scores;scores</b>": {"value": 20}, model.tensors[6].name: {"value": 30}},
            "gradient": [{"stop": 0, "bgColor": "#ffffff"}, {"stop": 1, "bgColor": "#f0a33f"}],
        }
    }


def test_figures_stand_at_their_operators() -> None:
    """A layer of two operators has its costs at the first, so that sums are right, and its memory at both."""
    whole = sample_report(hostile=False)
    assert whole.firmware is not None
    layers = tuple(
        Layer(index, "CONV_2D", f"tensor {index}", "int8", ((1, 4),), ((1, 4),), 100, step)
        for index, step in enumerate((0, None, 1, 1, 2, 3))
    )
    cells = (OperatorRow("2 CONV_2D", (None, OperatorCell(0.25, 0.5, ""))), OperatorRow("4 ADD", (None, None)))
    report = replace(whole, layers=layers, operators=Operators("", ("a", "b/c"), cells))
    found = {one.stem: dict(one.values) for one in node_data(report)}
    rows = whole.firmware.layers
    flash = [row.code_bytes + row.constant_bytes for row in rows]
    assert found == {
        "own-error-b-c": {2: 0.25},
        "instructions": {0: rows[0].instructions, 2: rows[1].instructions, 4: rows[2].instructions,
                         5: rows[3].instructions},
        "flash": {0: flash[0], 2: flash[1], 4: flash[2], 5: flash[3]},
        "ram": {index: rows[step].arena_bytes for index, step in ((0, 0), (2, 1), (3, 1), (4, 2), (5, 3))},
    }  # fmt: skip


def test_without_firmware_and_differences_there_is_nothing_to_show() -> None:
    bare = replace(sample_report(hostile=False), firmware=None, operators=None)
    assert node_data(bare) == ()
    assert [one.section for one in left_out(())] == ["node data"]
    assert left_out(node_data(sample_report(hostile=False))) == ()


def test_nothing_is_written_where_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "ram.json").mkdir()
    data = tuple(NodeData(stem, stem, {0: 1}, "#ffffff") for stem in ("flash", "ram"))
    with pytest.raises(StorageError):
        write_node_data(data, parse_tflite(NETS["named"]), tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["ram.json"]
