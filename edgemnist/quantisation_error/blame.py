"""Whom to blame: the change that brings back what int8 costs is the cause, and the easiest one of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemnist.quantisation_error.effects import Change
from edgemnist.quantisation_error.measures import RangeUse
from edgemnist.quantisation_error.report import Blame, LayerRow, Margins, Trial, Verdict
from edgemnist.quantisation_error.trials import (
    FLOAT_ACTIVATIONS,
    FLOAT_WEIGHTS,
    RANGE_PER_CHANNEL,
    RECALIBRATED,
    WEIGHTS_PER_CHANNEL,
)
from edgemnist.support.statistics import STANDARD_ERRORS, is_at_chance
from edgemnist.support.words import some

MOST = 0.5
"""A cause brings back at least this share of what int8 costs."""

ELSEWHERE = 0.2
"""Where mending all layers brings back more than mending the worst by this share of what int8 costs, it is not one."""

SOUND_SQNR = 20.0
"""In dB, of the logits: their error is a tenth of them. A net whose classes change by so little is unsure itself."""

UNLABELLED = 0.02
"""Where nobody knows the labels, int8 may change the class of so many images: about half of them for the better."""

WASTED = 0.25
"""A range of which less is used wastes two bits and more."""

NAMED = 4
"""Layers that a sentence names."""

CLIPPING = 0.01
"""More values than this being cut off is worth a remark."""

BLAMES = {
    RECALIBRATED[0]: Blame.CALIBRATION,
    WEIGHTS_PER_CHANNEL[0]: Blame.WEIGHTS,
    RANGE_PER_CHANNEL[0]: Blame.CHANNELS,
    FLOAT_WEIGHTS[0]: Blame.WEIGHTS,
    FLOAT_ACTIVATIONS[0]: Blame.EIGHT_BITS,
}

_QAT = "train for int8 with `edgemnist qat`"
REMEDIES = {
    Blame.NOBODY: "",
    Blame.CALIBRATION: (
        "calibrate with pictures like these, fed as the net was trained, and more of them: "
        "`edgemnist convert --int8 --calibration 1000`"
    ),
    Blame.CHANNELS: (
        f"{_QAT}, where the net learns with that scale; or put a batch normalisation behind the layer and train again"
    ),
    Blame.WEIGHTS: f"{_QAT}",
    Blame.EIGHT_BITS: f"{_QAT}, or keep activations of 16 bits: `edgemnist convert --int16x8`",
    Blame.ARITHMETIC: "`edgemnist explain` beside other runtimes says which rule of arithmetic it is",
    Blame.NET: "train a surer net: longer, with augmentation, or a larger one; int8 only shows what float is unsure of",
}
ACCUSED = {
    Blame.CALIBRATION: "the calibration",
    Blame.CHANNELS: "channels of very different ranges that share a scale",
    Blame.WEIGHTS: "the rounding of weights",
    Blame.EIGHT_BITS: "the eight bits of activations",
}
_PER_CHANNEL = "convert with a scale for each channel, as `edgemnist convert --int8` does"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict is made of. ``drop``: from the float net to the int8 net; ``rounding``: to the simulated one;
    ``arithmetic``: from the simulated to the int8 net. ``trials`` of all layers, ``of_worst`` of the worst one alone.
    ``chance``: share of right images by luck, None where nobody knows labels. ``drawn``: the inputs are random.
    """

    drop: Change
    rounding: Change
    arithmetic: Change
    flips: float
    float_accuracy: float
    int8_accuracy: float
    chance: float | None
    drawn: bool
    layers: Sequence[LayerRow]
    trials: Sequence[Trial]
    worst: LayerRow | None
    of_worst: Sequence[Trial]
    logits_sqnr: float | None
    margins: Margins

    @property
    def costs(self) -> bool:
        """Whether int8 certainly costs something."""
        if self.chance is None:
            return self.drop.worse and -self.drop.share - STANDARD_ERRORS * self.drop.standard_error > UNLABELLED
        return self.drop.worse


def worst_layer(rows: Sequence[LayerRow]) -> LayerRow | None:
    """Return the layer that certainly costs most: alone, or by what comes back without it; None where none does."""
    costs = [(_cost(row), row.alone.logits if row.alone else 0.0, -number) for number, row in enumerate(rows)]
    best = max(range(len(rows)), key=lambda number: costs[number], default=None)
    return rows[best] if best is not None and costs[best][0] > 0.0 else None


