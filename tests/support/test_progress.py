"""What is said to people beside a result, and what silences it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.support.progress import quietly, say
from tests.compiler.layers import Layers, Window

pytestmark = pytest.mark.unit


def test_quiet_says_nothing_until_its_block_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with quietly(True):
        say("one")
        with quietly(False):
            say("two")
    with quietly(False):
        say("three")

    assert capsys.readouterr().err == "three\n"


def test_a_command_that_is_quiet_says_its_result_and_its_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = Layers.seeded(1)
    model = tmp_path / "net.tflite"
    model.write_bytes(layers.finish(layers.conv(layers.input((1, 4, 4, 1)), 3, Window((1, 1)))))
    command = ["codegen", str(model), "--out", str(tmp_path / "c")]

    assert cli.run(command) == 0
    loud = capsys.readouterr()
    assert cli.run([*command, "-q"]) == 0
    quiet = capsys.readouterr()
    assert cli.run(["codegen", str(tmp_path / "none.tflite"), "--quiet"]) == 2
    assert (quiet.err, quiet.out) == ("", loud.out)
    assert "none.tflite" in capsys.readouterr().err
