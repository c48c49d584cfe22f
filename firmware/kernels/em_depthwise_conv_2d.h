/* DEPTHWISE_CONV_2D.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][in_channels * multiplier]
 * One input channel at a time is copied into `plane`, int8 [plane_height][plane_width], whose border holds the zero
 * point; no other channel reads or writes that channel's bytes, so with multiplier 1 `out` may be `in` itself.
 */
#ifndef EM_DEPTHWISE_CONV_2D_H
#define EM_DEPTHWISE_CONV_2D_H

#include "em_common.h"

typedef struct {
  int16_t in_height;
  int16_t in_width;
  int16_t in_channels;
  int16_t out_height;
  int16_t out_width;
  int16_t multiplier;
  int16_t kernel_height;
  int16_t kernel_width;
  int16_t stride_height;
  int16_t stride_width;
  int16_t dilation_height;
  int16_t dilation_width;
  int16_t pad_top;
  int16_t pad_left;
  int16_t plane_height;
  int16_t plane_width;
  int16_t in_zero_point;
  em_output output;
} em_depthwise_conv_2d_params;

/* Copies one channel into the plane; rows and columns that no output reads are left out. */
EM_INLINE void em_gather_plane(const em_depthwise_conv_2d_params *p, const int8_t *in, int8_t *plane)
{
  const int below = p->plane_height - p->pad_top;
  const int beside = p->plane_width - p->pad_left;
  const int height = below < p->in_height ? below : p->in_height;
  const int width = beside < p->in_width ? beside : p->in_width;
  for (int y = 0; y < height; ++y) {
    const int8_t *from = in + y * p->in_width * p->in_channels;
    int8_t *to = plane + (y + p->pad_top) * p->plane_width + p->pad_left;
    EM_UNROLL(4)
    for (int x = 0; x < width; ++x) {
      to[x] = *from;
      from += p->in_channels;
    }
  }
}

/* `block` neighbouring outputs of a row; `block` is 1, 2 or 4 and constant. */
EM_INLINE void em_depthwise_block(const em_depthwise_conv_2d_params *p, const int8_t *window, const int8_t *weights,
                                  em_channel channel, int shift, int8_t *out, const int block, const int rounding)
{
  const int step = p->stride_width;
  const int pitch = p->in_channels * p->multiplier;
  int32_t a = channel.bias, b = a, c = a, d = a;
  EM_UNROLL(8)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      const int8_t *x = window + kx * p->dilation_width;
      const int32_t w = *weights++;
      a += w * x[0];
      if (block > 1) b += w * x[step];
      if (block > 2) {
        c += w * x[2 * step];
        d += w * x[3 * step];
      }
    }
    window += p->dilation_height * p->plane_width;
  }
  out[0] = em_finish(a, channel.multiplier, shift, &p->output, rounding);
  if (block > 1) out[pitch] = em_finish(b, channel.multiplier, shift, &p->output, rounding);
  if (block > 2) {
    out[2 * pitch] = em_finish(c, channel.multiplier, shift, &p->output, rounding);
    out[3 * pitch] = em_finish(d, channel.multiplier, shift, &p->output, rounding);
  }
}

/* A target's own body, for optimisation for speed. EM_TARGET_DEPTHWISE names a header that defines
 * int em_depthwise_suits(p): whether it can do the layer;
 * em_depthwise_weights em_depthwise_load(p, weights): a channel's weights, as it wants them;
 * em_two_sums em_depthwise_pair(p, at, &weights, bias): the sums of two neighbouring outputs, the first one's window at `at`.
 *
 * Or it does whole layers in its own way: then it defines EM_OWN_DEPTHWISE as 1, int em_own_depthwise_suits(p) and, with
 * the arguments of em_depthwise_body but `block`, em_own_depthwise. The generator has to know of it (DepthwiseBody). For
 * the other layers it may have the three functions above as well, with EM_DEPTHWISE_PAIRS defined as 1.
 */
typedef struct {
  int32_t a, b;
} em_two_sums;

