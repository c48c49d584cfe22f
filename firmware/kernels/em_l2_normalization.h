/* L2_NORMALIZATION over the last axis.
 *
 * in   int8 [rows][depth]            out  int8 [rows][depth], scale 1/128, zero point 0
 * An element is written after the last read of it and of all before it: `out` may start at or
 * before `in`.
 */
#ifndef EM_L2_NORMALIZATION_H
#define EM_L2_NORMALIZATION_H

#include "em_fixedpoint.h"

typedef struct {
  int32_t rows;
  int32_t depth;
  int16_t zero_point;
} em_l2_normalization_params;

EM_INLINE int32_t em_saturate(int64_t value)
{
  return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

/* 1 / sqrt(value) for value >= 0 as a factor in Q31, times 2^exponent; 0 counts as 1. Five steps of
 * Newton and Raphson. */
EM_KERNEL int32_t em_inverse_root(int32_t value, int *exponent)
{
  int shift = 11;
  int32_t x = 268435456, half; /* Q28 */
  *exponent = 0;
  if (value <= 1) return 2147483647;
  for (; value >= 536870912; value /= 4) ++shift;
  for (; value < 134217728; value *= 4) --shift;
  half = ((value >> 1) + 1) >> 1;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = em_saturate((int64_t)em_product(em_product(x, x), x) * 64);
    x = em_saturate(((int64_t)em_product(402653184, x) - em_product(half, cube)) * 8);
  }
  x = em_product(x, 1518500250); /* sqrt(1/2) */
  for (; shift < 0; ++shift) x *= 2;
  *exponent = -shift;
  return x;
}

EM_KERNEL void em_l2_normalization(const em_l2_normalization_params *p, const int8_t *in,
                                   int8_t *out)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    int32_t sum = 0;
    int exponent;
    for (int32_t i = 0; i < p->depth; ++i) sum += (in[i] - p->zero_point) * (in[i] - p->zero_point);
    const int32_t root = em_inverse_root(sum, &exponent);
    for (int32_t i = 0; i < p->depth; ++i) {
      out[i] =
          (int8_t)em_clamp(em_multiply_any(in[i] - p->zero_point, root, exponent + 7), -128, 127);
    }
    in += p->depth;
    out += p->depth;
  }
}

#endif
