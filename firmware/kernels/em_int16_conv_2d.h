/* CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV on int16, with int8 weights.
 *
  * in        int16 [in_height][in_width][in_channels]
 * out       int16 [out_height][out_width][out_channels]
 * weights   int8 [out_channels][kernel_height][kernel_width][in_channels / groups], of a depthwise
 *           convolution [kernel_height][kernel_width][out_channels]
 * The functions that end in _wide sum up in 64 bits and take an int64 bias, the others do so in 32.
 * Outputs are done in order, all channels of one after its window is read for the last of them; the
 * generator computes how `out` may lie over `in`.
 */
#ifndef EM_INT16_CONV_2D_H
#define EM_INT16_CONV_2D_H

#include "em_int16.h"
#include "em_sliding.h"

typedef struct {
  em_sliding_params window;
  em_int16_limits limits;
} em_int16_window_params;

/* Adds what a window makes of one output channel, or of four at once (`four`, not for wide sums)
 * whose weights are `pitch` apart; `in` starts with the channels' group. Taps side by side are one
 * product.
 */
EM_INLINE int64_t em_int16_window_sum(const em_sliding_params *p, const em_sliding_window *w,
                                      const int8_t *weights, int32_t pitch, const int16_t *in,
                                      int32_t *four, const int wide)
{
  const int32_t depth = p->in_channels / p->groups;
  const int32_t joined =
      p->dilation_width == 1 && p->groups == 1 ? w->columns.last - w->columns.first : 1;
  int64_t sum = 0;
  for (int32_t a = w->rows.first; a < w->rows.last; ++a) {
    const int16_t *row = in + (w->top + a * p->dilation_height) * p->in_width * p->in_channels;
    for (int32_t b = w->columns.first; b < w->columns.last; b += joined) {
      const int16_t *pixel = row + (w->left + b * p->dilation_width) * p->in_channels;
      const int8_t *weight = weights + (a * p->kernel_width + b) * depth;
      if (four) {
        em_int16_add_dots(pixel, weight, pitch, joined * depth, four);
      } else {
        sum += em_int16_dot(pixel, weight, joined * depth, wide);
      }
    }
  }
  return sum;
}

EM_INLINE void em_int16_conv_2d_body(const em_int16_window_params *layer, const int8_t *weights,
                                     const em_int16_channels *channels, const int16_t *in,
                                     int16_t *out, const int wide)
{
  const em_sliding_params *p = &layer->window;
  const int32_t depth = p->in_channels / p->groups,
                size = p->kernel_height * p->kernel_width * depth;
  const int32_t of_group = p->out_channels / p->groups;
  for (int32_t y = 0; y < p->out_height; ++y) {
    for (int32_t x = 0; x < p->out_width; ++x) {
      const em_sliding_window w = em_sliding_window_at(p, y, x);
      int32_t c = 0;
      for (; !wide && p->groups == 1 && c + 4 <= p->out_channels; c += 4) {
        int32_t sums[4] = {0, 0, 0, 0};
        em_int16_window_sum(p, &w, weights + c * size, size, in, sums, 0);
        for (int32_t i = 0; i < 4; ++i) {
          *out++ = em_int16_finish(em_int16_bias(channels, c + i, 0) + sums[i], channels, c + i,
                                   &layer->limits);
        }
      }
      for (; c < p->out_channels; ++c) {
        const int64_t sum = em_int16_window_sum(p, &w, weights + c * size, 0,
                                                in + c / of_group * depth, NULL, wide);
        *out++ =
            em_int16_finish(em_int16_bias(channels, c, wide) + sum, channels, c, &layer->limits);
      }
    }
  }
}

EM_KERNEL void em_int16_conv_2d(const em_int16_window_params *p, const int8_t *weights,
                                const int32_t *bias, const int16_t *multipliers,
                                const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_conv_2d_body(p, weights, &channels, in, out, 0);
}

EM_KERNEL void em_int16_conv_2d_wide(const em_int16_window_params *p, const int8_t *weights,
                                     const int64_t *bias, const int16_t *multipliers,
                                     const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_conv_2d_body(p, weights, &channels, in, out, 1);
}

