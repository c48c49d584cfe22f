"""``classify.py``: pictures on the command line, benchmark, replay, HTTP."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgemnist.support.errors import EXIT_BAD_INPUT, EdgeMnistError, InputError
from edgemnist.support.limits import PI_MAX_PICTURE_BYTES, PI_MAX_PIXELS

from .shared import add_options, check_numbers, guarded, proved, tell

_STDIN = Path("-")


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0; 1 replay differs; 2 bad input; 3 this machine."""
    return guarded("classify.py", lambda: _run(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classify.py", description="Classify pictures with the model of this bundle, on one thread."
    )
    parser.add_argument("pictures", nargs="*", help="image files, folders of them, or - for one image from stdin")
    parser.add_argument("--top", type=int, default=3, help="how many classes to print (default 3)")
    parser.add_argument("--invert", choices=("auto", "yes", "no"), default="auto", help="dark ink on bright ground")
    add_options(parser, "print JSON, one line per picture")
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
    check_numbers(options, (("top", 1), ("port", 0)))
    from .classifier import Classifier

    classifier = proved(options, Classifier)
    if isinstance(classifier, int):
        return classifier
    if options.serve:
        from .service import access_settings, serve_classifier

        access = access_settings(options.host, options.allowed_host, options.api_key_file)
        return serve_classifier(classifier, options.host, options.port, access)
    return _classify(classifier, options)


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
        tell(options.json, result, [f"{path}: {shown} ({seen.microseconds:.0f} us)"])
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
