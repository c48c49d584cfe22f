"""What runs the model: an interpreter that is installed here, or the bundle's own C."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import EnvironmentFailure, InputError

from .generated import GENERATED, GeneratedC, library_of

MODEL = "model.tflite"
INTERPRETERS = ("tflite-runtime", "ai-edge-litert")


class Interpreter:
    """An installed interpreter on one thread; ``package`` is its name, ``version`` that package's version."""

    def __init__(self, folder: Path, kernels: str, package: str) -> None:
        interpreter, resolvers, self.package, self.version = _import(package)
        try:
            self._engine = interpreter(
                model_path=str(folder / MODEL),
                num_threads=1,
                experimental_op_resolver_type=resolvers.BUILTIN_REF if kernels == "reference" else resolvers.AUTO,
            )
            self._engine.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            other = "" if kernels == "reference" else "; try --kernels reference"
            raise EnvironmentFailure(f"{self.package} {self.version} refuses the model: {error}{other}") from error
        self._inputs, self._outputs = self._engine.get_input_details(), self._engine.get_output_details()

    def invoke(self, prepared: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model on its inputs and return its outputs, each of shape (elements,)."""
        for number, details in enumerate(self._inputs):
            self._engine.set_tensor(details["index"], prepared[number].reshape(details["shape"]))
        self._engine.invoke()
        return [np.asarray(self._engine.get_tensor(details["index"])).reshape(-1) for details in self._outputs]


def open_engine(folder: Path, manifest: dict[str, Any], kernels: str, wanted: str | None) -> Any:
    """Return the engine of that name, by default the first interpreter that is installed, else the generated C.

    :raises InputError: there is no such engine.
    :raises EnvironmentFailure: it does not work here.
    """
    if wanted == GENERATED:
        return GeneratedC(folder, manifest)
    reasons = []
    for name in (wanted,) if wanted else INTERPRETERS:
        try:
            return Interpreter(folder, kernels, name)
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    if not wanted and manifest.get("generated_c") and library_of(folder):
        return GeneratedC(folder, manifest)
    raise EnvironmentFailure(
        f"no interpreter works in Python {platform.python_version()} at {sys.executable} ({'; '.join(reasons)}); "
        "run install.sh and use .venv/bin/python, or install what the fitting file in requirements/ names"
    )


def _import(name: str) -> tuple[Any, Any, str, str]:
    """Return an interpreter's class, its ``OpResolverType``, the package's name and version."""
    from importlib.metadata import PackageNotFoundError, version

    if name == "tflite-runtime":
        if int(np.__version__.split(".")[0]) >= 2:
            raise ImportError(f"it needs numpy below 2, found {np.__version__}")
        from tflite_runtime.interpreter import Interpreter as Engine
        from tflite_runtime.interpreter import OpResolverType
    elif name == "ai-edge-litert":
        from ai_edge_litert.interpreter import Interpreter as Engine
        from ai_edge_litert.interpreter import OpResolverType
    else:
        raise InputError(f"unknown interpreter {name!r}; choose one of {', '.join((*INTERPRETERS, GENERATED))}")
    try:
        return Engine, OpResolverType, name, version(name)
    except PackageNotFoundError:
        return Engine, OpResolverType, name, "unknown"
