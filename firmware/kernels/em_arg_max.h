/* ARG_MAX and ARG_MIN along one axis; of several elements the first.
 *
 * in   int8 [rows][count][inner]            out   int32 [rows][inner]
 */
#ifndef EM_ARG_MAX_H
#define EM_ARG_MAX_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
} em_arg_max_params;

EM_INLINE void em_find(const em_arg_max_params *p, const int8_t *in, int32_t *out, const int largest)
{
  int8_t *to = (int8_t *)(void *)out; /* the arena is one of bytes */
  for (int32_t row = 0; row < p->rows; ++row, in += p->count * p->inner) {
    for (int32_t i = 0; i < p->inner; ++i, to += sizeof(int32_t)) {
      int32_t found = 0;
      for (int32_t j = 1; j < p->count; ++j) {
        const int8_t value = in[j * p->inner + i], best = in[found * p->inner + i];
        if (largest ? value > best : value < best) found = j;
      }
      memcpy(to, &found, sizeof found);
    }
  }
}

EM_KERNEL void em_arg_max(const em_arg_max_params *p, const int8_t *in, int32_t *out)
{
  em_find(p, in, out, 1);
}

EM_KERNEL void em_arg_min(const em_arg_max_params *p, const int8_t *in, int32_t *out)
{
  em_find(p, in, out, 0);
}

#endif
