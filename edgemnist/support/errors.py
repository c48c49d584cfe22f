"""The exception tree. A message says what is wrong, the value, what is allowed, and the remedy.

    EdgeMnistError                exit code 2
    ├── InputError                2   what the user gave is wrong (file, flag, shape, name)
    │   ├── DatasetError          2   dataset unknown, corrupt, not to be had
    │   ├── ModelError            2   model file corrupt or not what the command takes
    │   │   ├── UnsafeModelError  2   running it reads or writes memory that is none of its tensors
    │   │   ├── WrongOutputError  2   a runtime gives other outputs than the file declares, or no numbers
    │   │   └── UnsupportedModelError  2   valid model that this stage can't do; lists every problem
    │   ├── StageOrderError       2   an earlier command has to run first
    │   └── FolderInUseError      2   another command is at work there
    ├── GateFailedError           1   a check the user asked for did not pass (parity, size)
    ├── EnvironmentFailure        3   the machine lacks something
    │   ├── MissingDependencyError     3   a package or tool is not installed; says how to install it
    │   ├── StorageError          3   no permission, disk full
    │   └── RuntimeCrashedError   3   a runtime's process died or hung
    └── InternalError             70  edgemnist's own fault

Any other exception is a fault of ours: exit code 70 (``EX_SOFTWARE`` of BSD's sysexits), one line and a log
(``faults.py``). A signal is 128 and its number. ``cli.run`` turns these into a message on stderr and an
exit code; nothing else exits.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXIT_OK = 0
EXIT_GATE_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERNAL = 70
EXIT_SIGNAL = 128
"""Added to the number of the signal that ended a command: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""


@dataclass(frozen=True)
class ErrorReport:
    """An error as ``--json`` shows it.

    ``kind`` is the class's name in lower case (``missing_dependency``); ``remedy`` the clause of the message that says
    what to do, None where none stands apart.
    """

    kind: str
    message: str
    remedy: str | None
    exit_code: int

    def as_json(self) -> dict[str, Any]:
        """Return the error as JSON values."""
        return asdict(self)


class EdgeMnistError(Exception):
    """Base of every error a user can cause or meet."""

    exit_code = EXIT_BAD_INPUT

    def report(self) -> ErrorReport:
        """Return the error's kind, message, remedy and exit code."""
        name = re.sub(r"(Error|Failure)$", "", type(self).__name__)
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        return ErrorReport(kind, str(self), _remedy(str(self)), self.exit_code)


_IMPERATIVES = (
    "add", "build", "calibrate", "call", "choose", "convert", "copy", "delete", "edgemnist", "export", "free",
    "generate", "give", "install", "leave", "make", "measure", "name", "pip", "please", "put", "raise",
    "remove", "rename", "repair", "restore", "run", "run:", "save", "see", "set", "sudo", "take", "train",
    "try", "use", "write",
)  # fmt: skip
"""How a clause begins that says what to do."""

_CLAUSE = re.compile(r"(?:; |: |\n\s*)(?=`?(?P<word>[\w:]+))")


def _remedy(message: str) -> str | None:
    """Return the first clause, set apart by a semicolon, colon or line, that is an instruction, to its line's end."""
    for start in _CLAUSE.finditer(message):
        if start["word"] in _IMPERATIVES:
            return message[start.end() :].partition("\n")[0]
    return None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its class if it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class InputError(EdgeMnistError):
    """What the user gave is wrong."""


class DatasetError(InputError):
    """A dataset is unknown, corrupt or not to be had."""


class DownloadError(DatasetError):
    """A dataset is published, but no mirror delivered it."""

    exit_code = EXIT_ENVIRONMENT


class ModelError(InputError):
    """A model file is corrupt or not what the command takes."""


class UnsupportedModelError(ModelError):
    """A valid model that a stage can't do. ``problems`` holds every reason, not only the first."""

    def __init__(self, headline: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([headline, *(f"  - {problem}" for problem in self.problems)]))


class UnsafeModelError(ModelError):
    """A model whose file makes an interpreter read or write memory beside its tensors: what comes out means nothing."""


class WrongOutputError(ModelError):
    """A runtime gave outputs of another shape or type than the model's file declares, or values that are no numbers."""


class StageOrderError(InputError):
    """An earlier command has to run first."""


class FolderInUseError(InputError):
    """Another command is at work in a folder that it needs for itself."""


class GateFailedError(EdgeMnistError):
    """A check that the user asked for did not pass."""

    exit_code = EXIT_GATE_FAILED


class EnvironmentFailure(EdgeMnistError):  # noqa: N818 - "EnvironmentError" is taken by Python
    """The machine lacks something."""

    exit_code = EXIT_ENVIRONMENT


class MissingDependencyError(EnvironmentFailure):
    """A package or tool is not installed."""


class StorageError(EnvironmentFailure):
    """No permission, or the disk is full."""


class RuntimeCrashedError(EnvironmentFailure):
    """A runtime's process died or hung."""


class InternalError(EdgeMnistError):
    """What edgemnist made is not what it set out to make, and nothing that the user gave is to blame.

    For results that are checked before they are handed out: they are withheld, no file of them is written, and the
    message says what was found, what had to be there, and that it is to be reported. Exit code 70 is ``EX_SOFTWARE`` of
    sysexits.h.
    """

    exit_code = EXIT_INTERNAL


_STORAGE_REMEDY = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EFBIG: "the file would be larger than this process or file system allows; raise the limit (ulimit -f)",
    errno.EACCES: "no permission; choose another folder or change its permissions",
    errno.EPERM: "no permission; choose another folder or change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EISDIR: "that is a folder where a file is needed",
    errno.EEXIST: "a file stands where a folder is needed; choose another folder",
    errno.ENOENT: "this file system takes no new files or folders there; choose another folder",
    errno.EINVAL: "this file system does not take that name; choose another",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
    errno.ELOOP: "links in the path lead to one another; choose another folder",
    errno.EIO: "the disk failed (input/output error); choose another, and look after this one",
    errno.EBUSY: "something else holds it; close that and run the command again",
}


def storage_remedy(error: OSError) -> str | None:
    """Return what is wrong and what to do where writing failed, None where only the error itself can tell."""
    return _STORAGE_REMEDY.get(error.errno or 0)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's write errors at ``path`` into :class:`StorageError`."""
    try:
        yield
    except OSError as error:
        remedy = storage_remedy(error)
        if remedy is None:
            raise
        raise StorageError(f"cannot write {str(path)!r}: {remedy}") from error
