/* In C, what em_dot_sdot.h and em_dot_smull.h take at once of the input: 4 elements. */
#ifndef EM_ELEMENTS_H
#define EM_ELEMENTS_H

#include "em_neon.h"

typedef struct {
  int8_t element[4];
} em_elements;

EM_INLINE em_elements em_spread(uint32_t word)
{
  em_elements result;
  for (int i = 0; i < 4; ++i) result.element[i] = (int8_t)(uint8_t)(word >> 8 * i & 255);
  return result;
}

EM_INLINE em_elements em_load_elements(const int8_t *from)
{
  em_elements result;
  memcpy(result.element, from, 4);
  return result;
}

EM_INLINE em_elements em_spread_word(em_run run, const int i)
{
  em_elements result;
  em_store_word(result.element, run, 4 * i);
  return result;
}

#endif
