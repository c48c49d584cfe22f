"""Dumps of a compiled model: complete, plain, and readable."""

from __future__ import annotations

import json

from edgemnist.compiler.dump import DUMPS, Dump
from edgemnist.compiler.memory import plan
from tests.compiler.bench import Variant, build_program
from tests.compiler.random_graphs import random_network
from tests.compiler.test_fusions import model
from tests.compiler.test_residual import RESIDUAL


def test_a_graph_names_what_was_fused_and_every_tensor() -> None:
    program = build_program(model(*RESIDUAL["3x3"]), Variant())

    values = DUMPS["graph"](program, plan(program))

    assert [node["operator"].split(" ", 2)[2] for node in values["nodes"]] == ["CONV_2D", "CONV_2D+ADD"]
    assert [node["operator"] for node in values["nodes"][1]["fused"]] == ["operator 2 ADD"]
    tensors = {tensor["index"]: tensor for tensor in values["tensors"]}
    assert {index for node in values["nodes"] for index in node["inputs"]} <= set(tensors)
    (entry,) = values["inputs"]
    assert tensors[entry]["shape"] == [1, 6, 6, 2] and not tensors[entry]["constant"]
    assert tensors[values["nodes"][0]["inputs"][1]]["constant"]


def test_a_program_has_every_field_under_its_name() -> None:
    program = build_program(model(*RESIDUAL["3x3"]), Variant())

    step = DUMPS["program"](program, plan(program))["steps"][1]

    assert step["kernel"] == "em_conv_2d_add" and step["struct"] == "em_conv_2d_add_params"
    assert step["fields"]["conv"]["output"].keys() == {"zero_point", "minimum", "maximum"}
    assert step["fields"]["residual_is_a"] in (0, 1)
    assert [array["name"] for array in step["arrays"]] == ["weights", "channels", "shifts"]


def test_a_plan_has_every_buffer_in_the_arena() -> None:
    for seed in range(4):
        program = build_program(random_network(seed).content, Variant())
        layout = plan(program)

        values = DUMPS["plan"](program, layout)

        assert len(values["buffers"]) == len(layout.placed)
        assert max(buffer["offset"] + buffer["bytes"] for buffer in values["buffers"]) <= values["arena_bytes"]
        scratch = [buffer["first_step"] for buffer in values["buffers"] if buffer["tensor"] is None]
        assert sorted(scratch) == [number for number, step in enumerate(program.steps) if step.scratch]


def test_every_value_is_plain() -> None:
    for seed in range(4):
        program = build_program(random_network(seed).content, Variant(sparse="always"))
        for kind, values_of in DUMPS.items():
            dump = Dump(kind, values_of(program, plan(program)))
            assert json.loads(json.dumps(dump.as_json())) == dump.as_json()


def test_records_of_the_text_start_with_a_dash() -> None:
    values = {"size": 4, "none": [], "list": [1, 2], "parts": [{"name": "a", "inside": {"b": None}}, {"name": "c"}]}

    assert Dump("plan", values).as_text().splitlines() == [
        "size: 4", "none:", "list: 1, 2", "parts:", "  - name: a", "    inside:", "      b:", "  - name: c",
    ]  # fmt: skip
