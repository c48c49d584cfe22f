/* A real factor in fixed point. */
#ifndef EM_FACTOR_H
#define EM_FACTOR_H

#include "em_common.h"

/* multiplier * 2^(exponent - 31), exponent -31..30. */
typedef struct {
  int32_t multiplier;
  int16_t exponent;
} em_factor;

/* value times the factor, rounded as em_multiply_any does. */
EM_INLINE int32_t em_times(int32_t value, const em_factor *factor)
{
  return em_multiply_any(value, factor->multiplier, factor->exponent);
}

#endif
