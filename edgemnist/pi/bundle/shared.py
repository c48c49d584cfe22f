"""What the programs of all bundles have: how they end, and the options to prove and time the model."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgemnist.support.errors import (
    EXIT_BAD_INPUT,
    EXIT_ENVIRONMENT,
    EXIT_GATE_FAILED,
    EdgeMnistError,
    InputError,
)

if TYPE_CHECKING:
    from .opened import Opened

Model = TypeVar("Model", bound="Opened")
FOLDER = Path(__file__).resolve().parents[1]


def guarded(program: str, run: Callable[[], int]) -> int:
    """Run a program and return its exit code; what goes wrong is said in a line."""
    try:
        return run()
    except ImportError as error:
        sys.stderr.write(
            f"{program}: {error}; run install.sh and use .venv/bin/python, or install what the fitting file in "
            "requirements/ names\n"
        )
        return EXIT_ENVIRONMENT
    except EdgeMnistError as problem:
        sys.stderr.write(f"{program}: {problem}\n")
        return problem.exit_code
    except MemoryError:
        sys.stderr.write(f"{program}: this machine's memory does not suffice\n")
        return EXIT_ENVIRONMENT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 130


def add_options(parser: argparse.ArgumentParser, json_help: str) -> None:
    """Add the options that :func:`proved` reads."""
    parser.add_argument("--kernels", choices=("default", "reference"), default="default", help="which kernels compute")
    parser.add_argument(
        "--interpreter", help="tflite-runtime, ai-edge-litert or generated-c; default: the one installed"
    )
    parser.add_argument("--json", action="store_true", help=json_help)
    parser.add_argument("--benchmark", type=int, nargs="?", const=300, metavar="N", help="time N invokes (default 300)")
    parser.add_argument("--parity", action="store_true", help="replay the golden vectors; exit code 1 if they differ")
    parser.add_argument("--images", type=int, metavar="N", help="replay only the first N golden vectors")
    parser.add_argument("--check", action="store_true", help="verify the bundle's checksums and the interpreter")


def check_numbers(options: argparse.Namespace, more: Sequence[tuple[str, int]] = ()) -> None:
    """Refuse numbers beyond their range; ``more``: further options with the least that each may be.

    :raises InputError: says which one.
    """
    for name, least in (*more, ("benchmark", 1), ("images", 1)):
        value = getattr(options, name)
        if value is not None and not least <= value <= 65535:
            raise InputError(f"--{name} is {value}; it has to be {least} to 65535")


def proved(options: argparse.Namespace, model: type[Model]) -> Model | int:
    """Replay, check or time the bundle where that is asked for, and return the exit code; else the opened model."""
    from .opened import read_manifest
    from .replay import in_words, replay

    if options.parity:
        read_manifest(FOLDER)
        report = replay(FOLDER, interpreter=options.interpreter, limit=options.images)
        tell(options.json, report, in_words(report))
        return 0 if report["passed"] else EXIT_GATE_FAILED
    opened = model(FOLDER, kernels=options.kernels, interpreter=options.interpreter)
    if options.check:
        found = opened.described()
        tell(
            options.json, found, [f"the bundle is complete; {found['interpreter']} {found['version']} opens its model"]
        )
        return 0
    return _benchmark(opened, options) if options.benchmark else opened


def _benchmark(opened: Opened, options: argparse.Namespace) -> int:
    import numpy as np

    from .opened import GOLDEN

    with np.load(FOLDER / GOLDEN) as golden:
        result = opened.benchmark(dict(golden), options.benchmark)
    words = (
        f"{result['interpreter']} {result['version']}, {result['kernels']} kernels, {result['invokes']} invokes: "
        f"median {result['median_us']} us, p95 {result['p95_us']} us, first {result['first_us']} us"
    )
    tell(options.json, result, [words])
    return 0


def tell(as_json: bool, content: Any, lines: Sequence[str]) -> None:
    """Print JSON, or lines for people."""
    sys.stdout.write((json.dumps(content) if as_json else "\n".join(lines)) + "\n")
    sys.stdout.flush()
