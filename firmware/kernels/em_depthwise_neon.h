/* Depthwise convolution on 64-bit Arm: 16 or 8 channels at a time, a pixel after the other.
 *
 * `plane` holds the last rows of the input that a kernel reaches, of the channels that are being
 * done, with their border of the zero point: int8 [rows][plane_width][width], where `width` is 16
 * or 8 and an input channel stands as often as there are outputs of it. Each row is copied before
 * an output is written over it: then `out` may be `in` itself, as no other channel's bytes are
 * touched. Weights stand by blocks of 16 channels, the last one made up to 16 or 8 by zeros, as
 * int8 [taps][width].
 *
 * Two taps' products are added in 16 bits. That fits unless both weights are -128; the generator
 * takes such weights elsewhere.
 */
#ifndef EM_DEPTHWISE_NEON_H
#define EM_DEPTHWISE_NEON_H

#include "em_neon.h"

#define EM_OWN_DEPTHWISE 1

enum { EM_KEPT_TAPS = 9 }; /* weights that stay in registers */

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  (void)p;
  return 1;
}

#ifndef EM_OWN_TAPS /* else em_depthwise_wasm.h has them */
/* 16 or 8 weights or elements, and 16 or 8 sums of two products. */
#if EM_NEON
typedef int8x16_t em_taps;
typedef struct {
  int16x8_t half[2];
} em_products;

EM_INLINE em_products em_no_products(void)
{
  const em_products result = {{vdupq_n_s16(0), vdupq_n_s16(0)}};
  return result;
}

EM_INLINE em_taps em_load_taps(const int8_t *from, const int width)
{
  return width == 16 ? vld1q_s8(from) : vcombine_s8(vld1_s8(from), vdup_n_s8(0));
}

EM_INLINE em_products em_multiply_taps(em_taps x, em_taps w, const int width)
{
  em_products result;
  result.half[0] = vmull_s8(vget_low_s8(x), vget_low_s8(w));
  result.half[1] = width == 16 ? vmull_high_s8(x, w) : result.half[0];
  return result;
}

EM_INLINE em_products em_multiply_more(em_products p, em_taps x, em_taps w, const int width)
{
  p.half[0] = vmlal_s8(p.half[0], vget_low_s8(x), vget_low_s8(w));
  if (width == 16) p.half[1] = vmlal_high_s8(p.half[1], x, w);
  return p;
}

EM_INLINE void em_add_taps(em_lanes *sums, em_products p, const int width)
{
  sums[0] = vaddw_s16(sums[0], vget_low_s16(p.half[0]));
  sums[1] = vaddw_high_s16(sums[1], p.half[0]);
  if (width == 16) {
    sums[2] = vaddw_s16(sums[2], vget_low_s16(p.half[1]));
    sums[3] = vaddw_high_s16(sums[3], p.half[1]);
  }
}
#else
typedef struct {
  int8_t at[EM_NEON_CHANNELS];
} em_taps;
typedef struct {
  int16_t at[EM_NEON_CHANNELS];
} em_products;

EM_INLINE em_products em_no_products(void)
{
  const em_products result = {{0}};
  return result;
}

EM_INLINE em_taps em_load_taps(const int8_t *from, const int width)
{
  em_taps result;
  memcpy(result.at, from, (size_t)width);
  return result;
}

EM_INLINE em_products em_multiply_taps(em_taps x, em_taps w, const int width)
{
  em_products result = em_no_products();
  for (int i = 0; i < width; ++i) result.at[i] = (int16_t)(x.at[i] * w.at[i]);
  return result;
}

EM_INLINE em_products em_multiply_more(em_products p, em_taps x, em_taps w, const int width)
{
  for (int i = 0; i < width; ++i) p.at[i] = (int16_t)(p.at[i] + x.at[i] * w.at[i]);
  return p;
}

EM_INLINE void em_add_taps(em_lanes *sums, em_products p, const int width)
{
  for (int i = 0; i < width; ++i) sums[i / 4].lane[i % 4] += p.at[i];
}
#endif
#endif

/* Whether an output row's bytes are those of input rows that are copied by then, all of them. Else
 * all rows are copied before the first output.
 */
EM_INLINE int em_rows_follow(const em_depthwise_conv_2d_params *p)
{
  return p->out_width <= p->in_width && p->pad_top < em_depthwise_reach(p);
}

EM_INLINE int em_kept_rows(const em_depthwise_conv_2d_params *p)
{
  return em_rows_follow(p) ? em_depthwise_reach(p) : p->plane_height;
}

/* Copies `lanes` output channels' elements of one pixel; `first` is the first of those output
 * channels. */
EM_INLINE void em_copy_pixel(const em_depthwise_conv_2d_params *p, const int8_t *pixel, int8_t *to,
                             int first, int lanes)
{
  if (p->multiplier == 1) {
    memcpy(to, pixel + first, (size_t)lanes);
    return;
  }
  for (int i = 0; i < lanes; ++i) to[i] = pixel[(first + i) / p->multiplier];
}

