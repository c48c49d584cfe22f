"""The tables of a report, as values for the template: a caption, columns, cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgemnist.commands.report import words
from edgemnist.commands.report.html.charts import confused
from edgemnist.commands.report.report import ModelFile, Report, RuntimeRow
from edgemnist.commands.report.sections import (
    Calibration,
    Confusion,
    Firmware,
    LogitDifference,
    MemoryMap,
    OperatorCell,
    Operators,
    Robustness,
)

_MOST_CONFUSED = 10


@dataclass(frozen=True)
class Cell:
    """``note`` stands small below ``text``; ``mark`` is passed, failed or noted; ``share`` in 0..1 is a bar behind it.

    ``value`` is what it is sorted by where that is not the text.
    """

    text: str
    note: str = ""
    mark: str = ""
    share: float | None = None
    value: float | None = None
    code: bool = False


@dataclass(frozen=True)
class Column:
    """A heading; a column of numbers is aligned right. ``why`` explains it."""

    title: str
    number: bool = False
    why: str = ""


@dataclass(frozen=True)
class Table:
    """The first cell of a row is its heading. On a telephone rows are stacked, one fact a line: not where the table is
    ``compact``, nor where it is ``wide`` and scrolls by itself.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    wide: bool = False
    sortable: bool = True
    compact: bool = False

    def without_empty(self) -> Table:
        """Return the table without columns in which nothing stands."""
        kept = [place for place, _ in enumerate(self.columns) if any(row[place].text for row in self.rows)]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
        )


def _text(title: str, why: str = "") -> Column:
    return Column(title, why=why)


def _number(title: str, why: str = "") -> Column:
    return Column(title, True, why)


def _figure(value: float | None, text: str | None = None, note: str = "", share: float | None = None) -> Cell:
    if value is None:
        return Cell("", note)
    return Cell(words.count(value) if text is None else text, note, share=share, value=value)


def checks(report: Report) -> Table:
    """Return what the verdict hangs on."""
    signs = {"passed": "✓ passed", "failed": "✗ failed", "noted": "• noted"}
    rows = [(Cell(one.name), Cell(signs[one.state], mark=one.state), Cell(one.detail)) for one in report.verdict.checks]
    return Table("Checks", (_text("check"), _text("state"), _text("found")), tuple(rows), sortable=False)


def stages(report: Report) -> Table:
    """Return the files on the way to the device."""
    columns = (
        _text("stage"), _text("file"), _number("accuracy %"), _text("measured with"), _number("bytes"),
        _number("gzip"), _number("µs", "one inference"), _text("timed in"),
    )  # fmt: skip
    rows = [
        (
            Cell(one.stage, one.note),
            Cell(one.file, code=True),
            _figure(one.accuracy, None if one.accuracy is None else words.percent(one.accuracy)),
            Cell(one.measured_with),
            _figure(one.bytes),
            _figure(one.gzip_bytes),
            _figure(one.latency_us, words.microseconds(one.latency_us)),
            Cell(one.latency_of),
        )
        for one in report.stages.rows
    ]
    return Table("Stages, with accuracy and size", columns, tuple(rows), sortable=False).without_empty()


def runtimes(report: Report, model: ModelFile) -> Table:
    """Return a model in every runtime."""
    columns = (
        _text("runtime"), _text("exactness"), _number("accuracy %"), _number("= float", "images with its class"),
        _number("≠ outputs", "share of values that are not the oracle's"), _number("≠ logits"),
        _number("max LSB", "largest difference: outputs / logits"), _number("ties"), _number("median µs"),
        _number("RSS MB", "resident memory of the runtime's process"),
    )  # fmt: skip
    rows = [_runtime(one) for one in report.runtimes.rows if one.file == model.file]
    return Table(
        f"{model.file} ({model.kind}, {model.bytes:,} bytes) in every runtime", columns, tuple(rows)
    ).without_empty()


