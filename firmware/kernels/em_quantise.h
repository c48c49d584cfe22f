/* QUANTIZE and DEQUANTIZE between float32 and int8, at the ends of a network with float input or
 * output.
 *
 * Elements are of different sizes on the two sides; see each function for how input and output may
 * overlap.
 */
#ifndef EM_QUANTISE_H
#define EM_QUANTISE_H

#include "em_common.h"

typedef struct {
  int32_t count;
  float scale;
  int16_t zero_point;
} em_quantise_params;

/* Returns round(value), halves away from zero, within -limit..limit; of what is no number, 0. */
EM_INLINE int32_t em_nearest(float value, float limit)
{
  int32_t whole;
  value = value > limit ? limit : value < -limit ? -limit : value == value ? value : 0.0f;
  whole = (int32_t)value; /* towards zero */
  value -= (float)whole;  /* exact */
  return whole + (value >= 0.5f ? 1 : 0) - (value <= -0.5f ? 1 : 0);
}

/* out = zero_point + round(in / scale), halves away from zero, limited to int8; not a number
 * becomes the zero point. Elements are done in order, each read before it is written: `out` may
 * start at or before `in`.
 */
EM_KERNEL void em_quantise(const em_quantise_params *p, const float *in, int8_t *out)
{
  const int8_t *from = (const int8_t *)(const void *)in; /* the output may lie over the input */
  for (int32_t i = 0; i < p->count; ++i, from += sizeof(float)) {
    float value;
    memcpy(&value, from, sizeof value);
    out[i] = (int8_t)em_clamp(em_nearest(value / p->scale, 512.0f) + p->zero_point, -128, 127);
  }
}

/* out = scale * (in - zero_point). Elements are done from the last to the first: `out` may start at
 * or after `in` - 3. */
EM_KERNEL void em_dequantise(const em_quantise_params *p, const int8_t *in, float *out)
{
  int8_t *to = (int8_t *)(void *)out;
  for (int32_t i = p->count - 1; i >= 0; --i) {
    const float value = p->scale * (float)(in[i] - p->zero_point);
    memcpy(to + i * (int32_t)sizeof value, &value, sizeof value);
  }
}

#endif
