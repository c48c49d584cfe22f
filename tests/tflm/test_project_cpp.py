"""The C++ for TFLM compiles: against stand-ins always, against TFLM's headers where EDGEMNIST_TFLM_INCLUDE names them.

With EDGEMNIST_TFLM_LIB, a library for this machine, the program is linked and its self-test run as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler.emit import kernel_files
from edgemnist.compiler.tensor_dump import HEADER
from edgemnist.csource import array as carray
from edgemnist.csource.pixels import PixelCode
from edgemnist.mismatch.dump import read_dump
from edgemnist.runner import RuntimeWorker
from edgemnist.runtimes.tflm import TflmRuntime
from edgemnist.support.errors import InputError, MissingDependencyError, ModelError
from edgemnist.tflite.file import parse_tflite, read_tflite
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.tflm.firmware import COMPILE_FLAGS, MACHINES, check_tflm, include_folders, tflm_program
from edgemnist.tflm.operators import INT8_HEADERS, KINDS, method
from edgemnist.tflm.programs import main_program
from edgemnist.tflm.project import describe, tflm_project
from edgemnist.tflm.sources import TflmSource, header
from tests.csource.files import TINY_MODEL, classes
from tests.oracles import needs
from tests.tflm.headers import write_stand_ins
from tests.two_classes import two_class_net

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
TFLM_INCLUDE = os.environ.get("EDGEMNIST_TFLM_INCLUDE")
TFLM_LIB = os.environ.get("EDGEMNIST_TFLM_LIB")
HEADERS = ["stand-ins", *(["TFLM's"] if TFLM_INCLUDE else [])]

pytestmark = needs("tflm")


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with stand-ins for TFLM's headers."""
    return write_stand_ins(tmp_path_factory.mktemp("tflm"))


def includes(headers: str, stand_ins: Path) -> list[str]:
    folders = [stand_ins] if headers == "stand-ins" else include_folders(Path(str(TFLM_INCLUDE)))
    return [word for folder in folders for word in ("-isystem", str(folder))]


@cache
def measured(path: Path) -> TflmSource:
    """Ask TFLM's interpreter once for each model."""
    return describe(read_tflite(path), name="g_model", stem="tiny")


def write_project(folder: Path, path: Path = TINY_MODEL, *, name: str = "g_model", style: str = "default") -> None:
    source = replace(measured(path), names=carray.array_names(name, style, "tiny"))
    files = carray.generate(source.model, name=name, style=style, stem="tiny")
    texts = {"tiny_tflm.h": header(source), "tiny_main.cc": main_program(source), **kernel_files([HEADER])}
    for file, text in {**files, **texts}.items():
        (folder / file.replace(HEADER, source.dump_header)).write_text(text)


def compile_cpp(folder: Path, source: str, *flags: str, compiler: str = "g++") -> subprocess.CompletedProcess[str]:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    command = [compiler, *COMPILE_FLAGS, *WARNINGS, "-DTF_LITE_STATIC_MEMORY", "-fsyntax-only", *flags, source]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize(
    "flags", [[], ["-DG_MODEL_TFLM_SELF_TEST"], ["-DG_MODEL_TFLM_DUMP"]], ids=["plain", "self-test", "dump"]
)
def test_main_program_compiles(tmp_path: Path, stand_ins: Path, headers: str, compiler: str, flags: list[str]) -> None:
    write_project(tmp_path)
    done = compile_cpp(tmp_path, "tiny_main.cc", *includes(headers, stand_ins), *flags, compiler=compiler)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("headers", HEADERS)
