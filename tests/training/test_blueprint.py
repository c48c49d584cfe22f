"""Blueprints as values and as files: what is written is read again, shapes are Keras's, and every slip is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from edgemnist import cli
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import InputError
from edgemnist.training.architectures import architecture_of, build_model, find_architecture
from edgemnist.training.blueprint import (
    HEADS,
    KINDS,
    LARGEST_FILE,
    MOST_BLOCKS,
    PADDINGS,
    Block,
    Blueprint,
    BlueprintRecipe,
    blueprint_from,
    read_blueprint,
)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,39}", fullmatch=True)
RATES = st.floats(0, 1, allow_nan=False)
RECIPES = st.builds(
    BlueprintRecipe,
    epochs=st.integers(1, 10**6),
    learning_rate=RATES,
    augmentation=RATES,
    label_smoothing=RATES,
    averaging=st.booleans(),
)


@st.composite
def blocks(draw: st.DrawFn, most_channels: int = 512) -> Block:
    """Return any block that is allowed."""
    kind = draw(st.sampled_from(list(KINDS)))
    fixed = kind in ("residual", "bottleneck")
    return Block(
        kind=kind,
        channels=draw(st.integers(1, most_channels)),
        kernel=draw(st.integers(1, 11)),
        stride=draw(st.integers(1, 4)),
        padding="same" if fixed else draw(st.sampled_from(PADDINGS)),
        pool=draw(st.booleans()),
        expansion=draw(st.integers(1, 8)) if kind == "bottleneck" else 1,
        squeeze=draw(st.integers(0, 16)),
    )


def blueprints(most_blocks: int = MOST_BLOCKS, most_channels: int = 512) -> st.SearchStrategy[Blueprint]:
    """Return blueprints of so many blocks."""
    return st.builds(
        Blueprint,
        name=NAMES,
        blocks=st.lists(blocks(most_channels), min_size=1, max_size=most_blocks).map(tuple),
        head=st.sampled_from(list(HEADS)),
        recipe=RECIPES,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(blueprint=blueprints())
def test_what_is_written_is_read(blueprint: Blueprint, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(blueprint.as_toml(), encoding="utf-8")

    assert read_blueprint(path) == blueprint
    assert blueprint_from(json.loads(json.dumps(blueprint.as_json()))) == blueprint
    assert find_architecture(str(path)).blueprint == blueprint


def fits(blueprint: Blueprint, side: int) -> bool:
    """Return whether images of a side are large enough."""
    try:
        list(blueprint.shapes((side, side, 1)))
    except InputError:
        return False
    return True


@given(blueprint=blueprints())
@example(Blueprint(name="huge", blocks=(Block(channels=1, stride=4, pool=True),) * MOST_BLOCKS))
def test_the_smallest_side_is_the_smallest_that_fits(blueprint: Blueprint) -> None:
    side = blueprint.smallest_side()
    assume(side < 2**50)  # a float has no more digits; nobody has such images

    assert fits(blueprint, side)
    assert not fits(blueprint, side - 1)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    blueprint=blueprints(3, 6), more=st.tuples(st.integers(0, 5), st.integers(0, 5)), channels=st.sampled_from((1, 3))
)
def test_shapes_are_those_of_keras(blueprint: Blueprint, more: tuple[int, int], channels: int) -> None:
    side = blueprint.smallest_side()
    assume(side <= 150)
    load_tensorflow()[1].backend.clear_session()
    shape = (side + more[0], side + more[1], channels)
    model = build_model(architecture_of(blueprint), shape, 4, seed=1)
    ends: dict[str, tuple[int, ...]] = {}
    for layer in model.layers:
        prefix, _, part = layer.name.partition("_")
        if prefix.startswith("block") and part not in ("squeeze", "fewer", "gate"):
            ends[prefix] = tuple(layer.output_shape[1:])

    assert [shape, *ends.values()] == list(blueprint.shapes(shape))
    with pytest.raises(InputError, match=f"needs at least {side}x{side}x1"):
        build_model(architecture_of(blueprint), (side - 1, side + 9, 1), 4, seed=1)


WHOLE = 'name = "net"\n[[blocks]]\nchannels = 8\n'


@pytest.mark.unit
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "name and blocks is missing"),
        ('name = "net"', "blocks is missing"),
        ('name = "net"\nblocks = []', "an architecture of 0 blocks; give 1 to 40"),
        ('name = "net"\n' + "[[blocks]]\nchannels = 8\n" * 41, "an architecture of 41 blocks; give 1 to 40"),
        ('name = "net"\nblocks = 3', "blocks are tables, each with [[blocks]] above it"),
        ('name = "net"\nblocks = "conv"', "blocks are tables, each with [[blocks]] above it"),
        ('name = "net"\n[blocks]\nchannels = 8', "blocks are tables, each with [[blocks]] above it"),
        ('name = "net"\nblocks = [3]', "block 1: 3 is not a table"),
        (f"{WHOLE}[[blocks]]\nkind = 'conv'", "block 2: channels is missing"),
        (f"{WHOLE}chanels = 8", "block 1: unknown key 'chanels'; did you mean 'channels'?"),
        (f"heads = 'average'\n{WHOLE}", "unknown key 'heads'; did you mean 'head'?"),
        (WHOLE.replace("8", '"8"'), "block 1: channels '8' of a block is out of range; give a whole number 1 to 512"),
        (WHOLE.replace("8", "true"), "channels True of a block is out of range"),
        (WHOLE.replace("8", "8.0"), "channels 8.0 of a block is out of range"),
        (WHOLE.replace("8", "0"), "channels 0 of a block is out of range"),
        (WHOLE.replace("8", "513"), "channels 513 of a block is out of range"),
        (WHOLE.replace("8", "1" * 5000), "digits"),
        (f"{WHOLE}kernel = 12", "kernel 12 of a block is out of range; give a whole number 1 to 11"),
        (f"{WHOLE}stride = 5", "stride 5 of a block is out of range; give a whole number 1 to 4"),
        (f"{WHOLE}squeeze = -1", "squeeze -1 of a block is out of range; give a whole number 0 to 16"),
        (f"{WHOLE}pool = 1", "pool 1 of a block is neither true nor false"),
        (f"{WHOLE}expansion = 2", "expansion 2 is of bottlenecks, this block is of kind 'conv'"),
        (f"{WHOLE}kind = 'seperable'", "unknown kind of block 'seperable'; did you mean 'separable'?"),
        (f"{WHOLE}kind = 5", "kind of block 5 is no text; choose one of conv, separable, residual, bottleneck"),
        (f"{WHOLE}kind = ['conv']", "kind of block ['conv'] is no text"),
        (f"{WHOLE}padding = 1", "padding 1 is no text; choose one of same, valid"),
        (f"{WHOLE}padding = 'valid'\nkind = 'residual'", "padding 'valid' would change the size of what a residual"),
        (f"head = [1]\n{WHOLE}", "head [1] is no text; choose one of average, flatten"),
        (f"head = 'avrage'\n{WHOLE}", "unknown head 'avrage'; did you mean 'average'?"),
        (WHOLE.replace('"net"', "5"), "5 is no name of an architecture"),
        (WHOLE.replace("net", "my net"), "'my net' is no name of an architecture; begin with a letter"),
        (f"recipe = 3\n{WHOLE}", "recipe: 3 is not a table"),
        (f"{WHOLE}[recipe]\nepoch = 3", "recipe: unknown key 'epoch'; did you mean 'epochs'?"),
        (f"{WHOLE}[recipe]\nepochs = '3'", "recipe: epochs '3' of a recipe is not of the kind of 40"),
        (f"{WHOLE}[recipe]\nlearning_rate = true", "learning_rate True of a recipe is not of the kind of 0.01"),
        (f"{WHOLE}[recipe]\naveraging = 1", "averaging 1 of a recipe is not of the kind of True"),
        ("name = net", "is not TOML: "),
        ("a = " + "[" * 40_000, "cannot be read: "),
        (WHOLE + "#" * LARGEST_FILE, "has more than 100,000 bytes"),
    ],
)
def test_a_wrong_file_is_told(content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.toml"
    path.write_text(content)

    assert cli.run(["train", "--arch", str(path), "--work", str(tmp_path / "work")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert str(path) in error
    assert "Traceback" not in error


@pytest.mark.unit
def test_a_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for name, said in (
        ("none.toml", "cannot be read: No such file"),
        ("folder.toml", "cannot be read: Is a directory"),
        ("bytes.toml", "is not TOML: "),
    ):
        assert cli.run(["train", "--arch", str(tmp_path / name), "--work", str(tmp_path / "work")]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.unit
@pytest.mark.parametrize("value", [None, 3, "text", [1]])
def test_values_that_are_no_table_are_told(value: Any) -> None:
    with pytest.raises(InputError, match="is not a table"):
        blueprint_from(value)
