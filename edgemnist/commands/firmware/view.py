"""Built images, firmware runs and boards as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.firmware.report import FirmwareReport, LayerCount, MeasuredTime
from edgemnist.mcu.build import FirmwareImage
from edgemnist.mcu.cycles import NoTimingModel
from edgemnist.mcu.packages.build import PackageResult
from edgemnist.support.tables import Column, numbers, print_table, print_text

_FUNCTIONS_SHOWN = 15


def show_image(image: FirmwareImage) -> None:
    """Print where an image's bytes go."""
    layers = zip(image.layers, image.sizes.layers, strict=True)
    rows = [[layer.operator, f"{size.code:,}", f"{size.constants:,}", f"{layer.macs:,}"] for layer, size in layers]
    print_table([Column("layer"), *numbers("code B", "constants B", "MACs")], rows)
    print_text(*_image_lines(image))
    files = f"files   {image.path.parent}: firmware.elf, .bin, .hex, .map, .json"
    print_text(files)


def _image_lines(image: FirmwareImage) -> Iterator[str]:
    sizes, board = image.sizes, image.board
    rest = sizes.flash - sizes.model_code - sizes.model_constants
    yield (
        f"flash   {sizes.flash:,} of {board.flash.bytes:,} B: network's code {sizes.model_code:,}, "
        f"its constants {sizes.model_constants:,}, application {rest:,}"
    )
    yield (
        f"RAM     {sizes.ram:,} of {board.ram.bytes:,} B: arena {sizes.arena:,}, stack {sizes.stack:,} (reserved), "
        f"application {sizes.static:,}"
    )
    yield f"built   {board.name}, {board.core.title}, by {image.compiler}, {image.settings.transport}"


def show_report(report: FirmwareReport) -> None:
    """Print a firmware run."""
    if report.layers and report.layers[0].instructions is not None:
        columns = [Column("layer"), *numbers("instructions"), *numbers("MACs", "per MAC", rank=1)]
        print_table([*columns, *numbers("code B", "constants B", rank=2)], [*map(_layer_row, report.layers)])
    if report.functions:
        shown = list(report.functions.items())[:_FUNCTIONS_SHOWN]
        print_table([Column("function"), *numbers("instructions")], [[name, f"{count:,}"] for name, count in shown])
        if report.estimate is not None and not isinstance(report.estimate, NoTimingModel):
            shares = [[one.kind.value, f"{one.instructions:,}", f"{one.cycles:,.0f}"] for one in report.estimate.shares]
            print_table([Column("class of instruction"), *numbers("instructions", "cycles (estimate)")], shares)
    print_text(*_report_lines(report))


def _layer_row(layer: LayerCount) -> list[str]:
    instructions = layer.instructions or 0
    per_mac = f"{instructions / layer.macs:.2f}" if layer.macs else ""
    sizes = (f"{layer.code_bytes:,}", f"{layer.constant_bytes:,}")
    return [layer.operator, f"{instructions:,.0f}", f"{layer.macs:,}", per_mac, *sizes]


def _report_lines(report: FirmwareReport) -> Iterator[str]:
    yield f"ran on        {report.device}"
    yield f"inputs        {report.images}; {report.seconds:.1f} s"
    if report.accuracy is not None:
        yield f"accuracy      {100 * report.accuracy.share:.2f} % ({report.accuracy.count} of {report.accuracy.total})"
    wrong = report.difference
    verdict = "every byte equal" if report.exact else f"DIFFERENT in {wrong.images} inputs, by {wrong.max_difference:g}"
    yield f"exactness     {verdict} to {report.oracle} ({wrong.elements.total:,} output values)"
    yield from _count_lines(report)
    if report.time is not None:
        yield f"time          {_time_text(report.time)}"
    if report.stack.size:  # a board's own start-up code may not tell
        free = report.stack.size - report.stack.used
        yield f"stack         {report.stack.used:,} of {report.stack.size:,} B used at most, {free:,} B never"
    if report.image is not None:
        yield from _image_lines(report.image)
    if report.dump is not None:
        yield f"tensors       {report.dump}: for `edgemnist explain --dump`"


def _count_lines(report: FirmwareReport) -> Iterator[str]:
    counts = report.counts
    if counts is None:
        return
    exactly = "exactly" if counts.resolution == 0 else f"to within {counts.resolution:g}"
    yield (
        f"instructions  {counts.mean:,.0f} per inference ({counts.lowest:,.0f} to {counts.highest:,.0f} over "
        f"{counts.inferences}); {exactly}, by {counts.source}"
    )
    estimate = report.estimate
    if isinstance(estimate, NoTimingModel):
        yield f"cycles        no estimate: {estimate.reason}"
    elif estimate is not None and report.image is not None:
        clock = report.image.board.clock_hz
        low, middle, high = (1000 * cycles / clock for cycles in (estimate.low, estimate.cycles, estimate.high))
        yield f"cycles        about {estimate.cycles:,} ({estimate.low:,} to {estimate.high:,}), an estimate"
        yield f"time          about {middle:.3g} ms ({low:.3g} to {high:.3g}) at {clock / 1e6:g} MHz, an estimate"
        yield f"              model: {estimate.model}"
        yield f"              range: {estimate.basis}"
        if estimate.unknown:
            yield f"              at one cycle each, for want of a known time: {', '.join(estimate.unknown)}"


def _time_text(time: MeasuredTime) -> str:
    return (
        f"{time.mean_ms:.3f} ms per inference ({time.lowest_ms:.3f} to {time.highest_ms:.3f} over {time.inferences}), "
        "measured by the board's timer"
    )


def show_package(result: PackageResult) -> None:
    """Print where a package is."""
    print_text(f"{result.path}: {result.bytes:,} B, {len(result.files)} files")
