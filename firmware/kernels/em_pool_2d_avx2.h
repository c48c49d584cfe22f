/* Pools for x86-64, 16 channels at once. */
#ifndef EM_POOL_2D_AVX2_H
#define EM_POOL_2D_AVX2_H

#include "em_lanes.h"

#define EM_OWN_POOL_2D 1

/* Of up to 16 channels from `in` on, the sums over a window or the largest values. */
EM_INLINE em_lanes em_own_window(const em_pool_2d_params *p, const em_pool_window *w,
                                 const int8_t *in, int count, const int average)
{
  em_lanes found = em_lanes_all(average ? 0 : -128);
  for (int y = w->top; y < w->bottom; ++y) {
    const int8_t *from = in + (y * p->in_width + w->left) * p->channels;
    for (int x = w->left; x < w->right; ++x, from += p->channels) {
      const em_lanes values =
          count < EM_LANE_COUNT ? em_lanes_extend_some(from, count) : em_lanes_extend(from);
      found = average ? em_lanes_add(found, values) : em_lanes_max(found, values);
    }
  }
  return found;
}

/* All channels of one output, each written when its window is read. */
EM_INLINE void em_own_pool_2d(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in,
                              int8_t *out, const int average)
{
  for (int c = 0; c < p->channels; c += EM_LANE_COUNT) {
    const int left = p->channels - c;
    const int count = left < EM_LANE_COUNT ? left : EM_LANE_COUNT;
    em_lanes found = em_own_window(p, w, in + c, left, average);
    if (average) {
      int32_t each[EM_LANE_COUNT];
      em_lanes_store(each, found);
      for (int i = 0; i < count; ++i)
        each[i] = em_rounded_mean(each[i], (w->bottom - w->top) * (w->right - w->left));
      found = em_lanes_load(each);
    }
    em_lanes_put(out + c, found, p->minimum, p->maximum, count);
  }
}

#endif
