/* em_own_channels and em_own_pooled for 64-bit Arm: 16 channels at a time at two pixels.
 * em_dot_smull.h and em_dot_sdot.h include it and say how 4 elements' products with 4 channels'
 * weights are added.
 *
 * Weights stand in blocks of 16 channels, the last one with as many as there are, made up to a
 * multiple of 4. A block holds each row of the window in words of 4 elements, and for each word 16
 * bytes for every 4 channels. A row that is no multiple of 4 ends with its last 4 elements, of
 * which those that were there before have weights of zero; one of less than 4 elements is made up
 * to 4 by weights of zero, and read element by element. So nothing beside a row is read.
 */
#ifndef EM_DOT_NEON_H
#define EM_DOT_NEON_H

#include "em_neon.h"

#define EM_OWN_CHANNELS 1
#define EM_OWN_PACKING 1

enum { EM_NEON_GROUPS = EM_NEON_CHANNELS / 4 };

EM_INLINE int em_own_packed_bytes(int channels, int rows, int length)
{
  return (channels + 3) / 4 * rows * ((length + 3) / 4) * 16;
}

/* Sums of up to 16 channels at two pixels. */
typedef struct {
  em_lanes a[EM_NEON_GROUPS], b[EM_NEON_GROUPS];
} em_lane_sums;

/* 1 to 3 elements, and zeros. */
EM_INLINE em_elements em_load_few(const int8_t *from, int count)
{
  uint32_t word = (uint8_t)from[0];
  if (count > 1) word |= (uint32_t)(uint8_t)from[1] << 8;
  if (count > 2) word |= (uint32_t)(uint8_t)from[2] << 16;
  return em_spread(word);
}

/* Adds a word's products; `second` is of the second pixel. */
EM_INLINE void em_add_word(em_lane_sums *s, em_elements first, em_elements second,
                           const int8_t *weights, const int groups, const int pixels)
{
  EM_UNROLL(4)
  for (int i = 0; i < groups; ++i) {
    s->a[i] = em_add_products(s->a[i], weights + 16 * i, first);
    if (pixels > 1) s->b[i] = em_add_products(s->b[i], weights + 16 * i, second);
  }
}

/* Adds four words' products. */
EM_INLINE void em_add_run(em_lane_sums *s, em_run first, em_run second, const int8_t *weights,
                          int stride, const int groups, const int pixels)
{
  em_add_word(s, em_spread_word(first, 0), em_spread_word(second, 0), weights, groups, pixels);
  em_add_word(s, em_spread_word(first, 1), em_spread_word(second, 1), weights + stride, groups,
              pixels);
  em_add_word(s, em_spread_word(first, 2), em_spread_word(second, 2), weights + 2 * stride, groups,
              pixels);
  em_add_word(s, em_spread_word(first, 3), em_spread_word(second, 3), weights + 3 * stride, groups,
              pixels);
}

/* Adds a row's products; words are `stride` bytes apart. Returns where the next row's weights
 * are. */
EM_INLINE const int8_t *em_add_row(em_lane_sums *s, const em_window *window, const int8_t *x,
                                   const int8_t *weights, int stride, const int groups,
                                   const int pixels)
{
  const int left = window->length % 4;
  const int pair = pixels > 1 ? window->pair : 0;
  const int8_t *const end = x + (window->length - left);
  if (!EM_NEON_ONE_COPY) {
    for (const int8_t *const last = x + window->length / 16 * 16; x != last;
         x += 16, weights += 4 * stride) {
      em_add_run(s, em_load_run(x), em_load_run(x + pair), weights, stride, groups, pixels);
    }
  }
  for (; x != end; x += 4, weights += stride) {
    em_add_word(s, em_load_elements(x), em_load_elements(x + pair), weights, groups, pixels);
  }
  if (left == 0) return weights;
  if (window->length < 4) {
    em_add_word(s, em_load_few(x, left), em_load_few(x + pair, left), weights, groups, pixels);
  } else {
    x += left - 4;
    em_add_word(s, em_load_elements(x), em_load_elements(x + pair), weights, groups, pixels);
  }
  return weights + stride;
}

EM_INLINE em_lane_sums em_add_window(em_lane_sums s, const em_window *window, const int8_t *weights,
                                     int stride, const int groups, const int pixels)
{
  const int8_t *x = window->x;
  for (int row = 0; row < window->rows; ++row, x += window->row_stride) {
    weights = em_add_row(&s, window, x, weights, stride, groups, pixels);
  }
  return s;
}

/* What the pixels of a block of channels need: their windows, one or, for a pool, several. */
typedef struct {
  const em_window *windows;
  int pairs;
  int stride; /* bytes between a block's words */
} em_lane_windows;

/* A block's channels: their sums, which a pool (`pairs` > 0) takes the largest of, requantised and
 * stored. */
