"""The process in which runtimes run: ``python -m edgemnist.runner.worker``, started by ``edgemnist.runner.client``.

Requests come on stdin, answers go to stdout, both in the form of ``edgemnist.runner.protocol``; whatever a runtime
prints ends up on stderr. The process leaves when stdin closes. :func:`serve` is the loop, for other such processes too.
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

from edgemnist.runner import measure, timing
from edgemnist.runner.base import Session, model_bytes
from edgemnist.runner.protocol import Message, receive, send
from edgemnist.runner.registry import find_runtime
from edgemnist.support import stopping
from edgemnist.support.errors import EXIT_SIGNAL, EdgeMnistError, MissingDependencyError

Answers = Mapping[str, Callable[[Message], Message]]
"""What answers a request, by the name of its ``"command"``."""

_MISTAKES = (AssertionError, AttributeError, LookupError, NameError, RecursionError, ZeroDivisionError)
_PACKAGE = Path(__file__).parents[1]


def main() -> None:
    """Answer requests about runtimes until stdin closes."""
    serve(_COMMANDS)


def serve(commands: Answers) -> None:
    """Answer requests until stdin closes, or SIGTERM comes; what an answer has begun is then taken back.

    Where an answer fails, the header says how: ``error`` is the message, ``raised`` the class of an error that is
    edgemnist's own, ``missing`` is there where a package could not be imported, ``unforeseen`` where it was any other
    exception, whose traceback goes to stderr, and ``fault`` where that is a mistake in edgemnist's code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the command decides; it ends this process itself
    stopping.listen(signal.SIGTERM)
    requests, answers = _private_pipes()
    try:
        while True:
            send(answers, _answer(commands, receive(requests)))
    except EOFError:
        return
    except KeyboardInterrupt:
        sys.exit(EXIT_SIGNAL + stopping.sent())


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol; runtimes that print get stderr, runtimes that read get nothing."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _answer(commands: Answers, request: Message) -> Message:
    try:
        return commands[request.header["command"]](request)
    except (ImportError, MissingDependencyError) as error:
        traceback.print_exc(file=sys.stderr)
        return Message({"error": str(error), "missing": True, "raised": MissingDependencyError.__name__})
    except EdgeMnistError as error:
        return Message({"error": str(error), "raised": type(error).__name__})
    except Exception as error:  # a runtime may raise anything; the client turns the answer into a clear error
        traceback.print_exc(file=sys.stderr)
        fault = {"fault": True} if _is_ours(error) else {}
        return Message({"error": f"{type(error).__name__}: {error}", "unforeseen": True, **fault})


def _is_ours(error: Exception) -> bool:
    """Whether an exception is of a kind that only code has at fault, and was raised in edgemnist's, no runtime's."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    source = Path(frame.f_code.co_filename)
    return isinstance(error, _MISTAKES) and _PACKAGE in source.parents and _PACKAGE / "runtimes" not in source.parents


def _version(request: Message) -> Message:
    return Message({"version": find_runtime(request.header["runtime"]).version()})


def _look(request: Message) -> Message:
    return Message(dataclasses.asdict(find_runtime(request.header["runtime"]).look(Path(request.header["path"]))))


def _trace(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    return Message({}, measure.trace(runtime, model, inputs, request.header["tensors"]))


def _invoke(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    return Message({}, measure.invoke_all(runtime, model, inputs))


def _operators(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    found = measure.invoke_operators(runtime, model_bytes(model), request.header["operators"], inputs)
    outputs = [one for answer in found for one in answer or ()]
    return Message({"outputs": [None if answer is None else len(answer) for answer in found]}, outputs)


def _load(request: Message) -> Message:
    found = measure.load(*_subject(request))
    return Message({"version": found.version, "kernels": found.kernels, "delegated": sorted(found.delegated)})


def _run(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    result = measure.run(runtime, model, inputs[0], request.header["logits_tensor"])
    header = {
        "version": result.version,
        "kernels": result.kernels,
        "rss_bytes": result.rss_bytes,
    }
    return Message(header, [result.outputs] if result.logits is None else [result.outputs, result.logits])


def _start_timing(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    watched = timing.Watched(runtime, model, inputs[0])
    _watched[request.header["name"]] = watched
    return Message({"first_ns": watched.first_ns})


def _time_window(request: Message) -> Message:
    watched = _watched[request.header["name"]]
    return Message({"samples_ns": watched.window(request.header["invokes"], request.header["seconds"])})


def _end_timing(request: Message) -> Message:
    del _watched[request.header["name"]]
    return Message({})


def _open_session(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    session = runtime.open(model)
    session.confirm(inputs, session.invoke(inputs))
    _sessions[request.header["name"]] = session
    return Message({"version": session.version, "kernels": session.kernels})


def _ask_session(request: Message) -> Message:
    return Message({}, _sessions[request.header["name"]].invoke_each(request.arrays))


def _count_session(request: Message) -> Message:
    outputs, instructions = _sessions[request.header["name"]].invoke_counted(request.arrays)
    return Message({"instructions": instructions}, outputs)


def _close_session(request: Message) -> Message:
    del _sessions[request.header["name"]]
    return Message({})


def _profile(request: Message) -> Message:
    runtime, model, inputs = _subject(request)
    steps = runtime.profile(model, inputs[0])
    return Message({"steps": None if steps is None else [dataclasses.asdict(step) for step in steps]})


def _subject(request: Message) -> tuple[Any, bytes | Path, list[Any]]:
    """Return the runtime, the model and its inputs; a model without a path comes as the first array."""
    runtime = find_runtime(request.header["runtime"])
    path = request.header.get("path")
    if path is not None:
        return runtime, Path(path), list(request.arrays)
    return runtime, request.arrays[0].tobytes(), list(request.arrays[1:])


_watched: dict[str, timing.Watched] = {}
"""The models that are open to be timed, by the names that the client gave them."""

_sessions: dict[str, Session] = {}
"""The models that are kept open to be asked again and again, by the names that the client gave them."""

_COMMANDS: Answers = {
    "version": _version,
    "look": _look,
    "trace": _trace,
    "invoke": _invoke,
    "operators": _operators,
    "load": _load,
    "run": _run,
    "start timing": _start_timing,
    "time window": _time_window,
    "end timing": _end_timing,
    "open session": _open_session,
    "ask session": _ask_session,
    "count session": _count_session,
    "close session": _close_session,
    "profile": _profile,
}

if __name__ == "__main__":
    main()
