"""The command as a process: faults of ours, closed and full streams, foreign locales."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

_COMMAND = """
import sys, threading
from pathlib import Path
import typer
from edgemnist import cli
from edgemnist.__main__ import main
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.support.errors import GateFailedError

class Answer:
    def as_json(self):
        return {"text": text}

class Wordless(Exception):
    def __str__(self):
        raise ValueError

class Unusual(BaseException):
    pass

def endless():
    return endless()

def greedy():
    import resource
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (30 << 20),) * 2)
    kept = []
    while True:
        kept.append([bytearray(1000) for _ in range(100)])

def threaded():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

def stumble(error):
    raise error

def gate():
    raise GateFailedError("too much")

def one(path: Path | None = None):
    globals()["path"] = path
    exec(body, globals())
    return Outcome(Answer(), lambda: print(text), after)

def two():
    pass

text, after, body, *sys.argv = sys.argv[1:]
after = gate if after else None
cli.app = typer.Typer(pretty_exceptions_enable=False)
add_command(cli.app, one)
add_command(cli.app, two)
cli.register_commands = lambda: None
main()
"""


def arguments(body: str = "", *options: str, text: str = "said", gate: bool = False) -> list[str]:
    """Return how a command is started that runs ``body``, prints ``text``, and whose gate may fail."""
    return [sys.executable, "-c", _COMMAND, text, "gate" if gate else "", body, "edgemnist", "one", *options]


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="surrogateescape", env={**os.environ, **environment},
        check=False,
    )  # fmt: skip


def redirected(command: Sequence[str], redirections: str) -> subprocess.CompletedProcess[str]:
    return run(["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *command])


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("stumble(KeyError('two\\nlines'))", "KeyError"),
        ("endless()", "RecursionError"),
        ("greedy()", "MemoryError"),
        ("stumble(Wordless())", "Wordless"),
        ("stumble(Unusual())", "Unusual"),
        ("sys.exit(1)", "SystemExit"),
        ("stumble(EOFError())", "EOFError"),
        ("stumble(BrokenPipeError(32, 'a pipe of ours'))", "BrokenPipeError"),
        ("stumble(KeyError('\\udcff'))", "KeyError"),
        ("threaded()", "ZeroDivisionError"),
    ],
)
def test_any_fault_is_one_line_and_a_log(body: str, name: str, tmp_path: Path) -> None:
    done = run(arguments(body, "--json"), TMPDIR=str(tmp_path))
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1 and name in done.stderr and "a fault of edgemnist's own" in done.stderr
    (log,) = tmp_path.iterdir()
    assert str(log) in done.stderr
    details = log.read_text(encoding="utf-8")
    assert "Traceback" in details and name in details and "edgemnist one --json" in details and "Python 3" in details
    document = json.loads(done.stdout)
    assert document == {"text": "said"} if "thread" in body else document["error"]["kind"] == "internal"


def test_a_fault_of_which_no_log_can_be_written_says_where_it_was() -> None:
    no_file = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); stumble(KeyError('lost'))"
    done = run(arguments(no_file))
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.count("\n") == 1
    assert "KeyError: 'lost' (<string>:" in done.stderr and "no log of it can be written" in done.stderr


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redirections", "code", "said"),
    [
        (">/dev/full", 3, "the disk is full"),
        (">&-", 3, "it is closed"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&- >&- 2>&-", 3, ""),
        (">/dev/full 2>/dev/full", 3, ""),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_result_that_cannot_be_printed_is_code_3(
    redirections: str, code: int, said: str, options: tuple[str, ...]
) -> None:
    done = redirected(arguments("", *options), redirections)
    assert done.returncode == code
    assert said in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.parametrize("redirections", [">&- 2>&-", ">/dev/full 2>/dev/full", "2>&-"])
@pytest.mark.parametrize(("body", "gate", "code"), [("stumble(KeyError())", False, 70), ("", True, 1)])
def test_what_went_wrong_is_the_exit_code_whatever_can_be_printed(
    redirections: str, body: str, gate: bool, code: int
) -> None:
    assert redirected(arguments(body, gate=gate), redirections).returncode == code


@pytest.mark.parametrize(("gate", "code"), [(False, 0), (True, 1)])
def test_a_reader_that_leaves_changes_nothing(gate: bool, code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        arguments("global text; text *= 20_000", gate=gate),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == code
    assert done.stderr == ("edgemnist: too much\n" if gate else "")


def test_a_file_opened_later_is_never_a_standard_stream(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    body = f"file = open({str(path)!r}, 'w'); file.write(str(file.fileno())); file.close()"
    redirected(arguments(body), "<&- >&- 2>&-")
    assert int(path.read_text(encoding="utf-8")) > 2


# --- locales ---------------------------------------------------------------------------------------------------------

LOCALES: Mapping[str, Mapping[str, str]] = {
    "C": {"LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "C and strict ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"},
}
"""Environments by what they are."""

TEXT = "Ä ¾ \U0001f600"
NOT_UTF8 = "\udcff"
"""How Python writes a byte of a file's name that is not UTF-8."""
HALF_A_PAIR = "\ud800"


@pytest.mark.parametrize(
    ("locale", "text"), [*((locale, f"{TEXT}{NOT_UTF8}") for locale in LOCALES), ("C", HALF_A_PAIR)]
)
def test_any_text_can_be_printed_in_any_locale(locale: str, text: str) -> None:
    passed = json.dumps(text)
    body = f"global text; import json; text = json.loads({passed!r})"
    shown, told = (run(arguments(body, *options), **LOCALES[locale]) for options in ((), ("--json",)))
    assert (shown.returncode, shown.stderr, told.returncode, told.stderr) == (0, "", 0, "")
    assert json.loads(told.stdout) == {"text": text}
    if "IOENCODING" not in str(LOCALES[locale]) and text != HALF_A_PAIR:
        assert shown.stdout == f"{text}\n"
    told.stdout.encode("utf-8")  # no bytes that are not UTF-8


@pytest.mark.parametrize("locale", LOCALES)
def test_names_of_files_are_the_same_in_any_locale(locale: str, tmp_path: Path) -> None:
    path = tmp_path / f"{TEXT}.txt"
    body = "global text; text = path.name; path.write_text('\\xc4')"
    done = run(arguments(body, "--json", "--path", str(path)), **LOCALES[locale])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"text": path.name}
    assert path.read_bytes() == "Ä".encode()
