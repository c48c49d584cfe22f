"""``edgemnist codegen``: files, determinism, self-test, bad input."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.codegen import stage
from edgemnist.commands.firmware.run import RunSettings, run_emulated_board
from edgemnist.compiler import dump, memory, passes
from edgemnist.compiler import generate as codegen
from edgemnist.compiler.host import HOUSE_FLAGS, compile_files
from edgemnist.compiler.host_cpu import bodies_here
from edgemnist.compiler.written import write_code
from edgemnist.harness.models import named_subject
from edgemnist.mcu.boards import find_board
from edgemnist.mcu.build import BuildSettings, build_firmware
from edgemnist.mcu.cores import find_core
from edgemnist.mcu.toolchain import TOOLCHAINS
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite, read_tflite
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.bench import SMALL
from tests.compiler.layers import Layers
from tests.compiler.planted import planted
from tests.mcu import firmware

GOALS = {  # arena, flash at -Os on Cortex-M4, instructions at -O2 on Cortex-M3
    "compact_int8": (3400, 11_000, 1_000_000),
    "seedcnn_int8": (7600, 230_000, 8_000_000),
}


def _settings(**changes: object) -> codegen.CodegenSettings:
    return codegen.CodegenSettings(**{"name": "net", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("optimisation", ["-O2", SMALL])
@pytest.mark.parametrize("model", ["compact_int8", "seedcnn_int8", "dense_int8", "pretrainedResnet_quant"])
def test_self_test_passes(real_models: Path, tmp_path: Path, model: str, optimisation: str) -> None:
    """The generated program agrees with its golden vectors and its CRC, and compiles under our warnings."""
    files = dict(codegen.generate(read_tflite(real_models / f"{model}.tflite"), _settings()).files)
    program = compile_files(files, tmp_path, "self_test", [*HOUSE_FLAGS, *optimisation.split(), "-DNET_TEST_MAIN"])
    assert subprocess.run([program], check=False).returncode == 0


def test_self_test_notices_a_wrong_constant(real_models: Path, tmp_path: Path) -> None:
    """One changed bias of the last dense layer makes the self-test fail."""
    files = dict(codegen.generate(read_tflite(real_models / "dense_int8.tflite"), _settings()).files)
    first_bias = re.compile(r"(net_channels_1\[10\] = \{\s*\{)-?\d+")
    files["net.c"], changed = first_bias.subn(r"\g<1>20000", files["net.c"])
    assert changed == 1
    program = compile_files(files, tmp_path, "self_test", ["-std=c99", "-O1", "-DNET_TEST_MAIN"])
    assert subprocess.run([program], check=False).returncode != 0


def test_same_input_same_bytes(real_models: Path) -> None:
    """No date, no path, no order of a hash in the files."""
    model = read_tflite(real_models / "compact_int8.tflite")
    first, second = (codegen.generate(model, _settings(labels=tuple("0123456789"))).files for _ in range(2))
    assert first == second
    assert str(real_models) not in "".join(first.values())


@pytest.mark.skipif(shutil.which("clang++") is None, reason="clang++ is not installed")
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_valid_cpp17(real_models: Path, tmp_path: Path, compiler: str) -> None:
    """The same files compile as C++17 under our warnings."""
    files = codegen.generate(read_tflite(real_models / "compact_int8.tflite"), _settings(labels=("a?", 'b"') * 5)).files
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    flags = [flag for flag in HOUSE_FLAGS if flag != "-std=c99"]
    for source in ("net.c", "net_test.c"):
        command = [compiler, "-x", "c++", "-std=c++17", *flags, "-fsyntax-only", "-I.", source]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("model", GOALS)
def test_figures_on_emulated_cores(real_models: Path, tmp_path: Path, model: str) -> None:
    """Arena, flash and instructions stay under their goals, without a library call, and the outputs are TFLM's."""
    firmware.need("mps2-an385", "gnu")
    path = real_models / f"{model}.tflite"
    arena, flash, instructions = GOALS[model]
    speed = RunSettings(dataset="random", images=3, build=BuildSettings(toolchain="gnu"), out=tmp_path / "speed")
    report = run_emulated_board(named_subject(path), find_board("mps2-an385"), speed)
    assert report.exact
    assert report.counts is not None
    assert report.counts.highest <= instructions
    assert report.image is not None
    assert not [name for name in report.image.elf.symbols if re.match(r"__aeabi_\w*div|__aeabi_l", name)]
    assert codegen.compile_model(read_tflite(path), _settings())[1].size <= arena
    small = BuildSettings(toolchain="gnu", optimise="size")
    sizes = build_firmware(read_tflite(path), find_board("mps2-an386"), small, tmp_path / "size").sizes
    assert sizes.model_code + sizes.model_constants <= flash


