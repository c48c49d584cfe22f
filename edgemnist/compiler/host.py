"""Generated C on this machine: compiled into a shared object, run through ctypes, every step's output on request."""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.ends import ends_of
from edgemnist.compiler.host_cpu import body_for
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.support import processes
from edgemnist.support.environment import C_COMPILER
from edgemnist.support.errors import EnvironmentFailure, MissingDependencyError

HOUSE_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
_TRACE_SHIM = """
#include <string.h>
void (*em_host_trace)(int, const void *, unsigned long);
void net_trace(int step, const void *data, unsigned long bytes);
void net_trace(int step, const void *data, unsigned long bytes)
{
  if (em_host_trace) em_host_trace(step, data, bytes);
}
"""

_PROFILE_SHIM = """
#define _POSIX_C_SOURCE 199309L
#include <stdint.h>
#include <time.h>
#include "net.h"
uint64_t em_host_times[EM_HOST_STEPS];
static uint64_t em_host_last;
void net_trace(int step, const void *data, unsigned long bytes);
void em_host_profile($arguments);
static uint64_t em_host_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
void net_trace(int step, const void *data, unsigned long bytes)
{
  (void)data;
  (void)bytes;
  em_host_times[step] += em_host_now() - em_host_last;
  em_host_last = em_host_now();
}
void em_host_profile($arguments)
{
  em_host_last = em_host_now();
  net_run($names);
}
"""


def host_compiler() -> str:
    """Return this machine's C compiler.

    :raises MissingDependencyError: there is none.
    """
    wanted = [C_COMPILER.text(), "cc", "gcc", "clang"]
    found = next((path for name in wanted if name and (path := shutil.which(name))), None)
    if found is None:
        raise MissingDependencyError("no C compiler found; install one, for example: sudo apt-get install gcc")
    return found


def compile_files(files: Mapping[str, str], folder: Path, output: str, flags: Sequence[str]) -> Path:
    """Write ``files`` into ``folder``, compile the ``.c`` files among them and return the result's path.

    :raises EnvironmentFailure: the compiler failed; its first lines are in the message.
    """
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [name for name in files if name.endswith(".c")]
    command = [host_compiler(), *flags, "-I.", *sources, "-o", output]
    run = processes.run(command, cwd=folder)
    if run.returncode:
        lines = "\n".join(run.stderr.splitlines()[:30])
        raise EnvironmentFailure(f"{' '.join(command)} failed with exit code {run.returncode}:\n{lines}")
    return folder / output


@dataclass(frozen=True, eq=False)
class HostModel:
    """A compiled network, loaded into this process."""

    program: Program
    library: Any

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run images of shape (count, *input shape without batch), in the input's dtype; return (count, *output)."""
        return np.concatenate([self.run_once([images[index : index + 1]])[0] for index in range(len(images))])

    def run_once(self, inputs: Sequence[NDArray[Any]], function: str = "net_run") -> list[NDArray[Any]]:
        """Run once; ``inputs`` and what is returned: one array for each of the model's, in its shape and dtype."""
        tensors = self.program.graph.tensors
        given = [np.ascontiguousarray(one) for one in inputs]
        outputs = [tensors[index] for index in self.program.graph.outputs]
        results = [np.empty(tensor.shape, np.dtype(tensor.dtype)) for tensor in outputs]
        getattr(self.library, function)(*(one.ctypes.data_as(ctypes.c_void_p) for one in (*given, *results)))
        return results

    def trace(self, inputs: Sequence[NDArray[Any]]) -> dict[int, NDArray[Any]]:
        """Run once, as :meth:`run_once`, and return each step's output by tensor index.

        They are as the file has them, see :meth:`Graph.expanded`.
        """
        found: dict[int, NDArray[Any]] = {}
        counts: dict[int, int] = {}

        def keep(step: int, data: int, size: int) -> None:
            tensor_index = self.program.steps[step].outputs[counts.get(step, 0)]
            counts[step] = counts.get(step, 0) + 1
            graph = self.program.graph
            tensor = graph.tensors[tensor_index]
            values = np.frombuffer(ctypes.string_at(data, size), tensor.dtype).reshape(tensor.shape)
            found[tensor_index] = graph.expanded(tensor_index, values)

        callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong)(keep)
        pointer = ctypes.c_void_p.in_dll(self.library, "em_host_trace")
        pointer.value = ctypes.cast(callback, ctypes.c_void_p).value
        try:
            self.run_once(inputs)
        finally:
            pointer.value = None
        return found

    def profile(self, inputs: Sequence[NDArray[Any]], invokes: int) -> list[float]:
        """Return the mean nanoseconds of each step over so many invokes of the same inputs.

        Only where it was built with ``watch="profile"``. The copy of the inputs is part of the first.
        """
        times = (ctypes.c_uint64 * len(self.program.steps)).in_dll(self.library, "em_host_times")
        before = list(times)
        for _ in range(invokes):
            self.run_once(inputs, "em_host_profile")
        return [(after - first) / invokes for first, after in zip(before, times, strict=True)]


Watch = Literal["", "trace", "profile"]
"""What a built model can do beside running: show every step's output, or time every step."""


def build_host_model(
    program: Program, plan: Plan, *, watch: Watch = "", flags: Sequence[str] = ("-O2",), folder: Path | None = None
) -> HostModel:
    """Compile a program for this machine, with all that its CPU has for the program's target, and load it.

    :raises MissingDependencyError: no C compiler.
    :raises EnvironmentFailure: the compiler failed.
    """
    files = emit(program, plan, EmitSettings(name="net", command="host build"))
    body = body_for(program.settings.target, host_compiler())
    extra = [*HOUSE_FLAGS, "-fPIC", "-shared", *(body.flags if body else ()), *flags]
    if watch:
        ends = ends_of(program.graph)
        profile = Template(_PROFILE_SHIM).substitute(arguments=ends.arguments("NET"), names=ends.names())
        files["shim.c"] = _TRACE_SHIM if watch == "trace" else profile
        extra += ["-DNET_TRACE", f"-DEM_HOST_STEPS={max(1, len(program.steps))}"]
    with tempfile.TemporaryDirectory(prefix="edgemnist-") as temporary:
        library = compile_files(files, folder or Path(temporary), "net.so", extra)
        return HostModel(program, ctypes.CDLL(str(library)))
