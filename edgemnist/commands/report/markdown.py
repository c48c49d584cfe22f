"""A report as Markdown for a pull request: the verdict and the tables that fit there; names are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from edgemnist.commands.report import words
from edgemnist.commands.report.comparison import Comparison
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.sections import Firmware, Robustness

_VERDICTS = {"passed": "✅", "failed": "❌", "undecided": "⚪"}
_MARKS = {"passed": "✅ passed", "failed": "❌ failed", "noted": "noted"}
_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&])")


def render(report: Report) -> str:
    """Return the document."""
    return "\n\n".join(part.strip() for part in _parts(report) if part.strip()) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"## {_VERDICTS[report.verdict.state]} {plain(report.title)}"
    yield f"**{plain(report.verdict.sentence)}.**"
    if report.remark:
        yield f"> {plain(report.remark)}"
    yield _table(
        ("Check", "State", "Found"),
        [(plain(one.name), _MARKS[one.state], plain(one.detail)) for one in report.verdict.checks],
    )
    if report.comparison is not None:
        yield from _comparison(report.comparison)
    yield "### Stages"
    yield _stages(report)
    yield "### Runtimes"
    yield plain(f"{report.images.dataset}: {report.images.sampling}; {report.runtimes.source}") + "."
    yield _runtimes(report)
    if report.firmware is not None:
        yield from _firmware(report.firmware)
    if report.robustness is not None:
        yield from _robustness(report.robustness)
    yield from _provenance(report)


def _stages(report: Report) -> str:
    rows = [
        (
            plain(one.stage),
            plain(one.file),
            "" if one.accuracy is None else words.percent(one.accuracy),
            plain(one.measured_with),
            "" if one.bytes is None else words.count(one.bytes),
            words.microseconds(one.latency_us),
        )
        for one in report.stages.rows
    ]
    return _table(("Stage", "File", "Accuracy %", "Measured with", "Bytes", "µs"), rows, numbers=(2, 4, 5))


def _runtimes(report: Report) -> str:
    rows = [
        (
            plain(one.file),
            plain(f"{one.runtime} {one.version}"),
            words.accuracy(one.accuracy),
            words.exactness(one),
            words.unequal(one.outputs),
            words.unequal(one.logits),
            words.microseconds(one.median_us),
        )
        for one in report.runtimes.rows
    ]
    headings = ("Model", "Runtime", "Accuracy %", "Exactness", "≠ outputs", "≠ logits", "Median µs")
    return _table(headings, rows, numbers=(2, 4, 5, 6))


def _comparison(found: Comparison) -> Iterator[str]:
    yield "### Beside the baseline"
    yield plain(f"{found.file} ({found.kind}, {words.count(found.bytes)} bytes): {found.source}") + "."
    headings = ("Figure", "Baseline", "Model", "In other layers", "Elsewhere", "Allowed elsewhere")
    rows = [
        (plain(one.name), *(words.count(value) for value in (one.baseline, one.model)),
         words.growth(one.in_changed_layers), words.growth(one.in_the_rest), words.count(one.allowed))
        for one in found.growths
    ]  # fmt: skip
    if rows:
        yield _table(headings, rows, numbers=(1, 2, 3, 4, 5))
    layers = [
        (
            plain(one.model_layer or one.baseline_layer),
            plain(one.shape),
            one.state,
            plain("; ".join(one.unexplained)),
        )
        for one in found.layers
        if one.state != "same" or one.unexplained
    ]
    if layers:
        yield _table(("Layer", "Shape", "State", "Unexplained"), layers)


def _firmware(found: Firmware) -> Iterator[str]:
    yield "### Firmware"
    rows = [
        ("Device", plain(found.device)),
        ("Exactness", plain(f"{found.differing:,} output values differ from {found.oracle}")),
        ("Flash, bytes", f"{found.flash_bytes:,} of {found.flash_of_board:,}"),
        ("RAM, bytes", f"{found.ram_bytes:,} of {found.ram_of_board:,}; arena {found.arena_bytes:,}"),
        ("Instructions", words.spread(found.instructions)),
        ("Cycles, estimated", words.spread(found.cycles) or plain(found.cycles_from)),
    ]
    yield _table(("What", "Figure"), rows)


def _robustness(found: Robustness) -> Iterator[str]:
    yield "### Robustness"
    rows = [(plain(row.name), *(words.percent(one.mean) for one in row.accuracy)) for row in found.summaries]
    if rows:
        yield _table(("Mean over", *(plain(model) for model in found.models)), rows)
    for sentence in found.verdicts:
        yield plain(sentence) + "."


def _provenance(report: Report) -> Iterator[str]:
    made = report.provenance
    yield "<details><summary>Versions, digests, commands</summary>"
    versions = ", ".join(f"{name} {version}" for name, version in made.packages.items())
    yield plain(f"edgemnist {made.edgemnist}, Python {made.python}, {made.system}; {versions}; {made.created}")
    yield _table(("Model", "SHA-256"), [(plain(one.file), one.sha256) for one in report.models])
    yield _fenced("\n".join(made.commands))
    yield "</details>"


def plain(text: str) -> str:
    """Return a text whose signs stand for themselves, on one line."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def _fenced(text: str) -> str:
    """Return a block of code, its fence longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    lines = [headings, ["--:" if index in numbers else "---" for index in range(len(headings))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
