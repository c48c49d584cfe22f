"""``edgemnist run`` end to end on real digits, and the chain of single commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.run import stage as pipeline
from edgemnist.commands.run import view
from edgemnist.commands.run.settings import RunSettings
from edgemnist.support.errors import MissingDependencyError, RuntimeCrashedError

ARTIFACTS = (
    "trained.keras",
    "pruned.keras",
    "model_float32.tflite",
    "model_int8.tflite",
    "model_int8.h",
    "model_int8.c",
)


@pytest.fixture(scope="module")
def made() -> list[pipeline.RunReport]:
    """Return what the main job of :func:`report` returned, once it has run."""
    return []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, made: list[pipeline.RunReport]) -> tuple[Path, dict[str, object]]:
    """Run the main job on mnist-5k, one epoch, and return (work folder, its JSON document)."""
    work = tmp_path_factory.mktemp("run") / "work"
    target, run_main_job = work.parent / "report.json", pipeline.run_main_job

    def kept(settings: RunSettings, folder: WorkFolder, *, resume: bool) -> pipeline.RunReport:
        made.append(run_main_job(settings, folder, resume=resume))
        return made[0]

    with pytest.MonkeyPatch.context() as patch, target.open("w") as stdout:
        patch.setattr("sys.stdout", stdout)
        patch.setattr(pipeline, "run_main_job", kept)
        code = cli.run(
            ["run", "--dataset", "mnist-5k", "--preset", "quick", "--epochs", "6", "--work", str(work), "--json"]
        )
    assert code == 0
    return work, json.loads(target.read_text())


@pytest.mark.slow
def test_main_job_leaves_every_artifact(report: tuple[Path, dict[str, object]]) -> None:
    """Models, C array, C code, parity and manifest are there, and the dataset is named."""
    work, document = report
    assert all((work / name).stat().st_size > 0 for name in ARTIFACTS)
    assert (work / "c" / "model.c").exists()
    assert not (work / "unfinished-run.json").exists()
    stages = json.loads((work / "manifest.json").read_text())["stages"]
    assert set(stages) >= {"train", "prune", "convert", "parity", "run"}
    assert stages["run"]["settings"]["dataset"] == "mnist-5k"
    assert str(document["dataset"]).startswith("mnist-5k: 4,000 training and 1,000 test images")


@pytest.mark.slow
def test_main_job_is_accurate_and_exact(report: tuple[Path, dict[str, object]]) -> None:
    """Real digits are recognised, and generated C equals TFLM byte for byte."""
    _, document = report
    runs = [run for run in document["parity"]["runs"] if run["file"] == "model_int8.tflite"]  # type: ignore[index]
    by_runtime = {run["runtime"]: run for run in runs}
    assert by_runtime["tflm"]["accuracy"]["share"] > 0.9
    for runtime in ("tflite-runtime-reference", "host-c"):
        assert by_runtime[runtime]["exact"] is True, runtime
    firmware = document["firmware"]
    assert firmware["exact"] is True  # type: ignore[index]
    assert firmware["accuracy"]["share"] > 0.9  # type: ignore[index]
    assert firmware["instructions"]["mean"] > 100_000  # type: ignore[index]


@pytest.mark.slow
def test_the_summary_answers_in_a_line_each(
    report: tuple[Path, dict[str, object]], made: list[pipeline.RunReport], capsys: pytest.CaptureFixture[str]
) -> None:
    view.show(made[0])
    lines = capsys.readouterr().out.splitlines()
    view.show(made[0], verbose=True)
    verbose = capsys.readouterr().out

    starts = (
        "data      mnist-5k, ",
        "accuracy  trained ",
        "exact     int8 bytes are tflm's in host-c",
        "C code    arena ",
    )
    assert 7 <= len(lines) <= 8
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=False))
    assert lines[4].startswith("firmware  every output byte is tflm's; ")
    assert lines[5] == "files     model_int8.tflite, c/model.c, firmware/mps2-an386/firmware.bin"
    assert lines[6].startswith("next      `edgemnist report --work ")
    assert verbose.endswith("\n".join(lines) + "\n")
    assert "runtime  " in verbose and "convert to int8" in verbose.split("accuracy  ")[0]


@pytest.mark.slow
def test_stages_by_hand(report: tuple[Path, dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    """After training and pruning, convert and parity need no further argument than the work folder."""
    work, _ = report
    assert cli.run(["convert", "--int8", "--work", str(work)]) == 0
    gates = ["--require-exact", "tflm,host-c", "--max-accuracy-drop", "1.0", "--images", "200"]
    assert cli.run(["parity", "--work", str(work), "--runtime", "keras", *gates]) == 0
    assert "passed: --require-exact host-c" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset", "slow"], "unknown preset 'slow'"),
        (["--arch", "resnet50"], "resnet50"),
        (["--dataset", "imagenet"], "imagenet"),
        (["--sparsity", "2"], "sparsity 2.0 is out of range"),
    ],
)
def test_bad_choices_cost_no_time(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip is told before anything slow starts, and nothing is written."""
    work = tmp_path / "work"
    assert cli.run(["run", "--work", str(work), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (work / "trained.keras").exists()


@pytest.mark.slow
def test_convert_writes_c_code(
    report: tuple[Path, dict[str, object]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``convert --int8 --c`` leaves the C code beside the model; without an int8 model it says what to add."""
    work, _ = report
    (work / "c" / "model.c").unlink()
    assert cli.run(["convert", "--int8", "--c", "--work", str(work)]) == 0
    assert (work / "c" / "model.c").exists()
    assert cli.run(["convert", "--float32", "--c", "--work", str(work)]) == 2
    assert "add --int8" in capsys.readouterr().err


def test_only_a_missing_tool_leaves_the_firmware_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firmware that crashes ends the main job; a machine without an emulator is told what to install."""

    def fail_with(error: Exception) -> None:
        def fail(work: WorkFolder) -> None:
            raise error

        monkeypatch.setattr(pipeline, "run_on_default_board", fail)

    fail_with(MissingDependencyError("unicorn is not installed"))
    assert pipeline._firmware(WorkFolder(tmp_path)) == "none was run: unicorn is not installed"
    fail_with(RuntimeCrashedError("the firmware faulted"))
    with pytest.raises(RuntimeCrashedError):
        pipeline._firmware(WorkFolder(tmp_path))
