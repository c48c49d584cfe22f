"""Runs in an environment that has one interpreter: which operators it knows, and which models of one it loads and runs.

Usage: python operator_probe.py PACKAGE QUESTIONS ANSWERS

It needs numpy and the interpreter alone. QUESTIONS and ANSWERS are JSON files as scripts/operator_versions writes and
reads them. Each case is tried in a process of its own, because an interpreter may abort.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import signal
import struct
import sys
import tempfile
from pathlib import Path

SECONDS = 60
REFUSED, RUNS, DELEGATED = "-", "+", "x"


def main():
    package, questions, answers = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    opened = {"tflite-micro": open_tflm, "ai-edge-litert": open_litert}.get(package, open_tflite_runtime)
    import numpy

    found = {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "machine": f"{sys.platform} {platform.machine()}",
    }
    found["versions"] = {
        kind: highest_version(opened, template_of(questions, package), number, questions["most"], package)
        for kind, number in questions["kinds"].items()
    }
    found["cases"] = [
        apart(lambda content=content: run(opened, base64.b64decode(content))) for content in questions["cases"]
    ]
    answers.write_text(json.dumps(found))


def template_of(questions, package):
    template = questions["tflm_template" if package == "tflite-micro" else "template"]
    return {**template, "content": base64.b64decode(template["content"]), "tflm": package == "tflite-micro"}


def highest_version(opened, template, number, most, package):
    """Return the highest version of an operator that is registered, 0 for none, None where that is not told."""
    if package == "tflite-micro":  # it has one kernel for all versions
        found = apart(lambda: knows(opened, template, number, 1))
        return None if found == REFUSED else found
    found = apart(lambda: max((one for one in range(1, most + 1) if knows(opened, template, number, one)), default=0))
    return 0 if found == REFUSED else found


def knows(opened, template, number, version):
    """Whether a file with an operator's code in a version is not refused for that."""
    content = bytearray(template["content"])
    struct.pack_into("<b", content, template["deprecated"], min(number, 127))
    struct.pack_into("<i", content, template["code"], number)
    struct.pack_into("<i", content, template["version"], version)
    try:
        opened(bytes(content))
    except Exception:
        # What TFLM refuses is only printed: in its file a second operator follows that it does not know in any case.
        if not template["tflm"]:
            return 0
        os.lseek(2, 0, os.SEEK_SET)
        said = os.read(2, 10000)
        return 1 if b"op code CUSTOM" in said else 0 if b"Didn't find op" in said else None
    return 1


def run(opened, content):
    """Load a model, run it on ones, and return how its operator was computed."""
    try:
        interpreter = opened(content)
        return interpreter.run()
    except Exception:
        return REFUSED


class Tflite:
    def __init__(self, interpreter):
        self.interpreter = interpreter

    def run(self):
        import numpy

        self.interpreter.allocate_tensors()
        for one in self.interpreter.get_input_details():
            self.interpreter.set_tensor(one["index"], numpy.ones(one["shape"], one["dtype"]))
        self.interpreter.invoke()
        for one in self.interpreter.get_output_details():
            self.interpreter.get_tensor(one["index"])
        kinds = [one["op_name"] for one in self.interpreter._get_ops_details()]
        return DELEGATED if "DELEGATE" in kinds else RUNS


def open_tflite_runtime(content):
    from tflite_runtime.interpreter import Interpreter

    return Tflite(Interpreter(model_content=content, num_threads=1))


def open_litert(content):
    from ai_edge_litert.interpreter import Interpreter

    return Tflite(Interpreter(model_content=content, num_threads=1))


class Tflm:
    def __init__(self, interpreter):
        self.interpreter = interpreter

    def run(self):
        import numpy

        index = 0
        while True:
            try:
                details = self.interpreter.get_input_details(index)
            except Exception:
                break
            self.interpreter.set_input(numpy.ones(details["shape"], details["dtype"]), index)
            index += 1
        self.interpreter.invoke()
        return RUNS


def open_tflm(content):
    from tflite_micro.python.tflite_micro import runtime

    return Tflm(runtime.Interpreter.from_bytes(content, arena_size=1 << 20))


def apart(call):
    """Return what a call gives in a process of its own; REFUSED where that dies."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        printed, place = tempfile.mkstemp()
        Path(place).unlink()
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        signal.alarm(SECONDS)
        os.write(writing, json.dumps(call()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else REFUSED


if __name__ == "__main__":
    main()
