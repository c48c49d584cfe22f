/* Operators on float32, in the order of summation of TFLite's reference kernels: every product and every sum is rounded,
 * so that the results are theirs to the last bit wherever floats are IEEE 754's. em_float_softmax calls the C library.
 */
#ifndef EM_FLOAT_H
#define EM_FLOAT_H

#include <math.h>

#include "em_common.h"
#include "em_uncontracted.h"

typedef struct {
  int32_t in_height;
  int32_t in_width;
  int32_t in_channels;
  int32_t out_height;
  int32_t out_width;
  int32_t out_channels;
  int32_t kernel_height;
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t multiplier; /* of a depthwise convolution: outputs of a channel */
  float minimum;
  float maximum;
} em_float_window_params;

typedef struct {
  int32_t rows;
  int32_t features;
  int32_t out_features;
  float minimum;
  float maximum;
} em_float_dense_params;

typedef struct {
  int32_t count;
  int32_t period; /* of the second operand's elements */
  float minimum;
  float maximum;
} em_float_pair_params;

typedef struct {
  int32_t rows;
  int32_t depth;
  float beta;
} em_float_softmax_params;

typedef struct {
  int32_t pixels;
  int32_t channels;
} em_float_mean_params;

EM_INLINE float em_float_limited(float x, float minimum, float maximum)
{
  x = x < minimum ? minimum : x;
  return maximum < x ? maximum : x;
}

