/* em_own_channels for x86-64 with AVX2 and what there is beyond it: windows are read where they
 * are, one by one. That is for dense layers and rare convolutions; the others have bodies of their
 * own. Weights as in em_tile.h.
 */
#ifndef EM_DOT_AVX2_H
#define EM_DOT_AVX2_H

#include "em_tile.h"

#define EM_OWN_CHANNELS 1

#define EM_OWN_PACKING 1
EM_INLINE int em_own_packed_bytes(int channels, int rows, int length)
{
  const int groups = (channels + EM_LANE_COUNT - 1) / EM_LANE_COUNT;
  return groups * (EM_GROUP_HEAD + rows * ((length + 3) / 4) * EM_TAP_BYTES);
}

/* Four elements in every lane or, at a row's end, as many as there are left. */
EM_INLINE em_lanes em_window_quad(const int8_t *x, int left)
{
  const em_lanes flip = em_lanes_all(-2139062144); /* 0x80808080 */
  if (left >= 4) return em_lanes_xor(em_lanes_quad(x), flip);
  uint32_t word = (uint8_t)x[0];
  if (left > 1) word |= (uint32_t)(uint8_t)x[1] << 8;
  if (left > 2) word |= (uint32_t)(uint8_t)x[2] << 16;
  return em_lanes_xor(em_lanes_all((int32_t)word), flip);
}

/* Returns a group's sums over one window that starts at `x`; four chains of them, because one would
 * wait for itself. */
EM_INLINE em_lanes em_window_sums(const em_window *window, const int8_t *x, const int8_t *weights,
                                  em_lanes start)
{
  const em_lanes none = em_lanes_all(0);
  em_lanes s0 = start, s1 = none, s2 = none, s3 = none;
  for (int row = 0; row < window->rows; ++row) {
    const int8_t *at = x + row * window->row_stride;
    int left = window->length;
    for (; left >= 16; left -= 16, at += 16, weights += 4 * EM_TAP_BYTES) {
      s0 = em_lanes_dot(s0, em_window_quad(at, 4), em_lanes_taps(weights));
      s1 = em_lanes_dot(s1, em_window_quad(at + 4, 4), em_lanes_taps(weights + EM_TAP_BYTES));
      s2 = em_lanes_dot(s2, em_window_quad(at + 8, 4), em_lanes_taps(weights + 2 * EM_TAP_BYTES));
      s3 = em_lanes_dot(s3, em_window_quad(at + 12, 4), em_lanes_taps(weights + 3 * EM_TAP_BYTES));
    }
    for (; left > 0; left -= 4, at += 4, weights += EM_TAP_BYTES) {
      s0 = em_lanes_dot(s0, em_window_quad(at, left), em_lanes_taps(weights));
    }
  }
  return em_lanes_add(em_lanes_add(s0, s1), em_lanes_add(s2, s3));
}

/* The next 16 channels. */
EM_INLINE void em_next_group(em_block *block, const em_window *window)
{
  block->weights += em_own_packed_bytes(EM_LANE_COUNT, window->rows, window->length);
  block->channel += EM_LANE_COUNT;
  block->shift += EM_LANE_COUNT;
  block->out0 += EM_LANE_COUNT;
  block->out1 += EM_LANE_COUNT;
}

EM_INLINE void em_own_channels(const em_window *window, em_block block, int count,
                               const em_output *output, int8_t *strip, const int pixels,
                               const int rounding)
{
  (void)strip;
  for (int left = count; left > 0; left -= EM_LANE_COUNT) {
    const em_group g =
        em_load_group(block.weights, block.channel, block.shift, left, output, rounding);
    const int8_t *const weights = block.weights + EM_GROUP_HEAD;
    em_store_group(em_window_sums(window, window->x, weights, g.start), &g, output, block.out0,
                   rounding);
    if (pixels > 1) {
      const em_lanes sums = em_window_sums(window, window->x + window->pair, weights, g.start);
      em_store_group(sums, &g, output, block.out1, rounding);
    }
    if (left > EM_LANE_COUNT) em_next_group(&block, window);
  }
}

EM_INLINE void em_own_pooled(const em_window *windows, int pairs, em_block block, int count,
                             const em_output *output, int8_t *strip, const int rounding)
{
  (void)strip;
  for (int left = count; left > 0; left -= EM_LANE_COUNT) {
    const em_group g =
        em_load_group(block.weights, block.channel, block.shift, left, output, rounding);
    const int8_t *const weights = block.weights + EM_GROUP_HEAD;
    em_lanes best = em_lanes_all(INT32_MIN);
    for (int i = 0; i < pairs; ++i) {
      best = em_lanes_max(best, em_window_sums(&windows[i], windows[i].x, weights, g.start));
      best = em_lanes_max(
          best, em_window_sums(&windows[i], windows[i].x + windows[i].pair, weights, g.start));
    }
    em_store_group(best, &g, output, block.out0, rounding);
    if (left > EM_LANE_COUNT) em_next_group(&block, &windows[0]);
  }
}

#endif
