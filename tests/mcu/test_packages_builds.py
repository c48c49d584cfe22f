"""Packages built: by CMake and arduino-builder, and the other platforms' programs against stand-ins of their SDKs.

The stand-ins (``standins/``) are ours: they show that a program compiles under our warnings and prints what the
README promises, not that it suits the real SDK.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgemnist.compiler import generate as codegen
from edgemnist.compiler.host import HOUSE_FLAGS
from edgemnist.compiler.reference import run_reference
from edgemnist.mcu.execution import rows_of
from edgemnist.mcu.serial_link import DeviceLink
from edgemnist.mcu.serial_port import open_port
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.test_operators_elements import byte_model, float_model
from tests.compiler.test_state import NETS
from tests.mcu.link_device import wired
from tests.mcu.packaging import STANDINS, expected_output, generated, unpack, without_times

C_COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
CXX_FLAGS = ("-std=c++11", *(flag for flag in HOUSE_FLAGS if flag != "-std=c99"))
ARDUINO_CORE = STANDINS / "arduino" / "standin" / "stm32" / "cores" / "standin"
ARM_GCC = shutil.which("arm-none-eabi-gcc")
BUILDER_SETTINGS = Path("/usr/share/arduino-builder")

needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
needs_arduino_builder = pytest.mark.skipif(
    shutil.which("arduino-builder") is None or not BUILDER_SETTINGS.is_dir(),
    reason="Debian's arduino-builder is not installed",
)


def _run(command: Sequence[str | Path], folder: Path) -> bytes:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


@pytest.fixture(scope="module")
def cmake_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CMake package, unpacked and built in ``build``."""
    folder = unpack("cmake", tmp_path_factory.mktemp("cmake"))
    flags = f"-DCMAKE_C_FLAGS={' '.join(HOUSE_FLAGS)}"
    _run(["cmake", "-S", ".", "-B", "build", flags], folder)
    _run(["cmake", "--build", "build"], folder)
    return folder


@needs_cmake
def test_cmake_tests_pass(cmake_package: Path) -> None:
    """CTest runs the self-test and the example, which prints what the README says."""
    assert b"100% tests passed, 0 tests failed out of 2" in _run(["ctest"], cmake_package / "build")
    assert without_times(_run(["build/shapes_example"], cmake_package)) == expected_output(cmake_package)


@needs_cmake
def test_a_stream_begins_anew_before_its_examples(tmp_path: Path) -> None:
    """The examples are a stream: what the self-test before them left is not in their outputs."""
    model = codegen.generate(parse_tflite(NETS["delay"].content), codegen.CodegenSettings(name="shapes"))
    folder = unpack("cmake", tmp_path, model=model)
    _run(["cmake", "-S", ".", "-B", "build"], folder)
    _run(["cmake", "--build", "build"], folder)
    assert b"PASSED" in _run(["build/shapes_example"], folder)


@needs_cmake
@pytest.mark.parametrize("way", ["find_package", "add_subdirectory"])
def test_cmake_library_in_another_project(cmake_package: Path, tmp_path: Path, way: str) -> None:
    """Installed or as a folder, the library reaches a C++ program, without its tests."""
    _run(["cmake", "--install", "build", "--prefix", tmp_path / "installed"], cmake_package)
    found = {
        "find_package": "find_package(shapes 1.0 REQUIRED)",
        "add_subdirectory": f'add_subdirectory("{cmake_package}" shapes)',
    }[way]
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(user LANGUAGES C CXX)\nenable_testing()\n"
        f"{found}\nadd_executable(user main.cpp)\ntarget_link_libraries(user PRIVATE shapes::shapes)\n"
    )
    (tmp_path / "main.cpp").write_text(
        "#include <shapes.h>\nstatic int8_t input[SHAPES_INPUT_SIZE], output[SHAPES_OUTPUT_SIZE];\n"
        "int main() { shapes_run(input, output); return output[0] == output[1]; }\n"
    )
    _run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}"], tmp_path)
    _run(["cmake", "--build", "build"], tmp_path)
    _run(["build/user"], tmp_path)
    assert b"No tests were found" in subprocess.run(["ctest"], cwd=tmp_path / "build", capture_output=True).stderr


