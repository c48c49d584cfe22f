"""Generated C -> WebAssembly, by Zig's clang, without any library: the same model gives the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from edgemnist.compiler.generate import CodegenSettings, GeneratedModel, generate
from edgemnist.csource.pixels import C_TYPES, pixel_code
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError, UnsupportedModelError
from edgemnist.support.resources import firmware_folder
from edgemnist.support.zig import run_zig
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.preprocessing import Preprocessing

INSTALL = "pip install 'edgemnist[page]'"
NAME = "model"
"""Prefix of the C names, as ``edgemnist codegen`` has it where nobody says another."""

_TIMEOUT_SECONDS = 600
_FLAGS = (
    "-target", "wasm32-freestanding", "-O2", "-std=c99", "-ffreestanding", "-nostdlib", "-fno-stack-protector",
    "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", f"-D{NAME.upper()}_TRACE",
    "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--gc-sections", "-Iinclude",
)  # fmt: skip
_STACK = "-Wl,-z,stack-size=65536"

SIMD = "wasm-simd128"
"""The target of the compiler whose bodies need a browser's 128-bit SIMD."""


@dataclass(frozen=True, eq=False)
class WebNetwork:
    """A network as WebAssembly.

    ``content``: the module, which imports nothing. ``sources``: the generated C that it was made of, by file name.
    ``takes_pictures``: it quantises them itself. ``compiler``: its name and version.
    """

    generated: GeneratedModel
    content: bytes
    sources: Mapping[str, str]
    takes_pictures: bool
    compiler: str

    @property
    def sha256(self) -> str:
        """The WebAssembly's SHA-256."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def source_sha256(self) -> str:
        """The SHA-256 of the C files, one after the other in the order of their names."""
        whole = "".join(self.sources[name] for name in sorted(self.sources))
        return hashlib.sha256(whole.encode()).hexdigest()


def require_zig() -> None:
    """Refuse where Zig's compiler is not installed.

    :raises MissingDependencyError: says how to install it.
    """
    if util.find_spec("ziglang") is None:
        raise MissingDependencyError(f"ziglang is not installed; install it with: {INSTALL}")


def build(
    model: TfliteModel, settings: CodegenSettings, preprocessing: Preprocessing | None, *, source_name: str
) -> WebNetwork:
    """Generate a model's C, portable or for :data:`SIMD`, and compile it.

    :param preprocessing: how pictures become the input; None for a model that takes none.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    :raises MissingDependencyError: Zig is not installed.
    :raises EnvironmentFailure: the compiler failed; the start of what it says is in the message.
    """
    generated = generate(model, settings, source_name=source_name)
    sources = {name: text for name, text in generated.files.items() if _is_compiled(name)}
    defined = [*_ends(generated), *_picture(model, preprocessing)]
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary:
        flags = [*defined, *(["-msimd128"] if settings.target == SIMD else [])]
        content = _compile(sources, flags, Path(temporary))
    return WebNetwork(generated, content, sources, preprocessing is not None, _version())


def require_same_steps(networks: Sequence[WebNetwork]) -> None:
    """Make sure that programs of one model write the same tensors in the same order, as what reads them relies on.

    :raises UnsupportedModelError: they do not.
    """
    written = {tuple(step.outputs for step in one.generated.program.steps) for one in networks}
    if len(written) > 1:
        raise UnsupportedModelError(
            "the model's steps are others with SIMD:", [f"{SIMD} fuses other operators than portable; leave --simd out"]
        )


def _is_compiled(name: str) -> bool:
    return name == f"{NAME}.c" or name.endswith(".h")


def _ends(generated: GeneratedModel) -> list[str]:
    graph = generated.program.graph
    kept = sum(graph.tensors[index].bytes for step in generated.program.steps for index in step.outputs)
    return [
        f"-DNETWORK_INPUT={C_TYPES[graph.tensors[graph.input].dtype]}",
        f"-DNETWORK_OUTPUT={C_TYPES[graph.tensors[graph.output].dtype]}",
        f"-DNETWORK_TRACE_SIZE={max(kept, 1)}",
    ]


def _picture(model: TfliteModel, preprocessing: Preprocessing | None) -> list[str]:
    if preprocessing is None:
        return []
    height, width, channels = preprocessing.image_shape
    code = pixel_code(NAME, model, preprocessing)
    whole = f"-DNETWORK_IMAGE={NAME}_{code.verb}_image" if code.picture else f"-DNETWORK_PIXEL={NAME}_{code.verb}_pixel"
    return [f"-DNETWORK_PICTURE_SIZE={height * width * channels}", whole]


def _compile(sources: Mapping[str, str], defined: list[str], folder: Path) -> bytes:
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    shared = firmware_folder()
    (folder / "include").mkdir()
    for source, target in (
        ("platform/include/string.h", "include/string.h"),
        ("platform/memory.c", "memory.c"),
        ("web/network.c", "network.c"),
    ):
        (folder / target).write_bytes((shared / source).read_bytes())
    exports = [f"-Wl,--export={name}" for name in ("input", "output", "trace", "picture") if _there(name, defined)]
    command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, _STACK, *defined, *exports]
    _run([*command, f"{NAME}.c", "network.c", "memory.c", "-o", "network.wasm"], folder)
    return (folder / "network.wasm").read_bytes()


def _there(name: str, defined: list[str]) -> bool:
    return name != "picture" or any(one.startswith("-DNETWORK_PICTURE_SIZE") for one in defined)


def _run(command: list[str], folder: Path) -> None:
    require_zig()
    try:
        done = run_zig(command, folder, _TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"zig did not end within {_TIMEOUT_SECONDS} s") from error
    if done.returncode:
        lines = "\n".join(done.stderr.splitlines()[:30])
        raise EnvironmentFailure(f"zig failed with exit code {done.returncode}:\n{lines}")


def _version() -> str:
    from importlib import metadata

    return f"zig {metadata.version('ziglang')} (clang)"
