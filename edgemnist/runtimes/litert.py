"""LiteRT (``ai-edge-litert``), the successor of tflite-runtime."""

from __future__ import annotations

from edgemnist.runner.base import missing_package
from edgemnist.runner.interpreter import InterpreterPackage, InterpreterRuntime


class LiteRtRuntime(InterpreterRuntime):
    """The ``litert-reference`` and ``litert-default`` runtimes."""

    install = "pip install 'edgemnist[litert]'"

    def available(self) -> str | None:
        """Return None, or why the package can't run here (see :meth:`Runtime.available`)."""
        return missing_package("ai_edge_litert", self.install)

    def load(self) -> InterpreterPackage:
        """Import the package."""
        from importlib.metadata import version

        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        return InterpreterPackage(Interpreter, OpResolverType, version("ai-edge-litert"))


RUNTIMES = (LiteRtRuntime("litert", reference=True), LiteRtRuntime("litert", reference=False))