def _runtime(row: RuntimeRow) -> tuple[Cell, ...]:
    marks = {"exact": "passed", "oracle": "passed", "differs": "noted", "": ""}
    word = words.exactness(row)
    signs = {"exact": "✓ exact", "oracle": "oracle", "differs": "≠ differs", "": ""}
    both = "" if row.is_oracle else "/".join(filter(None, (words.largest(row.outputs), words.largest(row.logits))))
    furthest = max((one.max_difference for one in (row.outputs, row.logits) if one is not None), default=None)
    agreement = row.agreement
    return (
        Cell(row.runtime, f"{row.version}, {row.kernels}"),
        Cell(signs[word], mark=marks[word]),
        _figure(row.accuracy.share, words.accuracy(row.accuracy)),
        _figure(agreement.share, f"{agreement.count:,}/{agreement.total:,}") if agreement else Cell(""),
        _figure(row.outputs.share, words.unequal(row.outputs)) if row.outputs else Cell(""),
        _figure(row.logits.share, words.unequal(row.logits)) if row.logits else Cell(""),
        _figure(furthest, both),
        _figure(row.ties),
        _figure(
            row.median_us,
            words.microseconds(row.median_us),
            f"first {words.microseconds(row.first_us)}, p95 {words.microseconds(row.p95_us)}{_windows(row)}",
        ),
        _figure(row.resident_bytes, f"{row.resident_bytes / 1e6:,.0f}"),
    )


def _windows(row: RuntimeRow) -> str:
    if row.lowest_us is None or row.highest_us is None:
        return ""
    return f", windows {words.microseconds(row.lowest_us)} to {words.microseconds(row.highest_us)}"


def not_run(report: Report) -> Table | None:
    """Return what did not run and why, None where everything did."""
    rows = [
        (Cell(one.runtime), Cell(one.file or "every model"), Cell(one.how), Cell(one.reason))
        for one in report.runtimes.not_run
    ]
    columns = (_text("runtime"), _text("model"), _text("how"), _text("reason"))
    return Table("What did not run", columns, tuple(rows), sortable=False) if rows else None


def operators(found: Operators) -> Table:
    """Return where runtimes part, operator by operator."""
    rows = [(Cell(row.operator), *(_operator(cell) for cell in row.cells)) for row in found.rows]
    columns = (_text("operator"), *(_number(name) for name in found.runtimes))
    return Table("Own error of each operator: share of elements that differ", columns, tuple(rows), wide=True)


def _operator(cell: OperatorCell | None) -> Cell:
    if cell is None:
        return Cell("")
    rule = f"{cell.note}; " if cell.note else ""
    note = f"{rule}in the whole model {cell.inherited:.2%}"
    return Cell(f"{cell.own:.2%}", note, share=cell.own, value=cell.own)


def differences(found: Sequence[LogitDifference]) -> Table:
    """Return every runtime's integers against the oracle's."""
    columns = (
        _text("runtime"), _text("of"), _number("differ"), _number("share %"), _number("from LSB"), _number("to LSB"),
        _number("mean LSB"), _number("other class", "images whose class is not the oracle's"),
    )  # fmt: skip
    rows = [
        (
            Cell(one.runtime),
            Cell(one.tensor),
            _figure(one.different),
            _figure(one.different / one.total, f"{100 * one.different / one.total:.3f}"),
            _signed(min(each.difference for each in one.counts)),
            _signed(max(each.difference for each in one.counts)),
            _figure(one.bias, f"{one.bias:+.4f}"),
            _figure(one.class_changes),
        )
        for one in found
    ]
    return Table("Integers of each runtime against the oracle's", columns, tuple(rows))


def _signed(value: int) -> Cell:
    return _figure(value, f"{value:+d}" if value else "0")


def most_confused(found: Confusion) -> Table | None:
    """Return what is taken for what most often, None where nothing is."""
    rows = [(Cell(label), Cell(taken), _figure(count)) for label, taken, count in confused(found)[:_MOST_CONFUSED]]
    columns = (_text("label"), _text("taken for"), _number("images"))
    return Table("Most often confused", columns, tuple(rows), compact=True) if rows else None


def confusion(found: Confusion) -> Table:
    """Return the matrix in figures."""
    names = [row.name for row in found.classes]
    rows = [
        (Cell(name), *(_figure(count) for count in counts)) for name, counts in zip(names, found.counts, strict=True)
    ]
    columns = (_text("label"), *(_number(name) for name in names))
    return Table(
        "Confusion matrix: a row for each label, a column for each prediction",
        columns,
        tuple(rows),
        wide=True,
        sortable=False,
    )


def classes(found: Confusion) -> Table:
    """Return how well each class is recognised."""
    rows = [
        (
            Cell(one.name),
            _figure(one.precision, words.percent(one.precision)),
            _figure(one.recall, words.percent(one.recall)),
            _figure(one.f1, words.percent(one.f1)),
            _figure(one.support),
        )
        for one in found.classes
    ]
    columns = (_text("class"), _number("precision %"), _number("recall %"), _number("F1 %"), _number("images"))
    return Table("By class", columns, tuple(rows), compact=True)


