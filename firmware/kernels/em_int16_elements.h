/* ABS, RELU, RELU6 and LEAKY_RELU on int16, and QUANTIZE and DEQUANTIZE where one side is int16.
 * Zero points of int16 are 0, but for what SOFTMAX makes of int8, which QUANTIZE and DEQUANTIZE
 * take.
 *
 * Elements may be of different sizes on the two sides; see each function for how input and output
 * may overlap.
 */
#ifndef EM_INT16_ELEMENTS_H
#define EM_INT16_ELEMENTS_H

#include "em_common.h"
#include "em_quantise.h"

typedef struct {
  int32_t count;
  int32_t multiplier; /* of what is not negative, Q31 */
  int32_t negative_multiplier; /* of what is */
  int32_t minimum;
  int32_t maximum;
  int16_t exponent;
  int16_t negative_exponent;
  int16_t negative_sign; /* 1 or -1 */
  int16_t in_zero_point;
  int16_t out_zero_point;
} em_int16_scale_params;

EM_INLINE int32_t em_int16_scaled(const em_int16_scale_params *p, int32_t in)
{
  const int32_t value = in - p->in_zero_point;
  const int32_t scaled = value >= 0
      ? em_multiply_any(value, p->multiplier, p->exponent)
      : em_multiply_any(value, p->negative_multiplier, p->negative_exponent) * p->negative_sign;
  return em_clamp(scaled + p->out_zero_point, p->minimum, p->maximum);
}

/* Elements are done in order, each read before it is written: `out` may start at or before `in`. */
EM_KERNEL void em_int16_scale(const em_int16_scale_params *p, const int16_t *in, int16_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = (int16_t)em_int16_scaled(p, in[i]);
}

/* The same of magnitudes, which are scaled by `multiplier`. */
EM_KERNEL void em_int16_abs(const em_int16_scale_params *p, const int16_t *in, int16_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) {
    const int32_t value = in[i];
    out[i] = (int16_t)em_int16_scaled(p, value < 0 ? -value : value);
  }
}

/* The same as em_int16_scale. */
EM_KERNEL void em_int16_to_int8(const em_int16_scale_params *p, const int16_t *in, int8_t *out)
{
  const int8_t *from = (const int8_t *)(const void *)in; /* the output may lie over the input */
  for (int32_t i = 0; i < p->count; ++i, from += sizeof(int16_t)) {
    int16_t value;
    memcpy(&value, from, sizeof value);
    out[i] = (int8_t)em_int16_scaled(p, value);
  }
}

/* The same. */
EM_KERNEL void em_int16_from_int32(const em_int16_scale_params *p, const int32_t *in, int16_t *out)
{
  const int8_t *from = (const int8_t *)(const void *)in;
  for (int32_t i = 0; i < p->count; ++i, from += sizeof(int32_t)) {
    int32_t value;
    memcpy(&value, from, sizeof value);
    out[i] = (int16_t)em_int16_scaled(p, value);
  }
}

/* Elements are done from the last to the first: `out` may start at or after `in`. */
EM_KERNEL void em_int16_from_int8(const em_int16_scale_params *p, const int8_t *in, int16_t *out)
{
  int8_t *to = (int8_t *)(void *)out;
  for (int32_t i = p->count - 1; i >= 0; --i) {
    const int16_t value = (int16_t)em_int16_scaled(p, in[i]);
    memcpy(to + i * (int32_t)sizeof value, &value, sizeof value);
  }
}

/* The same. */
EM_KERNEL void em_int16_to_int32(const em_int16_scale_params *p, const int16_t *in, int32_t *out)
{
  const int8_t *from = (const int8_t *)(const void *)in;
  int8_t *to = (int8_t *)(void *)out;
  for (int32_t i = p->count - 1; i >= 0; --i) {
    int16_t value;
    int32_t scaled;
    memcpy(&value, from + i * (int32_t)sizeof value, sizeof value);
    scaled = em_int16_scaled(p, value);
    memcpy(to + i * (int32_t)sizeof scaled, &scaled, sizeof scaled);
  }
}

/* out = round(in / scale), halves away from zero, limited to int16; not a number becomes 0.
 * Elements are done in order: `out` may start at or before `in`.
 */
EM_KERNEL void em_int16_quantise(const em_quantise_params *p, const float *in, int16_t *out)
{
  const int8_t *from = (const int8_t *)(const void *)in;
  int8_t *to = (int8_t *)(void *)out;
  for (int32_t i = 0; i < p->count; ++i, from += sizeof(float), to += sizeof(int16_t)) {
    float value;
    int16_t whole;
    memcpy(&value, from, sizeof value);
    whole = (int16_t)em_clamp(em_nearest(value / p->scale, 65536.0f), -32768, 32767);
    memcpy(to, &whole, sizeof whole);
  }
}

/* out = scale * (in - zero_point). Elements are done from the last to the first: `out` may start at
 * or after `in`. */
EM_KERNEL void em_int16_dequantise(const em_quantise_params *p, const int16_t *in, float *out)
{
  const int8_t *from = (const int8_t *)(const void *)in;
  int8_t *to = (int8_t *)(void *)out;
  for (int32_t i = p->count - 1; i >= 0; --i) {
    int16_t whole;
    float value;
    memcpy(&whole, from + i * (int32_t)sizeof whole, sizeof whole);
    value = p->scale * (float)(whole - p->zero_point);
    memcpy(to + i * (int32_t)sizeof value, &value, sizeof value);
  }
}

#endif
