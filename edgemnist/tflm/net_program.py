"""The C++ for TFLM behind the interface of generated C, for the firmware's application: ``net.h`` and ``net.cc``."""

from __future__ import annotations

from edgemnist.csource.columns import within_columns
from edgemnist.tflm.programs import DUMPED, END, INCLUDES, SET_UP, dump_values
from edgemnist.tflm.sources import TflmSource

_NET_HEADER = """/* ${net}.h: the model on TensorFlow Lite Micro, behind the interface of generated C. */
#ifndef ${net_macro}_H
#define ${net_macro}_H

#include <stdint.h>

/* Input and output, copied from and to TFLM's own arena, which is not in it. */
#define ${net_macro}_ARENA_SIZE ${size}
#define ${net_macro}_INPUT_OFFSET 0
#define ${net_macro}_INPUT_SIZE ${inputs}
#define ${net_macro}_OUTPUT_OFFSET ${offset}
#define ${net_macro}_OUTPUT_SIZE ${outputs}
#define ${net_macro}_STEPS 1

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the model: 0, or 1 if TFLM can't. Without this call the first run does it. */
int ${net}_setup(void);

/* Bytes that TFLM uses of its arena; 0 before the set-up. */
uint32_t ${net}_tflm_arena_used(void);

/* Runs the network once: input at arena + INPUT_OFFSET, output at arena + OUTPUT_OFFSET. Traps where
 * TFLM fails, so that no answer is mistaken for a right one. */
void ${net}_run_in(int8_t arena[${net_macro}_ARENA_SIZE]);

#ifdef ${net_macro}_TRACE
void ${net}_trace(int step, const void *data, unsigned long bytes);
#endif

#ifdef __cplusplus
}
#endif

#endif
"""

_NET_INCLUDES = """#include "${net}.h"

#ifdef FIRMWARE_TENSORS
#define ${macro}_TFLM_DUMP 1
#endif

#include <cstdarg>
#include <cstdlib>

#include "tensorflow/lite/micro/debug_log.h"

"""

_NET_RUN = """
/* TFLM's messages go nowhere: the line to the host carries frames. Defined here, they also keep the
 * C library's printf out of the image. */
void DebugLog(const char *, va_list)
{
}

int DebugVsnprintf(char *buffer, size_t size, const char *, va_list)
{
    if (size > 0) {
        buffer[0] = '\\0';
    }
    return 0;
}

/* Nothing takes memory from a heap or ends the program; a firmware has neither. */
extern "C" void *_sbrk(std::ptrdiff_t);
extern "C" void *_sbrk(std::ptrdiff_t)
{
    __builtin_trap();
}

[[noreturn]] void abort() noexcept
{
    __builtin_trap();
}

int ${net}_setup(void)
{
    using namespace ${symbol}_tflm;
    return interpreter != nullptr || SetUp() == kTfLiteOk ? 0 : 1;
}

uint32_t ${net}_tflm_arena_used(void)
{
    using namespace ${symbol}_tflm;
    return interpreter == nullptr ? 0 : static_cast<uint32_t>(interpreter->arena_used_bytes());
}

void ${net}_run_in(int8_t *arena)
{
    using namespace ${symbol}_tflm;
    if (${net}_setup() != 0) {
        __builtin_trap();
    }
    std::memcpy(interpreter->input(0)->data.raw, arena + ${net_macro}_INPUT_OFFSET, ${macro}_INPUT_BYTES);
    if (interpreter->Invoke() != kTfLiteOk) {
        __builtin_trap();
    }
    std::memcpy(arena + ${net_macro}_OUTPUT_OFFSET, interpreter->output(0)->data.raw, ${macro}_OUTPUT_BYTES);
#ifdef ${macro}_TFLM_DUMP
    for (int i = 1; i < ${count}; ++i) {
        ${net}_trace(0, interpreter->GetTensor(dumped[i].tensor)->data.raw, dumped[i].bytes);
    }
#elif defined(${net_macro}_TRACE)
    ${net}_trace(0, arena + ${net_macro}_OUTPUT_OFFSET, ${macro}_OUTPUT_BYTES);
#endif
}
"""


def io_bytes(source: TflmSource) -> int:
    """Return the size of the arena that the application gives: input and output, the output at a multiple of 8."""
    return _output_offset(source) + source.model.output().bytes


def _output_offset(source: TflmSource) -> int:
    return -(-source.model.input().bytes // 8) * 8


def net_files(source: TflmSource, net: str) -> dict[str, str]:
    """Return ``<net>.h`` (C) and ``<net>.cc``: the model behind the interface that generated C has.

    Of that interface: ``<net>_run_in``, the macros of arena, input, output and steps, and ``<net>_trace``.
    """
    entry, result = source.model.input(), source.model.output()
    values = {
        "net": net,
        "net_macro": net.upper(),
        "size": io_bytes(source),
        "offset": _output_offset(source),
        "inputs": entry.elements,
        "outputs": result.elements,
        **dump_values(source),
    }
    body = _NET_INCLUDES + INCLUDES + "\n" + SET_UP + DUMPED + END + _NET_RUN
    texts = {f"{net}.h": _NET_HEADER, f"{net}.cc": body}
    return {file: within_columns(source.fill(text, **values)) for file, text in texts.items()}
