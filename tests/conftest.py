"""Fixtures that every test may use, and the rule that nothing is skipped where everything is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.engines", "tests.training.fixtures"]


def _folder_from_environment(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} does not name a folder")
    return Path(value)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with one folder per real dataset."""
    return _folder_from_environment("EDGEMNIST_DATA")


@pytest.fixture(scope="session")
def real_models() -> Path:
    """Return the folder with int8 and float .tflite files to test with."""
    return _folder_from_environment("EDGEMNIST_MODELS")


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what was skipped."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With EDGEMNIST_NO_SKIPS=1, fail the run when anything was skipped: a missing tool must not look like success."""
    if os.environ.get("EDGEMNIST_NO_SKIPS") == "1" and _skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which skipped tests failed the run."""
    if os.environ.get("EDGEMNIST_NO_SKIPS") == "1" and _skipped:
        terminalreporter.write_sep("=", "skipped where nothing may be skipped", red=True)
        for nodeid in _skipped:
            terminalreporter.write_line(nodeid)
