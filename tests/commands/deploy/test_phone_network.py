"""Phones and networks of several inputs and outputs: the code's arithmetic is Python's, a place is LiteRT's place."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.commands.deploy.phone_network import CODE_FILES, network_code
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.named_ends import with_named_ends
from edgemnist.tflite.pixels import dequantise, quantise
from tests.compiler.layers import Layers, Window
from tests.compiler.test_several_ends import inputs_joined, subject, two_heads
from tests.mcu.test_packages_several import stream
from tests.oracles import needs

_RUN = """
import sys
import numpy
from ai_edge_litert.compiled_model import CompiledModel
model = CompiledModel.from_file(sys.argv[1])
taken, given = model.create_input_buffers(0), model.create_output_buffers(0)
arrays = numpy.load(sys.argv[2])
for place, buffer in enumerate(taken):
    buffer.write(arrays[f"input_{place}"].reshape(-1))
model.run_by_index(0, taken, given)
sizes = [int(size) for size in sys.argv[4:]]
numpy.savez(sys.argv[3], *(one.read(size, numpy.dtype("int8")) for one, size in zip(given, sizes)))
"""
"""What the generated Kotlin does, in LiteRT's interface for Python."""


def twelve() -> Any:
    """Return a net of twelve inputs and outputs, whose places sort as words in another order."""
    layers = Layers.seeded(9)
    inputs = [layers.input((1, 3 + place, 2, 2)) for place in range(12)]
    return subject("twelve", layers, inputs, [layers.conv(one, 2, Window((1, 1))) for one in inputs])


@needs("litert-default")
@pytest.mark.parametrize("net", [inputs_joined, two_heads, twelve])
def test_places_are_those_of_the_model(net: Callable[[], Any], tmp_path: Path, witness: RuntimeWorker) -> None:
    """Whatever its tensors are called: LiteRT finds them by name, and fails where two inputs have the same one."""
    content = net().content
    model = parse_tflite(content)
    (tmp_path / "net.tflite").write_bytes(content)
    assert cli.run(["deploy", "android", str(tmp_path / "net.tflite"), "--out", str(tmp_path / "out")]) == 0
    cases = [one[:1] for one in net().inputs]
    np.savez(tmp_path / "in.npz", **{f"input_{place}": one for place, one in enumerate(cases)})
    sizes = [str(model.tensors[index].elements) for index in model.outputs]
    paths = [tmp_path / "out/network.tflite", tmp_path / "in.npz", tmp_path / "out.npz"]
    subprocess.run([sys.executable, "-c", _RUN, *paths, *sizes], check=True, capture_output=True)
    with np.load(tmp_path / "out.npz") as found:
        for place, wanted in enumerate(witness.invoke(content, cases)):
            assert abs(found[f"arr_{place}"].astype(int) - wanted.ravel()).max() <= 1  # XNNPACK rounds in its own way


