"""Wasmtime, as the PyPI package wasmtime brings it: for machines without node and without a browser."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.page.engines.base import PICTURE, Engine, Job
from edgemnist.page.web_assembly import INSTALL
from edgemnist.runner.base import missing_package
from edgemnist.support.errors import EnvironmentFailure


class PythonEngine(Engine):
    """The ``wasmtime`` engine."""

    name = "wasmtime"
    stands_in = True

    def available(self) -> str | None:
        """Return None, or how to install it (see :meth:`Engine.available`)."""
        return missing_package("wasmtime", INSTALL)

    def version(self) -> str:
        """Return the package's version (see :meth:`Engine.version`)."""
        return metadata.version("wasmtime")

    def run(self, job: Job) -> NDArray[np.uint8]:
        """Run it in this process (see :meth:`Engine.run`)."""
        import wasmtime

        try:
            return _run(job)
        except wasmtime.WasmtimeError as error:
            raise EnvironmentFailure(f"wasmtime could not run the network: {error}") from error


def _run(job: Job) -> NDArray[np.uint8]:
    import wasmtime

    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, job.content), [])
    exports: Any = instance.exports(store)
    memory, places = exports["memory"], {name: _place(exports, name, store) for name in (job.fed, "input", "output")}
    found = np.empty((len(job.rows), job.input_bytes + job.output_bytes), np.uint8)
    for row, content in enumerate(job.rows):
        memory.write(store, content.tobytes(), places[job.fed])
        if job.fed == PICTURE:
            exports["quantise"](store)
        entry = memory.read(store, places["input"], places["input"] + job.input_bytes)
        exports["invoke"](store, row % 2)
        result = memory.read(store, places["output"], places["output"] + job.output_bytes)
        found[row] = np.frombuffer(bytes(entry) + bytes(result), np.uint8)
    return found


def _place(exports: Any, name: str, store: Any) -> int:
    return int(exports[name].value(store))
