/* Depthwise convolution on Cortex-M4, M7, M33 and M55, where the kernel is 3 wide: the outer two weights of a kernel's row
 * in one multiplication.
 */
#ifndef EM_DEPTHWISE_DSP_H
#define EM_DEPTHWISE_DSP_H

#include "em_dsp.h"

enum { EM_DEPTHWISE_ROWS = 3 }; /* the most rows of a kernel, whose weights are kept at hand */

EM_INLINE int em_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return p->kernel_width == 3 && p->kernel_height <= EM_DEPTHWISE_ROWS && p->dilation_width == 1 &&
         p->stride_width <= 2;
}

/* Of each row of the kernel: weights 0 and 2 in a word's halves, and weight 1. */
typedef struct {
  uint32_t outer[EM_DEPTHWISE_ROWS], inner[EM_DEPTHWISE_ROWS];
} em_depthwise_weights;

EM_INLINE em_depthwise_weights em_depthwise_load(const em_depthwise_conv_2d_params *p, const int8_t *weights)
{
  em_depthwise_weights w;
  EM_UNROLL(3)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    w.outer[ky] = (uint32_t)(uint16_t)weights[3 * ky] | (uint32_t)weights[3 * ky + 2] << 16;
    w.inner[ky] = (uint32_t)weights[3 * ky + 1];
  }
  return w;
}

EM_INLINE em_two_sums em_depthwise_pair(const em_depthwise_conv_2d_params *p, const int8_t *at,
                                        const em_depthwise_weights *w, int32_t bias)
{
  uint32_t a = (uint32_t)bias, b = (uint32_t)bias;
  EM_UNROLL(3)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const uint32_t first = em_load_4(at);
    const uint32_t even = em_spread_even(first); /* elements 0 and 2 */
    const uint32_t odd = em_spread_odd(first);   /* 1 and 3 */
    a = em_multiply_pairs(a, even, w->outer[ky]);
    b = em_multiply_pairs(b, p->stride_width == 1 ? odd : em_spread_odd(em_load_4(at + 1)), w->outer[ky]);
    a = em_multiply_lower(a, odd, w->inner[ky]);
    b = em_multiply_upper(b, p->stride_width == 1 ? even : odd, w->inner[ky]);
    at += p->dilation_height * p->plane_width;
  }
  const em_two_sums s = {(int32_t)a, (int32_t)b};
  return s;
}

#endif
