"""TFLM as an engine of ``edgemnist firmware build``: the sources, and the user's own TFLM checked."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgemnist.csource import array as carray
from edgemnist.csource.source import check_identifier
from edgemnist.support.errors import InputError, MissingDependencyError, UnsupportedModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import ModelKind, model_kind
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.tflm.net_program import io_bytes, net_files
from edgemnist.tflm.project import describe
from edgemnist.tflm.sources import MEASURE_REMEDY, header

INTERPRETER_HEADER = "tensorflow/lite/micro/micro_interpreter.h"

_THIRD_PARTY: Mapping[str, str] = {
    "flatbuffers/flatbuffers.h": "flatbuffers/include",
    "fixedpoint/fixedpoint.h": "gemmlowp",
}
"""Headers that TFLM's own include, and the folder below ``third_party/`` or TFLM's downloads that has them."""

_THIRD_PARTY_PLACES = ("third_party", "tensorflow/lite/micro/tools/make/downloads")

_INTERPRETER_SYMBOL = b"_ZN6tflite16MicroInterpreter15AllocateTensorsEv"
_CMSIS_NN_SYMBOL = b"_ZN6tflite21Register_CONV_2D_INT8Ev"

MACHINES: Mapping[int, str] = {40: "Arm", 62: "x86-64", 94: "Xtensa", 183: "AArch64", 243: "RISC-V"}
"""ELF machine numbers (``e_machine``) that a library may be for."""

COMPILE_FLAGS = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
"""For ``<net>.cc``, with a hosted C++ library's headers (no ``-ffreestanding``)."""

LINK_FLAGS = ("-nostartfiles", "--specs=nano.specs")
"""For arm-none-eabi-g++: TFLM needs memory and string functions and mathematics of the C library, but no start-up."""


@dataclass(frozen=True)
class TflmInstallation:
    """A TFLM that was found complete.

    ``includes``: folders for ``-isystem``, TFLM's own first. ``defines``: macros with which the library was built and
    the program has to be. ``machine``: the library's ELF machine number, see :data:`MACHINES`.
    """

    includes: tuple[Path, ...]
    library: Path
    defines: tuple[str, ...]
    machine: int


@dataclass(frozen=True)
class TflmProgram:
    """A ``.tflite`` on TFLM behind the interface of generated C.

    ``files`` by name: ``<net>.h`` (C), ``<net>.cc``, ``<net>_model.h`` and ``.c`` (the file as a C array, called
    ``array``) and ``<net>_model_tflm.h``; they are compiled with :data:`COMPILE_FLAGS` and what :func:`check_tflm`
    returns. ``io_bytes`` is the arena that the caller gives, ``arena_bytes`` the sizes that TFLM's own may have.
    """

    files: Mapping[str, str]
    array: str
    io_bytes: int
    arena_bytes: frozenset[int]


def tflm_program(
    model: TfliteModel,
    *,
    net: str = "net",
    preprocessing: Preprocessing | None = None,
) -> TflmProgram:
    """Return a model's program.

    :raises InputError: ``net`` can't stand in C.
    :raises ModelError: it is no int8 model with one input and output, or TFLM lacks an operator of it.
    :raises MissingDependencyError: TFLM's interpreter is not installed, so that the arena can't be measured.
    """
    check_identifier(net)
    kind = model_kind(model)
    if kind is not ModelKind.INT8:
        raise UnsupportedModelError(
            "the engine tflm does not take this model:",
            [f"it is a {kind.value} model; convert it with `edgemnist convert --int8`"],
        )
    model.input(), model.output()
    name = stem = f"{net}_model"
    source = describe(model, name=name, preprocessing=preprocessing, stem=stem)
    if source.measurement is None:
        raise MissingDependencyError(f"the arena for TFLM was not measured: {source.unmeasured}; {MEASURE_REMEDY}")
    array = carray.generate(model, name=name, preprocessing=preprocessing, stem=stem)
    files = {**net_files(source, net), source.header_name: header(source), **array}
    return TflmProgram(files, source.names.array, io_bytes(source), source.arena_bytes())


# --- the user's TFLM -------------------------------------------------------------------------------------------------


def check_tflm(include: Path, library: Path) -> TflmInstallation:
    """Return what a program needs to be compiled and linked with the user's TFLM.

    :param include: TFLM's source tree, or the include folder of a package: where ``tensorflow/`` is.
    :param library: ``libtensorflow-microlite.a``, built for the board's core.
    :raises InputError: headers are missing, or the library is none, or not TFLM; says which and the remedy.
    """
    includes = include_folders(include)
    content = _read_library(library)
    defines = ["TF_LITE_STATIC_MEMORY"]
    if _CMSIS_NN_SYMBOL in content:
        defines.append("CMSIS_NN")
    return TflmInstallation(includes, library, tuple(defines), _machine(content, library))


def include_folders(include: Path) -> tuple[Path, ...]:
    """Return the folders for ``-isystem``, TFLM's own first; parameter and errors as for :func:`check_tflm`."""
    if not (include / INTERPRETER_HEADER).is_file():
        raise InputError(
            f"--tflm-include {str(include)!r} has no {INTERPRETER_HEADER}; "
            "name the folder that holds tensorflow/, such as a checkout of tflite-micro" + _hint(include)
        )
    folders, missing = [include], []
    for wanted, folder in _THIRD_PARTY.items():
        places = [include, *(include / place / folder for place in _THIRD_PARTY_PLACES)]
        found = next((place for place in places if (place / wanted).is_file()), None)
        if found is None:
            missing.append(wanted)
        elif found not in folders:
            folders.append(found)
    if missing:
        raise InputError(
            f"--tflm-include {str(include)!r} lacks headers that TFLM's own include: {', '.join(missing)}; in a "
            "checkout of tflite-micro run `make -f tensorflow/lite/micro/tools/make/Makefile third_party_downloads`"
        )
    return tuple(folders)


def _hint(include: Path) -> str:
    for parent in include.resolve().parents:
        if (parent / INTERPRETER_HEADER).is_file():
            return f"; here that is {str(parent)!r}"
    return ""


def _read_library(library: Path) -> bytes:
    remedy = "give TFLM's static library for the board's core, libtensorflow-microlite.a"
    try:
        content = library.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read --tflm-lib {str(library)!r}: {error.strerror or error}; {remedy}") from error
    if content.startswith(b"!<thin>\n"):
        raise InputError(f"--tflm-lib {str(library)!r} is a thin archive, which only names its objects; {remedy}")
    if not content.startswith(b"!<arch>\n"):
        raise InputError(f"--tflm-lib {str(library)!r} is no static library; {remedy}")
    if _INTERPRETER_SYMBOL not in content:
        raise InputError(f"--tflm-lib {str(library)!r} does not hold tflite::MicroInterpreter; {remedy}")
    return content


def _machine(content: bytes, library: Path) -> int:
    """Return ``e_machine`` of the first object: archive members are 60 bytes of header, then content, padded to 2."""
    position = 8
    while position + 60 <= len(content):
        start = position + 60
        size = content[position + 48 : position + 58].strip()
        if content[start : start + 4] == b"\x7fELF":
            order = "<" if content[start + 5] == 1 else ">"
            return int(struct.unpack_from(order + "H", content, start + 18)[0])
        if not size.isdigit():
            break
        position = start + int(size) + int(size) % 2
    raise InputError(f"--tflm-lib {str(library)!r} holds no ELF object; build it with the board's cross compiler")
