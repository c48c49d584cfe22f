"""The report of a replay, as it comes back from another machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgemnist.pi.replay import parse_replay
from edgemnist.support.errors import EdgeMnistError, EnvironmentFailure, GateFailedError, RuntimeCrashedError

pytestmark = pytest.mark.unit

COMPARISON = {
    "kernels": "reference",
    "correct": 9,
    "required": "exact",
    "expected_from": "tflite-runtime 2.14.0 (reference kernels)",
    "values": 100,
    "different": 1,
    "images_different": 1,
    "largest_difference": 3.0,
    "passed": False,
}
REPORT: dict[str, Any] = {
    "interpreter": "tflite-runtime",
    "version": "2.14.0",
    "machine": "aarch64",
    "bits": 64,
    "python": "3.11.2",
    "numpy": "1.26.4",
    "images": 10,
    "model_sha256": "0" * 64,
    "passed": False,
    "comparisons": [COMPARISON],
}


def test_a_failed_replay_says_what_differs() -> None:
    found = parse_replay("the Pi", 1, "a greeting\n" + json.dumps(REPORT), "")
    with pytest.raises(GateFailedError, match=r"the Pi failed:\n.*1 of 100 values differ \(1 images, at most 3\)"):
        found.raise_failed()


def test_nothing_to_compare_with_is_no_proof() -> None:
    report = {**REPORT, "comparisons": [{"kernels": "default", "correct": 9}]}
    with pytest.raises(GateFailedError, match="from nothing"):
        parse_replay("the Pi", 1, json.dumps(report), "").raise_failed()


@pytest.mark.parametrize(
    ("code", "output", "errors", "kind", "message"),
    [
        (3, "", "classify.py: the bundle is damaged", RuntimeCrashedError, "code 3: .*damaged"),
        (139, "", "Segmentation fault", RuntimeCrashedError, "code 139: .*Segmentation"),
        (0, "no report at all", "", RuntimeCrashedError, "no report"),
        (0, '{"cut": ', "", RuntimeCrashedError, "no JSON"),
        (0, '{"comparisons": []}', "", EnvironmentFailure, "no report that can be read"),
        (0, json.dumps({**REPORT, "images": "ten"}), "", EnvironmentFailure, "no report that can be read"),
        (0, json.dumps({**REPORT, "comparisons": 3}), "", EnvironmentFailure, "no report that can be read"),
    ],
)
def test_whatever_comes_back_is_a_clear_error(
    code: int, output: str, errors: str, kind: type[EdgeMnistError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        parse_replay("the Pi", code, output, errors)