def test_real_models_compile(tmp_path: Path, stand_ins: Path, real_models: Path, headers: str) -> None:
    for name in ("kws_ref_model", "pretrainedResnet_quant", "seedcnn_int8"):
        write_project(tmp_path, real_models / f"{name}.tflite")
        done = compile_cpp(tmp_path, "tiny_main.cc", *includes(headers, stand_ins), "-DG_MODEL_TFLM_SELF_TEST")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "style"), [("model", "default"), ("interpreter", "default"), ("Classify", "tflm"), ("M", "tflm")]
)
def test_names_that_the_program_uses_itself_compile(tmp_path: Path, stand_ins: Path, name: str, style: str) -> None:
    write_project(tmp_path, name=name, style=style)
    flags = [*includes("stand-ins", stand_ins), f"-D{name.upper()}_TFLM_SELF_TEST"]
    done = compile_cpp(tmp_path, "tiny_main.cc", *flags)
    assert done.returncode == 0, done.stderr


def test_values_instead_of_pixels_compile(tmp_path: Path, stand_ins: Path) -> None:
    """Where it is not known which range of pixels the model was trained on."""
    write_project(tmp_path)
    (tmp_path / "tiny_main.cc").write_text(main_program(replace(measured(TINY_MODEL), pixels=PixelCode(""))))
    assert "Classify(const ::g_model_input_t *image)" in (tmp_path / "tiny_main.cc").read_text()
    done = compile_cpp(tmp_path, "tiny_main.cc", *includes("stand-ins", stand_ins))
    assert done.returncode == 0, done.stderr


def test_a_picture_and_two_classes_by_one_output_compile(tmp_path: Path, stand_ins: Path) -> None:
    model = two_class_net(probability=False, shape=(1, 3, 5, 4))
    known = Preprocessing((4, 5, 3), ("cat", "dog"), bgr=True, layout="nchw", transposed=True)
    source = describe(model, name="g_model", stem="tiny", preprocessing=known)
    files = carray.generate(model, stem="tiny", preprocessing=known)
    for file, text in {**files, "tiny_tflm.h": header(source), "tiny_main.cc": main_program(source)}.items():
        (tmp_path / file).write_text(text)
    program = (tmp_path / "tiny_main.cc").read_text()
    assert "::g_model_quantise_image(image, input);" in program
    assert "return scores[0] > 3 ? 1 : 0;" in program
    done = compile_cpp(tmp_path, "tiny_main.cc", *includes("stand-ins", stand_ins))
    assert done.returncode == 0, done.stderr


def test_arena_of_each_target(tmp_path: Path, stand_ins: Path) -> None:
    write_project(tmp_path)
    text = (tmp_path / "tiny_tflm.h").read_text()
    measured, helium, general = (int(value) for value in re.findall(r"#define \w+_(?:MEASURED|MARGIN) (\d+)", text))
    for flags, size in (
        (["-D__ARM_FEATURE_MVE=3"], measured + helium),
        (["-D__ARM_FEATURE_MVE=2"], measured + general),
        ([], measured + general),
        (["-DG_MODEL_TFLM_ARENA_SIZE=1600"], 1600),
    ):
        check = f'static_assert(g_model_tflm::kArenaSize == {-(-size // 16) * 16}, "arena");\n'
        (tmp_path / "check.cc").write_text('#include "tiny_tflm.h"\n' + check)
        done = compile_cpp(tmp_path, "check.cc", *includes("stand-ins", stand_ins), *flags)
        assert done.returncode == 0, done.stderr


def test_other_flags_than_the_librarys_are_refused(tmp_path: Path, stand_ins: Path) -> None:
    write_project(tmp_path)
    done = compile_cpp(tmp_path, "tiny_main.cc", *includes("stand-ins", stand_ins), "-UTF_LITE_STATIC_MEMORY")
    assert "TF_LITE_STATIC_MEMORY" in done.stderr
    assert done.returncode != 0


def test_unmeasured_arena_stops_the_compiler_until_a_size_is_given(
    tmp_path: Path, stand_ins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TflmRuntime, "available", lambda _: "tflite_micro is not installed")
    project = tflm_project(read_tflite(TINY_MODEL), name="g_model", stem="tiny")
    assert project is not None
    for file, text in {**carray.generate(read_tflite(TINY_MODEL), stem="tiny"), **project.texts}.items():
        (tmp_path / file).write_text(text)
    flags = includes("stand-ins", stand_ins)
    assert "was not measured" in compile_cpp(tmp_path, "tiny_main.cc", *flags).stderr
    done = compile_cpp(tmp_path, "tiny_main.cc", *flags, "-DG_MODEL_TFLM_ARENA_SIZE=4096")
    assert done.returncode == 0, done.stderr
    with pytest.raises(MissingDependencyError, match="pip install"):
        tflm_program(read_tflite(TINY_MODEL))


