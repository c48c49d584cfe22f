/*
 * tiny_int8.h: a TFLite model as a C array, made by `edgemnist convert`; do not edit.
 *
 *   file      2184 bytes, SHA-256 f4d547be7c24bad9675d1266d66ab30bc15455ba13dcd50d76cc3ce651f8dd00
 *   input     int8 [1, 4, 4, 1], real = 0.00392156886 * (q + 128)
 *   output    int8 [1, 3], real = 0.00390625 * (q + 128)
 *   pixels    0..255 stands for 0..1; q = pixel - 128
 *   operators CONV_2D v3, MEAN v2, FULLY_CONNECTED v4, SOFTMAX v2
 */

#ifndef G_MODEL_TINY_INT8_H
#define G_MODEL_TINY_INT8_H

#include <stdint.h>

#define G_MODEL_INPUT_RANK 4
#define G_MODEL_INPUT_SHAPE { 1, 4, 4, 1 }
#define G_MODEL_INPUT_HEIGHT 4
#define G_MODEL_INPUT_WIDTH 4
#define G_MODEL_INPUT_CHANNELS 1
#define G_MODEL_INPUT_ELEMENTS 16
#define G_MODEL_INPUT_BYTES 16
#define G_MODEL_INPUT_DTYPE "int8"
#define G_MODEL_INPUT_SCALE 0.00392156886f
#define G_MODEL_INPUT_ZERO_POINT (-128)
typedef int8_t g_model_input_t;

#define G_MODEL_OUTPUT_RANK 2
#define G_MODEL_OUTPUT_SHAPE { 1, 3 }
#define G_MODEL_OUTPUT_ELEMENTS 3
#define G_MODEL_OUTPUT_BYTES 3
#define G_MODEL_OUTPUT_DTYPE "int8"
#define G_MODEL_OUTPUT_SCALE 0.00390625f
#define G_MODEL_OUTPUT_ZERO_POINT (-128)
typedef int8_t g_model_output_t;

#define G_MODEL_CLASSES 3

#ifdef __cplusplus
extern "C" {
#endif

/* The TFLite file, 2184 bytes, aligned to 16. */
extern const unsigned char g_model[];
extern const int g_model_len;

/* Class names in label order, UTF-8. */
extern const char *const g_model_labels[G_MODEL_CLASSES];

/* The class with the highest value, the first of equals. */
static inline int g_model_class_of(const int8_t output[3])
{
    int best = 0;
    for (int i = 1; i < 3; ++i) {
        if (output[i] > output[best]) best = i;
    }
    return best;
}

/* What the input holds for a pixel: 0..255 stands for 0..1; q = pixel - 128. */
static inline int8_t g_model_quantise_pixel(uint8_t pixel)
{
    return (int8_t)(pixel - 128);
}

#ifdef __cplusplus
}
#endif

#endif /* G_MODEL_TINY_INT8_H */
