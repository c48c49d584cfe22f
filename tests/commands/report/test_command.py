"""``edgemnist report`` as it is called, on two small nets with a dataset of their own: what it says has to be so."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.report.device import bytes_in_use
from edgemnist.commands.report.measuring import MeasuringSettings, measure, recorded_parity
from edgemnist.commands.report.repeating import commands_for, report_command
from edgemnist.commands.report.schema import json_schema
from edgemnist.compiler.memory import Buffer, Placed, Plan
from edgemnist.harness.compare import top1
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import work_subjects
from edgemnist.runner.run import run_model
from edgemnist.tflite.file import read_tflite
from tests.commands.report.nets import CLASSES, draw, write_dataset, write_nets, write_work
from tests.oracles import needs

pytestmark = needs(
    "tflm", "tflite-runtime-reference", "tflite-runtime-default", "litert-default", "host-c", "cortex-m4"
)

QUICK = ["--runtime", "tflm,tflite-runtime-reference,tflite-runtime-default,litert-default,host-c"]


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    assert cli.run(["report", *arguments, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate({name: value for name, value in found.items() if name != "error"}, json_schema())
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with both nets, of which parity and robustness have been measured."""
    folder = write_work(tmp_path_factory.mktemp("report") / "work")
    assert cli.run(["parity", "--work", str(folder), *QUICK]) == 0
    quick = ["--corruption", "rotation,stripe", "--severity", "2", "--runtime", "tflite-runtime-default"]
    assert cli.run(["robustness", "--work", str(folder), *quick]) == 0
    return folder


