/* ADD, SUB, MUL and SQUARED_DIFFERENCE of two tensors, either of them broadcast.
 *
  * a, b   int8, walked with the given strides
 * out    int8 [axis_0][axis_1][axis_2][axis_3], in order
 * An element is written when its operands are read; the generator computes how `out` may lie over
 * `a` or `b`.
 *
 * ADD and SUB scale both operands to half the larger scale / 2^19. For `a`, the operand with the
 * larger scale, that is a factor of 2^19 exactly; the difference of signs is in the factors.
 * SQUARED_DIFFERENCE does so with 2^6 and squares it.
 */
#ifndef EM_ARITHMETIC_H
#define EM_ARITHMETIC_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  em_pair_axis axis_0;
  em_pair_axis axis_1;
  em_pair_axis axis_2;
  em_pair_axis axis_3;
  int32_t a_factor; /* ADD, SUB: 2^19 or its negative; SQUARED_DIFFERENCE: 2^6 or its negative */
  int32_t b_factor; /* not for MUL: a power of two before the multiplication, |b - b_zero_point| *
                     * b_factor < 2^30 */
  int32_t b_multiplier;
  int32_t multiplier; /* for the sum or product */
  int16_t a_zero_point;
  int16_t b_zero_point;
  int16_t b_shift;
  int16_t b_sign; /* 1 or -1 */
  int16_t shift;
  em_output output;
} em_arithmetic_params;

enum { EM_ADD, EM_MUL, EM_SQUARE };

EM_INLINE int32_t em_combine(const em_arithmetic_params *p, int32_t a, int32_t b, const int kind)
{
  int32_t sum;
  if (kind == EM_MUL) return a * b;
  sum =
      a * p->a_factor + em_requantise(b * p->b_factor, p->b_multiplier, 1, p->b_shift) * p->b_sign;
  return kind == EM_SQUARE ? sum * sum : sum;
}

/* A target's own body: EM_TARGET_ARITHMETIC names a header that defines EM_OWN_ADD as 1 and
 * void em_own_add(p, a, b, out, count): the sums of `count` elements side by side, with the usual
 * requantisation, none of them read after one behind it is written. And EM_OWN_MUL as 1, int
 * em_own_mul_suits(p) and void em_own_mul(p, a, b, out): the products of the elements along axis_2
 * and axis_3, the same way.
 */
#if defined(EM_TARGET_ARITHMETIC)
#include EM_TARGET_ARITHMETIC
#endif
#ifndef EM_OWN_ADD
#define EM_OWN_ADD 0
#endif
#ifndef EM_OWN_MUL
#define EM_OWN_MUL 0
#endif

EM_INLINE int em_side_by_side(const em_arithmetic_params *p)
{
  return p->axis_0.count == 1 && p->axis_1.count == 1 && p->axis_2.count == 1 && p->axis_3.a == 1 &&
      p->axis_3.b == 1;
}

EM_INLINE void em_arithmetic_body(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                                  int8_t *out, const int kind, const int rounding)
{
#if EM_OWN_ADD
  if (kind == EM_ADD && rounding == EM_ROUND_FAST && em_side_by_side(p)) {
    em_own_add(p, a, b, out, p->axis_3.count);
    return;
  }
#endif
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
#if EM_OWN_MUL
      if (kind == EM_MUL && rounding == EM_ROUND_FAST && em_own_mul_suits(p)) {
        em_own_mul(p, a + i * p->axis_0.a + j * p->axis_1.a, b + i * p->axis_0.b + j * p->axis_1.b,
                   out);
        out += p->axis_2.count * p->axis_3.count;
        continue;
      }
#endif
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        const int8_t *x = a + i * p->axis_0.a + j * p->axis_1.a + k * p->axis_2.a;
        const int8_t *y = b + i * p->axis_0.b + j * p->axis_1.b + k * p->axis_2.b;
#if EM_OWN_ADD
        if (kind == EM_ADD && rounding == EM_ROUND_FAST && p->axis_3.a == 1 && p->axis_3.b == 1) {
          em_own_add(p, x, y, out, p->axis_3.count);
          out += p->axis_3.count;
          continue;
        }
#endif
        for (int32_t l = 0; l < p->axis_3.count; ++l, x += p->axis_3.a, y += p->axis_3.b) {
          const int32_t value = em_combine(p, *x - p->a_zero_point, *y - p->b_zero_point, kind);
          *out++ = em_finish(value, p->multiplier, p->shift, &p->output, rounding);
        }
      }
    }
  }
}

EM_KERNEL void em_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_ADD, EM_ROUND_FAST);
}

EM_KERNEL void em_add_any(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_ADD, EM_ROUND_ANY);
}

/* The same for a constant b, which comes first. */
EM_KERNEL void em_add_constant(const em_arithmetic_params *p, const int8_t *b, const int8_t *a,
                               int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_ADD, EM_ROUND_FAST);
}

EM_KERNEL void em_add_constant_any(const em_arithmetic_params *p, const int8_t *b, const int8_t *a,
                                   int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_ADD, EM_ROUND_ANY);
}

EM_KERNEL void em_mul(const em_arithmetic_params *p, const int8_t *a, const int8_t *b, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_MUL, EM_ROUND_FAST);
}

EM_KERNEL void em_mul_any(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_MUL, EM_ROUND_ANY);
}

EM_KERNEL void em_squared_difference(const em_arithmetic_params *p, const int8_t *a,
                                     const int8_t *b, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_SQUARE, EM_ROUND_FAST);
}

EM_KERNEL void em_squared_difference_any(const em_arithmetic_params *p, const int8_t *a,
                                         const int8_t *b, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_SQUARE, EM_ROUND_ANY);
}

EM_KERNEL void em_squared_difference_constant(const em_arithmetic_params *p, const int8_t *b,
                                              const int8_t *a, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_SQUARE, EM_ROUND_FAST);
}

EM_KERNEL void em_squared_difference_constant_any(const em_arithmetic_params *p, const int8_t *b,
                                                  const int8_t *a, int8_t *out)
{
  em_arithmetic_body(p, a, b, out, EM_SQUARE, EM_ROUND_ANY);
}

#endif
