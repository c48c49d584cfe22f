"""What nets execute on every modelled core, and what its cycle model charges: ``scripts/calibrate_cycles nets``."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.firmware.subject import choose_inputs
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import named_subject
from edgemnist.mcu.boards import Board, boards
from edgemnist.mcu.build import BuildSettings, build_firmware, for_core
from edgemnist.mcu.cycles import MODELS, CycleEstimate, estimate
from edgemnist.mcu.emulators.base import emulators
from edgemnist.mcu.execution import run_emulated
from edgemnist.mcu.profile import ExecutionProfile
from edgemnist.mcu.timing.blocks import Blocks
from edgemnist.mcu.timing.calibration import COUNTED, MOST
from edgemnist.mcu.timing.mix import Mix, mix_of_blocks
from edgemnist.support.errors import InputError

NETS = ("compact_int8", "seedcnn_int8", "kws_ref_model", "pretrainedResnet_quant", "dense_int8")
CORES = tuple(core for core in MODELS if core != "cortex-m0")
"""A chip with a Cortex-M0 has no memory for all of them; its code is Cortex-M0+'s."""


@dataclass(frozen=True)
class Executed:
    """An operation: its share of all instructions, and words that it moves and cycles that its model charges, each."""

    operation: str
    kind: str
    share: float
    words: float
    cycles: float


@dataclass(frozen=True)
class Net:
    """One net's mix and estimate. ``across_words``: runs of three and more 32-bit instructions that lie across words.

    On Cortex-M3 and M4 such a run may take a cycle more, which isn't in the estimate.
    """

    name: str
    mix: Mix
    across_words: int
    cycles: int
    low: int
    high: int
    unknown: dict[str, int]


def nets_of(folder: str | None) -> list[Path]:
    """Return the nets' files in a folder.

    :raises InputError: no folder, or a file is missing.
    """
    if not folder:
        raise InputError("EDGEMNIST_MODELS does not name a folder with the nets")
    paths = [Path(folder) / f"{name}.tflite" for name in NETS]
    if missing := [path.name for path in paths if not path.exists()]:
        raise InputError(f"{folder} lacks {', '.join(missing)}")
    return paths


def board_of(core: str) -> Board:
    """Return the board with that core that has most memory."""
    return max(
        (board for board in boards().values() if board.core.name == core), key=lambda one: (one.ram.bytes, one.name)
    )


def profile_of(path: Path, board: Board, toolchain: str, optimise: str) -> ExecutionProfile:
    """Return what one inference of a net executes."""
    chosen = choose_inputs(named_subject(path), "random", 1, FeedingSettings())
    build = for_core(BuildSettings(toolchain=toolchain, optimise=optimise), board)
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as folder:
        image = build_firmware(chosen.model, board, build, Path(folder) / "image")
    image.raise_too_large()
    return run_emulated(image, emulators()["unicorn"], chosen.inputs, profiled=1).profiles[0].whole


def across_words(blocks: Blocks) -> int:
    """Return how often a third 32-bit instruction in a row lies across two words."""
    found = 0
    for start, times in blocks.executions.items():
        address, run = start, 0
        for instruction in blocks.instructions[start]:
            run = run + 1 if not instruction.narrow and address % 4 else 0
            found += times * (run == 3)
            address += instruction.size
    return found


class Core:
    """Everything that the nets execute on one core."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nets: list[Net] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._words: Counter[tuple[str, str]] = Counter()
        self._cycles: dict[tuple[str, str], float] = {}

    def add(self, name: str, profile: ExecutionProfile) -> None:
        """Add a net. Waits of flash are left out, so that boards don't matter."""
        model = MODELS[self.name]
        blocks = Blocks(profile, armv8=model.armv8)
        for address, times in blocks.executions.items():
            instructions = blocks.instructions[address]
            for instruction, cost in zip(instructions, model.block(instructions), strict=True):
                key = (instruction.operation, instruction.kind.value)
                self._counts[key] += times
                self._words[key] += times * instruction.words
                self._cycles[key] = self._cycles.get(key, 0.0) + times * cost.expected
        said = estimate(self.name, profile)
        assert isinstance(said, CycleEstimate)
        figures = (said.cycles, said.low, said.high, dict(said.unknown))
        self.nets.append(Net(name, mix_of_blocks(blocks), across_words(blocks), *figures))

    @property
    def executed(self) -> list[Executed]:
        """Return every operation, most frequent first."""
        total = sum(self._counts.values())
        return [
            Executed(*key, times / total, self._words[key] / times, self._cycles[key] / times)
            for key, times in self._counts.most_common()
        ]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        most = dict(zip(COUNTED, MOST[self.name], strict=True))
        return {
            "core": self.name,
            "most_compared": most,
            "nets": [asdict(net) for net in self.nets],
            "executed": [asdict(one) for one in self.executed],
        }

    def lines(self) -> Iterator[str]:
        """Return it for people."""
        yield f"\n{self.name}: in 100 instructions"
        titles = (*COUNTED, "others", "across words")
        yield f"  {'net':24}" + "".join(f"{title.replace('_', ' '):>14}" for title in titles) + "  cycles (range)"
        for net in self.nets:
            shares = [getattr(net.mix, name) for name in (*COUNTED, "others")] + [net.across_words]
            row = "".join(f"{100 * share / net.mix.instructions:14.1f}" for share in shares)
            yield f"  {net.name:24}{row}  {net.cycles:,} ({net.low:,} to {net.high:,})"
        yield f"  {'most in compared code':24}" + "".join(f"{100 * most:14.1f}" for most in MOST[self.name])
        yield f"  {'operation':12} {'%':>8} {'words':>6} {'cycles':>7}  class"
        for one in self.executed:
            yield f"  {one.operation:12} {100 * one.share:8.3f} {one.words:6.2f} {one.cycles:7.2f}  {one.kind}"
        if lost := {name: times for net in self.nets for name, times in net.unknown.items()}:
            yield f"  in no table: {lost}"


def measure(toolchain: str, optimise: str, cores: Sequence[str] = CORES) -> list[Core]:
    """Return what the nets of ``EDGEMNIST_MODELS`` execute on each core.

    :raises EdgeMnistError: a net, compiler or emulator is missing.
    """
    found = []
    for name in cores:
        core = Core(name)
        for path in nets_of(os.environ.get("EDGEMNIST_MODELS")):
            core.add(path.stem, profile_of(path, board_of(name), toolchain, optimise))
        found.append(core)
    return found
