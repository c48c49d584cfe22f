/* Requantisation by step functions, for cores without 64-bit products.
 *
 * `channels` then has two entries for each channel: (bias, range), (offset, factor), or where there
 * is no exact step function (bias, multiplier), (shift, 0).
 */
#ifndef EM_STEP_H
#define EM_STEP_H

#include "em_common.h"

/* How a channel's sums become outputs by two 32-bit products; the generator proves it exact for
 * each channel. */
typedef struct {
  int32_t range;
  uint32_t high, low; /* the factor's whole part and its fraction in 12 bits */
  uint32_t offset;
} em_step_function;

EM_INLINE int8_t em_step_finish(int32_t sum, const em_step_function *step)
{
  int32_t limited = sum & ~(sum >> 31);
  if (limited > step->range) limited = step->range;
  const uint32_t value = (uint32_t)limited;
  return (int8_t)((int32_t)(value * step->high + (value * step->low >> 12) + step->offset) >> 24);
}

EM_INLINE int em_has_step(const em_channel *entries)
{
  return entries[1].multiplier != 0;
}

EM_INLINE em_step_function em_step_of(const em_channel *entries)
{
  const uint32_t factor = (uint32_t)entries[1].multiplier;
  const em_step_function step = {entries[0].multiplier, factor >> 12, factor & 4095,
                                 (uint32_t)entries[1].bias};
  return step;
}

#endif
