"""``classify.py``: pictures on the command line, benchmark, replay, HTTP."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgemnist.support.errors import (
    EXIT_BAD_INPUT,
    EXIT_ENVIRONMENT,
    EXIT_GATE_FAILED,
    EdgeMnistError,
    InputError,
)
from edgemnist.support.limits import PI_MAX_PICTURE_BYTES, PI_MAX_PIXELS

FOLDER = Path(__file__).resolve().parents[1]
_STDIN = Path("-")


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0; 1 replay differs; 2 bad input; 3 this machine."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ImportError as error:
        sys.stderr.write(
            f"classify.py: {error}; run install.sh and use .venv/bin/python, or install what the fitting file in "
            "requirements/ names\n"
        )
        return EXIT_ENVIRONMENT
    except EdgeMnistError as problem:
        sys.stderr.write(f"classify.py: {problem}\n")
        return problem.exit_code
    except MemoryError:
        sys.stderr.write("classify.py: this machine's memory does not suffice\n")
        return EXIT_ENVIRONMENT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classify.py", description="Classify pictures with the model of this bundle, on one thread."
    )
    parser.add_argument("pictures", nargs="*", help="image files, folders of them, or - for one image from stdin")
    parser.add_argument("--top", type=int, default=3, help="how many classes to print (default 3)")
    parser.add_argument("--invert", choices=("auto", "yes", "no"), default="auto", help="dark ink on bright ground")
    parser.add_argument("--kernels", choices=("default", "reference"), default="default", help="which kernels compute")
    parser.add_argument(
        "--interpreter", help="tflite-runtime, ai-edge-litert or generated-c; default: the one installed"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one line per picture")
    parser.add_argument("--benchmark", type=int, nargs="?", const=300, metavar="N", help="time N invokes (default 300)")
    parser.add_argument("--parity", action="store_true", help="replay the golden vectors; exit code 1 if they differ")
    parser.add_argument("--images", type=int, metavar="N", help="replay only the first N golden images")
    parser.add_argument("--check", action="store_true", help="verify the bundle's checksums and the interpreter")
    parser.add_argument("--serve", action="store_true", help="answer HTTP requests: POST /predict, GET /health")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: only this machine)"
    )
    parser.add_argument(
        "--allowed-host", action="append", default=[], metavar="NAME",
        help="with --serve: a name by which it may be asked beside this machine's own, or any",
    )  # fmt: skip
    parser.add_argument(
        "--api-key-file", type=Path, metavar="FILE", help="with --serve: keys, one a line, of which a request needs one"
    )
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default 8080; 0: any free one)")
    return parser


def _run(options: argparse.Namespace) -> int:
    for name, least in (("top", 1), ("benchmark", 1), ("images", 1), ("port", 0)):
        value = getattr(options, name)
        if value is not None and not least <= value <= 65535:
            raise InputError(f"--{name} is {value}; it has to be {least} to 65535")
    from .classifier import Classifier, read_manifest
    from .replay import in_words, replay

    if options.parity:
        read_manifest(FOLDER)
        report = replay(FOLDER, interpreter=options.interpreter, limit=options.images)
        _print(options.json, report, in_words(report))
        return 0 if report["passed"] else EXIT_GATE_FAILED
    classifier = Classifier(FOLDER, kernels=options.kernels, interpreter=options.interpreter)
    if options.check:
        found = classifier.described()
        _print(
            options.json, found, [f"the bundle is complete; {found['interpreter']} {found['version']} opens its model"]
        )
        return 0
    if options.benchmark:
        return _benchmark(classifier, options)
    if options.serve:
        from .service import access_settings, serve_classifier

        access = access_settings(options.host, options.allowed_host, options.api_key_file)
        return serve_classifier(classifier, options.host, options.port, access)
    return _classify(classifier, options)


def _benchmark(classifier: Any, options: argparse.Namespace) -> int:
    import numpy as np

    from .classifier import GOLDEN

    with np.load(FOLDER / GOLDEN) as golden:
        result = classifier.benchmark(golden["images"], options.benchmark)
    words = (
        f"{result['interpreter']} {result['version']}, {result['kernels']} kernels, {result['invokes']} invokes: "
        f"median {result['median_us']} us, p95 {result['p95_us']} us, first {result['first_us']} us"
    )
    _print(options.json, result, [words])
    return 0


def _classify(classifier: Any, options: argparse.Namespace) -> int:
    from edgemnist.data.images import SUFFIXES, decode_image

    if not options.pictures:
        raise InputError("no pictures given; name files or folders, or - to read one image from stdin")
    failed = 0
    for path in _files(options.pictures, sorted(SUFFIXES)):
        try:
            picture = decode_image(_content(path), str(path), PI_MAX_PIXELS)
            seen = classifier.look(picture, options.invert)
        except EdgeMnistError as problem:
            failed += 1
            sys.stderr.write(f"classify.py: {problem}\n")
            continue
        candidates = seen.best(options.top)
        result = {
            "file": str(path),
            "label": candidates[0].label,
            "index": candidates[0].index,
            "top": [one.as_json() for one in candidates],
            "microseconds": round(seen.microseconds, 1),
        }
        shown = ", ".join(f"{one.label} {100 * one.probability:.1f} %" for one in candidates)
        _print(options.json, result, [f"{path}: {shown} ({seen.microseconds:.0f} us)"])
    return EXIT_BAD_INPUT if failed else 0


def _files(names: Sequence[str], suffixes: Sequence[str]) -> Iterator[Path]:
    """Yield the files named, and of each folder the images below it, sorted."""
    for path in map(Path, names):
        if path != _STDIN and path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
            if not found:
                raise InputError(f"{path} holds no images ({', '.join(suffixes)})")
            yield from found
        else:
            yield path


def _content(path: Path) -> bytes:
    try:
        if path == _STDIN:
            content = sys.stdin.buffer.read(PI_MAX_PICTURE_BYTES + 1)
        elif path.exists() and not path.is_file():
            raise InputError(
                f"{path} is a named pipe, a device or the like; name a file, or - to read one image from stdin"
            )
        else:
            with path.open("rb") as file:
                content = file.read(PI_MAX_PICTURE_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > PI_MAX_PICTURE_BYTES:
        raise InputError(f"{path} is larger than {PI_MAX_PICTURE_BYTES >> 20} MB")
    if not content:
        raise InputError(f"{path} is empty")
    return content


def _print(as_json: bool, content: Any, lines: Sequence[str]) -> None:
    sys.stdout.write((json.dumps(content) if as_json else "\n".join(lines)) + "\n")
    sys.stdout.flush()
