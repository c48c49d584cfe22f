"""The model as generated C for Raspberry Pis: shared libraries, cross-compiled here, and their sources."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any, TypeVar

from edgemnist.compiler.generate import CodegenSettings, generate, require_integers
from edgemnist.compiler.host import HOUSE_FLAGS
from edgemnist.pi.golden import GENERATED, Golden, oracle_outputs
from edgemnist.pi.wheels import deploy_cache
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError, UnsupportedModelError
from edgemnist.support.kept import kept_file
from edgemnist.support.progress import progress_task
from edgemnist.support.zig import run_zig
from edgemnist.tflite.file import TfliteModel

FOLDER = "c"
"""Where it is in a bundle."""

BUILD_SCRIPT = f"{FOLDER}/build.sh"
COMPILED_THERE = ("portable", "cortex-a72", "cortex-a76")
"""The targets that the script chooses among."""

FUNCTION, RESET = "model_run", "model_reset"
_INSTALL = "pip install 'edgemnist[mcu]'"
_FLAGS = (*HOUSE_FLAGS, "-O2", "-fPIC", "-shared", "-s", "-Wl,--build-id=none")
_TIMEOUT = 600.0


AnyGolden = TypeVar("AnyGolden", bound=Golden)
"""Golden vectors of either kind."""


@dataclass(frozen=True)
class Build:
    """A library of a bundle. ``target`` is the generator's, ``zig`` and ``cpu`` are Zig's; ``machine`` is uname's."""

    name: str
    target: str
    machine: str
    zig: str
    cpu: str


# glibc 2.31 is the oldest that a bundle's systems have.
_BITS_64 = ("aarch64", "aarch64-linux-gnu.2.31")
BUILDS = (
    Build("cortex-a53", "cortex-a53", *_BITS_64, "cortex_a53"),
    Build("cortex-a72", "cortex-a72", *_BITS_64, "cortex_a72"),
    Build("cortex-a76", "cortex-a76", *_BITS_64, "cortex_a76"),
    Build("armv7", "portable", "armv7l", "arm-linux-gnueabihf.2.31", "cortex_a7"),
)
"""One for each kind of processor; ``bundle/generated.py`` chooses among them on the Pi."""

BOARD_BUILDS: Mapping[str, str] = {"pi2": "armv7", "pi3": "cortex-a53", "pi4": "cortex-a72", "pi5": "cortex-a76"}
"""Which one a board takes."""


@dataclass(frozen=True)
class Generated:
    """The engine in a bundle: its files by name and its entry in the manifest. Both are empty where there is none."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)


def generated_problem() -> str | None:
    """Return None when libraries can be made here, else what is missing and the command that brings it."""
    return None if util.find_spec("ziglang") else f"ziglang is not installed; install it with: {_INSTALL}"


def with_generated(golden: AnyGolden) -> tuple[AnyGolden, Generated]:
    """Return the golden vectors with what the C has to give, and the engine; where there is none a note says why.

    :raises EnvironmentFailure: the compiler failed.
    """
    model = golden.tflite
    try:
        _check_compiler()
        sources = _sources(model)
        files = dict(sorted({**_libraries(sources), **_source_files(sources)}.items()))
        expected = oracle_outputs(golden)
    except (UnsupportedModelError, MissingDependencyError) as error:
        return replace(
            golden, notes=(*golden.notes, f"no {GENERATED} in the bundle: {in_one_line(error)}")
        ), Generated()
    outputs = [model.tensors[index] for index in model.outputs]
    entry = {
        "function": FUNCTION,
        "reset": RESET if f"void {RESET}(" in sources[BUILDS[0].target]["model.h"] else None,
        "input_bytes": [model.tensors[index].bytes for index in model.inputs],
        "outputs": [{"dtype": one.dtype, "elements": one.elements} for one in outputs],
    }
    return replace(golden, expected=(*golden.expected, expected)), Generated(files, entry)


def _sources(model: TfliteModel) -> dict[str, dict[str, str]]:
    """Return the files for each of the generator's targets."""
    return {target: _generated(model, target) for target in dict.fromkeys(build.target for build in BUILDS)}


def _source_files(sources: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """Return the script that compiles the C on a Pi, the C that it takes, and the kernels once."""
    files = {BUILD_SCRIPT: (Path(__file__).with_name("bundle") / "build.sh").read_bytes()}
    for target in COMPILED_THERE:
        for name, text in sources[target].items():
            folder = "kernels" if name.startswith("em_") else target
            files[f"{FOLDER}/{folder}/{name}"] = text.encode()
    return files


def _libraries(sources: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """Return every library by its name in a bundle, compiled at the first call."""
    with progress_task("Compiling the generated C", total=len(BUILDS)) as task:
        return {f"{FOLDER}/lib/{build.name}.so": content for build, content in _compiled(sources, task)}


def library_path(model: TfliteModel, board: str) -> Path:
    """Return a board's library as a file of this machine.

    :raises UnsupportedModelError: the model can't be compiled.
    :raises MissingDependencyError: the compiler is not installed.
    :raises EnvironmentFailure: it failed.
    """
    _check_compiler()
    build = next(one for one in BUILDS if one.name == BOARD_BUILDS[board])
    return _library(build, _generated(model, build.target))


def _check_compiler() -> None:
    problem = generated_problem()
    if problem is not None:
        raise MissingDependencyError(problem)


def in_one_line(error: Exception) -> str:
    """Return why there is no generated C; of several reasons the first."""
    return " ".join(line.strip(" -") for line in str(error).splitlines()[:2])


def _generated(model: TfliteModel, target: str) -> dict[str, str]:
    generated = generate(model, CodegenSettings(name="model", target=target))
    require_integers(generated.program.graph)
    return {
        name: text for name, text in generated.files.items() if name in ("model.c", "model.h") or name.startswith("em_")
    }


def _compiled(sources: Mapping[str, Mapping[str, str]], task: Any) -> Iterator[tuple[Build, bytes]]:
    for build in BUILDS:
        task.update(description=f"Compiling the generated C for {build.name}")
        yield build, _library(build, sources[build.target]).read_bytes()
        task.update(advance=1)


def _library(build: Build, files: Mapping[str, str]) -> Path:
    """Return the compiled library, from the cache where the same sources were compiled in the same way."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", build.zig, f"-mcpu={build.cpu}", *_FLAGS, "-I."]
    key = [_zig_version(), *command[1:], *(part for item in sorted(files.items()) for part in item)]
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:16]
    library = deploy_cache() / "libraries" / f"{build.name}-{digest}.so"

    def compile_to(target: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            for file, text in files.items():
                (Path(name) / file).write_text(text, encoding="utf-8")
            _run([*command, "model.c", "-o", str(target)], Path(name))

    return kept_file(library, compile_to, "another compilation of the same code")


def _run(command: list[str], folder: Path) -> None:
    try:
        done = run_zig(command, folder, _TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"zig did not end within {_TIMEOUT:g} s") from error
    if done.returncode:
        raise EnvironmentFailure(f"zig failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")


@cache
def _zig_version() -> str:
    return metadata.version("ziglang")