def _python(code: str, system: str) -> Callable[[np.float32, np.float32, int], int]:
    """Return the generated function that makes integers, statement by statement as one of Python's."""
    found = re.search(
        r"func? quantised\(.*?\{\n(.*?)\n +\}\n", code.replace("fun quantised", "func quantised"), re.DOTALL
    )
    assert found is not None
    text = re.sub(r"^ *(val|let) ", "", found[1], flags=re.MULTILINE).replace("kotlin.math.", "")
    text = re.sub(r"(\d)f\b", r"\1", text)
    text = re.sub(r"if \((.*)\) (.*) else (\w+)", r"(\2) if (\1) else \3", text)
    text = text.replace(".coerceIn(-128, 127).toInt().toByte()", "").replace("return (rounded", "return kept(rounded")
    if system == "ios":
        text = text.replace("UInt8(bitPattern: Int8(min", "return int((min").replace(
            "(real / scale).rounded()", "away(real / scale)"
        )
    names: dict[str, Any] = {
        "truncate": np.trunc, "abs": np.abs, "sign": np.sign, "kept": lambda one: int(np.clip(one, -128, 127)),
        "away": lambda one: np.trunc(one) + np.sign(one) * (np.abs(one - np.trunc(one)) >= 0.5),
    }  # fmt: skip
    lines = [line.strip() for line in text.splitlines()]
    exec("def quantised(real, scale, zeroPoint):\n" + "\n".join(f"    {line}" for line in lines), names)
    return names["quantised"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("system", CODE_FILES)
def test_numbers_become_the_integers_that_python_makes(system: str) -> None:
    model = parse_tflite(inputs_joined().content)
    code, entry = network_code(system, model, "com.example.net"), model.tensors[model.inputs[0]]
    assert entry.quantisation is not None
    scale, zero_point = entry.quantisation.scale, entry.quantisation.zero_point
    halves = (np.arange(-300, 300) / 2).astype(np.float32) * np.float32(scale)
    real = np.concatenate([halves, np.random.default_rng(1).normal(0, 40 * scale, 500), [1e9, -1e9]]).astype(np.float32)
    function = _python(code, system)
    found = [function(one, np.float32(scale), zero_point) for one in real]
    np.testing.assert_array_equal(found, quantise(real, entry))


@pytest.mark.parametrize("system", CODE_FILES)
@pytest.mark.parametrize("net", [inputs_joined, two_heads, twelve])
def test_the_code_has_every_input_and_output(system: str, net: Callable[[], Any]) -> None:
    model = parse_tflite(net().content)
    code = network_code(system, model, "com.example.net")
    for place, index in enumerate(model.inputs):
        tensor = model.tensors[index]
        assert tensor.quantisation is not None
        assert re.search(rf"(INPUT_{place}_SIZE|input{place}Size) = {tensor.elements}\n", code)
        assert re.search(rf"quantised\((input{place}\[it\]|\$0), {tensor.quantisation.scale!r}f?, -?\d+\)", code)
    for place, index in enumerate(model.outputs):
        tensor = model.tensors[index]
        assert tensor.quantisation is not None
        assert f"output{place}: " in code and f"{tensor.quantisation.scale!r}" in code
        assert re.search(rf"outputs\[{place}\]\.readInt8|output\(at: {place}\)", code)
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)
    assert not re.search(r"\$[a-z]{2}", code)


def test_numbers_of_an_output_are_those_of_python() -> None:
    model = parse_tflite(two_heads().content)
    tensor = model.tensors[model.outputs[0]]
    code = network_code("android", model, "com.example.net")
    found = re.search(r"outputs\[0\]\.readInt8\(\)\.map \{ \(it - \((-?\d+)\)\) \* ([\d.e-]+)f \}", code)
    assert found is not None
    values = np.arange(-128, 128, dtype=np.int8)
    mine = ((values.astype(np.int64) - int(found[1])).astype(np.float32)) * np.float32(found[2])
    np.testing.assert_array_equal(mine, dequantise(values, tensor.quantisation))


@needs("litert-default")
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in {"stream": stream(), "heads": two_heads().content}.items():
        (tmp_path / f"{name}.tflite").write_bytes(content)
    out = ["--out", str(tmp_path / "out")]
    assert cli.run(["deploy", "ios", str(tmp_path / "stream.tflite"), *out]) == 2
    assert "ASSIGN_VARIABLE" in (said := capsys.readouterr().err) and "edgemnist codegen" in said
    assert cli.run(["deploy", "ios", str(tmp_path / "heads.tflite"), "--dataset", "mnist", *out]) == 2
    assert "takes numbers instead of pictures; leave out --dataset" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_signature_changes_nothing_else() -> None:
    content = inputs_joined().content
    before, after = parse_tflite(content), parse_tflite(with_named_ends(content))
    assert (after.operators, after.inputs, after.outputs) == (before.operators, before.inputs, before.outputs)
    (signature,) = after.signatures
    assert list(signature.inputs.items()) == [(f"input_{place}", index) for place, index in enumerate(before.inputs)]
