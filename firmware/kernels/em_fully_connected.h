/* FULLY_CONNECTED.
 *
 * in   int8 [rows][in_features]              out  int8 [rows][out_features]
 * A row is read for every output, so `out` must not lie over `in`.
 */
#ifndef EM_FULLY_CONNECTED_H
#define EM_FULLY_CONNECTED_H

#include "em_dot.h"

typedef struct {
  int16_t rows;
  int16_t in_features;
  int16_t out_features;
  em_output output;
} em_fully_connected_params;

EM_INLINE void em_fully_connected_block(em_destination d, const int8_t *x, const int8_t *weights,
                                        const em_fully_connected_params *p, const int lanes, const int rounding)
{
  const em_sums s = em_dot(em_bias(d.channel, lanes), x, x, 0, 1, p->in_features, weights, lanes, 1);
  em_store(d, s, &p->output, lanes, 1, rounding);
}

EM_INLINE void em_fully_connected_body(const em_fully_connected_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts, const int8_t *in, int8_t *out,
                                       const int rounding)
{
  for (int row = 0; row < p->rows; ++row) {
    const int8_t *x = in + row * p->in_features;
    const int8_t *w = weights;
    em_destination d = {channels, shifts, out + row * p->out_features, out};
    int left = p->out_features;
    for (; left >= 4; left -= 4) {
      em_fully_connected_block(d, x, w, p, 4, rounding);
      w += 4 * p->in_features;
      d.channel += 4, d.shift += 4, d.out0 += 4;
    }
    if (left >= 2) {
      em_fully_connected_block(d, x, w, p, 2, rounding);
      w += 2 * p->in_features;
      d.channel += 2, d.shift += 2, d.out0 += 2;
    }
    if (left & 1) em_fully_connected_block(d, x, w, p, 1, rounding);
  }
}

EM_KERNEL void em_fully_connected(const em_fully_connected_params *p, const int8_t *weights, const em_channel *channels,
                                  const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_fully_connected_any(const em_fully_connected_params *p, const int8_t *weights,
                                      const em_channel *channels, const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, in, out, EM_ROUND_ANY);
}

/* Rounded once, as TensorFlow's reference kernels do. */
EM_KERNEL void em_fully_connected_once(const em_fully_connected_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, in, out, EM_ROUND_ONCE);
}

#endif
