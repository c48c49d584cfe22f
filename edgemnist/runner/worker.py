"""The process in which runtimes run: ``python -m edgemnist.runner.worker``, started by ``edgemnist.runner.client``.

Requests come on stdin, answers go to stdout, both in the form of ``edgemnist.runner.protocol``; whatever a runtime
prints ends up on stderr. The process leaves when stdin closes.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from edgemnist.runner import measure
from edgemnist.runner.protocol import Message, receive, send
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError, MissingDependencyError


def main() -> None:
    """Answer requests until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the command decides; it ends this process itself
    requests, answers = _private_pipes()
    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        send(answers, _answer(request))


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol; runtimes that print get stderr, runtimes that read get nothing."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _answer(request: Message) -> Message:
    try:
        return _COMMANDS[request.header["command"]](request)
    except (ImportError, MissingDependencyError) as error:
        traceback.print_exc(file=sys.stderr)
        return Message({"error": str(error), "missing": True})
    except EdgeMnistError as error:
        return Message({"error": str(error)})
    except Exception as error:  # a runtime may raise anything; the client turns the answer into a clear error
        traceback.print_exc(file=sys.stderr)
        return Message({"error": f"{type(error).__name__}: {error}"})


def _version(request: Message) -> Message:
    return Message({"version": find_runtime(request.header["runtime"]).version()})


def _trace(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    return Message({}, measure.trace(runtime, model, inputs, request.header["tensors"]))


def _invoke(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    return Message({}, measure.invoke_all(runtime, model, inputs))


def _run(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    result = measure.run(runtime, model, inputs[0], request.header["logits_tensor"])
    header = {
        "version": result.version,
        "kernels": result.kernels,
        "latency": dataclasses.asdict(result.latency),
        "rss_bytes": result.rss_bytes,
    }
    return Message(header, [result.outputs] if result.logits is None else [result.outputs, result.logits])


def _subject(request: Message) -> tuple[Any, bytes | Path, list[Any]]:
    """Return the runtime, the model and its inputs; a model without a path comes as the first array."""
    runtime = find_runtime(request.header["runtime"])
    path = request.header.get("path")
    if path is not None:
        return runtime, Path(path), list(request.arrays)
    return runtime, request.arrays[0].tobytes(), list(request.arrays[1:])


_COMMANDS: Mapping[str, Callable[[Message], Message]] = {
    "version": _version,
    "trace": _trace,
    "invoke": _invoke,
    "run": _run,
}

if __name__ == "__main__":
    main()