/* Copies one row of the plane, its border included. */
EM_INLINE void em_copy_row(const em_depthwise_conv_2d_params *p, const int8_t *in, int8_t *to,
                           int row, int first, int lanes, const int width)
{
  const int y = row - p->pad_top;
  const int beside = p->plane_width - p->pad_left, columns = em_depthwise_columns(p);
  if (y < 0 || y >= p->in_height || columns <= 0) {
    memset(to, p->in_zero_point, (size_t)(p->plane_width * width));
    return;
  }
  const int8_t *from = in + y * p->in_width * p->in_channels;
  if (p->pad_left > 0) memset(to, p->in_zero_point, (size_t)(p->pad_left * width));
  to += p->pad_left * width;
  for (int x = 0; x < columns; ++x, from += p->in_channels, to += width)
    em_copy_pixel(p, from, to, first, lanes);
  if (beside > columns) memset(to, p->in_zero_point, (size_t)((beside - columns) * width));
}

/* A block of channels and what of it stays in registers. */
typedef struct {
  em_lane_block block;
  const int8_t *weights;
  em_taps kept[EM_KEPT_TAPS];
  em_lanes bias[4], multipliers[4], shifts[4];
} em_depthwise_lanes;

EM_INLINE void em_load_block(const em_depthwise_conv_2d_params *p, em_depthwise_lanes *b,
                             const int width)
{
  const int taps = p->kernel_height * p->kernel_width;
  EM_UNROLL(4)
  for (int i = 0; i < width / 4; ++i) {
    const em_lane_channels c = em_load_channels(b->block.channels + 4 * i);
    b->bias[i] = c.bias;
    b->multipliers[i] = c.multiplier;
  }
  em_load_shifts(b->shifts, b->block.shifts, width / 4);
  if (taps > EM_KEPT_TAPS) return;
  EM_UNROLL(9)
  for (int i = 0; i < taps; ++i) b->kept[i] = em_load_taps(b->weights + i * width, width);
}

/* One pixel's sums; the window starts `column` bytes after the start of the row `first` and of
 * those after it. */
EM_INLINE void em_sum_window(const em_depthwise_conv_2d_params *p, const em_depthwise_lanes *b,
                             const int8_t *plane, int first, int column, em_lanes *sums,
                             const int width)
{
  const int taps = p->kernel_height * p->kernel_width;
  const int rows = em_kept_rows(p);
  em_products products = em_no_products();
  int tap = 0;
  EM_UNROLL(4)
  for (int i = 0; i < width / 4; ++i) sums[i] = b->bias[i];
  EM_UNROLL(3)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int row = (first + ky * p->dilation_height) % rows;
    const int8_t *at = plane + row * p->plane_width * width + column;
    EM_UNROLL(3)
    for (int kx = 0; kx < p->kernel_width; ++kx, ++tap, at += p->dilation_width * width) {
      const em_taps w =
          taps <= EM_KEPT_TAPS ? b->kept[tap] : em_load_taps(b->weights + tap * width, width);
      const em_taps x = em_load_taps(at, width);
      if (tap % 2 == 0) {
        products = em_multiply_taps(x, w, width);
      } else {
        em_add_taps(sums, em_multiply_more(products, x, w, width), width);
      }
    }
  }
  if (taps % 2 != 0) em_add_taps(sums, products, width);
}

/* A block of `width` channels, of which `lanes` are stored, from output channel `first` on. */
EM_INLINE void em_depthwise_lanes_of(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                     em_lane_block block, int8_t *plane, const int8_t *in,
                                     int8_t *out, int first, const int width, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier;
  const int rows = em_kept_rows(p);
  em_depthwise_lanes b;
  int copied = 0;
  b.block = block;
  b.weights = weights;
  em_load_block(p, &b, width);
  for (int y = 0; y < p->out_height; ++y) {
    const int top = y * p->stride_height;
    const int needed = em_rows_follow(p) ? top + em_depthwise_reach(p) : p->plane_height;
    if (copied < top && em_rows_follow(p)) copied = top;
    for (; copied < needed; ++copied) {
      em_copy_row(p, in, plane + copied % rows * p->plane_width * width, copied, first, block.lanes,
                  width);
    }
    int8_t *to = out + y * p->out_width * pitch + first;
    for (int x = 0; x < p->out_width; ++x, to += pitch) {
      em_lanes sums[4];
      em_sum_window(p, &b, plane, top, x * p->stride_width * width, sums, width);
      em_store_block(sums, b.multipliers, b.shifts, &b.block, to, &p->output, width / 4, rounding);
    }
  }
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *plane,
                                const int8_t *in, int8_t *out, const int rounding)
{
  const int taps = p->kernel_height * p->kernel_width;
  const int count = p->in_channels * p->multiplier;
  int first = 0;
  for (; count - first >= EM_NEON_CHANNELS;
       first += EM_NEON_CHANNELS, weights += taps * EM_NEON_CHANNELS) {
    const em_lane_block block = {channels + first, shifts + first, EM_NEON_CHANNELS};
    em_depthwise_lanes_of(p, weights, block, plane, in, out, first, 16, rounding);
  }
  em_lane_room room;
  if (count - first > 8) {
    const em_lane_block block =
        em_lane_block_of(channels + first, shifts + first, count - first, 16, &room);
    em_depthwise_lanes_of(p, weights, block, plane, in, out, first, 16, rounding);
  } else if (count - first > 0) {
    const em_lane_block block =
        em_lane_block_of(channels + first, shifts + first, count - first, 8, &room);
    em_depthwise_lanes_of(p, weights, block, plane, in, out, first, 8, rounding);
  }
}

#endif
