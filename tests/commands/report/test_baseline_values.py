"""What is explained and what not, which layers are the same, and which answers are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.commands.report.baseline.accuracy import accuracy_change
from edgemnist.commands.report.baseline.costs import Both
from edgemnist.commands.report.baseline.growth import compared
from edgemnist.commands.report.baseline.interleaved import reported
from edgemnist.commands.report.baseline.matching import groups_of, name_of, shape_of, shapes_of
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Firmware, ImageAnswers, Layer, LayerRow, MemoryBlock, MemoryMap, Range
from edgemnist.support.errors import InputError
from tests.commands.report.sample import sample_report

pytestmark = pytest.mark.unit

TOLERANCE = 0.02


def layer(index: int, kind: str, width: int = 8, *, step: int | None = -1, file_bytes: int = 1000) -> Layer:
    own = index if step == -1 else step
    return Layer(index, kind, f"out {index}", "int8", ((1, 4),), ((1, width),), file_bytes, own)


def release(
    layers: Sequence[Layer],
    instructions: Sequence[float],
    *,
    code: Sequence[int] | None = None,
    shared: int = 3000,
    outside: float = 100.0,
    file_rest: int = 500,
    blocks: Sequence[MemoryBlock] = (),
) -> Report:
    """Return a report of a model with these layers; each has 200 bytes of constants, 300 of code unless told."""
    whole = sample_report(hostile=False)
    assert whole.firmware is not None
    assert whole.memory is not None
    codes = code or [300] * len(instructions)
    rows = tuple(
        LayerRow(f"operator {step}", 10, count, None, own, 200, None)
        for step, (count, own) in enumerate(zip(instructions, codes, strict=True))
    )
    total = sum(instructions) + outside
    own_code = shared + sum(codes)
    firmware: Firmware = replace(
        whole.firmware, layers=rows, instructions=Range(total, total, total), model_code_bytes=own_code,
        flash_bytes=5000 + own_code + 200 * len(rows),
    )  # fmt: skip
    made = blocks or [MemoryBlock(f"b{step}", False, 0, 1000, step, step) for step in range(len(rows))]
    arena = max(one.offset + one.bytes for one in made)
    memory = MemoryMap("cortex-m4", arena, 1000, 1000, tuple(row.operator for row in rows), tuple(made))
    size = file_rest + sum(one.file_bytes for one in layers)
    return replace(
        whole, layers=tuple(layers), firmware=firmware, memory=memory, subject=replace(whole.subject, bytes=size)
    )  # fmt: skip


TWO = [layer(0, "CONV_2D"), layer(1, "SOFTMAX")]
OLD = release(TWO, [50_000, 2_000])


def states(old: Report, new: Report) -> dict[str, str]:
    return {one.name: one.state for one in compared(Both.of(old, new), TOLERANCE).findings}


def details(old: Report, new: Report) -> dict[str, str]:
    return {one.name: one.detail for one in compared(Both.of(old, new), TOLERANCE).findings}


# --- growth ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "failed"),
    [
        (OLD, []),
        (release(TWO, [50_900, 2_000]), []),
        (release(TWO, [51_500, 2_000]), ["instructions"]),
        (release(TWO, [50_000, 2_600]), ["instructions"]),
        (release(TWO, [50_000, 2_400]), []),
        (release(TWO, [40_000, 2_600]), ["instructions"]),
        (release(TWO, [50_000, 2_000], outside=1_400.0), ["instructions"]),
        (release(TWO, [50_000, 2_000], file_rest=700), ["file size"]),
        (release(TWO, [50_000, 2_000], file_rest=600), []),
        (release(TWO, [50_000, 2_000], shared=3_400), ["flash"]),
        (release(TWO, [50_000, 2_000], code=[300, 450]), ["flash"]),
        (release(TWO, [50_000, 2_000], code=[300, 450], shared=2_800), []),
        (release([TWO[0], layer(1, "RELU"), layer(2, "SOFTMAX")], [50_000, 9_000, 2_000], shared=4_000), []),
        (release([TWO[0], layer(1, "RELU"), layer(2, "SOFTMAX")], [52_000, 9_000, 2_000]), ["instructions"]),
        (release([layer(0, "CONV_2D", 16, file_bytes=9_000), TWO[1]], [150_000, 2_000]), []),
        (release([layer(0, "CONV_2D", 16), TWO[1]], [10_000, 2_000], outside=9_000.0), ["instructions"]),
    ],
)
def test_only_growth_that_no_other_layer_explains_fails(new: Report, failed: list[str]) -> None:
    assert [name for name, state in states(OLD, new).items() if state == "failed"] == failed


def test_what_is_said_of_unexplained_growth() -> None:
    said = details(OLD, release(TWO, [56_000, 2_000]))["instructions"]
    assert said == (
        "52,100 → 58,100 (+11.5%); expected at most 53,142 (52,100, +0 in layers that are not the same, "
        "+1,042 allowed), got 58,100; layer 0 CONV_2D: expected at most 51,000, got 56,000"
    )


def arena(*blocks: tuple[int, int, int, int]) -> list[MemoryBlock]:
    """Return blocks of (offset, bytes, first step, last step)."""
    return [MemoryBlock(f"b{number}", False, *one) for number, one in enumerate(blocks)]


@pytest.mark.parametrize(
    ("layers", "blocks", "state"),
    [
        (TWO, arena((0, 1000, 0, 1), (1000, 100, 1, 1)), "passed"),
        (TWO, arena((0, 1000, 0, 1), (1000, 500, 1, 1)), "failed"),
        # The new layer itself needs as much, or what it made is still needed in a layer that is the same.
        ([TWO[0], layer(1, "RELU")], arena((0, 1000, 0, 0), (0, 1500, 1, 1)), "passed"),
        ([layer(0, "RELU"), TWO[1]], arena((0, 1000, 0, 1), (1000, 500, 1, 1)), "passed"),
        # It needs less than the arena is, and no other layer more.
        ([TWO[0], layer(1, "RELU")], arena((0, 1000, 0, 0), (500, 700, 0, 0), (0, 900, 1, 1)), "failed"),
    ],
)
def test_the_arena_grows_for_what_other_layers_need(layers: list[Layer], blocks: list[MemoryBlock], state: str) -> None:
    assert states(OLD, release(layers, [50_000, 2_000], blocks=blocks))["arena"] == state


@pytest.mark.parametrize(("kind", "expected"), [("RELU", (-400.0, 0.0)), ("SOFTMAX", (0.0, -400.0))])
def test_a_smaller_arena_is_so_for_other_layers_where_there_are_any(kind: str, expected: tuple[float, float]) -> None:
    new = release([TWO[0], layer(1, kind)], [50_000, 2_000], blocks=arena((0, 600, 0, 0), (0, 200, 1, 1)))
    growths = {one.name: one for one in compared(Both.of(OLD, new), TOLERANCE).growths}
    assert (growths["arena"].in_changed_layers, growths["arena"].in_the_rest) == expected


def test_a_layers_part_of_the_arena_costs_nothing_where_the_whole_is_no_larger() -> None:
    old = release(TWO, [50_000, 2_000], blocks=arena((0, 1000, 0, 0), (0, 300, 1, 1)))
    new = release(TWO, [50_000, 2_000], blocks=arena((0, 1000, 0, 0), (0, 900, 1, 1)))
    found = compared(Both.of(old, new), TOLERANCE)
    assert states(old, new)["arena"] == "passed"
    assert [one.unexplained for one in found.layers] == [(), ()]


def test_without_layers_growth_is_noted_and_no_growth_passes() -> None:
    unknown = replace(OLD, layers=())
    assert set(states(unknown, OLD).values()) == {"passed"}
    grown = release(TWO, [90_000, 2_000])
    found = compared(Both.of(unknown, grown), TOLERANCE)
    assert [(one.in_changed_layers, one.in_the_rest) for one in found.growths] == [(None, None)] * 4
    assert states(unknown, grown)["instructions"] == "noted"
    assert "name the older .tflite" in details(unknown, grown)["instructions"]


def test_other_boards_and_compilers_are_not_compared() -> None:
    assert OLD.firmware is not None
    assert OLD.memory is not None
    elsewhere = replace(OLD, firmware=replace(OLD.firmware, board="microbit", compiler="gcc 1"))
    assert details(elsewhere, OLD)["flash"].startswith("not compared: the baseline's is of microbit, the model's of ")
    assert "gcc 1" in details(elsewhere, OLD)["instructions"]
    targets = replace(OLD, memory=replace(OLD.memory, target="host"))
    assert details(targets, OLD)["arena"] == "not compared: the baseline's is of host, the model's of cortex-m4"
    assert details(replace(OLD, firmware=None), OLD)["flash"] == "not compared: the baseline has none"


def test_times_of_a_report_are_not_judged() -> None:
    pairs, findings = reported(OLD, OLD)
    assert [one.ratio for one in pairs] == [None] * 3
    assert [one.state for one in findings] == ["noted"]


# --- layers ----------------------------------------------------------------------------------------------------------


def test_a_lost_fusion_is_no_new_layer() -> None:
    """Two operators that one step computed cost more in two: they are compared together."""
    fused = [layer(0, "CONV_2D", step=0), layer(1, "MAX_POOL_2D", step=0), layer(2, "SOFTMAX", step=1)]
    apart = [layer(0, "CONV_2D"), layer(1, "MAX_POOL_2D"), layer(2, "SOFTMAX")]
    found = groups_of(fused, apart)
    assert [(one.state, name_of(one.model)) for one in found] == [
        ("same", "0 CONV_2D + 1 MAX_POOL_2D"), ("same", "2 SOFTMAX"),
    ]  # fmt: skip
    old, new = release(fused, [50_000, 2_000]), release(apart, [50_000, 9_000, 2_000])
    assert states(old, new)["instructions"] == "failed"
    assert "layer 0 CONV_2D + 1 MAX_POOL_2D: expected at most 51,000, got 59,000" in details(old, new)["instructions"]


def test_a_layer_of_another_shape_stands_beside_the_one_that_it_was() -> None:
    old = [layer(0, "CONV_2D"), layer(1, "CONV_2D", 16), layer(2, "RELU", 16), layer(3, "SOFTMAX")]
    new = [layer(0, "CONV_2D"), layer(1, "CONV_2D", 32), layer(2, "ADD", 32), layer(3, "SOFTMAX"), layer(4, "RELU")]
    found = groups_of(old, new)
    assert [(one.state, name_of(one.baseline), name_of(one.model)) for one in found] == [
        ("same", "0 CONV_2D", "0 CONV_2D"), ("changed", "1 CONV_2D", "1 CONV_2D"), ("gone", "2 RELU", ""),
        ("new", "", "2 ADD"), ("same", "3 SOFTMAX", "3 SOFTMAX"), ("new", "", "4 RELU"),
    ]  # fmt: skip
    assert shapes_of(found[1]) == "1x4 to 1x32 (was 1x4 to 1x16)"


def test_a_layer_that_is_fused_with_a_new_one_is_changed() -> None:
    new = [layer(0, "CONV_2D", step=0), layer(1, "RELU", step=0), layer(2, "SOFTMAX", step=1)]
    assert [one.state for one in groups_of(TWO, new)] == ["changed", "same"]
    assert [one.state for one in groups_of(new, TWO)] == ["changed", "same"]


def test_shapes_and_names_for_people() -> None:
    one = replace(TWO[0], inputs=((1, 28, 28, 1), (8, 3, 3, 1), ()), outputs=((1, 14, 14, 8),))
    assert shape_of([one]) == "1x28x28x1, 8x3x3x1, scalar to 1x14x14x8"
    assert (shape_of([]), name_of([])) == ("", "")


KINDS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 2), st.booleans()), max_size=8)


def chain(kinds: list[tuple[str, int, bool]]) -> list[Layer]:
    """Return layers; one that is true is computed in the step before it, if there is one."""
    step, found = -1, []
    for index, (kind, width, fused) in enumerate(kinds):
        step += 0 if fused and step >= 0 else 1
        found.append(layer(index, kind, width, step=step))
    return found


@given(KINDS, KINDS)
def test_every_layer_is_in_one_group(one: list[tuple[str, int, bool]], other: list[tuple[str, int, bool]]) -> None:
    old, new = chain(one), chain(other)
    found = groups_of(old, new)
    assert sorted(each.index for group in found for each in group.baseline) == list(range(len(old)))
    assert sorted(each.index for group in found for each in group.model) == list(range(len(new)))
    for group in found:
        kinds = [[(each.kind, each.outputs) for each in side] for side in (group.baseline, group.model)]
        assert (kinds[0] == kinds[1]) or group.state != "same"
    assert all(group.state == "same" for group in groups_of(old, old))


@given(KINDS, KINDS, st.integers(0, 3))
def test_growth_is_in_other_layers_or_elsewhere(
    one: list[tuple[str, int, bool]], other: list[tuple[str, int, bool]], factor: int
) -> None:
    reports = []
    for kinds in (one, other):
        layers = chain(kinds)
        steps = len({each.step for each in layers})
        blocks = arena((0, 1000, 0, 0)) if not steps else []
        reports.append(release(layers, [1000.0 * (factor + step) for step in range(steps)], blocks=blocks))
    for growth in compared(Both.of(*reports), TOLERANCE).growths:
        if growth.in_changed_layers is not None and growth.in_the_rest is not None:
            parts = growth.in_changed_layers + growth.in_the_rest
            assert parts == pytest.approx(growth.model - growth.baseline)


# --- accuracy --------------------------------------------------------------------------------------------------------


def answered(predictions: str, labels: str = "1 " * 60, **others: Any) -> Report:
    """Return a report with an answer to each of 60 images, all of class 1."""
    whole = sample_report(hostile=False)
    answers = ImageAnswers("a in b", "ef" * 32, (28, 28, 1), labels.strip(), predictions.strip())
    return replace(whole, answers=replace(answers, **others))


ALL_RIGHT, TEN_WRONG = answered("1 " * 60), answered("1 " * 50 + "0 " * 10)


def test_a_loss_beyond_chance_fails_and_one_within_does_not() -> None:
    """Of 10 discordant images McNemar's exact test makes 2 / 2^10, of 5 it makes 2 / 2^5."""
    change, finding = accuracy_change(ALL_RIGHT, TEN_WRONG)
    assert change is not None
    assert (change.paired, change.only_baseline, change.only_model) == (True, 10, 0)
    assert change.p_value == pytest.approx(2 / 2**10)
    assert change.gain.mean == pytest.approx(-10 / 60)
    assert finding.state == "failed"
    assert accuracy_change(TEN_WRONG, ALL_RIGHT)[1].state == "passed"
    change, finding = accuracy_change(ALL_RIGHT, answered("1 " * 55 + "0 " * 5))
    assert change is not None
    assert change.p_value == pytest.approx(2 / 2**5)
    assert finding.state == "passed"
    assert "p = 0.0625" in finding.detail


