"""What is in a linked image: the bytes to load, the symbols, and where the bytes go by section and by layer."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.errors import MissingDependencyError

_THUMB_BIT = 1
_HEX_BYTES = 16
_LAYER = re.compile(r"^net_(step|[a-z_]+)_(\d+)(\.\w+)*$")
INSTALL = "pip install 'edgemnist[mcu]'"


@dataclass(frozen=True)
class Symbol:
    """A function or object: its first address (Thumb bit removed), size in bytes, and which of the two it is."""

    name: str
    address: int
    size: int
    function: bool


@dataclass(frozen=True)
class Section:
    """A section that takes memory: ``loaded`` ones are in flash too."""

    name: str
    address: int
    size: int
    loaded: bool


@dataclass(frozen=True, eq=False)
class ElfImage:
    """A linked image. ``segments``: (load address, bytes); ``symbols`` by name.

    ``sources``: what each object that depends on the model says it was compiled from, see ``firmware/app/sources.h``.
    """

    path: Path
    segments: Sequence[tuple[int, bytes]]
    symbols: Mapping[str, Symbol]
    sections: Sequence[Section]
    sources: Sequence[str]

    @functools.cached_property
    def _functions(self) -> list[Symbol]:
        return sorted((one for one in self.symbols.values() if one.function), key=lambda one: one.address)

    def function_at(self, address: int) -> Symbol | None:
        """Return the function that an address lies in."""
        index = bisect.bisect_right(self._functions, address & ~_THUMB_BIT, key=lambda one: one.address) - 1
        found = self._functions[index] if index >= 0 else None
        return found if found and address < found.address + max(found.size, 2) else None

    def layer_entries(self) -> dict[int, int]:
        """Return each layer's index by the address of its function."""
        found = {}
        for name, symbol in self.symbols.items():
            match = _LAYER.match(name)
            if match and match[1] == "step" and symbol.function:
                found[symbol.address] = int(match[2])
        return found

    def place(self, address: int) -> str:
        """Return an address for people: hexadecimal, with the function and the offset in it where one is there."""
        found = self.function_at(address)
        return f"0x{address:08x}" + (f" in {found.name}+{address - found.address}" if found else "")

    def code(self, address: int, size: int) -> bytes:
        """Return the image's bytes at an address in flash; fewer than ``size`` where the image ends."""
        for start, content in self.segments:
            if start <= address < start + len(content):
                return content[address - start : address - start + size]
        return b""

    def binary(self) -> bytes:
        """Return the flash content from the lowest address on, gaps filled with 0xff as erased flash is."""
        start = min(address for address, _ in self.segments)
        end = max(address + len(content) for address, content in self.segments)
        image = bytearray(b"\xff" * (end - start))
        for address, content in self.segments:
            image[address - start : address - start + len(content)] = content
        return bytes(image)

    def intel_hex(self) -> str:
        """Return the flash content in Intel's hexadecimal object format (1988), which many boards take as a file."""
        lines = []
        for start, content in self.segments:
            page, address, end = -1, start, start + len(content)
            while address < end:
                if address >> 16 != page:
                    page = address >> 16
                    lines.append(_hex_record(0, 4, page.to_bytes(2, "big")))
                # Up to the next multiple of the record's size, so that none runs over a 64 KiB border.
                size = min(_HEX_BYTES - address % _HEX_BYTES, end - address)
                lines.append(_hex_record(address & 0xFFFF, 0, content[address - start : address - start + size]))
                address += size
        return "\n".join([*lines, _hex_record(0, 1, b"")]) + "\n"

    def map(self) -> str:
        """Return sections and symbols by address, one a line, as text."""
        lines = ["section              address        size"]
        lines += [f"{one.name:20} 0x{one.address:08x} {one.size:9}" for one in self.sections]
        lines += ["", "address         size  kind      symbol"]
        for symbol in sorted(self.symbols.values(), key=lambda one: (one.address, one.name)):
            kind = "function" if symbol.function else "object"
            lines.append(f"0x{symbol.address:08x} {symbol.size:9}  {kind:8}  {symbol.name}")
        return "\n".join(lines) + "\n"


def _hex_record(address: int, kind: int, data: bytes) -> str:
    record = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return f":{record.hex()}{-sum(record) & 0xFF:02x}".upper()


