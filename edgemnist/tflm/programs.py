"""The C++ program for TFLM that people get: ``main.cc``, in parts of which ``net.cc`` is made, too."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.self_test import LCG_INCREMENT, LCG_MULTIPLIER
from edgemnist.compiler.tensor_dump import MODEL_DIGITS
from edgemnist.csource.columns import within_columns
from edgemnist.csource.outputs import second_class
from edgemnist.csource.pixels import PixelCode
from edgemnist.csource.source import float_constant, lines_of
from edgemnist.tflite.kinds import operator_outputs
from edgemnist.tflm.arena import kept_bytes
from edgemnist.tflm.sources import TflmSource

INCLUDES = """#include <cstddef>
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
#error "TFLM's library is built with TF_LITE_STATIC_MEMORY; without it tensors lie otherwise"
#endif
"""

SET_UP = """namespace ${symbol}_tflm {
namespace {

#ifdef ${macro}_TFLM_DUMP
/* Every tensor is kept in memory of its own, until it is printed. */
constexpr size_t kArenaBytes = kArenaSize + ${kept};
#else
constexpr size_t kArenaBytes = kArenaSize;
#endif

alignas(16) uint8_t tensor_arena[kArenaBytes];

/* Places for the two objects: made in SetUp and never destroyed, so that no code for their end is
 * linked. */
alignas(OpResolver) uint8_t resolver_place[sizeof(OpResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_place[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter = nullptr;

/* Opens the model; to be called once. */
TfLiteStatus SetUp()
{
    const tflite::Model *model = tflite::GetModel(::${array});
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        MicroPrintf("the model has schema version %d, this TFLM reads %d",
                    static_cast<int>(model->version()), TFLITE_SCHEMA_VERSION);
        return kTfLiteError;
    }
    OpResolver *resolver = ::new (resolver_place) OpResolver;
    TF_LITE_ENSURE_STATUS(AddOperators(*resolver));
#ifdef ${macro}_TFLM_DUMP
    tflite::MicroInterpreter *opened = ::new (interpreter_place)
        tflite::MicroInterpreter(model, *resolver, tensor_arena, kArenaBytes, nullptr, nullptr,
                                 true);
#else
    tflite::MicroInterpreter *opened = ::new (interpreter_place)
        tflite::MicroInterpreter(model, *resolver, tensor_arena, kArenaBytes);
#endif
    if (opened->AllocateTensors() != kTfLiteOk) {
        MicroPrintf("AllocateTensors failed in an arena of %d bytes",
                    static_cast<int>(kArenaBytes));
        return kTfLiteError;
    }
    if (opened->input(0)->bytes != ${macro}_INPUT_BYTES ||
        opened->output(0)->bytes != ${macro}_OUTPUT_BYTES) {
        MicroPrintf("input or output has another size than in the model: "
                    "compile with the library's own flags");
        return kTfLiteError;
    }
    MicroPrintf("arena: %d of %d bytes used", static_cast<int>(opened->arena_used_bytes()),
                static_cast<int>(kArenaBytes));
    interpreter = opened;
    return kTfLiteOk;
}
"""

DUMPED = """
#ifdef ${macro}_TFLM_DUMP
struct Dumped {
    int tensor;
    uint32_t bytes;
    const char *type;
};

/* The model's input, then every operator's output. */
const Dumped dumped[${count}] = {
${rows}
};
#endif
"""

_DUMP = """
#ifdef ${macro}_TFLM_DUMP
void Put(const char *text)
{
    MicroPrintf("%s", text);
}

/* Prints the input and every operator's output of the last inference, for
 * `edgemnist explain --dump`. */
void Dump(uint32_t image)
{
    em_dump_header(Put, "${model}");
    for (const Dumped &one : dumped) {
        const void *data = interpreter->GetTensor(one.tensor)->data.raw;
        em_dump_tensor(Put, image, static_cast<uint32_t>(one.tensor), one.type, data, one.bytes);
    }
    em_dump_end(Put, image, ${count});
}
#endif
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
#error "no expected outputs: TFLM's interpreter was not there, or has not this input type"
#endif
"""

END = """
} // namespace
} // namespace ${symbol}_tflm
"""

_MAIN_BANNER = """/*
 * ${stem}_main.cc: runs the model with TensorFlow Lite Micro; made by `edgemnist convert`,
 * for you to change.
 * Compile it as the library was (TF_LITE_STATIC_MEMORY, and CMSIS_NN if it has CMSIS-NN), with
 * ${source}.
 * Define ${macro}_TFLM_SELF_TEST to compare the outputs with those of TFLM's interpreter for Python,
 * byte by byte.
 * Define ${macro}_TFLM_DUMP to print every operator's output, and find out with
 * `edgemnist explain --dump` which one is wrong. It takes ${kept} bytes more of memory, and a TFLM
 * of 2023 or newer whose MicroPrintf prints.
 */
"""

_DUMP_INCLUDE = """
#ifdef ${macro}_TFLM_DUMP
#include "${dump_header}"
#endif
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
#ifdef ${macro}_TFLM_DUMP
    Dump(0);
#endif
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
        **dump_values(source),
    }
    self_test = _NO_SELF_TEST
    if measurement is not None and measurement.golden is not None:
        self_test = _SELF_TEST
        values |= _self_test_values(measurement.version, measurement.golden, entry.dtype)
    parts = (
        _MAIN_BANNER, INCLUDES, _DUMP_INCLUDE, "\n", SET_UP, DUMPED, _CLASSIFY, _DUMP, self_test, END, _MAIN,
    )  # fmt: skip
    return within_columns(source.fill("".join(parts), **values))


def dump_values(source: TflmSource) -> dict[str, object]:
    """Return what is said of the tensors that are printed."""
    model = source.model
    tensors = [model.tensors[index] for index in (*model.inputs, *operator_outputs(model))]
    rows = ",\n".join(f'    {{{one.index}, {one.bytes}, "{one.dtype}"}}' for one in tensors)
    return {
        "kept": kept_bytes(model),
        "count": len(tensors),
        "rows": rows,
        "model": model.sha256[:MODEL_DIGITS],
        "dump_header": source.dump_header,
    }


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
