"""C for any core: one program for each kind that a compiler can tell, and the compiler's choice among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgemnist.compiler.emit import EmitSettings, header_text, kernels_of, layout_macros, program_text, source_text
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.targets import TOLD_APART

Compiled = tuple[Program, Plan]

_FOR_SPEED = " && !defined(EM_OPTIMISE_SIZE)"
"""The portable bodies have the least code."""


@dataclass(frozen=True, eq=False)
class Variant:
    """A program for the cores that ``told_by``, a preprocessor's condition, tells; empty for all others."""

    target: str
    told_by: str
    program: Program
    plan: Plan

    def macro(self, settings: EmitSettings) -> str:
        """Return the macro that is defined where this is the program."""
        return f"{settings.name}_FOR_{self._suffix}".upper()

    def file_name(self, settings: EmitSettings) -> str:
        """Return the name of the file that holds the program."""
        return f"{settings.name}_{self._suffix}.inc"

    @property
    def _suffix(self) -> str:
        return self.target.replace("-", "_")


def variants_of(compile_for: Callable[[str], Compiled]) -> tuple[Variant, ...]:
    """Return a program for each target that a compiler can tell, the portable one last."""
    told = [Variant(target.name, target.told_by, *compile_for(target.name)) for target in TOLD_APART]
    return (*told, Variant("portable", "", *compile_for("portable")))


def emit_variants(variants: Sequence[Variant], settings: EmitSettings) -> dict[str, str]:
    """Return the generated files by name: ``NAME.h``, ``NAME.c``, a ``.inc`` for each program, and the kernels.

    Programs whose text is the portable one's are left out.
    """
    texts = told_apart(variants, settings)
    every = [variant for variant, _ in texts]
    files = {
        f"{settings.name}.h": header_of(every, settings),
        f"{settings.name}.c": _dispatch(every, settings),
        **{variant.file_name(settings): source_text(variant.program, text, settings) for variant, text in texts},
    }
    for variant in every:
        files |= kernels_of(variant.program)
    return files


def told_apart(variants: Sequence[Variant], settings: EmitSettings) -> list[tuple[Variant, str]]:
    """Return each program with its text, the portable one last; those that are the portable one's are left out.

    The text is that of :func:`~edgemnist.compiler.emit.program_text`.
    """
    *told, rest = [(variant, program_text(variant.program, variant.plan, settings)) for variant in variants]
    portable = source_text(rest[0].program, rest[1], settings)
    return [*(one for one in told if source_text(one[0].program, one[1], settings) != portable), rest]


def header_of(variants: Sequence[Variant], settings: EmitSettings) -> str:
    """Return ``NAME.h``, which has the compiler choose among the programs."""
    *others, rest = variants
    note = " These are the portable program's; other cores have theirs." if others else ""
    return header_text(rest.program, rest.plan, settings, _choice(variants, _layout(settings)), note)


def arena_range(variants: Sequence[Variant]) -> tuple[int, int]:
    """Return the smallest and the largest arena in bytes."""
    sizes = [variant.plan.size for variant in variants]
    return min(sizes), max(sizes)


def sizes_json(variants: Sequence[Variant]) -> Mapping[str, Mapping[str, int]]:
    """Return each target's arena and constants in bytes."""
    return {
        variant.target: {"arena_bytes": variant.plan.size, "constant_bytes": variant.program.constant_bytes}
        for variant in variants
    }


def _layout(settings: EmitSettings) -> Callable[[Variant], list[str]]:
    def lines(variant: Variant) -> list[str]:
        return [f"#define {variant.macro(settings)} 1", *layout_macros(variant.program, variant.plan, settings)]

    return lines


def _choice(variants: Sequence[Variant], lines: Callable[[Variant], list[str]]) -> list[str]:
    """Return what the compiler's flags choose among the variants, as lines of C."""
    text = ["/* For which core: the compiler's flags tell. For the least code it is the portable one. */"]
    for number, variant in enumerate(variants):
        condition = f"#{'el' if number else ''}if {variant.told_by}{_FOR_SPEED}" if variant.told_by else "#else"
        text += [condition] if len(variants) > 1 else []
        text += lines(variant)
    return [*text, *(["#endif"] if len(variants) > 1 else []), ""]


def _dispatch(variants: Sequence[Variant], settings: EmitSettings) -> str:
    lines = [f"/* See {settings.name}.h. */", f'#include "{settings.name}.h"', ""]
    for number, variant in enumerate(variants):
        lines.append(f"#{'el' if number else ''}if defined({variant.macro(settings)})")
        lines.append(f'#include "{variant.file_name(settings)}"')
    return "\n".join([*lines, "#endif"]) + "\n"
