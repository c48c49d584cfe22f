/* MEAN, SUM, REDUCE_MAX and REDUCE_MIN of float32 over up to two groups of neighbouring axes, and
 * CUMSUM along one axis.
 *
 * in   float, walked with the given strides        out   float [kept_0.count][kept_1.count]
 * An output is written when all its inputs are read: `out` may lie over `in` as far ahead as the
 * generator computed it. Of CUMSUM `in` and `out` are [rows][count][inner], and `out` may be `in`.
 */
#ifndef EM_FLOAT_REDUCE_H
#define EM_FLOAT_REDUCE_H

#include "em_axis.h"
#include "em_float_common.h"

typedef struct {
  em_axis kept_0;
  em_axis kept_1;
  em_axis reduced_0;
  em_axis reduced_1;
} em_float_reduce_params;

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
  int32_t exclusive; /* 1 where a sum leaves its own element out */
  int32_t reverse;   /* 1 where sums run from the end */
} em_float_cumsum_params;

/* Defines the kernel em_float_NAME: from `start` on `step` takes each element `x` in, and `found`
 * becomes `end`. */
#define EM_FLOAT_OF_AXES(name, start, step, end)                                                   \
  EM_KERNEL void em_float_##name(const em_float_reduce_params *p, const float *in, float *out)     \
  {                                                                                                \
    for (int32_t i = 0; i < p->kept_0.count; ++i) {                                                \
      for (int32_t j = 0; j < p->kept_1.count; ++j) {                                              \
        const float *row = in + i * p->kept_0.stride + j * p->kept_1.stride;                       \
        float found = start;                                                                       \
        for (int32_t k = 0; k < p->reduced_0.count; ++k) {                                         \
          for (int32_t l = 0; l < p->reduced_1.count; ++l) {                                       \
            const float x = row[k * p->reduced_0.stride + l * p->reduced_1.stride];                \
            found = step;                                                                          \
          }                                                                                        \
        }                                                                                          \
        *out++ = end;                                                                              \
      }                                                                                            \
    }                                                                                              \
  }

EM_FLOAT_OF_AXES(sum, 0.0f, found + x, found)
EM_FLOAT_OF_AXES(mean, 0.0f, found + x, found / (float)(p->reduced_0.count * p->reduced_1.count))
EM_FLOAT_OF_AXES(reduce_max, -EM_FLOAT_LARGEST, x > found ? x : found, found)
EM_FLOAT_OF_AXES(reduce_min, EM_FLOAT_LARGEST, x < found ? x : found, found)

EM_KERNEL void em_float_cumsum(const em_float_cumsum_params *p, const float *in, float *out)
{
  const int32_t step = p->reverse ? -p->inner : p->inner;
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t i = 0; i < p->inner; ++i) {
      int32_t at = row * p->count * p->inner + (p->reverse ? (p->count - 1) * p->inner : 0) + i;
      float sum = 0.0f;
      for (int32_t j = 0; j < p->count; ++j, at += step) {
        const float before = sum;
        sum += in[at];
        out[at] = p->exclusive ? before : sum;
      }
    }
  }
}

#endif
