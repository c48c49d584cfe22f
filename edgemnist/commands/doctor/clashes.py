"""Packages that do not go together, or are too old, and the command that mends each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgemnist.pi.targets import LITERT, TFLITE_RUNTIME
from edgemnist.runner.operator_versions import column_of

_LEGACY = "TF_USE_LEGACY_KERAS"
_TFMOT = "tensorflow-model-optimization"
_KERAS_2 = "tf-keras"
_CONDITION = re.compile(r"(>=|<=|==|!=|~=|<|>)\s*([\d.]+)")
_HOLDS = {
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


@dataclass(frozen=True)
class Clash:
    """What does not go together, with the versions that are here, and the command that mends it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Packages:
    """What is installed: versions and requirements by distribution, and the environment's variables."""

    versions: Mapping[str, str]
    requirements: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]


def installed_packages(names: Sequence[str], environment: Mapping[str, str]) -> Packages:
    """Return the named distributions that are installed, with every one that they require."""
    from importlib import metadata

    from edgemnist.support.files import package_versions

    here = package_versions(*names)
    requirements = {name: tuple(metadata.requires(name) or ()) for name in here}
    required = {_name(line) for lines in requirements.values() for line in lines}
    return Packages(package_versions(*sorted({*here, *required, "numpy"})), requirements, environment)


def find_clashes(packages: Packages) -> tuple[Clash, ...]:
    """Return every clash, those of numpy and Keras first, which no package declares."""
    return tuple({one.what: one for one in (*_numpy(packages), *_keras(packages), *_declared(packages))}.values())


def _numpy(packages: Packages) -> Iterator[Clash]:
    """An interpreter that was built for numpy 1 does not start with numpy 2, and says so nowhere."""
    numpy = packages.versions.get("numpy", "1")
    for name in (TFLITE_RUNTIME, LITERT):
        version = packages.versions.get(name)
        column = column_of(name, version) if version else None
        if column is not None and column.numpy_2 is False and _numbers(numpy) >= (2,):
            later = f", or take a later one: pip install --upgrade {name}" if name == LITERT else ""
            yield Clash(f"{name} {version} does not start with numpy {numpy}", f"pip install 'numpy<2'{later}")


def _keras(packages: Packages) -> Iterator[Clash]:
    """tensorflow-model-optimization wraps the layers of Keras 2, which TensorFlow 2.16 and later have as tf-keras."""
    tensorflow, keras = packages.versions.get("tensorflow"), packages.versions.get(_KERAS_2)
    tfmot = packages.versions.get(_TFMOT)
    if tensorflow is None or tfmot is None or _numbers(tensorflow) < (2, 16):
        return
    short = ".".join(tensorflow.split(".")[:2])
    if keras is None:
        yield Clash(
            f"{_TFMOT} {tfmot} can't wrap the layers of Keras 3, and TensorFlow {tensorflow} has no {_KERAS_2} here",
            f"pip install '{_KERAS_2}=={short}.*'",
        )
    elif _numbers(keras)[:2] != _numbers(tensorflow)[:2]:
        yield Clash(f"{_KERAS_2} {keras} is not for TensorFlow {tensorflow}", f"pip install '{_KERAS_2}=={short}.*'")
    chosen = packages.environment.get(_LEGACY)
    if chosen is not None and chosen.lower() not in ("1", "true"):
        yield Clash(
            f"{_LEGACY}={chosen} makes TensorFlow take Keras 3, whose layers {_TFMOT} {tfmot} can't wrap",
            f"unset {_LEGACY}",
        )


def _declared(packages: Packages) -> Iterator[Clash]:
    """What a package asks of one that is here in another version; what holds on some systems only is left out."""
    for owner, lines in packages.requirements.items():
        for line in lines:
            condition, _, marker = line.partition(";")
            name, marker = _name(condition), marker.strip()
            version = packages.versions.get(name)
            only_extra = re.fullmatch(r"extra == [\"'][\w-]+[\"']", marker) is not None
            if version is None or (marker and not (only_extra and owner == "edgemnist")):
                continue
            if not _fits(version, condition):
                wanted = condition.replace(" ", "")
                yield Clash(f"{owner} needs {wanted}, found {version}", f"pip install '{wanted}'")


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return "" if found is None else re.sub(r"[-_.]+", "-", found[0]).lower()


def _fits(version: str, requirement: str) -> bool:
    """Whether a version meets the conditions of a requirement that compare numbers; of others it is taken to."""
    numbers = _numbers(version)
    for sign, wanted in _CONDITION.findall(requirement):
        if sign == "~=":
            least = _numbers(wanted)
            if not (numbers >= least and numbers[: len(least) - 1] == least[:-1]):
                return False
        elif ".*" not in requirement and not _HOLDS[sign](*_padded(numbers, _numbers(wanted))):
            return False
    return True


def _padded(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)), other + (0,) * (length - len(other))


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with: (2, 21, 0) of 2.21.0rc1."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