#if defined(EM_TARGET_DEPTHWISE)
#include EM_TARGET_DEPTHWISE
#endif
#ifndef EM_OWN_DEPTHWISE
#define EM_OWN_DEPTHWISE 0
#endif
#ifndef EM_DEPTHWISE_PAIRS
#if defined(EM_TARGET_DEPTHWISE) && !EM_OWN_DEPTHWISE
#define EM_DEPTHWISE_PAIRS 1
#else
#define EM_DEPTHWISE_PAIRS 0
#endif
#endif

#if EM_DEPTHWISE_PAIRS
/* All outputs of one channel, for out_width >= 2. */
EM_INLINE void em_depthwise_channel(const em_depthwise_conv_2d_params *p, const int8_t *plane, const int8_t *weights,
                                    em_channel channel, int shift, int8_t *out, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier;
  const em_depthwise_weights loaded = em_depthwise_load(p, weights);
  for (int y = 0; y < p->out_height; ++y) {
    const int8_t *at = plane + y * p->stride_height * p->plane_width;
    int8_t *to = out + y * p->out_width * pitch;
    for (int left = p->out_width / 2; left > 0; --left) {
      const em_two_sums s = em_depthwise_pair(p, at, &loaded, channel.bias);
      to[0] = em_finish(s.a, channel.multiplier, shift, &p->output, rounding);
      to[pitch] = em_finish(s.b, channel.multiplier, shift, &p->output, rounding);
      at += 2 * p->stride_width;
      to += 2 * pitch;
    }
    if (p->out_width % 2 != 0) {
      /* The last output is the second one of the pair that ends with it. */
      const em_two_sums s = em_depthwise_pair(p, at - p->stride_width, &loaded, channel.bias);
      to[0] = em_finish(s.b, channel.multiplier, shift, &p->output, rounding);
    }
  }
}
#endif

EM_INLINE void em_depthwise_body(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                 const int8_t *shifts, int8_t *plane, const int8_t *in, int8_t *out, const int block,
                                 const int rounding)
{
  const int taps = p->kernel_height * p->kernel_width;
  const int out_channels = p->in_channels * p->multiplier;
#if EM_OWN_DEPTHWISE
  if (em_own_depthwise_suits(p)) {
    em_own_depthwise(p, weights, channels, shifts, plane, in, out, rounding);
    return;
  }
#endif
  memset(plane, p->in_zero_point, (size_t)p->plane_height * (size_t)p->plane_width);
  for (int channel = 0; channel < out_channels; ++channel) {
    if (channel % p->multiplier == 0) em_gather_plane(p, in + channel / p->multiplier, plane);
#if EM_DEPTHWISE_PAIRS
    if (!EM_SIZE && p->out_width >= 2 && em_depthwise_suits(p)) {
      em_depthwise_channel(p, plane, weights, channels[channel], shifts[channel], out + channel, rounding);
      weights += taps;
      continue;
    }
#endif
    for (int y = 0; y < p->out_height; ++y) {
      const int8_t *row = plane + y * p->stride_height * p->plane_width;
      int8_t *to = out + y * p->out_width * out_channels + channel;
      for (int done = 0; done < p->out_width; done += block) {
        /* The last block of a row moves back to end with the row: it does some outputs twice over. */
        const int x = done + block > p->out_width ? p->out_width - block : done;
        em_depthwise_block(p, row + x * p->stride_width, weights, channels[channel], shifts[channel],
                           to + x * out_channels, block, rounding);
      }
    }
    weights += taps;
  }
}

/* out_width >= 4 */
EM_KERNEL void em_depthwise_conv_2d_by_4(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *plane,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, plane, in, out, 4, EM_ROUND_FAST);
}

/* out_width >= 2 */
EM_KERNEL void em_depthwise_conv_2d_by_2(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *plane,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, plane, in, out, 2, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_by_1(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *plane,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, plane, in, out, 1, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_any(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts, int8_t *plane,
                                        const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, plane, in, out, 1, EM_ROUND_ANY);
}

#endif
