"""The bundle's model as compiled C: the library for this processor, called through ctypes; numpy is all it needs."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import EnvironmentFailure

GENERATED = "generated-c"
OWN = "c/own.so"
"""What c/build.sh makes on this machine."""

_CORTEX_A53 = "0xd03"


class GeneratedC:
    """The library; ``version`` names it. Not for two threads at a time."""

    package = GENERATED

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        entry = manifest.get("generated_c")
        if not entry:
            raise EnvironmentFailure("this bundle holds no generated C; make it where Zig is installed")
        path = library_of(folder)
        if path is None:
            raise EnvironmentFailure(f"the bundle holds no library for {platform.machine()}; run c/build.sh here")
        try:
            library = ctypes.CDLL(str(path))
            self._run = getattr(library, entry["function"])
            if entry["reset"]:
                getattr(library, entry["reset"])()  # another engine of this process may have left something
        except (OSError, AttributeError) as error:
            raise EnvironmentFailure(f"{path} cannot be loaded: {error}") from error
        self._input_bytes = [int(size) for size in entry["input_bytes"]]
        self._outputs = [np.zeros(int(one["elements"]), dtype=one["dtype"]) for one in entry["outputs"]]
        self._run.argtypes = (ctypes.c_void_p,) * (len(self._input_bytes) + len(self._outputs))
        self._run.restype = None
        self.version = f"{manifest['edgemnist']} ({path.stem})"

    def invoke(self, prepared: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model on its inputs and return its outputs, each of shape (elements,)."""
        contents = [np.ascontiguousarray(one) for one in prepared]
        assert [one.nbytes for one in contents] == self._input_bytes  # the manifest tells both
        self._run(*(one.ctypes.data for one in (*contents, *self._outputs)))
        return [one.copy() for one in self._outputs]


def library_of(folder: Path) -> Path | None:
    """Return the library for this processor, or None; one that was compiled on this machine comes first."""
    if (folder / OWN).is_file():
        return folder / OWN
    try:
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        information = ""
    name = processor(platform.machine(), struct.calcsize("P") * 8, information) if sys.platform == "linux" else ""
    path = folder / "c" / "lib" / f"{name}.so"
    return path if name and path.is_file() else None


def processor(machine: str, bits: int, information: str) -> str:
    """Return the library's name for a processor, empty where there is none.

    ``machine`` is uname's; ``bits`` are Python's: one of 32 may run under a kernel of 64. ``information``: that of
    /proc/cpuinfo.
    """
    if machine in ("armv7l", "armv8l", "aarch64") and bits == 32:
        return "armv7"
    if machine != "aarch64":
        return ""
    words = information.split()
    if "asimddp" in words:
        return "cortex-a76"
    return "cortex-a53" if _CORTEX_A53 in words else "cortex-a72"
