"""``edgemnist parity`` as it is called: exit codes, JSON, files, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.parity.report import REPORT_NAME
from tests.compiler.model_builder import ModelBuilder
from tests.oracles import needs

pytestmark = needs("keras", "tflm", "tflite-runtime-reference", "litert-default")

FAST = ["--images", "50", "--runtime", "tflm,tflite-runtime-reference,litert-default"]


@pytest.fixture
def work(converted: Path, tmp_path: Path) -> Path:
    """Return a copy of the converted work folder."""
    return Path(shutil.copytree(converted, tmp_path / "work"))


@pytest.mark.slow
def test_the_work_folder_through_every_runtime(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["parity", "--work", str(work), "--images", "200", "--require-exact", "tflm", "--json"]
    assert cli.run([*arguments, "--max-accuracy-drop", "2"]) == 0

    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report == json.loads((work / REPORT_NAME).read_text())
    assert [model["file"] for model in report["models"]] == [TRAINED_MODEL, "model_float32.tflite", "model_int8.tflite"]
    assert report["float_reference"] == f"{TRAINED_MODEL} in keras"
    ran = {(run["file"], run["runtime"]) for run in report["runs"]}
    assert (TRAINED_MODEL, "keras") in ran
    for kernels in ("reference", "default"):
        for package in ("tensorflow", "litert", "tflite-runtime"):
            assert {
                ("model_int8.tflite", f"{package}-{kernels}"),
                ("model_float32.tflite", f"{package}-{kernels}"),
            } <= ran
    assert all(gate["passed"] for gate in report["gates"])
    float_runs = [run for run in report["runs"] if run["file"] != "model_int8.tflite"]
    assert {run["agreement"]["count"] for run in float_runs} == {200}
    record = WorkFolder(work).require("parity", needed_by="test")
    assert record.settings["images"] == 200
    assert set(record.inputs) == {TRAINED_MODEL, "model_float32.tflite", "model_int8.tflite"}
    assert set(record.outputs) == {REPORT_NAME}


def test_the_table_names_engines_versions_and_oracle(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["parity", "--work", str(work), *FAST]) == 0

    printed = capsys.readouterr().out
    for words in ("model_int8.tflite (int8", "tflite-runtime-reference", "2.14.0, reference", "oracle: tflm 0.dev"):
        assert words in printed
    assert "50 of 10000 test images" in printed


def test_a_failed_gate_leaves_the_report_and_gives_1(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["parity", "--work", str(work), *FAST, "--max-accuracy-drop", "-100", "--json"])

    out, err = capsys.readouterr()
    assert code == 1
    assert "--max-accuracy-drop -100 (model_int8.tflite)" in err
    assert json.loads(out)["gates"][0]["passed"] is False
    document = json.loads(out)
    assert document.pop("error")["exit_code"] == 1
    assert json.loads((work / REPORT_NAME).read_text()) == document


def test_named_models_leave_no_files(
    real_models: Path, real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = real_models / "compact_int8.tflite"
    assert cli.run(["parity", str(model), *FAST, "--require-exact", "tflm"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_named_models_leave_their_report_where_asked(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = str(real_models / "compact_int8.tflite"), tmp_path / "new" / "parity.json"
    assert cli.run(["parity", model, *FAST, "--out", str(out), "--max-accuracy-drop", "-100", "--json"]) == 2
    assert not out.exists()
    capsys.readouterr()
    assert cli.run(["parity", model, *FAST, "--out", str(out), "--json"]) == 0
    assert json.loads(out.read_text()) == json.loads(capsys.readouterr().out)


def test_gates_of_the_file_here_are_told_and_judged(
    real_models: Path,
    real_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What has to run for them runs, and an option goes before the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parity.toml").write_text(
        'min_accuracy = 100\nrequire_exact = ["tflm"]\n[max_lsb]\nlitert-default = 0\n'
        '[max_latency_ratio]\n"tflm/tflite-runtime-reference" = 0\n[firmware]\nmax_flash = 1\n'
    )
    model = str(real_models / "compact_int8.tflite")

    code = cli.run(
        ["parity", model, "--images", "50", "--runtime", "tflm", "--json", "--max-latency-ratio",
         "tflm/tflite-runtime-reference=1000"]
    )  # fmt: skip

    out, err = capsys.readouterr()
    gates = {gate["gate"].partition(" (")[0]: gate for gate in json.loads(out)["gates"]}
    assert code == 1
    assert "gates of parity.toml" in err and "is for `edgemnist report`" in err
    assert {name: gate["passed"] for name, gate in gates.items()} == {
        "--require-exact tflm": True,
        "--min-accuracy 100": False,
        "--max-lsb litert-default=0": False,
        "--max-latency-ratio tflm/tflite-runtime-reference=1000": True,
    }
    assert "expected at least 100 %, got 98.00 % in" in gates["--min-accuracy 100"]["detail"]
    assert "expected at most 0 from tflm" in gates["--max-lsb litert-default=0"]["detail"]
    assert " windows)" in gates["--max-latency-ratio tflm/tflite-runtime-reference=1000"]["detail"]


def test_steps_are_timed_where_the_runtime_offers_it(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their sum is less than the invoke, which goes through Python."""
    model, out = str(real_models / "compact_int8.tflite"), tmp_path / "parity.json"

    assert cli.run(["parity", model, *FAST[:2], "--runtime", "tflm,host-c", "--profile", "--out", str(out)]) == 0

    runs = {run["runtime"]: run for run in json.loads(out.read_text())["runs"]}
    steps = runs["host-c"]["profile"]
    assert [step["label"].partition(" ")[0] for step in steps] == ["operator"] * len(steps)
    assert len(steps) > 5 and all(step["microseconds"] >= 0 for step in steps)
    assert 0 < sum(step["microseconds"] for step in steps) < runs["host-c"]["latency"]["highest_us"]
    assert runs["tflm"]["profile"] is None
    assert "steps of compact_int8.tflite in host-c" in capsys.readouterr().out