# Defined only where they can run: continuous integration takes a skip for a failure.

if TFLM_INCLUDE:

    def test_operator_names_are_those_of_tflm() -> None:
        """The list in the code was made from TFLM of 2026-08-20."""
        micro = Path(str(TFLM_INCLUDE)) / "tensorflow/lite/micro"
        text = (micro / "micro_mutable_op_resolver.h").read_text()
        found = re.findall(r"TfLiteStatus (Add\w+)\([^{]*\{\s*return AddBuiltin\(\s*BuiltinOperator_(\w+)", text)
        assert {kind: method(kind) for kind in KINDS} == {kind: name for name, kind in found}
        for kind, file in INT8_HEADERS.items():
            assert f"Register_{kind}_INT8()" in (micro / "kernels" / file).read_text()


if TFLM_INCLUDE and TFLM_LIB:

    def test_self_test_passes_on_this_machine(tmp_path: Path, real_models: Path) -> None:
        for path in (TINY_MODEL, real_models / "compact_int8.tflite"):
            write_project(tmp_path, path)
            subprocess.run(["gcc", "-c", "tiny.c", "-o", "tiny.o"], cwd=tmp_path, check=True)
            flags = [*COMPILE_FLAGS, "-DTF_LITE_STATIC_MEMORY", "-DG_MODEL_TFLM_SELF_TEST"]
            command = ["g++", *flags, *includes("TFLM's", tmp_path), "tiny_main.cc", "tiny.o", str(TFLM_LIB)]
            subprocess.run([*command, "-o", "tiny"], cwd=tmp_path, check=True)
            done = subprocess.run(["./tiny"], cwd=tmp_path, capture_output=True, text=True, check=True)
            assert "self-test passed: 4 vectors" in done.stdout + done.stderr

    def test_the_dump_has_every_tensor_of_the_wheel(tmp_path: Path, real_models: Path, tflm: RuntimeWorker) -> None:
        for path in (TINY_MODEL, real_models / "compact_int8.tflite"):
            write_project(tmp_path, path)
            subprocess.run(["gcc", "-c", "tiny.c", "-o", "tiny.o"], cwd=tmp_path, check=True)
            flags = [*COMPILE_FLAGS, "-DTF_LITE_STATIC_MEMORY", "-DG_MODEL_TFLM_DUMP"]
            command = ["g++", *flags, *includes("TFLM's", tmp_path), "tiny_main.cc", "tiny.o", str(TFLM_LIB)]
            subprocess.run([*command, "-o", "tiny"], cwd=tmp_path, check=True)
            done = subprocess.run(["./tiny"], cwd=tmp_path, capture_output=True, check=True)
            (tmp_path / "console.txt").write_bytes(done.stdout + done.stderr)
            source = read_dump(tmp_path / "console.txt", read_tflite(path))
            inputs = source.inputs(read_tflite(path))
            assert inputs is not None
            for index, expected in tflm.trace(path.read_bytes(), inputs).items():
                np.testing.assert_array_equal(source.tensors[index], expected)


