"""A float ``.tflite`` is quantised like any source: calibrated, run beside it, recorded; what cannot be is refused."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.convert.quantiser import activation_ranges, quantise, recipe_for
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite, read_tflite
from edgemnist.tflite.kinds import ModelKind, model_kind
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

pytestmark = [
    pytest.mark.skipif(find_spec("ai_edge_quantizer") is None, reason="ai-edge-quantizer is not installed"),
    needs("tflm", "tflite-runtime-reference", "litert-default"),
]

NETS = {
    "compact": "compact_float.tflite",
    "residual": "public/091_mlcommon_pretrainedResnet.tflite",
    "of 2020, without a signature": "public/079_emlearn_mnist_cnn_fp32.tflite",
}


def inputs_of(model: TfliteModel, count: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).random((count, *model.input().shape[1:]), dtype=np.float32)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_every_oracle_and_the_compiler_take_an_int8_file_and_agree_on_its_bytes(
    real_models: Path, tflm: RuntimeWorker, witness: RuntimeWorker, net: str, io: str
) -> None:
    source = read_tflite(real_models / NETS[net])
    content = quantise(source, net, recipe_for(ModelKind.INT8, io), inputs_of(source, 20, 1))
    made = parse_tflite(content)
    assert (made.input().dtype, made.output().dtype, model_kind(made)) == (io, io, ModelKind.INT8)
    cases = inputs_of(source, 4, 2)[:, np.newaxis]
    if io != "float32":
        limits = np.iinfo(io)
        cases = np.random.default_rng(3).integers(limits.min, limits.max + 1, cases.shape, dtype=np.dtype(io))
    (expected,), (found,) = tflm.invoke(content, [cases]), witness.invoke(content, [cases])
    np.testing.assert_array_equal(found, expected)
    assert generate(made, CodegenSettings()).plan.size > 0


@pytest.mark.parametrize(
    ("mode", "io", "runtime"),
    [
        (ModelKind.DYNAMIC, "float32", "tflite-runtime-default"),
        (ModelKind.FLOAT16, "float32", "tflite-runtime-default"),
        (ModelKind.INT16X8, "int16", "tflm"),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_the_other_modes_make_their_kind(real_models: Path, mode: ModelKind, io: str, runtime: str) -> None:
    source = read_tflite(real_models / "compact_float.tflite")
    images = inputs_of(source, 20, 1) if mode is ModelKind.INT16X8 else None
    content = quantise(source, "net", recipe_for(mode, io), images)
    assert model_kind(parse_tflite(content)) is mode
    with runtime_worker(runtime) as worker:
        (outputs,) = worker.invoke(content, [np.zeros((1, *source.input().shape), io)])
    assert outputs.dtype == io


def test_ranges_are_the_extremes_whatever_the_images_order(real_models: Path) -> None:
    source = read_tflite(real_models / "compact_float.tflite")
    images = inputs_of(source, 8, 1)
    images[3, 5, 5, 0] = 7.0
    ranges = activation_ranges(source, images)
    assert ranges == activation_ranges(source, images[::-1])
    entry = ranges[source.input().name]
    assert (entry["max"].item(), entry["max"].shape) == (7.0, (1, 1, 1, 1))
    assert entry["min"].item() == pytest.approx(images.min())


def test_the_command_verifies_and_records_what_it_did(
    real_data: Path, real_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source, out = real_models / "compact_float.tflite", tmp_path / "out"
    arguments = ["convert", str(source), "--int8", "--dataset", "mnist", "--calibration", "100", "--out", str(out)]
    assert cli.run([*arguments, "--json"]) == 0
    printed = capfd.readouterr()
    assert "tried, for nothing tells how compact_float.tflite is fed" in printed.err
    facts = json.loads(printed.out)["models"]["int8"]
    found = facts["verification"]
    assert found["agreement"] > 0.98
    assert found["accuracy"] > found["source_accuracy"] - 0.02
    assert (facts["input"]["scale"], facts["input"]["zero_point"]) == (pytest.approx(1 / 255), -128)
    record = WorkFolder(out).stages()["convert"]
    assert record.results["models"]["int8"]["recipe"] == recipe_for(ModelKind.INT8, "int8")
    assert record.results["models"]["int8"]["calibration"]["images"] == 100
    assert {"ai-edge-quantizer", "ai-edge-litert"} <= set(record.versions)
    assert "compact_float.tflite" in record.inputs


def test_without_a_mode_only_the_c_array_is_written(real_models: Path, tmp_path: Path) -> None:
    assert cli.run(["convert", str(real_models / "compact_float.tflite"), "--out", str(tmp_path)]) == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".c", ".h"]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("compact_float.tflite", ["--int8"], "name the dataset that it was trained on with --dataset"),
        ("compact_float.tflite", ["--float32"], "is float32 already; choose --int8"),
        ("compact_int8.tflite", ["--int8", "--dataset", "mnist"], "is int8 already"),
        ("public/140_cpetig_lstm2.tflite", ["--int8"], "has 3 inputs"),
        ("public/106_tensorfl_trained_lstm.tflite", ["--float16"], None),
        ("public/091_mlcommon_pretrainedResnet.tflite", ["--int8", "--dataset", "noise.npz"], "--even-so"),
        ("missing.tflite", ["--int8"], "missing.tflite"),
    ],
)
def test_what_is_refused_says_what_to_do(
    real_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    name: str, arguments: list[str], expected: str | None,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    images, labels = np.random.default_rng(1).integers(0, 256, (300, 8, 8), np.uint8), np.arange(300) % 10
    np.savez("noise.npz", x_train=images, y_train=labels, x_test=images[:100], y_test=labels[:100])
    code = cli.run(["convert", str(real_models / name), *arguments, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert code == (0 if expected is None else 2), said
    assert "Traceback" not in said
    assert expected is None or expected in said
    assert expected is None or not list((tmp_path / "out").glob("*"))


def test_the_source_is_not_overwritten(real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "model_float16.tflite"
    shutil.copy(real_models / "compact_float.tflite", source)
    assert cli.run(["convert", str(source), "--float16", "--out", str(tmp_path)]) == 2
    assert "would overwrite its source" in capsys.readouterr().err
    assert source.read_bytes() == (real_models / "compact_float.tflite").read_bytes()


def test_operators_that_the_quantiser_leaves_in_float_are_refused(real_models: Path) -> None:
    source = read_tflite(real_models / "public/106_tensorfl_trained_lstm.tflite")
    with pytest.raises(ModelError, match=r"leaves operators of 'net' in float32: UNIDIRECTIONAL_SEQUENCE_LSTM \(1\)"):
        quantise(source, "net", recipe_for(ModelKind.INT8, "int8"), inputs_of(source, 2, 1))


def test_a_file_without_weights_stays_as_it_is(real_models: Path) -> None:
    source = read_tflite(real_models / "public/177_google-a_single_resize_bilinear.tflite")
    with pytest.raises(ModelError, match="no weights that could be quantised"):
        quantise(source, "net", recipe_for(ModelKind.DYNAMIC, "float32"), None)


def test_an_operator_code_of_the_new_field_alone_is_read() -> None:
    """The quantiser fills only that; the schema's package would read ADD."""
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1, 0)
    content = bytearray(builder.finish([builder.op("RELU", [image], (1, 4), 0.1, 0)]))
    assert parse_tflite(bytes(content)).operators[0].kind == "RELU"
    import tflite

    code = tflite.Model.GetRootAs(content, 0).OperatorCodes(0)._tab
    content[code.Pos + code.Offset(4)] = 0  # the deprecated field
    assert parse_tflite(bytes(content)).operators[0].kind == "RELU"
