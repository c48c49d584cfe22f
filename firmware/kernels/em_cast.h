/* CAST among float32, int32, int8 and bool, which is a byte of 0 or 1.
 *
 * in, out   [count]; elements are done in order
 * Fractions are cut off; what an integer does not hold becomes its nearest, and what is no number
 * 0.
 */
#ifndef EM_CAST_H
#define EM_CAST_H

#include "em_common.h"

typedef struct {
  int32_t count;
} em_cast_params;

EM_INLINE int32_t em_cast_whole(float x, float lowest, float beyond, int32_t highest)
{
  if (x >= beyond) return highest;
  return x > lowest ? (int32_t)x : x <= lowest ? (int32_t)lowest : 0;
}

/* Defines the kernel em_cast_FROM_to_TO. */
#define EM_CAST_OF(from, from_type, to, to_type, value)                                            \
  EM_KERNEL void em_cast_##from##_to_##to(const em_cast_params *p, const from_type *in,            \
                                          to_type *out)                                            \
  {                                                                                                \
    for (int32_t i = 0; i < p->count; ++i) {                                                       \
      const from_type x = in[i];                                                                   \
      out[i] = (to_type)(value);                                                                   \
    }                                                                                              \
  }

#define EM_CAST_FROM(from, from_type)                             \
  EM_CAST_OF(from, from_type, float32, float, x)                  \
  EM_CAST_OF(from, from_type, bool, uint8_t, x != 0)

EM_CAST_FROM(int8, int8_t)
EM_CAST_FROM(int32, int32_t)
EM_CAST_FROM(bool, uint8_t)
EM_CAST_FROM(float32, float)
EM_CAST_OF(int8, int8_t, int8, int8_t, x)
EM_CAST_OF(int8, int8_t, int32, int32_t, x)
EM_CAST_OF(int32, int32_t, int8, int8_t, x)
EM_CAST_OF(int32, int32_t, int32, int32_t, x)
EM_CAST_OF(bool, uint8_t, int8, int8_t, x != 0)
EM_CAST_OF(bool, uint8_t, int32, int32_t, x != 0)
EM_CAST_OF(float32, float, int8, int8_t, em_cast_whole(x, -128.0f, 128.0f, 127))
EM_CAST_OF(float32, float, int32, int32_t,
           em_cast_whole(x, -2147483648.0f, 2147483648.0f, 2147483647))

#endif
