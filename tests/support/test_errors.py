"""What an error says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.support.errors import (
    EXIT_BAD_INPUT,
    EXIT_ENVIRONMENT,
    EdgeMnistError,
    InputError,
    MissingDependencyError,
    UnsupportedModelError,
)
from edgemnist.support.faults import fault_report


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("unknown target 'z80'; choose one of a, b", "choose one of a, b"),
        ("the runtime 'x' cannot run here: x is not installed; install it with: pip install x",
         "install it with: pip install x"),
        ("'work' holds no .tflite: run `edgemnist convert --int8` first", "run `edgemnist convert --int8` first"),
        ("no driver; `edgemnist firmware package` makes a project", "`edgemnist firmware package` makes a project"),
        ("not here: gone\n  put it into a folder, or train without", "put it into a folder, or train without"),
        ("cannot download 'x'; every mirror failed\n  - one: HTTP 404", None),
    ],
)  # fmt: skip
def test_remedy_is_the_clause_that_says_what_to_do(message: str, remedy: str | None) -> None:
    assert InputError(message).report().remedy == remedy


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (InputError("no"), "input", EXIT_BAD_INPUT),
        (UnsupportedModelError("no", ["one"]), "unsupported_model", EXIT_BAD_INPUT),
        (MissingDependencyError("no"), "missing_dependency", EXIT_ENVIRONMENT),
    ],
)
def test_kind_is_the_class(error: EdgeMnistError, kind: str, exit_code: int) -> None:
    report = error.report()

    assert (report.kind, report.exit_code) == (kind, exit_code)
    assert set(report.as_json()) == {"kind", "message", "remedy", "exit_code"}


def test_a_fault_of_ours_is_one_line_and_a_log() -> None:
    try:
        raise KeyError("two\nlines")
    except KeyError as error:
        report = fault_report(error)

    assert report.exit_code == 70 and "\n" not in report.message
    assert report.remedy is not None
    log = Path(report.remedy.rpartition(" ")[2])
    assert "KeyError" in log.read_text()
    log.unlink()
