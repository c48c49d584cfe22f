#!/usr/bin/env python3
"""Run every two commands of edgemnist side by side and count the pairs of which one is not right.

    .venv/bin/python scripts/side_by_side.py [--json] [--only NAME ...] [--part I/N] [--apart]

A tiny net is trained and converted once. Then, for every ordered pair of commands, the second starts half-way through
the first, in the same work folder (with --apart in another one, so that only caches are shared). A pair is right if
each command ends as alone, before or after the other, with the same files, records and output; or if it is refused with
what is in its way and the other is right. It takes 45 minutes on two cores, a third for what each command comes to
alone; --part 3/10 runs the third of ten parts: pairs of all commands, and that third again.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
FIT = ("--epochs", "1", "--batch", "32", "--work", "w", "--json")
WORK = ("--work", "w", "--json")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "--dataset", "strokes.npz", "--arch", "dense", "--seed", "7", *FIT),
    "prune": ("prune", *FIT),
    "convert": ("convert", "--int8", "--float32", "--io", "float32", *WORK),
    "evaluate": ("evaluate", *WORK),
    "parity": ("parity", "--runtime", "tflite-runtime-default", "--runtime", "host-c", *WORK),
    "inspect": ("inspect", *WORK),
    "predict": ("predict", "picture.png", *WORK),
    "codegen": ("codegen", "--out", "code", *WORK),
    "codegen-m4": ("codegen", "--target", "cortex-m4", "--out", "code", *WORK),
    "codegen-counted": ("codegen", "--target", "cortex-m4", "--count-layers", "--out", "code", *WORK),
    "firmware-build": ("firmware", "build", "--board", "microbit", *WORK),
    "firmware-run": ("firmware", "run", "--board", "mps2-an386", "--out", "w/firmware/microbit", *WORK),
    "firmware-package": ("firmware", "package", "--for", "arduino", "--out", "package.zip", *WORK),
    "deploy-pi": ("deploy", "pi", "--out", "pi", *WORK),
    "deploy-android": ("deploy", "android", "--out", "android", *WORK),
}
MAKERS = ("train", "prune", "convert")
"""The commands after which others work on other models."""

REFUSED = re.compile(
    r"where another command makes a model: process \d+ \(`edgemnist |was replaced by another command|"
    r"were not made from the newest|is not the one that|is not an empty folder"
)
_CHANGING = re.compile(r"\.elf$|history\.csv$|curves\.png$")
"""Files that differ from time to time: they name the build's temporary folder, or tell times."""

_VOLATILE = re.compile(r"seconds|per_second|latency|memory|rss_bytes|stolen_share|_us$|_ms$|invoke|load|path")


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, its JSON without times, and what it said on stderr."""

    code: int
    output: str
    said: str


@dataclass(frozen=True)
class Variant:
    """What a command may come to: its output, and the files and records that it leaves, by their digests."""

    output: str
    left: Mapping[str, str]


@dataclass
class Known:
    """What there was, and what commands come to, one after the other; ``seconds`` is how long each takes."""

    base: Mapping[str, str]
    variants: dict[str, list[Variant]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def start(name: str, place: Path) -> subprocess.Popen[str]:
    """Start a command in a place, the folder around its work folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "edgemnist", *COMMANDS[name]], cwd=place, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip


def finish(process: subprocess.Popen[str], place: Path) -> Ending:
    """Wait for a command that was started in a place and return how it ended."""
    output, said = process.communicate()
    return Ending(process.returncode, _digest_of_json(output, place), said)


def state(place: Path) -> dict[str, str]:
    """Return the digests of all files by their names, and those of the manifest's records."""
    found: dict[str, str] = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if not path.is_file() or _CHANGING.search(name):
            continue
        if path.name == "manifest.json" and path.parent.name == "w":
            records = json.loads(path.read_text())["stages"]
            found |= {
                f"record {stage}": _digest_of_json(json.dumps(record), place) for stage, record in records.items()
            }
        elif path.suffix == ".json":
            found[name] = _digest_of_json(path.read_text(), place)
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _digest_of_json(text: str, place: Path) -> str:
    """Return a digest of JSON without the place, times, and digests of files that have some."""
    try:
        content = _steady(json.loads(text.replace(str(place.resolve()), "PLACE")))
    except ValueError:
        content = text
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _steady(content: Any) -> Any:
    if isinstance(content, dict):
        kept = {key: value for key, value in content.items() if not _VOLATILE.search(key)}
        return {key: "" if key.endswith((".json", ".png")) else _steady(value) for key, value in kept.items()}
    return [_steady(one) for one in content] if isinstance(content, list) else content


def learn(base: Path, names: Sequence[str], scratch: Path, jobs: int, *, apart: bool = False) -> Known:
    """Run each command alone and, but for folders apart, after each maker; return what they come to.

    ``jobs`` of them run at the same time.
    """
    known = Known(state(base))
    sequences = [[name] for name in names]
    if not apart:
        sequences += [[maker, name] for maker in MAKERS for name in names if maker in names]
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda sequence: learn_sequence(known, base, sequence, scratch), sequences))
    return known


def learn_sequence(known: Known, base: Path, names: Sequence[str], scratch: Path) -> None:
    """Run commands one after the other and note what each comes to."""
    place = Path(shutil.copytree(base, scratch / f"learn {' '.join(names)}"))
    before = known.base
    for name in names:
        begin = time.monotonic()
        ending, after = finish(start(name, place), place), state(place)
        known.seconds.setdefault(name, time.monotonic() - begin)
        if ending.code == 0:
            left = {key: digest for key, digest in after.items() if before.get(key) != digest}
            known.variants.setdefault(name, []).append(Variant(ending.output, left))
        elif len(names) == 1 or not REFUSED.search(ending.said):
            raise AssertionError(f"{names}: {ending}")
        before = after
    shutil.rmtree(place)


