"""Each core's model on short sequences whose cycles its manual gives, or, for Cortex-M7 and M33, its stated rules."""

from __future__ import annotations

import pytest

from edgemnist.mcu.cycles import MODELS
from edgemnist.mcu.profile import ENTRY
from edgemnist.mcu.timing.instruction import Disassembler
from tests.mcu.cycle_profiles import ORIGIN, cycles, machine_code, placed, straight

pytestmark = pytest.mark.unit

ARMV6M = (
    ("adds r0, r1, r2", "1888", 1, 1),
    ("muls r0, r1, r0", "4348", 1, 1),
    ("ldr r0, [r1]", "6808", 2, 2),
    ("two loads", "6808 681a", 4, 4),
    ("str r0, [r1, #4]", "6048", 2, 2),
    ("ldm r0!, {r1-r3}", "c80e", 4, 4),
    ("push {r4-r6, lr}", "b570", 5, 5),
    ("pop {r4-r6}", "bc70", 4, 4),
    ("mrs r0, apsr", "f3ef 8000", 4, 3),
)
"""(sequence, code, cycles on Cortex-M0: DDI 0432C table 3-1, on Cortex-M0+: DDI 0484C table 3-1)"""

ARMV7M = (
    ("adds r0, r1, r2", "1888", 1, 1),
    ("ldr r0, [r1]", "6808", 2, 2),
    ("ldr r0, [r1]; ldr r2, [r3]", "6808 681a", 3, 3),
    ("ldr r0, [r1, r5]; ldr r1, [r2]; ldr r2, [r3, #4]", "5948 6811 685a", 4, 4),
    ("ldr r0, [r1]; ldr r2, [r0]", "6808 6802", 4, 4),
    ("ldr r0, [r1, r2]; str r0, [r3, #20]", "5888 6158", 3, 3),
    ("ldr r0, [r1, r2]; str r1, [r3, r2]", "5888 5099", 3, 3),
    ("str r0, [r1, #4]", "6048", 1, 1),
    ("str r0, [r1, r2]", "5088", 2, 2),
    ("str r0, [r1]; ldr r2, [r3]", "6008 681a", 4, 4),
    ("adds r1, #4; ldr r0, [r1]", "3104 6808", 4, 4),
    ("ldrb r0, [r1], #1; ldrb r2, [r3], #1", "f811 0b01 f813 2b01", 4, 3),
    ("ldrb r0, [r1], #1; ldrb r2, [r1], #1", "f811 0b01 f811 2b01", 4, 4),
    ("ldm r0!, {r1-r3}", "c80e", 4, 4),
    ("push {r4-r6, lr}", "b570", 5, 5),
    ("ldrd r0, r1, [r2]", "e9d2 0100", 3, 3),
    ("strd r0, r1, [r2]", "e9c2 0100", 3, 3),
    ("mul r0, r1, r2", "fb01 f002", 1, 1),
    ("mla r0, r1, r2, r3", "fb01 3002", 2, 1),
    ("smull r0, r1, r2, r3", "fb82 0103", 4, 1),
    ("smlal r0, r1, r2, r3", "fbc2 0103", 6, 1),
    ("sdiv r0, r1, r2", "fb91 f0f2", 7, 7),
    ("it eq; addeq r0, r1", "bf08 1840", 2, 2),
)
"""(sequence, code, cycles on Cortex-M3: manual 100165, on Cortex-M4: manual 100166); ranges at their middle, to even"""

ARMV7EM = (
    ("smlad r0, r1, r2, r3", "fb21 3002", 1),
    ("vadd.f32 s0, s1, s2", "ee30 0a81", 1),
    ("vadd.f32 s0, s1, s2; vmul.f32 s3, s0, s1", "ee30 0a81 ee60 1a20", 3),
    ("vmla.f32 s0, s1, s2", "ee00 0a81", 3),
    ("vdiv.f32 s0, s1, s2", "ee80 0a81", 14),
    ("vldr s0, [r0]", "ed90 0a00", 2),
    ("vldmia r0!, {s0-s3}", "ecb0 0a04", 5),
    ("vmov r0, r1, s0, s1", "ec51 0a10", 2),
)
"""(sequence, code, cycles on Cortex-M4)"""

