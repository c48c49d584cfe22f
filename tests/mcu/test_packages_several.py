"""Packages of nets with several inputs and outputs, one of which keeps a state: every program runs and prints them."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.mcu.execution import rows_of, values_of
from edgemnist.mcu.packages.base import Example, fill
from edgemnist.mcu.packages.build import package_firmware
from edgemnist.mcu.packages.registry import platform_names
from edgemnist.mcu.serial_link import DeviceLink
from edgemnist.mcu.serial_port import open_port
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import InputError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.layers import Layers, Window
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.state_nets import Keeps, with_variables
from tests.compiler.test_several_ends import two_heads
from tests.mcu.link_device import wired
from tests.mcu.packaging import RUSTC, STANDINS, expected_output, rust_linker, unpack, without_times
from tests.mcu.test_packages_builds import arduino_program, compile_program, needs_arduino_builder
from tests.mcu.test_packages_dump import printed
from tests.mcu.test_packages_rust import needs_rustc

SHAPE = (1, 4, 3, 2)


def stream() -> bytes:
    """Return a net of two inputs and two outputs that adds the first input to what it had."""
    layers = Layers.seeded(1)
    first, second, sum_ = layers.input(SHAPE), layers.input(SHAPE, 0.03, 7), layers.input(SHAPE, 0.04, 3)
    total = layers.add(first, sum_)
    content = layers.finish(layers.conv(total, 3, Window((2, 2))), layers.add(total, second), total)
    return with_variables(content, [Keeps(2, 2, np.full(SHAPE, 3, np.int8))])


def other_types() -> bytes:
    """Return a net of one input whose outputs are float32, some of them large, and an int32."""
    builder = ModelBuilder()
    image = builder.input((1, 12), 40_000.7, 3)
    real = builder.op("DEQUANTIZE", [image], (1, 12), dtype="float32")
    axis = builder.constant([1], dtype="int32")
    return builder.finish([real, builder.op("ARG_MAX", [image, axis], (1,), dtype="int32", output_type=2)])


def made(content: bytes, *, with_dump: bool = False) -> GeneratedModel:
    return generate(parse_tflite(content), CodegenSettings(name="shapes", with_dump=with_dump))


def lines_of(output: bytes) -> list[str]:
    """Return what a program says, without the tensors that it dumps."""
    return [line for line in without_times(output) if not line.startswith("@")]


@pytest.mark.parametrize("platform", sorted({*platform_names()} - {"cmsis-pack", "rust"}))
def test_the_program_prints_every_output_of_a_stream(platform: str, tmp_path: Path) -> None:
    """What the README says: bytes of all outputs that are right, from the state's first values on."""
    folder = unpack(platform, tmp_path, model=made(stream(), with_dump=platform in ("cmake", "zephyr")))

    said = lines_of(printed(platform, folder))

    assert said == expected_output(folder)
    assert said[-2:] == ["shapes: 2 of 2 exact", "shapes: PASSED"]
    assert [line.split(":")[2] for line in said if "output_" in line] == [" output_0", " output_1"] * 2


