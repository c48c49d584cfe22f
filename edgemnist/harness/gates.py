"""Gates: what a release has to hold, from options and from ``parity.toml``.

The file's keys are the options' names::

    min_accuracy = 98.5                   # percent, of every model in every runtime
    max_accuracy_drop = 0.5               # percentage points, against the float model
    require_exact = ["tflm", "host-c"]    # int8 bytes equal the oracle's

    [max_lsb]                             # int8 values may be off by so much
    litert-default = 1

    [max_latency_ratio]                   # the first may take so many times as long as the second
    "host-c/litert-default" = 1.0

    [firmware]                            # bytes, and instructions of one inference, on the report's board
    max_flash = 65536
    max_arena = 20000
    max_stack = 2048
    max_instructions = 3000000
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.harness.runtimes import ORACLES
from edgemnist.runner.registry import find_runtime
from edgemnist.support import toml
from edgemnist.support.choices import nearest
from edgemnist.support.errors import InputError
from edgemnist.support.reading import require_file

GATES_FILE = "parity.toml"
_MOST_BYTES = 1 << 20
_FIRMWARE = "firmware"


@dataclass(frozen=True)
class FirmwareGates:
    """Limits of a firmware: bytes of flash, arena and used stack, and instructions of one inference, the mean."""

    max_flash: int | None = None
    max_arena: int | None = None
    max_stack: int | None = None
    max_instructions: int | None = None

    @property
    def given(self) -> dict[str, int]:
        """The limits that there are."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Gates:
    """The checks to make.

    ``min_accuracy``: percent, of every model in the runtime in which it does worst. ``max_accuracy_drop``: percentage
    points, float reference less converted model. ``require_exact``: runtimes whose outputs and logits must equal the
    oracle's byte for byte, for every int8 model; for the oracle itself, its second witness must equal it. ``max_lsb``:
    by runtime how far its int8 outputs and logits may be from the oracle's. ``max_latency_ratio``: by pair of runtimes
    how many times as long the first may take as the second. ``source``: the file that some are from, "" without one.
    """

    min_accuracy: float | None = None
    max_accuracy_drop: float | None = None
    require_exact: tuple[str, ...] = ()
    max_lsb: Mapping[str, int] = dataclasses.field(default_factory=dict)
    max_latency_ratio: Mapping[tuple[str, str], float] = dataclasses.field(default_factory=dict)
    firmware: FirmwareGates = FirmwareGates()
    source: str = ""

    @property
    def of_runtimes(self) -> bool:
        """Whether there is a gate that a parity run decides."""
        return dataclasses.replace(self, firmware=FirmwareGates(), source="") != Gates()

    def needed_runtimes(self) -> tuple[str, ...]:
        """Return the runtimes that have to run for the gates to be decided.

        :raises InputError: an unknown runtime.
        """
        compared = [*self.require_exact, *self.max_lsb]
        timed = [name for pair in self.max_latency_ratio for name in pair]
        for name in (*compared, *timed):
            find_runtime(name)
        return tuple(dict.fromkeys([*compared, *(ORACLES if compared else ()), *timed]))

    def as_json(self) -> dict[str, Any]:
        """Return the gates that there are, as the file has them."""
        ratios = {"/".join(pair): limit for pair, limit in self.max_latency_ratio.items()}
        every = {**dataclasses.asdict(self), "max_latency_ratio": ratios, _FIRMWARE: self.firmware.given}
        return {name: value for name, value in every.items() if value not in (None, (), {}, "")}

    def over(self, other: Gates) -> Gates:
        """Return these gates and what only ``other`` has; runtimes and pairs are taken one by one."""
        mine = {name: value for name, value in vars(self).items() if value not in (None, (), {}, "")}
        mine |= {name: {**getattr(other, name), **getattr(self, name)} for name in ("max_lsb", "max_latency_ratio")}
        mine["require_exact"] = tuple(dict.fromkeys([*other.require_exact, *self.require_exact]))
        mine["firmware"] = dataclasses.replace(other.firmware, **self.firmware.given)
        return dataclasses.replace(other, **mine)


def gates_from(values: Mapping[str, Any], file: Path | None) -> Gates:
    """Return what options and a file ask for; an option goes before the file.

    :param values: options by the names of the file's keys; ``max_lsb`` and ``max_latency_ratio`` are lists of
        ``RUNTIME=LSB`` and ``RUNTIME/OTHER=RATIO``. None: not given.
    :param file: where it is None, ``parity.toml`` of the current folder, should there be one.
    :raises InputError: a value or a key that is none, an unknown runtime, a file that can't be read.
    """
    given = {name: value for name, value in values.items() if value is not None}
    limits = {field.name: given.pop(field.name) for field in dataclasses.fields(FirmwareGates) if field.name in given}
    for name in ("max_lsb", "max_latency_ratio"):
        if name in given:
            given[name] = dict(_pair(name, text) for text in given[name])
    given |= {_FIRMWARE: limits} if limits else {}
    named = _read(given, lambda name: f"--{name.rpartition('.')[2].replace('_', '-')}")
    found = Path(GATES_FILE) if file is None and Path(GATES_FILE).is_file() else file
    return named if found is None else named.over(read_gates(found))


