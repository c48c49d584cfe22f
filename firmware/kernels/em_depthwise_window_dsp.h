/* Windows of four neighbouring channels for Cortex-M4, M7, M33 and M55: elements and weights are
 * loaded in words. */
#ifndef EM_DEPTHWISE_WINDOW_DSP_H
#define EM_DEPTHWISE_WINDOW_DSP_H

#include "em_dsp.h"

#define EM_WINDOW_CHANNELS 4

EM_INLINE void em_own_window_sums(const em_depthwise_conv_2d_params *p, em_depthwise_window window,
                                  int32_t *sums)
{
  const int step = p->dilation_width * p->in_channels,
            row = p->dilation_height * p->in_width * p->in_channels;
  uint32_t a = (uint32_t)sums[0], b = (uint32_t)sums[1], c = (uint32_t)sums[2],
           d = (uint32_t)sums[3];
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *x = window.x;
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      const uint32_t u = em_load_4(x), w = em_load_4(window.weights);
      const uint32_t even = em_spread_even(u), odd = em_spread_odd(u);
      const uint32_t even_weights = em_spread_even(w), odd_weights = em_spread_odd(w);
      a = em_multiply_lower(a, even, even_weights);
      b = em_multiply_lower(b, odd, odd_weights);
      c = em_multiply_uppers(c, even, even_weights);
      d = em_multiply_uppers(d, odd, odd_weights);
      x += step;
      window.weights += p->in_channels;
      EM_LOADS_END_HERE;
    }
    window.x += row;
  }
  sums[0] = (int32_t)a;
  sums[1] = (int32_t)b;
  sums[2] = (int32_t)c;
  sums[3] = (int32_t)d;
}

#endif
