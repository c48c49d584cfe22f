"""The result as values: why the bytes of runtimes differ from the oracle's; its JSON is the truth, texts are views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from edgemnist.mismatch.cost import Cost
from edgemnist.mismatch.fed import InputFinding
from edgemnist.mismatch.naming import Naming
from edgemnist.mismatch.tally import Differences

FORMAT = 1


@dataclass(frozen=True)
class OperatorRow:
    """An operator of a source; ``tensor`` is the name of its output. See ``compare.OperatorFinding``."""

    index: int
    kind: str
    tensor: str
    shape: tuple[int, ...]
    accumulated: Differences
    own: Differences | None
    why_not_own: str
    rule: Naming | None
    first_image: int | None = None
    state: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether it has an error of its own."""
        return self.own is not None and self.own.differing > 0


@dataclass(frozen=True)
class Output:
    """One of a model's several outputs; ``label`` is its name for people."""

    name: str
    differences: Differences
    label: str


@dataclass(frozen=True)
class SourceExplanation:
    """A source beside the oracle. ``outputs``: of the model's output, the first of several, all of which are ``heads``;
    None where it does not show them. ``cost`` likewise, None of several.

    ``failure``: why it could not go on. ``watched``: what is different once every operator's output is kept, empty
    where nothing is. ``reproducers``: folders that were written. ``keeps_state``: whether what the model makes of an
    input depends on those before.
    """

    name: str
    version: str
    operators: tuple[OperatorRow, ...]
    outputs: Differences | None
    cost: Cost | None
    failure: str = ""
    watched: str = ""
    reproducers: tuple[str, ...] = ()
    keeps_state: bool = False
    heads: tuple[Output, ...] = ()

    @property
    def first(self) -> OperatorRow | None:
        """The first operator whose output is not the oracle's, in the whole model or, where it is not shown, alone.

        Where a state carries what differs to the next input, the first is that of the first such input.
        """
        found = (one for one in self.operators if one.accumulated.differing or one.differs)
        return min(found, key=lambda one: one.first_image or 0 if self.keeps_state else 0, default=None)

    @property
    def exact(self) -> bool:
        """Whether all that it shows are the oracle's bytes."""
        outputs = [self.outputs] if self.outputs is not None else []
        shown = [*outputs, *(one.differences for one in self.heads)]
        return not self.failure and self.first is None and not any(one.differing for one in shown)

    def by_rule(self) -> dict[str, list[OperatorRow]]:
        """Return the operators with an error of their own by the name of their rule, "" for those without one."""
        groups: dict[str, list[OperatorRow]] = {}
        for one in self.operators:
            if one.differs:
                groups.setdefault(one.rule.rule if one.rule else "", []).append(one)
        return groups

    def sentences(self) -> Iterator[str]:
        """Yield what was found, for people, the main thing first."""
        if self.failure:
            yield f"{self.name} could not go on: {self.failure}"
        if self.exact:
            count = sum((one.own or one.accumulated).elements for one in self.operators)
            yield f"{self.name}: all {count:,} bytes of {len(self.operators)} operators are the oracle's"
        first = self.first
        if first is not None:
            yield (
                f"{self.name}: the first operator that differs is {first.index} {first.kind}: "
                f"{_in_words(first.accumulated if first.accumulated.differing or first.own is None else first.own)}"
                + (
                    f", first at input {first.first_image}"
                    if self.keeps_state and first.first_image is not None
                    else ""
                )
            )
        for group in self.by_rule().values():
            yield from _of_group(group)
        for why in dict.fromkeys(one.why_not_own for one in self.operators if one.why_not_own):
            names = ", ".join(f"{one.index} {one.kind}" for one in self.operators if one.why_not_own == why)
            yield f"  not told of {names} alone: {why}"
        if any(one.differences.differing for one in self.heads):
            heads = (f"{one.label!r} {one.differences.share:.2%}" for one in self.heads)
            yield f"  outputs that differ: {', '.join(heads)}"
        kept = [f"{one.index} {one.kind}" for one in self.operators if one.state and one.own is not None]
        if kept:
            yield f"  own of {', '.join(kept)}: with the state that it makes itself, from zero at the first input"
        if self.watched:
            yield f"{self.name}: {self.watched}"


