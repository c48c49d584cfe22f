/*
 * tiny_int8_tflm.h: what TensorFlow Lite Micro needs to run this model; made by `edgemnist
 * convert`; do not edit.
 *
 *   file      2184 bytes, SHA-256 f4d547be7c24bad9675d1266d66ab30bc15455ba13dcd50d76cc3ce651f8dd00
 *   operators CONV_2D v3, MEAN v2, FULLY_CONNECTED v4, SOFTMAX v2
 */

#ifndef G_MODEL_TINY_INT8_TFLM_H
#define G_MODEL_TINY_INT8_TFLM_H

#include <cstddef>

#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/softmax.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

/*
 * Tensor arena in bytes, a multiple of 16: what was measured and a margin.
 *
 * Measured with tflite-micro 1.0: the least arena in which TFLM allocates this model, in a 64-bit
 * process with the reference kernels. On a 32-bit core pointers are half as large, so it needs
 * less.
 *
 * The margin is for buffers that CMSIS-NN's kernels ask for on top: the largest of any operator, as
 * one runs at a time, what fully connected layers keep (Helium), and 16 bytes a buffer.
 *
 * Other optimised kernels (ESP-NN, Xtensa, ...) may need more; AllocateTensors() fails if so. Where
 * it succeeds, G_MODEL_TFLM_ARENA_SIZE can be defined lower, down to about what arena_used_bytes()
 * says.
 */
#ifndef G_MODEL_TFLM_ARENA_SIZE
#define G_MODEL_TFLM_ARENA_MEASURED 2384
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) /* Helium: Cortex-M55, M85 */
#define G_MODEL_TFLM_ARENA_MARGIN 108
#else
#define G_MODEL_TFLM_ARENA_MARGIN 64
#endif
#define G_MODEL_TFLM_ARENA_SIZE ( \
    (G_MODEL_TFLM_ARENA_MEASURED + G_MODEL_TFLM_ARENA_MARGIN + 15) / 16 * 16)
#endif

namespace g_model_tflm {

constexpr size_t kArenaSize = G_MODEL_TFLM_ARENA_SIZE;

/* Exactly the operators of the model, 4 kinds. */
using OpResolver = tflite::MicroMutableOpResolver<4>;

/* Registers them. Kernels for int8 alone are smaller where TFLM has them: with CMSIS-NN, if
 * CMSIS_NN
 * is defined here as it was for the library; else the same calls register the kernels for all
 * types. */
inline TfLiteStatus AddOperators(OpResolver &resolver)
{
    TF_LITE_ENSURE_STATUS(resolver.AddConv2D(tflite::Register_CONV_2D_INT8())); /* v3 */
    TF_LITE_ENSURE_STATUS(resolver.AddMean()); /* v2 */
    TF_LITE_ENSURE_STATUS(resolver.AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8()));
        /* v4 */
    TF_LITE_ENSURE_STATUS(resolver.AddSoftmax(tflite::Register_SOFTMAX_INT8())); /* v2 */
    return kTfLiteOk;
}

} // namespace g_model_tflm

#endif /* G_MODEL_TINY_INT8_TFLM_H */
