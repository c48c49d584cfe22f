/* ARG_MAX and ARG_MIN along one axis; of several elements the first.
 *
 * in   int8 or float [rows][count][inner]   out   int32 or, of the wide ones, int64 [rows][inner]
 */
#ifndef EM_ARG_MAX_H
#define EM_ARG_MAX_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
} em_arg_max_params;

/* Defines the kernel NAME from elements of `type` to numbers of `to_type`; another element is taken
 * where it is `order` the one that was found. */
#define EM_ARG_OF(name, type, order, to_type)                                              \
  EM_KERNEL void name(const em_arg_max_params *p, const type *in, to_type *out)            \
  {                                                                                        \
    int8_t *to = (int8_t *)(void *)out; /* the arena is one of bytes */                    \
    for (int32_t row = 0; row < p->rows; ++row, in += p->count * p->inner) {               \
      for (int32_t i = 0; i < p->inner; ++i, to += sizeof(to_type)) {                      \
        to_type found = 0;                                                                 \
        for (int32_t j = 1; j < p->count; ++j) {                                           \
          if (in[j * p->inner + i] order in[(int32_t)found * p->inner + i]) found = j;     \
        }                                                                                  \
        memcpy(to, &found, sizeof found);                                                  \
      }                                                                                    \
    }                                                                                      \
  }

EM_ARG_OF(em_arg_max, int8_t, >, int32_t)
EM_ARG_OF(em_arg_min, int8_t, <, int32_t)
EM_ARG_OF(em_arg_max_wide, int8_t, >, int64_t)
EM_ARG_OF(em_arg_min_wide, int8_t, <, int64_t)
EM_ARG_OF(em_float_arg_max, float, >, int32_t)
EM_ARG_OF(em_float_arg_min, float, <, int32_t)
EM_ARG_OF(em_float_arg_max_wide, float, >, int64_t)
EM_ARG_OF(em_float_arg_min_wide, float, <, int64_t)

#endif
