"""``deploy android`` and ``deploy ios``: metadata read back, code made from the model, outputs unchanged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.data.loading import load_dataset
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import pixel_table
from tests.compiler.model_builder import edited
from tests.oracles import needs

pytestmark = needs("tflite-runtime-reference", "litert-default")

CODE = {"android": "Classifier.kt", "ios": "Classifier.swift"}


def _deploy(system: str, model: Path, out: Path, *more: str) -> int:
    return cli.run(["deploy", system, str(model), "--out", str(out), *more])


@pytest.mark.parametrize(("system", "kind"), [("android", "int8"), ("ios", "float")])
def test_the_outputs_are_those_of_the_model(
    real_models: Path, real_data: Path, tmp_path: Path, system: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgemnist.runner.run import run_model

    model, out = real_models / f"compact_{kind}.tflite", tmp_path / system
    assert _deploy(system, model, out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["classifier.tflite", "labels.txt", CODE[system]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [system]
    assert (out / "labels.txt").read_text().split() == list("0123456789")
    images = load_dataset("mnist").test.images[:20]
    for runtime in ("tflite-runtime-reference", "litert-default"):
        found, expected = (run_model(runtime, path, images).outputs for path in (out / "classifier.tflite", model))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("system", CODE)
def test_the_code_has_the_numbers_of_the_model(real_models: Path, real_data: Path, tmp_path: Path, system: str) -> None:
    model = real_models / "compact_int8.tflite"
    assert _deploy(system, model, tmp_path / "out", *(["--package", "org.example.digits"] * (system == "android"))) == 0
    code = (tmp_path / "out" / CODE[system]).read_text()
    tensor = read_tflite(model).input()
    table = pixel_table(tensor, Normalisation()).tolist()
    (written,) = re.findall(r"[\[(]\n((?:\s+-?\d+[-\d, \n]*)+)[\])]", code)
    assert [int(value) for value in written.split(",")] == table
    assert "784" in code and "28 rows of 28 pixels" in code and "0.00390625" in code
    assert ("package org.example.digits\n" in code) == (system == "android")
    assert not re.search(r"\$[a-z]{2}", code)
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)


def test_what_is_refused(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = real_models / "compact_int8.tflite"
    assert _deploy("android", model, tmp_path / "out", "--package", "Not A Package") == 2
    assert _deploy("android", model, tmp_path / "out", "--package", "org.fun.digits") == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    assert _deploy("ios", model, tmp_path / "mine") == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]

    def as_uint8(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors[graph.inputs[0]].type = 3

    strange = tmp_path / "uint8.tflite"
    strange.write_bytes(edited(model.read_bytes(), as_uint8))
    assert _deploy("ios", strange, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "no name of a Kotlin package" in said and "'fun' is a keyword" in said and "is not an empty folder" in said
    assert "is uint8; LiteRT's buffers on phones take int8 and float32" in said
    assert not (tmp_path / "out").exists()
