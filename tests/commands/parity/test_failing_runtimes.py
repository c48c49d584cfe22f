"""A runtime that dies, hangs or answers nonsense is a row that says so, the others report, and its gate fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.commands.parity import view
from edgemnist.commands.parity.execution import run_parity
from edgemnist.commands.parity.gate import check_gates
from edgemnist.commands.parity.report import ParityReport
from edgemnist.harness.gates import Gates
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import named_subjects
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.runner import RuntimeWorker, WorkerProcess
from edgemnist.support.errors import RuntimeCrashedError
from tests.commands.parity import broken_interpreter
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-reference", "litert-default", "host-c")

BROKEN = "tflite-runtime-reference"
NAMED = ("tflm", BROKEN)


@pytest.fixture
def breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that breaks a package in all workers: ``tflite_runtime`` in a way, ``tflite_micro`` whole."""
    library = tmp_path / "broken.so"
    source = "#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { abort(); }\n"
    compiler = [str(shutil.which("cc") or shutil.which("gcc")), "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(compiler, input=source.encode(), check=True)

    def broken(package: str, how: str) -> None:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text("__version__ = '0'\n")
        if package == "tflite_runtime":
            shutil.copy(str(broken_interpreter.__file__), folder / "interpreter.py")
        else:
            (folder / "__init__.py").write_text(f"import ctypes\nctypes.CDLL({str(library)!r})\n")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        monkeypatch.setenv("BREAKS", how)
        monkeypatch.setenv("BROKEN_LIBRARY", str(library))

    return broken


@pytest.fixture
def one(real_models: Path, real_data: Path) -> Callable[[str], Subjects]:
    """Return a function that has a model with 20 images."""
    return lambda name: with_images(named_subjects([real_models / name]), ImageSettings(count=20, dataset="mnist"))


def as_text(report: ParityReport) -> str:
    with redirect_stdout(StringIO()) as captured:
        view.show_models(report)
    return captured.getvalue()


@pytest.mark.parametrize(
    ("how", "model", "named", "says"),
    [
        ("library", "compact_int8.tflite", "crashed", "killed by signal 6"),
        ("dies at one picture", "compact_int8.tflite", "crashed", "killed by signal 6"),
        ("garbage", "compact_int8.tflite", "crashed", "answered what makes no sense and was ended"),
        ("shape", "compact_int8.tflite", "wrong", r"shape \[20, 20\] and type int8 for 20 images.*\[20, 10\] and int8"),
        ("type", "compact_int8.tflite", "wrong", r"shape \[20, 10\] and type int16 for 20 images"),
        ("no number", "compact_float.tflite", "wrong", r"no number \(NaN\) for 20 of 20 images"),
    ],
)
def test_it_is_a_row_and_the_others_report(
    how: str, model: str, named: str, says: str, breaks: Callable[[str, str], None], one: Callable[[str], Subjects]
) -> None:
    subjects = one(model)
    breaks("tflite_runtime", how)
    report = run_parity(subjects, NAMED)
    (failed,) = report.as_json()["not_run"]
    assert (failed["runtime"], failed["file"], failed["how"]) == (BROKEN, model, named)
    assert [run.runtime for run in report.runs] == ["tflm"]
    assert re.search(rf"(?m)^ *{BROKEN} +{named} *$", as_text(report))
    assert re.search(says, failed["reason"])
    if model == "compact_int8.tflite":
        (gate,) = check_gates(report, Gates(require_exact=(BROKEN,))).gates
        assert not gate.passed and failed["reason"] in gate.detail


def test_what_it_prints_is_not_its_answer(breaks: Callable[[str, str], None], one: Callable[[str], Subjects]) -> None:
    subjects = one("compact_int8.tflite")
    breaks("tflite_runtime", "noise")
    report = run_parity(subjects, NAMED)
    assert report.not_run == ()
    assert {run.runtime: run.exact for run in report.runs} == {BROKEN: True, "tflm": None}


def test_an_oracle_that_dies_is_said_and_its_witness_does_not_take_its_place(
    breaks: Callable[[str, str], None], one: Callable[[str], Subjects]
) -> None:
    subjects = one("compact_int8.tflite")
    breaks("tflite_micro", "library")
    report = run_parity(subjects, NAMED)
    (model,) = report.models
    assert model.oracle is None
    assert model.no_oracle.startswith("tflm failed: the process of the runtime 'tflm' was killed by signal 6")
    assert [run.exact for run in report.runs] == [None]
    assert "no oracle: tflm failed" in as_text(report)
    (gate,) = check_gates(report, Gates(require_exact=(BROKEN,))).gates
    assert not gate.passed and "no oracle to compare with: tflm failed" in gate.detail


def test_memory_beyond_its_limit_ends_it() -> None:
    process = WorkerProcess(memory_limit=5 << 20)
    try:
        with pytest.raises(RuntimeCrashedError, match="took more than the 5 MiB of memory it may and was ended"):
            RuntimeWorker("litert-default", process).version()
    finally:
        process.close()


# Files that are wrong, through the command.


def of_two_classes(shape: tuple[int, ...], axes: list[int], kind: str = "RELU") -> bytes:
    """Return the mean of an image of 4 times 4 pixels, with the shape of two classes, right or not."""
    builder = ModelBuilder()
    image = builder.input((1, 2, 4, 1), 1 / 255, -128)
    mean = builder.op("MEAN", [image, builder.constant(axes, dtype="int32")], shape, 1 / 255, -128, keep_dims=False)
    first = [builder.constant([0], dtype="int32")] if kind == "EMBEDDING_LOOKUP" else []
    last = builder.op(kind, [*first, mean], shape, 1 / 255, -128, without_options=bool(first))
    return builder.finish([last])


@pytest.fixture
def parity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[bytes], tuple[int, Mapping[str, Any], str]]:
    """Return a function that runs the command on a file of two classes; its exit code, its JSON, and stderr."""

    def run(content: bytes) -> tuple[int, Mapping[str, Any], str]:
        path, data = tmp_path / "model.tflite", tmp_path / "data.npz"
        path.write_bytes(content)
        images = np.random.default_rng(0).integers(0, 256, (20, 2, 4, 1), np.uint8)
        labels = np.arange(20) % 2
        np.savez(data, x_train=images, y_train=labels, x_test=images, y_test=labels)
        arguments = ["--dataset", str(data), "--runtime", "tflm,host-c,litert-default,litert-reference"]
        code = cli.run(["parity", str(path), *arguments, "--require-exact", BROKEN, "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    return run


def test_runtimes_that_disagree_about_a_shape(
    parity: Callable[[bytes], tuple[int, Mapping[str, Any], str]],
) -> None:
    code, report, err = parity(of_two_classes((1, 2), [3]))
    assert code == 1 and "Traceback" not in err
    hows = {entry["runtime"]: entry["how"] for entry in report["not_run"]}
    assert hows["litert-reference"] == hows[BROKEN] == "unsafe"
    assert hows["litert-default"] == "wrong"
    assert hows["host-c"] == "refused"
    (model,) = report["models"]
    assert (model["claims"], model["oracle"]) == ("refused", None)
    assert all(run["exact"] is None for run in report["runs"])


def test_runtimes_that_agree_on_nonsense_are_not_exact(
    parity: Callable[[bytes], tuple[int, Mapping[str, Any], str]],
) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 2, 4, 1), 1 / 255, -128)
    mean = builder.op("MEAN", [image, builder.constant([2, 3], dtype="int32")], (1, 2), 1 / 255, -128)
    content = builder.finish([builder.op("LEAKY_RELU", [mean], (1, 2), 0.1, alpha=float("nan"))])
    code, report, err = parity(content)
    assert code == 1
    assert "no oracle to compare with: the file can't be trusted: operator 1 LEAKY_RELU: alpha is nan" in err
    assert {run["runtime"] for run in report["runs"]} >= {"tflm", BROKEN}
    assert all(run["exact"] is None for run in report["runs"])


def test_an_operator_that_the_compiler_does_not_know_can_be_exact(
    parity: Callable[[bytes], tuple[int, Mapping[str, Any], str]],
) -> None:
    code, report, _ = parity(of_two_classes((1, 2), [2, 3], "EMBEDDING_LOOKUP"))
    assert code == 0
    assert report["models"][0]["claims"] == "unchecked"
    assert {run["runtime"]: run["exact"] for run in report["runs"]}[BROKEN] is True
