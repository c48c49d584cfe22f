"""One Thumb instruction as a timing model sees it, from capstone's text; the classes are in :mod:`.classes`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from edgemnist.mcu.timing.classes import InstructionClass, classify_mnemonic
from edgemnist.support.errors import MissingDependencyError

C = InstructionClass

_REGISTER = re.compile(r"\b(?:r1[0-5]|r[0-9]|sb|sl|fp|ip|sp|lr|pc|s[12][0-9]|s3[01]|s[0-9]|d1[0-5]|d[0-9])\b")
_SHIFTED = re.compile(r"\b(?:lsl|lsr|asr|ror|rrx)\b")
_IMMEDIATE = re.compile(r"#-?(0x[0-9a-f]+|\d+)")
_COMPARISONS = ("cmp", "cmn", "tst", "teq")
_ONE_SOURCE = ("mov", "mvn", "adr", "clz", "rbit", "rev", "uxt", "sxt", "ubfx", "sbfx", "vmov", "vcvt", "vneg", "vabs")
_TWO_RESULTS = frozenset({C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE, C.LOAD_PAIR})
_LISTS = frozenset({C.LOAD_MULTIPLE, C.STORE_MULTIPLE, C.FLOAT_LOAD_MULTIPLE, C.FLOAT_STORE_MULTIPLE})
_LOADS = frozenset({C.LOAD, C.LOAD_PAIR, C.FLOAT_LOAD})
_STORES = frozenset({C.STORE, C.STORE_PAIR, C.FLOAT_STORE})
_BRANCHES = frozenset({C.BRANCH, C.CONDITIONAL_BRANCH, C.CALL, C.INDIRECT_BRANCH, C.TABLE_BRANCH})
_WITHOUT_RESULT = _BRANCHES | {C.IT, C.NOP, C.BARRIER, C.UNKNOWN}


@dataclass(frozen=True, eq=False)
class Instruction:
    """What timing depends on; equal ones are the same object. Registers are named as capstone prints them ("r0", "sb").

    ``words``: 32-bit transfers of a load or store. ``loaded``: what a load of several words loads, in the order of its
    transfers. ``addresses``: registers that form the address. ``accumulators``:
    addends of a multiply-accumulate. ``sources``: every other register read. ``shifted``: a second operand that goes
    through the shifter (shifted register or shifted constant). ``conditional``: may be skipped inside an IT block.
    """

    mnemonic: str
    operation: str
    kind: InstructionClass
    size: int
    words: int
    loaded: tuple[str, ...]
    results: frozenset[str]
    sources: frozenset[str]
    addresses: frozenset[str]
    accumulators: frozenset[str]
    shifted: bool
    conditional: bool
    sets_flags: bool
    register_offset: bool
    updates_base: bool

    @property
    def narrow(self) -> bool:
        """Return whether the encoding has 16 bits."""
        return self.size == 2

    @property
    def writes_pc(self) -> bool:
        """Return whether a load, pop or move leaves the block."""
        return "pc" in self.results

    @property
    def jumps(self) -> bool:
        """Return whether it can leave the block for another address than the one behind it."""
        return self.kind in _BRANCHES or self.writes_pc


def _split(operands: str) -> list[str]:
    """Split at the commas outside brackets and braces."""
    return re.split(r",\s*(?![^\[{]*[\]}])", operands) if operands else []


def _registers(text: str) -> frozenset[str]:
    return frozenset(_REGISTER.findall(text))


def _shifted_constant(operation: str, operands: str) -> bool:
    """Return whether the immediate is made by shifting eight bits: neither 8 bits nor a repeated pattern."""
    found = _IMMEDIATE.search(operands)
    if found is None or operation in ("movw", "movt", "addw", "subw"):
        return False
    value = int(found.group(1), 0)
    low = value & 0xFF
    return value > 0xFF and value not in (low * 0x00010001, (value & 0xFF00) * 0x00010001, low * 0x01010101)


def _loaded(kind: InstructionClass, parts: list[str]) -> tuple[str, ...]:
    """Return the registers of a list as they are named, lowest first, or the two of a pair."""
    if kind is C.LOAD_PAIR:
        return tuple(parts[:2])
    listed = next((part for part in parts if part.startswith("{")), "")
    return tuple(_REGISTER.findall(listed)) if kind is C.LOAD_MULTIPLE else ()


def _list_words(kind: InstructionClass, listed: frozenset[str]) -> int:
    return sum(2 if name.startswith("d") else 1 for name in listed) if kind in _LISTS else 0


@lru_cache(maxsize=65536)
def parse(mnemonic: str, operands: str, size: int) -> Instruction:
    """Return the instruction that capstone prints as ``mnemonic operands`` and that takes ``size`` bytes."""
    found = classify_mnemonic(mnemonic)
    kind, operation = found.kind, found.operation
    parts = _split(operands)
    memory = next((part for part in parts if part.startswith("[")), "")
    listed = _registers(next((part for part in parts if part.startswith("{")), ""))
    results, sources, addresses, accumulators = _roles(kind, operation, parts, memory, listed)
    if kind is C.ALU and "pc" in results:
        kind = C.INDIRECT_BRANCH
    if operation == "vmov" and len(parts) > 2:
        kind = C.FLOAT_MOVE_PAIR
    pair = kind in (C.LOAD_PAIR, C.STORE_PAIR)
    double = kind in (C.FLOAT_LOAD, C.FLOAT_STORE) and operands.startswith("d")
    single = kind in _LOADS | _STORES
    plain = kind is C.ALU and operation not in ("lsl", "lsr", "asr", "ror", "rrx")
    return Instruction(
        mnemonic=mnemonic,
        operation=operation,
        kind=kind,
        size=size,
        words=_list_words(kind, listed) or (2 if pair or double else 1 if single else 0),
        loaded=_loaded(kind, parts),
        results=results,
        sources=sources,
        addresses=addresses,
        accumulators=accumulators,
        shifted=plain and (_SHIFTED.search(operands) is not None or _shifted_constant(operation, operands)),
        conditional=found.conditional and kind is not C.CONDITIONAL_BRANCH,
        sets_flags=found.sets_flags or operation in _COMPARISONS,
        register_offset=len(_registers(memory)) > 1,
        updates_base="!" in operands or bool(memory and parts[-1] is not memory),
    )


def _roles(
    kind: InstructionClass, operation: str, parts: list[str], memory: str, listed: frozenset[str]
) -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Return (results, sources, addresses, accumulators)."""
    none: frozenset[str] = frozenset()
    named = [_registers(part) for part in parts]
    if kind in _LISTS:
        base = named[0] if listed and not parts[0].startswith("{") else frozenset({"sp"})
        loads = kind in (C.LOAD_MULTIPLE, C.FLOAT_LOAD_MULTIPLE)
        return (listed, none, base, none) if loads else (none, listed, base, none)
    if kind in _LOADS | _STORES:
        count = 2 if kind in (C.LOAD_PAIR, C.STORE_PAIR) else 1
        moved = frozenset().union(*named[:count])
        addresses = _registers(memory)
        return (moved, none, addresses, none) if kind in _LOADS else (none, moved, addresses, none)
    if kind in _WITHOUT_RESULT or operation in _COMPARISONS:
        return none, frozenset().union(*named), none, none
    count = 2 if kind in _TWO_RESULTS else 1
    results = frozenset().union(*named[:count])
    sources = frozenset().union(*named[count:])
    if kind is C.LONG_MULTIPLY_ACCUMULATE:
        return results, sources, none, results
    if kind is C.MULTIPLY_ACCUMULATE and len(named) == 4:
        return results, named[1] | named[2], none, named[3]
    if kind is C.FLOAT_MULTIPLY_ACCUMULATE:
        return results, sources, none, results
    if len(named) <= 2 and not operation.startswith(_ONE_SOURCE):
        sources |= results
    return results, sources, none, none


