/* tiny: an int8 network as C99, without interpreter, heap or library.
 * Made by: edgemnist codegen tiny.tflite
 * Source: TFLite file with SHA-256 7a01962fe3aeb49adbcbac97209682622137bd09120d870343d950f658fdbbec
 * Arena 120 bytes (input, output and scratch included); the largest tensor alone has 56, the
 * largest live set without overlaps 108.
 * Constants 321 bytes, 1872 multiply-accumulates per inference.
 *
 *    step  operator                                  output         constants      MACs
 *       0  CONV_2D+MAX_POOL_2D                       4x3x3                 54      1296
 *       1  DEPTHWISE_CONV_2D                         4x3x3                 51       324
 *       2  CONV_2D+ADD                               4x3x3                 36       108
 *       3  FULLY_CONNECTED                           4                    180       144
 *       4  SOFTMAX                                   4                      0         0
 */
#ifndef TINY_H
#define TINY_H

#include <stdint.h>

#define TINY_ARENA_SIZE 120
#define TINY_INPUT_OFFSET 36
#define TINY_OUTPUT_OFFSET 32
#define TINY_INPUT_SIZE 56
#define TINY_INPUT_HEIGHT 8
#define TINY_INPUT_WIDTH 7
#define TINY_INPUT_CHANNELS 1
#define TINY_INPUT_SCALE 0.00392156886f
#define TINY_INPUT_ZERO_POINT (-128)
#define TINY_OUTPUT_SIZE 4
#define TINY_OUTPUT_CHANNELS 4
#define TINY_OUTPUT_SCALE 0.00390625f
#define TINY_OUTPUT_ZERO_POINT (-128)
#define TINY_STEPS 5

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the network once in an arena of its own; not for two threads at a time. */
void tiny_run(const int8_t input[TINY_INPUT_SIZE], int8_t output[TINY_OUTPUT_SIZE]);

/* The same in the caller's arena, aligned to 4 bytes: put the input at arena + INPUT_OFFSET, find
 * the output at arena + OUTPUT_OFFSET. Everything in the arena is overwritten, the input too. */
void tiny_run_in(int8_t arena[TINY_ARENA_SIZE]);

/* Class names in the order of the output. */
extern const char *const tiny_labels[4];

/* A real number as the input holds it: value / scale + zero point, rounded, ties away from zero,
 * and kept within the type; what is no number is its lowest value. */
static inline int8_t tiny_quantise(float value)
{
    const float scaled = value / TINY_INPUT_SCALE;
    int32_t whole;
    if (!(scaled > 0.0f)) return -128;
    if (scaled >= 255.0f) return 127;
    whole = (int32_t)scaled;
    if (scaled - (float)whole >= 0.5f) ++whole;
    else if ((float)whole - scaled >= 0.5f) --whole;
    return (int8_t)(whole + TINY_INPUT_ZERO_POINT);
}

/* The real number that a value of the output stands for. */
static inline float tiny_dequantise(int8_t value)
{
    return (float)(value - TINY_OUTPUT_ZERO_POINT) * TINY_OUTPUT_SCALE;
}

/* no pixel quantiser */

/* With this macro defined, the caller provides a function that gets each step's output when it is
 * there. */
#ifdef TINY_TRACE
void tiny_trace(int step, const void *data, unsigned long bytes);
#endif

#ifdef __cplusplus
}
#endif

#endif