@pytest.mark.parametrize(
    ("baseline", "why"),
    [
        (replace(ALL_RIGHT, answers=None), "no answers to single images"),
        (answered("1 " * 30, "1 " * 30), "give --images 30"),
        (answered("1 " * 60, "1 " * 59 + "0"), "of other images"),
        (answered("1 " * 60, images_sha256="00" * 32), "of other images"),
    ],
)
def test_other_images_are_not_paired(baseline: Report, why: str) -> None:
    change, finding = accuracy_change(baseline, ALL_RIGHT)
    assert change is not None
    assert (change.paired, change.p_value) == (False, None)
    assert change.gain.standard_error > 0
    assert finding.state == "noted"
    assert why in finding.detail


def test_the_same_images_at_another_size_are_paired() -> None:
    change, _ = accuracy_change(answered("1 " * 60, images_sha256="00" * 32, image_shape=(32, 32, 1)), ALL_RIGHT)
    assert change is not None
    assert change.paired
    assert "by their labels, at 32x32x1 and 28x28x1 pixels" in change.basis


def test_classes_in_another_order_are_the_same_classes() -> None:
    names = tuple(reversed(ALL_RIGHT.images.class_names))
    turned = replace(answered("8 " * 60, "8 " * 60), images=replace(ALL_RIGHT.images, class_names=names))
    change, _ = accuracy_change(turned, TEN_WRONG)
    assert change is not None
    assert (change.paired, change.only_baseline) == (True, 10)


def test_a_loss_that_is_not_paired_fails_beyond_two_standard_errors() -> None:
    old = replace(ALL_RIGHT, answers=None)
    assert old.confusion is not None
    worse = replace(old, confusion=replace(old.confusion, counts=((50, 50), (50, 50))))
    assert accuracy_change(old, worse)[1].state == "failed"
    assert accuracy_change(worse, old)[1].state == "noted"
    nothing = replace(old, confusion=None)
    assert accuracy_change(nothing, old)[0] is None


def test_other_datasets_are_not_compared() -> None:
    other = replace(ALL_RIGHT, images=replace(ALL_RIGHT.images, dataset="other"))
    change, finding = accuracy_change(other, ALL_RIGHT)
    assert change is None
    assert (finding.state, finding.detail[:12]) == ("noted", "not compared")


@pytest.mark.parametrize("predictions", ["1 2 x", "1", "", "9" * 30])
def test_damaged_answers_are_refused(predictions: str) -> None:
    with pytest.raises(InputError, match="damaged"):
        accuracy_change(answered(predictions), ALL_RIGHT)
