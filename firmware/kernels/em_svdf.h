/* SVDF: each filter takes one number of the input and keeps the last `memory` of them; its output
 * is what the time weights make of those. A unit adds `rank` filters.
 *
 * in      int8 [batch][inputs]               out   int8 [batch][units]
 * state   int16 or int8 [batch][units * rank][memory], the newest last; changed
 * feature int8 [units * rank][inputs]        time  as the state, [units * rank][memory]
 * sums    int32 [units * rank], where the sum of the filter's products begins: -input zero point *
 *         sum(weights)
 * bias    int32 [units]
 * The input is read for every filter, so `out` must not lie over `in`. Sums of `time` wrap around
 * at 32 bits, as TFLM's do.
 */
#ifndef EM_SVDF_H
#define EM_SVDF_H

#include "em_factor.h"

typedef struct {
  int32_t batch;
  int32_t inputs;
  int32_t units;
  int32_t rank;
  int32_t memory;
  int16_t state_zero_point;
  em_factor feature; /* from sums of products to the state */
  em_factor time; /* from sums of products to the output */
  em_output output;
} em_svdf_params;

/* Shifts a filter's numbers, puts the new one behind them and returns the sum of them all times the
 * weights. */
EM_INLINE uint32_t em_svdf_narrow(int8_t *state, const int8_t *weights, int32_t memory,
                                  int32_t value, int32_t zero_point)
{
  uint32_t sum = 0;
  memmove(state, state + 1, (size_t)(memory - 1));
  state[memory - 1] =
      /* not limited again */
      (int8_t)(uint8_t)((uint32_t)(em_clamp(value, -128, 127) + zero_point) & 255u);
  for (int32_t i = 0; i < memory; ++i) sum += (uint32_t)(weights[i] * (state[i] - zero_point));
  return sum;
}

/* The same for a state without a zero point. */
EM_INLINE uint32_t em_svdf_wide(int16_t *state, const int16_t *weights, int32_t memory,
                                int32_t value)
{
  uint32_t sum = 0;
  memmove(state, state + 1, (size_t)(memory - 1) * sizeof *state);
  state[memory - 1] = (int16_t)em_clamp(value, -32768, 32767);
  for (int32_t i = 0; i < memory; ++i) sum += (uint32_t)(weights[i] * state[i]);
  return sum;
}

/* The number that a filter takes of the input. */
EM_PART int32_t em_svdf_feature(const em_svdf_params *p, const int8_t *weights, int32_t sum,
                                const int8_t *in)
{
  for (int32_t i = 0; i < p->inputs; ++i) sum += weights[i] * in[i];
  return em_times(sum, &p->feature);
}

EM_INLINE int8_t em_svdf_output(const em_svdf_params *p, uint32_t sum)
{
  const int32_t value = em_times((int32_t)sum, &p->time) + p->output.zero_point;
  return (int8_t)em_clamp(value, p->output.minimum, p->output.maximum);
}

EM_KERNEL void em_svdf_int8(const em_svdf_params *p, const int8_t *feature, const int32_t *sums,
                            const int8_t *time, const int32_t *bias, int8_t *state,
                            const int8_t *in, int8_t *out)
{
  for (int32_t row = 0; row < p->batch; ++row, in += p->inputs) {
    for (int32_t unit = 0, filter = 0; unit < p->units; ++unit) {
      uint32_t sum = (uint32_t)bias[unit];
      for (int32_t i = 0; i < p->rank; ++i, ++filter, state += p->memory) {
        const int32_t value = em_svdf_feature(p, feature + filter * p->inputs, sums[filter], in);
        sum +=
            em_svdf_narrow(state, time + filter * p->memory, p->memory, value, p->state_zero_point);
      }
      *out++ = em_svdf_output(p, sum);
    }
  }
}

EM_KERNEL void em_svdf_int16(const em_svdf_params *p, const int8_t *feature, const int32_t *sums,
                             const int16_t *time, const int32_t *bias, int16_t *state,
                             const int8_t *in, int8_t *out)
{
  for (int32_t row = 0; row < p->batch; ++row, in += p->inputs) {
    for (int32_t unit = 0, filter = 0; unit < p->units; ++unit) {
      uint32_t sum = (uint32_t)bias[unit];
      for (int32_t i = 0; i < p->rank; ++i, ++filter, state += p->memory) {
        const int32_t value = em_svdf_feature(p, feature + filter * p->inputs, sums[filter], in);
        sum += em_svdf_wide(state, time + filter * p->memory, p->memory, value);
      }
      *out++ = em_svdf_output(p, sum);
    }
  }
}

#endif