@pytest.fixture(scope="module")
def arduino_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Arduino library in a folder of libraries."""
    return unpack("arduino", tmp_path_factory.mktemp("arduino"))


def arduino_program(library: Path, sketch: str, folder: Path) -> Path:
    """Build one of the library's sketches with the real arduino-builder for the stand-in board."""
    (folder / "tools").mkdir()
    (folder / "build").mkdir()
    source = library / "examples" / sketch / f"{sketch}.ino"
    hardware: list[str | Path] = [
        "-hardware",
        BUILDER_SETTINGS,
        "-hardware",
        STANDINS / "arduino",
        "-tools",
        folder / "tools",
    ]
    places: list[str | Path] = [
        "-libraries",
        library.parent,
        "-build-path",
        folder / "build",
        "-fqbn",
        "standin:stm32:host",
    ]
    _run(["arduino-builder", "-compile", *hardware, *places, source], folder)
    return folder / "build" / f"{sketch}.ino.elf"


@needs_arduino_builder
def test_arduino_sketch(arduino_library: Path, tmp_path: Path) -> None:
    """arduino-builder finds the library by its header and builds it under our warnings, C99 and C++11."""
    program = arduino_program(arduino_library, "shapes", tmp_path)
    assert without_times(_run([program], tmp_path)) == expected_output(arduino_library)


@needs_arduino_builder
def test_arduino_link(arduino_library: Path, tmp_path: Path) -> None:
    """The link sketch answers the host at the other end of a serial port with the net's bytes."""
    model = generated()
    graph = model.program.graph
    images = np.random.default_rng(4).integers(-128, 128, (5, *graph.tensors[graph.input].shape[1:]), dtype=np.int8)
    program = arduino_program(arduino_library, "shapes_link", tmp_path)
    with wired(program) as board, DeviceLink(open_port(board.port)) as link:
        info = link.hello()
        assert (info.input_bytes, info.output_bytes, info.arena_bytes) == (16, 3, model.plan.size)
        assert (info.ticks_per_second, info.step_ticks, info.board) == (1_000_000, False, "arduino")
        assert info.model_start == bytes.fromhex(graph.source_sha256)[:8]
        outputs = [answer.output for answer in link.run(rows_of([images]))]
        assert link.state().size == 0
    for image, output in zip(images, outputs, strict=True):
        assert output == run_reference(graph, image[None], model.program.settings)[graph.output].tobytes()


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_platformio_native_program(tmp_path: Path, compiler: str) -> None:
    """What `pio run -e native` compiles: the library as C, the program as C++; it prints what the README says."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    folder = unpack("platformio", tmp_path)
    library = folder / "lib" / "shapes"
    sources = sorted(library.glob("src/*.c"))
    _run(
        [
            {"g++": "gcc", "clang++": "clang"}[compiler],
            *HOUSE_FLAGS,
            "-c",
            f"-I{library}/include",
            *sources,
        ],
        folder,
    )
    objects = [f"{source.stem}.o" for source in sources]
    _run([compiler, *CXX_FLAGS, f"-I{library}/include", "src/main.cpp", *objects, "-o", "program"], folder)
    assert without_times(_run(["./program"], folder)) == expected_output(folder)


def test_platformio_arduino_program(tmp_path: Path) -> None:
    """The same program for boards, against the stand-in of the Arduino core."""
    folder = unpack("platformio", tmp_path)
    library = folder / "lib" / "shapes"
    _run(["gcc", *HOUSE_FLAGS, "-c", f"-I{library}/include", *sorted(library.glob("src/*.c"))], folder)
    objects = [f"shapes{part}.o" for part in ("", "_examples", "_test")]
    sources: list[str | Path] = ["src/main.cpp", ARDUINO_CORE / "main.cpp"]
    _run(
        [
            "g++",
            *CXX_FLAGS,
            "-DARDUINO=10819",
            f"-I{library}/include",
            f"-I{ARDUINO_CORE}",
            *sources,
            *objects,
            "-o",
            "program",
        ],
        folder,
    )
    assert without_times(_run(["./program"], folder)) == expected_output(folder)


PROGRAMS = {
    "esp-idf": "examples/self_test/main/main.c",
    "zephyr": "samples/self_test/src/main.c",
    "cmsis-pack": "examples/self_test/main.c",
}


def compile_program(platform: str, folder: Path, compiler: str, *flags: str | Path) -> None:
    includes = [f"-I{folder}/include", f"-I{STANDINS / platform}"]
    sources = [folder / PROGRAMS[platform], *sorted(folder.glob("src/*.c"))]
    _run([compiler, *HOUSE_FLAGS, *includes, *sources, *flags], folder)


@pytest.mark.parametrize("compiler", C_COMPILERS)
@pytest.mark.parametrize("platform", PROGRAMS)
def test_program_against_stand_ins(tmp_path: Path, platform: str, compiler: str) -> None:
    """Each program compiles under our warnings and prints what the README says."""
    folder = unpack(platform, tmp_path)
    compile_program(platform, folder, compiler, STANDINS / platform / "standin.c", "-o", "program")
    with subprocess.Popen(["./program"], cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in expected_output(folder)]
        process.kill()  # the CMSIS program never ends, as on a board
    assert without_times(b"".join(lines)) == expected_output(folder)


@pytest.mark.skipif(ARM_GCC is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("platform", PROGRAMS)
def test_program_for_cortex_m(tmp_path: Path, platform: str) -> None:
    """The formats fit the types of a 32-bit core, too."""
    folder = unpack(platform, tmp_path)
    compile_program(platform, folder, str(ARM_GCC), "-mcpu=cortex-m4", "-mthumb", "-c")


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_examples_as_cxx(tmp_path: Path, compiler: str) -> None:
    """Headers and sources of the examples are valid C++11, too."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    folder = unpack("zephyr", tmp_path)
    _run([compiler, "-x", "c++", *CXX_FLAGS, "-fsyntax-only", "-Iinclude", *sorted(folder.glob("src/*.c"))], folder)


