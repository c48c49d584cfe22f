/* CONV_2D, with an optional non-overlapping MAX_POOL_2D behind it.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][out_channels], after the pool where there is one
 * Outputs are done in row order and an output block's input window is read before the block is written, so `out` may
 * lie over `in` as far ahead as the generator computed it. `scratch` holds the windows that hang over the border,
 * filled up with the zero point: kernel_height * kernel_width * window_channels bytes for each of 2 pixels.
 */
#ifndef EM_CONV_2D_H
#define EM_CONV_2D_H

#include "em_dot.h"

typedef struct {
  int16_t in_height;
  int16_t in_width;
  int16_t in_channels;
  int16_t out_height;
  int16_t out_width;
  int16_t out_channels;
  int16_t kernel_height;
  int16_t kernel_width;
  int16_t stride_height;
  int16_t stride_width;
  int16_t dilation_height;
  int16_t dilation_width;
  int16_t pad_top;
  int16_t pad_left;
  int16_t groups;
  int16_t pool_height;
  int16_t pool_width;
  int16_t in_zero_point;
  em_output output;
} em_conv_2d_params;

/* Two pixels' windows, ready for em_dot. */
typedef struct {
  const int8_t *x0;
  const int8_t *x1;
  int row_stride;
} em_windows;

/* Whether the window at conv output (y, x) lies inside the input and its rows are contiguous. */
EM_INLINE int em_window_inside(const em_conv_2d_params *p, int y, int x)
{
  const int top = y * p->stride_height - p->pad_top;
  const int left = x * p->stride_width - p->pad_left;
  return p->dilation_width == 1 && p->groups == 1 && top >= 0 && left >= 0 &&
         top + (p->kernel_height - 1) * p->dilation_height < p->in_height && left + p->kernel_width <= p->in_width;
}

/* Copies the window at conv output (y, x), channels from `first` on, to `to`; what hangs over gets the zero point. */
EM_INLINE void em_gather_window(const em_conv_2d_params *p, const int8_t *in, int y, int x, int first, int8_t *to)
{
  const int channels = p->in_channels / p->groups;
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int iy = y * p->stride_height - p->pad_top + ky * p->dilation_height;
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      const int ix = x * p->stride_width - p->pad_left + kx * p->dilation_width;
      const int inside = iy >= 0 && iy < p->in_height && ix >= 0 && ix < p->in_width;
      const int8_t *from = in + (inside ? (iy * p->in_width + ix) * p->in_channels + first : 0);
      for (int c = 0; c < channels; ++c) *to++ = inside ? from[c] : (int8_t)p->in_zero_point;
    }
  }
}

/* Finds or gathers the windows of the conv outputs (y, x) and (y, x_next). */
EM_INLINE em_windows em_find_windows(const em_conv_2d_params *p, const int8_t *in, int y, int x, int x_next, int first,
                                     int8_t *scratch)
{
  em_windows w;
  if (em_window_inside(p, y, x) && em_window_inside(p, y, x_next)) {
    const int top = y * p->stride_height - p->pad_top;
    w.row_stride = p->dilation_height * p->in_width * p->in_channels;
    w.x0 = in + (top * p->in_width + x * p->stride_width - p->pad_left) * p->in_channels;
    w.x1 = w.x0 + (x_next - x) * p->stride_width * p->in_channels;
    return w;
  }
  w.row_stride = p->kernel_width * (p->in_channels / p->groups);
  w.x0 = scratch;
  w.x1 = scratch + p->kernel_height * w.row_stride;
  em_gather_window(p, in, y, x, first, scratch);
  em_gather_window(p, in, y, x_next, first, scratch + p->kernel_height * w.row_stride);
  return w;
}

EM_INLINE em_sums em_conv_2d_sums(const em_conv_2d_params *p, em_windows w, const em_channel *channel,
                                  const int8_t *weights, const int lanes)
{
  return em_dot(em_bias(channel, lanes), w.x0, w.x1, w.row_stride, p->kernel_height,
                p->kernel_width * (p->in_channels / p->groups), weights, lanes, 2);
}

/* One pair of output pixels, the channels of one group. */
EM_INLINE void em_conv_2d_pair(const em_conv_2d_params *p, em_windows w, em_destination d, const int8_t *weights,
                               const int rounding)
{
  const int window = p->kernel_height * p->kernel_width * (p->in_channels / p->groups);
  int left = p->out_channels / p->groups;
  for (; left >= 4; left -= 4) {
    em_store(d, em_conv_2d_sums(p, w, d.channel, weights, 4), &p->output, 4, 2, rounding);
    weights += 4 * window;
    d.channel += 4, d.shift += 4, d.out0 += 4, d.out1 += 4;
  }
  if (left >= 2) {
    em_store(d, em_conv_2d_sums(p, w, d.channel, weights, 2), &p->output, 2, 2, rounding);
    weights += 2 * window;
    d.channel += 2, d.shift += 2, d.out0 += 2, d.out1 += 2;
  }
  if (left & 1) em_store(d, em_conv_2d_sums(p, w, d.channel, weights, 1), &p->output, 1, 2, rounding);
}

