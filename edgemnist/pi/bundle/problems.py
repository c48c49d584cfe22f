"""What can go wrong, with the exit codes that the shell sees."""

from __future__ import annotations

EXIT_DIFFERENT = 1
EXIT_BAD_INPUT = 2
EXIT_ENVIRONMENT = 3


class Problem(Exception):  # noqa: N818 - it is never an internal error
    """Something that the caller gave is wrong; the message says what and what helps."""

    exit_code = EXIT_BAD_INPUT


class EnvironmentProblem(Problem):
    """The machine or this copy of the bundle lacks something."""

    exit_code = EXIT_ENVIRONMENT
