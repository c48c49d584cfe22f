"""Two releases side by side: tables, and what grew as pictures."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from edgemnist.commands.report import words
from edgemnist.commands.report.comparison import Comparison, Growth, LayerCosts, LayerPair
from edgemnist.commands.report.html.svg import WIDTH, Picture, shortened, ticks
from edgemnist.commands.report.html.tables import Cell, Column, Table

MOST_LAYERS = 40
"""Of more, those that changed most are drawn; the table has all."""

_STATES = {"same": "same", "new": "+ new", "gone": "− gone", "changed": "≠ changed"}


# --- tables ----------------------------------------------------------------------------------------------------------


def growths(found: Comparison) -> Table:
    """Return every figure of both, and where the growth is."""
    columns = (
        Column("figure"), Column("baseline", True), Column("model", True), Column("change", True),
        Column("in other layers", True, "growth in layers that are not the same in both"),
        Column("elsewhere", True, "growth in layers that are the same, and in what belongs to none"),
        Column("allowed elsewhere", True),
    )  # fmt: skip
    rows = [
        (
            Cell(one.name, one.unit if one.unit not in one.name else ""),
            _number(one.baseline),
            _number(one.model),
            _number(one.model - one.baseline, signed=True, note=_relative(one.baseline, one.model)),
            _number(one.in_changed_layers, signed=True),
            _number(one.in_the_rest, signed=True, mark="failed" if _is_unexplained(one) else ""),
            _number(one.allowed),
        )
        for one in found.growths
    ]
    return Table("Sizes and instructions of both", columns, tuple(rows), sortable=False).without_empty()


def latency(found: Comparison) -> Table | None:
    """Return the times of both, None where there are none."""
    columns = (
        Column("runtime"), Column("baseline µs", True), Column("model µs", True),
        Column("ratio", True, "model over baseline, the median of the windows and their least and most"),
        Column("windows", True),
    )  # fmt: skip
    rows = [
        (
            Cell(one.runtime),
            Cell(words.microseconds(one.baseline_us), value=one.baseline_us),
            Cell(words.microseconds(one.model_us), value=one.model_us),
            Cell("not judged") if one.ratio is None else _ratio(one.ratio.expected, one.ratio.low, one.ratio.high),
            Cell(str(one.windows) if one.windows else ""),
        )
        for one in found.latency
    ]
    return Table("Median time of one inference", columns, tuple(rows)).without_empty() if rows else None


def layers(found: Comparison) -> Table:
    """Return every layer of both."""
    columns = (
        Column("layer"), Column("state"), Column("instructions", True), Column("flash B", True),
        Column("arena B", True, "bytes of the arena in use while it runs"), Column("file B", True),
    )  # fmt: skip
    rows = [
        (
            Cell(layer_name(one), one.shape),
            Cell("✗ unexplained" if one.unexplained else _STATES[one.state], "; ".join(one.unexplained), _mark(one)),
            *(_both(one, of) for of in (_instructions, _flash, _arena, _file)),
        )
        for one in found.layers
    ]
    return Table("Layer by layer: baseline → model", columns, tuple(rows)).without_empty()


def layer_name(pair: LayerPair) -> str:
    """Return what a layer is called, in both where that is not the same."""
    if not pair.model_layer or not pair.baseline_layer or pair.model_layer == pair.baseline_layer:
        return pair.model_layer or pair.baseline_layer
    return f"{pair.model_layer} (was {pair.baseline_layer})"


def _mark(pair: LayerPair) -> str:
    return "failed" if pair.unexplained else "noted"


def _is_unexplained(growth: Growth) -> bool:
    return growth.in_the_rest is not None and growth.in_the_rest > growth.allowed


def _number(value: float | None, *, signed: bool = False, note: str = "", mark: str = "") -> Cell:
    if value is None:
        return Cell("", note)
    text = words.growth(value) if signed else words.count(value)
    return Cell(f"✗ {text}" if mark == "failed" else text, note, mark=mark, value=value)


def _ratio(expected: float, low: float, high: float) -> Cell:
    return Cell(f"{expected:.3f}", f"{low:.3f} to {high:.3f}", value=expected)


def _relative(old: float, new: float) -> str:
    return f"{(new - old) / old:+.1%}" if old and new != old else ""


def _both(pair: LayerPair, of: Callable[[LayerCosts], float | None]) -> Cell:
    old, new = (None if one is None else of(one) for one in (pair.baseline, pair.model))
    if old is None and new is None:
        return Cell("")
    if old == new and old is not None:
        return Cell(words.count(old), value=0.0)
    text = " → ".join("–" if one is None else words.count(one) for one in (old, new))
    return Cell(text, _relative(old or 0, new or 0) if old and new else "", value=(new or 0) - (old or 0))


def _instructions(costs: LayerCosts) -> float | None:
    return costs.instructions


def _flash(costs: LayerCosts) -> float | None:
    return costs.flash_bytes


def _arena(costs: LayerCosts) -> float | None:
    return costs.arena_bytes


def _file(costs: LayerCosts) -> float | None:
    return costs.file_bytes


# --- pictures --------------------------------------------------------------------------------------------------------


def growth_bars(found: Comparison) -> Markup | None:
    """Return the growth of each figure in percent of the baseline: in other layers, and elsewhere with its limit."""
    rows = [one for one in found.growths if one.baseline]
    if not rows:
        return None
    left, top, side, row = 128.0, 20.0, WIDTH - 146.0, 40.0
    bottom = top + row * len(rows)
    shares = [share for one in rows for share in (*_parts(one), one.allowed / one.baseline)]
    low, high = min(0.0, *shares), max(0.02, *shares)
    picture = Picture(bottom + 38, "Growth beside the baseline", _growth_words(found))

    def across(share: float) -> float:
        return left + side * (share - low) / (high - low)

    for share in ticks(low, high, 4):
        picture.line((across(share), top), (across(share), bottom), "grid")
        picture.text(across(share), bottom + 17, _percent(share), "tick", "middle")
    picture.text(left + side / 2, bottom + 34, "growth in percent of the baseline", "axis", "middle")
    picture.line((across(0), top), (across(0), bottom), "base")
    for number, one in enumerate(rows):
        y = top + row * number
        picture.text(left - 8, y + row / 2 + 4, shortened(one.name, left - 10), "name", "end")
        names = ("in layers that are not the same", "elsewhere") if len(_parts(one)) == 2 else ("in all",)
        for place, (share, name) in enumerate(zip(_parts(one), names, strict=True)):
            start, end = sorted((across(0), across(share)))
            hover = f"{one.name}: {share:+.1%} {name}"
            picture.bar(start, y + 7 + 14 * place, max(end - start, 0.5), 12, f"bar series-{place + 1}", hover)
        limit = across(one.allowed / one.baseline)
        picture.line((limit, y + 18), (limit, y + 36), "bound")
    return picture.markup()


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _parts(growth: Growth) -> tuple[float, ...]:
    """Return the growth as shares of the baseline: in other layers and elsewhere, or in all where nobody can tell."""
    if growth.in_changed_layers is None or growth.in_the_rest is None:
        return ((growth.model - growth.baseline) / growth.baseline,)
    return growth.in_changed_layers / growth.baseline, growth.in_the_rest / growth.baseline


def _growth_words(found: Comparison) -> str:
    told = [f"{one.name} from {one.baseline:,.0f} to {one.model:,.0f}" for one in found.growths]
    return f"{'; '.join(told)}. Beyond its limit, growth elsewhere is unexplained."


def layer_bars(found: Comparison) -> Markup | None:
    """Return the instructions of each layer in both, or where nobody counted its bytes in the file."""
    of, what = _drawn(found)
    pairs = [(one, *_of_both(one, of)) for one in found.layers]
    shown = sorted(range(len(pairs)), key=lambda place: -abs(pairs[place][2] - pairs[place][1]))[:MOST_LAYERS]
    rows = [pairs[place] for place in sorted(shown)]
    most = max((max(old, new) for _, old, new in rows), default=0.0)
    if not most:
        return None
    left, top, side, row = 158.0, 6.0, WIDTH - 176.0, 28.0
    bottom = top + row * len(rows)
    picture = Picture(bottom + 38, f"{what} of each layer in both", _layer_words(found, what))
    for place in ticks(0, most, 3):
        x = left + side * place / most
        picture.line((x, top), (x, bottom), "grid")
        picture.text(x, bottom + 17, _short(place), "tick", "middle")
    picture.text(left + side / 2, bottom + 34, what.lower(), "axis", "middle")
    for number, (pair, old, new) in enumerate(rows):
        y = top + row * number
        name = pair.model_layer or pair.baseline_layer
        mark = " strong" if pair.state != "same" or pair.unexplained else ""
        picture.text(0, y + row / 2 + 4, shortened(name, left - 8), f"name{mark}")
        for place, (value, whose) in enumerate(((new, "model"), (old, "baseline"))):
            hover = f"{name}, {whose}: {value:,.0f}"
            width = side * value / most
            picture.bar(left, y + 3 + 12 * place, width, 10, f"bar series-{place + 1}", hover)
    return picture.markup()


def _drawn(found: Comparison) -> tuple[Callable[[LayerCosts], float | None], str]:
    costs = [one for pair in found.layers for one in (pair.baseline, pair.model) if one is not None]
    counted = any(one.instructions for one in costs)
    return (_instructions, "Instructions") if counted else (_file, "Bytes in the file")


def _of_both(pair: LayerPair, of: Callable[[LayerCosts], float | None]) -> tuple[float, float]:
    old, new = (0.0 if one is None else float(of(one) or 0.0) for one in (pair.baseline, pair.model))
    return old, new


def _layer_words(found: Comparison, what: str) -> str:
    states = [one.state for one in found.layers]
    told = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{what} of {len(states)} layers: {told}. The table below has every figure."


def _short(value: float) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k" if value >= 1e4 else f"{value:,.0f}"
