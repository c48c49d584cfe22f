"""What runs a model, each in a process of its own, behind one seam (``base``).

    registry    which runtimes there are          base        what a runtime offers
    client      ask a runtime in its own process worker      that process
    measure     outputs and logits                timing    invokes, in that process
    run         whole models over images: ``run_model``, ``trace_model``
    latency     several in turns, from outside

A runtime (``tflm``, ``tflite_runtime``, ``litert``, ``tensorflow_lite``, ``keras`` …) is a module of ``runtimes/`` that
defines ``RUNTIMES``; nothing else has to change when one is added.
"""

from edgemnist.runner.base import RunResult, Runtime, Session
from edgemnist.runner.client import RuntimeWorker, WorkerProcess, runtime_worker
from edgemnist.runner.registry import find_runtime, runtimes
from edgemnist.runner.run import run_model, trace_model
from edgemnist.tflite.kinds import ModelKind

__all__ = [
    "ModelKind",
    "RunResult",
    "Runtime",
    "RuntimeWorker",
    "Session",
    "WorkerProcess",
    "find_runtime",
    "run_model",
    "runtime_worker",
    "runtimes",
    "trace_model",
]
