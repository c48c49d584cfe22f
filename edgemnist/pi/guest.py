"""The runtime's side inside a Raspberry Pi, real or emulated; runs there with numpy and the interpreter alone.

Speaks the protocol of ``edgemnist.runner.protocol``: requests on stdin, answers on stdout. Models that were opened
are kept and named by number. This file and the protocol's are sent through stdin at the start
(``edgemnist.pi.guest_process``); they import nothing of edgemnist.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from typing import Any, BinaryIO

_MODULES = {"tflite-runtime": "tflite_runtime.interpreter", "ai-edge-litert": "ai_edge_litert.interpreter"}


def main(protocol: Any, package: str) -> None:
    """Answer requests until stdin closes; ``protocol`` is the module of the protocol."""
    requests, answers = _private_pipes()
    guest = Guest(package)
    while True:
        try:
            request = protocol.receive(requests)
        except EOFError:
            return
        try:
            header, arrays = guest.answer(request.header, request.arrays)
        except Exception as error:  # a runtime may raise anything; the other side makes a clear error of it
            header, arrays = {"error": f"{type(error).__name__}: {error}"}, []
        protocol.send(answers, protocol.Message(header, arrays))


class Guest:
    """The interpreter package and the models that were opened in it."""

    def __init__(self, package: str) -> None:
        self._version = importlib.metadata.version(package)
        self._module = importlib.import_module(_MODULES[package])
        self._opened: list[Any] = []

    def answer(self, header: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Carry out one request: ``version``, ``open``, ``invoke`` or ``tensor``."""
        command = header["command"]
        if command == "version":
            return {"version": self._version}, []
        if command == "open":
            return self._open(arrays[0].tobytes(), header["reference"]), []
        interpreter = self._opened[header["model"]]
        if command == "tensor":
            return {}, [interpreter.get_tensor(header["tensor"])]
        for index, value in zip(header["inputs"], arrays):  # noqa: B905 - strict came with Python 3.10
            interpreter.set_tensor(index, value)
        interpreter.invoke()
        return {}, [interpreter.get_tensor(index) for index in header["outputs"]]

    def _open(self, content: bytes, reference: bool) -> dict[str, Any]:
        resolvers = self._module.OpResolverType
        interpreter = self._module.Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=resolvers.BUILTIN_REF if reference else resolvers.AUTO,
        )
        interpreter.allocate_tensors()
        self._opened.append(interpreter)
        delegated = any(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())
        return {"model": len(self._opened) - 1, "delegated": delegated}


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol; a runtime that prints gets stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return requests, answers
