/* What layers with int16 activations and int8 weights share: their sums, and how these become
 * outputs.
 *
 * Sums have 64 bits only where `wide` is 1; elsewhere the generator has proved that 32 suffice, the
 * bias included.
 */
#ifndef EM_INT16_H
#define EM_INT16_H

#include "em_common.h"

/* Of each output channel: the bias, which is int64_t where sums are wide, the factor's 15 bits, and
 * a right shift of
 * 8 to 46.
 */
typedef struct {
  const void *bias;
  const int16_t *multipliers;
  const int8_t *shifts;
} em_int16_channels;

typedef struct {
  int16_t minimum; /* fused activation, already in the output's quantisation */
  int16_t maximum;
} em_int16_limits;

EM_INLINE int64_t em_int16_bias(const em_int16_channels *channels, int32_t channel, const int wide)
{
  return wide ? ((const int64_t *)channels->bias)[channel]
              : ((const int32_t *)channels->bias)[channel];
}

/* See em_multiply_short for what it needs. */
EM_INLINE int16_t em_int16_finish(int64_t sum, const em_int16_channels *channels, int32_t channel,
                                  const em_int16_limits *limits)
{
  const int32_t value =
      em_multiply_short(sum, channels->multipliers[channel], channels->shifts[channel]);
  return (int16_t)em_clamp(value, limits->minimum, limits->maximum);
}

/* The sum of `count` neighbouring products. */
EM_INLINE int64_t em_int16_dot(const int16_t *x, const int8_t *weights, int32_t count,
                               const int wide)
{
  int32_t sum = 0;
  int64_t wide_sum = 0;
  if (wide) {
    for (int32_t i = 0; i < count; ++i) wide_sum += (int32_t)x[i] * weights[i];
    return wide_sum;
  }
  EM_UNROLL(4)
  for (int32_t i = 0; i < count; ++i) sum += x[i] * weights[i];
  return sum;
}

#if EM_DSP
/* The two activations of a word that are at even places, or at odd ones, of four that follow each
 * other. */
EM_INLINE uint32_t em_int16_even(uint32_t first, uint32_t second)
{
  uint32_t result;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(first), "r"(second));
  return result;
}

EM_INLINE uint32_t em_int16_odd(uint32_t first, uint32_t second)
{
  uint32_t result;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(second), "r"(first));
  return result;
}

/* Adds to `sum` the products of four activations with four weights. */
EM_INLINE int32_t em_int16_add_four(int32_t sum, uint32_t even, uint32_t odd, const int8_t *weights)
{
  uint32_t four, part;
  EM_COPY(&four, weights, 4);
  __asm__("sxtb16 %1, %2\n\t"
          "smlad %0, %3, %1, %0\n\t"
          "sxtb16 %1, %2, ror #8\n\t"
          "smlad %0, %4, %1, %0"
          : "+r"(sum), "=&r"(part)
          : "r"(four), "r"(even), "r"(odd));
  return sum;
}
#endif

/* Adds to four sums, which 32 bits suffice for, the products of `count` neighbouring activations
 * with the weights of a channel each, which are `pitch` apart.
 */
EM_INLINE void em_int16_add_dots(const int16_t *x, const int8_t *weights, int32_t pitch,
                                 int32_t count, int32_t *sums)
{
  int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3], i = 0;
  const int8_t *second = weights + pitch, *third = second + pitch, *fourth = third + pitch;
#if EM_DSP
  for (; i + 4 <= count; i += 4) {
    uint32_t words[2], even, odd;
    EM_COPY(words, x + i, 4);
    EM_COPY(words + 1, x + i + 2, 4);
    even = em_int16_even(words[0], words[1]);
    odd = em_int16_odd(words[0], words[1]);
    a = em_int16_add_four(a, even, odd, weights + i);
    b = em_int16_add_four(b, even, odd, second + i);
    c = em_int16_add_four(c, even, odd, third + i);
    d = em_int16_add_four(d, even, odd, fourth + i);
  }
#endif
  for (; i < count; ++i) {
    const int32_t value = x[i];
    a += value * weights[i];
    b += value * second[i];
    c += value * third[i];
    d += value * fourth[i];
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

#endif
