"""What commands print at 60, 80 and 120 columns and into a pipe: nothing cut, no broken word, every mark explained."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.boards import view as boards_view
from edgemnist.commands.boards.stage import BoardList
from edgemnist.commands.codegen.stage import CodeSettings, run_codegen
from edgemnist.commands.doctor import view as doctor_view
from edgemnist.commands.doctor.clashes import Clash
from edgemnist.commands.doctor.installation import Diagnosis, Finding
from edgemnist.commands.firmware.report import FirmwareReport
from edgemnist.commands.firmware.run import RunSettings
from edgemnist.commands.firmware.stage import run
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.parity.report import ParityReport
from edgemnist.commands.parity.stage import ParitySettings, parity
from edgemnist.commands.prune import view as prune_view
from edgemnist.commands.prune.stage import PruneResult
from edgemnist.commands.qat import view as qat_view
from edgemnist.commands.qat.stage import QatResult
from edgemnist.commands.run import view as run_view
from edgemnist.commands.run.choice import PruningChoice
from edgemnist.commands.run.stage import RunReport, StageRow
from edgemnist.commands.train import view as train_view
from edgemnist.mcu.boards import boards
from edgemnist.mcu.fit import BoardFit
from edgemnist.training.loop import EpochReport
from edgemnist.training.resuming import epoch_line
from edgemnist.training.sparsity import LayerSparsity
from edgemnist.training.train import TrainResult
from tests.commands.report.nets import write_work
from tests.mcu import firmware

WIDTHS = (60, 80, 120)
RUNTIMES = ("host-c", "tflm", "tflite-runtime-default")
_ROOM = re.compile(
    r"\(in a wider terminal, and with --json: [^)]*\)"
    r"|confusion: a wider terminal has room for the matrix, and --json has it"
)
"""What only a terminal is told: what it has no room for."""
EXPLAINED = {"*": r"\* peak|marked \*|\* beyond", "·": "· is none", "≠": "≠ oracle %: ", "?": r"\?: |\? \w", "~": "~n "}
MARKS = "†‡§¶…"


class Terminal(io.StringIO):
    """A terminal's stdout, whose columns ``COLUMNS`` tells."""

    def isatty(self) -> bool:
        return True


