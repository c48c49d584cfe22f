"""The C++ programs for TFLM: ``main.cc`` for people, ``net.cc`` for the firmware's application."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.self_test import LCG_INCREMENT, LCG_MULTIPLIER
from edgemnist.csource.outputs import second_class
from edgemnist.csource.pixels import PixelCode
from edgemnist.csource.source import float_constant, lines_of
from edgemnist.tflm.sources import TflmSource

_INCLUDES = """#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

#include "${array_header}"
#include "${header}"

#ifndef TF_LITE_STATIC_MEMORY
#error "TFLM's library is built with TF_LITE_STATIC_MEMORY; without it here, its tensors have another layout"
#endif
"""

_SET_UP = """namespace ${symbol}_tflm {
namespace {

alignas(16) uint8_t tensor_arena[kArenaSize];

/* Places for the two objects: made in SetUp and never destroyed, so that no code for their end is linked. */
alignas(OpResolver) uint8_t resolver_place[sizeof(OpResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_place[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;

/* Opens the model; to be called once. */
TfLiteStatus SetUp()
{
    const tflite::Model *model = tflite::GetModel(::${array});
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        MicroPrintf("the model has schema version %d, this TFLM reads %d", static_cast<int>(model->version()),
                    TFLITE_SCHEMA_VERSION);
        return kTfLiteError;
    }
    OpResolver *resolver = ::new (resolver_place) OpResolver;
    TF_LITE_ENSURE_STATUS(AddOperators(*resolver));
    tflite::MicroInterpreter *opened =
        ::new (interpreter_place) tflite::MicroInterpreter(model, *resolver, tensor_arena, kArenaSize);
    if (opened->AllocateTensors() != kTfLiteOk) {
        MicroPrintf("AllocateTensors failed in an arena of %d bytes", static_cast<int>(kArenaSize));
        return kTfLiteError;
    }
    if (opened->input(0)->bytes != ${macro}_INPUT_BYTES || opened->output(0)->bytes != ${macro}_OUTPUT_BYTES) {
        MicroPrintf("input or output has another size than in the model: compile with the library's own flags");
        return kTfLiteError;
    }
    MicroPrintf("arena: %d of %d bytes used", static_cast<int>(opened->arena_used_bytes()),
                static_cast<int>(kArenaSize));
    interpreter = opened;
    return kTfLiteOk;
}
"""

_CLASSIFY = """
/* Returns the class of an image, or -1. ${image} */
int Classify(const ${argument} *image)
{
    ::${symbol}_input_t *input = interpreter->typed_input_tensor<::${symbol}_input_t>(0);
${feed}
    if (interpreter->Invoke() != kTfLiteOk) {
        return -1;
    }
    const ::${symbol}_output_t *scores = interpreter->typed_output_tensor<::${symbol}_output_t>(0);
${answer}
}
"""

_FEED = """    for (int i = 0; i < ${macro}_INPUT_ELEMENTS; ++i) {
        input[i] = ${value};
    }"""

_BEST = """    int best = 0;
    for (int i = 1; i < ${macro}_OUTPUT_ELEMENTS; ++i) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    return best;"""

_SELF_TEST = """
#ifdef ${macro}_TFLM_SELF_TEST
/* What tflite-micro ${version} (reference kernels) answers to the inputs that SelfTest makes. */
constexpr int kVectors = ${vectors};
const ::${symbol}_output_t expected[kVectors][${macro}_OUTPUT_ELEMENTS] = {
${expected}
};

/* Returns 0 when every byte is right, else which vector is the first wrong one, from 1. */
int SelfTest()
{
    uint32_t state = 0;
    for (int vector = 0; vector < kVectors; ++vector) {
        ::${symbol}_input_t *input = interpreter->typed_input_tensor<::${symbol}_input_t>(0);
        for (int i = 0; i < ${macro}_INPUT_ELEMENTS; ++i) {
            state = state * ${multiplier}u + ${increment}u;
            input[i] = ${from_state};
        }
        if (interpreter->Invoke() != kTfLiteOk) {
            return vector + 1;
        }
        const ::${symbol}_output_t *output = interpreter->typed_output_tensor<::${symbol}_output_t>(0);
        if (std::memcmp(output, expected[vector], sizeof expected[vector]) != 0) {
            return vector + 1;
        }
    }
    return 0;
}
#endif
"""

_NO_SELF_TEST = """
#ifdef ${macro}_TFLM_SELF_TEST
#error "no expected outputs: TFLM's interpreter was not there, or the input is of a type that it was not asked for"
#endif
"""

_END = """
} // namespace
} // namespace ${symbol}_tflm
"""

_MAIN_BANNER = """/*
 * ${stem}_main.cc: runs the model with TensorFlow Lite Micro; made by `edgemnist convert`, for you to change.
 * Compile it as the library was (TF_LITE_STATIC_MEMORY, and CMSIS_NN if it has CMSIS-NN), with ${source}.
 * Define ${macro}_TFLM_SELF_TEST to compare the outputs with those of TFLM's interpreter for Python, byte by byte.
 */
"""

_MAIN = """
int main()
{
    using namespace ${symbol}_tflm;
    tflite::InitializeTarget();
    if (SetUp() != kTfLiteOk) {
        return 1;
    }
#ifdef ${macro}_TFLM_SELF_TEST
    const int wrong = SelfTest();
    MicroPrintf(wrong == 0 ? "self-test passed: %d vectors" : "self-test FAILED at vector %d",
                wrong == 0 ? kVectors : wrong);
    if (wrong != 0) {
        return 1;
    }
#endif
    /* Put your image here. */
    static const ${argument} image[${macro}_INPUT_ELEMENTS] = {};
    const int label = Classify(image);
    if (label < 0) {
        return 1;
    }
    ${say}
    return 0;
}
"""


def main_program(source: TflmSource) -> str:
    """Return ``main.cc``: set up, classify, self-test, and a main function.

    :raises ModelError: the model has several inputs or outputs.
    """
    entry, symbol, measurement = source.model.input(), source.names.symbol, source.measurement
    label = f'"class %d: %s", label, ::{symbol}_labels[label]' if source.labels else '"class %d", label'
    values: dict[str, object] = {
        "source": source.names.source,
        "argument": "uint8_t" if source.pixels.declaration else f"::{symbol}_input_t",
        "image": _image_words(source.pixels),
        "feed": _feed(source),
        "answer": _answer(source),
        "say": f"MicroPrintf({label});",
    }
    self_test = _NO_SELF_TEST
    if measurement is not None and measurement.golden is not None:
        self_test = _SELF_TEST
        values |= _self_test_values(measurement.version, measurement.golden, entry.dtype)
    return source.fill(_MAIN_BANNER + _INCLUDES + "\n" + _SET_UP + _CLASSIFY + self_test + _END + _MAIN, **values)


def _image_words(pixels: PixelCode) -> str:
    if pixels.picture:
        return "Bytes of a picture, upright and red first, row by row."
    return "Pixels 0..255, row by row." if pixels.declaration else "Values as the model's input takes them."


def _feed(source: TflmSource) -> str:
    """Return the statements that fill ``input`` from ``image``."""
    pixels, prefix = source.pixels, f"::{source.names.symbol}_{source.pixels.verb}"
    if pixels.picture:
        return f"    {prefix}_image(image, input);"
    return source.fill(_FEED, value=f"{prefix}_pixel(image[i])" if pixels.declaration else "image[i]")


def _answer(source: TflmSource) -> str:
    """Return the statements that return a class by ``scores``."""
    output = source.model.output()
    if output.elements == 1:
        return f"    return {second_class(output, source.output, 'scores[0]')};"
    return source.fill(_BEST)


def _self_test_values(version: str, golden: NDArray[Any], dtype: str) -> dict[str, object]:
    from_state = {
        "int8": "static_cast<int8_t>(static_cast<uint8_t>(state >> 24))",
        "uint8": "static_cast<uint8_t>(state >> 24)",
        "float32": "static_cast<float>(state >> 24) / 256.0f",
    }
    return {
        "version": version,
        "vectors": len(golden),
        "expected": ",\n".join(_row(vector) for vector in golden),
        "multiplier": LCG_MULTIPLIER,
        "increment": LCG_INCREMENT,
        "from_state": from_state[dtype],
    }


def _row(vector: NDArray[Any]) -> str:
    values = [
        float_constant(value) if isinstance(value, float) else str(value) for value in vector.reshape(-1).tolist()
    ]
    text = lines_of(values, indent="     ").removesuffix(",")
    return "    {" + text.removeprefix("     ") + "}"


# --- for the firmware's application ----------------------------------------------------------------------------------

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

/* Runs the network once: input at arena + INPUT_OFFSET, output at arena + OUTPUT_OFFSET. Traps where TFLM fails, so
 * that no answer is mistaken for a right one. */
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

#include <cstdarg>
#include <cstdlib>

#include "tensorflow/lite/micro/debug_log.h"

"""

_NET_RUN = """
/* TFLM's messages go nowhere: the line to the host carries frames. Defined here, they also keep the C library's printf
 * out of the image. */
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
#ifdef ${net_macro}_TRACE
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
    }
    body = _NET_INCLUDES + _INCLUDES + "\n" + _SET_UP + _END + _NET_RUN
    return {f"{net}.h": source.fill(_NET_HEADER, **values), f"{net}.cc": source.fill(body, **values)}
