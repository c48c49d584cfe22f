"""The content of a bundle, file by file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from edgemnist.pi.bundle.opened import LAUNCHERS
from edgemnist.pi.bundle_ends import ends_told, network_words
from edgemnist.pi.bundle_programs import program_files
from edgemnist.pi.generated import BUILD_SCRIPT, Generated
from edgemnist.pi.golden import Golden, GoldenVectors
from edgemnist.pi.targets import TARGETS, UNSUPPORTED, Interpreter, Target
from edgemnist.pi.wheels import locked_requirements
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import pixel_table
from edgemnist.tflite.preprocessing import OutputKind

MANIFEST = "manifest.json"
MANIFEST_KIND = "edgemnist Raspberry Pi bundle"
CHECKSUMS = "SHA256SUMS"
WHEELS = "wheels"
EXECUTABLES = (*LAUNCHERS, "install.sh", BUILD_SCRIPT)
TEMPLATES = Path(__file__).with_name("bundle")
_UNIT = "edgemnist-classify.service"
_OUTPUT_WORDS = {
    OutputKind.PROBABILITIES: "one probability for each class",
    OutputKind.SCORES: "one score for each class, of which `classify.py` takes the softmax",
    OutputKind.ONE_PROBABILITY: "the probability of the second of two classes",
    OutputKind.ONE_SCORE: "a score of the second of two classes, of which `classify.py` takes the sigmoid",
    OutputKind.UNKNOWN: "one value for each class, of which `classify.py` takes the softmax unless they sum to 1",
}
_WITH_C = """`generated-c` is the model as compiled C in `c/lib/`, which needs numpy alone. `c/build.sh` compiles it on
this machine with gcc (`sudo apt install gcc libc6-dev`); `$program` then takes that."""
_WITHOUT_C = "This bundle does not have the model as C, which is what `generated-c` would be."
_LAUNCHER = Template(
    '''#!/usr/bin/env python3
"""$does with the model of this bundle: python3 $program --help."""

import sys

try:
    from edgemnist_pi.$module import main
except (ImportError, SyntaxError) as error:
    sys.stderr.write("$program: the bundle is damaged or half copied (%s); copy it again\\n" % error)
    sys.exit(3)

sys.exit(main(sys.argv[1:]))
'''
)
_CLASSIFY = {"program": "classify.py", "module": "command", "does": "Classify pictures"}
_RUN = {"program": "run.py", "module": "run", "does": "Compute outputs of arrays"}
"""What stands in the launcher of a classifier, and of another network."""


def bundle_files(golden: Golden, generated: Generated) -> dict[str, bytes]:
    """Return every file of a bundle but its wheels by name, checksums included; the same input gives the same bytes."""
    programs = {name: path.read_bytes() if path else b"" for name, path in program_files().items()}
    files = {**programs, "install.sh": (TEMPLATES / "install.sh").read_bytes()}
    launcher = _CLASSIFY if isinstance(golden, GoldenVectors) else _RUN
    files[launcher["program"]] = _LAUNCHER.substitute(launcher).encode()
    files.update(generated.files)
    files["model.tflite"] = golden.tflite.content
    files["golden.npz"] = golden.npz()
    if isinstance(golden, GoldenVectors):
        files[_UNIT] = (TEMPLATES / _UNIT).read_bytes()
        files["labels.txt"] = ("\n".join(golden.context.preprocessing.class_names) + "\n").encode()
    files[MANIFEST] = (json.dumps(_manifest(golden, generated), indent=1, ensure_ascii=False) + "\n").encode()
    files["README.md"] = _readme(golden, generated).encode()
    files.update({f"requirements/{name}": text.encode() for name, text in _requirements()})
    files[CHECKSUMS] = checksums(files)
    return dict(sorted(files.items()))


def checksums(files: Mapping[str, bytes]) -> bytes:
    """Return the SHA-256 of every file in the form that ``sha256sum --check`` reads."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return "".join(lines).encode()


