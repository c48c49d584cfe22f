"""The seam: what an emulator has to offer to run firmware.

An emulator gets an image built for the semihosting transport and all requests at once, and returns all answers. To add
one, add a module to this folder that defines ``EMULATORS``, a tuple of :class:`Emulator` instances.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edgemnist.mcu.boards import Board
from edgemnist.mcu.elf import ElfImage
from edgemnist.mcu.profile import InferenceProfile
from edgemnist.support.choices import unknown
from edgemnist.support.discovery import modules_of
from edgemnist.support.errors import MissingDependencyError

DEFAULT_TIMEOUT = 300.0
"""Seconds for one run of an emulator."""


@dataclass(frozen=True, eq=False)
class Emulation:
    """What an emulated board answered.

    ``answers``: the bytes it wrote. ``profiles``: executed blocks of the first inferences, empty where the emulator
    can't tell. ``ended``: True when the firmware ended by itself, without failure.
    """

    answers: bytes
    profiles: tuple[InferenceProfile, ...]
    ended: bool


class Emulator(ABC):
    """An emulated core. ``name`` is what ``--emulator`` takes; ``exact`` counts every instruction by its address."""

    name: str
    exact: bool

    @abstractmethod
    def refusal(self, board: Board) -> str | None:
        """Return None when the emulator takes a board, installed or not, else what it lacks."""

    @abstractmethod
    def missing(self, board: Board) -> str | None:
        """Return None when what emulates a board that it takes is installed, else how to install it."""

    def available(self, board: Board) -> str | None:
        """Return None when ``board`` can be emulated here, else the reason why not and the remedy."""
        return self.refusal(board) or self.missing(board)

    @abstractmethod
    def version(self) -> str:
        """Return the emulator's name and version."""

    @abstractmethod
    def run(
        self, elf: ElfImage, board: Board, requests: bytes, *, profiled: int = 0, timeout: float = DEFAULT_TIMEOUT
    ) -> Emulation:
        """Run an image from reset until it ends.

        :param requests: bytes that the firmware reads, then no more.
        :param profiled: of how many inferences to record what was executed.
        :param timeout: seconds.
        :raises RuntimeCrashedError: the core locked up or faulted without a word, or the image did not end in time.
        """


@functools.cache
def emulators() -> Mapping[str, Emulator]:
    """Return every emulator by name, installed or not; those that count exactly first."""
    modules = modules_of("edgemnist.mcu.emulators")
    found: list[Emulator] = [emulator for module in modules for emulator in getattr(module, "EMULATORS", ())]
    return MappingProxyType({one.name: one for one in sorted(found, key=lambda one: (not one.exact, one.name))})


def emulators_of(board: Board) -> tuple[str, ...]:
    """Return the names of the emulators that take a board."""
    return tuple(name for name, emulator in emulators().items() if emulator.refusal(board) is None)


def board_json(board: Board) -> dict[str, Any]:
    """Return a board as JSON values, the emulators that take it included."""
    return {**board.as_json(), "emulators": list(emulators_of(board)), "serial_firmware": board.uart is not None}


def choose_emulator(name: str, board: Board) -> Emulator:
    """Return an emulator by name; "auto" is the first that can run the board's firmware here.

    :raises InputError: no emulator of that name.
    :raises MissingDependencyError: it, or with "auto" every one, can't.
    """
    if name != "auto" and name not in emulators():
        raise unknown("emulator", name, ("auto", *emulators()))
    reasons = []
    for emulator in [emulators()[name]] if name != "auto" else emulators().values():
        reason = emulator.available(board)
        if reason is None:
            return emulator
        reasons.append(f"{emulator.name}: {reason}")
    raise MissingDependencyError(f"no emulator for {board.name} here: " + "; ".join(reasons))