/* `groups` are the input channels. */
EM_INLINE void em_int16_depthwise_body(const em_int16_window_params *layer, const int8_t *weights,
                                       const em_int16_channels *channels, const int16_t *in,
                                       int16_t *out, const int wide)
{
  const em_sliding_params *p = &layer->window;
  const int32_t multiplier = p->out_channels / p->in_channels;
  for (int32_t y = 0; y < p->out_height; ++y) {
    for (int32_t x = 0; x < p->out_width; ++x) {
      const em_sliding_window w = em_sliding_window_at(p, y, x);
      for (int32_t c = 0; c < p->out_channels; ++c) {
        int32_t sum = 0;
        int64_t wide_sum = 0;
        for (int32_t a = w.rows.first; a < w.rows.last; ++a) {
          const int16_t *row =
              in + (w.top + a * p->dilation_height) * p->in_width * p->in_channels + c / multiplier;
          const int8_t *weight = weights + a * p->kernel_width * p->out_channels + c;
          for (int32_t b = w.columns.first; b < w.columns.last; ++b) {
            const int32_t product = row[(w.left + b * p->dilation_width) * p->in_channels] *
                weight[b * p->out_channels];
            if (wide) {
              wide_sum += product;
            } else {
              sum += product;
            }
          }
        }
        wide_sum += em_int16_bias(channels, c, wide) + sum;
        *out++ = em_int16_finish(wide_sum, channels, c, &layer->limits);
      }
    }
  }
}

EM_KERNEL void em_int16_depthwise_conv_2d(const em_int16_window_params *p, const int8_t *weights,
                                          const int32_t *bias, const int16_t *multipliers,
                                          const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_depthwise_body(p, weights, &channels, in, out, 0);
}

EM_KERNEL void em_int16_depthwise_conv_2d_wide(const em_int16_window_params *p,
                                               const int8_t *weights, const int64_t *bias,
                                               const int16_t *multipliers, const int8_t *shifts,
                                               const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_depthwise_body(p, weights, &channels, in, out, 1);
}

/* What the input adds to the element at (y, x) of the whole output, for one channel's weights. */
EM_INLINE int64_t em_int16_transposed_sum(const em_sliding_params *p, const int8_t *weights,
                                          const int16_t *in, int32_t y, int32_t x, const int wide)
{
  int64_t sum = 0;
  for (int32_t a = y % p->stride_height; a < p->kernel_height && a <= y; a += p->stride_height) {
    const int32_t row = (y - a) / p->stride_height;
    if (row >= p->in_height) continue;
    for (int32_t b = x % p->stride_width; b < p->kernel_width && b <= x; b += p->stride_width) {
      const int32_t column = (x - b) / p->stride_width;
      if (column >= p->in_width) continue;
      sum +=
          em_int16_dot(in + (row * p->in_width + column) * p->in_channels,
                       weights + (a * p->kernel_width + b) * p->in_channels, p->in_channels, wide);
    }
  }
  return sum;
}

EM_INLINE void em_int16_transpose_conv_body(const em_int16_window_params *layer,
                                            const int8_t *weights,
                                            const em_int16_channels *channels, const int16_t *in,
                                            int16_t *out, const int wide)
{
  const em_sliding_params *p = &layer->window;
  const int32_t size = p->kernel_height * p->kernel_width * p->in_channels;
  for (int32_t y = p->pad_top; y < p->out_height + p->pad_top; ++y) {
    for (int32_t x = p->pad_left; x < p->out_width + p->pad_left; ++x) {
      for (int32_t c = 0; c < p->out_channels; ++c) {
        const int64_t sum = em_int16_transposed_sum(p, weights + c * size, in, y, x, wide);
        *out++ =
            em_int16_finish(em_int16_bias(channels, c, wide) + sum, channels, c, &layer->limits);
      }
    }
  }
}

EM_KERNEL void em_int16_transpose_conv(const em_int16_window_params *p, const int8_t *weights,
                                       const int32_t *bias, const int16_t *multipliers,
                                       const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_transpose_conv_body(p, weights, &channels, in, out, 0);
}

EM_KERNEL void em_int16_transpose_conv_wide(const em_int16_window_params *p, const int8_t *weights,
                                            const int64_t *bias, const int16_t *multipliers,
                                            const int8_t *shifts, const int16_t *in, int16_t *out)
{
  const em_int16_channels channels = {bias, multipliers, shifts};
  em_int16_transpose_conv_body(p, weights, &channels, in, out, 1);
}

#endif
