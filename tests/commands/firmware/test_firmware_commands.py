"""``edgemnist firmware`` and ``edgemnist boards`` as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.mcu.boards import boards
from edgemnist.mcu.toolchain import choose_toolchain
from tests.compiler.model_builder import ModelBuilder
from tests.mcu import firmware


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of the small model."""
    path = tmp_path_factory.mktemp("commands") / "small.tflite"
    path.write_bytes(firmware.model().content)
    return str(path)


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert cli.run([*arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_build(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["firmware", "build", model_file, "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "CONV_2D" in text
    assert f"files   {tmp_path}" in text
    assert (tmp_path / "firmware.elf").read_bytes()[:4] == b"\x7fELF"


def test_build_for_a_board_too_small(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tiny-board"
    folder.mkdir()
    (folder / "board.toml").write_text(
        'title = "Tiny"\ncore = "cortex-m0plus"\nclock_hz = 1_000_000\n'
        "flash = { origin = 0, bytes = 2048 }\nram = { origin = 0x20000000, bytes = 512 }\n"
    )
    code = cli.run(["firmware", "build", model_file, "--board", str(folder), "--out", str(tmp_path / "out")])
    captured = capsys.readouterr()
    assert code == 1
    assert "too large for tiny-board" in captured.err
    assert "over: flash by" in captured.err
    assert "RAM by" in captured.err


def test_run(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["firmware", "run", model_file, "--images", "12", "--profile", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "firmware.elf").read_bytes()[:4] == b"\x7fELF"
    text = capsys.readouterr().out
    for part in (
        "every byte equal to tflm",
        "instructions",
        "exactly, by unicorn",
        "an estimate",
        "net_step_0",
        "stack",
    ):
        assert part in text


def _of_digits() -> bytes:
    """Return a net of MNIST's shapes."""
    builder = ModelBuilder()
    image = builder.input((1, 28, 28, 1), 1 / 255, -128)
    flat = builder.op("RESHAPE", [image, builder.constant([1, 784], dtype="int32")], (1, 784), 1 / 255, -128)
    weights = builder.constant(np.arange(7840).reshape(10, 784) % 5 - 2, 0.01)
    return builder.finish([builder.op("FULLY_CONNECTED", [flat, weights, -1], (1, 10), 0.1, 0)])


@pytest.mark.parametrize("images_here", [True, False])
def test_without_images_it_says_why_inputs_are_random(
    images_here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that MNIST does not fit, or a machine without MNIST; what the user names is never replaced."""
    from edgemnist.data import loading
    from edgemnist.support.errors import DatasetError

    def missing(name: str, **_: object) -> None:
        raise DatasetError(f"no {name} here")

    if not images_here:
        monkeypatch.setattr(loading, "load_dataset", missing)
    path = tmp_path / "small.tflite"
    path.write_bytes(firmware.model().content if images_here else _of_digits())
    arguments = ["firmware", "run", str(path), "--images", "2"]
    assert cli.run(arguments) == 0
    why = "because MNIST is not to be had here" if not images_here else "because MNIST does not fit it"
    assert why in capsys.readouterr().out
    assert cli.run([*arguments, "--dataset", "mnist"]) == 2
    assert cli.run([*arguments, "--image-size", "99"]) == 2
    assert "--image-size 99x99: 'small.tflite' takes" in capsys.readouterr().err


@pytest.mark.parametrize("board", ["mps3-an547", "riscv32-virt"])
def test_run_where_no_emulator_counts_exactly(model_file: str, board: str, capsys: pytest.CaptureFixture[str]) -> None:
    firmware.need(board, emulator="qemu")
    report = _json(capsys, "firmware", "run", model_file, "--board", board, "--images", "3")
    assert report["exact"] is True
    assert report["estimate"]["cycles"] is None  # type: ignore[index]
    assert all(layer["instructions"] > 0 for layer in report["layers"])  # type: ignore[attr-defined]


def test_real_digits(real_models: Path, real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The compact net on 1,000 MNIST test images: exact, and as accurate as TFLM says it is."""
    report = _json(capsys, "firmware", "run", str(real_models / "compact_int8.tflite"), "--images", "1000")
    assert report["exact"] is True
    assert report["accuracy"]["count"] == 965  # type: ignore[index]
    assert report["seconds"] < 60  # type: ignore[operator]
    instructions = report["instructions"]
    assert instructions["lowest"] <= instructions["mean"] <= instructions["highest"] < 1_060_000  # type: ignore[index]
    estimate = report["estimate"]
    assert estimate["cycles_low"] <= estimate["cycles"] <= estimate["cycles_high"]  # type: ignore[index]


@pytest.mark.parametrize("board", ["microbit", "mps2-an505"])
@pytest.mark.parametrize("model", ["seedcnn_int8", "kws_ref_model", "dense_int8"])
def test_real_nets(real_models: Path, model: str, board: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Larger nets on the smallest and the newest of Unicorn's cores."""
    path = str(real_models / f"{model}.tflite")
    report = _json(capsys, "firmware", "run", path, "--board", board, "--images", "3")
    assert report["exact"] is True


def test_inexact_firmware_fails(
    model_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An oracle that is not what the firmware computes (TFLite's single rounding) gives exit code 1."""
    from edgemnist.commands.firmware import subject

    monkeypatch.setattr(
        subject, "_expected", lambda model, inputs: ((firmware.expected(inputs[0]) ^ 1,), "a wrong oracle")
    )
    assert cli.run(["firmware", "run", model_file, "--images", "2"]) == 1
    assert "8 of 8 output values, in 2 inputs, differ from a wrong oracle" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["firmware", "run", "--board", "no-such"], 2, "unknown board 'no-such'"),
        (["firmware", "run", "--emulator", "renode"], 2, "unknown emulator 'renode'"),
        (["firmware", "run", "--emulator", "qemu", "--board", "blue-pill"], 3, "QEMU has no such machine"),
        (["firmware", "run", "--emulator", "unicorn", "--board", "mps3-an547"], 3, "it has no Arm Cortex-M55"),
        (["firmware", "run", "--toolchain", "iar"], 2, "unknown toolchain 'iar'"),
        (["firmware", "run", "--dataset", "no-such"], 2, "no-such"),
        (["firmware", "run", "--port", "/dev/no-such-port"], 2, "there is no serial port"),
        (["firmware", "run", "--port", "/dev/no-such-port", "--out", "kept"], 2, "nothing is built for the one at"),
        (["firmware", "build", "--transport", "uart", "--board", "blue-pill"], 2, "no serial port driver"),
        (["firmware", "package", "--for", "mbed"], 2, "mbed"),
    ],
)
def test_bad_input(
    model_file: str, arguments: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*arguments, model_file, "--work", str(tmp_path / "work")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_without_any_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["firmware", "run", "--work", str(tmp_path)]) == 2
    assert "there is no int8 model to take from" in capsys.readouterr().err


def test_boards(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "boards", "--work", str(tmp_path))
    assert [board["name"] for board in found["boards"]] == list(boards())  # type: ignore[attr-defined]
    found = _json(capsys, "boards", model_file)
    fits = {board["name"]: board for board in found["boards"]}  # type: ignore[attr-defined]
    assert all(board["fits"] is True for board in fits.values())
    for board in ("microbit", "mps2-an385"):
        sizes = firmware.image(board, choose_toolchain("auto", boards()[board].core).name).sizes
        found_sizes = (fits[board]["firmware_flash_bytes"], fits[board]["firmware_ram_bytes"])
        assert found_sizes == (sizes.flash, sizes.ram)


def test_package(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "digits.zip"
    found = _json(capsys, "firmware", "package", "--for", "arduino", model_file, "--name", "digits", "--out", str(out))
    assert Path(str(found["path"])) == out
    assert any("digits.h" in name for name in found["files"])  # type: ignore[attr-defined]
