"""Engines that run a model, one file each, behind one seam (``base``).

    registry    which engines there are          base        what an engine offers
    client      ask an engine in its own process worker      that process
    measure     outputs, logits, latency         quantise    pixels to model input
    run         whole models over images: ``run_model``, ``trace_model``

An engine (``tflm``, ``tflite_runtime``, ``litert``, ``tensorflow_lite``, ``keras`` …) is a module that defines
``RUNTIMES``; nothing else has to change when one is added.
"""

from edgemnist.runner.base import Latency, RunResult, Runtime, Session
from edgemnist.runner.client import EngineWorker, WorkerProcess, engine_worker
from edgemnist.runner.registry import find_runtime, runtimes
from edgemnist.runner.run import run_model, trace_model
from edgemnist.tflite.kinds import ModelKind

__all__ = [
    "EngineWorker",
    "Latency",
    "ModelKind",
    "RunResult",
    "Runtime",
    "Session",
    "WorkerProcess",
    "engine_worker",
    "find_runtime",
    "run_model",
    "runtimes",
    "trace_model",
]