def shown(show: Callable[[], None], width: int | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is printed to a terminal of so many columns; None: into a pipe."""
    out = io.StringIO() if width is None else Terminal()
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", str(width or 80))
        patch.setattr("sys.stdout", out)
        show()
    return out.getvalue()


def words(text: str) -> set[str]:
    """Return the words of a text, without the punctuation around them."""
    return {word.strip("():;,.") for word in text.split()}


def check(show: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a result at every width, and compare with what a pipe gets."""
    piped = shown(show, None, monkeypatch)
    assert piped.strip()
    for width in WIDTHS:
        text = shown(show, width, monkeypatch)
        for line in text.split("\n"):
            # A word that is longer than the terminal, such as a path, stands alone.
            assert cell_len(line) <= width or len(line.split()) == 1, (width, line)
            assert line == line.rstrip()
        told = _ROOM.sub("", " ".join(text.split()))
        assert words(told) <= words(piped), (width, words(told) - words(piped))
        assert not re.search(r"\d(\.\.\.|…)", text)
        assert not set(MARKS) & set(text)
        for mark, explanation in EXPLAINED.items():
            marked = re.search(rf"(\d{re.escape(mark)}|(^| ){re.escape(mark)}( |$)|^{re.escape(mark)} )", text, re.M)
            assert not marked or re.search(explanation, " ".join(text.split())), (width, mark)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with a float32 and an int8 net."""
    return write_work(tmp_path_factory.mktemp("widths") / "work")


@pytest.fixture(scope="module")
def parity_report(work: Path) -> ParityReport:
    return parity(ParitySettings(runtimes=RUNTIMES), WorkFolder(work))


@pytest.fixture(scope="module")
def firmware_report(work: Path) -> FirmwareReport:
    return run(RunSettings(out=work / "firmware", images=3), WorkFolder(work))


@pytest.mark.parametrize(
    "command",
    [
        "inspect MODEL",
        "codegen MODEL --out OUT/c",
        "boards --work OUT",
        "firmware build --work WORK --out OUT/firmware",
        "evaluate --work WORK --runtime tflm",
        "predict --index 0-2 --work WORK",
        "explain MODEL --against tflite-runtime-default --images 10",
        "data list",
        "config",
        "config --all",
    ],
)
def test_commands(command: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"MODEL": work / "model_int8.tflite", "WORK": work, "OUT": tmp_path}
    for name, path in places.items():
        command = command.replace(name, str(path))
    cli.register_commands()
    outcome = cli.app(args=shlex.split(command), standalone_mode=False)
    assert isinstance(outcome, Outcome)
    check(outcome.show, monkeypatch)


def test_parity(parity_report: ParityReport, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgemnist.commands.parity import view

    check(lambda: view.show(parity_report), monkeypatch)


def test_firmware_run(firmware_report: FirmwareReport, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgemnist.commands.firmware import view

    check(lambda: view.show_report(firmware_report), monkeypatch)


def test_boards_with_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = firmware.image("mps2-an386").sizes
    fits = [BoardFit(board, sizes) for board in boards().values()]
    fits[1] = replace(fits[1], sizes=replace(sizes, flash=1 << 20))
    fits[2] = BoardFit(fits[2].board, reason="not known: arm-none-eabi-gcc not found")
    check(lambda: boards_view.show(BoardList("model_int8.tflite", fits)), monkeypatch)
    text = shown(lambda: boards_view.show(BoardList("model_int8.tflite", fits)), 60, monkeypatch)

    assert f"-{(1 << 20) - fits[1].board.flash.bytes:,}" in text
    assert "fits 12 of 13 boards" in " ".join(text.split())


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = (
        Finding("tensorflow-model-optimization", "0.8.1"),
        Finding("pi-emulated-aarch64-reference", "", "the system bookworm-aarch64 has not been fetched"),
    )
    clash = Clash("numpy 2.4.0 is here, and tflite-runtime 2.14.0 was built for numpy below 2", "pip install 'numpy<2'")
    system = ("0.1.0", "3.11.7", "/usr/bin/python3", "Linux")
    diagnosis = Diagnosis(*system, findings, findings, findings, findings, (clash,), ())
    check(lambda: doctor_view.show(diagnosis), monkeypatch)


EPOCHS = tuple(EpochReport(n, 1.2345, 0.91234, 0.5678, 0.98765, 0.00123, 12.34, 20.0) for n in range(1, 13))
FIT: dict[str, Any] = {
    "model_path": Path("artifacts/trained.keras"), "dataset": "mnist", "arch": "tiny", "accuracy": 0.98765,
    "test_images": 10_000, "at_chance": "", "validation_accuracy": 0.98123, "epochs_run": 12, "best_epoch": 11,
    "seconds": 1234.5, "cpu_seconds": 2345.6, "peak_memory_bytes": 1_234_567_890, "history": EPOCHS,
}  # fmt: skip
LAYERS = tuple(
    LayerSparsity(f"batch_normalization_conv2d_{n}", "Conv2D", 12_345, 6_172, "left dense") for n in range(3)
)
TRAINED = TrainResult(**FIT, parameters=123_456)
PRUNED = PruneResult(
    **FIT, accuracy_before=0.98912, sparsity=0.5, asked=0.5, parameters_left=61_728, shortfall="", layers=LAYERS,
    advice="no dense net of 61,728 parameters or fewer is known to reach 98.77%", gzip_bytes_before=456_789,
    gzip_bytes=234_567,
)  # fmt: skip
QAT = QatResult(**FIT, source="pruned.keras", accuracy_before=0.98912, sparsity=0.5)


@pytest.mark.parametrize(
    "show",
    [lambda: train_view.show(TRAINED), lambda: prune_view.show(PRUNED), lambda: qat_view.show(QAT)],
    ids=["train", "prune", "qat"],
)
def test_fits(show: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    check(show, monkeypatch)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_epoch_is_a_line(width: int) -> None:
    lines = [epoch_line(report, 120, best=report.epoch == 12, width=width) for report in EPOCHS]

    assert all(len(line) <= width and "validation 98.77%" in line for line in lines)
    assert [line.endswith("  best") for line in lines] == [False] * 11 + [True]
    assert ("rate 0.0012" in lines[0]) == (width == 120)


@pytest.fixture(scope="module")
def run_report(work: Path, parity_report: ParityReport, firmware_report: FirmwareReport) -> RunReport:
    code = run_codegen(CodeSettings(), WorkFolder(work))
    rows = [
        StageRow(stage, "trained.keras", 0.98765, "Keras, whole test set", 103_286, 33_206, 3877.79, "keras")
        for stage in ("train", "prune to 50% zeros", "convert to float32", "convert to int8")
    ]
    return RunReport(
        first_line="mnist: 60,000 training and 10,000 test images from files",
        data="mnist, 60,000 training and 10,000 test images",
        folder=Path("artifacts"), files=("model_int8.tflite", "c/model.c", "firmware/mps2-an386/firmware.bin"),
        rows=(*rows, StageRow("C code", "model.c", 0.98, "host-c", 35_705, 10_869, 23.7, "host-c")),
        seconds={"data": 1.0, "train": 150.2, "parity": 61.4}, parity=parity_report, codegen=code,
        firmware=firmware_report,
        pruning=PruningChoice(False, "the dense net goes on: pruning took 1.23 points", 1.23, None),
        advice="a dense net does better for less; try `edgemnist train --arch separable --teacher cnn-large`",
        commands=("edgemnist report --work artifacts", "edgemnist inspect --work artifacts"),
    )  # fmt: skip


@pytest.mark.parametrize("verbose", [False, True])
def test_run(verbose: bool, run_report: RunReport, monkeypatch: pytest.MonkeyPatch) -> None:
    check(lambda: run_view.show(run_report, verbose=verbose), monkeypatch)


def test_the_summary_of_a_run_has_eight_lines_at_80_columns(
    run_report: RunReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(lambda: run_view.show(run_report), 80, monkeypatch).splitlines()

    assert len(lines) == 8
    assert lines[6:] == [
        "next      `edgemnist report --work artifacts`",
        "better    `edgemnist train --arch separable --teacher cnn-large`",
    ]
