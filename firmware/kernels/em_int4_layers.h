/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int8, with weights of 4 bits that are unpacked
 * as they are needed.
 *
  * in        int8 [in_height][in_width][in_channels]
 * out       int8 [out_height][out_width][out_channels]
 * weights   two in a byte, the first one in its lower half; of a convolution or dense layer those
 *           of each output channel begin with a byte:
 *           [out_channels][kernel_height][kernel_width][in_channels / groups], of a depthwise
 *           convolution [kernel_height][kernel_width][out_channels]
 * channels  the bias as it is in the file; shifts are exponents
 * Outputs are done in order, all channels of one after its window is read for the last of them; the
 * generator computes how `out` may lie over `in`.
 */
#ifndef EM_INT4_LAYERS_H
#define EM_INT4_LAYERS_H

#include "em_common.h"
#include "em_sliding.h"

typedef struct {
  em_sliding_params window;
  int16_t in_zero_point;
  em_output output;
} em_int4_window_params;

typedef struct {
  int32_t rows;
  int32_t features;
  int32_t out_features;
  int16_t in_zero_point;
  em_output output;
} em_int4_dense_params;

EM_INLINE int32_t em_int4_low(int8_t both)
{
  return (int8_t)(uint8_t)((uint32_t)both << 4 & 255) >> 4;
}

EM_INLINE int32_t em_int4_high(int8_t both)
{
  return both >> 4;
}

EM_INLINE int32_t em_int4_at(const int8_t *weights, int32_t index)
{
  const int8_t both = weights[index >> 1];
  return index & 1 ? em_int4_high(both) : em_int4_low(both);
}

/* The sum of `count` neighbouring products, the weights from number `first` on. */
EM_INLINE int32_t em_int4_dot(const int8_t *x, int32_t zero_point, const int8_t *weights,
                              int32_t first, int32_t count)
{
  int32_t sum = 0;
  const int8_t *end = x + count;
  if ((first & 1) != 0 && count > 0) {
    sum += (*x++ - zero_point) * em_int4_at(weights, first);
    ++first;
  }
  for (weights += first >> 1; end - x >= 2; x += 2, ++weights) {
    sum +=
        (x[0] - zero_point) * em_int4_low(*weights) + (x[1] - zero_point) * em_int4_high(*weights);
  }
  return x == end ? sum : sum + (*x - zero_point) * em_int4_low(*weights);
}

EM_KERNEL void em_int4_conv_2d(const em_int4_window_params *layer, const int8_t *weights,
                               const em_channel *channels, const int8_t *shifts, const int8_t *in,
                               int8_t *out)
{
  const em_sliding_params *p = &layer->window;
  const int32_t depth = p->in_channels / p->groups, of_group = p->out_channels / p->groups;
  const int32_t size = (p->kernel_height * p->kernel_width * depth + 1) / 2;
  for (int32_t y = 0; y < p->out_height; ++y) {
    for (int32_t x = 0; x < p->out_width; ++x) {
      const em_sliding_window w = em_sliding_window_at(p, y, x);
      const int32_t joined =
          p->dilation_width == 1 && p->groups == 1 ? w.columns.last - w.columns.first : 1;
      for (int32_t c = 0; c < p->out_channels; ++c) {
        int32_t sum = channels[c].bias;
        for (int32_t a = w.rows.first; a < w.rows.last; ++a) {
          const int8_t *row = in + (w.top + a * p->dilation_height) * p->in_width * p->in_channels +
              c / of_group * depth;
          for (int32_t b = w.columns.first; b < w.columns.last; b += joined) {
            sum += em_int4_dot(row + (w.left + b * p->dilation_width) * p->in_channels,
                               layer->in_zero_point, weights + c * size,
                               (a * p->kernel_width + b) * depth, joined * depth);
          }
        }
        *out++ = em_finish(sum, channels[c].multiplier, shifts[c], &layer->output, EM_ROUND_ANY);
      }
    }
  }
}

EM_KERNEL void em_int4_depthwise_conv_2d(const em_int4_window_params *layer, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts,
                                         const int8_t *in, int8_t *out)
{
  const em_sliding_params *p = &layer->window;
  const int32_t multiplier = p->out_channels / p->in_channels;
  for (int32_t y = 0; y < p->out_height; ++y) {
    for (int32_t x = 0; x < p->out_width; ++x) {
      const em_sliding_window w = em_sliding_window_at(p, y, x);
      for (int32_t c = 0; c < p->out_channels; ++c) {
        int32_t sum = channels[c].bias;
        for (int32_t a = w.rows.first; a < w.rows.last; ++a) {
          const int8_t *row =
              in + (w.top + a * p->dilation_height) * p->in_width * p->in_channels + c / multiplier;
          for (int32_t b = w.columns.first; b < w.columns.last; ++b) {
            sum += (row[(w.left + b * p->dilation_width) * p->in_channels] - layer->in_zero_point) *
                em_int4_at(weights, (a * p->kernel_width + b) * p->out_channels + c);
          }
        }
        *out++ = em_finish(sum, channels[c].multiplier, shifts[c], &layer->output, EM_ROUND_ANY);
      }
    }
  }
}

EM_KERNEL void em_int4_fully_connected(const em_int4_dense_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts,
                                       const int8_t *in, int8_t *out)
{
  const int32_t size = (p->features + 1) / 2;
  for (int32_t row = 0; row < p->rows; ++row, in += p->features) {
    for (int32_t c = 0; c < p->out_features; ++c) {
      const int32_t sum =
          channels[c].bias + em_int4_dot(in, p->in_zero_point, weights + c * size, 0, p->features);
      *out++ = em_finish(sum, channels[c].multiplier, shifts[c], &p->output, EM_ROUND_ANY);
    }
  }
}

#endif