def read_gates(path: Path) -> Gates:
    """Return the gates of a file.

    :raises InputError: says where it is wrong, and what it may have.
    """
    try:
        require_file(path, _MOST_BYTES)
        content = toml.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the gates {str(path)!r}: {error.strerror}; name a file that is there") from error
    except (toml.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no TOML: {error}; mend it, `key = value` a line") from error
    found = _read(content, lambda name: f"{str(path)!r}: {name}")
    if not found.as_json():
        raise InputError(f"{str(path)!r} has no gate; it may have {', '.join(_READERS)}")
    return dataclasses.replace(found, source=str(path))


def _pair(name: str, text: str) -> tuple[str, float]:
    """Return ``NAME=NUMBER`` in two."""
    subject, equals, number = text.partition("=")
    try:
        return subject.strip(), float(number) if "." in number or not equals else int(number)
    except ValueError:
        form = "RUNTIME=LSB, such as litert-default=1" if name == "max_lsb" else "host-c/litert-default=1.0"
        raise InputError(f"--{name.replace('_', '-')} {text!r} is not of the form {form}") from None


Where = Callable[[str], str]
"""How a message calls a key: an option, or a place in a file."""


def _read(content: Mapping[str, Any], where: Where) -> Gates:
    _known(content, _READERS, where)
    return Gates(**{name: _READERS[name](name, value, where) for name, value in content.items()})


def _known(content: Mapping[str, Any], known: Iterable[str], where: Where, prefix: str = "") -> None:
    for name in content:
        if name not in known:
            guesses = nearest(name, known, {})
            hint = f"; did you mean {guesses[0]}?" if guesses else ""
            raise InputError(f"{where(prefix + name)} is no gate; known: {', '.join(known)}{hint}")


def _number(name: str, value: Any, where: Where, least: float = 0, most: float = math.inf) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or value == math.inf:
        allowed = f"{least:g} to {most:g}" if most < math.inf else f"{least:g} or more"
        raise InputError(f"{where(name)} is {value!r}; it has to be a number, {allowed}")
    return float(value)


def _percent(name: str, value: Any, where: Where) -> float:
    return _number(name, value, where, 0, 100)


def _points(name: str, value: Any, where: Where) -> float:
    """Return percentage points lost; fewer than none are gained."""
    return _number(name, value, where, -100, 100)


def _whole(name: str, value: Any, where: Where) -> int:
    if _number(name, value, where) % 1:
        raise InputError(f"{where(name)} is {value!r}; it has to be a whole number")
    return int(value)


def _table(name: str, value: Any, where: Where) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where(name)} is {value!r}; it has to be a table: [{name}] on a line of its own")
    return value


def _runtimes(name: str, value: Any, where: Where) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(one, str) for one in names):
        raise InputError(f'{where(name)} is {value!r}; it has to be a list of runtimes, such as ["tflm", "host-c"]')
    for one in names:
        find_runtime(one)
    return tuple(dict.fromkeys(names))


def _by_runtime(name: str, value: Any, where: Where) -> dict[str, int]:
    table = _table(name, value, where)
    for one in table:
        find_runtime(one)
    return {one: _whole(f"{name}.{one}", number, where) for one, number in table.items()}


def _by_pair(name: str, value: Any, where: Where) -> dict[tuple[str, str], float]:
    found = {}
    for pair, number in _table(name, value, where).items():
        first, slash, second = (part.strip() for part in pair.partition("/"))
        if not slash or first == second:
            raise InputError(f"{where(name)}: {pair!r} is no pair of runtimes, such as host-c/litert-default")
        find_runtime(first), find_runtime(second)
        found[first, second] = _number(f"{name}.{pair}", number, where)
    return found


def _firmware(name: str, value: Any, where: Where) -> FirmwareGates:
    table = _table(name, value, where)
    _known(table, [field.name for field in dataclasses.fields(FirmwareGates)], where, f"{name}.")
    return FirmwareGates(**{one: _whole(f"{name}.{one}", number, where) for one, number in table.items()})


_READERS: Mapping[str, Callable[[str, Any, Where], Any]] = {
    "min_accuracy": _percent,
    "max_accuracy_drop": _points,
    "require_exact": _runtimes,
    "max_lsb": _by_runtime,
    "max_latency_ratio": _by_pair,
    _FIRMWARE: _firmware,
}