# --- firmware build --engine tflm ------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", HEADERS)
def test_firmware_sources_compile(tmp_path: Path, stand_ins: Path, headers: str) -> None:
    files = tflm_program(read_tflite(TINY_MODEL), preprocessing=classes(("a", "b", "c"))).files
    assert sorted(files) == ["net.cc", "net.h", "net_model.c", "net_model.h", "net_model_tflm.h"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for flags in (["-DNET_TRACE"], ["-DNET_TRACE", "-DFIRMWARE_TENSORS"]):
        done = compile_cpp(tmp_path, "net.cc", *includes(headers, stand_ins), *flags)
        assert done.returncode == 0, done.stderr
    (tmp_path / "app.c").write_text(
        '#include "net.h"\nstatic int8_t arena[NET_ARENA_SIZE];\nint run(void);\n'
        "int run(void)\n{\n    net_run_in(arena);\n    return net_setup() + arena[NET_OUTPUT_OFFSET] + NET_STEPS;\n}\n"
    )
    subprocess.run(["gcc", "-std=c99", *WARNINGS, "-fsyntax-only", "app.c"], cwd=tmp_path, check=True)


def test_firmware_takes_int8_models_of_tflms_operators(tmp_path: Path, real_models: Path) -> None:
    with pytest.raises(ModelError, match="it is a float32 model"):
        tflm_program(read_tflite(real_models / "dense_float.tflite"))
    assert parse_tflite(TINY_MODEL.read_bytes()).input().bytes == 16
    with pytest.raises(InputError, match="cannot read model"):
        tflm_program(read_tflite(tmp_path / "missing.tflite"))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return an archive for this machine with the one symbol by which TFLM is known."""
    return make_library(tmp_path, "namespace tflite { struct MicroInterpreter { int AllocateTensors(); };\n"
                        "int MicroInterpreter::AllocateTensors() { return 0; } }\n")  # fmt: skip


def make_library(folder: Path, source: str) -> Path:
    (folder / "part.cc").write_text(source)
    subprocess.run(["g++", "-c", "part.cc", "-o", "part.o"], cwd=folder, check=True)
    subprocess.run(["ar", "rcs", "lib.a", "part.o"], cwd=folder, check=True)
    return folder / "lib.a"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the headers by which a TFLM tree is known, as create_tflm_tree.py lays them out."""
    root = tmp_path / "tree"
    for name in (
        "tensorflow/lite/micro/micro_interpreter.h",
        "third_party/flatbuffers/include/flatbuffers/flatbuffers.h",
        "third_party/gemmlowp/fixedpoint/fixedpoint.h",
    ):
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
    return root


def test_installation_is_found(tmp_path: Path, tree: Path, library: Path) -> None:
    found = check_tflm(tree, library)
    third_party = tree / "third_party"
    assert found.includes == (tree, third_party / "flatbuffers" / "include", third_party / "gemmlowp")
    assert found.defines == ("TF_LITE_STATIC_MEMORY",)
    assert found.machine in MACHINES
    assert found.library == library
    with_cmsis_nn = (
        tmp_path / "part.cc"
    ).read_text() + "namespace tflite { int Register_CONV_2D_INT8() { return 0; } }"
    assert check_tflm(tree, make_library(tmp_path, with_cmsis_nn)).defines == ("TF_LITE_STATIC_MEMORY", "CMSIS_NN")


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("missing", "name the folder that holds tensorflow/"),
        ("tree/tensorflow/lite", "here that is '"),
        ("tree", "fixedpoint/fixedpoint.h; in a checkout"),
    ],
)
def test_wrong_include_folder_is_told(tmp_path: Path, tree: Path, library: Path, include: str, said: str) -> None:
    if include == "tree":
        shutil.rmtree(tree / "third_party" / "gemmlowp")
    with pytest.raises(InputError, match="--tflm-include") as caught:
        check_tflm(tmp_path / include, library)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"\x7fELF" + bytes(60), "is no static library"),
        (b"!<thin>\n" + bytes(60), "thin archive"),
        (b"!<arch>\n" + bytes(60), "does not hold tflite::MicroInterpreter"),
        (b"!<arch>\n" + bytes(60) + b"_ZN6tflite16MicroInterpreter15AllocateTensorsEv", "holds no ELF object"),
    ],
)
def test_wrong_library_is_told(tmp_path: Path, tree: Path, content: bytes | None, said: str) -> None:
    library = tmp_path / "other.a"
    if content is not None:
        library.write_bytes(content)
    with pytest.raises(InputError, match="--tflm-lib") as caught:
        check_tflm(tree, library)
    assert said in str(caught.value)