def _one_class_model() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 1), 0.1, 0)
    return builder.finish([builder.op("LOGISTIC", [image], (1, 1), 1 / 256, -128)])


OTHER_MODELS = {
    "float32": lambda: float_model(0.05, 3, size=30),
    "uint8": lambda: byte_model((0.02, 128), (0.02, 0), (0.02, 100)),
    "one class": _one_class_model,
}


@pytest.mark.parametrize("kind", OTHER_MODELS)
def test_other_inputs_and_outputs(tmp_path: Path, kind: str) -> None:
    """Float and uint8 at the ends, and an output of one element: program and sketches compile, the self-test passes."""
    settings = codegen.CodegenSettings(name="shapes")
    model = codegen.generate(parse_tflite(OTHER_MODELS[kind]()), settings)
    folder = unpack("zephyr", tmp_path, model=model)
    compile_program("zephyr", folder, "gcc", STANDINS / "zephyr" / "standin.c", "-o", "program")
    assert without_times(_run(["./program"], folder)) == expected_output(folder)
    folder = unpack("arduino", tmp_path / "arduino", model=model)
    for sketch in sorted(folder.glob("examples/*/*.ino")):
        flags = [*CXX_FLAGS, "-x", "c++", "-fsyntax-only", f"-I{ARDUINO_CORE}", "-Isrc", "-include", "Arduino.h"]
        _run(["g++", *flags, sketch], folder)


def test_wrong_bytes_are_told(tmp_path: Path) -> None:
    """A net whose constants were damaged fails the self-test and differs in its bytes; the program says both."""
    folder = unpack("zephyr", tmp_path)
    net = folder / "src" / "shapes.c"
    flat = ", ".join(["9"] * 18)
    text, changed = re.subn(r"(shapes_weights_0\[18\] = \{)[^}]*", rf"\g<1>{flat}", net.read_text())
    assert changed == 1
    net.write_text(text)
    compile_program("zephyr", folder, "gcc", STANDINS / "zephyr" / "standin.c", "-o", "program")
    printed = _run(["./program"], folder).decode()
    assert "self-test failed at check 1" in printed
    assert "us, bytes differ" in printed
    assert printed.endswith("shapes: FAILED\n")


def test_sixteen_bit_boards_are_refused(tmp_path: Path) -> None:
    """An AVR's int has 16 bits: the compiler says so instead of wrong results."""
    folder = unpack("arduino", tmp_path)
    avr = ["-U__INT_MAX__", "-D__INT_MAX__=32767", "-fsyntax-only", "-Isrc"]
    done = subprocess.run(
        ["gcc", *avr, "src/shapes_examples.c"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "choose a 32-bit board" in done.stderr


@needs_cmake
def test_zephyr_cmake_files(tmp_path: Path) -> None:
    """The sample finds its module two folders up, and prj.conf switches net and examples on."""
    sample = unpack("zephyr", tmp_path) / "samples" / "self_test"
    _run(["cmake", "-S", ".", "-B", "build", f"-DZephyr_DIR={STANDINS / 'zephyr'}"], sample)
    _run(["cmake", "--build", "build"], sample)
    assert without_times(_run(["build/app"], sample)) == expected_output(sample.parents[1])


@needs_cmake
def test_esp_idf_cmake_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example finds its component two folders up, and asks for what it includes."""
    monkeypatch.setenv("IDF_PATH", str(STANDINS / "esp-idf"))
    example = unpack("esp-idf", tmp_path) / "examples" / "self_test"
    _run(["cmake", "-S", ".", "-B", "build"], example)
    _run(["cmake", "--build", "build"], example)
    assert without_times(_run(["build/shapes_self_test.elf"], example)) == expected_output(example.parents[1])
