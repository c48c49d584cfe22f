/* The body of em_dot_neon.h for 64-bit Arm cores without dot products, Cortex-A53 and A72 among
 * them: products of 8 bits, two of which are added in 16 bits and then in pairs to sums of 32.
 *
 * Of 4 channels' 4 elements, the first two of each channel stand first, then the last two. Two
 * products fit 16 bits unless both weights are -128: those of elements 0 and 2, or of 1 and 3. The
 * generator takes such weights elsewhere.
 */
#ifndef EM_DOT_SMULL_H
#define EM_DOT_SMULL_H

#include "em_neon.h"

#if EM_NEON
/* The first two elements, and the last two, each as often as there is room. */
typedef struct {
  int8x16_t first, second;
} em_elements;

/* Clang, which sees that all of a vector is the same, takes its lower half for the upper one and
 * then moves the weights' upper halves: 4 instructions more in 22. So it isn't shown.
 */
EM_INLINE em_elements em_hidden(int8x16_t first, int8x16_t second)
{
  em_elements result = {first, second};
#if defined(__clang__)
  __asm__("" : "+w"(result.second));
#endif
  return result;
}

EM_INLINE em_elements em_spread(uint32_t word)
{
  return em_hidden(vreinterpretq_s8_u16(vdupq_n_u16((uint16_t)word)),
                   vreinterpretq_s8_u16(vdupq_n_u16((uint16_t)(word >> 16))));
}

EM_INLINE em_elements em_load_elements(const int8_t *from)
{
  uint16_t first, second;
  EM_COPY(&first, from, 2);
  EM_COPY(&second, from + 2, 2);
  return em_hidden(vreinterpretq_s8_u16(vdupq_n_u16(first)),
                   vreinterpretq_s8_u16(vdupq_n_u16(second)));
}

/* Elements 4 * i to 4 * i + 3 of 16; `i` is constant. */
EM_INLINE em_elements em_spread_word(em_run run, const int i)
{
  const int16x8_t pairs = vreinterpretq_s16_s8(run);
  int16x8_t first = i == 0 ? vdupq_laneq_s16(pairs, 0) : i == 1 ? vdupq_laneq_s16(pairs, 2)
                  : i == 2 ? vdupq_laneq_s16(pairs, 4) : vdupq_laneq_s16(pairs, 6);
  int16x8_t second = i == 0 ? vdupq_laneq_s16(pairs, 1) : i == 1 ? vdupq_laneq_s16(pairs, 3)
                   : i == 2 ? vdupq_laneq_s16(pairs, 5) : vdupq_laneq_s16(pairs, 7);
  return em_hidden(vreinterpretq_s8_s16(first), vreinterpretq_s8_s16(second));
}

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  const int8x16_t w = vld1q_s8(weights);
  const int16x8_t products = vmull_s8(vget_low_s8(w), vget_low_s8(x.first));
  return vpadalq_s16(sums, vmlal_high_s8(products, w, x.second));
}
#else
#include "em_elements.h"

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  for (int i = 0; i < 4; ++i) {
    const int8_t *w = weights + 2 * i;
    const int16_t even = (int16_t)(w[0] * x.element[0] + w[8] * x.element[2]);
    const int16_t odd = (int16_t)(w[1] * x.element[1] + w[9] * x.element[3]);
    sums.lane[i] += even + odd;
  }
  return sums;
}
#endif

#include "em_dot_neon.h"

#endif
