/* TRANSPOSE_CONV.
 *
  * in        int8 [in_height][in_width][in_channels]
 * out       int8 [out_height][out_width][out_channels]
 * weights   int8 [out_channels][kernel_height][kernel_width][in_channels]
 * channels  the bias as it is in the file: how many weights meet a pixel depends on where it is
 * Elements are done in order, from those rows of `in` that reach them; the generator computes how
 * `out` may lie over `in`.
 */
#ifndef EM_TRANSPOSE_CONV_H
#define EM_TRANSPOSE_CONV_H

#include "em_common.h"

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size in_channels;
  em_size out_height;
  em_size out_width;
  em_size out_channels;
  em_size kernel_height;
  em_size kernel_width;
  em_size stride_height;
  em_size stride_width;
  em_size pad_top; /* rows and columns of the whole output that are left out */
  em_size pad_left;
  int16_t input_zero_point;
  em_output output;
} em_transpose_conv_params;

/* What the input adds to the element at (y, x) of the whole output, for one channel's weights. */
EM_INLINE int32_t em_transposed_sum(const em_transpose_conv_params *p, const int8_t *weights,
                                    const int8_t *in, int y, int x)
{
  int32_t sum = 0;
  for (int a = y % p->stride_height; a < p->kernel_height && a <= y; a += p->stride_height) {
    const int row = (y - a) / p->stride_height;
    if (row >= p->in_height) continue;
    for (int b = x % p->stride_width; b < p->kernel_width && b <= x; b += p->stride_width) {
      const int column = (x - b) / p->stride_width;
      if (column >= p->in_width) continue;
      const int8_t *pixel = in + ((int32_t)row * p->in_width + column) * p->in_channels;
      const int8_t *weight = weights + ((int32_t)a * p->kernel_width + b) * p->in_channels;
      for (int c = 0; c < p->in_channels; ++c) sum += (pixel[c] - p->input_zero_point) * weight[c];
    }
  }
  return sum;
}

EM_INLINE void em_transpose_conv_body(const em_transpose_conv_params *p, const int8_t *weights,
                                      const em_channel *channels, const int8_t *shifts,
                                      const int8_t *in, int8_t *out, const int rounding)
{
  const int32_t size = (int32_t)p->kernel_height * p->kernel_width * p->in_channels;
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      for (int c = 0; c < p->out_channels; ++c) {
        const int32_t sum =
            em_transposed_sum(p, weights + c * size, in, y + p->pad_top, x + p->pad_left);
        *out++ = em_finish(channels[c].bias + sum, channels[c].multiplier, shifts[c], &p->output,
                           rounding);
      }
    }
  }
}

EM_KERNEL void em_transpose_conv(const em_transpose_conv_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, const int8_t *in,
                                 int8_t *out)
{
  em_transpose_conv_body(p, weights, channels, shifts, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_transpose_conv_any(const em_transpose_conv_params *p, const int8_t *weights,
                                     const em_channel *channels, const int8_t *shifts,
                                     const int8_t *in, int8_t *out)
{
  em_transpose_conv_body(p, weights, channels, shifts, in, out, EM_ROUND_ANY);
}

#endif
