"""The ``tflite-runtime`` package: the small interpreter for Linux, Python 3.11 and below.

Its reference kernels give the same bytes as TFLM, from another code base: the second witness.
"""

from __future__ import annotations

import sys

from edgemnist.runner.base import missing_package
from edgemnist.runner.interpreter import InterpreterPackage, InterpreterRuntime


class TfliteRuntime(InterpreterRuntime):
    """The ``tflite-runtime-reference`` and ``tflite-runtime-default`` runtimes."""

    install = "pip install tflite-runtime 'numpy<2'"

    def available(self) -> str | None:
        """Return None, or why the package can't run here (see :meth:`Runtime.available`)."""
        import numpy

        reason = missing_package("tflite_runtime", self.install)
        if reason is not None and (sys.version_info >= (3, 12) or sys.platform != "linux"):
            return (
                "tflite-runtime has wheels for Linux and Python 3.11 or older only, this is "
                f"{sys.platform} and Python {sys.version_info.major}.{sys.version_info.minor}; "
                "make the environment with: python3.11 -m venv .venv"
            )
        if reason is None and int(numpy.__version__.split(".")[0]) >= 2:
            return (
                f"tflite-runtime needs numpy below 2, found {numpy.__version__}; install it with: pip install 'numpy<2'"
            )
        return reason

    def load(self) -> InterpreterPackage:
        """Import the package."""
        import tflite_runtime
        from tflite_runtime.interpreter import Interpreter, OpResolverType

        return InterpreterPackage(Interpreter, OpResolverType, tflite_runtime.__version__)


RUNTIMES = (TfliteRuntime("tflite-runtime", reference=True), TfliteRuntime("tflite-runtime", reference=False))
