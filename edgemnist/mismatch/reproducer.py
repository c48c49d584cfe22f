"""A mismatch for others to see: one operator, its input, both answers, a test and a text to send."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.explanation import OperatorRow
from edgemnist.mismatch.smallest import Small, smaller_and_smaller
from edgemnist.mismatch.sources import RuntimeSource, Source
from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.files import write_together

_OPENERS = {
    "litert": "from ai_edge_litert.interpreter import Interpreter, OpResolverType",
    "tflite-runtime": "from tflite_runtime.interpreter import Interpreter, OpResolverType",
    "tensorflow": "import tensorflow as tf\n\nInterpreter, OpResolverType = tf.lite.Interpreter, "
    "tf.lite.experimental.OpResolverType",
}
"""How the packages with TFLite's interpreter are imported, by the first part of the runtime's name."""


@dataclass(frozen=True, eq=False)
class Reproducer:
    """The smallest model found on which both differ, with its inputs and what each answered, (output shape)."""

    small: Small
    expected: NDArray[Any]
    found: NDArray[Any]


def reproduce(case: Case, source: Source, oracle: RuntimeSource) -> Reproducer:
    """Return the smallest model of an operator on which a source and the oracle differ.

    Where the source can't be asked it is the operator as it is, with the bytes that the source gave.

    :raises EdgeMnistError: the oracle failed.
    """
    last = None
    for small in smaller_and_smaller(case):
        last = small
        if not isinstance(source, RuntimeSource):
            continue
        try:
            inputs = [one[np.newaxis] for one in small.inputs]
            found, expected = (one.run_file(small.content, inputs)[0][0] for one in (source, oracle))
        except EdgeMnistError:
            continue  # one of both refuses such a shape; there is a larger one
        if found.tobytes() != expected.tobytes():
            return Reproducer(small, expected, found)
    image = int(np.nonzero(case.sample.found != case.sample.oracle)[0][0])
    assert last is not None
    return Reproducer(last, case.sample.oracle[image], case.sample.found[image])


def write_reproducer(
    folder: Path, reproducer: Reproducer, row: OperatorRow, runtime: str, versions: Mapping[str, str]
) -> Path:
    """Write model, arrays, test and text into a new folder below ``folder`` and return it.

    :param versions: of the runtime and the oracle, by name, the runtime first.
    :raises StorageError: it can't be written.
    """
    target = folder / re.sub(r"[^a-z0-9]+", "_", f"{runtime} {row.index} {row.kind}".lower())
    small = reproducer.small
    contents = {
        "model.tflite": small.content,
        **{f"input_{number}.npy": _npy(value) for number, value in enumerate(small.inputs)},
        "expected.npy": _npy(reproducer.expected),
        "found.npy": _npy(reproducer.found),
        "test_reproducer.py": _test(runtime, len(small.inputs)).encode(),
        "ISSUE.md": _text(reproducer, row, runtime, versions).encode(),
    }
    write_together({target / name: content for name, content in contents.items()})
    return target


def _npy(values: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def _test(runtime: str, inputs: int) -> str:
    """Return a test that needs numpy and the runtime's package only, and fails as long as both differ."""
    package = next((name for name in _OPENERS if runtime.startswith(f"{name}-")), None)
    return _HEAD + (_opener(package, runtime) if package else _THROUGH_EDGEMNIST.format(runtime=runtime)) + (
        _BODY.format(inputs=inputs)
    )  # fmt: skip


_HEAD = '''"""One operator on which a runtime does not give the bytes of TensorFlow Lite for Microcontrollers."""

from pathlib import Path

import numpy as np
'''

_THROUGH_EDGEMNIST = """
from edgemnist.runner.client import runtime_worker

HERE = Path(__file__).parent


def run(inputs):
    with runtime_worker("{runtime}") as worker:
        return worker.invoke(HERE / "model.tflite", [one[np.newaxis] for one in inputs])[0][0]
"""

_BODY = """

def test_the_bytes_are_the_oracles():
    inputs = [np.load(HERE / f"input_{{number}}.npy") for number in range({inputs})]
    np.testing.assert_array_equal(run(inputs), np.load(HERE / "expected.npy"))
"""


def _opener(package: str, runtime: str) -> str:
    kernels = "BUILTIN_REF" if runtime.endswith("-reference") else "AUTO"
    return f"""{_OPENERS[package]}

HERE = Path(__file__).parent


def run(inputs):
    interpreter = Interpreter(
        model_path=str(HERE / "model.tflite"),
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.{kernels},
    )
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), inputs):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""


def _text(reproducer: Reproducer, row: OperatorRow, runtime: str, versions: Mapping[str, str]) -> str:
    small = reproducer.small
    shapes = ", ".join(f"{list(one.shape)} {one.dtype.name}" for one in small.inputs)
    named = "\n".join(f"- {name} {version}" for name, version in versions.items())
    rule = ""
    if row.rule is not None:
        sure = "reproduces every byte" if row.rule.exact else f"reproduces {row.rule.share:.1%} of what differs"
        detail = f" ({row.rule.detail})" if row.rule.detail else ""
        rule = f"\nThe operator {row.rule.says}{detail}: that {sure} of {row.rule.images} inputs.\n"
    own = row.own
    share = f"In the model it came from, {own.differing:,} of {own.elements:,} elements differ.\n" if own else ""
    return f"""# {row.kind}: {runtime} does not give TensorFlow Lite for Microcontrollers' bytes

`model.tflite` is one operator, cut down to {small.what}; its input is {shapes} in `input_0.npy` and on.

| | |
|---|---|
| expected (the oracle) | `{_shown(reproducer.expected)}` |
| found ({runtime}) | `{_shown(reproducer.found)}` |

{share}{rule}
Versions:

{named}

To see it: `python -m pytest test_reproducer.py`
"""


def _shown(values: NDArray[Any]) -> str:
    flat: Sequence[Any] = values.reshape(-1).tolist()
    return ", ".join(map(str, flat[:8])) + (", ..." if len(flat) > 8 else "")