EM_INLINE void em_do_block(const em_lane_windows *w, const em_block *block, int lanes,
                           const em_output *output, const int groups, const int pixels,
                           const int pooled, const int rounding)
{
  em_lane_room room;
  const em_lane_block own =
      em_lane_block_of(block->channel, block->shift, lanes, 4 * groups, &room);
  em_lanes multipliers[EM_NEON_GROUPS], shifts[EM_NEON_GROUPS];
  em_lane_sums start, s;
  EM_UNROLL(4)
  for (int i = 0; i < groups; ++i) {
    const em_lane_channels c = em_load_channels(own.channels + 4 * i);
    start.a[i] = start.b[i] = c.bias;
    multipliers[i] = c.multiplier;
  }
  EM_UNROLL(4)
  /* nobody reads them */
  for (int i = groups; i < EM_NEON_GROUPS; ++i) start.a[i] = start.b[i] = start.a[0];
  s = em_add_window(start, w->windows, block->weights, w->stride, groups, pixels);
  if (pooled) {
    EM_UNROLL(4)
    for (int i = 0; i < groups; ++i) s.a[i] = em_max_lanes(s.a[i], s.b[i]);
    for (int pair = 1; pair < w->pairs; ++pair) {
      const em_lane_sums more =
          em_add_window(start, w->windows + pair, block->weights, w->stride, groups, pixels);
      EM_UNROLL(4)
      for (int i = 0; i < groups; ++i)
        s.a[i] = em_max_lanes(s.a[i], em_max_lanes(more.a[i], more.b[i]));
    }
  }
  em_load_shifts(shifts, own.shifts, groups);
  em_store_block(s.a, multipliers, shifts, &own, block->out0, output, groups, rounding);
  if (pixels > 1 && !pooled)
    em_store_block(s.b, multipliers, shifts, &own, block->out1, output, groups, rounding);
}

/* One block of up to 16 channels, with the number of vectors a constant; else one after the
 * other. */
EM_INLINE void em_each_lane(const em_lane_windows *w, em_block block, int lanes,
                            const em_output *output, const int pixels, const int pooled,
                            const int rounding)
{
  if (EM_NEON_ONE_COPY) {
    for (; lanes > 0; lanes -= 4) {
      em_do_block(w, &block, lanes < 4 ? lanes : 4, output, 1, pixels, pooled, rounding);
      block.weights += 16;
      block.channel += 4;
      block.shift += 4;
      block.out0 += 4;
      block.out1 += 4;
    }
  } else if (lanes > 12) {
    em_do_block(w, &block, lanes, output, 4, pixels, pooled, rounding);
  } else if (lanes > 8) {
    em_do_block(w, &block, lanes, output, 3, pixels, pooled, rounding);
  } else if (lanes > 4) {
    em_do_block(w, &block, lanes, output, 2, pixels, pooled, rounding);
  } else {
    em_do_block(w, &block, lanes, output, 1, pixels, pooled, rounding);
  }
}

/* All channels, block by block. */
EM_INLINE void em_every_block(const em_window *windows, int pairs, em_block block, int count,
                              const em_output *output, const int pixels, const int pooled,
                              const int rounding)
{
  const int words = windows->rows * ((windows->length + 3) / 4);
  em_lane_windows w = {windows, pairs, 4 * EM_NEON_CHANNELS};
  for (; count >= (EM_NEON_ONE_COPY ? 1 : EM_NEON_CHANNELS); count -= EM_NEON_CHANNELS) {
    const int lanes = count < EM_NEON_CHANNELS ? count : EM_NEON_CHANNELS;
    w.stride = 16 * ((lanes + 3) / 4);
    em_each_lane(&w, block, lanes, output, pixels, pooled, rounding);
    block.weights += words * w.stride;
    block.channel += lanes;
    block.shift += lanes;
    block.out0 += lanes;
    block.out1 += lanes;
  }
  if (!EM_NEON_ONE_COPY && count > 0) {
    w.stride = 16 * ((count + 3) / 4);
    em_each_lane(&w, block, count, output, pixels, pooled, rounding);
  }
}

EM_INLINE void em_own_channels(const em_window *window, em_block block, int count,
                               const em_output *output, int8_t *strip, const int pixels,
                               const int rounding)
{
  (void)strip;
  if (EM_NEON_ONE_COPY) {
    em_every_block(window, 1, block, count, output, pixels, 0, rounding);
  } else if (pixels > 1) {
    em_every_block(window, 1, block, count, output, 2, 0, rounding);
  } else {
    em_every_block(window, 1, block, count, output, 1, 0, rounding);
  }
}

EM_INLINE void em_own_pooled(const em_window *windows, int pairs, em_block block, int count,
                             const em_output *output, int8_t *strip, const int rounding)
{
  (void)strip;
  em_every_block(windows, pairs, block, count, output, 2, 1, rounding);
}

#endif