def calibration(found: Sequence[Calibration]) -> Table:
    """Return the bins in figures."""
    columns = (
        _text("confidence"),
        *(
            column
            for one in found
            for column in (_number(f"images, {one.model}"), _number("confidence %"), _number("accuracy %"))
        ),
    )
    bins = zip(*(one.bins for one in found), strict=True)
    rows = [
        (
            Cell(f"{each[0].low:.0%} to {each[0].high:.0%}"),
            *(cell for one in each for cell in (_figure(one.images), _share(one.confidence), _share(one.accuracy))),
        )
        for each in bins
    ]
    return Table("Confidence and accuracy by bin", columns, tuple(rows), wide=True, sortable=False)


def _share(value: float | None) -> Cell:
    return _figure(value, None if value is None else words.percent(value))


def layers(found: Firmware) -> Table:
    """Return what each layer takes."""
    columns = (
        _text("layer"), _number("instructions"), _number("cycles (estimate)"), _number("MACs"),
        _number("instructions per MAC"), _number("code B"), _number("constants B"),
        _number("arena B", "bytes of the arena in use while it runs"),
    )  # fmt: skip
    total = sum(one.instructions or 0 for one in found.layers) or 1
    rows = [
        (
            Cell(one.operator),
            _figure(one.instructions, share=(one.instructions or 0) / total),
            Cell(
                words.count(one.cycles.expected),
                f"{one.cycles.low:,.0f} to {one.cycles.high:,.0f}",
                value=one.cycles.expected,
            )
            if one.cycles
            else Cell(""),
            _figure(one.macs),
            _figure(one.instructions / one.macs, f"{one.instructions / one.macs:.2f}")
            if one.macs and one.instructions
            else Cell(""),
            _figure(one.code_bytes),
            _figure(one.constant_bytes),
            _figure(one.arena_bytes),
        )
        for one in found.layers
    ]
    return Table("Per layer, one inference", columns, tuple(rows)).without_empty()


def memory(found: MemoryMap) -> Table:
    """Return every tensor and scratch buffer in the arena."""
    columns = (_text("tensor"), _number("from byte"), _number("bytes"), _number("first step"), _number("last step"))
    rows = [
        (
            Cell(one.shown, "scratch" if one.scratch else ""),
            _figure(one.offset),
            _figure(one.bytes),
            _figure(one.first),
            _figure(one.last),
        )
        for one in found.blocks
    ]
    return Table("What lies in the arena, and when", columns, tuple(rows))


def robustness(found: Robustness) -> Table:
    """Return accuracy and drop of each corruption."""
    columns = (
        _text("corruption"),
        _number("test sets"),
        *(_number(f"accuracy %, {name}") for name in found.models),
        *(_number(f"drop, points, {name}") for index, name in enumerate(found.models) if index != found.reference),
    )
    clean = (
        Cell("clean"),
        _figure(1),
        *(_figure(one.share, words.accuracy(one)) for one in found.clean),
        *(Cell("") for index, _ in enumerate(found.models) if index != found.reference),
    )
    rows = [
        (
            Cell(row.name.replace("_", " ")),
            _figure(row.conditions),
            *(
                _figure(one.mean, f"{words.percent(one.mean)} ± {words.percent(one.standard_error)}")
                for one in row.accuracy
            ),
            *(
                _figure(one.mean, words.points(one)) if one else Cell("")
                for index, one in enumerate(row.drop)
                if index != found.reference
            ),
        )
        for row in (*found.corruptions, *found.summaries)
    ]
    return Table("Accuracy under corruptions, and the drop against the float model", columns, (clean, *rows))


def digests(report: Report) -> Table:
    """Return files and what they were."""
    rows = [
        (Cell(one.file, code=True), Cell(one.stage), Cell(one.sha256, code=True)) for one in report.provenance.digests
    ]
    return Table(
        "Files and their SHA-256", (_text("file"), _text("of"), _text("SHA-256")), tuple(rows), sortable=False
    ).without_empty()


def versions(report: Report) -> Table:
    """Return the versions of what took part."""
    made = report.provenance
    pairs = {"edgemnist": made.edgemnist, "Python": made.python, **made.packages}
    rows = [(Cell(name), Cell(version)) for name, version in pairs.items()]
    return Table("Versions", (_text("package"), _text("version")), tuple(rows), sortable=False, compact=True)


def left_out(report: Report) -> Table | None:
    """Return the sections that are missing, None where none is."""
    rows: Iterable[tuple[Cell, ...]] = [(Cell(one.section), Cell(one.reason)) for one in report.left_out]
    return Table("Left out", (_text("section"), _text("why")), tuple(rows), sortable=False) if report.left_out else None
