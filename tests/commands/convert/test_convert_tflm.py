"""What convert writes for TFLM beside the C array, and what its record says of it."""

from __future__ import annotations

import json

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.stage import run_conversion
from edgemnist.support.files import sha256_of
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflm.least_arena import tflm_arena
from tests.oracles import needs


@needs("tflm")
def test_convert_writes_records_and_lists_the_files(work: WorkFolder) -> None:
    result = run_conversion(ConversionSettings(modes=(ModelKind.INT8,), calibration=50, name="net"), work)
    facts = result.models[0].tflm
    assert facts is not None
    assert facts.files == ("model_int8_tflm.h", "model_int8_main.cc", "model_int8_dump.h")
    assert facts.arena_measured == tflm_arena(read_tflite(work.path("model_int8.tflite"))).least
    record = work.stages()["convert"]
    assert all(record.outputs[name] == sha256_of(work.path(name)) for name in facts.files)
    assert json.loads(json.dumps(result.as_json()))["models"]["int8"]["tflm"]["files"] == list(facts.files)
    text = work.path("model_int8_main.cc").read_text()
    assert "::net_labels[label]" in text
    assert '#include "model_int8.h"' in text
    # A later call for another mode keeps the files in the record, and writes none of its own.
    later = run_conversion(ConversionSettings(modes=(ModelKind.FLOAT32,), c_array=True), work)
    left_out = later.models[0].tflm
    assert left_out is not None and not left_out.files and "is for int8 models" in (left_out.note or "")
    assert set(facts.files) <= set(work.stages()["convert"].outputs)
