/* TRANSPOSE_CONV on float32.
 *
  * in        float [in_height][in_width][in_channels]
 * out       float [out_height][out_width][out_channels]
 * weights   float [out_channels][kernel_height][kernel_width][in_channels]
 * `pad_top` and `pad_left` rows and columns of the whole output are left out. Elements are done in
 * order, each from the input's pixels in order; the generator computes how `out` may lie over `in`.
 */
#ifndef EM_FLOAT_TRANSPOSE_CONV_H
#define EM_FLOAT_TRANSPOSE_CONV_H

#include "em_float.h"

/* The first of the input's rows, or columns, of which the window reaches `at`. */
EM_INLINE int32_t em_float_first_reaching(int32_t at, int32_t kernel, int32_t stride)
{
  return at < kernel ? 0 : (at - kernel) / stride + 1;
}

/* What the input adds to the element at (y, x) of the whole output, for one channel's weights. */
EM_PART float em_float_transposed_sum(const em_float_window_params *p, const float *weights,
                                      const float *in, int32_t y, int32_t x)
{
  float sum = 0.0f;
  for (int32_t row = em_float_first_reaching(y, p->kernel_height, p->stride_height);
       row < p->in_height && row * p->stride_height <= y; ++row) {
    for (int32_t column = em_float_first_reaching(x, p->kernel_width, p->stride_width);
         column < p->in_width && column * p->stride_width <= x; ++column) {
      const int32_t a = y - row * p->stride_height, b = x - column * p->stride_width;
      const float *pixel = in + (row * p->in_width + column) * p->in_channels;
      const float *weight = weights + (a * p->kernel_width + b) * p->in_channels;
      for (int32_t c = 0; c < p->in_channels; ++c) sum += pixel[c] * weight[c];
    }
  }
  return sum;
}

EM_KERNEL void em_float_transpose_conv(const em_float_window_params *p, const float *weights,
                                       const float *bias, const float *in, float *out)
{
  const int32_t size = p->kernel_height * p->kernel_width * p->in_channels;
  for (int32_t y = 0; y < p->out_height; ++y) {
    for (int32_t x = 0; x < p->out_width; ++x) {
      for (int32_t c = 0; c < p->out_channels; ++c) {
        const float sum =
            em_float_transposed_sum(p, weights + c * size, in, y + p->pad_top, x + p->pad_left);
        *out++ = em_float_limited(sum + bias[c], p->minimum, p->maximum);
      }
    }
  }
}

#endif