def _cost(row: LayerRow) -> float:
    alone = -row.alone.change.share if row.alone and row.alone.change.worse else 0.0
    without = row.without.change.share if row.without and row.without.change.better else 0.0
    return max(alone, without)


def verdict_of(found: Evidence) -> Verdict:
    """Return whom to blame, with the evidence in sentences."""
    first = _first_sentence(found)
    if found.chance is not None and is_at_chance(found.float_accuracy, found.chance, found.drop.count):
        what = f"the float net itself is no better than chance ({found.chance:.0%}), so that int8 has nothing to lose"
        remedy = "`edgemnist diagnose` finds out whether it is fed as it was trained"
        return Verdict(Blame.NET, None, (first, what), remedy)
    if found.drawn:
        what = "random inputs show what int8 changes and not what it costs: ranges are made for pictures"
        return Verdict(Blame.NOBODY, None, (first, what, *_loudest(found.layers)), "name pictures with --dataset")
    if not found.costs:
        return Verdict(Blame.NOBODY, None, (first, *_loudest(found.layers), *_remarks(found.layers)))
    if found.arithmetic.worse and -found.arithmetic.share >= MOST * -found.drop.share:
        return _of_arithmetic(found, first)
    layer = found.worst
    cause = None if layer is None else _cause(found.of_worst, found.rounding)
    if layer is None or cause is None or _more_in_all(cause, found):
        return _of_all(found, first)
    sentences = (first, _of_layer(layer, found), _of_trial(cause, layer, _right(found)))
    return Verdict(BLAMES[cause.name], layer.position, sentences, _remedy(cause), cause.effect.change)


def _first_sentence(found: Evidence) -> str:
    """Return what int8 costs. Of n images without a change, 3/n is the upper end of a 95 % interval (rule of three)."""
    drop, count = found.drop, found.drop.count
    two = f"two standard errors are {100 * STANDARD_ERRORS * drop.standard_error:.1f} points"
    if found.chance is None:
        return f"int8 gives {found.flips:.1%} of {count} inputs another class than float ({two})"
    what = (
        f"float is right for {found.float_accuracy:.1%} and int8 for {found.int8_accuracy:.1%} of {count} images: "
        f"{100 * drop.share:+.1f} points, {drop.lost} lost and {drop.gained} gained; {two}"
    )
    if drop.lost == drop.gained == 0:
        what = f"{what.partition(':')[0]}: no image changes, which rules out {300 / count:.1f} points and more"
    return what if found.costs else f"{what}, so nobody is to blame"


def _right(found: Evidence) -> str:
    return "is right for" if found.chance is not None else "gives float's class to"


def _loudest(rows: Sequence[LayerRow]) -> tuple[str, ...]:
    """Return which layer would be the first to cost something."""
    row = max(rows, key=lambda one: one.alone.logits if one.alone else 0.0)
    if row.alone is None or row.alone.logits == 0.0:
        return ()
    return (f"{row.label} moves the logits most, alone by {row.alone.logits:.2g} on average",)


def _remarks(rows: Sequence[LayerRow]) -> tuple[str, ...]:
    """Return what looks bad though it costs nothing here."""
    ranges = [(row.label, row.measures.range_use) for row in rows]
    cut = [f"{name} ({use.clipped:.1%})" for name, use in ranges if use is not None and use.clipped > CLIPPING]
    wide = [f"{name} ({use.used:.1%})" for name, use in ranges if use is not None and use.used < WASTED]
    remarks = [f"cut off are values of {some(cut, NAMED)}"] if cut else []
    remarks += [f"little is used of the range of {some(wide, NAMED)}"] if wide else []
    return tuple(f"at no cost that these images could show: {one}" for one in remarks)


def _of_arithmetic(found: Evidence, first: str) -> Verdict:
    row = max(found.layers, key=lambda one: one.measures.arithmetic or 0.0)
    what = (
        f"blame the arithmetic: rounding weights and outputs costs {-100 * found.rounding.share:.1f} points, the int8 "
        f"operators cost {-100 * found.arithmetic.share:.1f} more; {row.label} is up to "
        f"{row.measures.arithmetic or 0.0:.0f} LSB from what its weights make"
    )
    return Verdict(Blame.ARITHMETIC, row.position, (first, what), REMEDIES[Blame.ARITHMETIC], found.arithmetic)


