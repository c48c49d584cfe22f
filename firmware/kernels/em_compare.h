/* EQUAL, GREATER and the like, and LOGICAL_AND and LOGICAL_OR, of two tensors of which either may
 * be broadcast; LOGICAL_NOT.
 *
 * a, b   float, int32, int8 or conditions of one byte, walked with the given strides
 * out    one byte, 0 or 1: [axis_0][axis_1][axis_2][axis_3], in order
 * An element is written when its operands are read; the generator computes how `out` may lie over
 * `a` or `b`.
 */
#ifndef EM_COMPARE_H
#define EM_COMPARE_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  em_pair_axis axis_0;
  em_pair_axis axis_1;
  em_pair_axis axis_2;
  em_pair_axis axis_3;
  int32_t turned; /* 1 where a is the second operand */
} em_compare_params;

typedef struct {
  int32_t count;
} em_not_params;

/* The loops of a comparison: whether `first`, made of `x`, is `order` `second`, made of `y`. */
#define EM_COMPARE_LOOPS(type, first, order, second)                                               \
  {                                                                                                \
    for (int32_t i = 0; i < p->axis_0.count; ++i) {                                                \
      for (int32_t j = 0; j < p->axis_1.count; ++j) {                                              \
        for (int32_t k = 0; k < p->axis_2.count; ++k) {                                            \
          const type *x = a + i * p->axis_0.a + j * p->axis_1.a + k * p->axis_2.a;                 \
          const type *y = b + i * p->axis_0.b + j * p->axis_1.b + k * p->axis_2.b;                 \
          for (int32_t l = 0; l < p->axis_3.count; ++l, x += p->axis_3.a, y += p->axis_3.b) {      \
            *out++ = (uint8_t)((p->turned ? second order first : first order second) ? 1 : 0);     \
          }                                                                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

/* Defines the kernel NAME for elements of `type`: whether the first is `order` the second. */
#define EM_COMPARE_OF(name, type, order)                                                           \
  EM_KERNEL void name(const em_compare_params *p, const type *a, const type *b, uint8_t *out)      \
  EM_COMPARE_LOOPS(type, *x, order, *y)

/* The same for int8 by what each value is in a scale of both: tables of 256, of -128 first. */
#define EM_COMPARE_SCALED(name, order)                                                             \
  EM_KERNEL void name(const em_compare_params *p, const int32_t *a_values,                         \
                      const int32_t *b_values, const int8_t *a, const int8_t *b, uint8_t *out)     \
  EM_COMPARE_LOOPS(int8_t, a_values[*x + 128], order, b_values[*y + 128])

#define EM_COMPARISONS_OF(name, type)              \
  EM_COMPARE_OF(em_##name##_equal, type, ==)       \
  EM_COMPARE_OF(em_##name##_not_equal, type, !=)   \
  EM_COMPARE_OF(em_##name##_greater, type, >)      \
  EM_COMPARE_OF(em_##name##_greater_equal, type, >=) \
  EM_COMPARE_OF(em_##name##_less, type, <)         \
  EM_COMPARE_OF(em_##name##_less_equal, type, <=)

EM_COMPARISONS_OF(float32, float)
EM_COMPARISONS_OF(int32, int32_t)
EM_COMPARE_SCALED(em_int8_equal, ==)
EM_COMPARE_SCALED(em_int8_not_equal, !=)
EM_COMPARE_SCALED(em_int8_greater, >)
EM_COMPARE_SCALED(em_int8_greater_equal, >=)
EM_COMPARE_SCALED(em_int8_less, <)
EM_COMPARE_SCALED(em_int8_less_equal, <=)
EM_COMPARE_OF(em_logical_and, uint8_t, &)
EM_COMPARE_OF(em_logical_or, uint8_t, |)

EM_KERNEL void em_logical_not(const em_not_params *p, const uint8_t *in, uint8_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) out[i] = (uint8_t)(in[i] ? 0 : 1);
}

#endif
