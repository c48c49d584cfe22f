"""``edgemnist report --baseline`` as it is called, on releases of one net, of which the first gets all right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.report.baseline.interleaved import interleaved
from edgemnist.commands.report.baseline.release import find_baseline
from edgemnist.commands.report.measuring import MeasuringSettings, measure
from edgemnist.commands.report.schema import json_schema
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import named_subject
from edgemnist.support.errors import InputError, ModelError
from tests.commands.report.nets import write_work
from tests.commands.report.release_nets import release, write_releases
from tests.oracles import needs

pytestmark = needs("tflm", "tflite-runtime-default", "cortex-m4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the releases; their dataset is noise.npz."""
    found = tmp_path_factory.mktemp("releases")
    write_releases(found)
    return found


def report(folder: Path, model: str, baseline: str, code: int, *more: str) -> dict[str, Any]:
    """Return the report of a model, also written as ``model.json`` and in every other format."""
    outputs = [part for end in ("json", "html", "md", "xml") for part in ("--out", str(folder / f"{model}.{end}"))]
    arguments = [str(folder / f"{model}.tflite"), "--baseline", str(folder / baseline), *outputs, *more]
    dataset = ["--dataset", str(folder / "noise.npz"), "--runtime", "tflm"]
    assert cli.run(["report", *arguments, *dataset]) == code
    document: dict[str, Any] = json.loads((folder / f"{model}.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json_schema())
    return document


@pytest.fixture(scope="module")
def same(folder: Path) -> dict[str, Any]:
    """Return the report of a model beside itself, on some of the images."""
    return report(folder, "small", "small.tflite", 0, "--images", "90")


def states(document: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in document["comparison"]["findings"]}


def test_beside_itself_nothing_fails(same: dict[str, Any]) -> None:
    comparison, accuracy = same["comparison"], same["comparison"]["accuracy"]
    assert states(same) == {
        "accuracy": "passed", "file size": "passed", "flash": "passed", "arena": "passed", "instructions": "passed",
        "latency in tflite-runtime-default": "noted", "latency in tflm": "noted", "latency in host-c": "noted",
    }  # fmt: skip
    assert {one["model"] - one["baseline"] for one in comparison["growths"]} == {0}
    assert [one["state"] for one in comparison["layers"]] == ["same"] * 4
    assert (accuracy["paired"], accuracy["p_value"], accuracy["only_model"], accuracy["only_baseline"]) == (
        True,
        1,
        0,
        0,
    )
    for one in comparison["latency"]:
        assert one["windows"] >= 5
        assert 0 < one["ratio"]["low"] <= one["ratio"]["expected"] <= one["ratio"]["high"]
    assert comparison["sha256"] == same["subject"]["sha256"]


def test_the_answers_are_on_record(same: dict[str, Any]) -> None:
    answers = same["answers"]
    assert answers["labels"] == answers["predictions"]
    assert len(answers["labels"].split()) == same["images"]["count"] == 90
    assert answers["image_shape"] == [6, 6, 1]


def test_a_loss_beyond_chance_and_growth_that_nothing_explains_fail(
    folder: Path, same: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(folder, "full", "small.tflite", 1)
    said = capsys.readouterr().err
    assert states(found) == {
        **states(same),
        "accuracy": "failed",
        "flash": "failed",
        "arena": "failed",
        "instructions": "failed",
    }
    assert found["verdict"]["state"] == "failed"
    details = {one["name"]: one["detail"] for one in found["comparison"]["findings"]}
    growths = {one["name"]: one for one in found["comparison"]["growths"]}
    for name in ("flash", "arena", "instructions"):
        growth = growths[name]
        most = growth["baseline"] + growth["allowed"]
        assert growth["in_changed_layers"] == 0
        assert growth["in_the_rest"] == pytest.approx(growth["model"] - growth["baseline"])
        assert f"expected at most {most:,.0f}" in details[name]
        assert f"got {growth['model']:,.0f}" in details[name]
        assert details[name] in said
    assert "layer 0 CONV_2D: expected at most" in details["instructions"]
    assert details["accuracy"].startswith("expected no loss beyond chance (p ≥ 0.05), got 100.00 → ")
    unexplained = [one["model_layer"] for one in found["comparison"]["layers"] if one["unexplained"]]
    assert unexplained == ["0 CONV_2D", "2 FULLY_CONNECTED"]
    assert "✗ unexplained" in (folder / "full.html").read_text(encoding="utf-8")
    assert "| 0 CONV\\_2D |" in (folder / "full.md").read_text(encoding="utf-8")
    root = ElementTree.parse(folder / "full.xml").getroot()
    suites = {suite.get("name"): (suite.get("tests"), suite.get("failures")) for suite in root}
    assert suites["baseline"] == ("8", "4")
    assert suites["checks"] == ("2", "0")


def test_a_wider_layer_explains_what_it_takes_beside_a_report(folder: Path, same: dict[str, Any]) -> None:
    """The report has its answers and layers, and so is compared image by image, on as many images as it has.

    Its times are shown, not judged.
    """
    found = report(folder, "wide", "small.json", 1)
    assert states(found) == {
        "accuracy": "failed", "file size": "passed", "flash": "passed", "arena": "passed", "instructions": "passed",
        "latency": "noted",
    }  # fmt: skip
    comparison = found["comparison"]
    assert comparison["source"].endswith(f"small.json, made {same['provenance']['created']}")
    assert comparison["accuracy"]["paired"] is True
    assert found["images"]["count"] == 90
    assert [one["state"] for one in comparison["layers"]] == ["changed"] * 3 + ["same"]
    assert comparison["layers"][0]["shape"] == (
        "1x6x6x1, 16x3x3x1, 16 to 1x6x6x16 (was 1x6x6x1, 8x3x3x1, 8 to 1x6x6x8)"
    )
    assert [one["ratio"] for one in comparison["latency"]] == [None]
    for one in comparison["growths"]:
        assert one["in_changed_layers"] + one["in_the_rest"] == pytest.approx(one["model"] - one["baseline"])
        assert one["in_changed_layers"] > one["allowed"] >= abs(one["in_the_rest"])


def test_latency_is_that_of_the_model_over_the_baselines(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.tflite").write_bytes(release(64))
    images = ImageSettings(count=30, dataset=str(folder / "noise.npz"))
    settings = MeasuringSettings(images=images, runtimes=("tflm",))
    fast, slow = (
        measure([named_subject(path)], settings, None) for path in (folder / "full.tflite", tmp_path / "slow.tflite")
    )
    for baseline, model, grew in ((fast, slow, True), (slow, fast, False)):
        pairs, findings = interleaved(baseline, model, 60)
        assert [one.runtime for one in pairs] == ["tflite-runtime-default", "tflm", "host-c"]
        assert [one.state for one in findings] == ["noted"] * 3
        tflm = pairs[1]
        assert tflm.ratio is not None
        assert (tflm.ratio.expected > 2) == grew == (tflm.model_us > 2 * tflm.baseline_us)


def test_what_a_baseline_may_be(folder: Path, same: dict[str, Any], tmp_path: Path) -> None:
    shutil.copy(folder / "small.json", tmp_path / "report.json")
    assert find_baseline(tmp_path).report is not None
    assert find_baseline(tmp_path).images == 90
    work = write_work(tmp_path / "work")
    assert [one.kind.value for one in find_baseline(work).subjects] == ["float32", "int8"]
    assert find_baseline(folder / "small.tflite").images is None
    # Where the models are gone, the report beside them is what there is.
    shutil.copy(folder / "small.json", work / "report.json")
    (work / "model_int8.tflite").unlink()
    assert WorkFolder(work).find("convert") is not None
    assert find_baseline(work).report is not None


def test_a_report_is_known_by_what_it_begins_with(folder: Path, same: dict[str, Any], tmp_path: Path) -> None:
    shutil.copy(folder / "small.json", tmp_path / "old")
    found = find_baseline(tmp_path / "old").report
    assert found is not None
    assert found.subject.sha256 == same["subject"]["sha256"]


def test_damaged_answers_are_told_before_anything_is_measured(
    folder: Path, same: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**same, "answers": {**same["answers"], "predictions": "1 2"}}))
    assert cli.run(["report", str(folder / "small.tflite"), "--baseline", str(path)]) == 2
    assert "are damaged: 90 labels and 2 predictions; make the report again" in capsys.readouterr().err


def test_what_no_baseline_can_be(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(b"PK")
    with pytest.raises(InputError, match="is a Keras model; convert it first"):
        find_baseline(tmp_path / "net.keras")
    (tmp_path / "cut.tflite").write_bytes((folder / "small.tflite").read_bytes()[:700])
    with pytest.raises(ModelError, match="truncated or corrupt"):
        find_baseline(tmp_path / "cut.tflite")
    with pytest.raises(InputError, match=r"there is no baseline '.*none'; give a report\.json, a \.tflite"):
        find_baseline(tmp_path / "none")
    with pytest.raises(InputError, match=r"has neither converted models nor a report\.json"):
        find_baseline(tmp_path)


def test_a_tolerance_without_a_baseline_is_a_slip(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", str(folder / "small.tflite"), "--tolerance", "5"]) == 2
    assert "--tolerance 5 is for growth beside a --baseline" in capsys.readouterr().err
