"""What is written to show a mismatch to others shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgemnist.mismatch.explain import ExplainSettings, explain
from edgemnist.mismatch.material import Material
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.kinds import ModelKind
from tests.mismatch.planted import INPUT, net
from tests.oracles import needs


@pytest.mark.slow
@needs("litert-default")
def test_the_smallest_model_differs_and_its_test_fails(tmp_path: Path, tflm: RuntimeWorker) -> None:
    model, inputs = net(), np.random.default_rng(2).integers(-128, 128, (40, *INPUT)).astype(np.int8)
    loaded = LoadedModel(tmp_path / "net.tflite", ModelKind.INT8, model)
    settings = ExplainSettings(against=("litert-default",), reproducers=tmp_path / "out")
    (source,) = explain(loaded, Material((inputs,), "random"), settings).sources
    (folder,) = map(Path, source.reproducers)
    assert {path.name for path in folder.iterdir()} == {
        "model.tflite", "input_0.npy", "expected.npy", "found.npy", "test_reproducer.py", "ISSUE.md",
    }  # fmt: skip
    small = read_tflite(folder / "model.tflite")
    assert (small.input().elements, small.output().elements, small.size < 1200) == (1, 1, True)
    with runtime_worker("litert-default") as litert:
        for worker, name in ((tflm, "expected"), (litert, "found")):
            (answer,) = worker.invoke(small.content, [np.load(folder / "input_0.npy")[np.newaxis]])
            np.testing.assert_array_equal(answer[0], np.load(folder / f"{name}.npy"))
    assert (np.load(folder / "expected.npy") != np.load(folder / "found.npy")).all()
    assert "rounds halves to even" in (folder / "ISSUE.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_reproducer.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "1 failed" in done.stdout
