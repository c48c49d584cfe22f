"""What has to hold of a model for its report to say so, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgemnist.commands.report.comparison import Comparison
from edgemnist.commands.report.report import Check, Verdict
from edgemnist.commands.report.sections import CheckState, Firmware, PairedDifference
from edgemnist.harness.claims import Standing
from edgemnist.harness.gates import FirmwareGates
from edgemnist.harness.runtimes import ORACLES
from edgemnist.support.statistics import STANDARD_ERRORS
from edgemnist.tflite.kinds import ModelKind

EXACT_RUNTIMES = (*ORACLES, "host-c", "cortex-m4")
"""The runtimes that compute what the oracle does: its second witness, and the compiler's C here and on a core."""


@dataclass(frozen=True)
class Found:
    """What is judged: ``parity``, the document of a parity run, and the model in it that the report is about."""

    parity: Mapping[str, Any]
    name: str
    kind: ModelKind
    paired: PairedDifference | None = None
    firmware: Firmware | None = None
    firmware_failed: str = ""
    limits: FirmwareGates = field(default_factory=FirmwareGates)
    comparison: Comparison | None = None

    def failures(self, runtimes: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return what is said of runtimes that did not run the model."""
        told = (one for one in self.parity["not_run"] if one["file"] in (None, self.name))
        return [one for one in told if one["runtime"] in runtimes]

    def is_broken_in(self, runtimes: Sequence[str]) -> bool:
        """Whether one of them neither declined the model nor is missing: that speaks against the model."""
        return any(one["how"] not in ("missing", "refused") for one in self.failures(runtimes))


def judge(found: Found) -> Verdict:
    """Return the verdict: exactness has to hold where it was looked at; an accuracy has no limit that anybody gave."""
    name, firmware = found.name, (*_firmware(found), *_firmware_limits(found))
    own = (*_exactness(found), *firmware, *_accuracy(found.paired), *_gates(found.parity))
    every = (*own, *baseline_checks(found.comparison))
    failed = [check.name for check in every if check.state == "failed"]
    passed = sum(check.state == "passed" for check in every)
    if failed:
        which = f"{len(failed)} of {len(every)} checks failed ({'; '.join(failed)})"
        return Verdict("failed", f"{name} does not hold what it has to: {which}", every)
    if not passed:
        return Verdict("undecided", f"nothing was found against {name}, and nothing that proves it", every)
    noted = f"{passed} checks passed, none failed, {len(every) - passed} noted"
    return Verdict("passed", f"{name} holds what it has to: {noted}", every)


def _exactness(found: Found) -> Iterator[Check]:
    """Yield a check for each runtime that has the oracle's arithmetic."""
    title = "bytes equal the oracle's"
    if found.kind not in (ModelKind.INT8, ModelKind.INT16X8):
        yield Check(title, "noted", f"a {found.kind.value} model has no oracle")
        return
    model = next(one for one in found.parity["models"] if one["file"] == found.name)
    if model["oracle"] is None:
        state: CheckState = "failed" if _speaks_against_the_model(found, model) else "noted"
        yield Check(title, state, f"there is no oracle: {model['no_oracle']}")
        return
    runs = {run["runtime"]: run for run in found.parity["runs"] if run["file"] == found.name}
    for runtime in EXACT_RUNTIMES:
        title = f"{runtime} equals the oracle"
        if runtime in runs and not runs[runtime]["is_oracle"]:
            exact = runs[runtime]["exact"] is True
            yield Check(title, "passed" if exact else "failed", _compared(runs[runtime], model["oracle"]))
        for one in found.failures((runtime,))[:1]:
            state = "failed" if found.is_broken_in((runtime,)) else "noted"
            yield Check(title, state, f"it did not run: {one['reason']}")


def _speaks_against_the_model(found: Found, model: Mapping[str, Any]) -> bool:
    """Whether there is no oracle because of the model, and not only because none is installed or was named."""
    unsafe = any(one["how"] == "unsafe" and one["file"] == found.name for one in found.parity["not_run"])
    return unsafe or model["claims"] == Standing.REFUSED.value or found.is_broken_in(ORACLES)


def _compared(run: Mapping[str, Any], oracle: str) -> str:
    parts = []
    for what in ("outputs", "logits"):
        found = run[what]
        if found is not None:
            elements = found["elements"]
            by = "" if not elements["count"] else f" (by {found['max_difference']:g} at most)"
            parts.append(f"{elements['count']:,} of {elements['total']:,} {what} differ{by}")
    return f"{'; '.join(parts)} from {oracle}"


def _firmware(found: Found) -> Iterator[Check]:
    if found.firmware_failed:
        yield Check("the firmware runs on its board", "failed", found.firmware_failed)
    one = found.firmware
    if one is not None:
        detail = f"{one.differing:,} output values differ from {one.oracle}, on {one.device}"
        title = f"the firmware for {one.board} equals the oracle"
        yield Check(title, "passed" if one.exact else "failed", detail)


def _firmware_limits(found: Found) -> Iterator[Check]:
    """Yield a check for each limit of the firmware; without a firmware none of them holds."""
    one = found.firmware
    for name, limit in found.limits.given.items():
        title = f"firmware --{name.replace('_', '-')} {limit}"
        if one is None:
            yield Check(title, "failed", "there is no firmware to judge; the section that is left out says why")
            continue
        instructions = None if one.instructions is None else round(one.instructions.expected)
        got = {
            "max_flash": one.flash_bytes,
            "max_arena": one.arena_bytes,
            "max_stack": one.stack_used,
            "max_instructions": instructions,
        }[name]
        passed = got is not None and got <= limit
        counted = "nothing counted" if got is None else f"{got:,}"
        yield Check(
            title, "passed" if passed else "failed", f"expected at most {limit:,}, got {counted} on {one.board}"
        )


def _accuracy(paired: PairedDifference | None) -> Iterator[Check]:
    title = "accuracy against the float model"
    if paired is None:
        yield Check(title, "noted", "no float model took part")
        return
    drop, error = 100 * paired.drop.mean, 100 * paired.drop.standard_error
    beyond = "beyond" if abs(drop) > STANDARD_ERRORS * error else "within"
    detail = (
        f"{drop + 0.0:.2f} ± {error:.2f} points lost on the same images, {beyond} two standard errors: "
        f"{paired.only_reference} images only {paired.reference} gets right, {paired.only_model} only {paired.model}"
    )
    yield Check(title, "noted", detail)


def _gates(parity: Mapping[str, Any]) -> Iterator[Check]:
    """Yield the gates that were asked of the parity run that the figures are of."""
    for gate in parity["gates"]:
        yield Check(f"parity {gate['gate']}", "passed" if gate["passed"] else "failed", gate["detail"])


def baseline_checks(comparison: Comparison | None) -> tuple[Check, ...]:
    """Return what was found beside an earlier release, none where there was none to compare with."""
    if comparison is None:
        return ()
    return tuple(Check(f"baseline: {one.name}", one.state, one.detail) for one in comparison.findings)