EM_KERNEL void em_float_conv_2d(const em_float_window_params *p, const float *weights, const float *bias, const float *in,
                                float *out)
{
  for (int32_t out_y = 0; out_y < p->out_height; ++out_y) {
    for (int32_t out_x = 0; out_x < p->out_width; ++out_x) {
      const float *w = weights;
      for (int32_t channel = 0; channel < p->out_channels; ++channel) {
        float sum = 0.0f;
        for (int32_t y = 0; y < p->kernel_height; ++y) {
          const int32_t in_y = out_y * p->stride_height - p->pad_top + y * p->dilation_height;
          for (int32_t x = 0; x < p->kernel_width; ++x, w += p->in_channels) {
            const int32_t in_x = out_x * p->stride_width - p->pad_left + x * p->dilation_width;
            if (in_y < 0 || in_y >= p->in_height || in_x < 0 || in_x >= p->in_width) continue;
            const float *pixel = in + (in_y * p->in_width + in_x) * p->in_channels;
            for (int32_t i = 0; i < p->in_channels; ++i) sum += pixel[i] * w[i];
          }
        }
        *out++ = em_float_limited(sum + bias[channel], p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_float_depthwise_conv_2d(const em_float_window_params *p, const float *weights, const float *bias,
                                          const float *in, float *out)
{
  for (int32_t out_y = 0; out_y < p->out_height; ++out_y) {
    for (int32_t out_x = 0; out_x < p->out_width; ++out_x) {
      for (int32_t channel = 0; channel < p->out_channels; ++channel) {
        float sum = 0.0f;
        for (int32_t y = 0; y < p->kernel_height; ++y) {
          const int32_t in_y = out_y * p->stride_height - p->pad_top + y * p->dilation_height;
          for (int32_t x = 0; x < p->kernel_width; ++x) {
            const int32_t in_x = out_x * p->stride_width - p->pad_left + x * p->dilation_width;
            if (in_y < 0 || in_y >= p->in_height || in_x < 0 || in_x >= p->in_width) continue;
            sum += in[(in_y * p->in_width + in_x) * p->in_channels + channel / p->multiplier] *
                   weights[(y * p->kernel_width + x) * p->out_channels + channel];
          }
        }
        *out++ = em_float_limited(sum + bias[channel], p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_float_fully_connected(const em_float_dense_params *p, const float *weights, const float *bias,
                                        const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->features) {
    const float *w = weights;
    for (int32_t feature = 0; feature < p->out_features; ++feature, w += p->features) {
      float sum = 0.0f;
      for (int32_t i = 0; i < p->features; ++i) sum += in[i] * w[i];
      *out++ = em_float_limited(sum + bias[feature], p->minimum, p->maximum);
    }
  }
}

/* The mean of what lies within the image, or its largest. */
EM_PART void em_float_pool(const em_float_window_params *p, const float *in, float *out, const int largest)
{
  for (int32_t out_y = 0; out_y < p->out_height; ++out_y) {
    for (int32_t out_x = 0; out_x < p->out_width; ++out_x) {
      for (int32_t channel = 0; channel < p->in_channels; ++channel) {
        float value = largest ? -3.402823466e+38f : 0.0f;
        int32_t count = 0;
        for (int32_t y = 0; y < p->kernel_height; ++y) {
          const int32_t in_y = out_y * p->stride_height - p->pad_top + y;
          for (int32_t x = 0; x < p->kernel_width; ++x) {
            const int32_t in_x = out_x * p->stride_width - p->pad_left + x;
            if (in_y < 0 || in_y >= p->in_height || in_x < 0 || in_x >= p->in_width) continue;
            const float pixel = in[(in_y * p->in_width + in_x) * p->in_channels + channel];
            if (largest) {
              value = value < pixel ? pixel : value;
            } else {
              value += pixel;
            }
            ++count;
          }
        }
        *out++ = em_float_limited(largest ? value : value / (float)count, p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_float_average_pool_2d(const em_float_window_params *p, const float *in, float *out)
{
  em_float_pool(p, in, out, 0);
}

EM_KERNEL void em_float_max_pool_2d(const em_float_window_params *p, const float *in, float *out)
{
  em_float_pool(p, in, out, 1);
}

/* The second operand begins again after `period` elements. Elements are done in order: `out` may be an operand. */
EM_KERNEL void em_float_add(const em_float_pair_params *p, const float *a, const float *b, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = em_float_limited(a[i] + b[i % p->period], p->minimum, p->maximum);
}

EM_KERNEL void em_float_sub(const em_float_pair_params *p, const float *a, const float *b, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = em_float_limited(a[i] - b[i % p->period], p->minimum, p->maximum);
}

EM_KERNEL void em_float_mul(const em_float_pair_params *p, const float *a, const float *b, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = em_float_limited(a[i] * b[i % p->period], p->minimum, p->maximum);
}

EM_KERNEL void em_float_add_constant(const em_float_pair_params *p, const float *b, const float *a, float *out)
{
  em_float_add(p, a, b, out);
}

EM_KERNEL void em_float_sub_constant(const em_float_pair_params *p, const float *b, const float *a, float *out)
{
  em_float_sub(p, a, b, out);
}

EM_KERNEL void em_float_mul_constant(const em_float_pair_params *p, const float *b, const float *a, float *out)
{
  em_float_mul(p, a, b, out);
}

/* RELU and its like. */
EM_KERNEL void em_float_clamp(const em_float_pair_params *p, const float *in, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = em_float_limited(in[i], p->minimum, p->maximum);
}

EM_KERNEL void em_float_mean(const em_float_mean_params *p, const float *in, float *out)
{
  for (int32_t channel = 0; channel < p->channels; ++channel) {
    float sum = 0.0f;
    for (int32_t pixel = 0; pixel < p->pixels; ++pixel) sum += in[pixel * p->channels + channel];
    out[channel] = sum / (float)p->pixels;
  }
}

EM_KERNEL void em_float_softmax(const em_float_softmax_params *p, const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    float largest = -3.402823466e+38f, sum = 0.0f;
    for (int32_t i = 0; i < p->depth; ++i) largest = largest < in[i] ? in[i] : largest;
    for (int32_t i = 0; i < p->depth; ++i) {
      out[i] = expf((in[i] - largest) * p->beta);
      sum += out[i];
    }
    for (int32_t i = 0; i < p->depth; ++i) out[i] = out[i] / sum;
  }
}

#endif
