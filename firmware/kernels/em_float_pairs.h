/* ADD, SUB, MUL, DIV and other functions of two float32 elements, of two tensors of which either
 * may be broadcast.
 *
  * a, b   float, walked with the given strides
 * out    float [axis_0][axis_1][axis_2][axis_3], in order
 * An element is written when its operands are read; the generator computes how `out` may lie over
 * `a` or `b`.
 * POW calls the C library.
 */
#ifndef EM_FLOAT_PAIRS_H
#define EM_FLOAT_PAIRS_H

#include "em_axis.h"
#include "em_float_common.h"

typedef struct {
  em_pair_axis axis_0;
  em_pair_axis axis_1;
  em_pair_axis axis_2;
  em_pair_axis axis_3;
  int32_t turned; /* 1 where a is the second operand */
  float minimum;
  float maximum;
} em_float_pair_params;

typedef float em_float_function(float a, float b);

EM_INLINE void em_float_pairwise(const em_float_pair_params *p, const float *a, const float *b,
                                 float *out, em_float_function *function, const int limits)
{
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        const float *x = a + i * p->axis_0.a + j * p->axis_1.a + k * p->axis_2.a;
        const float *y = b + i * p->axis_0.b + j * p->axis_1.b + k * p->axis_2.b;
        for (int32_t l = 0; l < p->axis_3.count; ++l, x += p->axis_3.a, y += p->axis_3.b) {
          const float value = p->turned ? function(*y, *x) : function(*x, *y);
          *out++ = limits ? em_float_limited(value, p->minimum, p->maximum) : value;
        }
      }
    }
  }
}

/* Defines the kernel em_float_NAME, which makes each pair of elements `value` of `a` and `b`,
 * within limits or not. */
#define EM_FLOAT_OF_PAIR(name, limits, value)                                                      \
  EM_INLINE float em_float_##name##_of(float a, float b)                                           \
  {                                                                                                \
    return value;                                                                                  \
  }                                                                                                \
  EM_KERNEL void em_float_##name(const em_float_pair_params *p, const float *a, const float *b,    \
                                 float *out)                                                       \
  {                                                                                                \
    em_float_pairwise(p, a, b, out, em_float_##name##_of, limits);                                 \
  }

EM_INLINE float em_float_floor_remainder(float a, float b)
{
  const float rest = fmodf(a, b);
  return rest != 0.0f && (b < 0.0f) != (rest < 0.0f) ? rest + b : rest;
}

EM_FLOAT_OF_PAIR(add, 1, a + b)
EM_FLOAT_OF_PAIR(sub, 1, a - b)
EM_FLOAT_OF_PAIR(mul, 1, a *b)
EM_FLOAT_OF_PAIR(div, 1, a / b)
EM_FLOAT_OF_PAIR(maximum, 0, a > b ? a : b)
EM_FLOAT_OF_PAIR(minimum, 0, a < b ? a : b)
EM_FLOAT_OF_PAIR(squared_difference, 0, (a - b) * (a - b))
EM_FLOAT_OF_PAIR(prelu, 0, a >= 0.0f ? a : a *b)
EM_FLOAT_OF_PAIR(floor_div, 0, (float)floor((double)a / (double)b))
EM_FLOAT_OF_PAIR(floor_mod, 0, em_float_floor_remainder(a, b))
EM_FLOAT_OF_PAIR(pow, 0, powf(a, b))

#endif
