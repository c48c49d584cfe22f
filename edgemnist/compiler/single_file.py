"""Generated C as one source file: the kernels that a network uses stand in it, where the other form includes them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edgemnist.compiler.any_target import Variant
from edgemnist.compiler.emit import EmitSettings, bodies_lines, kernels_folder, step_headers
from edgemnist.csource.columns import within_columns

_INCLUDE = re.compile(r'#include (?:"(em_\w+\.h)"|(EM_TARGET_\w+))(?: /\*.*\*/)?$')
_GUARD = re.compile(r"#ifndef EM_\w+_H$")

Place = tuple[int, ...]
"""The branches of ``#if`` around a line, each with a number of its own, from the outside."""

Bodies = Mapping[str, Mapping[str, Sequence[str]]]
"""By the macro that a kernel includes: the headers that it may stand for, each with its variants' macros."""


@dataclass
class KernelText:
    """Puts headers where they are included, once where one place covers another.

    Their guards stay, so that one that stands in two branches that are both taken is there once all the same.
    ``bodies``: what the targets' macros stand for.
    """

    bodies: Bodies
    _stands: dict[str, list[Place]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def expanded(self, text: str, around: Place = ()) -> Iterator[str]:
        """Yield the lines of a text with what they include instead of the directives."""
        branches: list[int | None] = []
        for line in text.splitlines():
            found = _INCLUDE.match(line)
            place = (*around, *(number for number in branches if number is not None))
            if found:
                yield from self._header(found[1], place) if found[1] else self._body(found[2], place)
                continue
            self._follow(line, branches)
            yield line

    def _follow(self, line: str, branches: list[int | None]) -> None:
        """Keep the branches: what is within a header's guard is there wherever the header is, so that is none."""
        if line.startswith("#if"):
            branches.append(None if not branches and _GUARD.match(line) else next(self._numbers))
        elif line.startswith(("#elif", "#else")):
            branches[-1] = next(self._numbers)
        elif line.startswith("#endif"):
            branches.pop()

    def _header(self, name: str, place: Place) -> Iterator[str]:
        stands = self._stands.setdefault(name, [])
        if any(place[: len(one)] == one for one in stands):
            return
        stands.append(place)
        yield f"/* --- {name} --- */"
        yield from self.expanded((kernels_folder() / name).read_text(encoding="utf-8"), place)

    def _body(self, macro: str, place: Place) -> Iterator[str]:
        choices = self.bodies.get(macro, {})
        for number, (header, macros) in enumerate(choices.items()):
            if macros:
                yield _branch("elif" if number else "if", macros)
            yield from self._header(header, (*place, next(self._numbers)) if macros else place)
        if any(choices.values()):
            yield "#endif"


def single_file(texts: Sequence[tuple[Variant, str]], settings: EmitSettings, further: Sequence[str]) -> str:
    """Return ``NAME.c`` with all that it needs but ``NAME.h``.

    ``texts`` are the programs among which the compiler chooses, or the only one, each with its text. ``further`` are
    texts that follow: what prints tensors, and the self-test.
    """
    variants = [variant for variant, _ in texts]
    apart = len(variants) > 1
    macros = {variant.target: [variant.macro(settings)] if apart else [] for variant in variants}
    kernels = KernelText(_bodies_of(variants, macros))
    before, programs = [], []
    for number, (variant, text) in enumerate(texts):
        branch = [f"#{'el' if number else ''}if defined({variant.macro(settings)})"] if apart else []
        before += [*branch, *bodies_lines(variant.program)]
        programs += [*branch, text]
    end = ["#endif"] if apart else []
    head = [f"/* See {settings.name}.h. */", f'#include "{settings.name}.h"', *before, *end]
    included = kernels.expanded("\n".join([*head, *_includes(variants, macros)]))
    tail = (line for more in further if more for line in ("", *kernels.expanded(more)))
    return "\n".join([*included, *programs, *end, *tail]) + "\n"


def _includes(variants: Sequence[Variant], macros: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield what includes the steps' kernels: first those of every variant, and the others where they are needed."""
    needed: dict[str, list[str]] = {}
    for variant in variants:
        for header in step_headers(variant.program):
            needed.setdefault(header, []).append(variant.target)
    for header in sorted(needed, key=lambda one: (len(needed[one]) < len(variants), one)):
        some = len(needed[header]) < len(variants)
        yield from [_branch("if", [macro for one in needed[header] for macro in macros[one]])] if some else []
        yield f'#include "{header}"'
        yield from ["#endif"] if some else []


def _bodies_of(variants: Sequence[Variant], macros: Mapping[str, Sequence[str]]) -> Bodies:
    found: dict[str, dict[str, list[str]]] = {}
    for variant in variants:
        for macro, header in variant.program.settings.bodies.bodies.items():
            found.setdefault(macro, {}).setdefault(header, []).extend(macros[variant.target])
    return found


def _branch(directive: str, macros: Sequence[str]) -> str:
    return within_columns(f"#{directive} {' || '.join(f'defined({macro})' for macro in macros)}")
