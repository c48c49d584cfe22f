"""``firmware build --engine tflm``: what is refused before anything is compiled, and a real TFLM where one is named.

``EDGEMNIST_TFLM_INCLUDE`` and ``EDGEMNIST_TFLM_LIB_CORTEX_M4`` name TFLM's sources and its library for a Cortex-M4.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from edgemnist import cli
from tests.mcu import firmware

_INCLUDE, _LIBRARY = os.environ.get("EDGEMNIST_TFLM_INCLUDE"), os.environ.get("EDGEMNIST_TFLM_LIB_CORTEX_M4")


def _library(path: Path, machine: int) -> str:
    """Write an archive that looks like TFLM's for an ELF machine, and return its path."""
    elf = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9) + struct.pack("<HH", 1, machine)
    member = elf + b"_ZN6tflite16MicroInterpreter15AllocateTensorsEv"
    header = b"object.o/       0           0     0     644     " + str(len(member)).encode().ljust(10) + b"`\n"
    path.write_bytes(b"!<arch>\n" + header + member)
    return str(path)


def _headers(folder: Path) -> str:
    """Make the folders that TFLM's sources have, with empty headers, and return their root."""
    for name in (
        "tensorflow/lite/micro/micro_interpreter.h", "flatbuffers/flatbuffers.h", "fixedpoint/fixedpoint.h",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return str(folder)


@pytest.fixture
def model_file(tmp_path: Path) -> str:
    """Return the path of the small model."""
    path = tmp_path / "small.tflite"
    path.write_bytes(firmware.model().content)
    return str(path)


def _build(model_file: str, tmp_path: Path, *arguments: str) -> int:
    return cli.run(["firmware", "build", model_file, "--out", str(tmp_path / "out"), *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "tvm"], "unknown engine 'tvm'"),
        (["--engine", "tflm"], "give --tflm-include and --tflm-lib"),
        (["--engine", "tflm", "--tflm-include", "."], "go together"),
        (["--tflm-include", ".", "--tflm-lib", "x.a"], "go together, with --engine tflm"),
        (["--engine", "tflm", "--tflm-include", "no-such", "--tflm-lib", "x.a"], "micro_interpreter.h"),
    ],
)
def test_what_is_refused(
    model_file: str, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _build(model_file, tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_library_for_another_machine(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--tflm-include", _headers(tmp_path / "tree"), "--tflm-lib", _library(tmp_path / "x86.a", 62)]
    assert _build(model_file, tmp_path, "--engine", "tflm", *places) == 2
    assert "is for x86-64, the board's core is Arm" in capsys.readouterr().err


def test_a_toolchain_without_cpp_library(model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--tflm-include", _headers(tmp_path / "tree"), "--tflm-lib", _library(tmp_path / "arm.a", 40)]
    assert _build(model_file, tmp_path, "--engine", "tflm", "--toolchain", "zig", *places) == 2
    assert "use --toolchain gnu" in capsys.readouterr().err


if _INCLUDE and _LIBRARY:  # where they are not, this test does not exist rather than pass by skipping

    def test_real_tflm(model_file: str, capsys: pytest.CaptureFixture[str]) -> None:
        """TFLM itself on the emulated core: the same bytes, counted the same way."""
        arguments = [
            "--engine",
            "tflm",
            "--tflm-include",
            str(_INCLUDE),
            "--tflm-lib",
            str(_LIBRARY),
            "--toolchain",
            "gnu",
        ]
        assert cli.run(["firmware", "run", model_file, "--images", "5", "--json", *arguments]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["exact"] is True
        assert report["firmware"]["engine"] == "tflm"
        assert report["instructions"]["mean"] > 10_000
