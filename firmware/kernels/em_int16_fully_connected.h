/* FULLY_CONNECTED on int16, with int8 weights.
 *
  * in   int16 [rows][features]
 * weights  int8 [out_features][features]
 * out  int16 [rows][out_features]
 * em_int16_fully_connected_wide sums up in 64 bits and takes an int64 bias.
 */
#ifndef EM_INT16_FULLY_CONNECTED_H
#define EM_INT16_FULLY_CONNECTED_H

#include "em_int16.h"

typedef struct {
  int32_t rows;
  int32_t features;
  int32_t out_features;
  em_int16_limits limits;
} em_int16_dense_params;

EM_INLINE void em_int16_dense(const em_int16_dense_params *p, const int8_t *weights,
                              const em_int16_channels *channels, const int16_t *in, int16_t *out,
                              const int wide)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->features) {
    int32_t c = 0;
    for (; !wide && c + 4 <= p->out_features; c += 4) {
      int32_t sums[4] = {0, 0, 0, 0};
      em_int16_add_dots(in, weights + c * p->features, p->features, p->features, sums);
      for (int32_t i = 0; i < 4; ++i) {
        *out++ = em_int16_finish(em_int16_bias(channels, c + i, 0) + sums[i], channels, c + i,
                                 &p->limits);
      }
    }
    for (; c < p->out_features; ++c) {
      const int64_t sum = em_int16_bias(channels, c, wide) +
          em_int16_dot(in, weights + c * p->features, p->features, wide);
      *out++ = em_int16_finish(sum, channels, c, &p->limits);
    }
  }
}

EM_KERNEL void em_int16_fully_connected(const em_int16_dense_params *p, const int8_t *weights,
                                        const int32_t *bias, const int16_t *multipliers,
                                        const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_dense(p, weights, &channels, in, out, 0);
}

EM_KERNEL void em_int16_fully_connected_wide(const em_int16_dense_params *p, const int8_t *weights,
                                             const int64_t *bias, const int16_t *multipliers,
                                             const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_dense(p, weights, &channels, in, out, 1);
}

#endif
