"""The bundle feeds a model, and reads its outputs, as the host does: whatever the preprocessing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Split
from edgemnist.harness.outputs import class_scores, probabilities
from edgemnist.pi.bundle.preprocessing import Preprocessing as BundlePreprocessing
from edgemnist.pi.bundle_files import _manifest, _readme
from edgemnist.pi.generated import Generated
from edgemnist.pi.golden import GoldenVectors
from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from tests.csource.files import model, tensor
from tests.oracles import needs
from tests.pi.conftest import Classify
from tests.preprocessings import HEIGHT, NAMES, WIDTH, all_preprocessings, input_of
from tests.two_classes import two_class_net


def golden(known: Preprocessing, dtype: str = "int8", outputs: int = 2, dataset: str = "mnist") -> GoldenVectors:
    """Return a bundle's golden vectors without any, of a model that nothing runs."""
    entry = input_of(known, dtype)
    output = tensor(1, (1, outputs), dtype, scale=None if entry.quantisation is None else 1 / 64, zero_point=3)
    loaded = LoadedModel(Path("model.tflite"), ModelKind.INT8, model([entry], [output]))
    nothing = Split(np.zeros((0, *known.image_shape), np.uint8), np.zeros(0, np.int64))
    context = ModelContext(dataset, "", known)
    return GoldenVectors(loaded, (nothing.images,), (), (), context=context, images=nothing)


def of_bundle(made: GoldenVectors) -> BundlePreprocessing:
    return BundlePreprocessing(json.loads(json.dumps(_manifest(made, Generated()))))


@pytest.mark.unit
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_pictures_become_the_input_that_the_host_makes(dtype: str) -> None:
    for known in all_preprocessings():
        made = golden(known, dtype)
        picture = np.random.default_rng(2).integers(0, 256, known.image_shape, np.uint8)

        found = of_bundle(made).input(picture)

        expected = made.model.inputs(picture[np.newaxis], known)[0]
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=str(known))


@pytest.mark.unit
@pytest.mark.parametrize("kind", list(OutputKind))
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_outputs_are_the_probabilities_and_classes_that_the_host_makes(kind: OutputKind, dtype: str) -> None:
    made = golden(Preprocessing((HEIGHT, WIDTH, 1), NAMES, output=kind), dtype, 1 if kind.single else 3)
    elements = made.model.tflite.output().elements if made.model.tflite else 0
    rows = np.random.default_rng(3).normal(0, 1 if dtype == "float32" else 60, (50, elements)).astype(dtype)
    bundle = of_bundle(made)

    found = np.stack([bundle.probabilities(row) for row in rows])

    expected = np.concatenate([probabilities(row[np.newaxis], made.model, made.context.preprocessing) for row in rows])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    scores = class_scores(rows, made.model, kind)
    np.testing.assert_array_equal(bundle.classes(rows), scores.argmax(axis=1))


@pytest.mark.unit
def test_an_older_manifest_is_read_as_it_was_meant() -> None:
    manifest = _manifest(golden(Preprocessing((HEIGHT, WIDTH, 3), NAMES)), Generated())
    del manifest["preprocessing"], manifest["framed_as"]
    found = BundlePreprocessing(manifest)
    assert (found.fit, found.image_shape, found.class_names) == ("pad", (HEIGHT, WIDTH, 3), list(NAMES))
    picture = np.arange(45, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(found.input(picture), golden(Preprocessing((3, 5, 3))).model.inputs(
        picture[np.newaxis], Preprocessing((HEIGHT, WIDTH, 3)))[0])  # fmt: skip


@pytest.mark.unit
def test_a_folder_is_called_by_its_last_name_alone() -> None:
    known = Preprocessing((HEIGHT, WIDTH, 3), NAMES, bgr=True, fit="stretch", output=OutputKind.SCORES)
    made = replace(golden(known), context=ModelContext("/home/someone/secret/mnist", "", known))
    manifest, readme = _manifest(made, Generated()), _readme(made, Generated())
    assert "secret" not in json.dumps(manifest) + readme
    assert (manifest["dataset"], manifest["framed_as"]) == ("mnist", "")
    assert _manifest(golden(known), Generated())["framed_as"] == "mnist"
    assert readme.startswith("# A classifier of mnist\n")
    assert "Its input: pixels 0..1, BGR, stretched to 3x5. Its output: one score for each class" in readme


@needs("tflite-runtime-reference", "litert-default")
def test_two_classes_by_one_output_as_edgemnist_predict_tells_them(
    tmp_path: Path, classify: Classify, capsys: pytest.CaptureFixture[str]
) -> None:
    """Colours in OpenCV's order, channels first, pictures of many sizes, one sigmoid unit."""
    generator = np.random.default_rng(0)
    for name, grey in (("cat", 60), ("dog", 170)):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for index in range(12):
            height, width = generator.integers(20, 60, 2)
            pixels = np.clip(grey + generator.integers(-50, 50, (height, width, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{index:02}.png")
    network = tmp_path / "net.tflite"
    network.write_bytes(two_class_net(probability=True, shape=(1, 3, 24, 20)).content)
    asked = [str(network), "--dataset", str(tmp_path / "photos"), "--channels", "bgr", "--fit", "crop"]
    assert cli.run(["deploy", "pi", *asked, "--out", str(tmp_path / "bundle"), "--images", "6", "--json"]) == 0
    files = [str(tmp_path / "photos" / name / "03.png") for name in ("cat", "dog")]
    capsys.readouterr()
    assert cli.run(["predict", *files, *asked, "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["predictions"]

    done = classify(tmp_path / "bundle", "--json", "--kernels", "reference", *files)

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("cropped and scaled to 24 x 20" in one["framing"] for one in expected)
    assert [one["label"] for one in found] == [one["label"] for one in expected] == ["cat", "dog"]
    for mine, theirs in zip(found, expected, strict=True):
        assert [one["probability"] for one in mine["top"]] == pytest.approx(
            [one["probability"] for one in theirs["top"]], abs=1e-6
        )
    replayed = classify(tmp_path / "bundle", "--parity", "--json")
    assert replayed.returncode == 0
    assert all(
        one["correct"] == json.loads(replayed.stdout)["images"] for one in json.loads(replayed.stdout)["comparisons"]
    )
