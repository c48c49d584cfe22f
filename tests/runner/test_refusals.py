"""What interpreters print about a model that they do not take becomes one sentence."""

from __future__ import annotations

import pytest

from edgemnist.runner.refusals import in_one_line, reason

pytestmark = pytest.mark.unit

TRACEBACK = 'Traceback (most recent call last):\n  File "worker.py", line 60, in _answer\n'
FLEX = (
    "RuntimeError: Select TensorFlow op(s), included in the given model, is(are) not supported by this interpreter. "
    "See instructions: https://www.tensorflow.org/lite/guide/ops_selectNode number 1 (FlexAtan) failed to prepare."
)


@pytest.mark.parametrize(
    ("error", "said", "expected"),
    [
        (
            "ValueError: Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version of this "
            "builtin might be supported.\nRegistration failed.\n",
            TRACEBACK,
            "it does not know the operator FULLY_CONNECTED in version 12",
        ),
        (
            "RuntimeError: TFLM failed to allocate tensors",
            f"Didn't find op for builtin opcode 'ELU'\n{TRACEBACK}",
            "it does not know the operator ELU",
        ),
        (
            "RuntimeError: TFLM failed to allocate tensors",
            f"Failed to get registration from op code CUSTOM\n \n{TRACEBACK}",
            "it does not know the operator CUSTOM",
        ),
        (
            "RuntimeError: Encountered unresolved custom op: BesselI0.\nSee instructions: https://tensorflow.org Node "
            "number 1 (BesselI0) failed to prepare.",
            TRACEBACK,
            "it does not know the custom operator BesselI0",
        ),
        (FLEX, TRACEBACK, "it comes without TensorFlow's own operators, such as FlexAtan"),
        (
            "RuntimeError: tflite/kernels/transpose_conv.cc:902 NumDimensions(input) != 4 (1 != 4)"
            "Node number 0 (TRANSPOSE_CONV) failed to invoke.",
            TRACEBACK,
            "operator 0 TRANSPOSE_CONV fails to invoke: NumDimensions(input) != 4 (1 != 4)",
        ),
        (
            "RuntimeError: TFLM failed to allocate tensors",
            "Input type: FLOAT32 with filter type: INT8 not supported.\n"
            f"Node FULLY_CONNECTED (number 4) failed to prepare with status 1\n{TRACEBACK}",
            "operator 4 FULLY_CONNECTED fails to prepare: Input type: FLOAT32 with filter type: INT8 not supported",
        ),
        ("KeyError: 'tensor 0 is not the output of an operator'", TRACEBACK, None),
    ],
)
def test_a_refusal_is_one_sentence(error: str, said: str, expected: str | None) -> None:
    assert reason(error, said) == expected


def test_a_line_is_the_first_that_says_something() -> None:
    assert in_one_line("\n  first.\nsecond") == "first"
    assert in_one_line("x" * 400).endswith("xxx...")
    assert len(in_one_line("x" * 400)) == 300
    assert in_one_line(" \n") == ""
