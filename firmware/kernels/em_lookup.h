/* Any function of one int8 element, as a table.
 *
 * in, out   int8 [count]              table   int8 [256], its index the element's two's complement byte
 * Elements are done in order: `out` may start at or before `in`.
 */
#ifndef EM_LOOKUP_H
#define EM_LOOKUP_H

#include "em_common.h"

typedef struct {
  int32_t count;
} em_lookup_params;

EM_KERNEL void em_lookup(const em_lookup_params *p, const int8_t *table, const int8_t *in, int8_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = table[(uint8_t)in[i]];
}

#endif
