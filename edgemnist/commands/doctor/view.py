"""A diagnosis as text for people: of the installation, or of a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from edgemnist.commands.doctor.installation import Diagnosis
from edgemnist.commands.doctor.installation import Finding as Looked
from edgemnist.commands.doctor.report import Answer, Delegation, Evidence, Finding, ModelDiagnosis, Verdict
from edgemnist.commands.doctor.verdicts import C_PREFIX
from edgemnist.compiler.targets import TARGETS as CORES
from edgemnist.support.tables import print_text

_NAME_WIDTH = 30
_TARGET_WIDTH = 21
_MOST_PLACES = 4
_MOST_REASONS = 3
_LONGEST_NAME = 60
_MARKS = {Answer.LOADS: "ok", Answer.REFUSES: "no", Answer.UNKNOWN: "? "}


def show(diagnosis: Diagnosis) -> None:
    """Print the diagnosis: what is there with its version or place, what is not with the command that brings it."""
    heading = f"edgemnist {diagnosis.edgemnist}, Python {diagnosis.python} ({diagnosis.executable}), {diagnosis.system}"
    lines = [heading, "ok: is here; --: is not, with what brings it; !!: clash, with what mends it"]
    for title, findings in (
        ("Packages", diagnosis.packages),
        ("Runtimes (each was started)", diagnosis.runtimes),
        ("Toolchains", diagnosis.tools),
        ("Datasets", diagnosis.datasets),
    ):
        lines += ["", title, *_lines(findings)]
    lines += ["", "Clashes", *(_clashes(diagnosis) or ["  ok  none"])]
    print_text("\n".join(lines))


def _lines(findings: Sequence[Looked]) -> list[str]:
    return [
        f"  {'ok' if one.ok else '--'}  {one.name:<{_NAME_WIDTH}}{one.found if one.ok else one.remedy}"
        for one in findings
    ]


def _clashes(diagnosis: Diagnosis) -> list[str]:
    return [line for one in diagnosis.clashes for line in (f"  !!  {one.what}", f"      -> {one.remedy}")]


# --- a model ---------------------------------------------------------------------------------------------------------


def show_model(diagnosis: ModelDiagnosis) -> None:
    """Print what each target makes of the model, then its faults with their places."""
    lines = (_shortened(line) for line in _model_lines(diagnosis))
    print_text("\n".join(lines))


def _shortened(line: str) -> str:
    """Cut the names of tensors, into which converters put those of every layer that became one."""
    return re.sub(rf"'([^']{{{_LONGEST_NAME}}})[^']+'", r"'\1...'", line)


def _model_lines(diagnosis: ModelDiagnosis) -> Iterator[str]:
    images = f", looked at with {diagnosis.images}" if diagnosis.images else ""
    yield f"{diagnosis.file}: {diagnosis.kind}, {diagnosis.operators} operators{images}"
    yield "ok: loads; no: refuses, with why and what helps; ?: not known"
    for title, verdicts in _sections(diagnosis.verdicts):
        yield from ("", title)
        for names, verdict in _joined(verdicts):
            yield from _verdict_lines(names, verdict)
    yield from ("", "Faults")
    if not diagnosis.findings:
        yield "  ok  none that the file shows"
    for finding in diagnosis.findings:
        yield from _finding_lines(finding)


def _sections(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, list[Verdict]]]:
    """Yield the verdicts by what they rest on, those of this machine first."""
    titles = {
        Evidence.INVOKED: "Loaded and invoked here",
        Evidence.GENERATED: "edgemnist's C, generated here",
        Evidence.MEASURED: "By what was measured of each operator on that version",
        Evidence.NONE: "Not known",
        Evidence.DOCUMENTED: "By documentation",
    }
    for evidence, title in titles.items():
        found = [one for one in verdicts if one.evidence is evidence]
        if found:
            yield title, found


def _joined(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, Verdict]]:
    """Yield verdicts with their targets' names; those of neighbours that say the same of a family as one, the last."""

    def key(one: Verdict) -> tuple[object, ...]:
        details = () if one.evidence is Evidence.MEASURED else one.details
        remedies = () if one.answer is Answer.UNKNOWN else one.remedies
        return (_family(one.target), one.answer, one.reasons, remedies, details, one.delegation)

    for _, group in groupby(verdicts, key):
        same = list(group)
        yield _names([one.target for one in same]), same[-1]


def _family(target: str) -> str:
    """Return what versions of an interpreter, and cores, have in common; of others the name."""
    if target.startswith(C_PREFIX):
        return C_PREFIX
    package, _, version = target.rpartition("-")
    return package if version[:1].isdigit() else target


def _names(targets: Sequence[str]) -> str:
    if len(targets) == len(CORES):
        return f"{C_PREFIX}..., every core"
    if len(targets) > 2 and not targets[0].startswith(C_PREFIX):
        return f"{targets[0]} to {targets[-1].rpartition('-')[2]}"
    return ", ".join(targets)


def _verdict_lines(names: str, verdict: Verdict) -> Iterator[str]:
    indent = " " * (_TARGET_WIDTH + 6)
    head = f"  {_MARKS[verdict.answer]}  {names:<{_TARGET_WIDTH}}"
    said = list(_said(verdict))
    if len(names) >= _TARGET_WIDTH:
        yield head.rstrip()
    else:
        yield f"{head}{said.pop(0) if said else ''}".rstrip()
    yield from (f"{indent}{line}" for line in said)
    if verdict.answer is not Answer.LOADS:
        yield from (f"{indent}-> {remedy}" for remedy in verdict.remedies)


def _said(verdict: Verdict) -> Iterator[str]:
    """Yield why a target does not load a model, or how it does."""
    if verdict.answer is not Answer.LOADS:
        yield from verdict.reasons[:_MOST_REASONS]
        if len(verdict.reasons) > _MOST_REASONS:
            yield f"and {len(verdict.reasons) - _MOST_REASONS} more reasons (--json has all)"
        return
    if verdict.evidence is not Evidence.MEASURED or not verdict.install.startswith(("pip", "npm")):
        yield from verdict.details
    if verdict.delegation is not None:
        yield _delegation_words(verdict.delegation)
    if verdict.evidence is Evidence.MEASURED:
        yield verdict.install


def _delegation_words(delegation: Delegation) -> str:
    how = "" if delegation.of_this_model else " (each alone)"
    if not delegation.others:
        return f"XNNPACK: all {delegation.operators} operators{how}"
    others = ", ".join(delegation.others[:_MOST_PLACES]) + (", ..." if len(delegation.others) > _MOST_PLACES else "")
    rest = f"; not {others}" if delegation.delegated else ""
    return f"XNNPACK: {delegation.delegated} of {delegation.operators} operators{how}{rest}"


def _finding_lines(finding: Finding) -> Iterator[str]:
    fault, places = finding.fault, finding.places
    yield f"  {fault.severity.value:<7}{fault.name}: {fault.what}"
    for place in places[:_MOST_PLACES]:
        yield f"         {place.where}: {place.evidence}"
    if len(places) > _MOST_PLACES:
        yield f"         and {len(places) - _MOST_PLACES} more places (--json has all)"
    yield f"         -> {fault.remedy}"
