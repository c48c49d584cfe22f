"""Is the generated C equal to the oracle? Many networks are compiled into one program and every tensor is compared.

``examine`` takes subjects (a model and its images) and returns, per subject, everything that is not exact. Each subject
becomes several C networks (:class:`Variant`): without fusions, with them, and with every buffer placed apart and all
that a step must not touch poisoned, so that the address sanitizer finds the smallest step over a border.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.ends import End, ends_of
from edgemnist.compiler.graph import Graph
from edgemnist.compiler.host_cpu import BODIES
from edgemnist.compiler.lowering import Program, lower
from edgemnist.compiler.memory import Placed, Plan, _buffers, plan
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import FUSIONS, RULES, optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.reference import run_reference, run_stream
from edgemnist.compiler.run_text import state_bytes, traced_outputs
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.host_flags import flags_here

Tensors = Mapping[int, NDArray[Any]]
"""Values by tensor index, each of shape (images, *tensor shape)."""

Inputs = Sequence[NDArray[Any]]
"""Of a network, one array for each of its inputs, each of shape (images, *input shape)."""
Observations = list[tuple[int, NDArray[Any]]]
"""What a network wrote: tensor index and values, each step's outputs, then the model's output from both functions.

Values are as the file has them: where channels are left out, the constants are back and what nobody reads is masked.
"""

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g1")


@dataclass(frozen=True)
class Toolchain:
    """A compiler with its flags, and the emulator that runs what it makes; empty: this machine."""

    name: str
    compiler: str
    flags: tuple[str, ...]
    emulator: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether the compiler, and the emulator with its system's libraries, are installed here."""
        found = all(shutil.which(name) is not None for name in (self.compiler, *self.emulator[:1]))
        return found and all(Path(name).exists() for name in self.emulator[2:])

    def __str__(self) -> str:
        return self.name


SMALL = "-Os -DEM_OPTIMISE_SIZE"
"""The flags that ask for the least code."""

SIZE_SANITISED = Toolchain("gcc -Os sanitised", "gcc", ("-std=c99", *SMALL.split(), *SANITIZERS))
"""One copy of each kernel, sizes read at run time; quick to compile."""
SPEED = Toolchain("gcc -O2", "gcc", ("-std=c99", "-O2"))
"""Each kernel inlined with its layer's sizes as constants."""
SPEED_SANITISED = Toolchain("gcc -O1 sanitised", "gcc", ("-std=c99", "-O1", "-DEM_KEEP_OPTIMISATION", *SANITIZERS))
CLANG = Toolchain("clang -O1", "clang", ("-std=c99", "-O1"))
# glibc is there, of Debian's package libc6-arm64-cross; Zig would compile musl once for each CPU and level.
_AARCH64 = ("-m", "ziglang", "cc", "-target", "aarch64-linux-gnu.2.31", "-std=c99")
_EMULATED = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
PI_4 = Toolchain("zig -O2 Cortex-A72", sys.executable, (*_AARCH64, "-mcpu=cortex_a72", "-O2"), _EMULATED)
PI_4_SIZE = replace(PI_4, name="zig -Os Cortex-A72", flags=(*_AARCH64, "-mcpu=cortex_a72", *SMALL.split()))
PI_5 = replace(PI_4, name="zig -O2 Cortex-A76", flags=(*_AARCH64, "-mcpu=cortex_a76", "-O2"))
HOST = {body: Toolchain(f"gcc -O2 {body.name}", "gcc", ("-std=c99", "-O2", *flags_here(body))) for body in BODIES}
"""For each way to run generated C on x86-64 the toolchain that makes it."""
CPLUSPLUS = Toolchain("g++ -Os", "g++", ("-x", "c++", "-std=c++17", *SMALL.split()))


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and its images: shape (images, *input shape), the batch of 1 included.

    ``more``: the same for each further input. ``witnessed`` is False where tflite-runtime 2.14 can't take the model, or
    is known to be wrong about it.
    """

    name: str
    content: bytes
    images: NDArray[Any]
    witnessed: bool = True
    more: tuple[NDArray[Any], ...] = ()

    @property
    def inputs(self) -> tuple[NDArray[Any], ...]:
        """One array for each input of the model."""
        return self.images, *self.more


@dataclass(frozen=True)
class Variant:
    """One way to compile a subject."""

    fusions: tuple[str, ...] = tuple(FUSIONS)
    apart: bool = False
    target: str = "portable"
    sparse: str = "auto"
    round: int | None = None
    """As in ``LoweringSettings``: which of its ways a layer takes, None for the one that costs least."""
    input_apart: bool = False

    def __str__(self) -> str:
        sparse = "" if self.sparse == "auto" else f", sparse {self.sparse}"
        sparse += "" if self.round is None else f", way {self.round}"
        apart = ", buffers apart" if self.apart else ""
        return f"{self.target}{sparse}, fusions {'+'.join(self.fusions) or 'none'}{apart}"


VARIANTS = (Variant(fusions=()), Variant(), Variant(apart=True))
LAST_WAY = 99
WORDS = (Variant(apart=True, target="cortex-m3"), Variant(target="cortex-m0plus", round=LAST_WAY))
"""Targets whose bodies do four pixels at a time."""


@dataclass(frozen=True, eq=False)
class Network:
    """A program and its plan, one of the networks in a bench's executable."""

    program: Program
    plan: Plan
    apart: bool = False


