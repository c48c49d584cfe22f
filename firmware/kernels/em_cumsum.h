/* CUMSUM along one axis.
 *
 * in, out   int8 [rows][count][inner]
 * An element is read before the one in its place is written, and not again: `out` may be `in`.
 */
#ifndef EM_CUMSUM_H
#define EM_CUMSUM_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
  int32_t multiplier;
  int16_t zero_point;
  int16_t exclusive; /* 1 where a sum leaves its own element out */
  int16_t reverse;   /* 1 where sums run from the end */
  int16_t shift;
  em_output output;
} em_cumsum_params;

EM_INLINE void em_running_sums(const em_cumsum_params *p, const int8_t *in, int8_t *out,
                               const int rounding)
{
  const int32_t step = p->reverse ? -p->inner : p->inner;
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t i = 0; i < p->inner; ++i) {
      int32_t at = row * p->count * p->inner + (p->reverse ? (p->count - 1) * p->inner : 0) + i;
      int32_t sum = -p->zero_point;
      for (int32_t j = 0; j < p->count; ++j, at += step) {
        const int32_t before = sum;
        sum += in[at] - p->zero_point;
        out[at] = em_finish((p->exclusive ? before : sum) * 524288, p->multiplier, p->shift,
                            &p->output, rounding);
      }
    }
  }
}

EM_KERNEL void em_cumsum(const em_cumsum_params *p, const int8_t *in, int8_t *out)
{
  em_running_sums(p, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_cumsum_any(const em_cumsum_params *p, const int8_t *in, int8_t *out)
{
  em_running_sums(p, in, out, EM_ROUND_ANY);
}

#endif
