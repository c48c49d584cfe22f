/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on float32 with int8 weights.
 *
 * in        float, as em_float.h has it                     out   float
  * weights   int8, in the same order as there
 * scales, bias  float, one for each output channel
 * quantised int8 scratch: of an image [in_height][in_width][in_channels], of a dense layer
 * [features]
 * The input is quantised by its largest and smallest element, an image as a whole and a dense
 * layer's rows one by one; sums are integers of 32 bits, which the generator proves.
 */
#ifndef EM_HYBRID_H
#define EM_HYBRID_H

#include "em_float.h"

typedef struct {
  em_float_window_params window;
  int32_t per_channel; /* 1 where the file has a scale for each channel: then the image has a zero
                        * point */
} em_hybrid_window_params;

typedef struct {
  int32_t rows;
  int32_t features;
  int32_t out_features;
  int32_t asymmetric; /* 1 where rows have a zero point */
  float minimum;
  float maximum;
} em_hybrid_dense_params;

typedef struct {
  float scale;
  int32_t zero_point;
} em_hybrid_scaling;

/* The zero point that errs less, from the lower or from the upper end, both in steps. */
EM_INLINE int32_t em_hybrid_zero_point(double low, double high)
{
  const double chosen = 128.0 + fabs(low) < 127.0 + fabs(high) ? -128.0 - low : 127.0 - high;
  return chosen <= -128.0 ? -128 : chosen >= 127.0 ? 127 : (int32_t)round(chosen);
}

EM_PART em_hybrid_scaling em_hybrid_quantise(const float *in, int32_t count, int8_t *quantised,
                                             const int asymmetric)
{
  em_hybrid_scaling found = {1.0f, 0};
  float low = in[0], high = in[0], factor;
  for (int32_t i = 1; i < count; ++i) {
    low = in[i] < low ? in[i] : low;
    high = in[i] > high ? in[i] : high;
  }
  if (asymmetric) {
    low = low < 0.0f ? low : 0.0f;
    high = high > 0.0f ? high : 0.0f;
  }
  const float largest = fabsf(low) > fabsf(high) ? fabsf(low) : fabsf(high);
  if (largest == 0.0f) {
    memset(quantised, 0, (size_t)count);
    return found;
  }
  if (asymmetric) {
    const double scale = ((double)high - (double)low) / 255.0;
    found.zero_point = em_hybrid_zero_point((double)low / scale, (double)high / scale);
    found.scale = (float)scale;
    factor = 1.0f / found.scale;
  } else {
    found.scale = largest / 127.0f;
    factor = 127.0f / largest;
  }
  for (int32_t i = 0; i < count; ++i) {
    const float value = roundf((float)found.zero_point + in[i] * factor);
    quantised[i] = (int8_t)em_float_limited(value, asymmetric ? -128.0f : -127.0f, 127.0f);
  }
  return found;
}

/* The sum of one output: `pixel` is the first input channel that it reads, `weight` its first
 * weight; it steps on by `step` from a place of the window to the next, and reads `depth` channels
 * of each.
 */
EM_PART int32_t em_hybrid_sum(const em_float_window_params *p, const int8_t *pixels,
                              const int8_t *weight, int32_t out_y, int32_t out_x, int32_t depth,
                              int32_t step, int32_t zero_point)
{
  int32_t sum = 0;
  for (int32_t y = 0; y < p->kernel_height; ++y) {
    const int32_t in_y = out_y * p->stride_height - p->pad_top + y * p->dilation_height;
    for (int32_t x = 0; x < p->kernel_width; ++x, weight += step) {
      const int32_t in_x = out_x * p->stride_width - p->pad_left + x * p->dilation_width;
      if (in_y < 0 || in_y >= p->in_height || in_x < 0 || in_x >= p->in_width) continue;
      const int8_t *pixel = pixels + (in_y * p->in_width + in_x) * p->in_channels;
      for (int32_t i = 0; i < depth; ++i) sum += (pixel[i] - zero_point) * weight[i];
    }
  }
  return sum;
}

EM_KERNEL void em_hybrid_conv_2d(const em_hybrid_window_params *p, const int8_t *weights,
                                 const float *scales, const float *bias, int8_t *quantised,
                                 const float *in, float *out)
{
  const em_float_window_params *w = &p->window;
  const int32_t count = w->in_height * w->in_width * w->in_channels;
  const int32_t size = w->kernel_height * w->kernel_width * w->in_channels;
  const em_hybrid_scaling image = em_hybrid_quantise(in, count, quantised, p->per_channel);
  for (int32_t y = 0; y < w->out_height; ++y) {
    for (int32_t x = 0; x < w->out_width; ++x) {
      for (int32_t channel = 0; channel < w->out_channels; ++channel) {
        const float sum = (float)em_hybrid_sum(w, quantised, weights + channel * size, y, x,
                                               w->in_channels, w->in_channels, image.zero_point);
        const float scaled = p->per_channel ? sum * scales[channel] * image.scale
                                            : sum * (image.scale * scales[channel]);
        *out++ = em_float_limited(scaled + bias[channel], w->minimum, w->maximum);
      }
    }
  }
}

EM_KERNEL void em_hybrid_depthwise_conv_2d(const em_hybrid_window_params *p, const int8_t *weights,
                                           const float *scales, const float *bias,
                                           int8_t *quantised, const float *in, float *out)
{
  const em_float_window_params *w = &p->window;
  const int32_t count = w->in_height * w->in_width * w->in_channels;
  const em_hybrid_scaling image = em_hybrid_quantise(in, count, quantised, 1);
  for (int32_t y = 0; y < w->out_height; ++y) {
    for (int32_t x = 0; x < w->out_width; ++x) {
      for (int32_t channel = 0; channel < w->out_channels; ++channel) {
        const float sum =
            (float)em_hybrid_sum(w, quantised + channel / w->multiplier, weights + channel, y, x, 1,
                                 w->out_channels, image.zero_point);
        *out++ = em_float_limited(sum * (scales[channel] * image.scale) + bias[channel], w->minimum,
                                  w->maximum);
      }
    }
  }
}

EM_KERNEL void em_hybrid_fully_connected(const em_hybrid_dense_params *p, const int8_t *weights,
                                         const float *scales, const float *bias, int8_t *quantised,
                                         const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->features) {
    const em_hybrid_scaling values = em_hybrid_quantise(in, p->features, quantised, p->asymmetric);
    const int8_t *w = weights;
    for (int32_t feature = 0; feature < p->out_features; ++feature, w += p->features) {
      int32_t sum = 0;
      for (int32_t i = 0; i < p->features; ++i) sum += (quantised[i] - values.zero_point) * w[i];
      const float scaled = (float)sum * (values.scale * scales[feature]);
      *out++ = em_float_limited(bias[feature] + scaled, p->minimum, p->maximum);
    }
  }
}

#endif
