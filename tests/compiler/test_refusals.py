"""Refusals: a line for each kind of problem, all kinds at once, and what to do first about a float model."""

from __future__ import annotations

from typing import Any

import pytest

from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.refusals import by_kind
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder

pytestmark = pytest.mark.unit


def refused(content: bytes) -> list[str]:
    with pytest.raises(UnsupportedModelError) as caught:
        read_graph(parse_tflite(content))
    return list(caught.value.problems)


def unknown_layers(count: int, dtype: str = "int8") -> bytes:
    """Return a chain of operators that the compiler does not know."""
    builder = ModelBuilder()
    quantised = (None, 0) if dtype == "float32" else (0.1, 0)
    last = builder.input((1, 4), *quantised, dtype=dtype)
    for number in range(count):
        last = builder.op("BITCAST", [last], (1, 4), *quantised, dtype=dtype, name=f"layer_{number}")
    return builder.finish([last])


def test_a_kind_is_one_line_with_the_operators_counted_and_three_named() -> None:
    told = refused(unknown_layers(12))
    (line,) = [one for one in told if "not supported" in one]
    assert line.startswith("operator 0 BITCAST (also 1 BITCAST, 2 BITCAST and 9 more): not supported")
    assert sum("supported are" in one for one in told) == 1
    assert len(told) == 2


def test_one_problem_is_said_as_it_is() -> None:
    assert refused(unknown_layers(1))[0] == "operator 0 BITCAST: not supported; replace the layer"


@pytest.mark.parametrize(
    ("kind", "options", "remedy"),
    [
        ("WHILE", {"cond_subgraph_index": 1, "body_subgraph_index": 2}, "with `unroll=True`"),
        ("IF", {"then_subgraph_index": 1, "else_subgraph_index": 2}, "export what is to run of the two by itself"),
    ],
)
def test_of_what_runs_graphs_the_remedy_is_said_and_not_what_is_wrong_in_these(
    kind: str, options: dict[str, Any], remedy: str
) -> None:
    builder = ModelBuilder()
    looped = builder.op(kind, [builder.input((1, 4), 0.1)], (1, 4), 0.1, **options)
    told = refused(builder.finish([builder.op("BITCAST", [looped], (1, 4), 0.1)], subgraphs=3))

    assert told[0].startswith(f"operator 0 {kind}: not supported") and remedy in told[0]
    assert len(told) == 3 and told[1].startswith("operator 1 BITCAST") and told[2].startswith("supported are")


def test_the_tensors_are_counted_and_three_named() -> None:
    told = by_kind([f"operator {n} ADD: tensor 'layer_{n}' is {n}; convert it" for n in range(5)])
    assert told == [
        "operator 0 ADD (also 1 ADD, 2 ADD and 2 more): tensor 'layer_0' (also 'layer_1', 'layer_2' and 2 more) is 0; "
        "convert it"
    ]


@pytest.mark.parametrize(
    "other",
    ["operator 1 ADD: tensor 'b' is uint8", "tensor 'b' is int4", "operator 1 ADD: tensor 'b' is int4, and more"],
)
def test_what_differs_in_more_than_place_name_and_numbers_is_another_kind(other: str) -> None:
    assert len(by_kind(["operator 0 ADD: tensor 'a' is int4", other])) == 2


def test_names_are_shortened_to_the_layer() -> None:
    name = "net/block_one/convolution_one/Conv2D;net/block_one/batch_normalisation/add;net/block_one/relu"
    assert by_kind([f"tensor {name!r} is int4"]) == ["tensor 'convolution_one' is int4"]


@pytest.mark.parametrize("name", ["it's", 'say "no"', 'it\'s "no"', "back\\slash'", "", "'"])
def test_any_name_is_one(name: str) -> None:
    (told,) = by_kind([f"tensor {name!r} is int4; convert it", f"tensor {(name + 'x')!r} is int4; convert it"])
    assert told.count("(also ") == 1


def test_of_a_float_model_the_first_line_says_how_to_make_an_int8_one() -> None:
    told = refused(unknown_layers(2, "float32"))
    assert "it computes in float32" in told[0]
    assert "`edgemnist convert --int8`" in told[0]
    assert "float32" not in " ".join(refused(unknown_layers(2)))


def test_every_kind_is_said_at_once() -> None:
    builder = ModelBuilder()
    first, second = builder.input((2, 4), 0.1, 0, name="batch"), builder.input((1, 4), 0.1, 0, name="other")
    unknown = builder.op("BITCAST", [first], (2, 4), 0.1, 0)
    wrong = builder.op("MUL", [first, second], (1, 5), 0.1, 0, name="result")
    told = "\n".join(refused(builder.finish([unknown, wrong])))
    for expected in ("BITCAST: not supported", "operator 1 MUL: shapes"):
        assert expected in told
