"""The estimate as a whole: counts, bounds, flash, unknown instructions, cores without a model, speed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.mcu.cycles import MODELS, CycleEstimate, NoTimingModel, classify, estimate
from edgemnist.mcu.profile import ENTRY, ExecutionProfile
from edgemnist.mcu.timing.classes import InstructionClass, classify_mnemonic
from edgemnist.mcu.timing.flash import Flash, fetch_stalls
from edgemnist.support.errors import InputError
from tests.mcu.cycle_profiles import ORIGIN, cycles, machine_code, placed, straight

pytestmark = pytest.mark.unit

SINGLE_ISSUE = ("cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4")
CODE = machine_code("6808 681a 1888 4348 6048 c80e b570 bc70 3104 6808 3801 bf00")
"""Armv6-M: loads, stores, lists, arithmetic."""
BLOCKS = {ORIGIN: "6808 1888 3801 d1fb", ORIGIN + 8: "4348 6048 bc70 e7f6", ORIGIN + 16: "4770"}


def branching(first: int, second: int) -> ExecutionProfile:
    """Return a profile of three blocks with jumps both ways."""
    edges = {
        (ENTRY, ORIGIN): 1,
        (ORIGIN, ORIGIN): first,
        (ORIGIN, ORIGIN + 8): second,
        (ORIGIN + 8, ORIGIN): second,
        (ORIGIN, ORIGIN + 16): 1,
    }
    return placed(BLOCKS, edges)


@pytest.mark.parametrize("core", MODELS)
def test_shares_add_up(core: str) -> None:
    """Instructions are the profile's; the classes' cycles and the stalls are the total."""
    profile = branching(70, 30)
    found = cycles(core, profile, flash_wait_states=3, flash_cache_bytes=0)
    assert found.core == core
    assert found.instructions == profile.instructions() == sum(share.instructions for share in found.shares)
    assert found.cycles == pytest.approx(sum(share.cycles for share in found.shares) + found.fetch_stalls, abs=1)
    assert found.shares == tuple(sorted(found.shares, key=lambda share: -share.cycles))
    assert found.milliseconds(1e6) == pytest.approx(found.cycles / 1000)
    assert found.model and found.basis


@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from(sorted(MODELS)))
def test_bounds_hold_the_estimate(first: int, second: int, core: str) -> None:
    """Whatever way the branches go; and a single-issue core takes a cycle for every instruction."""
    found = cycles(core, branching(first, second))
    assert 0 < found.low <= found.cycles <= found.high
    if core in SINGLE_ISSUE:
        assert found.cycles >= found.instructions


@given(
    st.lists(st.sampled_from(range(0, len(CODE), 2)), min_size=1, max_size=30),
    st.sampled_from(SINGLE_ISSUE),
)
def test_single_issue_takes_a_cycle_each(starts: list[int], core: str) -> None:
    """Any straight sequence of 16-bit instructions."""
    code = b"".join(CODE[start : start + 2] for start in starts)
    found = cycles(core, straight(code, times=3))
    assert found.cycles >= found.instructions == 3 * len(starts)


@given(st.binary(min_size=2, max_size=64), st.sampled_from(sorted(MODELS)))
def test_any_bytes_are_counted(code: bytes, core: str) -> None:
    """Bytes that are no code are counted as the profile counts them, as unknown ones, never dropped."""
    profile = straight(code[: len(code) // 2 * 2])
    found = cycles(core, profile)
    assert found.instructions == profile.instructions()
    unknown = sum(share.instructions for share in found.shares if share.kind is InstructionClass.UNKNOWN)
    assert unknown == sum(found.unknown.values())


@pytest.mark.parametrize("core", MODELS)
@pytest.mark.parametrize("cache", [0, 16, 64, 4096, None])
def test_more_wait_states_never_are_faster(core: str, cache: int | None) -> None:
    """Also a larger cache never is slower."""
    profile = branching(70, 30)
    found = [cycles(core, profile, flash_wait_states=states, flash_cache_bytes=cache) for states in range(8)]
    assert [one.cycles for one in found] == sorted(one.cycles for one in found)
    assert found[0].fetch_stalls == 0
    assert all(one.low <= one.cycles <= one.high for one in found)
    without = cycles(core, profile, flash_wait_states=5, flash_cache_bytes=0)
    assert found[5].cycles <= without.cycles


def test_fetch_stalls() -> None:
    """A line is fetched once; without a cache a jump to another line waits again, a jump inside its line doesn't."""
    far = placed({ORIGIN: "e07e", ORIGIN + 0x100: "e77e"}, {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN + 0x100): 10,
                                                           (ORIGIN + 0x100, ORIGIN): 9})  # fmt: skip
    near = placed({ORIGIN: "e7fe"}, {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN): 9})
    assert cycles("cortex-m4", far, flash_wait_states=5, flash_cache_bytes=32).fetch_stalls == 2 * 5
    assert cycles("cortex-m4", far, flash_wait_states=5, flash_cache_bytes=0).fetch_stalls == 2 * 5 + 20 * 5
    assert cycles("cortex-m4", near, flash_wait_states=5, flash_cache_bytes=0).fetch_stalls == 5 + 5


def test_a_line_that_follows_is_fetched_while_the_one_before_it_runs() -> None:
    """Of the 6 cycles of a fetch those that the line before takes to run are not waited for."""
    flash = Flash(wait_states=5, line_bytes=16, cache_bytes=0)
    long, behind = ORIGIN, ORIGIN + 64
    profile = ExecutionProfile(
        {(ENTRY, long): 1, (long, behind): 1}, {long: 64, behind: 8}, lambda at, size: bytes(size)
    )

    stalls = fetch_stalls(profile, flash, {long: 16.0, behind: 2.0})

    fetched_once = 5 * 5
    assert stalls.expected == fetched_once + (5 + 3 * (6 - 4)) + (6 - 4)