@pytest.fixture(scope="module")
def found(work: Path) -> dict[str, Any]:
    """Return the work folder's report, which was written as JSON and in every other format."""
    assert cli.run(["report", "--work", str(work), "--format", "json,html,markdown,junit"]) == 0
    document: dict[str, Any] = json.loads((work / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json_schema())
    return document


def test_the_verdict_and_where_the_runtimes_figures_come_from(found: dict[str, Any], work: Path) -> None:
    parity = json.loads((work / "parity.json").read_text())
    assert found["verdict"]["state"] == "passed"
    assert [(check["name"], check["state"]) for check in found["verdict"]["checks"]] == [
        ("tflite-runtime-reference equals the oracle", "passed"),
        ("host-c equals the oracle", "passed"),
        ("the firmware for mps2-an386 equals the oracle", "passed"),
        ("accuracy against the float model", "noted"),
    ]
    assert found["runtimes"]["source"].startswith("parity.json of the work folder")
    rows = [(row["file"], row["runtime"], row["exact"], row["median_us"]) for row in found["runtimes"]["rows"]]
    assert rows == [(run["file"], run["runtime"], run["exact"], run["latency"]["median_us"]) for run in parity["runs"]]
    assert found["images"]["class_names"] == list(CLASSES)
    # Where the dataset lies is for the commands to say.
    assert found["title"] == "model_int8.tflite on pictures.npz"


def test_confusion_calibration_and_the_paired_difference_are_those_of_the_models(
    found: dict[str, Any], work: Path
) -> None:
    images, labels = draw(120, 2)
    outputs = {
        name: run_model(runtime, work / f"model_{name}.tflite", images).outputs
        for name, runtime in (("int8", "tflm"), ("float32", "tflite-runtime-default"))
    }
    classes = {name: top1(one) for name, one in outputs.items()}
    expected = np.zeros((3, 3), dtype=int)
    np.add.at(expected, (labels, classes["int8"]), 1)
    assert found["confusion"]["counts"] == expected.tolist()
    right = {name: one == labels for name, one in classes.items()}
    paired = found["paired"]
    assert paired["only_reference"] == int((right["float32"] & ~right["int8"]).sum()) > 0
    assert paired["only_model"] == int((right["int8"] & ~right["float32"]).sum())
    lost = right["float32"].astype(float) - right["int8"]
    assert paired["drop"] == pytest.approx({"mean": lost.mean(), "standard_error": lost.std() / 120**0.5})
    ours, theirs = found["calibration"]
    assert ours["confidence"] == pytest.approx(((outputs["int8"].max(axis=1) + 128) / 256).mean())
    assert theirs["confidence"] == pytest.approx(outputs["float32"].max(axis=1).mean())
    assert sum(one["images"] for one in ours["bins"]) == 120


def test_the_images_on_which_float_and_int8_disagree(found: dict[str, Any]) -> None:
    section = found["disagreements"]
    changed = section["images"] - found["paired"]["same_class"]["count"]
    assert section["differing"] == changed > 0
    differ = [len({one["label"] for one in row["answers"]}) == 2 for row in section["rows"]]
    assert differ == sorted(differ, reverse=True)
    assert sum(differ) == changed
    same = [row["distance"] for row, other in zip(section["rows"], differ, strict=True) if not other]
    assert same == sorted(same, reverse=True)
    assert all(row["picture"].startswith("iVBORw0KGgo") for row in section["rows"])


def test_differences_are_counted_element_by_element(found: dict[str, Any], work: Path) -> None:
    images, _ = draw(120, 2)
    runs = {name: run_model(name, work / "model_int8.tflite", images) for name in ("tflm", "litert-default")}
    logits = [runs[name].logits for name in ("litert-default", "tflm")]
    assert logits[0] is not None
    assert logits[1] is not None
    gaps = logits[0].astype(int) - logits[1].astype(int)
    section = next(one for one in found["differences"] if one["runtime"] == "litert-default")
    assert section["tensor"] == "logits"
    assert {one["difference"]: one["elements"] for one in section["counts"]} == {
        int(gap): int(count) for gap, count in zip(*np.unique(gaps, return_counts=True), strict=True)
    }
    assert section["different"] == int((gaps != 0).sum()) > 0
    assert section["bias"] == pytest.approx(gaps.mean())


def test_the_firmware_its_layers_and_the_arena(found: dict[str, Any]) -> None:
    firmware, memory = found["firmware"], found["memory"]
    assert firmware["exact"] is True
    assert firmware["arena_bytes"] == memory["arena_bytes"]
    assert [layer["operator"] for layer in firmware["layers"]] == memory["steps"]
    assert sum(layer["instructions"] for layer in firmware["layers"]) <= firmware["instructions"]["high"]
    for layer in (*firmware["layers"], firmware):
        assert layer["cycles"]["low"] <= layer["cycles"]["expected"] <= layer["cycles"]["high"]
    assert max(layer["arena_bytes"] for layer in firmware["layers"]) <= memory["arena_bytes"]
    # Its end is at a multiple of four.
    assert -4 < max(block["offset"] + block["bytes"] for block in memory["blocks"]) - memory["arena_bytes"] <= 0
    clock = firmware["clock_hz"]
    assert firmware["milliseconds"]["expected"] == pytest.approx(
        1000 * firmware["cycles"]["expected"] / clock, abs=1e-4
    )


def test_robustness_digests_and_commands(found: dict[str, Any], work: Path) -> None:
    recorded = json.loads((work / "robustness.json").read_text())
    assert [row["name"] for row in found["robustness"]["corruptions"]] == ["stripe", "rotation"]
    assert found["robustness"]["verdicts"] == [one["sentence"] for one in recorded["verdicts"]]
    digests = {one["file"]: one["sha256"] for one in found["provenance"]["digests"]}
    assert digests["model_int8.tflite"] == read_tflite(work / "model_int8.tflite").sha256 == found["subject"]["sha256"]
    assert (
        found["provenance"]["commands"][-1] == f"edgemnist report --format json,html,markdown,junit --work {work.name}"
    )
    assert found["left_out"] == []


def test_every_format_is_written_and_hostile_names_are_text(found: dict[str, Any], work: Path) -> None:
    page = (work / "report.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>" not in page
    assert (work / "report.md").read_text(encoding="utf-8").startswith("## ✅ model")
    assert 'failures="0"' in (work / "report.xml").read_text(encoding="utf-8")


def test_named_models_are_measured_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With no float model and for a board that another core has; what is missing is named with its reason."""
    _, model = write_nets(tmp_path)
    out = tmp_path / "out" / "a.html"
    only = ["--runtime", "tflm", "--images", "30", "--board", "microbit", "--dataset", str(write_dataset(tmp_path))]
    nodes = tmp_path / "nodes"
    found = answer([str(model), *only, "--out", str(out), "--node-data", str(nodes)], capsys)
    assert out.stat().st_size > 20_000
    assert found["runtimes"]["source"] == "measured by this command"
    assert [row["runtime"] for row in found["runtimes"]["rows"]] == ["tflm"]
    assert found["images"]["count"] == 30
    assert found["firmware"]["board"] == "microbit"
    assert (found["paired"], found["disagreements"], found["robustness"]) == (None, None, None)
    assert [one["section"] for one in found["left_out"]] == ["disagreements", "robustness"]
    assert len(found["calibration"]) == 1
    assert not (tmp_path / "report.html").exists()
    # The reshape is no layer of the firmware; the others are at the tensors that they make.
    assert sorted(one.name for one in nodes.iterdir()) == ["flash.json", "instructions.json", "ram.json"]
    (results,) = [one["results"] for one in json.loads((nodes / "instructions.json").read_text()).values()]
    layers = {one["operator"].split()[-1]: one["instructions"] for one in found["firmware"]["layers"]}
    assert results["<b>scores</b>"] == {"value": layers["FULLY_CONNECTED"]}
    assert [one["value"] for one in results.values()] == list(layers.values())


def test_a_gate_that_failed_fails_the_report_which_is_written_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_work(tmp_path / "work")
    gate = ["--runtime", "tflm,tflite-runtime-default", "--images", "30", "--max-accuracy-drop", "-100"]
    assert cli.run(["parity", "--work", str(folder), *gate]) == 1
    capsys.readouterr()
    found = answer(["--work", str(folder), "--format", "junit"], capsys, code=1)
    assert found["verdict"]["state"] == "failed"
    assert found["error"]["kind"] == "gate_failed"
    assert "--max-accuracy-drop -100 (model_int8.tflite)" in found["error"]["message"]
    assert 'failures="1"' in (folder / "report.xml").read_text(encoding="utf-8")


def test_parity_that_is_not_the_recorded_one_is_not_taken(work: Path, tmp_path: Path) -> None:
    """Nor one of other models, nor where something else is asked for."""
    folder = WorkFolder(Path(shutil.copytree(work, tmp_path / "work")))
    found = work_subjects(folder)
    recorded, few = MeasuringSettings(), ImageSettings(count=30)
    assert measure(found, recorded, folder).source.startswith("parity.json")
    only = replace(recorded, runtimes=("tflm",))
    assert measure(found, replace(only, images=few), folder).source == "measured by this command"
    assert recorded_parity(found[:1], folder) is None
    parity = folder.path("parity.json")
    parity.write_text(parity.read_text().replace('"images": 120', '"images": 121'))
    assert recorded_parity(found, folder) is None


def test_without_jinja2_there_is_everything_but_html(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert cli.run(["report", "--work", str(work)]) == 3
    assert "pip install 'edgemnist[report]'; or give --format markdown, junit or json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "pdf"], "unknown format 'pdf'"),
        (["--out", "report.pdf"], "cannot tell the format of 'report.pdf'"),
        (["--board", "nuc"], "unknown board 'nuc'"),
        (["--runtime", "tfml"], "unknown runtime 'tfml'"),
        (["--images", "5", "--all"], "contradict each other"),
        (["none.tflite"], "there is no model 'none.tflite'"),
    ],
)
def test_slips_are_told_before_anything_is_measured(
    arguments: list[str], says: str, work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    assert cli.run(["report", "--work", str(work), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


def test_the_commands_that_make_it_again_can_be_typed(tmp_path: Path) -> None:
    """Every option that is named is one of the command's."""
    work = WorkFolder(tmp_path / "my work")
    work.root.mkdir()
    settings = {"dataset": "my data", "arch": "tiny", "epochs": 3, "seed": 4, "batch": 16, "learning_rate": 0.01}
    results = {"accuracy": 0.97}
    work.record("train", settings=settings, results=results)
    work.record("prune", settings={**settings, "sparsity": 0.5}, results=results)
    work.record("convert", settings={"modes": ["float32", "int8"], "seed": 3}, results={})
    commands = commands_for(work, (), "edgemnist report")
    place = shlex.quote(work.root.name)
    assert [shlex.split(one)[1] for one in commands] == ["train", "prune", "convert", "report"]
    assert commands[2] == f"edgemnist convert --float32 --int8 --seed 3 --work {place}"
    run = {"dataset": "mnist", "arch": "tiny", "preset": "quick", "seed": 2, "epochs": None, "image_size": None}
    work.record("run", settings=run, results={"stages": [{"stage": "train", "accuracy": 0.97}]})
    again = f"edgemnist run --dataset mnist --arch tiny --preset quick --seed 2 --work {place}"
    assert commands_for(work, (), "edgemnist report") == (again, "edgemnist report")
    work.record("train", settings=settings, results={"accuracy": 0.96})
    assert commands_for(work, (), "edgemnist report") == commands
    help_page = (Path(__file__).parents[3] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for command in (*commands, again):
        verb = shlex.split(command)[1]
        section = re.split(r"^## ", help_page.split(f"## edgemnist {verb}\n")[1], flags=re.M)[0]
        for flag in re.findall(r" (--[\w-]+)", command):
            assert f"`{flag}`" in section, (verb, flag)


def test_the_reports_own_command_has_what_was_given() -> None:
    options = {"format": ["html", "json"], "images": None, "all": True, "inverted": False, "classes": "b,a c"}
    assert report_command([Path("my net.tflite")], **options) == (
        "edgemnist report 'my net.tflite' --format html --format json --all --no-inverted --classes 'b,a c'"
    )


def test_bytes_that_two_buffers_share_count_once() -> None:
    placed = (
        Placed(Buffer("a", 0, 100, 0, 1), 0), Placed(Buffer("b", 1, 60, 1, 2), 80), Placed(Buffer("c", 2, 10, 2, 2), 0),
    )  # fmt: skip
    plan = Plan(placed, 140, 100, 160)
    assert [bytes_in_use(plan, step) for step in range(4)] == [100, 140, 70, 0]
