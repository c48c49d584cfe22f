/* SOFTMAX over the last axis.
 *
 * in   int8 [rows][depth]            out  int8 [rows][depth], scale 1/256, zero point -128
 * An element is written after the last read of it and of all before it: `out` may start at or before `in`.
 */
#ifndef EM_SOFTMAX_H
#define EM_SOFTMAX_H

#include "em_fixedpoint.h"

typedef struct {
  int32_t multiplier; /* Q31; multiplier * 2^shift turns a difference of inputs into Q26 */
  int32_t rows;
  int16_t depth; /* below 4096, or the sum of exponentials would overflow */
  int16_t shift;
  int16_t furthest; /* how far below the row's maximum an input may be to count; furthest * 2^shift < 2^31 */
} em_softmax_params;

/* `difference` input steps, at most `furthest` of them, in Q26. */
EM_INLINE uint32_t em_softmax_scaled(const em_softmax_params *p, int32_t difference)
{
  const uint64_t doubled = (uint32_t)difference << p->shift << 1;
  return (uint32_t)((doubled * (uint32_t)p->multiplier + 2147483647u) >> 32); /* ties down */
}

/* exp of minus `difference` input steps, Q31. */
EM_INLINE uint32_t em_softmax_exp(const em_softmax_params *p, int32_t difference)
{
  return difference > p->furthest ? 0 : em_exp(em_softmax_scaled(p, difference));
}

EM_KERNEL void em_softmax(const em_softmax_params *p, const int8_t *in, int8_t *out)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    int32_t highest = -128;
    uint32_t sum = 0; /* Q19, at least 1 */
    uint32_t scale = 0;
    int exponent = 35;
    for (int c = 0; c < p->depth; ++c) highest = in[c] > highest ? in[c] : highest;
    for (int pass = 0; pass < 2; ++pass) {
      for (int c = 0; c < p->depth; ++c) {
        const uint32_t e = em_softmax_exp(p, highest - in[c]);
        if (pass == 0) {
          sum += (e + 2048) >> 12;
        } else {
          const uint32_t half = 1u << (exponent - 1) % 32;
          const uint32_t value = exponent < 32 ? (em_high_product_unsigned(e, scale) + half) >> exponent : 0;
          out[c] = (int8_t)((value < 255 ? (int32_t)value : 255) - 128);
        }
      }
      for (; sum < 2147483648u; sum <<= 1) --exponent;
      scale = em_reciprocal(sum);
    }
    in += p->depth;
    out += p->depth;
  }
}

#endif
