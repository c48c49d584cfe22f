/* SOFTMAX over the last axis.
 *
 * in   int8 [rows][depth]            out  int8 [rows][depth], scale 1/256, zero point -128
 * scratch  uint32 [depth], a row's exponentials
 * A row is written after all of it is read: `out` may start at or before `in`.
 */
#ifndef EM_SOFTMAX_H
#define EM_SOFTMAX_H

#include "em_fixedpoint.h"

typedef struct {
  int32_t multiplier; /* Q31; multiplier * 2^shift turns a difference of inputs into Q26 */
  int32_t rows;
  int16_t depth; /* below 4096, or the sum of exponentials would overflow */
  int16_t shift;
  int16_t furthest; /* how far below the row's maximum an input may be to count; furthest * 2^shift
                     * < 2^31 */
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

EM_KERNEL void em_softmax(const em_softmax_params *p, int8_t *scratch, const int8_t *in,
                          int8_t *out)
{
  uint32_t *const exponentials = (uint32_t *)(void *)scratch;
  for (int32_t row = 0; row < p->rows; ++row) {
    int32_t highest = -128;
    uint32_t sum = 0; /* Q19, at least 1 */
    int exponent = 35;
    for (int c = 0; c < p->depth; ++c) highest = in[c] > highest ? in[c] : highest;
    for (int c = 0; c < p->depth; ++c) {
      exponentials[c] = em_softmax_exp(p, highest - in[c]);
      sum += (exponentials[c] + 2048) >> 12;
    }
    for (; sum < 2147483648u; sum <<= 1) --exponent;
    const uint32_t scale = exponent < 32 ? em_reciprocal(sum) : 0; /* 0: all outputs are */
    const int shift = exponent < 32 ? exponent : 31;
    for (int c = 0; c < p->depth; ++c) {
      const uint32_t value =
          (em_high_product_unsigned(exponentials[c], scale) + (1u << (shift - 1))) >> shift;
      out[c] = (int8_t)((value < 255 ? (int32_t)value : 255) - 128);
    }
    in += p->depth;
    out += p->depth;
  }
}

#endif
