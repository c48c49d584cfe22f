/* Layers of nets in uint8, whose weights less their zero point don't fit int8.
 *
 * Activations and weights are int8 with zero points, each 128 less than uint8's. Of a layer only
 * some output channels may be computed, where another kernel does the others.
 */
#ifndef EM_UINT8_H
#define EM_UINT8_H

#include "em_common.h"

typedef struct {
  int32_t in_height;
  int32_t in_width;
  int32_t in_channels;
  int32_t out_height;
  int32_t out_width;
  int32_t count; /* output channels that are computed */
  int32_t kernel_height;
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t group_channels; /* input channels of a sum: all of a convolution's, one of a depthwise
                           * one's */
  int16_t in_zero_point;
  int16_t weights_zero_point;
  em_output output;
} em_uint8_layer_params;

/* The sum of one output channel at (y, x): `channel` is its first input channel. What hangs over
 * the border is the zero point.
 */
EM_INLINE int32_t em_uint8_sum(const em_uint8_layer_params *p, int32_t sum, const int8_t *weights,
                               const int8_t *in, int y, int x, int channel)
{
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    for (int kx = 0; kx < p->kernel_width; ++kx, weights += p->group_channels) {
      const int ix = x * p->stride_width - p->pad_left + kx * p->dilation_width;
      if (iy < 0 || iy >= p->in_height || ix < 0 || ix >= p->in_width) {
        for (int c = 0; c < p->group_channels; ++c)
          sum += (weights[c] - p->weights_zero_point) * p->in_zero_point;
      } else {
        const int8_t *const from = in + (iy * p->in_width + ix) * p->in_channels + channel;
        for (int c = 0; c < p->group_channels; ++c)
          sum += (weights[c] - p->weights_zero_point) * from[c];
      }
    }
  }
  return sum;
}

/* in       int8 [in_height][in_width][in_channels]     out   int8 [out_height][out_width][count]
 * weights  int8 [count][kernel_height][kernel_width][group_channels]
 * firsts   [count]: each one's first input channel     channels, shifts   [count]
 * A window is read for every output, so `out` must not lie over `in`.
 */
EM_INLINE void em_uint8_layer_body(const em_uint8_layer_params *p, const int8_t *weights,
                                   const int16_t *firsts, const em_channel *channels,
                                   const int8_t *shifts, const int8_t *in, int8_t *out,
                                   const int rounding)
{
  const int32_t taps = p->kernel_height * p->kernel_width * p->group_channels;
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      for (int32_t i = 0; i < p->count; ++i) {
        const int32_t sum =
            em_uint8_sum(p, channels[i].bias, weights + i * taps, in, y, x, firsts[i]);
        *out++ = em_finish(sum, channels[i].multiplier, shifts[i], &p->output, rounding);
      }
    }
  }
}

EM_KERNEL void em_uint8_layer(const em_uint8_layer_params *p, const int8_t *weights,
                              const int16_t *firsts, const em_channel *channels,
                              const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_uint8_layer_body(p, weights, firsts, channels, shifts, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_uint8_layer_any(const em_uint8_layer_params *p, const int8_t *weights,
                                  const int16_t *firsts, const em_channel *channels,
                                  const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_uint8_layer_body(p, weights, firsts, channels, shifts, in, out, EM_ROUND_ANY);
}

typedef struct {
  int32_t pixels;
  int32_t channels;
  int32_t count;
} em_place_channels_params;

/* in, out  int8 [pixels][channels]   some  int8 [pixels][count]   places  [count]: where each of
 *          `some` goes
 * `out` is `in` itself, or apart from it.
 */
EM_KERNEL void em_place_channels(const em_place_channels_params *p, const int16_t *places,
                                 const int8_t *in, const int8_t *some, int8_t *out)
{
  if (out != in) memcpy(out, in, (size_t)(p->pixels * p->channels));
  for (int32_t pixel = 0; pixel < p->pixels; ++pixel) {
    for (int32_t i = 0; i < p->count; ++i)
      out[pixel * p->channels + places[i]] = some[pixel * p->count + i];
  }
}

#endif
