"""The main job's report for people: a line for each question, the last of which is what to do next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from edgemnist.commands.parity.report import ParityReport
from edgemnist.commands.parity.view import show_models as show_parity
from edgemnist.commands.run.stage import RunReport, StageRow
from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.tflite.kinds import ModelKind

_COLUMNS = (
    Column("stage"),
    Column("file", rank=3),
    *numbers("accuracy %"),
    Column("measured with", rank=4),
    *numbers("bytes"),
    *numbers("gzip", rank=2),
    *numbers("latency µs"),
    Column("runtime", rank=1),
)


def show(report: RunReport, *, verbose: bool = False) -> None:
    """Print a summary to stdout, with ``verbose`` the tables of all runtimes and files before it."""
    if verbose:
        show_parity(report.parity)
        print_text("")
        print_table(_COLUMNS, [_cells(row) for row in report.rows])
        print_text("", *_details(report), "")
    print_text(*_summary(report))


def _details(report: RunReport) -> Iterator[str]:
    """Yield what a summary has no room for."""
    yield report.first_line
    yield _runtimes(report.parity)
    yield from filter(None, (report.pruning.reason, report.advice))
    yield f"seconds by stage: {', '.join(f'{name} {value:.1f}' for name, value in report.seconds.items())}"
    yield "what else there is to do:"
    yield from (f"  {command}" for command in report.commands[1:])


def _summary(report: RunReport) -> Iterator[str]:
    """Yield at most eight lines, each of at most 80 columns where names are not long."""
    program, plan = report.codegen.generated.program, report.codegen.generated.plan
    yield f"data      {report.data}; {sum(report.seconds.values()):,.0f} s in all"
    yield f"accuracy  {', '.join(_accuracies(report))} %"
    yield f"exact     {_exactness(report.parity)}"
    yield f"C code    arena {plan.size:,} bytes with input and output, constants {program.constant_bytes:,} bytes"
    yield f"firmware  {_firmware_words(report)}"
    yield f"files     {', '.join(report.files)}"
    yield f"next      `edgemnist report --work {shlex.quote(str(report.folder))}`"
    better = re.search(r"`[^`]+`", report.advice)
    if better:
        yield f"better    {better[0]}"


def _accuracies(report: RunReport) -> Iterator[str]:
    """Yield what is right of the images, by what was made: the fitted nets, and each file in the oracle."""
    words = {"train": "trained", "prune": "pruned", "convert": ""}
    for row in report.rows:
        verb, *rest = row.stage.split()
        if verb in words and row.accuracy is not None:
            aside = " (set aside)" if verb == "prune" and not report.pruning.pruned else ""
            yield f"{words[verb] or rest[-1]} {100 * row.accuracy:.2f}{aside}"


def _compared(report: ParityReport) -> tuple[str, list[str], list[str]]:
    """Return the oracle of the int8 model, "" for none, the runtimes that give its bytes, and the others."""
    model = next((one for one in report.models if one.kind == ModelKind.INT8.value and one.oracle), None)
    if model is None or model.oracle is None:
        return "", [], []
    runs = [run for run in report.runs if run.file == model.file and not run.is_oracle]
    return model.oracle, [run.runtime for run in runs if run.exact], [run.runtime for run in runs if not run.exact]


def _exactness(report: ParityReport) -> str:
    """Return how many runtimes give the oracle's bytes of the int8 model, and whether the C does."""
    oracle, exact, others = _compared(report)
    if not exact and not others:
        return "no oracle and another runtime for the int8 model to be compared in"
    name = oracle.split()[0]
    if not exact:
        return f"no runtime gives {name}'s bytes of the int8 model, {len(others)} differ"
    first = "host-c" if "host-c" in exact else exact[0]
    more = f" and {len(exact) - 1} more" if len(exact) > 1 else ""
    return f"int8 bytes are {name}'s in {first}{more}" + (f"; others in {len(others)} runtimes" if others else "")


def _runtimes(report: ParityReport) -> str:
    """Return which runtimes give the oracle's bytes of the int8 model, and which others."""
    oracle, exact, others = _compared(report)
    if not exact and not others:
        return "no oracle and another runtime for the int8 model to be compared in"
    equal = f"the int8 model's bytes are those of {oracle} in {', '.join(exact) or 'no other runtime'}"
    return equal + (f"; others in {', '.join(others)}: `edgemnist explain` says why" if others else "")


def _firmware_words(report: RunReport) -> str:
    firmware = report.firmware
    if isinstance(firmware, str) or firmware.counts is None or firmware.image is None:
        return str(firmware)
    equal = "every output byte is" if firmware.exact else f"{firmware.difference.images} outputs are NOT"
    core = firmware.image.board.core.title.removeprefix("Arm ")
    return f"{equal} {firmware.oracle.split()[0]}'s; {firmware.counts.mean:,.0f} instructions on a {core}"


def _cells(row: StageRow) -> list[str]:
    return [
        row.stage,
        row.file,
        "" if row.accuracy is None else f"{100 * row.accuracy:.2f}",
        row.accuracy_of,
        f"{row.size:,}",
        f"{row.gzip_size:,}",
        "" if row.latency_us is None else f"{row.latency_us:.1f}",
        row.latency_of,
    ]
