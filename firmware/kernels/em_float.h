/* CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MAX_POOL_2D and AVERAGE_POOL_2D on float32.
 *
  * in    float [in_height][in_width][in_channels]
 * out   float [out_height][out_width][out_channels]
 * weights   float [out_channels][kernel_height][kernel_width][in_channels of a group], of a
 *           depthwise convolution [kernel_height][kernel_width][out_channels]; of a dense layer
 *           [out_features][features]
 */
#ifndef EM_FLOAT_H
#define EM_FLOAT_H

#include "em_float_common.h"

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
  int32_t multiplier; /* outputs that read the same channels: those of a group, of a depthwise
                       * convolution of one channel */
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

EM_KERNEL void em_float_conv_2d(const em_float_window_params *p, const float *weights,
                                const float *bias, const float *in, float *out)
{
  for (int32_t out_y = 0; out_y < p->out_height; ++out_y) {
    for (int32_t out_x = 0; out_x < p->out_width; ++out_x) {
      const int32_t depth = p->in_channels / (p->out_channels / p->multiplier);
      const float *w = weights;
      for (int32_t channel = 0; channel < p->out_channels; ++channel) {
        float sum = 0.0f;
        for (int32_t y = 0; y < p->kernel_height; ++y) {
          const int32_t in_y = out_y * p->stride_height - p->pad_top + y * p->dilation_height;
          for (int32_t x = 0; x < p->kernel_width; ++x, w += depth) {
            const int32_t in_x = out_x * p->stride_width - p->pad_left + x * p->dilation_width;
            if (in_y < 0 || in_y >= p->in_height || in_x < 0 || in_x >= p->in_width) continue;
            const float *pixel =
                in + (in_y * p->in_width + in_x) * p->in_channels + channel / p->multiplier * depth;
            for (int32_t i = 0; i < depth; ++i) sum += pixel[i] * w[i];
          }
        }
        *out++ = em_float_limited(sum + bias[channel], p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_float_depthwise_conv_2d(const em_float_window_params *p, const float *weights,
                                          const float *bias, const float *in, float *out)
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

EM_KERNEL void em_float_fully_connected(const em_float_dense_params *p, const float *weights,
                                        const float *bias, const float *in, float *out)
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
EM_PART void em_float_pool(const em_float_window_params *p, const float *in, float *out,
                           const int largest)
{
  for (int32_t out_y = 0; out_y < p->out_height; ++out_y) {
    for (int32_t out_x = 0; out_x < p->out_width; ++out_x) {
      for (int32_t channel = 0; channel < p->in_channels; ++channel) {
        float value = largest ? -EM_FLOAT_LARGEST : 0.0f;
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

EM_KERNEL void em_float_average_pool_2d(const em_float_window_params *p, const float *in,
                                        float *out)
{
  em_float_pool(p, in, out, 0);
}

EM_KERNEL void em_float_max_pool_2d(const em_float_window_params *p, const float *in, float *out)
{
  em_float_pool(p, in, out, 1);
}

#endif
