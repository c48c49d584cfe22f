"""What the convert command prints for people."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.commands.convert.c_array import CArrayResult
from edgemnist.commands.convert.exports import Exports
from edgemnist.commands.convert.settings import ConversionResult, ConvertedModel, ExportedModel, TensorDescription
from edgemnist.compiler.channels.report import summary
from edgemnist.support.progress import say
from edgemnist.support.tables import Column, numbers, print_lines, print_table, print_text
from edgemnist.tflm.project import TflmSummary


def show(result: ConversionResult | CArrayResult | Exports) -> None:
    """Print what was written to stdout, warnings to stderr."""
    if isinstance(result, CArrayResult):
        print_text(f"C array {result.name}: {', '.join(result.files)} in {result.folder}")
        print_text(*(f"left out: {one}" for one in result.left_out), *_tflm_lines(result.tflm))
        return
    if isinstance(result, Exports):
        print_text(f"fed: {result.preprocessing}")
        _show_exports(result.models)
        return
    _show_models(result)
    _show_exports(result.exports)


def _show_exports(models: Sequence[ExportedModel]) -> None:
    for one in models:
        same = f"{one.agreement:.2%} of {one.images} images, outputs within {one.max_difference:.1g}"
        print_text(f"{one.path} ({one.bytes:,} bytes): {one.input} -> {one.output}; {one.by} agrees on {same}")
        if one.serve:
            print_lines([f"serve it: {one.serve}"])


def _show_models(result: ConversionResult) -> None:
    columns = [Column("file"), *numbers("bytes"), *numbers("gzip", rank=3), Column("input", rank=2)]
    print_table([*columns, Column("output", rank=2), *numbers("accuracy", "agrees")], [*map(_row, result.models)])
    print_text("")
    print_text(*_lines(result))
    for warning in result.warnings:
        say(f"warning: {warning}")
    if result.c is not None:
        size = f"arena {result.c.generated.plan.size:,} bytes"
        channels = summary(result.c.generated.program.graph.left_out)
        print_text(f"C code: {result.c.folder}, {size}{f'; {channels}' if channels else ''}")


def _row(model: ConvertedModel) -> list[str]:
    found = model.verification
    return [
        model.file,
        f"{model.size:,}",
        f"{model.gzip_size:,}",
        model.input.dtype,
        model.output.dtype,
        "-" if found.accuracy is None else f"{found.accuracy:.2%}",
        f"{found.agreement:.2%}",
    ]


def _tensor(tensor: TensorDescription) -> str:
    if tensor.scale is None:
        return tensor.dtype
    return f"{tensor.dtype}, scale {tensor.scale:.9g}, zero point {tensor.zero_point}"


def _lines(result: ConversionResult) -> list[str]:
    first = result.models[0].verification
    images = f"{first.images} test images" if first.source_accuracy is not None else f"{first.images} images of noise"
    source = "" if first.source_accuracy is None else f" ({first.source_accuracy:.2%} right)"
    ran = dict.fromkeys(f"{one.verification.runtime} {one.verification.version}" for one in result.models)
    lines = [
        f"accuracy, and top-1 agreement with {result.source.name}{source}: "
        f"{images} on {' and '.join(ran)}; files in {result.folder}",
    ]
    lines.append(f"fed: {result.preprocessing}")
    for model in result.models:
        lines.append(f"{model.file}: for {', '.join(model.runtimes)}")
        lines += [f"{model.file}: not for {name}: {reason}" for name, reason in model.refused.items()]
        if model.input.scale is not None:
            lines.append(f"{model.file}: input {_tensor(model.input)}; output {_tensor(model.output)}")
        if model.c_name is not None:
            lines.append(f"{model.file} as C array {model.c_name}: {', '.join(model.c_array)}")
        lines += _tflm_lines(model.tflm)
    return lines


def _tflm_lines(facts: TflmSummary | None) -> list[str]:
    if facts is None:
        return []
    lines = []
    if facts.files:
        lines.append(f"for TFLM: {', '.join(facts.files)}; {facts.operators} kinds of operator" + _arena_words(facts))
    if facts.note:
        lines.append(f"for TFLM: {facts.note}")
    return lines


def _arena_words(facts: TflmSummary) -> str:
    if facts.arena_measured is None:
        return ""
    return (
        f", arena {facts.arena_measured:,} bytes measured + {facts.arena_margin:,} for CMSIS-NN "
        f"({facts.arena_margin_helium:,} with Helium)"
    )
