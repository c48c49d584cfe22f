/* SOFTMAX over the last axis.
 *
 * in   int8 [rows][depth]            scratch  uint32 [depth], a row's exponentials
 * out  [rows][depth]: int8, scale 1/256 and zero point -128, or int16, 1/65536 and -32768
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

/* The exponentials of a row and their sum, Q19, at least 1. */
EM_INLINE uint32_t em_softmax_sum(const em_softmax_params *p, uint32_t *exponentials,
                                  const int8_t *in)
{
  int32_t highest = -128;
  uint32_t sum = 0;
  for (int c = 0; c < p->depth; ++c) highest = in[c] > highest ? in[c] : highest;
  for (int c = 0; c < p->depth; ++c) {
    exponentials[c] = em_softmax_exp(p, highest - in[c]);
    sum += (exponentials[c] + 2048) >> 12;
  }
  return sum;
}

/* A row is written after all of it is read: `out` may start at or before `in`. */
EM_KERNEL void em_softmax(const em_softmax_params *p, int8_t *scratch, const int8_t *in,
                          int8_t *out)
{
  uint32_t *const exponentials = (uint32_t *)(void *)scratch;
  for (int32_t row = 0; row < p->rows; ++row) {
    uint32_t sum = em_softmax_sum(p, exponentials, in);
    int exponent = 35;
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

/* The same with 8 bits more of each result. `out` and `in` may not overlap. */
EM_KERNEL void em_softmax_to_int16(const em_softmax_params *p, int8_t *scratch, const int8_t *in,
                                   int16_t *out)
{
  uint32_t *const exponentials = (uint32_t *)(void *)scratch;
  for (int32_t row = 0; row < p->rows; ++row) {
    uint32_t sum = em_softmax_sum(p, exponentials, in);
    int shift = 27;
    for (; sum < 2147483648u; sum <<= 1) --shift;
    const uint32_t scale = em_reciprocal(sum);
    for (int c = 0; c < p->depth; ++c) {
      const uint32_t value =
          (em_high_product_unsigned(exponentials[c], scale) + (1u << (shift - 1))) >> shift;
      out[c] = (int16_t)((value < 65535 ? (int32_t)value : 65535) - 32768);
    }
    in += p->depth;
    out += p->depth;
  }
}

#endif
