"""Instructions counted on emulated boards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.advise import Advice, AdviseSettings, Measurement, advise
from edgemnist.commands.deploy.prepare import prepare_emulators
from edgemnist.pi.counting import count_generated, count_instructions
from edgemnist.pi.emulator import find_emulator
from edgemnist.pi.generated import library_path
from edgemnist.pi.targets import LITERT, TARGETS
from edgemnist.support.errors import InputError, MissingDependencyError, ModelError, RuntimeCrashedError
from edgemnist.tflite.file import parse_tflite, read_tflite
from tests.compiler.test_several_ends import two_heads

_MISSING = "qemu-user is not installed" if shutil.which("qemu-aarch64") is None else ""
counts = pytest.mark.skipif(bool(_MISSING), reason=_MISSING or "qemu-user is installed")


@counts
@pytest.mark.slow
def test_counts_are_repeatable_and_tell_the_boards_apart(real_models: Path) -> None:
    prepare_emulators(["bookworm-aarch64"])
    target = TARGETS["bookworm-aarch64"]
    models = [real_models / "compact_int8.tflite", real_models / "compact_float.tflite"]
    found = {
        board: count_instructions(find_emulator(target, board), target.interpreter(LITERT), models)
        for board in ("pi4", "pi5")
    }
    again = count_instructions(find_emulator(target, "pi5"), target.interpreter(LITERT), models)
    assert again == pytest.approx(found["pi5"], rel=0.02)
    # The Pi 5 has instructions for dot products of int8, the Pi 4 has not.
    assert 50_000 < found["pi5"][0] < 0.8 * found["pi4"][0]
    assert found["pi5"][1] == pytest.approx(found["pi4"][1], rel=0.1)

    broken = real_models / "README"
    with pytest.raises(RuntimeCrashedError, match="ai-edge-litert on the emulated pi4 ended with code 1"):
        count_instructions(find_emulator(target, "pi4"), target.interpreter(LITERT), [broken])


@counts
@pytest.mark.slow
def test_generated_c_is_counted_beside_the_interpreters(real_models: Path) -> None:
    prepare_emulators(["bookworm-aarch64"])
    target, model = TARGETS["bookworm-aarch64"], read_tflite(real_models / "compact_int8.tflite")
    heads = parse_tflite(two_heads().content)
    sizes = [heads.tensors[index].bytes for index in (*heads.inputs, *heads.outputs)]
    found = {
        board: count_generated(
            find_emulator(target, board),
            [(library_path(model, board), (784, 10)), (library_path(heads, board), sizes)],
        )
        for board in ("pi4", "pi5")
    }
    assert all(5_000 < counts[1] < 30_000 for counts in found.values())  # of three outputs
    assert 40_000 < found["pi5"][0] < 0.9 * found["pi4"][0] < 110_000


def test_the_command_without_a_system(
    real_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEMNIST_CACHE", str(tmp_path))
    assert cli.run(["deploy", "pi", "--advise", str(real_models / "compact_int8.tflite")]) == 3
    assert "no Raspberry Pi can be emulated here" in capsys.readouterr().err
    with pytest.raises(MissingDependencyError):
        advise(AdviseSettings(model=real_models / "compact_int8.tflite"), WorkFolder(tmp_path))


def test_models_that_cannot_be_compared(real_models: Path, tmp_path: Path) -> None:
    model = real_models / "compact_int8.tflite"
    with pytest.raises(InputError, match="same file name"):
        advise(AdviseSettings(model=model, against=(model,)), WorkFolder(tmp_path))
    junk = tmp_path / "junk.tflite"
    junk.write_bytes(b"junk")
    with pytest.raises(ModelError, match="not a TFLite file"):
        advise(AdviseSettings(model=junk), WorkFolder(tmp_path))


def test_the_table_and_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    from edgemnist.commands.deploy.view import show_advice

    advice = Advice(
        (
            Measurement("pi4", "bookworm-aarch64", "tflite-runtime", "m8.tflite", "int8", 414_931),
            Measurement("pi4", "bookworm-aarch64", "tflite-runtime", "mf.tflite", "float32", 142_796),
            Measurement("pi5", "bookworm-aarch64", "ai-edge-litert", "m8.tflite", "int8", 113_575),
            Measurement("pi5", "bookworm-aarch64", "ai-edge-litert", "mf.tflite", "float32", 128_208),
            Measurement("pi4", "bookworm-aarch64", "generated-c", "m8.tflite", "int8", 150_004),
        ),
        (),
    )
    best = advice.as_json()["best"]
    assert (best["pi4"]["model"], best["pi5"]["model"]) == ("mf.tflite", "m8.tflite")
    show_advice(advice)
    printed = capsys.readouterr().out
    assert "415" in printed and "114" in printed
    (generated,) = [line for line in printed.splitlines() if "generated-c" in line]
    assert generated.split() == ["pi4,", "generated-c", "150", "-"]
    assert "pi5: fewest with m8.tflite in ai-edge-litert" in printed
