/* REDUCE_MAX and REDUCE_MIN over up to two groups of neighbouring axes.
 *
 * in   int8, walked with the given strides         out  int8 [kept_0.count][kept_1.count]
 * An output is written when all its inputs are read: `out` may lie over `in` as far ahead as the
 * generator computed it.
 */
#ifndef EM_REDUCE_H
#define EM_REDUCE_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  em_axis kept_0;
  em_axis kept_1;
  em_axis reduced_0;
  em_axis reduced_1;
} em_reduce_params;

EM_INLINE void em_reduce(const em_reduce_params *p, const int8_t *in, int8_t *out,
                         const int largest)
{
  for (int32_t i = 0; i < p->kept_0.count; ++i) {
    for (int32_t j = 0; j < p->kept_1.count; ++j) {
      const int8_t *row = in + i * p->kept_0.stride + j * p->kept_1.stride;
      int8_t found = *row;
      for (int32_t k = 0; k < p->reduced_0.count; ++k, row += p->reduced_0.stride) {
        const int8_t *from = row;
        for (int32_t l = 0; l < p->reduced_1.count; ++l, from += p->reduced_1.stride) {
          if (largest ? *from > found : *from < found) found = *from;
        }
      }
      *out++ = found;
    }
  }
}

EM_KERNEL void em_reduce_max(const em_reduce_params *p, const int8_t *in, int8_t *out)
{
  em_reduce(p, in, out, 1);
}

EM_KERNEL void em_reduce_min(const em_reduce_params *p, const int8_t *in, int8_t *out)
{
  em_reduce(p, in, out, 0);
}

#endif