class Disassembler:
    """Thumb machine code to instructions, with capstone.

    :raises MissingDependencyError: capstone is not installed.
    """

    def __init__(self, *, armv8: bool) -> None:
        try:
            import capstone
        except ImportError as error:
            raise MissingDependencyError(
                "cycle estimates need the capstone package; install it: pip install 'edgemnist[mcu]'"
            ) from error
        mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | (capstone.CS_MODE_V8 if armv8 else 0)
        self._capstone: Any = capstone.Cs(capstone.CS_ARCH_ARM, mode)

    def block(self, code: bytes, address: int) -> tuple[Instruction, ...]:
        """Return the instructions of ``code``, little-endian Thumb, which lies at ``address``.

        What capstone doesn't know becomes an instruction of class ``UNKNOWN`` with its encoding as mnemonic.
        """
        found: list[Instruction] = []
        start = 0
        while start < len(code):
            for _, size, mnemonic, operands in self._capstone.disasm_lite(code[start:], address + start):
                found.append(parse(mnemonic, operands, size))
                start += size
            if start < len(code):
                size = _encoded_size(code[start:])
                found.append(parse(f".inst 0x{code[start : start + size][::-1].hex()}", "", size))
                start += size
        return tuple(found)


def _encoded_size(code: bytes) -> int:
    """Return 4 for a 32-bit encoding (first halfword 0b11101…, 0b11110…, 0b11111…), else 2: Armv7-M A5.1."""
    wide = len(code) >= 4 and code[1] >> 3 in (0b11101, 0b11110, 0b11111)
    return min(len(code), 4 if wide else 2)
