"""Commands as a person types them, run in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgemnist import cli


def run(*arguments: object) -> int:
    """Run a command and return its exit code."""
    return cli.run([str(argument) for argument in arguments])


def json_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Run a command that has to succeed and return its one JSON document."""
    capsys.readouterr()
    code = run(*arguments, "--json")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    document = json.loads(captured.out)
    assert isinstance(document, dict)
    return document
