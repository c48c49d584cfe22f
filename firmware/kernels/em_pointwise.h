/* CONV_2D with a 1 x 1 kernel and stride 1: every pixel by itself.
 *
 * in   int8 [pixels][in_channels]            out  int8 [pixels][out_channels]
 * Pixels are done two at a time, from the first to the last or, with `backward`, from the last to the first, and a
 * pixel's input is not read again once its block is done: so `out` may lie over `in` as the generator computed it.
 */
#ifndef EM_POINTWISE_H
#define EM_POINTWISE_H

#include "em_dot.h"

typedef struct {
  int16_t pixels;
  int16_t in_channels;
  int16_t out_channels;
  int16_t backward;
  em_output output;
} em_pointwise_params;

EM_INLINE void em_pointwise_block(em_destination d, const int8_t *x0, const int8_t *x1, const int8_t *weights,
                                  const em_pointwise_params *p, const int lanes, const int rounding)
{
  const em_sums s = em_dot(em_bias(d.channel, lanes), x0, x1, 0, 1, p->in_channels, weights, lanes, 2);
  em_store(d, s, &p->output, lanes, 2, rounding);
}

EM_INLINE void em_pointwise_body(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                                 const int8_t *shifts, const int8_t *in, int8_t *out, const int rounding)
{
  const int blocks = (p->pixels + 1) / 2;
  for (int block = 0; block < blocks; ++block) {
    const int pixel = 2 * (p->backward ? blocks - 1 - block : block);
    const int next = pixel + 1 < p->pixels ? pixel + 1 : pixel; /* an odd last pixel is done twice over */
    const int8_t *x0 = in + pixel * p->in_channels;
    const int8_t *x1 = in + next * p->in_channels;
    const int8_t *w = weights;
    em_destination d = {channels, shifts, out + pixel * p->out_channels, out + next * p->out_channels};
    int left = p->out_channels;
    for (; left >= 4; left -= 4) {
      em_pointwise_block(d, x0, x1, w, p, 4, rounding);
      w += 4 * p->in_channels;
      d.channel += 4, d.shift += 4, d.out0 += 4, d.out1 += 4;
    }
    if (left >= 2) {
      em_pointwise_block(d, x0, x1, w, p, 2, rounding);
      w += 2 * p->in_channels;
      d.channel += 2, d.shift += 2, d.out0 += 2, d.out1 += 2;
    }
    if (left & 1) em_pointwise_block(d, x0, x1, w, p, 1, rounding);
  }
}

EM_KERNEL void em_pointwise(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                            const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_pointwise_any(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                                const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, in, out, EM_ROUND_ANY);
}

#endif
