"""What is said of a blueprint's costs without building it is what the built net has."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgemnist.commands.convert.converter import tflite_bytes
from edgemnist.keras_io.saving import save_model
from edgemnist.keras_io.sources import load_source
from edgemnist.search.counts import HEAD, LEAST, BlockTable, Part, parts_of
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.inspection import inspect
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import architecture_of, build_model
from edgemnist.training.blueprint import Block, Blueprint

IMAGE, CLASSES = (20, 22, 1), 10
BLUEPRINTS = {
    "conv": [
        Block(channels=4, kernel=5, pool=True),
        Block(channels=6, padding="valid"),
        Block(channels=6, stride=2),
    ],
    "separable": [
        Block(channels=4, stride=2),
        Block(kind="separable", channels=7, stride=2),
        Block(kind="separable", channels=7, padding="valid"),
    ],
    "residual": [
        Block(channels=4),
        Block(kind="residual", channels=4),
        Block(kind="residual", channels=6, stride=2),
        Block(kind="residual", channels=8),
    ],
    "bottleneck": [
        Block(channels=4),
        Block(kind="bottleneck", channels=4, expansion=3),
        Block(kind="bottleneck", channels=6, stride=2),
        Block(kind="bottleneck", channels=6, expansion=2, stride=2),
    ],
}


@pytest.mark.parametrize("kind", BLUEPRINTS)
@pytest.mark.parametrize("head", ["average", "flatten"])
def test_counts_are_those_of_the_converted_net(kind: str, head: str, tmp_path: Path) -> None:
    blueprint = Blueprint(name=kind, blocks=tuple(BLUEPRINTS[kind]), head=head)
    macs: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for operator in inspect(_converted(blueprint, tmp_path)).operators:
        named = re.search(r"(block\d+)_", operator.outputs[0].name)
        name = named[1] if named else HEAD
        macs[name] += operator.macs or 0
        weights[name] += operator.weight_bytes // 4
    assert {part.name: part.macs for part in parts_of(blueprint, IMAGE, CLASSES)} == macs
    assert {part.name: part.weights for part in parts_of(blueprint, IMAGE, CLASSES)} == weights


def test_gates_are_left_out_of_the_counts_so_that_a_bound_stays_one() -> None:
    block = Block(channels=8, squeeze=2)
    gated, plain = (Blueprint(name="a", blocks=(one,)) for one in (block, replace(block, squeeze=0)))
    parts = [list(parts_of(one, IMAGE, CLASSES)) for one in (gated, plain)]
    assert [part.macs for part in parts[0]] == [part.macs for part in parts[1]]
    assert parts[0][0].key != parts[1][0].key


def test_an_image_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="too small"):
        list(parts_of(Blueprint(name="a", blocks=(Block(channels=2, kernel=5, padding="valid"),)), (4, 4, 1), 10))


def test_the_table_sums_up_what_it_knows_and_is_rather_too_low_for_what_it_does_not() -> None:
    first, second, third = (Part(f"block{n}", key, 100 * n, 1) for n, key in enumerate("abc", start=1))
    table = BlockTable()
    assert table.at_least([second]) == pytest.approx(LEAST * 200)
    table.learn([first, second], {"block1": 250.0, "block2": 400.0})
    assert table.at_least([first, second]) == 650
    assert table.at_least([first, third]) == 250 + 2.0 * 300  # the least for a multiply-accumulate was block 2's
    assert (table.errors, table.margin()) == ([], 0.02)
    table.learn([first, second], {"block1": 275.0, "block2": 400.0})
    assert table.at_least([first, second]) == 650
    assert table.errors == [pytest.approx(650 / 675 - 1)]
    assert table.margin() == pytest.approx(0.1)


def _converted(blueprint: Blueprint, folder: Path) -> TfliteModel:
    path = folder / "net.keras"
    save_model(build_model(architecture_of(blueprint), IMAGE, CLASSES, 0), path)
    return parse_tflite(tflite_bytes(load_source(path, None), ModelKind.FLOAT32, io="float32", calibration=None))
