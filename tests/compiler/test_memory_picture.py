"""The picture of the arena as data: every tensor opaque and where the plan has it, overlaps hatched, names readable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.memory_map import as_text
from edgemnist.compiler.memory_picture import memory_figure
from edgemnist.support.palette import DARK, LIGHT, drawn_dark
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.figures import foreign_colours, problems

pytestmark = pytest.mark.unit


def compiled(layers: int) -> tuple[Program, Plan]:
    """Return a net of so many steps, named as a converter does it."""
    builder = ModelBuilder()
    last = builder.input((1, 12, 12, 4), 0.1, 0, name="serving_default_input_1:0")
    for number in range(layers):
        kind = ("CONV_2D", "DEPTHWISE_CONV_2D")[number % 2]
        name = f"net/batch_normalization_{number}/FusedBatchNormV3;net/convolution_{number}/{kind.title()}"
        last = builder.op("LOGISTIC", [last], (1, 12, 12, 4), 1 / 256, -128, name=name)
    return compile_model(parse_tflite(builder.finish([last])), CodegenSettings())


def parts(figure: Any, kind: str) -> list[Any]:
    return [patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == kind]


@pytest.mark.parametrize("layers", [1, 5, 100])
def test_names_can_be_read(layers: int) -> None:
    program, plan = compiled(layers)
    figure = memory_figure(program, plan, "net")
    assert problems(figure) == []
    labels = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    assert len(labels) == layers
    assert labels[0].startswith("0 ")
    assert "576 B" in labels[0]
    assert all(axes.get_ylabel() == "address in the arena, bytes" for axes in figure.axes)
    assert "step" in figure.axes[-1].get_xlabel()
    assert figure.get_figwidth() < 20
    assert figure.legends


def test_a_block_is_opaque_and_where_the_plan_has_it(real_models: Path) -> None:
    program, plan = compile_model(parse_tflite((real_models / "compact_int8.tflite").read_bytes()), CodegenSettings())
    with drawn_dark(True):
        figure = memory_figure(program, plan, "net")
    blocks = parts(figure, "block")
    assert [(one.get_y(), one.get_height()) for one in blocks] == [
        (item.offset, item.buffer.size) for item in plan.placed
    ]
    assert all(one.get_alpha() is None and one.get_facecolor()[3] == 1.0 for one in blocks)
    overlaps = parts(figure, "overlap")
    assert overlaps
    assert all(one.get_hatch() for one in overlaps)
    for one in overlaps:  # two blocks are there
        x, y = one.get_x() + one.get_width() / 2, one.get_y() + one.get_height() / 2
        there = [b for b in blocks if 0 < x - b.get_x() < b.get_width() and 0 < y - b.get_y() < b.get_height()]
        assert len(there) == 2
    assert foreign_colours(figure, DARK) == set()
    assert problems(figure) == []


def test_a_name_lies_within_its_block(real_models: Path) -> None:
    program, plan = compile_model(parse_tflite((real_models / "compact_int8.tflite").read_bytes()), CodegenSettings())
    figure = memory_figure(program, plan, "net")
    blocks = {item.buffer.name: patch for item, patch in zip(plan.placed, parts(figure, "block"), strict=True)}
    renderer = figure.canvas.get_renderer()
    named = {text.get_text().split("\n")[0]: text for axes in figure.axes for text in axes.texts}
    found = [name for name in named if name in blocks]
    assert {"input_2", "conv2d_3", "conv2d_5"} <= set(found)
    for name in found:
        frame, text = blocks[name].get_window_extent(renderer), named[name].get_window_extent(renderer)
        assert frame.x0 <= text.x0 < text.x1 <= frame.x1
        assert frame.y0 <= text.y0 < text.y1 <= frame.y1
    assert foreign_colours(figure, LIGHT) == set()


def test_the_text_has_the_short_names(real_models: Path) -> None:
    program, plan = compile_model(parse_tflite((real_models / "compact_int8.tflite").read_bytes()), CodegenSettings())
    text = as_text(program, plan, "net")
    assert " depthwise_conv2d_3\n" in text
    rows = re.findall(r"^ *(\d+) +(\d+) +(\d+)  (\d+)-(\d+) ", text, re.MULTILINE)
    assert [tuple(map(int, row[:3])) for row in rows] == [
        (item.offset, item.end, item.buffer.size) for item in plan.placed
    ]
    assert "FusedBatchNorm" not in text


def test_tensors_that_the_compiler_adds_have_names_of_their_own(real_models: Path) -> None:
    """A net of uint8 is compiled as one of int8: its input is there twice."""
    net = real_models / "public" / "141_cpetig_mobilenet_v1_0_25_160_quantized.tflite"
    _, plan = compile_model(parse_tflite(net.read_bytes()), CodegenSettings())
    names = [item.buffer.name for item in plan.placed]
    assert len(set(names)) == len(names)
    assert {"input", "Conv2d_0", "Predictions"} <= set(names)
