"""Counts of known models, awkward files, and the command."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist import cli
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import OperatorInfo, TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.inspection import MOST_SUBGRAPHS, Inspection, inspect, require_int8
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.state_nets import Keeps, with_variables
from tests.compiler.test_operators_lstm import TABLE as CELLS
from tests.compiler.test_operators_svdf import TABLE as FILTERS
from tests.compiler.test_state import NETS
from tests.csource.files import TINY_MODEL, model, tensor

# MACs, parameters after batch-norm folding, peak live activations in bytes and the operator where they peak.
KNOWN = {
    "compact_int8": (157_064, 4_306, 4_704, 2),
    "compact_float": (157_064, 4_306, 18_816, 2),
    "seedcnn_int8": (2_631_040, 225_034, 27_040, 1),
    "dense_int8": (101_632, 101_770, 1_568, 0),
    "kws_ref_model": (2_656_768, 22_604, 16_000, 1),
    "pretrainedResnet_quant": (12_501_632, 77_706, 49_152, 2),
}


@pytest.mark.parametrize("name", KNOWN)
def test_counts_of_known_models(real_models: Path, name: str) -> None:
    found = inspect(read_tflite(real_models / f"{name}.tflite"))
    assert (found.macs, found.parameters, found.peak_activation_bytes, found.peak_operator) == KNOWN[name]
    assert found.weight_bytes + found.bias_bytes + found.file_overhead_bytes == found.size
    assert found.uncounted == ()


def test_tiny_model_in_detail() -> None:
    found = inspect(read_tflite(TINY_MODEL))
    convolution = found.operators[0]
    assert (convolution.kind, convolution.version, convolution.macs) == ("CONV_2D", 3, 4 * 4 * 2 * 3 * 3)
    assert (convolution.weight_shape, convolution.weight_bytes, convolution.bias_bytes) == ((2, 3, 3, 1), 18, 8)
    assert convolution.weight_quantisation is not None
    assert convolution.weight_quantisation.channels == 2
    assert convolution.live_bytes == 4 * 4 + 4 * 4 * 2
    assert found.inputs[0].quantisation is not None
    assert found.inputs[0].quantisation.zero_point == -128


def with_operators(base: TfliteModel, *operators: OperatorInfo) -> TfliteModel:
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}
    return TfliteModel(**{**fields, "operators": operators})


def test_unknown_operators_are_named_not_counted() -> None:
    custom = OperatorInfo(0, "CUSTOM:mystery", 1, (0,), (1,), {})
    found = inspect(with_operators(model([tensor(0, (1, 4))], [tensor(1, (1, 2))]), custom))
    assert found.macs == 0
    assert found.uncounted == ("CUSTOM:mystery",)


@pytest.mark.parametrize(
    ("content", "states", "macs"),
    [
        (FILTERS["bytes in rows"].model(), [("memory", 80)], 2 * (10 * 6 + 10 * 4)),
        (CELLS["batch, time major"].model(), [("hidden", 15), ("cell", 30)], 6 * 4 * (5 * 6 + 5 * 5)),
        (NETS["windows"].content, [("stream_0/states", 24), ("stream_1/states", 12)], None),
    ],
)
def test_states_are_listed_and_what_has_them_counted(
    content: bytes, states: list[tuple[str, int]], macs: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = inspect(parse_tflite(content))
    assert [(one.name, one.bytes) for one in found.states] == states
    assert macs is None or (found.macs, found.uncounted) == (macs, ())
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    assert cli.run(["inspect", str(path)]) == 0
    printed = capsys.readouterr().out
    assert f"states: {len(states)} in {sum(size for _, size in states)} bytes, kept from one inference" in printed
    assert all(name in printed for name, _ in states)


def test_residual_tensor_stays_alive() -> None:
    """0 -> 1 -> 2, then 3 = add(0, 2): tensor 0 waits for the end."""
    chain = model([tensor(0, (1, 100))], [tensor(1, (1, 10)), tensor(2, (1, 100)), tensor(3, (1, 100))])
    operators = (
        OperatorInfo(0, "RELU", 1, (0,), (1,), {}),
        OperatorInfo(1, "RELU", 1, (1,), (2,), {}),
        OperatorInfo(2, "ADD", 1, (0, 2), (3,), {}),
    )
    fields = {name: getattr(chain, name) for name in chain.__dataclass_fields__}
    found = inspect(TfliteModel(**{**fields, "operators": operators, "outputs": (3,)}))
    assert [operator.live_bytes for operator in found.operators] == [110, 210, 300]
    assert (found.peak_activation_bytes, found.peak_operator) == (300, 2)


def test_model_without_operators() -> None:
    found = inspect(model([tensor(0, (1, 4))], [tensor(1, (1, 2))]))
    assert (found.peak_activation_bytes, found.peak_operator, found.macs) == (0, -1, 0)


def test_convolution_without_weights_is_refused() -> None:
    broken = OperatorInfo(0, "CONV_2D", 3, (0,), (1,), {})
    with pytest.raises(ModelError, match="lacks an input"):
        inspect(with_operators(model([tensor(0, (1, 4, 4, 1))], [tensor(1, (1, 2))]), broken))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2183), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_files_give_counts_or_a_model_error(damage: list[tuple[int, int]]) -> None:
    content = bytearray(TINY_MODEL.read_bytes())
    for position, value in damage:
        content[position] = value
    try:
        found = inspect(parse_tflite(bytes(content)))
    except ModelError:
        return
    assert isinstance(found, Inspection)


@pytest.mark.parametrize("length", [0, 7, 8, 100, 1000, 2100])
def test_truncated_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], length: int) -> None:
    (tmp_path / "short.tflite").write_bytes(TINY_MODEL.read_bytes()[:length])
    assert cli.run(["inspect", str(tmp_path / "short.tflite")]) == 2
    message = capsys.readouterr().err
    assert message.startswith("edgemnist: ")
    assert "Traceback" not in message


def test_command_prints_a_table_of_110_columns(real_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    assert cli.run(["inspect", str(real_models / "pretrainedResnet_quant.tflite")]) == 0
    assert time.process_time() - started < 1.0
    table, totals = capsys.readouterr().out.split("\n\n", 1)
    assert max(len(line) for line in table.splitlines()) <= 110
    assert "49,152*" in table
    assert "…" not in table
    assert "12,501,632" in totals


def test_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(TINY_MODEL), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["file"] == str(TINY_MODEL)
    assert content["operators"][0]["kind"] == "CONV_2D"
    assert content["macs"] == 294


def test_command_without_a_model_says_what_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", "--work", str(tmp_path)]) == 2
    assert "edgemnist convert --int8" in capsys.readouterr().err


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(tmp_path / "none.tflite")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_require_int8(real_models: Path) -> None:
    require_int8(read_tflite(real_models / "compact_int8.tflite"), needed_by="parity")
    with pytest.raises(ModelError, match=r"parity needs an int8 model.*float32.*edgemnist convert --int8"):
        require_int8(read_tflite(real_models / "compact_float.tflite"), needed_by="parity")


def test_every_graph_signature_and_state_is_shown(real_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(real_models / "public/184_google-a_two_signatures_a8w8.tflite")]) == 0
    said = capsys.readouterr().out
    for expected in (
        "graph 1, signature multiply:",
        "MUL v1",
        "signature add: x -> add_result (graph 0)",
        "signature multiply: x -> multiply_result (graph 1)",
    ):
        assert expected in said
    assert cli.run(["inspect", str(real_models / "public/046_esphome_alexa.tflite")]) == 0
    said = capsys.readouterr().out
    assert "states: 11 in 8,024 bytes" in said
    assert "stream_21/states int8 1x74x1x96, 7,104 bytes" in said


def test_states_are_counted_once_and_by_their_names() -> None:
    builder = ModelBuilder()
    image, before = builder.input((1, 4), 0.1, 0), builder.input((1, 4), 0.1, 0)
    builder.tensor((1, 6), 0.1, 0, name="memory", variable=True)
    after = builder.op("ADD", [image, before], (1, 4), 0.1, 0)
    again = builder.op("ADD", [after, before], (1, 4), 0.1, 0)
    content = with_variables(builder.finish([after, again]), [Keeps(1, 0, np.zeros((1, 4), np.int8))])
    found = inspect(parse_tflite(content))
    assert [(one.kind, one.shape, one.bytes) for one in found.states] == [
        ("variable", (1, 4), 4),
        ("tensor", (1, 6), 6),
    ]
    assert [one.kind for graph in found.further for one in graph.operators] == ["VAR_HANDLE", "ASSIGN_VARIABLE"]


def test_of_many_graphs_some_are_shown_and_the_others_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ModelBuilder()
    output = builder.op("RELU", [builder.input((1, 4), 0.1, 0)], (1, 4), 0.1, 0)
    (tmp_path / "many.tflite").write_bytes(builder.finish([output], subgraphs=MOST_SUBGRAPHS + 3))
    assert cli.run(["inspect", str(tmp_path / "many.tflite")]) == 0
    said = capsys.readouterr().out
    assert said.count("RELU v") == MOST_SUBGRAPHS
    assert f"the file has {MOST_SUBGRAPHS + 3} graphs; the last 3 are not shown" in said