def wrong(known: Known, names: Sequence[str], endings: Sequence[Ending], after: Mapping[str, str]) -> list[str]:
    """Return what is not right of commands that ran side by side in one folder."""
    problems = [f"left over: {name}" for name in after if ".partial-" in name or name.endswith(".lock")]
    fitting: list[list[Variant]] = []
    for name, ending in zip(names, endings, strict=True):
        if ending.code == 0:
            fitting.append([one for one in known.variants[name] if one.output == ending.output])
            if not fitting[-1]:
                problems.append(f"{name} says something else than alone")
        elif ending.code != 2 or not REFUSED.search(ending.said):
            problems.append(f"{name} ended with {ending.code}: {ending.said.strip()[-300:]}")
    if not problems and not any(_is(known, after, chosen) for chosen in itertools.product(*fitting)):
        problems.append(f"files or records of no order: {', '.join(_strange(known, names, after)) or 'mixed'}")
    return problems


def _strange(known: Known, names: Sequence[str], after: Mapping[str, str]) -> list[str]:
    """Return the names of files and records that none of the commands leaves so."""
    variants = [known.base, *(variant.left for name in names for variant in known.variants[name])]
    usual = {item for one in variants for item in one.items()}
    return sorted(key for key, digest in after.items() if (key, digest) not in usual)


def _is(known: Known, after: Mapping[str, str], chosen: Sequence[Variant]) -> bool:
    """Whether a state is the base with what these variants left, in any order."""
    orders = itertools.permutations({id(one): one.left for one in chosen}.values())
    for order in orders:
        expected = dict(known.base)
        for left in order:
            expected |= left
        if expected == after:
            return True
    return False


def side_by_side(known: Known, base: Path, names: Sequence[str], scratch: Path, *, apart: bool = False) -> list[str]:
    """Run commands, each from half-way through the one before on; return what is not right."""
    folders = [scratch / f"{' '.join(names)} {number if apart else 0}" for number in range(len(names))]
    places = [folder if folder.exists() else Path(shutil.copytree(base, folder)) for folder in folders]
    processes = []
    for name, place in zip(names, places, strict=True):
        processes.append(start(name, place))
        time.sleep(known.seconds.get(name, 0.0) / 2)
    endings = [finish(process, place) for process, place in zip(processes, places, strict=True)]
    if apart:
        each = zip(names, endings, places, strict=True)
        found = [problem for name, ending, place in each for problem in _alone(known, name, ending, state(place))]
    else:
        found = wrong(known, names, endings, state(places[0]))
    for place in set(places):
        shutil.rmtree(place)
    return found


def _alone(known: Known, name: str, ending: Ending, after: Mapping[str, str]) -> list[str]:
    if ending.code:
        return [f"{name} ended with {ending.code}: {ending.said.strip()[-300:]}"]
    same = [one for one in known.variants[name] if one.output == ending.output and _is(known, after, [one])]
    return [] if same else [f"{name}: other files, records or output than alone"]


def make_base(base: Path) -> None:
    """Make a folder with strokes, a picture, and a work folder in which a tiny net was trained and converted."""
    sys.path.insert(0, str(REPOSITORY))
    from PIL import Image

    from tests.training.strokes import draw, write_npz

    base.mkdir()
    write_npz(base / "strokes.npz")
    Image.fromarray(draw(1, 5)[0][0]).save(base / "picture.png")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    for command in (
        ("train", "--dataset", "strokes.npz", "--arch", "dense", "--epochs", "3", "--batch", "32", *WORK),
        ("convert", "--int8", "--float32", *WORK),
    ):
        subprocess.run([sys.executable, "-m", "edgemnist", *command], cwd=base, env=environment, check=True,
                       capture_output=True)  # fmt: skip


def pairs_of(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every ordered pair, each command with itself included."""
    return ((first, second) for first in names for second in names)


def part(given: str) -> slice:
    """Return which pairs "I/N" stands for: the I-th and every N-th after it."""
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", given)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"{given!r} is no part such as 3/10")
    return slice(int(found[1]) - 1, None, int(found[2]))


def main() -> None:
    """Run all pairs and print how many were tried and how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--part", type=part, default=slice(None), metavar="I/N", help="one of N parts of the pairs")
    parser.add_argument("--apart", action="store_true", help="each command in a work folder of its own")
    parser.add_argument("--jobs", type=int, default=2, help="pairs at the same time; all share the caches")
    given = parser.parse_args()
    failed: dict[str, list[str]] = {}
    pairs = list(pairs_of(given.only))[given.part]
    needed = [name for name in given.only if any(name in pair for pair in pairs)]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(given.jobs) as pool:
        scratch, base = Path(name), Path(name) / "base"
        make_base(base)
        known = learn(base, needed, scratch, given.jobs, apart=given.apart)
        found = pool.map(lambda pair: side_by_side(known, base, pair, scratch, apart=given.apart), pairs)
        for number, (pair, problems) in enumerate(zip(pairs, found, strict=True), 1):
            told = f"{number}/{len(pairs)} {' + '.join(pair)}: {'; '.join(problems) or 'right'}"
            print(told, file=sys.stderr, flush=True)  # noqa: T201
            if problems:
                failed[" + ".join(pair)] = problems
    if given.json:
        print(json.dumps({"tried": len(pairs), "failed": failed}, indent=2))  # noqa: T201
    else:
        print(f"{len(pairs)} pairs tried, {len(failed)} failed")  # noqa: T201
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