@dataclass(frozen=True)
class Explanation:
    """Of one model. ``oracle``: whose bytes are right, with its version. ``inputs`` says which, ``count`` how many.
    ``fed``: a device's input beside what pictures give, None without pictures.
    """

    model: str
    sha256: str
    oracle: str
    inputs: str
    count: int
    sources: tuple[SourceExplanation, ...]
    assumed: tuple[str, ...] = ()
    fed: InputFinding | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "format": FORMAT,
            **{key: value for key, value in asdict(self).items() if key != "sources"},
            "sources": [_source_json(source) for source in self.sources],
            "fed": None if self.fed is None else {**asdict(self.fed), "sentence": self.fed.sentence()},
        }


def _source_json(source: SourceExplanation) -> dict[str, Any]:
    content = asdict(source)
    content["operators"] = [_row_json(row) for row in source.operators]
    first = source.first
    return {**content, "exact": source.exact, "first": None if first is None else first.index,
            "sentences": list(source.sentences())}  # fmt: skip


def _row_json(row: OperatorRow) -> dict[str, Any]:
    content = asdict(row)
    for name, found in (("accumulated", row.accumulated), ("own", row.own)):
        if found is not None:
            content[name] |= {"share": found.share, "largest": found.largest}
    if row.rule is not None:
        content["rule"] |= {"exact": row.rule.exact, "share": row.rule.share}
    return content


def span(found: Differences, joint: str) -> str:
    """Return the least and the largest signed difference in words: whole LSB, or floats of two digits."""
    low, high = (f"{value:+.0f}" if found.histogram else f"{value:+.1e}" for value in (found.lowest, found.highest))
    return low if low == high else f"{low}{joint}{high}"


def _in_words(found: Differences) -> str:
    where = f", {found.where}" if found.where else ""
    unit = " LSB" if found.histogram else ""
    return (
        f"{found.differing:,} of {found.elements:,} elements ({found.share:.2%}) by {span(found, ' to ')}{unit}{where}"
    )


def _of_group(group: list[OperatorRow]) -> Iterator[str]:
    names = ", ".join(f"{one.index} {one.kind}" for one in group)
    rule = group[0].rule
    if rule is None:
        for kept, why in ((False, "no rule that is known makes"), (True, "rules know no state, so that none makes")):
            unnamed = [f"{one.index} {one.kind}" for one in group if bool(one.state) == kept]
            if unnamed:
                yield f"  {why} the bytes of {', '.join(unnamed)}"
        return
    details = dict.fromkeys(one.rule.detail for one in group if one.rule and one.rule.detail)
    detail = f" ({'; '.join(details)})" if details else ""
    found = [one.rule for one in group if one.rule is not None]
    if all(one.exact for one in found):
        evidence = f"reproduces all {sum(one.elements for one in found):,} bytes that were replayed"
    elif all(one.reproduced == one.elements for one in found):
        evidence = f"all {sum(one.elements for one in found):,} values that were replayed are as near as that allows"
    else:
        share = sum(one.explained for one in found) / sum(one.differing for one in found)
        evidence = f"the nearest that is known, {share:.1%} of the bytes that differ"
    others = dict.fromkeys(name for one in found for name in one.excluded)
    apart = f"; experiments rule out {', '.join(others)}" if others else ""
    open_ = [name for name in found[0].also if name not in others]
    left = f"; {', '.join(open_)} would give the same here" if open_ else ""
    yield f"  {rule.rule}{detail}: {names}: the operator {rule.says}; {evidence}{apart}{left}. {_sentence(rule.remedy)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
