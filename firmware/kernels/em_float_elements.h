/* Functions of one float32 element.
 *
 * in, out   float [count]; elements are done in order, so that `out` may be `in`
 * EXP, LOG, SIN, COS, TANH, LOGISTIC and ELU call the C library. FLOOR, CEIL, SQRT and RSQRT do so
 * where the core has no instruction; those are exact.
 */
#ifndef EM_FLOAT_ELEMENTS_H
#define EM_FLOAT_ELEMENTS_H

#include "em_float_common.h"

typedef struct {
  int32_t count;
} em_float_elements_params;

typedef struct {
  int32_t count;
  float minimum;
  float maximum;
} em_float_clamp_params;

typedef struct {
  int32_t count;
  float slope;
} em_float_slope_params;

/* The nearest integer, halves to even. */
EM_INLINE float em_float_rounded(float x)
{
  const float below = floorf(x), rest = x - below;
  return rest < 0.5f || (rest == 0.5f && fmodf(below, 2.0f) == 0.0f) ? below : below + 1.0f;
}

/* Defines the kernel em_float_NAME, which makes each element `value` of `x`. */
#define EM_FLOAT_OF_ELEMENT(name, value)                                                           \
  EM_KERNEL void em_float_##name(const em_float_elements_params *p, const float *in, float *out)   \
  {                                                                                                \
    for (int32_t i = 0; i < p->count; ++i) {                                                       \
      const float x = in[i];                                                                       \
      out[i] = value;                                                                              \
    }                                                                                              \
  }

EM_FLOAT_OF_ELEMENT(abs, fabsf(x))
EM_FLOAT_OF_ELEMENT(neg, -x)
EM_FLOAT_OF_ELEMENT(square, x *x)
EM_FLOAT_OF_ELEMENT(sqrt, sqrtf(x))
EM_FLOAT_OF_ELEMENT(rsqrt, 1.0f / sqrtf(x))
EM_FLOAT_OF_ELEMENT(floor, floorf(x))
EM_FLOAT_OF_ELEMENT(ceil, ceilf(x))
EM_FLOAT_OF_ELEMENT(round, em_float_rounded(x))
EM_FLOAT_OF_ELEMENT(hard_swish, x *em_float_limited(x + 3.0f, 0.0f, 6.0f) / 6.0f)
EM_FLOAT_OF_ELEMENT(exp, expf(x))
EM_FLOAT_OF_ELEMENT(log, logf(x))
EM_FLOAT_OF_ELEMENT(sin, sinf(x))
EM_FLOAT_OF_ELEMENT(cos, cosf(x))
EM_FLOAT_OF_ELEMENT(tanh, tanhf(x))
EM_FLOAT_OF_ELEMENT(logistic, em_float_sigmoid(x))
EM_FLOAT_OF_ELEMENT(elu, x < 0.0f ? expm1f(x) : x)

/* RELU and its like. */
EM_KERNEL void em_float_clamp(const em_float_clamp_params *p, const float *in, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = em_float_limited(in[i], p->minimum, p->maximum);
}

EM_KERNEL void em_float_leaky_relu(const em_float_slope_params *p, const float *in, float *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = in[i] > 0.0f ? in[i] : in[i] * p->slope;
}

#endif