def test_assumed_cache_is_said_and_widens_the_bounds() -> None:
    """Without a figure the model names what it assumes."""
    profile = branching(70, 30)
    assumed = cycles("cortex-m4", profile, flash_wait_states=5)
    known = cycles("cortex-m4", profile, flash_wait_states=5, flash_cache_bytes=1024)
    assert "1024-byte instruction cache (assumed)" in assumed.model
    assert "assumed" not in known.model
    assert assumed.cycles == known.cycles
    assert assumed.high >= known.high


@pytest.mark.parametrize(
    ("flash", "named"),
    [
        ({"flash_wait_states": -1}, "wait states"),
        ({"flash_wait_states": 65}, "wait states"),
        ({"flash_line_bytes": 12}, "power of two"),
        ({"flash_cache_bytes": -1}, "cache"),
    ],
)
def test_flash_out_of_range(flash: dict[str, int], named: str) -> None:
    """The message names the figure."""
    with pytest.raises(InputError, match=named):
        cycles("cortex-m4", straight(CODE), **flash)


@pytest.mark.parametrize("core", ["cortex-m55", "cortex-m85", "rv32imc", "cortex-a53"])
def test_no_model(core: str) -> None:
    """A core without a model has no number."""
    found = estimate(core, straight(CODE))
    assert isinstance(found, NoTimingModel)
    assert core in found.reason and "cortex-m4" in found.reason


def test_unknown_instruction() -> None:
    """It takes one cycle, in a class of its own, and is named."""
    found = cycles("cortex-m4", straight(machine_code("1888 ee00 0e10 1888"), times=4))
    assert found.cycles == found.instructions == 12
    assert found.unknown == {"mcr": 4}


@pytest.mark.parametrize("sizes", [{}, {ORIGIN: 0}, {ORIGIN: 6}])
def test_code_that_is_not_there(sizes: dict[int, int]) -> None:
    """A block without a size, or outside of the image, is named."""
    with pytest.raises(InputError, match="0x8000"):
        cycles("cortex-m4", ExecutionProfile({(ENTRY, ORIGIN): 1}, sizes, lambda address, size: b"\x00\xbf"))


def test_nothing_executed() -> None:
    """No instructions, no cycles."""
    found = cycles("cortex-m4", ExecutionProfile({}, {}, lambda address, size: b""))
    assert (found.instructions, found.cycles, found.low, found.high) == (0, 0, 0, 0)
    assert found.cycles_per_instruction == 0


def test_parts_add_up_to_the_whole() -> None:
    """A profile that was cut in two, as by layers, costs what the whole one does: jumps count where they lead."""
    whole = branching(70, 30)
    parts = []
    for here in (True, False):
        edges = {edge: times for edge, times in whole.edges.items() if (edge[1] == ORIGIN) is here}
        parts.append(ExecutionProfile(edges, whole.sizes, whole.code))
    assert sum(cycles("cortex-m4", part).cycles for part in parts) == cycles("cortex-m4", whole).cycles


def test_classify() -> None:
    """The mix counts executions, most first."""
    mix = classify(straight(machine_code("6808 681a 1888"), times=5))
    assert mix == {InstructionClass.LOAD: 10, InstructionClass.ALU: 5}
    assert list(mix) == [InstructionClass.LOAD, InstructionClass.ALU]


@pytest.mark.parametrize(
    ("mnemonic", "kind", "conditional", "sets_flags"),
    [
        ("addseq.w", InstructionClass.ALU, True, True),
        ("ldrhs", InstructionClass.LOAD, True, False),
        ("ldrsh", InstructionClass.LOAD, False, False),
        ("bls", InstructionClass.CONDITIONAL_BRANCH, True, False),
        ("bl", InstructionClass.CALL, False, False),
        ("bleq", InstructionClass.CALL, True, False),
        ("mls", InstructionClass.MULTIPLY_ACCUMULATE, False, False),
        ("muls", InstructionClass.MULTIPLY, False, True),
        ("lsls", InstructionClass.ALU, False, True),
        ("adcs", InstructionClass.ALU, False, True),
        ("itete", InstructionClass.IT, False, False),
        ("uqadd8", InstructionClass.SIMD, False, False),
        ("sxtb16", InstructionClass.BIT_FIELD, False, False),
        ("vmla.f32", InstructionClass.FLOAT_MULTIPLY_ACCUMULATE, False, False),
        ("vmovge.f32", InstructionClass.FLOAT, True, False),
        ("wls", InstructionClass.UNKNOWN, False, False),
        ("vadd2x", InstructionClass.UNKNOWN, False, False),
    ],
)
def test_mnemonics(mnemonic: str, kind: InstructionClass, conditional: bool, sets_flags: bool) -> None:
    """Conditions, S and widths are told from names that end alike."""
    found = classify_mnemonic(mnemonic)
    assert (found.kind, found.conditional, found.sets_flags) == (kind, conditional, sets_flags)


def test_speed() -> None:
    """A profile of 2,000 blocks takes about 0.2 s; twice 0.3 s is the limit, for a loaded machine."""
    addresses = range(ORIGIN, ORIGIN + 2000 * 16, 16)
    edges = {(ENTRY, ORIGIN): 1} | {(left, left + 16): 10 for left in addresses[:-1]}
    code = CODE[:14] + machine_code("d1fd")
    profile = ExecutionProfile(edges, dict.fromkeys(addresses, 16), lambda address, size: code)
    fastest = float("inf")
    for _ in range(3):
        start = time.process_time()
        assert isinstance(estimate("cortex-m7", profile, flash_wait_states=5), CycleEstimate)
        fastest = min(fastest, time.process_time() - start)
    assert fastest < 0.6
