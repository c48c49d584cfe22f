"""Whether a linked image is the one that was meant: what it holds is compared with the model, before it is handed out.

Everything is read from the linked file. A toolchain that mixed in an object of another network, from its cache or from
a file that was changed under it, would otherwise end well and give an image that overwrites memory on the chip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgemnist.mcu.boards import Board
from edgemnist.mcu.elf import ElfImage, Symbol
from edgemnist.mcu.network import Network
from edgemnist.support.errors import InternalError

_ARENA_ALIGNMENT = 4
"""The application's arena is a union with a ``uint32_t``."""
_FOLDED_BYTES = 256
"""Up to here a compiler may turn constants into code, so that no array is left; the largest that one did had 144 B."""


@dataclass(frozen=True)
class Expected:
    """What an image has to hold. ``model_sha256`` is in hexadecimal, ``stack_bytes`` the stack's reserve.

    ``sources`` is the digest of what the build wrote, once for each object that was compiled with it.
    """

    network: Network
    model_sha256: str
    sources: tuple[str, ...]
    board: Board
    stack_bytes: int


def verify_image(elf: ElfImage, expected: Expected, compiler: str) -> None:
    """Compare an image with what it has to hold: arenas, model, constants, layers, board, stack.

    :raises InternalError: something differs; the message lists all of it and names the compiler.
    """
    problems = [*_application_problems(elf, expected), *_network_problems(elf, expected.network)]
    if problems:
        raise InternalError(
            "the linked firmware is not that of the model, and nothing of it was written: "
            + "; ".join(problems)
            + f". Neither model nor flags are to blame, but edgemnist or its compiler ({compiler}): run the command "
            "again, and please report it if that does not help"
        )


def _application_problems(elf: ElfImage, expected: Expected) -> Iterator[str]:
    if tuple(elf.sources) != expected.sources:
        yield f"its {len(elf.sources)} objects are from {_named(elf.sources)}, not all from {_named(expected.sources)}"
    wanted = -(-expected.network.arena_bytes // _ARENA_ALIGNMENT) * _ARENA_ALIGNMENT
    yield from _size_problems("the arena", elf.symbols.get("arena"), frozenset({wanted}))
    yield from _content_problems(elf, "model_sha256", bytes.fromhex(expected.model_sha256)[:8])
    yield from _content_problems(elf, "board_name", expected.board.name.encode() + b"\0")
    stack = sum(one.size for one in elf.sections if one.name == ".stack")
    if stack != expected.stack_bytes:
        yield f"the stack's reserve is {stack:,} B, not {expected.stack_bytes:,} B"
    start = elf.symbols["flash_start"].address
    if start != expected.board.flash.origin:
        yield f"it starts at 0x{start:08x}, flash at 0x{expected.board.flash.origin:08x}"


def _network_problems(elf: ElfImage, network: Network) -> Iterator[str]:
    if network.interpreter_arena_bytes:
        found = next((one for name, one in elf.symbols.items() if "tensor_arena" in name), None)
        yield from _size_problems("TFLM's arena", found, network.interpreter_arena_bytes)
    else:
        layers = sorted(elf.layer_entries().values())
        if layers != list(range(len(network.layers))):
            yield f"its layers are {', '.join(map(str, layers)) or 'none'}, not 0 to {len(network.layers) - 1}"
    for name, content in network.constants.items():
        if name in elf.symbols or len(content) > _FOLDED_BYTES:
            yield from _content_problems(elf, name, content)


def _named(digests: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(digest[:12] for digest in digests)) or "nowhere"


def _size_problems(what: str, symbol: Symbol | None, wanted: frozenset[int]) -> Iterator[str]:
    found = symbol.size if symbol else 0
    if found not in wanted:
        yield f"{what} is {found:,} B, not {' or '.join(f'{size:,} B' for size in sorted(wanted))}"


def _content_problems(elf: ElfImage, name: str, content: bytes) -> Iterator[str]:
    symbol = elf.symbols.get(name)
    if symbol is None:
        yield f"{name} is missing"
    elif symbol.size != len(content):
        yield f"{name} is {symbol.size:,} B, not {len(content):,} B"
    elif elf.code(symbol.address, symbol.size) != content:
        yield f"{name} has other bytes"
