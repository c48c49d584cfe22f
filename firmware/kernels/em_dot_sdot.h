/* The body of em_dot_neon.h for 64-bit Arm cores with dot products, Cortex-A76 among them: 16
 * products in an instruction.
 *
 * Of 4 channels' 4 elements, each channel's stand together.
 */
#ifndef EM_DOT_SDOT_H
#define EM_DOT_SDOT_H

#include "em_neon.h"

#if EM_NEON && defined(__ARM_FEATURE_DOTPROD)
typedef int8x16_t em_elements; /* 4 elements, 4 times over */

EM_INLINE em_elements em_spread(uint32_t word)
{
  return vreinterpretq_s8_u32(vdupq_n_u32(word));
}

EM_INLINE em_elements em_load_elements(const int8_t *from)
{
  uint32_t word;
  EM_COPY(&word, from, 4);
  return em_spread(word);
}

/* Elements 4 * i to 4 * i + 3 of 16; `i` is constant. */
EM_INLINE em_elements em_spread_word(em_run run, const int i)
{
  const int32x4_t words = vreinterpretq_s32_s8(run);
  return vreinterpretq_s8_s32(i == 0       ? vdupq_laneq_s32(words, 0)
                                  : i == 1 ? vdupq_laneq_s32(words, 1)
                                  : i == 2 ? vdupq_laneq_s32(words, 2)
                                           : vdupq_laneq_s32(words, 3));
}

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  return vdotq_s32(sums, vld1q_s8(weights), x);
}
#else
#include "em_elements.h"

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  int32_t every[4];
  em_store_lanes(every, sums);
  for (int i = 0; i < 16; ++i) every[i / 4] += weights[i] * x.element[i % 4];
#if EM_NEON
  return vld1q_s32(every);
#else
  memcpy(sums.lane, every, sizeof every);
  return sums;
#endif
}
#endif

#include "em_dot_neon.h"

#endif
