"""Which way a layer is computed in: the cheapest, by counts on an emulated core or by the table of such counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.choice import BYTE_WORTH, Costed, choose
from edgemnist.compiler.costs import costs_of
from edgemnist.compiler.generate import CodegenSettings, compile_model, generate
from edgemnist.compiler.graph import Node
from edgemnist.compiler.ops.base import LayerCounts, Sparsity, Step, Way
from edgemnist.compiler.ops.fields import CArray
from edgemnist.compiler.targets import TARGETS
from edgemnist.mcu import counting
from edgemnist.mcu.build import BuildSettings
from edgemnist.mcu.counting import count_layers
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.layers import Layers
from tests.compiler.test_emulated_layers import available
from tests.compiler.test_sparse_layers import pruned_net, pruned_pointwise_net

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "counted-layers"


def require(core: str) -> None:
    if not available("zig", core) and not available("gnu", core):
        pytest.skip("no cross compiler is installed")


def way(instructions: float | None, size: int, *, sparse: bool) -> Costed:
    """Return a way to compute a layer, with so many bytes of constants."""
    node = Node("CONV_2D", (), (), {}, (0,))
    step = Step(
        node=node, header="", function="f", struct_type="", parameters=(), inputs=(), outputs=(),
        arrays=(CArray("weights", "int8_t", np.zeros(size, np.int64)),),
        sparsity=Sparsity(1, 2, size) if sparse else None,
        body="em_sparse_conv_2d" if sparse else "em_conv_2d",
    )  # fmt: skip
    return Costed(step, Way(sparse=sparse, pixels=4 * sparse), instructions)


@pytest.mark.parametrize(
    ("dense", "sparse", "wins"),
    [
        ((1000, 5000), (900, 4000), True),
        ((1000, 5000), (1100, 4000), False),  # slower
        ((1000, 5000), (900, 6000), False),  # larger
        ((None, 5000), (900, 4000), False),  # nobody knows
        ((1000, 5000), (None, 4000), False),
    ],
)
def test_a_sparse_layer_is_no_loss(
    dense: tuple[float | None, int], sparse: tuple[float | None, int], wins: bool
) -> None:
    (step,) = choose([[way(*dense, sparse=False), way(*sparse, sparse=True)]])

    assert (step.sparsity is not None) == wins
    assert [one.chosen for one in step.candidates] == [not wins, wins]


@pytest.mark.parametrize(("doubt", "wins"), [(0.0, True), (0.1, True), (0.2, False)])
def test_an_estimate_has_to_be_better_by_what_it_may_be_off(doubt: float, *, wins: bool) -> None:
    sparse = replace(way(900, 4000, sparse=True), doubt=doubt)

    (step,) = choose([[way(1000, 5000, sparse=False), sparse]])

    assert (step.sparsity is not None) == wins


@pytest.mark.parametrize(("saved", "first"), [(7 * 32 + 1, False), (7 * 32 - 1, True)])
def test_bytes_have_to_be_worth_it(saved: int, first: bool) -> None:
    """Seven bytes more pay by some thirty instructions each."""
    layer = [way(10_000, 100, sparse=False), way(10_000 - saved, 107, sparse=False)]

    (step,) = choose([layer])

    assert step.candidates[0].chosen == first


def test_why_not_tells_the_differences() -> None:
    (step,) = choose([[way(1000, 5000, sparse=False), way(900, 4000, sparse=True)]])

    refused, taken = step.candidates
    assert refused.why_not(taken) == "100 instructions more, 1,000 bytes more"
    assert taken.why_not(taken) == ""


def test_counts_decide() -> None:
    """The same net, with counts that say otherwise than the table does."""
    model, settings = pruned_net(0.8), CodegenSettings(target="cortex-m3")
    ways = compile_model(model, settings)[0].ways
    assert max(ways) > 1
    cheap = LayerCounts(tuple(tuple(float(9_000 - 1000 * one) for one in range(count)) for count in ways), "here")
    dear = LayerCounts(tuple(tuple(float(9_000 + 1000 * one) for one in range(count)) for count in ways), "here")

    found = [compile_model(model, replace(settings, counts={"cortex-m3": counts}))[0] for counts in (cheap, dear)]

    assert [step.sparsity is not None for step in found[0].steps] == [True] * 4
    assert [step.sparsity is not None for step in found[1].steps] == [False] * 4
    assert {program.instructions_from for program in found} == {"here"}


@pytest.mark.parametrize("core", CORES)
def test_counted_layers_are_kept(core: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is built, and the choice is the same."""
    require(core)
    model, settings = pruned_net(0.8), CodegenSettings(target=core)
    first = count_layers(model, settings, BuildSettings())
    assert len(list(cache.glob("*.json"))) == max(compile_model(model, settings)[0].ways)

    def nothing(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(counting, "build_firmware", nothing)
    assert count_layers(model, settings, BuildSettings()) == first
    assert all(count > 0 for layer in first.counts[core].instructions for count in layer)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("net", [lambda: pruned_net(0.8), lambda: pruned_pointwise_net(0.6)])
def test_the_table_is_not_far_off(core: str, net: Callable[[], TfliteModel]) -> None:
    """Its estimates, of layers that were not counted for it; what it chooses is no loss in counted instructions."""
    require(core)
    model, settings = net(), CodegenSettings(target=core)
    counts = count_layers(model, settings, BuildSettings(toolchain="auto")).counts[core].instructions
    costs, chosen = costs_of(TARGETS[core]), compile_model(model, settings)[0].steps
    rounds = [compile_model(model, replace(settings, round=number))[0].steps for number in range(max(map(len, counts)))]
    dense, taken = np.zeros(2), np.zeros(2)
    for layer, each in enumerate(counts):
        for number, counted in enumerate(each):
            step = rounds[number][layer]
            estimated = costs.instructions(step)
            assert estimated is not None
            assert abs(estimated - counted) <= 0.35 * counted + 2000, step.function
            found = np.array([counted, counted + BYTE_WORTH * step.constant_bytes])
            dense += found if number == 0 else 0
            if (step.function, step.parameters) == (chosen[layer].function, chosen[layer].parameters):
                taken += found
    assert taken[0] <= 1.02 * dense[0]
    assert taken[1] < dense[1]


def test_the_manifest_tells_every_candidate() -> None:
    document = generate(pruned_net(0.8), CodegenSettings(target="cortex-m3")).as_json()

    assert document["instructions_from"].startswith(
        "estimated from layers that were counted on an emulated Arm Cortex-M3"
    )
    for step in document["steps"]:
        candidates = step["candidates"]
        assert len(candidates) > 1
        assert sum(one["chosen"] for one in candidates) == 1
        assert all(one["instructions"] > 0 and one["bytes"] > 0 for one in candidates)
        assert all(one["why_not"] for one in candidates if not one["chosen"])


def test_a_target_that_nobody_counted_stays_dense() -> None:
    program, _ = compile_model(pruned_net(0.8), CodegenSettings(target="cortex-a72"))

    assert all(step.sparsity is None for step in program.steps)
    assert "nobody counted" in program.instructions_from


def test_layers_without_an_emulated_core_are_not_counted() -> None:
    with pytest.raises(InputError, match="'x86-64' can't be counted, no emulator has it; choose any, portable, cort"):
        count_layers(pruned_net(0.8), CodegenSettings(target="x86-64"), BuildSettings())


def chain_of(channels: int) -> TfliteModel:
    """Return a net of two convolutions with so many channels."""
    layers = Layers.seeded(5)
    value = layers.conv(layers.input((1, 12, 12, channels)), channels)
    return parse_tflite(layers.finish(layers.conv(value, channels)))


@pytest.mark.parametrize(("channels", "portable"), [(3, True), (48, False)])
def test_on_riscv_few_channels_are_left_to_the_portable_bodies(channels: int, *, portable: bool) -> None:
    """To put pixels into words costs more there than the products save."""
    program, _ = compile_model(chain_of(channels), CodegenSettings(target="rv32"))

    assert program.settings.portable_bodies == portable