def _cause(trials: Sequence[Trial], drop: Change) -> Trial | None:
    """Return the change that brings back most of a drop, certainly half of it; None where none does.

    Of several that do about as well, to a standard error, it is the first: that has the easiest remedy.
    """
    enough = MOST * -drop.share
    able = [one.effect.change for one in trials if one.effect.change.better and one.effect.change.share >= enough]
    if not able:
        return None
    best = max(able, key=lambda one: one.share)
    near = max(best.share - best.standard_error, enough)
    return next(one for one in trials if one.effect.change.share >= near)


def _more_in_all(cause: Trial, found: Evidence) -> bool:
    """Whether mending the same in all layers brings back so much more that it is not this layer alone."""
    everywhere = next((one for one in found.trials if one.name == cause.name), cause).effect.change.share
    return everywhere - cause.effect.change.share > ELSEWHERE * -found.rounding.share


def _of_layer(row: LayerRow, found: Evidence) -> str:
    parts = []
    if row.alone is not None:
        parts.append(f"quantised alone it costs {_points(-row.alone.change.share)} points")
    if row.without is not None:
        parts.append(f"left in float it brings back {_points(row.without.change.share)}")
    return f"the layer that costs most is {row.label}: {', '.join(parts)} of {_points(-found.rounding.share)}"


def _points(share: float) -> str:
    return f"{100 * share + 0.0:.1f}"


def _of_trial(cause: Trial, row: LayerRow | None, right: str) -> str:
    blame = BLAMES[cause.name]
    change = cause.effect.change
    where = " in all layers" if row is None else ""
    evidence = (
        f"{cause.name}{where} int8 {right} {cause.effect.accuracy.share:.1%} "
        f"({100 * change.share:+.1f} points, two standard errors are "
        f"{100 * STANDARD_ERRORS * change.standard_error:.1f})"
    )
    why = _why(blame, row)
    return f"blame {ACCUSED[blame]}: {why}{'; ' if why else ''}{evidence}"


def _why(blame: Blame, row: LayerRow | None) -> str:
    if row is None:
        return ""
    use, channels = row.measures.range_use, row.measures.channels
    if blame is Blame.CALIBRATION and use is not None:
        return _of_range(use)
    if blame is Blame.CHANNELS and channels is not None:
        return (
            f"{len(channels.narrow)} of {channels.count} channels stay within 8 LSB, the widest has "
            f"{channels.spread:.0f} times the range of the median"
        )
    if blame is Blame.WEIGHTS and row.weights_sqnr is not None:
        return f"the weights of its middle channel are {row.weights_sqnr:.1f} dB above their rounding"
    return ""


def _of_range(use: RangeUse) -> str:
    span = f"its range is {use.low:.3g}..{use.high:.3g}, its values are {use.least:.3g}..{use.most:.3g}"
    if use.clipped > CLIPPING:
        return f"{span}, so that {use.clipped:.1%} of them are cut off"
    if use.used < WASTED:
        return f"{span}, so that {use.used:.1%} of it is used"
    return span


def _remedy(cause: Trial) -> str:
    return _PER_CHANNEL if cause.name == WEIGHTS_PER_CHANNEL[0] else REMEDIES[BLAMES[cause.name]]


def _of_all(found: Evidence, first: str) -> Verdict:
    """Return the verdict where no single layer is to blame."""
    cause = _cause(found.trials, found.rounding)
    known = (first,) if found.worst is None else (first, _of_layer(found.worst, found))
    sound = found.logits_sqnr is None or found.logits_sqnr >= SOUND_SQNR
    if sound and (cause is None or BLAMES[cause.name] in (Blame.WEIGHTS, Blame.EIGHT_BITS)):
        return Verdict(Blame.NET, None, (*known, _of_net(found)), REMEDIES[Blame.NET])
    if cause is not None:
        change = cause.effect.change
        return Verdict(
            BLAMES[cause.name], None, (*known, _of_trial(cause, None, _right(found))), _remedy(cause), change
        )
    noise = f"the logits are {found.logits_sqnr or 0.0:.1f} dB above their error"
    what = f"blame the eight bits: {noise}, and mending one thing in all layers brings back less than half"
    return Verdict(Blame.EIGHT_BITS, None, (*known, what), REMEDIES[Blame.EIGHT_BITS])


def _of_net(found: Evidence) -> str:
    flipped = found.margins.flipped
    at = "" if flipped is None else f", by {flipped:.2g} where int8 changes the class"
    return (
        f"blame the net: the logits are {found.logits_sqnr or 0.0:.1f} dB above their error, and no layer stands out; "
        f"the float net's first class leads by a median of {found.margins.all:.2g}{at}"
    )
