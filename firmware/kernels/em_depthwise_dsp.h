/* One channel of a depthwise convolution on Cortex-M4, M7, M33 and M55, where the kernel is 3 wide: outputs two by two,
 * the outer two weights of a kernel's row in one multiplication.
 */
#ifndef EM_DEPTHWISE_DSP_H
#define EM_DEPTHWISE_DSP_H

#include "em_dsp.h"

enum { EM_DEPTHWISE_ROWS = 3 }; /* the most rows of a kernel, whose weights stay in registers */

EM_INLINE int em_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return p->kernel_width == 3 && p->kernel_height <= EM_DEPTHWISE_ROWS && p->dilation_width == 1 &&
         p->stride_width <= 2 && p->out_width >= 2;
}

/* Weights of one row of the kernel: 0 and 2 in a word's halves, and 1. */
typedef struct {
  uint32_t outer, inner;
} em_kernel_row;

/* Two neighbouring outputs' sums. */
typedef struct {
  uint32_t a, b;
} em_two_sums;

/* Adds a row's products; the window of the first output starts at `x`, that of the second `stride` (1 or 2) later. */
EM_INLINE em_two_sums em_depthwise_row(em_two_sums s, const int8_t *x, em_kernel_row w, const int stride)
{
  const uint32_t first = em_load_4(x);
  const uint32_t even = em_spread_even(first); /* x[0], x[2] */
  const uint32_t odd = em_spread_odd(first);   /* x[1], x[3] */
  s.a = em_multiply_pairs(s.a, even, w.outer);
  s.b = em_multiply_pairs(s.b, stride == 1 ? odd : em_spread_odd(em_load_4(x + 1)), w.outer);
  s.a = em_multiply_lower(s.a, odd, w.inner);
  s.b = em_multiply_upper(s.b, stride == 1 ? even : odd, w.inner);
  return s;
}

/* Adds up two neighbouring outputs, whose windows start at `at`. */
EM_INLINE em_two_sums em_depthwise_pair(const em_depthwise_conv_2d_params *p, const int8_t *at, const em_kernel_row *rows,
                                        int32_t bias)
{
  em_two_sums s = {(uint32_t)bias, (uint32_t)bias};
  EM_UNROLL(3)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    s = em_depthwise_row(s, at, rows[ky], p->stride_width);
    at += p->dilation_height * p->plane_width;
  }
  return s;
}

EM_INLINE void em_depthwise_channel(const em_depthwise_conv_2d_params *p, const int8_t *plane, const int8_t *weights,
                                    const em_channel *channel, int shift, int8_t *out, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier;
  const int32_t bias = channel->bias, multiplier = channel->multiplier;
  em_kernel_row rows[EM_DEPTHWISE_ROWS];
  EM_UNROLL(3)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    rows[ky].outer = (uint32_t)(uint16_t)weights[3 * ky] | (uint32_t)weights[3 * ky + 2] << 16;
    rows[ky].inner = (uint32_t)weights[3 * ky + 1];
  }
  for (int y = 0; y < p->out_height; ++y) {
    const int8_t *at = plane + y * p->stride_height * p->plane_width;
    int8_t *to = out + y * p->out_width * pitch;
    for (int left = p->out_width / 2; left > 0; --left) {
      const em_two_sums s = em_depthwise_pair(p, at, rows, bias);
      to[0] = em_finish((int32_t)s.a, multiplier, shift, &p->output, rounding);
      to[pitch] = em_finish((int32_t)s.b, multiplier, shift, &p->output, rounding);
      at += 2 * p->stride_width;
      to += 2 * pitch;
    }
    if (p->out_width % 2 != 0) {
      /* The last output is the second one of the pair that ends with it. */
      const em_two_sums s = em_depthwise_pair(p, at - p->stride_width, rows, bias);
      to[0] = em_finish((int32_t)s.b, multiplier, shift, &p->output, rounding);
    }
  }
}

#endif
