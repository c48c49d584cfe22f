"""A report as JUnit XML, as continuous integration reads it: a test for each check and for each model in a runtime.

What was found beside a baseline is a suite of its own.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from edgemnist.commands.report.report import Check, Report, RuntimeRow
from edgemnist.commands.report.verdict import baseline_checks

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def render(report: Report) -> str:
    """Return the document; a check that is only noted, and what did not run, are skipped tests."""
    root = ElementTree.Element("testsuites", name=_clean(f"edgemnist: {report.title}"))
    beside = baseline_checks(report.comparison)
    checks = _suite(root, "checks")
    for check in report.verdict.checks:
        if check not in beside:
            _check(checks, check)
    if report.comparison is not None:
        baseline = _suite(root, "baseline")
        for check in beside:
            _check(baseline, check, "baseline")
    runs = _suite(root, "runtimes")
    for row in report.runtimes.rows:
        _run(runs, row)
    for entry in report.runtimes.not_run:
        case = _case(runs, entry.file or "every model", entry.runtime)
        ElementTree.SubElement(case, "skipped", message=_clean(f"{entry.how}: {entry.reason}"))
    for suite in root:
        _count(suite)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(root, "testsuite", name=name)


def _case(suite: ElementTree.Element, classname: str, name: str, seconds: float | None = None) -> ElementTree.Element:
    attributes = {"classname": _clean(classname), "name": _clean(name)}
    times = {} if seconds is None else {"time": f"{seconds:.6f}"}
    return ElementTree.SubElement(suite, "testcase", attributes | times)


def _check(suite: ElementTree.Element, check: Check, classname: str = "verdict") -> None:
    case = _case(suite, classname, check.name)
    if check.state == "failed":
        ElementTree.SubElement(case, "failure", message=_clean(check.detail))
    elif check.state == "noted":
        ElementTree.SubElement(case, "skipped", message=_clean(check.detail))
    else:
        ElementTree.SubElement(case, "system-out").text = _clean(check.detail)


def _run(suite: ElementTree.Element, row: RuntimeRow) -> None:
    """A run is a test that it ran; whether its bytes have to be the oracle's is for the checks to say."""
    case = _case(suite, row.file, row.runtime, row.median_us / 1e6)
    facts = [
        f"{row.runtime} {row.version}, {row.kernels}",
        f"accuracy {row.accuracy.count} of {row.accuracy.total}",
        "the oracle" if row.is_oracle else "" if row.exact is None else f"exact: {'yes' if row.exact else 'no'}",
    ]
    ElementTree.SubElement(case, "system-out").text = _clean("; ".join(fact for fact in facts if fact))


def _count(suite: ElementTree.Element) -> None:
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
