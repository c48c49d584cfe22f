"""Figures as people read them, the same in every format."""

from __future__ import annotations

from edgemnist.commands.report.report import Deviation, RuntimeRow
from edgemnist.commands.report.sections import Estimate, Proportion, Range


def count(value: float) -> str:
    """Return a whole number with thousands set apart."""
    return f"{value:,.0f}"


def growth(value: float | None) -> str:
    """Return a whole number with its sign, "" for none."""
    return "" if value is None else f"{value:+,.0f}" if round(value) else "0"


def percent(share: float, digits: int = 2) -> str:
    """Return a share as a percentage without the sign."""
    return f"{100 * share:.{digits}f}"


def accuracy(found: Proportion | None) -> str:
    """Return a share in percent with its standard error."""
    return "" if found is None else f"{percent(found.share)} ± {percent(found.standard_error)}"


def points(value: Estimate | None) -> str:
    """Return an estimate in percentage points with its standard error."""
    if value is None:
        return ""
    return f"{round(100 * value.mean, 2) + 0.0:.2f} ± {100 * value.standard_error:.2f}"


def microseconds(value: float | None) -> str:
    """Return microseconds to about three digits."""
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def unequal(found: Deviation | None) -> str:
    """Return the share of values that differ: "0" only where none does."""
    if found is None:
        return ""
    if found.count == 0:
        return "0"
    return f"{percent(found.share)} %" if found.share >= 0.0001 else "< 0.01 %"


def largest(found: Deviation | None) -> str:
    """Return the largest difference."""
    return "" if found is None else f"{found.max_difference:g}"


def exactness(row: RuntimeRow) -> str:
    """Return in a word how a run stands to the oracle."""
    if row.is_oracle:
        return "oracle"
    return "" if row.exact is None else "exact" if row.exact else "differs"


def spread(found: Range | None, digits: int = 0) -> str:
    """Return an estimate with its bounds."""
    if found is None:
        return ""
    return f"{found.expected:,.{digits}f} ({found.low:,.{digits}f} to {found.high:,.{digits}f})"


def short(digest: str) -> str:
    """Return the first digits of a SHA-256."""
    return digest[:12]
