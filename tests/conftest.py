"""Fixtures that every test may use, the unit tests by themselves, and the rule that nothing is skipped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.oracles", "tests.training.fixtures", "tests.commands.example_folder"]

UNIT_MARK = "pytest.mark.unit"
TRAINING_PACKAGES = ("tensorflow", "tf_keras", "tensorflow_model_optimization")


LONGEST = (
    "compiler/test_host_bodies.py",
    "compiler/test_emulated_layers.py",
    "compiler/test_weighted_layers.py",
    "commands/train/test_transfer.py",
    "compiler/test_sparse_bodies.py",
    "compiler/test_whole_nets.py",
    "commands/prune/test_prune.py",
    "compiler/test_depthwise_rows.py",
    "compiler/test_fusions.py",
    "compiler/test_emit.py",
    "commands/convert/test_convert.py",
    "commands/firmware/test_firmware_commands.py",
    "compiler/test_timed_instructions.py",
    "compiler/test_vectors.py",
    "compiler/test_channel_pairs.py",
    "compiler/test_sparse_layers.py",
    "mcu/test_verification.py",
    "harness/test_models.py",
    "pi/test_emulator.py",
    "test_stopping.py",
)
"""The files that take longest: with ``--no-loadscope-reorder`` they begin first, so that none runs alone at the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --unit, which scripts/check passes."""
    parser.addoption("--unit", action="store_true", help="only tests marked `unit`; without TensorFlow and the PATH")


def pytest_configure(config: pytest.Config) -> None:
    """With --unit, hide what unit tests must not need, also where it is installed.

    What starts the tests may have them ignore Ctrl-C, as a shell's ``&`` does, and every process that a test starts
    inherits that: those that are to end by it would go on for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("unit"):
        config.option.markexpr = "unit"
        os.environ["PATH"] = os.devnull
        sys.modules.update(dict.fromkeys(TRAINING_PACKAGES))  # type: ignore[arg-type]  # None: not to be imported


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --unit, leave out files without such tests: importing them all takes longer than running the unit tests."""
    if not config.getoption("unit") or not (collection_path.is_dir() or collection_path.suffix == ".py"):
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return not any(UNIT_MARK in file.read_text(encoding="utf-8") for file in files) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; pytest-xdist would put those with many tests first, which are the short ones."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def _folder_from_environment(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} does not name a folder")
    return Path(value)


@pytest.fixture(scope="session", autouse=True)
def _warm_starts(pytestconfig: pytest.Config) -> Iterator[None]:
    """Let workers with TensorFlow start at once (see :mod:`tests.warm`)."""
    if pytestconfig.getoption("unit") or sys.platform != "linux":
        yield
        return
    from tests.warm import warm_starts

    with warm_starts():
        yield


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
