"""A report with every section, whose names try to be markup wherever a file's or a user's name can stand."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.commands.report.answers import png_of
from edgemnist.commands.report.comparison import (
    AccuracyChange,
    Comparison,
    Finding,
    Growth,
    LatencyPair,
    LayerCosts,
    LayerPair,
    LayerState,
)
from edgemnist.commands.report.report import (
    Check,
    Deviation,
    FileDigest,
    Images,
    LeftOut,
    ModelFile,
    NotRun,
    Provenance,
    Report,
    RuntimeRow,
    Runtimes,
    Stage,
    Stages,
    Verdict,
)
from edgemnist.commands.report.sections import (
    Answer,
    Calibration,
    ClassRow,
    Confusion,
    CorruptionRow,
    DifferenceCount,
    Disagreement,
    Disagreements,
    Estimate,
    Firmware,
    ImageAnswers,
    Layer,
    LayerRow,
    LogitDifference,
    MemoryBlock,
    MemoryMap,
    OperatorCell,
    OperatorRow,
    Operators,
    PairedDifference,
    Proportion,
    Range,
    ReliabilityBin,
    Robustness,
)
from tests.commands.report.nets import draw

EVIL = "<script>evil()</script>\"'&`|*_[x](y)</style><img src=x onerror=evil()>]]>\x0b"
"""A name that is markup in HTML, in an attribute, in a script, a style sheet, Markdown and XML, and half in none."""


def sample_report(*, hostile: bool = True, passed: bool = True, classes: int = 10) -> Report:
    """Return the report; ``hostile`` names everything :data:`EVIL`, the classes with a number behind it."""
    evil = EVIL if hostile else "plain"
    names = tuple(f"{evil}{number}" if hostile else f"class {number}" for number in range(classes))
    model = ModelFile(f"{evil}.tflite", "int8", 18_048, "ab" * 32, f"tflm {evil}", "")
    share = Proportion(970, 1000, 0.97, 0.0054)
    return Report(
        title=f"{evil} on {evil}",
        verdict=_verdict(evil, passed=passed),
        subject=model,
        models=(model,),
        images=Images(evil, 1000, f"all {evil}", f"pixels {evil}", (f"assumed {evil}",), names),
        stages=Stages(
            evil,
            (
                Stage(evil, evil, 0.97, evil, 18_048, 9_000, 12.5, evil, evil),
                Stage("C array", "a.c", None, "", 9, 8, None, "", ""),
            ),
        ),
        runtimes=Runtimes(
            source=evil,
            machine=evil,
            conditions=evil,
            timing=evil,
            float_reference=evil,
            rows=tuple(_runtime(model.file, evil, share, number) for number in range(3)),
            not_run=(NotRun(evil, None, "missing", evil), NotRun("keras", model.file, "refused", evil)),
        ),
        paired=PairedDifference(evil, evil, Estimate(0.001, 0.0005), 3, 2, share),
        operators=Operators(evil, (evil, "litert"), (OperatorRow(f"0 {evil}", (OperatorCell(0.01, 0.2, evil), None)),)),
        confusion=_confusion(evil, names),
        calibration=tuple(_calibration(f"{evil}{number}") for number in range(2)),
        differences=(_difference(evil, 3), _difference(f"{evil} far", 40), _difference("exact", 0)),
        disagreements=_disagreements(evil),
        firmware=_firmware(evil, share),
        memory=_memory(evil),
        robustness=_robustness(evil, share),
        layers=tuple(
            Layer(index, f"CONV_2D {evil}", f"tensor {index} {evil}", "int8", ((1, 4),), ((1, 4),), 100, index)
            for index in range(4)
        ),
        answers=ImageAnswers(evil, "ef" * 32, (28, 28, 1), "7 2 1", "7 2 7"),
        comparison=_comparison(evil, share),
        provenance=Provenance(
            created="2026-01-02T03:04:05Z", edgemnist="0.1.0", python="3.11", system=evil, packages={evil: evil},
            digests=(FileDigest(evil, evil, "cd" * 32),), commands=(f"edgemnist report '{evil}'",), unrecorded=evil,
        ),
        left_out=(LeftOut(evil, evil),),
        remark=evil,
    )  # fmt: skip


def _verdict(evil: str, *, passed: bool) -> Verdict:
    checks = (
        Check(evil, "passed" if passed else "failed", f"0 of 10 outputs {evil}"),
        Check("accuracy", "noted", evil),
        Check("the firmware", "passed", evil),
    )
    return Verdict("passed" if passed else "failed", f"{evil} holds", checks)


def _runtime(file: str, evil: str, share: Proportion, number: int) -> RuntimeRow:
    exact = number == 1
    deviation = Deviation(0, 10_000, 0.0, 0, 0) if exact else Deviation(30, 10_000, 0.003, 20, 4)
    found = None if number == 0 else deviation
    return RuntimeRow(
        file=file, kind="int8", runtime=f"{evil} {number}", version=evil, kernels=evil, accuracy=share,
        agreement=share, ties=number, is_oracle=number == 0, exact=None if number == 0 else exact, outputs=found,
        logits=found, first_us=100.0 * (3 - number), median_us=20.0 * (3 - number), p95_us=30.0,
        lowest_us=19.0 * (3 - number), highest_us=21.0 * (3 - number),
        resident_bytes=50_000_000,
    )  # fmt: skip


def _confusion(evil: str, names: tuple[str, ...]) -> Confusion:
    counts = [
        [1097 if row == column else (row * column) % 4 for column in range(len(names))] for row in range(len(names))
    ]
    rows = tuple(ClassRow(name, 0.97, 0.96, 0.965, 100) for name in names)
    return Confusion(evil, tuple(tuple(row) for row in counts), rows)


def _calibration(evil: str) -> Calibration:
    bins = tuple(
        ReliabilityBin(place / 10, (place + 1) / 10, 0, None, None)
        if place < 3
        else ReliabilityBin(place / 10, (place + 1) / 10, 3**place, place / 10 + 0.05, min(1.0, place / 9))
        for place in range(10)
    )
    return Calibration(evil, 0.021, 0.96, 0.97, bins)


def _difference(evil: str, reach: int) -> LogitDifference:
    counts = tuple(DifferenceCount(gap, 9000 if gap == 0 else 200 - abs(gap)) for gap in range(-reach, reach + 1))
    different = sum(one.elements for one in counts if one.difference)
    return LogitDifference(evil, evil, evil, "logits", 9000 + different, different, -0.01, 2, counts)


def _disagreements(evil: str) -> Disagreements:
    picture, width, height = png_of(draw(1, 0)[0][0])
    answers = (Answer(evil, evil, 0.51), Answer(evil, f"{evil}!", 0.49))
    row = Disagreement(evil, evil, picture, width, height, answers, 0.25)
    return Disagreements(evil, evil, 1000, 1, (row, row))


def _firmware(evil: str, share: Proportion) -> Firmware:
    cycles = Range(60_000, 50_000, 70_000)
    layers = tuple(
        LayerRow(f"operator {number} {evil}", 1000 * number, 5000.0 + number, cycles, 700, 168, 1663)
        for number in range(4)
    )
    return Firmware(
        device=evil, board=evil, compiler=evil, images=evil, accuracy=share, oracle=evil, exact=True, differing=0,
        flash_bytes=17_052, flash_of_board=262_144, model_code_bytes=7_916, model_constant_bytes=6_074, ram_bytes=5_976,
        ram_of_board=16_384, arena_bytes=3_256, stack_reserved=2_048, stack_used=332, static_bytes=672,
        instructions=Range(311_033, 310_718, 311_150), instructions_from=evil, cycles=cycles,
        milliseconds=Range(20.4, 19.9, 21.5), clock_hz=25_000_000, cycles_from=evil, layers=layers,
    )  # fmt: skip


def _memory(evil: str) -> MemoryMap:
    steps = tuple(f"operator {number} CONV_2D+MAX_POOL_2D {evil}" for number in range(4))
    blocks = (
        MemoryBlock(f"input {evil}", False, 100, 1568, 0, 0),
        MemoryBlock(f"first {evil}", False, 0, 784, 0, 1),
        MemoryBlock(evil, True, 784, 95, 0, 0),
        MemoryBlock(f"second {evil}", False, 120, 3136, 1, 2),
        MemoryBlock(f"output {evil}", False, 0, 10, 2, 3),
    )
    return MemoryMap(evil, 3256, 3136, 4704, steps, blocks)


def _robustness(evil: str, share: Proportion) -> Robustness:
    rows = tuple(
        CorruptionRow(
            f"{evil}_{number}",
            5,
            (Estimate(0.95 - number / 20, 0.004), Estimate(0.94 - number / 20, 0.004)),
            (None, Estimate(0.01, 0.002)),
        )
        for number in range(5)
    )
    published = replace(rows[4], name="MNIST-C as published")
    return Robustness(evil, (evil, f"{evil}!"), 0, (share, share), rows[:4], (published,), (evil,))


def _comparison(evil: str, share: Proportion) -> Comparison:
    states: tuple[LayerState, ...] = ("same", "new", "gone", "changed")
    return Comparison(
        file=f"old {evil}", kind="int8", bytes=17_000, sha256="09" * 32, source=evil, tolerance=0.02,
        accuracy=AccuracyChange(True, evil, share, share, Estimate(-0.002, 0.001), 7, 5, 0.774),
        growths=(
            Growth(f"size {evil}", "bytes", 17_000, 18_048, 900.0, 148.0, 340),
            Growth("arena", "bytes", 3_256, 3_256, 0.0, 0.0, 128),
            Growth("flash", "bytes", 17_000, 15_000, -2_500.0, 500.0, 340),
            Growth("instructions", "", 100_000, 311_033, None, None, 2_000),
        ),
        layers=tuple(_layer_pair(state, evil, number) for number, state in enumerate(states)),
        latency=(LatencyPair(evil, 20.0, 21.0, Range(1.05, 1.01, 1.2), 9), LatencyPair("b", 20.0, 25.0, None, 0)),
        findings=(Finding(f"size {evil}", "passed", evil), Finding(f"latency {evil}", "noted", evil)),
    )  # fmt: skip


def _layer_pair(state: LayerState, evil: str, number: int) -> LayerPair:
    old = None if state == "new" else LayerCosts(1_000 + number, 900, 1_663, 5_000.0)
    new = None if state == "gone" else LayerCosts(1_100 + number, None, None, 6_000.0)
    names = [f"{number} CONV_2D {evil}" if one else "" for one in (old, new)]
    return LayerPair(state, names[0], names[1], f"1x28x28x1 {evil}", old, new, (evil,) if state == "same" else ())
