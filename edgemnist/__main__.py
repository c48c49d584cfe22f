"""The ``edgemnist`` command, and ``python -m edgemnist``: what holds for every command is set up first."""

from __future__ import annotations

import sys

from edgemnist.support import stopping


def main() -> None:
    """Run the command line and leave the process with the command's exit code."""
    stopping.listen(*stopping.SIGNALS)
    try:
        from edgemnist.support import streams

        streams.use_utf8()
        streams.guard()
        code = _run()
    except BaseException as error:  # while the command line was loaded
        from edgemnist.support import faults, streams

        report = faults.report_of(error)
        sys.stderr.write(f"edgemnist: {report.message}\n")
        code = report.exit_code
    sys.exit(streams.verdict(code))


def _run() -> int:
    from edgemnist import cli
    from edgemnist.support import faults

    faults.watch_threads(cli.complain)
    return cli.run(sys.argv[1:]) or faults.in_threads()


if __name__ == "__main__":
    main()