SCOREBOARD = (
    ("add.w r0, r1, r2; add.w r3, r4, r5", "eb01 0002 eb04 0305", 1, 2),
    ("mul r0, r1, r2; mul r3, r4, r5", "fb01 f002 fb04 f305", 2, 2),
    ("ldr r0, [r1]; adds r2, r0, r3", "6808 18c2", 2, 3),
    ("ldr r0, [r1]; ldr r2, [r0]", "6808 6802", 3, 3),
    ("smlad r0, r1, r2, r3; adds r4, r0, r5", "fb21 3002 1944", 3, 3),
    ("smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", "fb21 0002 fb23 0004", 2, 2),
    ("add.w r0, r1, r2; str r0, [r3]", "eb01 0002 6018", 1, 2),
    ("adds r0, r1, r2; nop", "1888 bf00", 1, 1),
    ("ldm r0!, {r1-r3}", "c80e", 2, 3),
    ("muls r0, r1, r0", "4348", 1, 2),
    ("ldm r0!, {r1-r3}; sxtb16 r4, r1", "c80e fa2f f481", 3, 4),
    ("ldm r0!, {r1-r3}; sxtb16 r4, r3", "c80e fa2f f483", 4, 5),
    ("ldrd r1, r2, [r0]; adds r3, r1, r1", "e9d0 1200 184b", 2, 3),
    ("ldrd r1, r2, [r0]; adds r3, r2, r2", "e9d0 1200 1893", 2, 4),
)
"""(sequence, code, cycles on Cortex-M7, on Cortex-M33)"""

CASES = [
    *((core, name, code, (first, second)[index]) for name, code, first, second in ARMV6M
      for index, core in enumerate(("cortex-m0", "cortex-m0plus"))),
    *((core, name, code, (first, second)[index]) for name, code, first, second in ARMV7M
      for index, core in enumerate(("cortex-m3", "cortex-m4"))),
    *(("cortex-m4", name, code, want) for name, code, want in ARMV7EM),
    *((core, name, code, (first, second)[index]) for name, code, first, second in SCOREBOARD
      for index, core in enumerate(("cortex-m7", "cortex-m33"))),
]  # fmt: skip


@pytest.mark.parametrize(("core", "code", "want"), [pytest.param(core, code, want, id=f"{core}: {name}")
                                                    for core, name, code, want in CASES])  # fmt: skip
def test_sequence(core: str, code: str, want: int) -> None:
    """A block costs what the manual says."""
    found = cycles(core, straight(machine_code(code)))
    assert found.cycles == want
    assert not found.unknown
    assert found.low <= found.cycles <= found.high


@pytest.mark.parametrize(
    ("core", "code", "low", "high"),
    [
        ("cortex-m3", "fb91 f0f2", 2, 12),
        ("cortex-m4", "fb91 f0f2", 2, 12),
        ("cortex-m3", "fb82 0103", 3, 5),
        ("cortex-m3", "fbc2 0103", 4, 7),
    ],
)
def test_manual_ranges_are_the_bounds(core: str, code: str, low: int, high: int) -> None:
    """Divides and Cortex-M3's long multiplies end early: their range is at least the estimate's."""
    found = cycles(core, straight(machine_code(code), times=1000))
    assert (found.low, found.high) == (1000 * low, 1000 * high)


