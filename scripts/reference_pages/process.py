"""environment.md and exit-codes.md."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.support import errors
from edgemnist.support.environment import VARIABLES, Variable
from reference_pages.text import Page, code, first_sentence, table

DEVELOPMENT = (
    Variable("EDGEMNIST_MODELS", "Folder with int8 and float .tflite files, for benchmarks and tests of whole nets."),
    Variable("EDGEMNIST_NO_SKIPS", "1: a run of the tests fails when any was skipped."),
    Variable("EDGEMNIST_UPDATE_GOLDEN", "1: tests write the golden files that they else compare with."),
    Variable("EDGEMNIST_PYTHON", "The Python that `scripts/test` and its like make the virtual environment with."),
    Variable("EDGEMNIST_TFLM_INCLUDE", "Folder with TFLM's headers, and flatbuffers', for tests that compile for it."),
    Variable("EDGEMNIST_TFLM_LIB", "TFLM's library for this machine, for a test that links and runs."),
    Variable("EDGEMNIST_TFLM_LIB_CORTEX_M4", "TFLM's library for Cortex-M4, for a test that runs emulated firmware."),
    Variable("EDGEMNIST_VENV", "The virtual environment of `scripts/test` and `scripts/demo`. Default: `.venv`."),
)  # fmt: skip
"""What only the tests and scripts read."""

# The codes that no error has.
_MEANINGS = {
    "EXIT_OK": "It is done.",
    "EXIT_SIGNAL": "Added to a signal's number: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. What was complete is still there.",
    "EXIT_INTERNAL": "A fault of edgemnist's own; the message names a log.",
}


def environment_page() -> Page:
    """Return the page of environment variables."""
    body = [
        _variables(VARIABLES),
        "A variable that is set to nothing counts as not set.\n",
        "## For tests and scripts\n",
        _variables(DEVELOPMENT),
    ]
    summary = "The environment variables that edgemnist reads."
    return Page("environment.md", "Environment variables", summary, "\n".join(body))


def _variables(variables: tuple[Variable, ...]) -> str:
    return table(("Variable", "Meaning"), [(code(one.name), one.meaning) for one in variables])


def exit_codes_page() -> Page:
    """Return the page of exit codes."""
    codes = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    rows = [(value, _meaning(name, value)) for name, value in sorted(codes.items(), key=lambda item: item[1])]
    kinds = [
        (code(one.__name__), code(one.__base__.__name__ if one.__base__ else ""), one.exit_code, first_sentence(one))
        for one in _tree(errors.EdgeMnistError)
    ]
    body = [
        table(("Code", "Meaning"), rows),
        "A message on stderr says what is wrong and what to do.\n",
        "A result that can't be written to stdout, which is closed or full, is code 3; files are written all the same. "
        "A reader that wants no more, such as `head`, changes nothing.\n",
        "## Errors\n",
        "For those who call edgemnist from Python.\n",
        table(("Error", "Subclass of", "Code", "Meaning"), kinds),
    ]
    return Page("exit-codes.md", "Exit codes", "What a command's exit code says.", "\n".join(body))


def _meaning(name: str, value: int) -> str:
    """Return what a code means: as said above, or as the uppermost errors say that have it."""
    if name in _MEANINGS:
        return _MEANINGS[name]
    _, *every = _tree(errors.EdgeMnistError)
    having = [one for one in every if one.exit_code == value]
    return " ".join(first_sentence(one) for one in having if one.__base__ not in having)


def _tree(root: type[errors.EdgeMnistError]) -> Iterator[type[errors.EdgeMnistError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)
