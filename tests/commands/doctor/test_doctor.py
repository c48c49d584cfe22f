"""``edgemnist doctor``: what is here is started, what is missing comes with its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgemnist import cli
from edgemnist.commands.doctor import installation as doctor
from edgemnist.runner import runtimes


def by_name(findings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in findings}


@pytest.mark.slow
def test_everything_is_looked_for_and_every_remedy_is_a_command(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["doctor", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["base_problems"] == []
    engines = by_name(found["runtimes"])
    assert set(engines) == set(runtimes())
    for name, runtime in runtimes().items():
        assert bool(engines[name]["found"]) == (runtime.available() is None), engines[name]["remedy"]
    assert by_name(found["datasets"])["mnist"]["found"] == str(real_data / "mnist")
    assert {"cc", "arm-none-eabi-gcc", "qemu-system-arm", "unicorn"} <= set(by_name(found["tools"]))
    for group in ("packages", "runtimes", "tools", "datasets"):
        for finding in found[group]:
            assert finding["found"] or any(word in finding["remedy"] for word in ("install", "fetch", "venv", "set up"))


def test_an_engine_that_does_not_start_breaks_the_base_install(tmp_path: Path) -> None:
    for package in ("tflite_runtime", "ai_edge_litert", "tensorflow"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('built for another processor')\n")

    answer = subprocess.run(
        [sys.executable, "-m", "edgemnist", "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert answer.returncode == 3
    assert answer.stderr.startswith("edgemnist: the base install is broken:")
    assert "no interpreter works" in answer.stderr
    assert "--  tflite-runtime-default" in answer.stdout
    assert "built for another processor" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_data_folder_that_is_none_is_said_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEMNIST_DATA", "/nowhere/at/all")

    (finding,) = doctor._datasets()

    assert not finding.ok
    assert "EDGEMNIST_DATA" in finding.remedy


def test_a_missing_program_comes_with_its_command() -> None:
    finding = doctor._find_tool(doctor.Tool("no-such-compiler", "a compiler", apt="no-such-package", brew="none"))

    assert not finding.ok
    assert "install no" in finding.remedy
