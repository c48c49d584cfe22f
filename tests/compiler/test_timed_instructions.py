"""Every instruction that a kernel executes is in the tables of the cycle models of the cores that execute it."""

from __future__ import annotations

import pytest

from edgemnist.compiler.memory import plan
from edgemnist.mcu.boards import boards, find_board
from edgemnist.mcu.build import BuildSettings, for_core
from edgemnist.mcu.cores import find_core
from edgemnist.mcu.cycles import MODELS, CycleEstimate, estimate
from edgemnist.mcu.profile import ExecutionProfile
from tests.compiler.bench import SMALL, Variant, build_program
from tests.compiler.emulated import Machine, build_networks
from tests.compiler.layers import random_images
from tests.compiler.test_emulated_layers import available, bodies_table
from tests.compiler.test_sparse_layers import layer_table
from tests.mcu import firmware

CORES = tuple(core for core in MODELS if core != "cortex-m0")  # its code is Cortex-M0+'s
BOARDS = {board.core.name: name for name, board in boards().items() if board.core.unicorn is not None}


def unknown(core: str, profile: ExecutionProfile) -> dict[str, int]:
    """Return the mnemonics in no table of the core's model; there has to be something executed."""
    found = estimate(core, profile)
    assert isinstance(found, CycleEstimate)
    assert found.instructions > 0
    return dict(found.unknown)


@pytest.mark.parametrize("toolchain", ["gnu", "zig"])
@pytest.mark.parametrize("core", CORES)
def test_of_a_net(core: str, toolchain: str) -> None:
    """With every common kind of layer."""
    board = find_board(BOARDS[core])
    image = firmware.image(board.name, toolchain, for_core(BuildSettings(), board))
    (profile,) = firmware.run(image, "unicorn", firmware.inputs(1), profiled=1).profiles
    assert unknown(core, profile.whole) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("toolchain", "optimisation"), [("gnu", "-O2"), ("zig", "-O2"), ("gnu", SMALL)])
@pytest.mark.parametrize("core", CORES)
def test_of_every_body(core: str, toolchain: str, optimisation: str) -> None:
    """Dense and sparse layers of the sizes that kernels tell apart: for each core, toolchain and level others."""
    if not available(toolchain, core):
        pytest.skip(f"{toolchain} is not installed")
    first = CORES.index(core) + 2 * (toolchain == "zig") + (optimisation == SMALL)
    drawn = [(case, "never") for case in list(bodies_table().values())[first % 5 :: 5]]
    drawn += [(case, "always") for case in list(layer_table().values())[first % 10 :: 10]]
    programs = [build_program(case.content(), Variant(target=core, sparse=sparse)) for case, sparse in drawn]
    networks = [(program, plan(program)) for program in programs]
    machine = Machine(build_networks(networks, find_core(core), toolchain, optimisation), find_core(core))
    for number, ((case, _), (program, layout)) in enumerate(zip(drawn, networks, strict=True)):
        profile = machine.profile(number, program, layout, random_images((1, *case.size), case.seed)[:1])
        assert unknown(core, profile) == {}, case
