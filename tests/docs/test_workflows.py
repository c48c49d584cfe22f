"""What a workflow runs is a script of the repository, or sets up packages; what only a server can run, nobody mends."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))

_SETUP = re.compile(r"(python -m )?pip install [^;&|`$]+|sudo apt-get (update|install) ?[^;&|`$]*")
_SCRIPT = re.compile(r"(?:\./)?scripts/([a-z_]+)( [\w.,=/-]+)*")


def problems(workflow: dict[Any, Any], root: Path) -> list[str]:
    """Return every line that a workflow runs and must not, in words."""
    found = []
    for job in workflow["jobs"].values():
        for line in "\n".join(step.get("run", "") for step in job["steps"]).splitlines():
            script = _SCRIPT.fullmatch(line)
            if script is not None and not os.access(root / "scripts" / script[1], os.X_OK):
                found.append(f"{line}: there is no such program")
            elif script is None and line.strip() and not _SETUP.fullmatch(line):
                found.append(f"{line}: neither a script of scripts/ nor pip install or apt-get")
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_runs_only_scripts(path: Path) -> None:
    assert problems(yaml.safe_load(path.read_text(encoding="utf-8")), ROOT) == []


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"check", "test", "package"}


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("./scripts/check", True),
        ("./scripts/test --durations 25", True),
        ("pip install pre-commit", True),
        ("sudo apt-get update", True),
        ("./scripts/missing", False),
        ("scripts/environment", False),  # to be sourced, no program
        ("pytest", False),
        ("./scripts/check && pytest", False),
        ("pip install x; pytest", False),
    ],
)
def test_other_lines_are_found(line: str, right: bool) -> None:
    assert (problems({"jobs": {"job": {"steps": [{"uses": "checkout"}, {"run": line}]}}}, ROOT) == []) == right