EM_INLINE void em_conv_2d_body(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                               const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out, const int rounding)
{
  const int in_group = p->in_channels / p->groups;
  const int out_group = p->out_channels / p->groups;
  const int group_weights = p->kernel_height * p->kernel_width * in_group * out_group;
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; x += 2) {
      const int next = x + 1 < p->out_width ? x + 1 : x; /* an odd last pixel is done twice over */
      for (int group = 0; group < p->groups; ++group) {
        const em_windows w = em_find_windows(p, in, y, x, next, group * in_group, scratch);
        const int first = group * out_group;
        const em_destination d = {channels + first, shifts + first,
                                  out + (y * p->out_width + x) * p->out_channels + first,
                                  out + (y * p->out_width + next) * p->out_channels + first};
        em_conv_2d_pair(p, w, d, weights + group * group_weights, rounding);
      }
    }
  }
}

EM_INLINE int32_t em_max(int32_t a, int32_t b)
{
  return a > b ? a : b;
}

/* Lane by lane the larger sum of either pixel of `s` and of `best`, left in `best`'s a0..a3. */
EM_INLINE em_sums em_max_sums(em_sums best, em_sums s, const int lanes)
{
  best.a0 = em_max(best.a0, em_max(s.a0, s.b0));
  if (lanes > 1) best.a1 = em_max(best.a1, em_max(s.a1, s.b1));
  if (lanes > 2) {
    best.a2 = em_max(best.a2, em_max(s.a2, s.b2));
    best.a3 = em_max(best.a3, em_max(s.a3, s.b3));
  }
  return best;
}

/* The largest sums in one pool window. Requantisation never decreases, so the maximum may be taken before it. */
EM_INLINE em_sums em_conv_2d_pooled_sums(const em_conv_2d_params *p, const em_windows *windows, const em_channel *channel,
                                         const int8_t *weights, const int lanes)
{
  em_sums best = em_conv_2d_sums(p, windows[0], channel, weights, lanes);
  best = em_max_sums(best, best, lanes);
  for (int i = 1; i < p->pool_height * ((p->pool_width + 1) / 2); ++i) {
    best = em_max_sums(best, em_conv_2d_sums(p, windows[i], channel, weights, lanes), lanes);
  }
  return best;
}

enum { EM_POOL_PAIRS = 8 }; /* the most pixel pairs that a fused pool window may have */

EM_INLINE void em_conv_2d_max_pool_body(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                        const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out,
                                        const int rounding)
{
  const int window = p->kernel_height * p->kernel_width * p->in_channels;
  const int pairs = (p->pool_width + 1) / 2;
  em_windows windows[EM_POOL_PAIRS];
  for (int pixel = 0; pixel < p->out_height * p->out_width; ++pixel) {
    const int top = pixel / p->out_width * p->pool_height;
    const int left = pixel % p->out_width * p->pool_width;
    for (int i = 0; i < p->pool_height * pairs; ++i) {
      const int x = left + i % pairs * 2;
      const int next = x + 1 < left + p->pool_width ? x + 1 : x;
      windows[i] = em_find_windows(p, in, top + i / pairs, x, next, 0, scratch + 2 * i * window);
    }
    const int8_t *w = weights;
    em_destination d = {channels, shifts, out + pixel * p->out_channels, out};
    int channels_left = p->out_channels;
    for (; channels_left >= 4; channels_left -= 4) {
      em_store(d, em_conv_2d_pooled_sums(p, windows, d.channel, w, 4), &p->output, 4, 1, rounding);
      w += 4 * window;
      d.channel += 4, d.shift += 4, d.out0 += 4;
    }
    if (channels_left >= 2) {
      em_store(d, em_conv_2d_pooled_sums(p, windows, d.channel, w, 2), &p->output, 2, 1, rounding);
      w += 2 * window;
      d.channel += 2, d.shift += 2, d.out0 += 2;
    }
    if (channels_left & 1) {
      em_store(d, em_conv_2d_pooled_sums(p, windows, d.channel, w, 1), &p->output, 1, 1, rounding);
    }
  }
}

EM_KERNEL void em_conv_2d(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                          const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_conv_2d_any(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                              const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

/* `scratch` is larger by the factor pool_height * ceil(pool_width / 2); groups must be 1. */
EM_KERNEL void em_conv_2d_max_pool(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                   const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_max_pool_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_conv_2d_max_pool_any(const em_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                       const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_max_pool_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

#endif