def test_the_program_that_never_ends(tmp_path: Path) -> None:
    folder = unpack("cmsis-pack", tmp_path, model=made(two_heads().content))
    compile_program("cmsis-pack", folder, "gcc", STANDINS / "cmsis-pack" / "standin.c", "-o", "program")
    with subprocess.Popen([folder / "program"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in expected_output(folder)]
        process.kill()
    assert without_times(b"".join(said)) == expected_output(folder)


def test_floats_and_numbers_are_printed_as_the_readme_says(tmp_path: Path) -> None:
    folder = unpack("zephyr", tmp_path, model=made(other_types()))
    compile_program("zephyr", folder, "gcc", STANDINS / "zephyr" / "standin.c", "-o", "program")
    said = without_times(subprocess.run([folder / "program"], check=True, capture_output=True).stdout)
    assert said == expected_output(folder)
    assert re.search(r"output_0:.* large .*\d\.\d{3}.* and 4 more$", said[2])


@needs_rustc
def test_rust_prints_floats_and_numbers_as_c_does(tmp_path: Path) -> None:
    folder = unpack("rust", tmp_path, model=made(other_types()))
    assert without_times(printed("rust", folder)) == expected_output(folder)


@pytest.mark.parametrize("output", [0, 1])
def test_wrong_bytes_of_either_output_are_told(output: int, tmp_path: Path) -> None:
    folder = unpack("zephyr", tmp_path, model=made(stream()))
    examples = folder / "src" / "shapes_examples.c"
    right = examples.read_text()
    wrong = re.sub(rf"(example_output_{output}s\[.*?\{{\n\{{\n\s+)-?\d+", r"\g<1>99", right, count=1, flags=re.DOTALL)
    examples.write_text(wrong)
    compile_program("zephyr", folder, "gcc", STANDINS / "zephyr" / "standin.c", "-o", "program")
    said = subprocess.run([folder / "program"], check=False, capture_output=True).stdout.decode()
    assert wrong != right
    assert "example 0: bytes differ" in said
    assert said.endswith("shapes: 1 of 2 exact\nshapes: FAILED\n")


@needs_arduino_builder
def test_arduino_link_takes_all_inputs_and_gives_all_outputs(tmp_path: Path, tflm: RuntimeWorker) -> None:
    """At the other end of a serial port, as TFLM one inference after the other; and a reset begins anew."""
    content, draw = stream(), np.random.default_rng(4)
    cases = [draw.integers(-128, 128, (4, *SHAPE), dtype=np.int8) for _ in range(2)]
    model = parse_tflite(content)
    library = unpack("arduino", tmp_path, model=made(content))
    program = arduino_program(library, "shapes_link", tmp_path)
    with wired(program) as board, DeviceLink(open_port(board.port)) as link:
        info = link.hello()
        assert (info.input_bytes, info.output_bytes) == (48, 60)
        rows = rows_of([one[:, 0] for one in cases])
        found = [answer.output for answer in link.run(rows)]
        link.reset()
        assert [answer.output for answer in link.run(rows)] == found
    outputs = [values_of(content, [model.tensors[index] for index in model.outputs]) for content in found]
    for given, wanted in zip(zip(*outputs, strict=True), tflm.invoke(content, cases), strict=True):
        np.testing.assert_array_equal(np.stack(given), wanted[:, 0])


@needs_rustc
def test_the_crate(tmp_path: Path) -> None:
    """Self-test, bytes of all outputs, the reset, the documentation's code and the example; no warning."""
    folder = unpack("rust", tmp_path, model=made(stream(), with_dump=True))
    linker = rust_linker(folder)
    for source in (["--test", "tests/network.rs"], ["examples/classify.rs"]):
        subprocess.run([*linker, *source], cwd=folder, check=True)
    ran = subprocess.run([folder / "network"], check=True, capture_output=True).stdout
    assert b"3 passed; 0 failed" in ran
    assert lines_of(subprocess.run([folder / "classify"], check=True, capture_output=True).stdout) == expected_output(
        folder
    )
    rustdoc = [str(RUSTC.with_name("rustdoc")), "--edition", "2021", "-L", ".", "--extern", "shapes"]
    documented = [*rustdoc, "--crate-name", "shapes", "--test", "src/lib.rs"]
    assert b"1 passed; 0 failed" in subprocess.run(documented, cwd=folder, check=True, capture_output=True).stdout


def test_the_command_packs_all_ends_or_the_one_that_is_named(tmp_path: Path) -> None:
    model = tmp_path / "heads.tflite"
    model.write_bytes(two_heads().content)
    for more, said in (([], "input 6x5x3, 3 outputs (5, 6x5x4, 6x5x4)"), (["--output", "0"], "5 classes")):
        out = tmp_path / f"{len(more)}.zip"
        command = ["firmware", "package", "--for", "cmake", str(model), "--out", str(out), "--target", "portable"]
        assert cli.run([*command, *more]) == 0
        with zipfile.ZipFile(out) as archive:
            assert said in archive.read("model/README.md").decode()


def test_an_example_has_a_class_and_several_outputs_have_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 inputs and 3 outputs.*leave the examples out"):
        package_firmware(
            "cmake", made(two_heads().content), tmp_path / "p.zip", examples=[Example(np.zeros(90, np.int8), 0)]
        )


def test_conditions_of_templates_may_stand_in_each_other() -> None:
    text = "a\n@{if x}\nb @{v}\n@{if y}\nc\n@{else}\nd\n@{end}\n@{else}\n@{if y}\ne\n@{end}\nf\n@{end}\n"
    found = {(x, y): fill(text, {"x": x, "y": y, "v": "1"}) for x in ("", "1") for y in ("", "1")}
    assert found == {
        ("", ""): "a\nf\n",
        ("", "1"): "a\ne\nf\n",
        ("1", ""): "a\nb 1\nd\n",
        ("1", "1"): "a\nb 1\nc\n",
    }
