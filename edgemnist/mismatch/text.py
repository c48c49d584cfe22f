"""An explanation as text for people."""

from __future__ import annotations

from edgemnist.mismatch.cost import Cost
from edgemnist.mismatch.explanation import Explanation, OperatorRow, span
from edgemnist.mismatch.tally import Differences
from edgemnist.support.tables import Column, numbers, print_table, print_text

_COLUMNS = (
    Column("", right=True),
    Column("operator"),
    *numbers("own"),
    *numbers("by", rank=2),
    *numbers("inherited", rank=3),
    Column("rule", rank=1),
)


def print_explanation(found: Explanation) -> None:
    """Print a table for each source that differs, then in sentences what makes the difference and what it costs."""
    print_text(f"{found.model}; {found.inputs}")
    print_text(f"oracle: {found.oracle}")
    if found.fed is not None:
        print_text(found.fed.sentence())
    for source in found.sources:
        print_text("")
        if source.first is not None:
            rows = [_cells(row) for row in source.operators]
            print_table(_COLUMNS, rows, f"{source.name} {source.version}")
        print_text(*source.sentences())
        print_text(*_cost_sentences(source.cost), *(f"  to reproduce: {one}" for one in source.reproducers))
    if any(source.first is not None for source in found.sources):
        print_text("")
        print_text(
            "own: elements that differ although the operator got the oracle's bytes; by: in LSB, or the floats' unit; "
            "inherited: elements that differ in the whole model; ?: not known"
        )


def _cells(row: OperatorRow) -> tuple[str, ...]:
    own, inherited = row.own, _share(row.accumulated)
    if own is None:
        return str(row.index), row.kind, "?", "", inherited, ""
    return str(row.index), row.kind, _share(own), span(own, "..") if own.differing else "", inherited, _rule(row)


def _rule(row: OperatorRow) -> str:
    if row.rule is None:
        return ("no rule for a state" if row.state else "unknown") if row.differs else ""
    if row.rule.exact or (row.rule.approximate and row.rule.share == 1.0):
        return row.rule.rule
    return f"nearest ({row.rule.share:.0%}): {row.rule.rule}"


def _share(found: Differences) -> str:
    if not found.elements:
        return "?"
    if not found.differing:
        return "0"
    return f"{found.share:.2%}" if found.share >= 0.0001 else "< 0.01%"


def _cost_sentences(cost: Cost | None) -> list[str]:
    if cost is None:
        return []
    lines, unit = [], " LSB" if cost.in_lsb else ""
    if cost.flips.count:
        least, _, most = cost.margins
        lines.append(
            f"  class: {cost.flips.count} of {cost.flips.total} inputs get another; there the oracle's class leads by "
            f"{least:.3g}..{most:.3g}{unit}"
        )
    else:
        lines.append(f"  class: the same for all {cost.flips.total} inputs")
    if cost.accuracy is not None and cost.oracle_accuracy is not None:
        lines.append(f"  accuracy: {cost.accuracy.share:.2%}, the oracle's {cost.oracle_accuracy.share:.2%}")
    if cost.worst:
        worst = ", ".join(
            f"{one.number} ({one.oracle} -> {one.found})"
            if one.oracle != one.found
            else f"{one.number} ({one.largest:.3g}{unit})"
            for one in cost.worst[:5]
        )
        lines.append(f"  worst inputs: {worst}")
    return lines
