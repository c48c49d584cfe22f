"""The TFLite interpreter inside TensorFlow.

Its reference kernels round FULLY_CONNECTED once where TFLM rounds twice, so its bytes can differ from the oracle's.
"""

from __future__ import annotations

import functools
from typing import Any

from edgemnist.runner.base import missing_package
from edgemnist.runner.interpreter import InterpreterPackage, InterpreterRuntime

TENSORFLOW_PROCESS = "tensorflow"
"""Runtimes on TensorFlow share a worker process, because TensorFlow takes seconds to start."""

TENSORFLOW_INSTALL = "pip install 'edgemnist[train]'"


@functools.cache
def tensorflow_on_one_thread() -> tuple[Any, Any]:
    """Return the modules ``(tensorflow, tf_keras)`` after limiting TensorFlow to one thread."""
    from edgemnist.keras_io.tensorflow import load_tensorflow

    tensorflow, keras = load_tensorflow()
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    return tensorflow, keras


class TensorflowLiteRuntime(InterpreterRuntime):
    """The ``tensorflow-reference`` and ``tensorflow-default`` runtimes."""

    install = TENSORFLOW_INSTALL

    def available(self) -> str | None:
        """Return None, or why the package can't run here (see :meth:`Runtime.available`)."""
        return missing_package("tensorflow", self.install) or missing_package("tf_keras", self.install)

    def load(self) -> InterpreterPackage:
        """Import the package."""
        tensorflow, _ = tensorflow_on_one_thread()
        lite = tensorflow.lite
        return InterpreterPackage(lite.Interpreter, lite.experimental.OpResolverType, str(tensorflow.__version__))


RUNTIMES = (
    TensorflowLiteRuntime(TENSORFLOW_PROCESS, reference=True),
    TensorflowLiteRuntime(TENSORFLOW_PROCESS, reference=False),
)
