"""A refusal's remedy that is a command is followed: it succeeds, and then what was refused does.

A row says how a file comes to be that a command refuses, and which float model it was made of. The commands between
backquotes in the message are run as they are, with the model that they are about, and the images to calibrate with.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.commands.convert.quantiser import quantise, recipe_for
from edgemnist.support.files import sha256_of
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import ModelKind
from tests.commands.convert.conftest import CLASSES, SIDE
from tests.compiler.model_builder import ModelBuilder

pytestmark = pytest.mark.skipif(find_spec("ai_edge_quantizer") is None, reason="ai-edge-quantizer is not installed")

COMMAND = re.compile(r"`(edgemnist [^`]*)`")
PIXELS = (1, SIDE, SIDE, 1)
FEATURES = SIDE * SIDE


def _dense(builder: ModelBuilder, value: int, weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
    constants = [builder.constant(array, dtype="float32") for array in (weights, np.zeros(len(weights)))]
    return builder.op("FULLY_CONNECTED", [value, *constants], (1, len(weights)), dtype="float32", version=1)


def _quadrants() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return weights (4, 64) that add up each quadrant, so that the net knows its images."""
    rows, columns = np.divmod(np.arange(FEATURES), SIDE)
    of_pixel = 2 * (rows // 4) + columns // 4
    return np.asarray(of_pixel[np.newaxis] == np.arange(len(CLASSES))[:, np.newaxis], np.float32)


def _float_net(middle: str = "") -> bytes:
    builder = ModelBuilder()
    pixels = builder.input(PIXELS, None, dtype="float32")
    shape = builder.constant([1, FEATURES], dtype="int32")
    value = _dense(builder, builder.op("RESHAPE", [pixels, shape], (1, FEATURES), dtype="float32"), _quadrants())
    if middle:
        value = builder.op(middle, [value], (1, len(CLASSES)), dtype="float32")
        value = _dense(builder, value, np.eye(len(CLASSES), dtype=np.float32))
    return builder.finish([value])


def _two_inputs() -> bytes:
    builder = ModelBuilder()
    ends = [builder.input((1, 4), 0.5, 0, name=name) for name in ("left", "right")]
    return builder.finish([builder.op("ADD", ends, (1, 4), 0.5)])


def _several_images() -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((3, 4), 0.5, 0)], (3, 4), 0.5)])


def _mixed(kind: str, dtype: str, other: str) -> Callable[[], bytes]:
    """Return what makes an operator of one type that reads a tensor of another one."""

    def make() -> bytes:
        builder = ModelBuilder()
        one = builder.input((1, 4), 0.5, 0, dtype=dtype)
        second = builder.input((1, 4), None if other == "float32" else 0.5, 0, dtype=other)
        scale = None if dtype == "float32" else 0.5
        return builder.finish([builder.op(kind, [one, second], (1, 4), scale, dtype=dtype)])

    return make


def _requantised() -> bytes:
    builder = ModelBuilder()
    wide = builder.input((1, 4), 0.5, 0, dtype="int64")
    return builder.finish([builder.op("QUANTIZE", [wide], (1, 4), 0.5, dtype="int16")])


def _int8_net() -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((1, 4), 0.5, 0)], (1, 4), 0.5)])


def _uint8(kind: str) -> bytes:
    builder = ModelBuilder()
    value = builder.input((1, 4), 0.5, 0, dtype="uint8")
    return builder.finish([builder.op(kind, [value], (1, 4), 0.5, dtype="uint8")])


def _quantised(mode: str) -> Callable[[], bytes]:
    return lambda: quantise(parse_tflite(_float_net("GELU")), "net", recipe_for(ModelKind(mode), "float32"), None)


def _float_gelu() -> bytes:
    return _float_net("GELU")


@dataclass(frozen=True)
class Row:
    """``make`` gives what ``refused``, a command line with MODEL, does not take; ``source`` is the float net of it.

    ``where``: the module that says what to do, by ``remedy``.
    """

    where: str
    remedy: str
    refused: str
    make: Callable[[], bytes]
    source: Callable[[], bytes] = _float_net


_CODEGEN = "codegen MODEL --target portable --out OUT"
_PACKAGE = "firmware package --for cmake MODEL --target portable --out OUT.zip"

ELSEWHERE = {("commands/convert/stage.py", "convert")}
"""After another command took a file's place in the middle of this one: there is nothing to be made of it here."""

