"""What fails a report: bytes that differ, a model that breaks the oracle, a gate; nothing that is merely missing."""

from __future__ import annotations

from typing import Any

import pytest

from edgemnist.commands.report.report import VerdictState
from edgemnist.commands.report.sections import CheckState
from edgemnist.commands.report.verdict import Found, judge
from edgemnist.harness.gates import FirmwareGates
from edgemnist.tflite.kinds import ModelKind
from tests.commands.report.sample import sample_report

pytestmark = pytest.mark.unit

NAME = "a.tflite"
_SAMPLE = sample_report().firmware
assert _SAMPLE is not None
FIRMWARE = _SAMPLE


def run(runtime: str, *, exact: bool | None = True, oracle: bool = False) -> dict[str, Any]:
    count = 0 if exact else 3
    compared = {"elements": {"count": count, "total": 100}, "images": count, "max_difference": 2.0}
    found = None if oracle else compared
    return {"file": NAME, "runtime": runtime, "is_oracle": oracle, "exact": exact, "outputs": found, "logits": None}


def parity(*runs: dict[str, Any], oracle: str | None = "tflm 1", **others: Any) -> dict[str, Any]:
    model = {"file": NAME, "oracle": oracle, "no_oracle": "" if oracle else "because", "claims": "hold"}
    return {"models": [model | others.pop("model", {})], "runs": list(runs), "not_run": [], "gates": []} | others


def failed(runtime: str, how: str, file: str | None = NAME) -> dict[str, Any]:
    return {"runtime": runtime, "file": file, "how": how, "reason": f"it {how}"}


ORACLE, SAME, OTHER = run("tflm", exact=None, oracle=True), run("host-c"), run("host-c", exact=False)


@pytest.mark.parametrize(
    ("document", "state", "first"),
    [
        (parity(ORACLE, SAME), "passed", "passed"),
        (parity(ORACLE, OTHER), "failed", "failed"),
        (parity(ORACLE, run("litert-default", exact=False)), "undecided", "noted"),
        (parity(ORACLE, not_run=[failed("host-c", "missing", None)]), "undecided", "noted"),
        (parity(ORACLE, not_run=[failed("host-c", "refused")]), "undecided", "noted"),
        (parity(ORACLE, not_run=[failed("host-c", "crashed")]), "failed", "failed"),
        (parity(ORACLE, not_run=[failed("host-c", "crashed", "b.tflite")]), "undecided", "noted"),
        (parity(ORACLE, not_run=[failed("litert-default", "crashed")]), "undecided", "noted"),
        (parity(oracle=None), "undecided", "noted"),
        (parity(oracle=None, not_run=[failed("tflm", "missing", None)]), "undecided", "noted"),
        (parity(oracle=None, not_run=[failed("tflm", "wrong")]), "failed", "failed"),
        (parity(oracle=None, not_run=[failed("litert-default", "unsafe")]), "failed", "failed"),
        (parity(oracle=None, model={"claims": "refused"}), "failed", "failed"),
        (parity(ORACLE, SAME, gates=[{"gate": "--x", "passed": False, "detail": "so"}]), "failed", "passed"),
        (parity(ORACLE, gates=[{"gate": "--x", "passed": True, "detail": "so"}]), "passed", "noted"),
    ],
)
def test_the_verdict(document: dict[str, Any], state: VerdictState, first: CheckState) -> None:
    verdict = judge(Found(document, NAME, ModelKind.INT8))
    assert verdict.state == state, verdict
    assert verdict.checks[0].state == first


def test_what_is_said_of_bytes_that_differ() -> None:
    verdict = judge(Found(parity(ORACLE, OTHER), NAME, ModelKind.INT8))
    assert verdict.sentence == (
        "a.tflite does not hold what it has to: 1 of 2 checks failed (host-c equals the oracle)"
    )  # fmt: skip
    assert verdict.checks[0].detail == "3 of 100 outputs differ (by 2 at most) from tflm 1"


def test_a_float_model_has_nothing_to_prove() -> None:
    verdict = judge(Found(parity(oracle=None), NAME, ModelKind.FLOAT32))
    assert verdict.state == "undecided"
    assert [check.state for check in verdict.checks] == ["noted", "noted"]


def test_a_firmware_that_does_not_fit_fails() -> None:
    verdict = judge(Found(parity(ORACLE, SAME), NAME, ModelKind.INT8, firmware_failed="too large for microbit"))
    assert verdict.state == "failed"
    assert verdict.checks[1].detail == "too large for microbit"


@pytest.mark.parametrize(
    ("limits", "states"),
    [
        (FirmwareGates(), []),
        (FirmwareGates(max_flash=FIRMWARE.flash_bytes, max_arena=FIRMWARE.arena_bytes), ["passed", "passed"]),
        (FirmwareGates(max_flash=FIRMWARE.flash_bytes - 1), ["failed"]),
        (FirmwareGates(max_stack=0, max_instructions=10**9), ["failed", "passed"]),
        (FirmwareGates(max_instructions=1), ["failed"]),
    ],
)
def test_limits_of_the_firmware(limits: FirmwareGates, states: list[CheckState]) -> None:
    found = judge(Found(parity(ORACLE, SAME), NAME, ModelKind.INT8, firmware=FIRMWARE, limits=limits))

    checks = [check for check in found.checks if check.name.startswith("firmware --max")]
    assert [check.state for check in checks] == states
    assert all("expected at most" in check.detail and "got" in check.detail for check in checks)


def test_without_a_firmware_no_limit_of_it_holds() -> None:
    found = judge(Found(parity(ORACLE, SAME), NAME, ModelKind.INT8, limits=FirmwareGates(max_flash=10**9)))

    assert found.state == "failed"
