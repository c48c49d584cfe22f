"""The header for TFLM: arena size, resolver, and the function that fills it. Pure text in, text out."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template

from edgemnist.csource.array import ArrayNames
from edgemnist.csource.columns import within_columns
from edgemnist.csource.pixels import PixelCode
from edgemnist.csource.source import COLUMNS, comment_text, lines_of
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.preprocessing import OutputKind
from edgemnist.tflm.arena import HANDLE_BYTES, ArenaMargin
from edgemnist.tflm.measure import Measurement
from edgemnist.tflm.operators import ResolverOperator

MEASURE_REMEDY = "convert again where TFLM's interpreter is installed (pip install 'edgemnist[tflm]', Linux on x86-64)"


@dataclass(frozen=True, eq=False)
class TflmSource:
    """Everything that the texts say.

    ``unmeasured`` is the reason where ``measurement`` is None. ``pixels`` are the functions that the array's header has
    for pixels; ``labels``: whether it has class names. ``output``: what the outputs are.
    """

    model: TfliteModel
    names: ArrayNames
    operators: Sequence[ResolverOperator]
    margin: ArenaMargin
    measurement: Measurement | None
    unmeasured: str = ""
    pixels: PixelCode = field(default_factory=lambda: PixelCode(""))
    labels: bool = False
    output: OutputKind = OutputKind.UNKNOWN

    @property
    def stem(self) -> str:
        """What the files' names begin with."""
        return self.names.header.removesuffix(".h").removesuffix("_data")

    @property
    def header_name(self) -> str:
        """File name of the header."""
        return f"{self.stem}_tflm.h"

    @property
    def dump_header(self) -> str:
        """File name of what the main program includes to print tensors."""
        return f"{self.stem}_dump.h"

    def arena_bytes(self) -> frozenset[int]:
        """Return what ``TFLM_ARENA_SIZE`` may be, without and with Helium; empty where nothing was measured."""
        if self.measurement is None:
            return frozenset()
        margins = self.margin.general, self.margin.helium
        return frozenset((self.measurement.arena_bytes + margin + 15) // 16 * 16 for margin in margins)

    def fill(self, template: str, **values: object) -> str:
        """Put names and values into a template."""
        names = self.names
        return Template(template).substitute(
            symbol=names.symbol, macro=names.macro, array=names.array, array_header=names.header,
            header=self.header_name, stem=self.stem, **values,
        )  # fmt: skip


# --- the header ------------------------------------------------------------------------------------------------------

_HEADER = """/*
 * ${header}: what TensorFlow Lite Micro needs to run this model; made by `edgemnist convert`; do not edit.
 *
 *   file      ${size} bytes, SHA-256 ${sha256}
${operators}
 */

#ifndef ${guard}
#define ${guard}

#include <cstddef>

${includes}

${arena}
namespace ${symbol}_tflm {

constexpr size_t kArenaSize = ${macro}_TFLM_ARENA_SIZE;

/* Exactly the operators of the model, ${count} kinds. */
using OpResolver = tflite::MicroMutableOpResolver<${count}>;

/* Registers them. Kernels for int8 alone are smaller where TFLM has them: with CMSIS-NN, if CMSIS_NN
 * is defined here as it was for the library; else the same calls register the kernels for all
 * types. */
inline TfLiteStatus AddOperators(OpResolver &resolver)
{
${calls}
    return kTfLiteOk;
}

} // namespace ${symbol}_tflm

#endif /* ${guard} */
"""

_MEASURED = """${why}
#ifndef ${macro}_TFLM_ARENA_SIZE
#define ${macro}_TFLM_ARENA_MEASURED ${measured}
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) /* Helium: Cortex-M55, M85 */
#define ${macro}_TFLM_ARENA_MARGIN ${helium}
#else
#define ${macro}_TFLM_ARENA_MARGIN ${general}
#endif
#define ${macro}_TFLM_ARENA_SIZE ((${macro}_TFLM_ARENA_MEASURED + ${macro}_TFLM_ARENA_MARGIN + 15) / 16 * 16)
#endif
"""

_UNMEASURED = """${why}
#ifndef ${macro}_TFLM_ARENA_SIZE
#error "the arena of this model was not measured; the comment above says how to get its size"
#endif
"""


def header(source: TflmSource) -> str:
    """Return the header: arena size, resolver, and the function that fills it."""
    includes = sorted({operator.header for operator in source.operators if operator.header})
    includes.append("tensorflow/lite/micro/micro_mutable_op_resolver.h")
    margin = " *             "
    listed = lines_of((f"{operator.kind} {operator.uses}" for operator in source.operators), indent=margin)
    text = source.fill(
        _HEADER,
        size=source.model.size,
        sha256=source.model.sha256,
        operators=listed.removesuffix(",").replace(margin, " *   operators ", 1),
        guard=source.names.guard.removesuffix("_H") + "_TFLM_H",
        includes="\n".join(f'#include "{include}"' for include in includes),
        arena=_arena(source),
        count=len(source.operators),
        calls="\n".join(
            f"    TF_LITE_ENSURE_STATUS(resolver.{operator.call}); /* {operator.uses} */"
            for operator in source.operators
        ),
    )
    return within_columns(text)


def _arena(source: TflmSource) -> str:
    macro, measurement, margin = f"{source.names.macro}_TFLM_ARENA_SIZE", source.measurement, source.margin
    if measurement is None:
        why = [
            f"The tensor arena was not measured, and no size is guessed here: {source.unmeasured}.",
            f"Best {MEASURE_REMEDY}. Or define {macro}, a multiple of 16, so large that AllocateTensors() succeeds; "
            "then lower it to about what arena_used_bytes() says.",
        ]
        return source.fill(_UNMEASURED, why=_comment(why))
    unknown = f" Those of {', '.join(margin.unknown)} are not in it." if margin.unknown else ""
    why = [
        "Tensor arena in bytes, a multiple of 16: what was measured and a margin.",
        f"Measured with tflite-micro {measurement.version}: the least arena in which TFLM allocates this model, in a "
        "64-bit process with the reference kernels. On a 32-bit core pointers are half as large, so it needs less.",
        "The margin is for buffers that CMSIS-NN's kernels ask for on top: the largest of any operator, as one runs at "
        f"a time, what fully connected layers keep (Helium), and {HANDLE_BYTES} bytes a buffer.{unknown}",
        "Other optimised kernels (ESP-NN, Xtensa, ...) may need more; AllocateTensors() fails if so. Where it "
        f"succeeds, {macro} can be defined lower, down to about what arena_used_bytes() says.",
    ]
    return source.fill(
        _MEASURED, why=_comment(why), measured=measurement.arena_bytes, general=margin.general, helium=margin.helium
    )


def _comment(paragraphs: Sequence[str]) -> str:
    margin = " * "
    filled = (
        textwrap.fill(
            comment_text(text), COLUMNS, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
        )
        for text in paragraphs
    )
    return "/*\n" + "\n *\n".join(filled) + "\n */"