Run = Callable[[str, Path], tuple[int, Path]]

ROWS = (
    Row("compiler/refusals.py", "convert --int8", _CODEGEN, _float_gelu, _float_gelu),
    Row("compiler/refusals.py", "convert --int8", _CODEGEN, _quantised("dynamic"), _float_gelu),
    Row("compiler/ops/base.py", "convert {mode}", _CODEGEN, _mixed("ADD", "int8", "float32")),
    Row("compiler/ops/base.py", "convert {mode}", _CODEGEN, _mixed("ADD", "int16", "int8")),
    Row("compiler/ops/floats.py", "convert --int8", _CODEGEN, _mixed("ADD", "float32", "int8")),
    Row("compiler/ops/int16_elements.py", "convert --int16x8", _CODEGEN, _requantised),
    Row("compiler/unsigned.py", "convert --int8", _CODEGEN, lambda: _uint8("ELU")),
    Row("compiler/tensor_dump.py", "convert --int8", f"{_CODEGEN} --with-dump", lambda: _uint8("RELU")),
    Row("compiler/generate.py", "convert --int8", _PACKAGE, _float_net),
    Row("compiler/generate.py", "codegen", "page MODEL --out OUT.html", _several_images),
    Row("tflite/file.py", "codegen", "evaluate MODEL --dataset DATASET", _two_inputs),
    Row("commands/convert/quantisable.py", "convert {path}", "convert MODEL --int8 --out OUT", _int8_net),
    Row("commands/convert/stage.py", "codegen MODEL.tflite", "convert MODEL --c --out OUT", _float_net),
)


@pytest.fixture(scope="module")
def run(quadrants: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a command line; what converts the same model in the same way is run once."""
    folder, done = tmp_path_factory.mktemp("remedies"), dict[str, Path]()

    def once(command: str, model: Path) -> tuple[int, Path]:
        key = f"{command} {sha256_of(model)}"
        out = done.setdefault(key, folder / f"out_{len(done)}")
        line = command.replace("MODEL", str(model)).replace("OUT", str(out)).replace("DATASET", str(quadrants))
        return (0 if out.exists() else cli.run(shlex.split(line))), out

    return once


def followed(remedy: str) -> str:
    """Return a remedy as a command line: with the model it is about, what to calibrate with, and where to write."""
    line = remedy.removeprefix("edgemnist ").replace("MODEL.tflite", "MODEL")
    line = line if "MODEL" in line else f"{line} MODEL"
    if line.startswith("convert") and "--" in line:
        line += " --dataset DATASET --calibration 50 --normalisation 0..1"
    return line + (" --target portable" if line.startswith("codegen") else "") + " --out OUT"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.where} {row.remedy} {row.refused.split()[0]}")
def test_the_remedy_works(row: Row, run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refused, source = tmp_path / "refused.tflite", tmp_path / "float.tflite"
    refused.write_bytes(row.make())
    source.write_bytes(row.source())

    code, _ = run(row.refused, refused)
    message = capfd.readouterr().err.replace(str(refused), "MODEL")
    assert code == 2, message
    pattern = re.escape(row.remedy).replace(r"\{mode\}", r"--\w+").replace(r"\{path\}", "MODEL")
    remedies = [found for found in COMMAND.findall(message) if re.fullmatch(f"edgemnist {pattern}", found)]
    assert remedies, message
    about = source if "--" in remedies[0] else refused
    code, out = run(followed(remedies[0]), about)
    assert code == 0, capfd.readouterr().err
    if "--" in remedies[0]:
        (made,) = out.glob("*.tflite")
        code, _ = run(row.refused, made)
        assert code == 0, capfd.readouterr().err


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a module that are no docstrings, formatted values as they stand in the source."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | alone:
            yield node.value


def test_every_remedy_is_followed_here() -> None:
    """Of what compiles and reads models, the strings that name a command to run are in the table."""
    root = Path(cli.__file__).parent
    folders = ("compiler", "tflite", "commands/convert", "onnx")
    found = {
        (path.relative_to(root).as_posix(), remedy.removeprefix("edgemnist "))
        for folder in folders
        for path in (root / folder).rglob("*.py")
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        for remedy in COMMAND.findall(text)
    }

    assert found - {(row.where, row.remedy) for row in ROWS} == ELSEWHERE
