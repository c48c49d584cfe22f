"""A work folder that says it has converted a small CNN to float32 and int8."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.tflite.preprocessing import Preprocessing


@pytest.fixture
def work(real_models: Path, real_data: Path, tmp_path: Path) -> Path:
    """Return the work folder."""
    folder = WorkFolder(tmp_path / "work")
    folder.root.mkdir()
    context = ModelContext("mnist", "compact", Preprocessing((28, 28, 1), tuple("0123456789")))
    outputs = []
    for kind, name in (("float", "model_float32.tflite"), ("int8", "model_int8.tflite")):
        target = folder.path(name)
        target.write_bytes((real_models / f"compact_{kind}.tflite").read_bytes())
        outputs.append(target)
    folder.record("convert", settings=context.as_json(), results={}, outputs=outputs)
    return folder.root
