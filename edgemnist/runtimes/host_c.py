"""The compiler's C on this machine: generated, compiled by its C compiler and called in process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Runtime, Session, StepTime, model_bytes
from edgemnist.support import processes
from edgemnist.support.errors import MissingDependencyError
from edgemnist.tflite.file import parse_tflite
from edgemnist.tflite.kinds import ModelKind

PROFILE_WINDOWS = 5
PROFILE_INVOKES = 20


class HostCSession(Session):
    """A model as a shared object. With ``keep_tensors`` nothing is fused, so that every operator's output exists."""

    def __init__(self, content: bytes, *, keep_tensors: bool) -> None:
        from edgemnist.compiler import generate as codegen
        from edgemnist.compiler import host
        from edgemnist.compiler.host_cpu import host_target

        settings = codegen.CodegenSettings(target=host_target())
        if keep_tensors:
            settings = codegen.CodegenSettings(target=host_target(), fusions=())
        program, plan = codegen.compile_model(parse_tflite(content), settings, any_net=True)
        self.version = _version()
        self.kernels = f"generated C, {_bodies(settings.target)}, -O2"
        self._model = host.build_host_model(program, plan, watch="trace" if keep_tensors else "")
        self._graph = program.graph
        self._keep_tensors = keep_tensors
        self._tensors: dict[int, NDArray[Any]] = {}

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once (see :meth:`Session.invoke`)."""
        if not self._keep_tensors:
            return self._model.run_once(inputs)
        self._tensors = self._model.trace(inputs)
        self._tensors |= dict(zip(self._graph.inputs, inputs, strict=True))  # an output may be one
        return [self.tensor(index) for index in self._graph.outputs]

    def tensor(self, index: int) -> NDArray[Any]:
        """Return an operator's output (see :meth:`Session.tensor`)."""
        found = self._tensors[self._graph.root(index)]
        return np.array(found).reshape(self._graph.tensors[index].shape)


def _bodies(target: str) -> str:
    """Return the target and, where its bodies are of several kinds, which of them this machine takes."""
    from edgemnist.compiler.host import host_compiler
    from edgemnist.compiler.host_cpu import body_for

    body = body_for(target, host_compiler())
    return f"{target} with {body.name}" if body is not None and body.flags else target


def _version() -> str:
    from edgemnist.compiler.host import host_compiler

    compiler = processes.run([host_compiler(), "--version"])
    return (compiler.stdout.splitlines() or ["unknown compiler"])[0]


class HostCRuntime(Runtime):
    """The ``host-c`` runtime."""

    name = "host-c"
    process = "host-c"
    takes = frozenset({ModelKind.INT8, ModelKind.INT16X8, ModelKind.FLOAT32, ModelKind.FLOAT16, ModelKind.DYNAMIC})
    install = "sudo apt-get install gcc"

    def available(self) -> str | None:
        """Return None, or why generated C can't be compiled here (see :meth:`Runtime.available`)."""
        from edgemnist.compiler.host import host_compiler

        try:
            host_compiler()
        except MissingDependencyError as error:
            return str(error)
        return None

    def version(self) -> str:
        """Return the C compiler's version."""
        return _version()

    def open(self, model: bytes | Path, *, keep_tensors: bool = False) -> HostCSession:
        """Compile a ``.tflite`` model (see :meth:`Runtime.open`)."""
        return HostCSession(model_bytes(model), keep_tensors=keep_tensors)

    def profile(self, model: bytes | Path, inputs: NDArray[Any]) -> tuple[StepTime, ...]:
        """Time the generated C's steps (see :meth:`Runtime.profile`); reading the clock is in it, some 30 ns a step."""
        from edgemnist.compiler import generate as codegen
        from edgemnist.compiler import host
        from edgemnist.compiler.host_cpu import host_target

        settings = codegen.CodegenSettings(target=host_target())
        program, plan = codegen.compile_model(parse_tflite(model_bytes(model)), settings, any_net=True)
        built = host.build_host_model(program, plan, watch="profile")
        images = [inputs[number % len(inputs)][np.newaxis] for number in range(PROFILE_WINDOWS)]
        windows = [built.profile([image], PROFILE_INVOKES) for image in images]
        steps = zip(program.steps, np.median(windows, axis=0), strict=True)
        return tuple(StepTime(step.node.label, float(nanoseconds) / 1000) for step, nanoseconds in steps)


RUNTIMES = (HostCRuntime(),)