@pytest.mark.parametrize(
    ("core", "code", "low", "high"),
    [
        ("cortex-m4", "1888 bf08 1840", 2, 3),  # an IT folded into the adds before it, or not
        ("cortex-m3", "f8d1 0000 f8d3 2000", 3, 4),  # two wide loads that overlap, or not
        ("cortex-m3", "6008 ca0a", 4, 5),  # str, ldm of two
        ("cortex-m7", "c80e", 2, 3),
        ("cortex-m33", "fb21 3002", 1, 1),  # smlad
        ("cortex-m33", "fbc2 0103", 1, 2),  # smlal
    ],
)
def test_ranges_without_a_count_of_their_own(core: str, code: str, low: int, high: int) -> None:
    """What the manual or a measurement says may happen is in the bounds."""
    block = Disassembler(armv8=MODELS[core].armv8).block(machine_code(code), ORIGIN)
    costs = MODELS[core].block(block)
    assert (sum(cost.low for cost in costs), sum(cost.high for cost in costs)) == (low, high)


LOOP = {ORIGIN: "3801 d1fd", ORIGIN + 4: "4770"}  # subs r0, #1; bne .-2 / bx lr
LOOP_EDGES = {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN): 9, (ORIGIN, ORIGIN + 4): 1}


@pytest.mark.parametrize(
    ("core", "taken"), [("cortex-m0", 3), ("cortex-m0plus", 2), ("cortex-m3", 2), ("cortex-m4", 2), ("cortex-m33", 2)]
)
def test_taken_branch(core: str, taken: int) -> None:
    """Nine jumps back and one fall-through; on Cortex-M33 the branch that falls through issues for nothing."""
    fallen_through = 0 if core == "cortex-m33" else 1
    assert cycles(core, placed(LOOP, LOOP_EDGES)).cycles == 10 + 9 * taken + fallen_through + 1


def test_mispredicted_branch() -> None:
    """Cortex-M7 pays for the way that a branch rarely goes, once."""
    once = cycles("cortex-m7", placed(LOOP, LOOP_EDGES)).cycles
    always = cycles("cortex-m7", placed(LOOP, {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN): 10})).cycles
    assert 6 <= once - always + 1 <= 8


@pytest.mark.parametrize(("address", "want"), [(ORIGIN, 2), (ORIGIN + 2, 3)])
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4"])
def test_branch_to_a_wide_instruction_across_words(core: str, address: int, want: int) -> None:
    """A 32-bit target that lies across two words refills one cycle longer."""
    source = ORIGIN + 0x100
    profile = placed({source: "e77e", address: "eb01 0002"}, {(ENTRY, source): 1, (source, address): 1})
    assert cycles(core, profile).cycles == want + 1


@pytest.mark.parametrize(
    ("core", "call", "back", "pop"),
    [("cortex-m0", 4, 3, 5), ("cortex-m0plus", 3, 2, 4), ("cortex-m3", 2, 3, 6), ("cortex-m4", 2, 3, 6)],
)
def test_call_and_return(core: str, call: int, back: int, pop: int) -> None:
    """BL, BX LR and POP {r4, pc}: the manuals' counts; on Cortex-M3 and M4 1 + P and 1 + N + P, P from 1 to 3."""
    caller, function, after = ORIGIN, ORIGIN + 0x40, ORIGIN + 4
    edges = {(ENTRY, caller): 1, (caller, function): 1, (function, after): 1}
    with_bx = placed({caller: "f000 f81e", function: "4770", after: "bf00"}, edges)
    with_pop = placed({caller: "f000 f81e", function: "bd10", after: "bf00"}, edges)
    assert cycles(core, with_bx).cycles == call + back + 1
    assert cycles(core, with_pop).cycles == call + pop + 1


def test_no_jump_without_a_branch() -> None:
    """A block that ends elsewhere, as a translated block may, costs nothing more when another follows."""
    profile = placed({ORIGIN: "1888", ORIGIN + 2: "1888"}, {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN + 2): 1})
    moved = placed({ORIGIN: "1888", ORIGIN + 8: "1888"}, {(ENTRY, ORIGIN): 1, (ORIGIN, ORIGIN + 8): 1})
    assert cycles("cortex-m4", profile).cycles == cycles("cortex-m4", moved).cycles == 2
