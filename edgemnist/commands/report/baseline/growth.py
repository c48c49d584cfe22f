"""What a model takes more than the baseline, and whether layers explain it that are not the same in both.

A growth in new layers, or in ones of other shapes, is what somebody wanted. One in a layer that is the same in kind and
shape, or in what belongs to no layer, is not: beyond a tolerance it is unexplained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgemnist.commands.report.baseline.costs import Both, in_use
from edgemnist.commands.report.comparison import Finding, Growth, LayerCosts, LayerPair
from edgemnist.commands.report.device import FIRMWARE, MEMORY
from edgemnist.commands.report.report import Report

LEAST_BYTES, LEAST_INSTRUCTIONS = 128, 500
"""So much more is never a finding: alignment and an inference's own way through the code come to that."""


@dataclass(frozen=True)
class Compared:
    """``growths`` of what could be compared, every layer, and what is to be said of each figure."""

    growths: tuple[Growth, ...]
    layers: tuple[LayerPair, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Figure:
    """``total`` of a report, None where it has none; ``of`` a layer.

    ``wanted``: growth that layers explain which are not the same. ``settings`` of a report have to be the baseline's;
    ``section``: of the report that it is in.
    """

    name: str
    unit: str
    total: Callable[[Report], float | None]
    of: Callable[[LayerCosts], float | None]
    wanted: Callable[[_Figure, Both], float]
    settings: Callable[[Report], tuple[str, ...]] = lambda _: ()
    section: str = ""

    @property
    def least(self) -> float:
        """Growth that is never a finding."""
        return LEAST_BYTES if self.unit == _BYTES else LEAST_INSTRUCTIONS


def compared(both: Both, tolerance: float) -> Compared:
    """Compare sizes and instructions; ``tolerance`` is the share by which what is the same may take more."""
    growths, findings, said = [], [], [list[str]() for _ in both.pairs]
    for figure in _FIGURES:
        why = _not_comparable(figure, both)
        if why:
            findings.append(Finding(figure.name, "noted", f"not compared: {why}"))
            continue
        growth = _growth(figure, both, tolerance)
        layers = _unexplained_layers(figure, growth, both, tolerance)
        for place, sentence in layers.items():
            said[place].append(f"{figure.name}: {sentence}")
        growths.append(growth)
        names = [f"layer {both.pairs[place].model_layer}: {sentence}" for place, sentence in layers.items()]
        findings.append(_finding(growth, names))
    pairs = [replace(one, unexplained=tuple(lines)) for one, lines in zip(both.pairs, said, strict=True)]
    return Compared(tuple(growths), tuple(pairs), tuple(findings))


def _not_comparable(figure: _Figure, both: Both) -> str:
    sides = {"the baseline": both.baseline, "the model": both.model}
    missing = [f"{name} has none{_why(figure, one)}" for name, one in sides.items() if figure.total(one) is None]
    if missing:
        return "; ".join(missing)
    old, new = (figure.settings(one) for one in sides.values())
    return "; ".join(
        f"the baseline's is of {was}, the model's of {now}" for was, now in zip(old, new, strict=True) if was != now
    )


def _why(figure: _Figure, report: Report) -> str:
    return next((f", {one.reason}" for one in report.left_out if one.section == figure.section), "")


def _growth(figure: _Figure, both: Both, tolerance: float) -> Growth:
    old, new = (figure.total(one) or 0.0 for one in (both.baseline, both.model))
    wanted = figure.wanted(figure, both) if both.groups else None
    rest = None if wanted is None else new - old - wanted
    return Growth(figure.name, figure.unit, old, new, wanted, rest, max(tolerance * old, figure.least))


# --- what layers explain ---------------------------------------------------------------------------------------------


def _in_layers(figure: _Figure, both: Both) -> float:
    return sum(_value(figure, one.model) - _value(figure, one.baseline) for one in both.pairs if one.state != "same")


def _in_flash(figure: _Figure, both: Both) -> float:
    """Return what other layers take more, with the kernels that came with them; without any there are none."""
    return _in_layers(figure, both) + (0 if both.all_same else max(0, both.shared_growth))


def _in_arena(_: _Figure, both: Both) -> float:
    """Return by how much the arena has to be larger than the baseline's for layers that are not the same.

    One that is smaller is so for these, too, where there are any.
    """
    old, memory = both.baseline.memory, both.model.memory
    if old is None or memory is None or both.all_same:
        return 0.0
    needed = max((in_use(memory, step) for step in both.touched()), default=0)
    return max(needed - old.arena_bytes, min(0, memory.arena_bytes - old.arena_bytes))


def _value(figure: _Figure, costs: LayerCosts | None) -> float:
    return 0.0 if costs is None else figure.of(costs) or 0.0


def _flash_of(report: Report) -> float | None:
    return report.firmware.flash_bytes if report.firmware else None


def _arena_of(report: Report) -> float | None:
    return report.memory.arena_bytes if report.memory else None


def _instructions_of(report: Report) -> float | None:
    return report.firmware.instructions.expected if report.firmware and report.firmware.instructions else None


def _of_firmware(report: Report) -> tuple[str, ...]:
    return (report.firmware.board, report.firmware.compiler) if report.firmware else ()


def _of_memory(report: Report) -> tuple[str, ...]:
    return (report.memory.target,) if report.memory else ()


_ARENA, _FLASH, _BYTES = "arena", "flash", "bytes"
_FIGURES = (
    _Figure("file size", _BYTES, lambda one: one.subject.bytes, lambda one: one.file_bytes, _in_layers),
    _Figure(_FLASH, _BYTES, _flash_of, lambda one: one.flash_bytes, _in_flash, _of_firmware, FIRMWARE),
    _Figure(_ARENA, _BYTES, _arena_of, lambda one: one.arena_bytes, _in_arena, _of_memory, MEMORY),
    _Figure("instructions", "", _instructions_of, lambda one: one.instructions, _in_layers, _of_firmware, FIRMWARE),
)


# --- what nothing explains -------------------------------------------------------------------------------------------


def _unexplained_layers(figure: _Figure, growth: Growth, both: Both, tolerance: float) -> dict[int, str]:
    """Return what is to be said of layers that are the same and take more, by their places."""
    if figure.name == _ARENA and growth.model - growth.baseline <= growth.allowed:
        return {}  # a layer's part of the arena costs nothing where the whole is no larger
    touched = both.touched() if figure.name == _ARENA else frozenset()
    spare = max(0, -both.shared_growth) if figure.name == _FLASH else 0  # shared code that one layer has for itself now
    found = {}
    for place, (group, pair) in enumerate(zip(both.groups, both.pairs, strict=True)):
        old, new = _value(figure, pair.baseline), _value(figure, pair.model)
        most = old + max(tolerance * old, figure.least) + spare
        if pair.state == "same" and new > most and not any(one.step in touched for one in group.model):
            found[place] = f"expected at most {_number(most, growth)}, got {_number(new, growth)}"
    return found


def _finding(growth: Growth, layers: list[str]) -> Finding:
    change = growth.model - growth.baseline
    rise = f" ({change / growth.baseline:+.1%})" if growth.baseline and change else ""
    told = f"{growth.baseline:,.0f} → {_number(growth.model, growth)}{rise}"
    if growth.in_the_rest is None or growth.in_changed_layers is None:
        if change <= growth.allowed:
            return Finding(growth.name, "passed", told)
        why = "whether other layers explain it cannot be told, since one report has no shapes; name the older .tflite"
        return Finding(growth.name, "noted", f"{told}: {why}")
    unexplained = growth.in_the_rest > growth.allowed
    if not unexplained and not layers:
        parts = (
            f": {growth.in_changed_layers:+,.0f} in layers that are not the same, {growth.in_the_rest:+,.0f} elsewhere"
        )
        return Finding(growth.name, "passed", told + (parts if change > 0 else ""))
    lines = [_expected(growth)] if unexplained else []
    return Finding(growth.name, "failed", "; ".join([told, *lines, *layers]))


def _expected(growth: Growth) -> str:
    wanted = growth.in_changed_layers or 0.0
    most, got = (_number(one, growth) for one in (growth.baseline + wanted + growth.allowed, growth.model))
    parts = f"{growth.baseline:,.0f}, {wanted:+,.0f} in layers that are not the same, {growth.allowed:+,.0f} allowed"
    return f"expected at most {most} ({parts}), got {got}"


def _number(value: float, growth: Growth) -> str:
    return f"{value:,.0f} {growth.unit}".strip()
