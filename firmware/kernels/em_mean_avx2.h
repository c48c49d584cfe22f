/* em_mean for x86-64 where neighbouring outputs are made of neighbouring inputs, 16 of them at
 * once. */
#ifndef EM_MEAN_AVX2_H
#define EM_MEAN_AVX2_H

#include "em_lanes.h"

#define EM_OWN_MEAN 1

/* `count` neighbouring outputs, at most 16, each written when its inputs are read. */
EM_INLINE void em_own_means(const em_mean_params *p, const int8_t *in, int8_t *out, int count,
                            const em_scale *scale, const int nested)
{
  em_lanes sums = em_lanes_all(p->bias);
  for (int32_t k = 0; k < (nested ? p->averaged_0.count : 1); ++k) {
    const int8_t *from = in + k * p->averaged_0.stride;
    for (int32_t l = 0; l < p->averaged_1.count; ++l, from += p->averaged_1.stride) {
      sums = em_lanes_add(
          sums, count < EM_LANE_COUNT ? em_lanes_extend_some(from, count) : em_lanes_extend(from));
    }
  }
  em_lanes_put(out, em_lanes_requantise(sums, scale), p->output.minimum, p->output.maximum, count);
}

EM_INLINE void em_own_mean(const em_mean_params *p, const int8_t *in, int8_t *out, const int nested)
{
  const em_scale scale =
      em_scale_of(em_lanes_all(p->multiplier), em_lanes_all(p->shift), p->output.zero_point);
  for (int32_t i = 0; i < (nested ? p->kept_0.count : 1); ++i) {
    for (int32_t j = 0; j < p->kept_1.count; j += EM_LANE_COUNT) {
      const int32_t left = p->kept_1.count - j;
      const int count = left < EM_LANE_COUNT ? (int)left : EM_LANE_COUNT;
      em_own_means(p, in + i * p->kept_0.stride + j, out, count, &scale, nested);
      out += count;
    }
  }
}

#endif
