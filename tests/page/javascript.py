"""JavaScript of the templates, run in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgemnist.page.html import joined

NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed; run scripts/test")


def run_node(folder: Path, script: str, *arguments: str) -> str:
    """Run a script as an ES module in a folder and return what it printed; it may import what lies there."""
    (folder / "test.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(["node", "test.mjs", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def run_templates(folder: Path, names: Sequence[str], script: str, values: Any) -> Any:
    """Return what a script makes of ``values``: it finds them as ``values``, and the templates before it."""
    (folder / "values.json").write_text(json.dumps(values), encoding="utf-8")
    head = 'import { readFileSync } from "node:fs";\nconst values = JSON.parse(readFileSync("values.json", "utf8"));\n'
    return json.loads(run_node(folder, f"{head}{joined(names)}\nconsole.log(JSON.stringify({script}));"))
