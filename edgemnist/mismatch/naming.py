"""Which rule makes the bytes that were found: all candidates are replayed, one that reproduces them is the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgemnist.harness.compare import same
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.arithmetics import arithmetic_of
from edgemnist.mismatch.case import Case, Prediction
from edgemnist.mismatch.compare import Sample
from edgemnist.mismatch.rule import DESCRIBING, Rule, rules_for
from edgemnist.mismatch.unsigned import as_unsigned, has_unsigned, signed

NEAR = 0.5
"""Of the elements that differ, the share that a rule has to reproduce to be named as the nearest."""


@dataclass(frozen=True)
class Naming:
    """The rule that was found. ``reproduced`` of ``elements`` are as it predicts; ``differing`` of these elements are
    not the oracle's, ``explained`` of which are as it predicts. ``also``: others that reproduce every one of them;
    ``excluded``: others that did, but not what the runtime made of ``probes`` further inputs.
    """

    rule: str
    says: str
    detail: str
    remedy: str
    elements: int
    reproduced: int
    differing: int
    explained: int
    images: int
    also: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    probes: int = 0
    approximate: bool = False
    """Whether the rule says only how far elements may be off, as floats are that were added in another order."""

    @property
    def exact(self) -> bool:
        """Whether it reproduces every element to the bit."""
        return self.reproduced == self.elements and not self.approximate

    @property
    def share(self) -> float:
        """Of the elements that differ, the share that it reproduces, 0..1."""
        return self.explained / self.differing if self.differing else 1.0


Parts = tuple[Rule, ...]
"""One rule, or a change of an arithmetic and a way of rounding together."""


@dataclass(frozen=True)
class Search:
    """What was found for a case: ``exact`` rules, the preferred first, and where there is none the ``nearest``."""

    exact: tuple[tuple[Parts, Naming], ...]
    nearest: Naming | None

    @property
    def naming(self) -> Naming | None:
        """The answer: the preferred rule, with what would give the same; None where none is near."""
        if not self.exact:
            return self.nearest
        (_, first), *others = self.exact
        return replace(first, also=tuple(one.rule for _, one in others))

    def preferring(self, rule: str) -> Search:
        """Return the same with an exact rule of that name first, if there is one."""
        return replace(self, exact=tuple(sorted(self.exact, key=lambda pair: pair[1].rule != rule)))


def search(case: Case) -> Search:
    """Try all candidates on the first image, and those that reproduce it on all; none where nothing differs."""
    if same(case.sample.found, case.sample.oracle).all():
        return Search((), None)
    screen = _part(case, 0, 1)
    exact: list[tuple[Parts, Naming]] = []
    near: list[tuple[float, Parts]] = []
    for parts, best in _tried(screen):
        if exact and (len(parts) > 1 or parts[0].rank == DESCRIBING):
            break
        found = (_best(case, parts) if best.exact else best) or best
        if found.exact and found.images == case.images:
            exact.append((parts, found))
        near.append((_score(found), parts))
    if exact or not near:
        return Search(tuple(exact), None)
    nearest = _best(case, max(near, key=lambda pair: pair[0])[1])
    return Search((), nearest if nearest is not None and nearest.share >= NEAR and _gains(nearest) else None)


def confirmed(case: Case, parts: Parts) -> Naming | None:
    """Return what a rule makes of a case if it reproduces all of it."""
    found = _best(case, parts)
    return found if found is not None and found.exact else None


def _score(found: Naming) -> float:
    return found.reproduced / found.elements


def _gains(found: Naming) -> bool:
    """Whether the rule is nearer to what was found than the oracle is."""
    return found.reproduced > found.elements - found.differing


def _part(case: Case, first: int, stop: int) -> Case:
    sample, part = case.sample, slice(first, stop)
    cut = Sample(
        tuple(one[part] for one in sample.inputs), sample.oracle[part], sample.found[part], sample.before[part]
    )
    return Case(case.model, case.index, cut)


def _tried(case: Case) -> Iterator[tuple[Parts, Naming]]:
    """Yield the best that each rule makes of a case, then each change of it together with each way of rounding."""
    ordered = rules_for(case.kind)
    singles = [(rule,) for rule in ordered]
    changes = [rule for rule in ordered if rule.is_change]
    pairs = [(change, rounding) for change in changes for rounding in ordered if rounding.rounding]
    describing = [parts for parts in singles if parts[0].rank == DESCRIBING]
    for parts in [*(parts for parts in singles if parts not in describing), *pairs, *describing]:
        best = _best(case, parts)
        if best is not None:
            yield parts, best


def _best(case: Case, parts: Parts) -> Naming | None:
    """Return the nearest of what rules make of a case, None where they do not apply to it."""
    judged = (_judged(case, parts, prediction) for prediction in predictions(case, parts))
    return max(judged, key=_score, default=None)


def predictions(case: Case, parts: Parts) -> Iterator[Prediction]:
    if has_unsigned(case):
        yield from (as_unsigned(case, one) for one in predictions(signed(case), parts))
        return
    (rule, *roundings) = parts
    for predict in (rule.predict, rule.compute):
        if predict is not None:
            yield from predict(case)
    arithmetic = arithmetic_of(case) if rule.is_change or rule.rounding is not None else None
    if arithmetic is not None:
        for detail, changed in rule.changed(arithmetic):
            for rounded in _rounded(changed, roundings):
                yield Prediction(case.stored(rounded.outputs()), detail)


def _rounded(arithmetic: Arithmetic, roundings: Sequence[Rule]) -> Iterator[Arithmetic]:
    if not roundings:
        yield arithmetic
    for rule in roundings:
        yield from (changed for _, changed in rule.changed(arithmetic))


def _judged(case: Case, parts: Parts, prediction: Prediction) -> Naming:
    found, oracle = case.sample.found, case.sample.oracle
    alike, differing = prediction.alike(found), ~same(oracle, found)
    return Naming(
        rule=" and ".join(rule.name for rule in parts),
        says=" and ".join(rule.says for rule in parts),
        detail=prediction.detail,
        remedy="; ".join(dict.fromkeys(rule.remedy for rule in parts)),
        elements=found.size,
        reproduced=int(np.count_nonzero(alike)),
        differing=int(np.count_nonzero(differing)),
        explained=int(np.count_nonzero(alike & differing)),
        images=case.images,
        approximate=prediction.within is not None,
    )
