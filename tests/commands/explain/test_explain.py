"""``edgemnist explain``: the command on real runtimes, and what is wrong with its input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import net
from tests.mismatch.test_several_ends import two_ends
from tests.mismatch.test_wide_mistakes import dense as wide
from tests.oracles import needs


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(net().content)
    return path


@needs("tflm", "litert-default", "tflite-runtime-default")
def test_real_runtimes_and_their_rules(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtimes = "litert-default,tflite-runtime-default,tflite-runtime-reference,host-c"
    assert cli.run(["explain", str(model), "--against", runtimes, "--images", "40", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["count"], found["oracle"].split()[0]) == (1, 40, "tflm")
    sources = {one["name"]: one for one in found["sources"]}
    assert sources["host-c"]["exact"] and sources["tflite-runtime-reference"]["exact"]
    delegated = sources["litert-default"]
    assert (delegated["exact"], delegated["first"]) == (False, 0)
    for row in delegated["operators"]:
        if row["kind"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED") and row["own"]["differing"]:
            assert (row["rule"]["rule"], row["rule"]["exact"]) == ("float requantisation", True)
        if row["kind"] in ("MAX_POOL_2D", "RESHAPE"):
            assert row["own"]["differing"] == 0
    assert any("reproduces all" in sentence for sentence in delegated["sentences"])
    assert delegated["cost"]["flips"]["total"] == 40


@needs("tflm", "litert-default")
def test_the_text_says_it_at_60_columns(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert cli.run(["explain", str(model), "--against", "litert-default", "--random"]) == 0
    said = capsys.readouterr().out
    assert "100 random inputs, uniform over -128..127 (seed 0)" in said
    assert "the first operator that differs is 0 CONV_2D" in said
    assert "requantises in single precision and rounds halves to even" in said


@needs("tflm", "litert-reference", "tflite-runtime-reference")
def test_several_inputs_and_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes(two_ends())
    runtimes = "litert-reference,tflite-runtime-reference"
    assert cli.run(["explain", str(path), "--against", runtimes, "--images", "200", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["sources"]
    assert found["inputs"] == "200 random inputs, uniform over -128..127 (seed 0)"
    assert [len(one["heads"]) for one in (first, second)] == [2, 2]
    assert second["exact"]
    dense = [row for row in first["operators"] if row["own"]["differing"]]
    assert {row["rule"]["rule"] for row in dense} == {"requantisation in double precision"}
    assert any("outputs that differ: 'fully_connected" in sentence for sentence in first["sentences"])


@needs("tflm", "tflite-runtime-reference", "litert-reference")
def test_a_net_of_int16(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(wide().content)
    runtimes = "litert-reference,tflite-runtime-reference"
    assert cli.run(["explain", str(path), "--against", runtimes, "--random", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["sources"]
    assert second["exact"]
    (row,) = first["operators"]
    assert row["own"]["differing"] > 0
    assert (row["rule"]["rule"], row["rule"]["exact"]) == ("requantisation in double precision", True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "litert"], "unknown runtime 'litert'"),
        (["--against", "keras"], "the runtime 'keras' does not take net.tflite (int8)"),
        (["--random", "--dataset", "mnist"], "contradict each other"),
    ],
)
def test_bad_input(model: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert cli.run(["explain", str(model), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_lies_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), scale=0.1)
    weights = builder.constant(np.ones((2, 4)), [0.1])
    content = builder.finish([builder.op("FULLY_CONNECTED", [image, weights], (1, 3), 0.2)])
    assert parse_tflite(content).output().elements == 3
    (tmp_path / "lies.tflite").write_bytes(content)
    assert cli.run(["explain", str(tmp_path / "lies.tflite"), "--random"]) == 2
    assert "can't be trusted, so that no runtime is right" in capsys.readouterr().err
