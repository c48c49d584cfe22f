/* What layers with int16 activations and int8 weights share: their sums, and how these become outputs.
 *
 * A sum of 64 bits is multiplied by 15 bits of a factor and rounded once, with ties up: TFLite's
 * MultiplyByQuantizedMultiplier for int64. Sums themselves have 64 bits only where `wide` is 1; elsewhere the generator has
 * proved that 32 suffice, the bias included.
 */
#ifndef EM_INT16_H
#define EM_INT16_H

#include "em_common.h"

/* Of each output channel: the bias, which is int64_t where sums are wide, the factor's 15 bits, and a right shift of
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
  return wide ? ((const int64_t *)channels->bias)[channel] : ((const int32_t *)channels->bias)[channel];
}

/* Needs |sum| * multiplier + 2^(shift - 1) < 2^63 and a result of 32 bits. */
EM_INLINE int16_t em_int16_finish(int64_t sum, const em_int16_channels *channels, int32_t channel, const em_int16_limits *limits)
{
  const int shift = channels->shifts[channel];
  const int64_t scaled = sum * channels->multipliers[channel] + ((int64_t)1 << (shift - 1));
  return (int16_t)em_clamp((int32_t)(scaled >> shift), limits->minimum, limits->maximum);
}

/* The sum of `count` neighbouring products. */
EM_INLINE int64_t em_int16_dot(const int16_t *x, const int8_t *weights, int32_t count, const int wide)
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

/* Of a window along one axis the taps that lie within the image: those from `first` to before `last`. */
typedef struct {
  int32_t first, last;
} em_int16_taps;

/* The taps of a window that begins at `start` (which may lie before the image) and has `count`, each `step` apart. */
EM_INLINE em_int16_taps em_int16_within(int32_t start, int32_t step, int32_t count, int32_t size)
{
  em_int16_taps taps;
  const int32_t end = start < size ? (size - start + step - 1) / step : 0;
  taps.first = start < 0 ? (step - 1 - start) / step : 0;
  taps.last = end < count ? end : count;
  return taps;
}

#endif