@dataclass
class Truth:
    """What the oracle computed, and where the witness and the numpy references disagree with it."""

    tensors: Tensors
    complaints: list[str] = field(default_factory=list)


def build_program(content: bytes, variant: Variant) -> Program:
    """Compile a model as far as the kernel calls."""
    graph = optimise(read_graph(parse_tflite(content)), variant.fusions)
    settings = LoweringSettings(
        target=variant.target, sparse=variant.sparse, round=variant.round, input_apart=variant.input_apart
    )
    return lower(graph, settings)


def plan_apart(program: Program) -> Plan:
    """Return a plan in which no two buffers touch: each starts at a multiple of 16, 16 bytes or more after the last."""
    placed, offset = [], 0
    for buffer in _buffers(program):
        placed.append(Placed(buffer, offset))
        offset += -(-buffer.size // 16) * 16 + 16
    return Plan(tuple(placed), offset, 0, 0)


def networks_of(subject: Subject, variants: Sequence[Variant]) -> Iterator[tuple[Variant, Network]]:
    """Yield the networks of a subject; one whose program is the same as an earlier one's is left out."""
    seen: set[tuple[object, ...]] = set()
    for variant in variants:
        program = build_program(subject.content, variant)
        key = (variant.apart, variant.target, variant.sparse, variant.round, identity(program.graph))
        if key not in seen:
            seen.add(key)
            yield variant, Network(program, plan_apart(program) if variant.apart else plan(program), variant.apart)


def identity(graph: Graph) -> tuple[object, ...]:
    """Return what tells the graphs apart that fusions make of one model."""
    return tuple(node.sources for node in graph.nodes), tuple((i, part.channels) for i, part in graph.kept.items())


def reference_outputs(content: bytes, images: NDArray[Any]) -> NDArray[Any]:
    """Return what the numpy reference makes of each image of a model of one input and output; computed once."""
    key = content, images.tobytes()
    if key not in _outputs:
        graph = read_graph(parse_tflite(content))
        found = [run_reference(graph, image, LoweringSettings())[graph.output] for image in images]
        _outputs[key] = np.stack(found)
    return _outputs[key]


_outputs: dict[tuple[bytes, bytes], NDArray[Any]] = {}


def find_truth(subject: Subject, tflm: RuntimeWorker, witness: RuntimeWorker | None) -> Truth:
    """Run the oracle, and compare the witness and the numpy references of every operator with it; once per subject."""
    asked = witness if subject.witnessed else None
    key = (subject.content, b"".join(one.tobytes() for one in subject.inputs), asked is None)
    if key not in _truths:
        _truths[key] = _find_truth(subject, tflm, asked)
    return _truths[key]


_truths: dict[tuple[bytes, bytes, bool], Truth] = {}


def _find_truth(subject: Subject, tflm: RuntimeWorker, witness: RuntimeWorker | None) -> Truth:
    truth = Truth(tflm.trace(subject.content, subject.inputs))
    if witness is not None:
        found = witness.trace(subject.content, subject.inputs)
        truth.complaints += differences("tflite-runtime reference", truth.tensors, found.items())
    plain = read_graph(parse_tflite(subject.content))
    graphs = {identity(graph): graph for graph in (optimise(plain, ()), optimise(plain, tuple(RULES)), optimise(plain))}
    for graph in graphs.values():
        runs = list(run_stream(graph, zip(*subject.inputs, strict=True), LoweringSettings()))
        found = {index: np.stack([run[index] for run in runs]) for index in truth.tensors if index in runs[0]}
        whole = [(index, graph.expanded(index, values)) for index, values in found.items()]
        truth.complaints += differences("numpy reference", truth.tensors, whole)
        if not set(graph.outputs) <= set(runs[0]):
            truth.complaints.append("the numpy reference left an output out")
    return truth


def differences(what: str, expected: Tensors, found: Iterable[tuple[int, NDArray[Any]]]) -> list[str]:
    """Return one line for each (tensor index, values) of ``found`` that is not equal to the expected one."""
    lines = []
    for index, value in found:
        wanted = expected[index]
        if value.shape != wanted.shape or value.dtype != wanted.dtype:
            lines.append(f"{what}: tensor {index} is {value.shape} {value.dtype}, not {wanted.shape} {wanted.dtype}")
            continue
        wrong = np.argwhere(_unequal(value, wanted) & ~np.asarray(getattr(value, "mask", False)))
        if len(wrong):
            at = tuple(int(axis) for axis in wrong[0])
            lines.append(
                f"{what}: tensor {index}: {len(wrong)} of {value.size} elements differ, the first at {at}: "
                f"{value[at]}, expected {wanted[at]}"
            )
    return lines


def _unequal(value: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where values differ; floats have to be the same bits, but any that is no number is one."""
    if value.dtype != np.float32:
        return np.asarray(value != wanted)
    unequal = value.view(np.uint32) != wanted.view(np.uint32)
    return np.asarray(unequal & ~(np.isnan(value) & np.isnan(wanted)))


def examine(
    subjects: Sequence[Subject],
    tflm: RuntimeWorker,
    witness: RuntimeWorker | None,
    toolchains: Sequence[Toolchain] = (SIZE_SANITISED,),
    variants: Sequence[Variant] = VARIANTS,
) -> dict[str, list[str]]:
    """Return for each subject everything that is not exactly as TFLM has it; an empty list is a proof of equality."""
    return examine_together([(subjects, variants)], tflm, witness, toolchains)


def examine_together(
    parts: Sequence[tuple[Sequence[Subject], Sequence[Variant]]],
    tflm: RuntimeWorker,
    witness: RuntimeWorker | None,
    toolchains: Sequence[Toolchain],
) -> dict[str, list[str]]:
    """Do as :func:`examine` for several sets of subjects, each with its variants: one program a toolchain and target.

    What a program takes to compile is mostly for the kernels, which are in it once. Names of subjects differ.
    """
    truths = {subject.name: find_truth(subject, tflm, witness) for subjects, _ in parts for subject in subjects}
    complaints = {name: list(truth.complaints) for name, truth in truths.items()}
    entries = [
        (subject, variant, network)
        for subjects, variants in parts
        for subject in subjects
        for variant, network in networks_of(subject, variants)
    ]
    for toolchain, target in product(toolchains, dict.fromkeys(variant.target for _, variant, _ in entries)):
        together = [entry for entry in entries if entry[1].target == target]
        outcomes = run_networks([(network, subject.inputs) for subject, _, network in together], toolchain)
        for (subject, variant, made), outcome in zip(together, outcomes, strict=True):
            what = f"{toolchain.name}, {variant}"
            if isinstance(outcome, str):
                complaints[subject.name].append(f"{what}: {outcome}")
            else:
                seen = [(index, value) for index, value in outcome if made.program.graph.is_of_file(index)]
                complaints[subject.name] += differences(what, truths[subject.name].tensors, seen)
    return complaints


def check_exact(
    subjects: Sequence[Subject],
    tflm: RuntimeWorker,
    witness: RuntimeWorker | None,
    toolchains: Sequence[Toolchain] = (SIZE_SANITISED,),
    variants: Sequence[Variant] = VARIANTS,
) -> None:
    """Assert that every subject is exact; arguments as for :func:`examine`."""
    check_exact_together([(subjects, variants)], tflm, witness, toolchains)


def check_exact_together(
    parts: Sequence[tuple[Sequence[Subject], Sequence[Variant]]],
    tflm: RuntimeWorker,
    witness: RuntimeWorker | None,
    toolchains: Sequence[Toolchain] = (SIZE_SANITISED,),
) -> None:
    """Assert that every subject is exact; arguments as for :func:`examine_together`."""
    complaints = examine_together(parts, tflm, witness, toolchains)
    lines = [f"{name}: {line}" for name, found in complaints.items() for line in found]
    assert not lines, "\n".join(lines)


# The executable


def run_networks(
    networks: Sequence[tuple[Network, Inputs]], toolchain: Toolchain, folder: Path | None = None
) -> list[Observations | str]:
    """Compile networks into one executable and run each over its images, one array for each of its inputs.

    Returns per network what it wrote, or the reason why the network was ended.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        place = folder or Path(temporary)
        _write_sources(networks, place)
        built = ["-I.", "networks.c", "runner.c", "-o", "runner", "-lm"]
        command = [toolchain.compiler, *toolchain.flags, *WARNINGS, *built]
        build = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert build.returncode == 0, f"{' '.join(command)}:\n{build.stderr[:4000]}"
        outcomes: list[Observations | str] = []
        while len(outcomes) < len(networks):
            outcomes += _run_from(len(outcomes), networks, place, toolchain.emulator)
    return outcomes


def _write_sources(networks: Sequence[tuple[Network, Inputs]], folder: Path) -> None:
    includes, entries, helpers = [], [], []
    for number, (network, inputs) in enumerate(networks):
        name = f"m{number}"
        for file, text in emit(network.program, network.plan, EmitSettings(name=name, command="bench")).items():
            (folder / file).write_text(text)
        includes.append(f'#define M{number}_TRACE\n#include "{name}.c"\n')
        helpers.append(_helpers(name, network))
        entries.append(_entry(name, network, len(inputs[0])))
    (folder / "networks.c").write_text("".join(includes))
    headers = "".join(f'#define M{n}_TRACE\n#include "m{n}.h"\n' for n in range(len(networks)))
    table = f"static const model models[] = {{\n{''.join(entries)}}};\nenum {{ MODEL_COUNT = {len(networks)} }};\n"
    (folder / "models.h").write_text(headers + "".join(helpers) + table)
    (folder / "runner.c").write_text((Path(__file__).parent / "runner.c").read_text())
    cases = (case for _, inputs in networks for case in zip(*inputs, strict=True))
    (folder / "images.bin").write_bytes(b"".join(one.tobytes() for case in cases for one in case))


def _helpers(name: str, network: Network) -> str:
    ends = ends_of(network.program.graph)
    given = list(_places(ends.inputs, "input", "const "))
    arguments = [*given, *_places(ends.outputs, "output", "")]
    in_arena = ["arena", *(["state"] if network.program.graph.variables else [])]
    in_arena += given if network.program.settings.input_apart else []
    counts = (
        ", ".join(str(len(traced_outputs(network.program, step))) for step in range(len(network.program.steps))) or "1"
    )
    regions = "".join(
        f"{{{index}, {item.offset}, {item.buffer.size}}}, " for index, item in _open_regions(network)
    )  # fmt: skip
    return (
        f"static void {name}_in(int8_t *arena, int8_t *state, const int8_t *input)\n"
        f"{{\n  (void)state;\n  (void)input;\n  {name}_run_in({', '.join(in_arena)});\n}}\n"
        f"static void {name}_call(const int8_t *input, int8_t *output)\n"
        f"{{\n  {name}_run({', '.join(arguments)});\n}}\n"
        f"{_spans(name, 'input', ends.inputs, apart=network.program.settings.input_apart)}"
        f"{_spans(name, 'output', ends.outputs)}"
        f"void {name}_trace(int step, const void *data, unsigned long bytes)\n"
        f"{{\n  static const int counts[] = {{{counts}}};\n  static int done = 0;\n"
        f"  const int last = ++done == counts[step];\n  if (last) done = 0;\n  traced(step, data, bytes, last);\n}}\n"
        f"static const region {name}_regions[] = {{{regions or '{0, 0, 0}'}}};\n"
    )


def _places(ends: Sequence[End], what: str, const: str) -> Iterator[str]:
    """Yield where each of several ends begins that lie one behind the other."""
    offset = 0
    for end in ends:
        yield f"({const}{end.ctype} *)({const}void *)({what} + {offset})"
        offset += end.tensor.bytes


def _spans(name: str, what: str, ends: Sequence[End], *, apart: bool = False) -> str:
    offsets = ["APART" if apart else f"{name.upper()}_{end.macro}_OFFSET" for end in ends]
    spans = ", ".join(f"{{{offset}, {end.tensor.bytes}}}" for offset, end in zip(offsets, ends, strict=True))
    return f"static const span {name}_{what}s[] = {{{spans}}};\n"


def _open_regions(network: Network) -> Iterator[tuple[int, Placed]]:
    """Yield (step, buffer) for every buffer that a step may touch; nothing when the buffers are not apart.

    Variables are put there before the first step, and taken after the last. Steps that run by bands touch what all of
    them do.
    """
    graph, steps, bands = network.program.graph, network.program.steps, network.program.bands
    touched = [{graph.root(tensor) for tensor in (*step.inputs, *step.outputs)} for step in steps] + [set()]
    together = bands.steps if bands else 0
    touched[:together] = [set().union(*touched[:together])] * together
    touched[0].update(graph.root(variable.before) for variable in graph.variables)
    touched[-1].update(graph.root(variable.after) for variable in graph.variables)
    for index, roots in enumerate(touched if network.apart else ()):
        for item in network.plan.placed:
            user = item.buffer.first
            own_scratch = item.buffer.tensor == -1 and (user == index or max(user, index) < together)
            if own_scratch or item.buffer.tensor in roots:
                yield index, item


def _entry(name: str, network: Network, images: int) -> str:
    ends = ends_of(network.program.graph)
    size = state_bytes(network.program)
    regions = len(list(_open_regions(network)))
    return (
        f"  {{{name}_call, {name}_in, {f'{name}_reset_in' if size else 0}, {size}, "
        f"{name.upper()}_ARENA_SIZE, {len(ends.inputs)}, {name}_inputs, "
        f"{len(ends.outputs)}, {name}_outputs, {images}, {regions}, {name}_regions}},\n"
    )


def _run_from(
    first: int, networks: Sequence[tuple[Network, Inputs]], folder: Path, emulator: Sequence[str]
) -> list[Observations | str]:
    """Run the networks from ``first`` on; the last outcome is a message when that network ended the process."""
    run = subprocess.run(
        [*emulator, folder / "runner", str(first), "images.bin"],
        cwd=folder, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    started = [line for line in run.stderr.decode(errors="replace").splitlines() if line.startswith("network ")]
    assert started, run.stderr.decode(errors="replace")[-2000:]
    ended = int(started[-1].split()[1]) + (1 if run.returncode == 0 else 0)
    outcomes: list[Observations | str] = []
    position = 0
    for network, inputs in networks[first:ended]:
        observations, position = _slice(run.stdout, position, network.program, len(inputs[0]))
        outcomes.append(observations)
    if run.returncode:
        words = run.stderr.decode(errors="replace").split(started[-1])[-1].strip()
        outcomes.append(f"the process ended with code {run.returncode}: {words[:1500]}")
    return outcomes


def _slice(stream: bytes, position: int, program: Program, images: int) -> tuple[Observations, int]:
    graph = program.graph
    steps = range(len(program.steps))
    order = [tensor for step in steps for tensor in traced_outputs(program, step)] + [*graph.outputs] * 2
    collected: list[list[NDArray[Any]]] = [[] for _ in order]
    for _ in range(images):
        for column, index in zip(collected, order, strict=True):
            tensor = graph.tensors[index]
            value = np.frombuffer(stream, np.dtype(tensor.dtype), tensor.elements, position).reshape(tensor.shape)
            column.append(value)
            position += value.nbytes
    whole = [graph.expanded(index, np.stack(column)) for index, column in zip(order, collected, strict=True)]
    return list(zip(order, whole, strict=True)), position
