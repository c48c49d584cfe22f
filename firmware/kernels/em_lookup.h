/* Any function of one int8 or uint8 element, as a table.
 *
  * in, out   int8 or uint8 [count]
 * table     of the output's type [256], its index the input element's byte
 * Elements are done in order: `out` may start at or before `in`.
 */
#ifndef EM_LOOKUP_H
#define EM_LOOKUP_H

#include "em_common.h"

typedef struct {
  int32_t count;
} em_lookup_params;

EM_KERNEL void em_lookup(const em_lookup_params *p, const int8_t *table, const int8_t *in,
                         int8_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = table[(uint8_t)in[i]];
}

EM_KERNEL void em_lookup_from_uint8(const em_lookup_params *p, const int8_t *table,
                                    const uint8_t *in, int8_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = table[in[i]];
}

EM_KERNEL void em_lookup_to_uint8(const em_lookup_params *p, const uint8_t *table, const int8_t *in,
                                  uint8_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = table[(uint8_t)in[i]];
}

#endif
