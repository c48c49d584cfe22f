/* LOG_SOFTMAX over the last axis.
 *
 * in   int8 [rows][depth]            out  int8 [rows][depth], scale 1/16, zero point 127
 * An element is written after the last read of it and of all before it: `out` may start at or
 * before `in`.
 */
#ifndef EM_LOG_SOFTMAX_H
#define EM_LOG_SOFTMAX_H

#include "em_softmax.h"

typedef struct {
  em_softmax_params softmax;
  int32_t inverse_multiplier; /* from Q26 to input steps */
  int16_t inverse_shift;
} em_log_softmax_params;

/* By how many bits `value` > 0 can be shifted up. */
EM_INLINE int em_headroom(int32_t value)
{
  int bits = 0;
  for (; value < 1073741824; value *= 2) ++bits;
  return bits;
}

/* log(value / 2^19) in Q26, for value >= 2^19. The number is brought to about 2^(-1/4) by a power
 * of two, with or without a factor of sqrt(1/2) before; a rational function gives the rest.
 */
EM_KERNEL int32_t em_log(int32_t value)
{
  const int32_t root = 1805811301; /* 2^(-1/4), Q31 */
  const int bits = em_headroom(value);
  const int other_bits = em_headroom(em_product(value, 1518500250));
  const uint32_t half = (uint32_t)em_product(value << bits, 1518500250) * 2; /* times sqrt(1/2) */
  const uint32_t whole = (uint32_t)value << other_bits;
  const int32_t power = (11 - bits) * 33554432 + 8388608; /* Q25 */
  const int32_t other_power = (12 - other_bits) * 33554432 - 8388608;
  const uint32_t least = half < whole ? half : whole;
  const int32_t x = least < 2147483647u ? (int32_t)least : 2147483647;
  const int32_t distance = 2 * (x - root);
  const int32_t square = em_product(distance, distance);
  const int32_t numerator =
      em_product(distance, x) + em_product(em_product(distance, square), 117049297);
  const int32_t slope = 1057819769 + distance + em_product(square, 127690142);
  const int32_t middle = (int32_t)(((uint32_t)x + (uint32_t)root + 1) >> 1);
  /* less 1 */
  const int32_t denominator = em_product(middle, slope) + em_product(distance, 638450708);
  /* halves away from zero */
  const int32_t scaled = (numerator + 32 - (numerator < 0 ? 1 : 0)) >> 6;
  const uint32_t reciprocal = em_reciprocal((uint32_t)denominator + 2147483648u);
  return 2 *
      (em_product(em_max(power, other_power), 1488522236) +
       em_product(scaled, (int32_t)reciprocal));
}

EM_KERNEL void em_log_softmax(const em_log_softmax_params *p, const int8_t *in, int8_t *out)
{
  const em_softmax_params *s = &p->softmax;
  for (int32_t row = 0; row < s->rows; ++row) {
    int32_t highest = -128;
    int32_t sum = 0; /* Q19, at least 1 */
    for (int c = 0; c < s->depth; ++c) highest = in[c] > highest ? in[c] : highest;
    for (int c = 0; c < s->depth; ++c)
      sum += (int32_t)((em_softmax_exp(s, highest - in[c]) + 2048) >> 12);
    const int32_t log = em_log(sum);
    /* What would be less than the least number in Q26 is the least output. */
    const int32_t least =
        em_multiply_any(log - 2147483647 - 1, p->inverse_multiplier, p->inverse_shift);
    const int32_t limit = em_max(least, -s->furthest - 1);
    for (int c = 0; c < s->depth; ++c) {
      const int32_t difference = highest - in[c];
      int32_t value = -128;
      if (-difference > limit) {
        const uint32_t magnitude = em_softmax_scaled(s, difference) + (uint32_t)log;
        value = em_max(value, 127 - (int32_t)((magnitude + 2097152) >> 22));
      }
      out[c] = (int8_t)value;
    }
    in += s->depth;
    out += s->depth;
  }
}

#endif