def _manifest(golden: Golden, generated: Generated) -> dict[str, Any]:
    model = golden.tflite
    about = _of_the_classifier(golden) if isinstance(golden, GoldenVectors) else ends_told(model)
    return {
        "format": 1,
        "kind": MANIFEST_KIND,
        "edgemnist": VERSION,
        "model": {"sha256": model.sha256, "bytes": model.size, "kind": golden.model.kind.value},
        **about,
        "generated_c": dict(generated.entry),
        "expected": [one.as_json() for one in golden.expected],
    }


def _of_the_classifier(golden: GoldenVectors) -> dict[str, Any]:
    """Return what becomes of a picture, and what the output says of it."""
    model, known = golden.tflite, golden.context.preprocessing
    output = model.output().quantisation
    return {
        "dataset": golden.context.title,
        "framed_as": "" if golden.context.is_of_the_users_files else golden.context.dataset,
        "class_names": list(known.class_names),
        "image_shape": list(known.image_shape),
        "preprocessing": known.as_json(),
        "input": {"dtype": model.input().dtype, "pixel_table": _pixel_table(golden, model.input())},
        "output": {
            "scale": output.scale if output else None,
            "zero_point": output.zero_point if output else None,
        },
    }


def _pixel_table(golden: GoldenVectors, tensor: TensorInfo) -> list[int] | list[float]:
    """Return what the model's input holds for each pixel value 0..255, or for each value and channel."""
    known = golden.context.preprocessing
    # A float32 written as a double and read back is the same float32.
    values: list[int] | list[float] = pixel_table(tensor, known.normalisation, inverted=known.inverted).tolist()
    return values


def _requirements() -> Iterator[tuple[str, str]]:
    """Yield the files in ``requirements/``: per target its default interpreter's, and each interpreter's by name."""
    for target in TARGETS.values():
        yield f"{target.name}.txt", _requirements_text(target, target.interpreter())
        for interpreter in target.interpreters:
            yield f"{target.name}.{interpreter.package}.txt", _requirements_text(target, interpreter)
    yield "UNSUPPORTED", "".join(f"{name}: {reason}\n" for name, reason in UNSUPPORTED.items())


def _requirements_text(target: Target, interpreter: Interpreter) -> str:
    major, minor = target.release.python
    lines = [f"# system: {target.name}", f"# python: {major}.{minor}", f"# why: {interpreter.reason}"]
    if target.debian_packages:
        lines.append(f"# debian: {' '.join(target.debian_packages)}")
    return "\n".join([*lines, locked_requirements(target, interpreter)])


def _readme(golden: Golden, generated: Generated) -> str:
    model = golden.tflite
    rows = [f"| {target.name} | {one.reason} |" for target in TARGETS.values() for one in target.interpreters]
    if isinstance(golden, GoldenVectors):
        template, program, about = "README.md", _CLASSIFY["program"], _classifier_words(golden)
    else:
        template, program, about = "network.md", _RUN["program"], network_words(model)
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(
        about,
        kind=golden.model.kind.value,
        bytes=f"{model.size:,}",
        generated=Template(_WITH_C).substitute(program=program) if generated.files else _WITHOUT_C,
        version=VERSION,
        targets="\n".join(rows),
        unsupported="\n".join(f"- {name}: {reason}" for name, reason in UNSUPPORTED.items()),
        images=len(golden),
        expected="\n".join(f"- {one.as_json()['from']}: {one.required}" for one in golden.expected),
    )


def _classifier_words(golden: GoldenVectors) -> dict[str, object]:
    known = golden.context.preprocessing
    height, width, channels = known.image_shape
    return {
        "title": f"A classifier of {golden.context.title or 'pictures'}",
        "classes": len(known.class_names),
        "fed": known.in_words(),
        "outputs": _OUTPUT_WORDS[known.output],
        "shape": f"{width} x {height} pixels in {channels} {'channel' if channels == 1 else 'channels'}",
    }
