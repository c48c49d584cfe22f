/* ARG_MAX and ARG_MIN along one axis; of several elements the first.
 *
 * in   int8 or float [rows][count][inner]   out   int32 [rows][inner]
 */
#ifndef EM_ARG_MAX_H
#define EM_ARG_MAX_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t count;
  int32_t inner;
} em_arg_max_params;

/* Defines the kernel NAME for elements of `type`; another one is taken where it is `order` the one that was found. */
#define EM_ARG_OF(name, type, order)                                                       \
  EM_KERNEL void name(const em_arg_max_params *p, const type *in, int32_t *out)            \
  {                                                                                        \
    int8_t *to = (int8_t *)(void *)out; /* the arena is one of bytes */                    \
    for (int32_t row = 0; row < p->rows; ++row, in += p->count * p->inner) {               \
      for (int32_t i = 0; i < p->inner; ++i, to += sizeof(int32_t)) {                      \
        int32_t found = 0;                                                                 \
        for (int32_t j = 1; j < p->count; ++j) {                                           \
          if (in[j * p->inner + i] order in[found * p->inner + i]) found = j;              \
        }                                                                                  \
        memcpy(to, &found, sizeof found);                                                  \
      }                                                                                    \
    }                                                                                      \
  }

EM_ARG_OF(em_arg_max, int8_t, >)
EM_ARG_OF(em_arg_min, int8_t, <)
EM_ARG_OF(em_float_arg_max, float, >)
EM_ARG_OF(em_float_arg_min, float, <)

#endif
