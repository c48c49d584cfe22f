/* Additions for x86-64, sixteen elements at once. */
#ifndef EM_ARITHMETIC_AVX2_H
#define EM_ARITHMETIC_AVX2_H

#include "em_lanes.h"

#define EM_OWN_ADD 1

/* Returns the sums of 16 elements before their requantisation; see em_combine. */
EM_INLINE em_lanes em_own_sums(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                               const em_scale *b_scale)
{
  const em_lanes x = em_lanes_add(em_lanes_extend(a), em_lanes_all(-p->a_zero_point));
  const em_lanes y = em_lanes_add(em_lanes_extend(b), em_lanes_all(-p->b_zero_point));
  const em_lanes scaled =
      em_lanes_requantise(em_lanes_multiply(y, em_lanes_all(p->b_factor)), b_scale);
  return em_lanes_add(em_lanes_multiply(x, em_lanes_all(p->a_factor)),
                      em_lanes_multiply(scaled, em_lanes_all(p->b_sign)));
}

/* ADD of `count` elements side by side. An element is written when its operands are read: `out` may
 * be `a` or `b`, or lie before them.
 */
EM_INLINE void em_own_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out, int32_t count)
{
  const em_scale b_scale = em_scale_of(em_lanes_all(p->b_multiplier), em_lanes_all(p->b_shift), 0);
  const em_scale scale =
      em_scale_of(em_lanes_all(p->multiplier), em_lanes_all(p->shift), p->output.zero_point);
  int32_t i = 0;
  for (; i + EM_LANE_COUNT <= count; i += EM_LANE_COUNT) {
    const em_lanes sums = em_own_sums(p, a + i, b + i, &b_scale);
    em_lanes_put(out + i, em_lanes_requantise(sums, &scale), p->output.minimum, p->output.maximum,
                 EM_LANE_COUNT);
  }
  for (; i < count; ++i) {
    const int32_t value = em_combine(p, a[i] - p->a_zero_point, b[i] - p->b_zero_point, EM_ADD);
    out[i] = em_finish(value, p->multiplier, p->shift, &p->output, EM_ROUND_FAST);
  }
}

#endif
