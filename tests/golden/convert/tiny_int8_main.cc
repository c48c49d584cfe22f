/*
 * tiny_int8_main.cc: runs the model with TensorFlow Lite Micro; made by `edgemnist convert`,
 * for you to change.
 * Compile it as the library was (TF_LITE_STATIC_MEMORY, and CMSIS_NN if it has CMSIS-NN), with
 * tiny_int8.c.
 * Define G_MODEL_TFLM_SELF_TEST to compare the outputs with those of TFLM's interpreter for Python,
 * byte by byte.
 * Define G_MODEL_TFLM_DUMP to print every operator's output, and find out with
 * `edgemnist explain --dump` which one is wrong. It takes 8384 bytes more of memory, and a TFLM
 * of 2023 or newer whose MicroPrintf prints.
 */
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

#include "tiny_int8.h"
#include "tiny_int8_tflm.h"

#ifndef TF_LITE_STATIC_MEMORY
#error "TFLM's library is built with TF_LITE_STATIC_MEMORY; without it tensors lie otherwise"
#endif

#ifdef G_MODEL_TFLM_DUMP
#include "tiny_int8_dump.h"
#endif

namespace g_model_tflm {
namespace {

#ifdef G_MODEL_TFLM_DUMP
/* Every tensor is kept in memory of its own, until it is printed. */
constexpr size_t kArenaBytes = kArenaSize + 8384;
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
    const tflite::Model *model = tflite::GetModel(::g_model);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        MicroPrintf("the model has schema version %d, this TFLM reads %d",
                    static_cast<int>(model->version()), TFLITE_SCHEMA_VERSION);
        return kTfLiteError;
    }
    OpResolver *resolver = ::new (resolver_place) OpResolver;
    TF_LITE_ENSURE_STATUS(AddOperators(*resolver));
#ifdef G_MODEL_TFLM_DUMP
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
    if (opened->input(0)->bytes != G_MODEL_INPUT_BYTES ||
        opened->output(0)->bytes != G_MODEL_OUTPUT_BYTES) {
        MicroPrintf("input or output has another size than in the model: "
                    "compile with the library's own flags");
        return kTfLiteError;
    }
    MicroPrintf("arena: %d of %d bytes used", static_cast<int>(opened->arena_used_bytes()),
                static_cast<int>(kArenaBytes));
    interpreter = opened;
    return kTfLiteOk;
}

#ifdef G_MODEL_TFLM_DUMP
struct Dumped {
    int tensor;
    uint32_t bytes;
    const char *type;
};

/* The model's input, then every operator's output. */
const Dumped dumped[5] = {
    {0, 16, "int8"},
    {5, 32, "int8"},
    {6, 2, "int8"},
    {7, 3, "int8"},
    {8, 3, "int8"}
};
#endif

/* Returns the class of an image, or -1. Pixels 0..255, row by row. */
int Classify(const uint8_t *image)
{
    ::g_model_input_t *input = interpreter->typed_input_tensor<::g_model_input_t>(0);
    for (int i = 0; i < G_MODEL_INPUT_ELEMENTS; ++i) {
        input[i] = ::g_model_quantise_pixel(image[i]);
    }
    if (interpreter->Invoke() != kTfLiteOk) {
        return -1;
    }
    const ::g_model_output_t *scores = interpreter->typed_output_tensor<::g_model_output_t>(0);
    int best = 0;
    for (int i = 1; i < G_MODEL_OUTPUT_ELEMENTS; ++i) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    return best;
}

#ifdef G_MODEL_TFLM_DUMP
void Put(const char *text)
{
    MicroPrintf("%s", text);
}

/* Prints the input and every operator's output of the last inference, for
 * `edgemnist explain --dump`. */
void Dump(uint32_t image)
{
    em_dump_header(Put, "f4d547be7c24bad9");
    for (const Dumped &one : dumped) {
        const void *data = interpreter->GetTensor(one.tensor)->data.raw;
        em_dump_tensor(Put, image, static_cast<uint32_t>(one.tensor), one.type, data, one.bytes);
    }
    em_dump_end(Put, image, 5);
}
#endif

#ifdef G_MODEL_TFLM_SELF_TEST
/* What tflite-micro 1.0 (reference kernels) answers to the inputs that SelfTest makes. */
constexpr int kVectors = 2;
const ::g_model_output_t expected[kVectors][G_MODEL_OUTPUT_ELEMENTS] = {
    {-128, 0, 127},
    {1, 2, 3}
};

/* Returns 0 when every byte is right, else which vector is the first wrong one, from 1. */
int SelfTest()
{
    uint32_t state = 0;
    for (int vector = 0; vector < kVectors; ++vector) {
        ::g_model_input_t *input = interpreter->typed_input_tensor<::g_model_input_t>(0);
        for (int i = 0; i < G_MODEL_INPUT_ELEMENTS; ++i) {
            state = state * 1664525u + 1013904223u;
            input[i] = static_cast<int8_t>(static_cast<uint8_t>(state >> 24));
        }
        if (interpreter->Invoke() != kTfLiteOk) {
            return vector + 1;
        }
        const ::g_model_output_t *output = interpreter->typed_output_tensor<::g_model_output_t>(0);
        if (std::memcmp(output, expected[vector], sizeof expected[vector]) != 0) {
            return vector + 1;
        }
    }
    return 0;
}
#endif

} // namespace
} // namespace g_model_tflm

int main()
{
    using namespace g_model_tflm;
    tflite::InitializeTarget();
    if (SetUp() != kTfLiteOk) {
        return 1;
    }
#ifdef G_MODEL_TFLM_SELF_TEST
    const int wrong = SelfTest();
    MicroPrintf(wrong == 0 ? "self-test passed: %d vectors" : "self-test FAILED at vector %d",
                wrong == 0 ? kVectors : wrong);
    if (wrong != 0) {
        return 1;
    }
#endif
    /* Put your image here. */
    static const uint8_t image[G_MODEL_INPUT_ELEMENTS] = {};
    const int label = Classify(image);
    if (label < 0) {
        return 1;
    }
    MicroPrintf("class %d: %s", label, ::g_model_labels[label]);
#ifdef G_MODEL_TFLM_DUMP
    Dump(0);
#endif
    return 0;
}
