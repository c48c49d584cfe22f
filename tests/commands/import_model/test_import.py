"""The import stage: what it leaves, what it says about the original, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.import_model.normalisation import candidates, check_normalisation
from edgemnist.commands.import_model.stage import ImportSettings, run_import
from edgemnist.data.loading import load_dataset
from edgemnist.keras_io.sources import load_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.normalisation import NORMALISATIONS, parse_normalisation
from tests.commands.convert.conftest import SIDE, draw
from tests.commands.convert.conftest import quadrants as quadrants
from tests.commands.import_model.conftest import as_onnx, shifted
from tests.onnx.nets import ML, model, node, save, weights

PIXELS = "mean=0.3,std=0.25"


def test_the_chain_needs_no_more_arguments(
    net_file: Path, trained: Any, quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = ["--work", str(tmp_path)]
    usual = [str(net_file), "--dataset", str(quadrants), "--normalisation", PIXELS]
    assert cli.run(["import", *usual, *work, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    images, labels = draw(400, 2)
    right = float((np.asarray(trained(shifted(images))).argmax(axis=1) == labels).mean())
    assert result["accuracy"] == pytest.approx(right) and right > 0.95
    assert result["max_difference"] < 1e-4
    assert (result["agreement"], result["compared"], result["test_images"]) == (1.0, 400, 400)
    assert "softmax appended" in result["output"] and "NCHW" in result["layout"]
    assert result["engine"].startswith("onnxruntime") and result["notes"] == []
    context = ModelContext.from_json(WorkFolder(tmp_path).stages()["train"].settings)
    assert context.preprocessing.normalisation.scale == pytest.approx(1 / (255 * 0.25))
    assert cli.run(["convert", "--int8", *work]) == 0
    assert cli.run(["parity", *work, "--require-exact", "tflm,host-c", "--runtime", "tflm", "--runtime", "host-c"]) == 0
    assert cli.run(["codegen", *work]) == 0
    operators = [operator.kind for operator in read_tflite(tmp_path / "model_int8.tflite").operators]
    assert operators == ["CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]
    assert read_tflite(tmp_path / "model_int8.tflite").input().shape == (1, SIDE, SIDE, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"end": "Softmax"}, "probabilities, as the original"),
        ({"end": "LogSoftmax"}, "softmax in place of LogSoftmax"),
        ({"end": "Sigmoid", "batch": 3}, "softmax in place of Sigmoid"),
        ({"flat": True}, "softmax appended"),
    ],
)
def test_every_kind_of_output_becomes_probabilities(
    options: dict[str, Any], said: str, trained: Any, quadrants: Path, tmp_path: Path
) -> None:
    path = save(as_onnx(trained, **options), tmp_path / "net.onnx")
    result = run_import(ImportSettings(model=path, dataset=str(quadrants), normalisation=PIXELS), WorkFolder(tmp_path))
    assert said in result.output
    assert (result.batch, result.accuracy > 0.95) == (options.get("batch"), True)


def test_the_same_file_gives_the_same_bytes(net_file: Path, quadrants: Path, tmp_path: Path) -> None:
    for name in "ab":
        run_import(
            ImportSettings(model=net_file, dataset=str(quadrants), normalisation=PIXELS), WorkFolder(tmp_path / name)
        )
    assert (tmp_path / "a" / TRAINED_MODEL).read_bytes() == (tmp_path / "b" / TRAINED_MODEL).read_bytes()


def test_a_linear_classifier_of_scikit_learn(quadrants: Path, tmp_path: Path) -> None:
    """Least squares is a linear classifier that needs no training; its file has the label first and a map of scores."""
    images, labels = draw(1200, 1)
    pixels = np.concatenate([images.reshape(len(images), -1) / 255.0, np.ones((len(images), 1))], axis=1)
    solution = np.linalg.lstsq(pixels, 8 * np.eye(4)[labels] - 4, rcond=None)[0]
    linear = node(
        f"{ML}.LinearClassifier",
        "x",
        "label scores",
        coefficients=solution[:-1].T.reshape(-1).tolist(),
        intercepts=solution[-1].tolist(),
        classlabels_ints=[0, 1, 2, 3],
        post_transform="LOGISTIC",
    )
    nodes = [
        linear,
        node(f"{ML}.Normalizer", "scores", "shares", norm="L1"),
        node(f"{ML}.ZipMap", "shares", "maps", classlabels_int64s=[0, 1, 2, 3]),
    ]
    made = model(nodes, {}, ("n", SIDE * SIDE), outputs=())
    integer = onnx.helper.make_tensor_value_info("label", onnx.TensorProto.INT64, ("rows",))
    kind = onnx.helper.make_map_type_proto(
        onnx.TensorProto.INT64, onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, ())
    )
    maps = onnx.helper.make_value_info("maps", onnx.helper.make_sequence_type_proto(kind))
    made.graph.output.extend([integer, maps])
    path = save(made, tmp_path / "linear.onnx")
    result = run_import(ImportSettings(model=path, dataset=str(quadrants)), WorkFolder(tmp_path))
    assert result.output.startswith("softmax in place of Sigmoid and ai.onnx.ml.Normalizer")
    assert (result.agreement, result.original_accuracy) == (1.0, result.accuracy)
    assert result.accuracy > 0.9 and result.parameters == 4 * SIDE * SIDE + 4


def test_bytes_as_input_have_their_own_range(trained: Any, quadrants: Path, tmp_path: Path) -> None:
    made = as_onnx(trained)
    inside = [
        node("Cast", "bytes", "real", to=1),
        node("Mul", "real scale", "scaled"),
        node("Sub", "scaled shift", "x"),
    ]
    constants = {"scale": np.float32(1 / (255 * 0.25)), "shift": np.float32(0.3 / 0.25)}
    for place, one in enumerate(inside):
        made.graph.node.insert(place, one)
    made.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items())
    made.graph.input[0].name = "bytes"
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    path = save(made, tmp_path / "bytes.onnx")
    result = run_import(ImportSettings(model=path, dataset=str(quadrants)), WorkFolder(tmp_path))
    assert (result.normalisation, result.accuracy > 0.95, result.notes) == ("0..255", True, ())
    assert cli.run(["import", str(path), "--dataset", str(quadrants), "--normalisation", "0..1"]) == 2


def test_without_onnxruntime_onnx_itself_is_compared_with(
    net_file: Path, quadrants: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = run_import(
        ImportSettings(model=net_file, dataset=str(quadrants), normalisation=PIXELS), WorkFolder(tmp_path)
    )
    assert result.engine.endswith("reference") and result.compared == 20
    assert result.max_difference < 1e-4


def test_convert_sends_other_frameworks_files_here(net_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["convert", str(net_file), "--float32"]) == 2
    assert f"edgemnist import {net_file}" in capsys.readouterr().err


def test_a_saved_model_of_one_image_at_a_time_as_jax_writes_it(tmp_path: Path) -> None:
    tensorflow, _ = load_tensorflow()
    module, matrix = tensorflow.Module(), tensorflow.constant(weights(SIDE * SIDE, 4))
    one = [tensorflow.TensorSpec((1, SIDE, SIDE, 1), tensorflow.float32)]
    module.run = tensorflow.function(
        lambda image: tensorflow.reshape(image, (1, SIDE * SIDE)) @ matrix, input_signature=one, autograph=False
    )
    tensorflow.saved_model.save(module, str(tmp_path / "saved"), signatures=module.run)
    images = shifted(draw(3, 1)[0])
    expected = images.reshape(3, -1) @ weights(SIDE * SIDE, 4)
    got = load_source(tmp_path / "saved", (SIDE, SIDE, 1)).predict(images)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_without_onnx_the_extra_is_named(
    net_file: Path, quadrants: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert cli.run(["import", str(net_file), "--dataset", str(quadrants)]) == 3
    assert "pip install 'edgemnist[onnx]'" in capsys.readouterr().err


def broken(made: Any, path: Path) -> None:
    path.write_bytes(made.SerializeToString()[:1000])


def empty(made: Any, path: Path) -> None:
    path.write_bytes(b"")


def without_weights(made: Any, path: Path) -> None:
    onnx.save(made, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (path.parent / "weights.bin").unlink()


def two_inputs(made: Any, path: Path) -> None:
    made.graph.input.append(onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1]))
    save(made, path)


def two_outputs(made: Any, path: Path) -> None:
    made.graph.output.append(onnx.helper.make_tensor_value_info("f", onnx.TensorProto.FLOAT, ("rows", "columns")))
    save(made, path)


def no_row(made: Any, path: Path) -> None:
    shape = ("rows", 8, SIDE, SIDE)
    made.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, shape))
    save(made, path)


def five_classes(made: Any, path: Path) -> None:
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f w", "y")]
    save(model(nodes, {"w": weights(SIDE * SIDE, 5)}, ("n", 1, SIDE, SIDE)), path)


def not_a_number(made: Any, path: Path) -> None:
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f w", "y")]
    save(model(nodes, {"w": np.full((SIDE * SIDE, 4), np.nan, np.float32)}, ("n", 1, SIDE, SIDE)), path)


def strings(made: Any, path: Path) -> None:
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    save(made, path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken, "the file is corrupt or truncated"),
        (empty, "as ONNX"),
        (without_weights, "not beside it"),
        (two_inputs, "2 inputs (x, z)"),
        (two_outputs, "outputs: y, f"),
        (no_row, "one score for each class"),
        (five_classes, "5 classes apart"),
        (not_a_number, "NaN"),
        (strings, "takes INT64"),
    ],
)
def test_files_that_are_no_classifier_of_these_images_are_refused(
    damage: Any, message: str, trained: Any, quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.onnx"
    damage(as_onnx(trained), path)
    usual = ["import", str(path), "--dataset", str(quadrants), "--normalisation", PIXELS]
    assert cli.run([*usual, "--work", str(tmp_path / "work")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("net.onnx", ["--normalisation", "0..0"], "mean=0.1307,std=0.3081"),
        ("net.onnx", ["--normalisation", "mean=0.1,std=0"], "std above 0"),
        ("gone.onnx", [], "there is no model"),
        ("net.h5", [], "there is no model"),
        ("net.txt", [], "is no known model format"),
        ("four.onnx", [], "8x8x1, so ?x1x8x8"),
    ],
)
def test_slips_are_told(
    name: str,
    options: list[str],
    message: str,
    trained: Any,
    quadrants: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(as_onnx(trained), tmp_path / "net.onnx")
    save(as_onnx(trained, channels=4), tmp_path / "four.onnx")
    (tmp_path / "net.txt").write_text("weights")
    usual = ["import", str(tmp_path / name), "--dataset", str(quadrants), "--work", str(tmp_path / "work")]
    assert cli.run([*usual, *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_another_normalisation_that_does_better_is_named(quadrants: Path) -> None:
    dataset = load_dataset(str(quadrants))
    shares = np.eye(4, dtype=np.float32)[dataset.test.labels]

    def net_of_0_to_1(images: Any) -> Any:
        right = np.isclose(images.max(), 1.0) and np.isclose(images.min(), 0.0)
        return shares if right else np.roll(shares, len(shares) // 2 - 1, axis=1)

    name = "net.onnx"
    assert check_normalisation(net_of_0_to_1, dataset.test, NORMALISATIONS["0..1"], dataset, name) == []
    with pytest.raises(ModelError, match=r"0.0% of 400 .* 100.0% .* --normalisation=0..1"):
        check_normalisation(net_of_0_to_1, dataset.test, NORMALISATIONS["-1..1"], dataset, name)
    own = list(candidates(dataset))[-1]
    assert own.startswith("mean=0.") and parse_normalisation(own) == candidates(dataset)[own]


def test_a_failed_import_leaves_the_earlier_model(
    net_file: Path, trained: Any, quadrants: Path, tmp_path: Path
) -> None:
    run_import(ImportSettings(model=net_file, dataset=str(quadrants), normalisation=PIXELS), WorkFolder(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    made = as_onnx(trained, end="Softplus")
    other = save(made, tmp_path.parent / f"{tmp_path.name}.onnx")
    assert cli.run(["import", str(other), "--dataset", str(quadrants), "--work", str(tmp_path)]) == 2
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_pt2_files_go_through_torch_or_say_what_is_missing(
    quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With PyTorch a net that it exports is imported; without, the message names the extra. Both are checked here."""
    path = tmp_path / "net.pt2"
    path.write_bytes(b"not a zip file")
    usual = ["import", str(path), "--dataset", str(quadrants), "--work", str(tmp_path / "work")]
    if any(importlib.util.find_spec(name) is None for name in ("torch", "onnxscript")):
        assert cli.run(usual) == 3
        assert "pip install 'edgemnist[pt2]'" in capsys.readouterr().err
        return
    assert cli.run(usual) == 2
    assert "not written by torch.export.save" in capsys.readouterr().err
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 4)
    )
    images, labels = draw(1200, 1)
    inputs, answers = torch.from_numpy(images[:, None] / np.float32(255)), torch.from_numpy(labels)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), answers).backward()
        optimiser.step()
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(net.eval(), (inputs[:2],), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    result = run_import(ImportSettings(model=path, dataset=str(quadrants)), WorkFolder(tmp_path / "work"))
    assert result.engine.startswith("torch") and result.max_difference < 1e-4
    assert result.accuracy > 0.9