@pytest.mark.parametrize(("model", "goal"), [("kws_ref_model", 9000), ("pretrainedResnet_quant", 34_000)])
def test_arena_of_larger_nets(real_models: Path, model: str, goal: int) -> None:
    """The arena is near the largest tensor."""
    _, plan = codegen.compile_model(read_tflite(real_models / f"{model}.tflite"), _settings())
    assert plan.size <= goal


def test_every_fusion_can_be_switched_off(real_models: Path) -> None:
    """Without a fusion the plan only grows, and the pooled network's arena shows what it saved."""
    model = read_tflite(real_models / "seedcnn_int8.tflite")
    fused = codegen.compile_model(model, _settings())[1].size
    plain = codegen.compile_model(model, _settings(fusions=()))[1].size
    assert fused < plain
    with pytest.raises(InputError, match="unknown fusion"):
        stage.settings_from(name="net", target="portable", rounding="tflm", without=["nothing"], labels=None)
    assert set(passes.FUSIONS) >= {"pad", "max-pool"}


def test_alignment_of_every_buffer(real_models: Path) -> None:
    """Kernels may load words."""
    _, plan = codegen.compile_model(read_tflite(real_models / "pretrainedResnet_quant.tflite"), _settings())
    assert all(item.offset % memory.ALIGNMENT == 0 for item in plan.placed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "z80"], "unknown target 'z80'"),
        (["--rounding", "up"], "unknown rounding 'up'"),
        (["--name", "int"], "'int'"),
        (["--name", "String"], "name of another header"),
        (["--name", "em_common"], "name of another header"),
        (["--name", "features"], "features.h is the name of another header; give the model another name"),
        (["--name", "INT8_MAX"], "is taken by the language or its library"),
        (["--no-fuse", "magic"], "unknown fusion 'magic'"),
        (["--sparse", "maybe"], "unknown choice of sparse layers 'maybe'"),
        (
            ["--count-layers", "--target", "x86-64"],
            "layers for 'x86-64' can't be counted, no emulator has it; choose any",
        ),
        (["--labels", "a,b"], "2 labels for 10 classes"),
        (["--dump", "flash"], "unknown dump 'flash'; choose one of graph, program, plan"),
        (["--dump", "plan", "--target", "z80"], "unknown target 'z80'"),
    ],
)
def test_bad_settings(
    real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Exit code 2, one message, nothing written."""
    out = tmp_path / "out"
    assert cli.run(["codegen", str(real_models / "compact_int8.tflite"), "--out", str(out), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_target_host_is_named(real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is the target's own text, and one line says which target and with what to compile it."""
    body, model = bodies_here()[0], str(real_models / "compact_int8.tflite")
    for target in ("host", body.target):
        assert cli.run(["codegen", model, "--out", str(tmp_path / target), "--target", target]) == 0
        line = next((one for one in capsys.readouterr().out.splitlines() if one.startswith("target host")), "")
        assert (body.target in line) == (target == "host")
        assert all(flag in line for flag in body.flags) or target != "host"
    for name in ("model.c", "model.h"):
        assert (tmp_path / "host" / name).read_text() == (tmp_path / body.target / name).read_text()


def test_counted_layers_are_told(real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where they were counted, and the command that counts them again."""
    if all(toolchain.available(find_core("cortex-m0plus")) for toolchain in TOOLCHAINS.values()):
        pytest.skip("no cross compiler is installed")
    arguments = [
        "codegen",
        str(real_models / "compact_int8.tflite"),
        "--out",
        str(tmp_path),
        "--target",
        "cortex-m0plus",
    ]

    assert cli.run([*arguments, "--count-layers"]) == 0
    assert "instructions counted on an emulated Arm Cortex-M0" in capsys.readouterr().out
    assert cli.run([*arguments, "--count-layers", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["instructions_from"].startswith("counted on an emulated Arm Cortex-M0")
    assert any(len(step["candidates"]) > 1 for step in document["steps"])
    assert "--count-layers" in json.loads((tmp_path / "model_manifest.json").read_text())["command"]


@pytest.mark.parametrize("kind", dump.DUMPS)
def test_a_dump_writes_nothing(
    real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """It is text, or one JSON document with the same values; the figures are those of the generated C."""
    model, out = real_models / "pretrainedResnet_quant.tflite", tmp_path / "out"
    program, plan = codegen.compile_model(read_tflite(model), _settings())
    expected = {"dump": kind, **dump.DUMPS[kind](program, plan)}

    assert cli.run(["codegen", str(model), "--out", str(out), "--dump", kind, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert cli.run(["codegen", str(model), "--out", str(out), "--dump", kind]) == 0
    text = capsys.readouterr().out

    assert document == json.loads(json.dumps(expected))
    assert text == dump.Dump(kind, dump.DUMPS[kind](program, plan)).as_text()
    assert not out.exists()


def test_channels_that_are_left_out_are_told(
    real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line for people, in the code's head, in the manifest and in --json; --no-fuse keeps them."""
    model, out = tmp_path / "dead.tflite", tmp_path / "out"
    model.write_bytes(planted((real_models / "compact_int8.tflite").read_bytes(), 1))
    command = ["codegen", str(model), "--out", str(out)]

    assert cli.run([*command, "--json"]) == 0
    left_out = json.loads(capsys.readouterr().out)["left_out"]
    assert cli.run(command) == 0
    text = capsys.readouterr().out

    gone = sum(layer["constant"] + layer["unread"] for layer in left_out["layers"])
    assert left_out["channels"] == gone > 10
    line = f"eft out, exactly: {gone} of {sum(layer['channels'] for layer in left_out['layers'])} channels of "
    assert f"l{line}" in text
    header = (out / "model.h").read_text()
    assert f" * L{line}" in header
    assert "without the channels that are left out. */" in " ".join(header.replace("\n * ", " ").split())
    assert json.loads((out / "model_manifest.json").read_text())["left_out"] == left_out

    assert cli.run([*command, "--no-fuse", "dead-channels", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == {"channels": 0, "layers": []}
    assert "--no-fuse dead-channels" in " ".join((out / "model.h").read_text().replace("\n * ", " ").split())


def test_an_operator_that_tflm_has_not_is_compiled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = Layers.seeded(1)
    image = layers.conv(layers.input((1, 6, 6, 1)), 3)
    model = tmp_path / "gelu.tflite"
    model.write_bytes(layers.finish(layers.dense(layers.op("GELU", [image], image.shape, approximate=False), 4)))

    assert cli.run(["codegen", str(model), "--out", str(tmp_path / "out")]) == 0
    assert "TFLM's arena          none, it has no GELU" in capsys.readouterr().out


def test_self_test_expects_what_the_file_says(real_models: Path, tmp_path: Path) -> None:
    """Also where most channels are left out."""
    content = planted((real_models / "compact_int8.tflite").read_bytes(), 2)
    files = dict(codegen.generate(parse_tflite(content), _settings()).files)
    plain = codegen.generate(parse_tflite(content), _settings(fusions=())).files
    assert files["net_test.c"] == plain["net_test.c"]
    program = compile_files(files, tmp_path, "self_test", [*HOUSE_FLAGS, "-O1", "-DNET_TEST_MAIN"])
    assert subprocess.run([program], check=False).returncode == 0


def test_nothing_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a model and without a work folder the command says which one comes first."""
    assert cli.run(["codegen", "--work", str(tmp_path)]) == 2
    assert "edgemnist convert --int8" in capsys.readouterr().err


def test_work_folder_gives_labels(real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The work folder's own model brings its class names; --json is one document."""
    work = WorkFolder(tmp_path / "work")
    work.root.mkdir()
    model = work.path("model_int8.tflite")
    model.write_bytes((real_models / "compact_int8.tflite").read_bytes())
    context = ModelContext("mnist", "compact", Preprocessing((28, 28, 1), tuple("0123456789")))
    work.record("convert", settings=context.as_json(), results={}, outputs=[model])
    assert cli.run(["codegen", "--work", str(work.root), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["arena_bytes"] <= GOALS["compact_int8"][0]
    header = (work.root / "c" / "model.h").read_text()
    assert "model_labels[10]" in header
    assert "pixel - 128" in header
    assert (work.root / "c" / "model_memory.png").read_bytes()[:4] == b"\x89PNG"


def test_tflm_is_asked_about_the_model_that_was_compiled(
    real_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command may put a new model in the file's place meanwhile."""
    path = tmp_path / "net.tflite"
    shutil.copy(real_models / "dense_int8.tflite", path)

    def write_and_replace(*given: object, **named: object) -> object:
        shutil.copy(real_models / "compact_int8.tflite", path)
        return write_code(*given, **named)  # type: ignore[arg-type]

    settings = stage.CodeSettings(model=path, out=tmp_path / "c", code=_settings(target="portable"))
    alone = stage.run_codegen(settings, WorkFolder(tmp_path))
    monkeypatch.setattr(stage, "write_code", write_and_replace)
    beside = stage.run_codegen(settings, WorkFolder(tmp_path))

    assert alone.tflm_arena_bytes and beside.tflm_arena_bytes == alone.tflm_arena_bytes
