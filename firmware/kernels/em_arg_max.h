/* ARG_MAX and ARG_MIN along one axis; of several elements the first.
 *
 * in   int8 [rows][count][inner]            out   int32 or, of the wide ones, int64 [rows][inner]
 */
#ifndef EM_ARG_MAX_H
#define EM_ARG_MAX_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
} em_arg_max_params;

/* `bytes` of each output: 4 or 8. The arena is one of bytes. */
EM_INLINE void em_find(const em_arg_max_params *p, const int8_t *in, int8_t *to, const int bytes, const int largest)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->count * p->inner) {
    for (int32_t i = 0; i < p->inner; ++i, to += bytes) {
      int32_t found = 0;
      for (int32_t j = 1; j < p->count; ++j) {
        const int8_t value = in[j * p->inner + i], best = in[found * p->inner + i];
        if (largest ? value > best : value < best) found = j;
      }
      const int64_t wide = found;
      if (bytes == 4) {
        memcpy(to, &found, 4);
      } else {
        memcpy(to, &wide, 8);
      }
    }
  }
}

EM_KERNEL void em_arg_max(const em_arg_max_params *p, const int8_t *in, int32_t *out)
{
  em_find(p, in, (int8_t *)(void *)out, 4, 1);
}

EM_KERNEL void em_arg_max_wide(const em_arg_max_params *p, const int8_t *in, int64_t *out)
{
  em_find(p, in, (int8_t *)(void *)out, 8, 1);
}

EM_KERNEL void em_arg_min(const em_arg_max_params *p, const int8_t *in, int32_t *out)
{
  em_find(p, in, (int8_t *)(void *)out, 4, 0);
}

EM_KERNEL void em_arg_min_wide(const em_arg_max_params *p, const int8_t *in, int64_t *out)
{
  em_find(p, in, (int8_t *)(void *)out, 8, 0);
}

#endif
