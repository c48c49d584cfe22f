"""What ``edgemnist explain`` prints of the float net beside the int8 model."""

from __future__ import annotations

from collections.abc import Callable

from edgemnist.commands.explain import view
from edgemnist.commands.explain.float_part import Explained
from edgemnist.quantisation_error.effects import Effect
from edgemnist.quantisation_error.report import LayerRow, QuantisationError
from edgemnist.support.tables import Column, numbers, print_table, print_text

_COLUMNS = (
    Column("", right=True),
    Column("layer"),
    *numbers("dB"),
    *numbers("own dB", rank=1),
    *numbers("cosine", "LSB", rank=4),
    *numbers("cut", "used", "dead", rank=3),
    *numbers("alone", "without", rank=2),
)

_LEGEND = (
    "dB: SQNR in the whole net, own: of the operator on the same inputs; LSB: mean error; cut: values outside of the "
    "range; used: of the range; dead: channels that are constant in float, +n only in int8, ~n within 8 LSB; "
)
_POINTS = (
    "alone: points of accuracy that quantising only this costs or brings; without: that leaving this in float does; "
    "* beyond two standard errors"
)
_LOGITS = (
    "alone: mean change of the logits by quantising only this; without: by quantising all but this, {:.3g} by all; "
    "none of it changes the accuracy beyond two standard errors"
)


def show(found: Explained) -> None:
    """Print the explanation, then the float net beside the int8 one, if there is one: the verdict last."""
    view.show(found.explanation)
    if found.floats is not None:
        _show(found.floats)


def _show(found: QuantisationError) -> None:
    print_text("")
    for line in (
        f"{found.float_model} beside {found.int8_model}; {found.inputs}",
        f"float: {found.float_runtime}; int8: {found.int8_runtime}",
    ):
        print_text(line)
    cost = _points if _changes_accuracy(found) else _logits
    print_table(_COLUMNS, [_cells(row, cost) for row in found.layers])
    last = _POINTS if _changes_accuracy(found) else _LOGITS.format(found.simulated.logits)
    print_text(_LEGEND + last)
    print_text("")
    for sentence in (*found.verdict.sentences, *([found.verdict.remedy] if found.verdict.remedy else [])):
        print_text(sentence[:1].upper() + sentence[1:])


def _changes_accuracy(found: QuantisationError) -> bool:
    return any(one.change.certain for row in found.layers for one in (row.alone, row.without) if one is not None)


def _cells(row: LayerRow, cost: Callable[[Effect | None], str]) -> tuple[str, ...]:
    noise, use = row.measures.accumulated, row.measures.range_use
    own = row.measures.own
    return (
        "" if row.index < 0 else str(row.index),
        row.kind or "the input",
        "" if noise is None else _decibels(noise.sqnr),
        "" if own is None else _decibels(own.sqnr),
        "" if noise is None else f"{noise.cosine:.4f}",
        "" if noise is None else f"{noise.mean:.2f}",
        "" if use is None else _share(use.clipped),
        "" if use is None else f"{use.used:.0%}",
        _dead(row),
        cost(row.alone),
        cost(row.without),
    )


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f}"


def _share(share: float) -> str:
    return "0" if share < 0.00005 else f"{share:.1%}"


def _dead(row: LayerRow) -> str:
    channels = row.measures.channels
    if channels is None:
        return ""
    killed = f"+{len(channels.killed)}" if channels.killed else ""
    narrow = f"~{len(channels.narrow)}" if channels.narrow else ""
    return f"{len(channels.dead)}{killed}{narrow}"


def _points(effect: Effect | None) -> str:
    if effect is None:
        return ""
    return f"{100 * effect.change.share:+.1f}{'*' if effect.change.certain else ''}"


def _logits(effect: Effect | None) -> str:
    return "" if effect is None else f"{effect.logits:.3f}"