def test_required_engines_run_even_when_others_are_named(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(real_models / "compact_int8.tflite")
    only = ["--images", "20", "--runtime", "litert-default", "--require-exact", "tflm", "--json"]
    assert cli.run(["parity", model, *only]) == 0
    ran = {run["runtime"] for run in json.loads(capsys.readouterr().out)["runs"]}
    assert ran == {"litert-default", "tflm", "tflite-runtime-reference"}


def refuses(arguments: list[str], capsys: pytest.CaptureFixture[str], says: str) -> None:
    assert cli.run(["parity", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("edgemnist: ")
    assert says in err
    assert "Traceback" not in err


def test_nothing_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refuses(["--work", str(tmp_path)], capsys, "there is no converted model to take from")


def test_models_older_than_the_training(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = WorkFolder(work)
    settings = folder.require("train", needed_by="test").settings
    path = folder.path(TRAINED_MODEL)
    path.write_bytes(path.read_bytes() + b"trained again")
    folder.record("train", settings=settings, results={}, outputs=[path])

    refuses(["--work", str(work)], capsys, "were not made from the newest 'trained.keras'")


def test_missing_corrupt_and_unfit_models(
    real_models: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses([str(tmp_path / "none.tflite")], capsys, "there is no model")
    truncated = tmp_path / "truncated.tflite"
    truncated.write_bytes((real_models / "compact_int8.tflite").read_bytes()[:5000])
    refuses([str(truncated)], capsys, "corrupt")
    refuses([str(real_models / "pretrainedResnet_quant.tflite")], capsys, "name the dataset with --dataset")
    refuses([str(real_models / "compact_int8.tflite"), "--runtime", "tfml"], capsys, "unknown runtime 'tfml'")
    refuses([str(real_models / "compact_int8.tflite"), "--normalisation", "0-2"], capsys, "unknown normalisation")
    refuses([str(real_models / "compact_int8.tflite"), "--dataset", "nmist"], capsys, "nmist")


def test_a_model_with_several_inputs(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = ModelBuilder()
    inputs = [builder.input((1, 10), 0.1), builder.input((1, 10), 0.2)]
    path = tmp_path / "two.tflite"
    path.write_bytes(builder.finish([builder.op("ADD", inputs, (1, 10), 0.3)]))

    refuses([str(path)], capsys, "the model has 2 inputs")


def test_an_engine_that_takes_none_of_the_models(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses([str(real_models / "compact_int8.tflite"), "--runtime", "keras"], capsys, "none of keras takes")


@needs("tflm", "cortex-m4")
def test_an_emulated_core_takes_part_where_it_is_named(
    real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Among all runtimes only for a gate that needs it; then the firmware's bytes are TFLM's."""
    model = str(real_models / "compact_int8.tflite")
    assert cli.run(["parity", model, "--images", "20", "--require-exact", "cortex-m4", "--json"]) == 0
    runs = {run["runtime"]: run for run in json.loads(capsys.readouterr().out)["runs"]}
    assert runs["cortex-m4"]["exact"] is True
    assert "Cortex-M4" in runs["cortex-m4"]["kernels"]
    assert cli.run(["parity", model, "--images", "20", "--json"]) == 0
    assert "cortex-m4" not in {run["runtime"] for run in json.loads(capsys.readouterr().out)["runs"]}


def test_models_of_one_name_are_told_apart(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Path(shutil.copytree(work, tmp_path / "other"))
    files = [str(folder / "model_int8.tflite") for folder in (work, other)]
    assert cli.run(["parity", *files, *FAST, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [model["file"] for model in report["models"]] == files
    assert {run["file"] for run in report["runs"]} == set(files)


def test_models_that_were_not_made_for_the_same_are_refused(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(work, tmp_path / "other"))
    manifest = other / "manifest.json"
    content = json.loads(manifest.read_text())
    files = [str(folder / "model_float32.tflite") for folder in (work, other)]

    def with_settings(**settings: Any) -> None:
        changed = {
            name: {**one, "settings": {**one["settings"], **settings}} for name, one in content["stages"].items()
        }
        manifest.write_text(json.dumps({**content, "stages": changed}))

    with_settings(normalisation={"scale": 2 / 255, "offset": -1.0})
    refuses(files, capsys, "not made for the same range of pixels")
    refuses([*files[::-1], "--dataset", "mnist"], capsys, f"{files[1]!r} for -1..1, {files[0]!r} for 0..1")
    assert cli.run(["parity", *files, *FAST, "--normalisation", "0..1"]) == 0
    capsys.readouterr()
    with_settings(dataset="fashion-mnist")
    refuses(files, capsys, "not made for the same dataset")