def read_elf(path: Path) -> ElfImage:
    """Read a linked image.

    :raises MissingDependencyError: pyelftools is not installed.
    """
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise MissingDependencyError(f"pyelftools is not installed; install it with: {INSTALL}") from error
    with path.open("rb") as file:
        elf = ELFFile(file)
        loads = [one for one in elf.iter_segments() if one["p_type"] == "PT_LOAD" and one["p_filesz"]]
        segments = [(int(one["p_paddr"]), bytes(one.data())) for one in loads]
        return ElfImage(path, segments, _symbols(elf), _sections(elf), _sources(elf))


def _symbols(elf: Any) -> dict[str, Symbol]:
    found = {}
    for entry in elf.get_section_by_name(".symtab").iter_symbols():
        kind = entry["st_info"]["type"]
        if entry.name and not entry.name.startswith("$") and kind in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE"):
            function = kind == "STT_FUNC"
            address = entry["st_value"] & ~_THUMB_BIT if function else entry["st_value"]
            found[entry.name] = Symbol(entry.name, int(address), int(entry["st_size"]), function)
    return found


def _sections(elf: Any) -> list[Section]:
    allocated = 2  # SHF_ALLOC
    return [
        Section(one.name, int(one["sh_addr"]), int(one["sh_size"]), one["sh_type"] != "SHT_NOBITS")
        for one in elf.iter_sections()
        if one["sh_flags"] & allocated and one["sh_size"]
    ]


def _sources(elf: Any) -> list[str]:
    section = elf.get_section_by_name(".sources")
    return [text.decode("ascii", "replace") for text in section.data().split(b"\0") if text] if section else []


@dataclass(frozen=True)
class LayerSize:
    """Flash of one layer in bytes: its own code (kernels that layers share are not in it) and its constants."""

    code: int
    constants: int


@dataclass(frozen=True)
class Sizes:
    """Bytes. ``flash`` and ``ram`` are all that the image takes, the stack's reserve included.

    ``model_code`` and ``model_constants`` are the network's part of flash; ``arena``, ``static`` (all the rest that is
    not stack) and ``stack`` make up ``ram``.
    """

    flash: int
    ram: int
    model_code: int
    model_constants: int
    arena: int
    static: int
    stack: int
    sections: Sequence[Section]
    layers: Sequence[LayerSize]

    def as_json(self) -> dict[str, Any]:
        """Return the sizes as JSON values."""
        return {
            "flash_bytes": self.flash,
            "flash": {
                "model_code": self.model_code,
                "model_constants": self.model_constants,
                "application": self.flash - self.model_code - self.model_constants,
            },
            "ram_bytes": self.ram,
            "ram": {"arena": self.arena, "static": self.static, "stack_reserved": self.stack},
            "sections": {one.name: one.size for one in self.sections},
            "layers": [{"code": one.code, "constants": one.constants} for one in self.layers],
        }


def measure(elf: ElfImage, steps: int) -> Sizes:
    """Return where the bytes of an image with a network of ``steps`` layers go."""
    layers = _layers(elf, steps)
    shared = sum(one.size for name, one in elf.symbols.items() if re.match(r"(em_|net_run)", name) and one.function)
    stack = sum(one.size for one in elf.sections if one.name == ".stack")
    ram = sum(one.size for one in elf.sections if one.name in (".stack", ".data", ".bss"))
    arena = sum(one.size for name, one in elf.symbols.items() if name == "arena" or "tensor_arena" in name)
    return Sizes(
        flash=sum(len(content) for _, content in elf.segments),
        ram=ram,
        model_code=shared + sum(one.code for one in layers),
        model_constants=sum(one.constants for one in layers),
        arena=arena,
        static=ram - arena - stack,
        stack=stack,
        sections=elf.sections,
        layers=layers,
    )


def _layers(elf: ElfImage, steps: int) -> list[LayerSize]:
    sizes = [[0, 0] for _ in range(steps)]
    for name, symbol in elf.symbols.items():
        match = _LAYER.match(name)
        if match and int(match[2]) < steps:
            sizes[int(match[2])][0 if symbol.function else 1] += symbol.size
    return [LayerSize(code, constants) for code, constants in sizes]
