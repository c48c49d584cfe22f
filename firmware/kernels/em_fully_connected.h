/* FULLY_CONNECTED.
 *
 * in   int8 [rows][in_features]              out  int8 [rows][out_features]
 * A row is read for every output, so `out` must not lie over `in`. `scratch` is the strip of the
 * target's body.
 */
#ifndef EM_FULLY_CONNECTED_H
#define EM_FULLY_CONNECTED_H

#include "em_dot.h"

typedef struct {
  em_size rows;
  int32_t in_features;
  em_size out_features;
  em_output output;
} em_fully_connected_params;

EM_INLINE void em_fully_connected_body(const em_fully_connected_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts,
                                       int8_t *scratch, const int8_t *in, int8_t *out,
                                       const int rounding)
{
  em_window window = {in, 0, 0, 1, p->in_features};
  for (int row = 0; row < p->rows; ++row) {
    const em_block block = {weights, channels, shifts, out + row * p->out_features,
                            out + row * p->out_features};
    window.x = in + row * p->in_features;
    em_dot_channels(&window, block, p->out_features, &p->output, scratch, 1, rounding);
  }
}

EM_KERNEL void em_fully_connected(const em_fully_connected_params *p, const int8_t *weights,
                                  const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                  const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_fully_connected_any(const em_fully_connected_params *p, const int8_t *weights,
                                      const em_channel *channels, const int8_t *shifts,
                                      int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

/* Rounded once, as TensorFlow's reference kernels do. */
EM_KERNEL void em_fully_connected_once(const em_fully_connected_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts,
                                       int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_fully_connected_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ONCE);
}

#endif
