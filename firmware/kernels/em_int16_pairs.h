/* ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM and MINIMUM of two int16 tensors, either of them
 * broadcast.
 *
  * a, b   int16, walked with the given strides
 * out    int16 [axis_0][axis_1][axis_2][axis_3], in order
 * An element is written when its operands are read; the generator computes how `out` may lie over
 * `a` or `b`.
 *
 * ADD and SUB scale both operands to half the larger scale / 2^14, and their sum to the output's
 * scale: with a sign each, they are one kernel. SQUARED_DIFFERENCE scales its operands to twice the
 * larger scale: their difference has 16 bits, and its square fits.
 */
#ifndef EM_INT16_PAIRS_H
#define EM_INT16_PAIRS_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  em_pair_axis axis_0;
  em_pair_axis axis_1;
  em_pair_axis axis_2;
  em_pair_axis axis_3;
  int32_t a_multiplier; /* Q31, at most one half; of sums and differences alone, as the other
                         * multiplier of an operand */
  int32_t b_multiplier;
  int32_t multiplier; /* of the sum or product; the larger and the smaller need no more than the
                       * axes */
  int16_t a_exponent;
  int16_t b_exponent;
  int16_t exponent;
  int16_t a_sign; /* 1 or -1 */
  int16_t b_sign;
  int16_t minimum;
  int16_t maximum;
} em_int16_pair_params;

enum { EM_INT16_SUM, EM_INT16_PRODUCT, EM_INT16_SQUARE, EM_INT16_LARGER, EM_INT16_SMALLER };

EM_INLINE int16_t em_int16_of_pair(const em_int16_pair_params *p, int32_t a, int32_t b,
                                   const int kind)
{
  int32_t value = a * b;
  if (kind == EM_INT16_LARGER) return (int16_t)(a > b ? a : b);
  if (kind == EM_INT16_SMALLER) return (int16_t)(a < b ? a : b);
  if (kind == EM_INT16_SUM) {
    value = em_multiply_any(a * 32768, p->a_multiplier, p->a_exponent) * p->a_sign +
        em_multiply_any(b * 32768, p->b_multiplier, p->b_exponent) * p->b_sign;
  }
  if (kind == EM_INT16_SQUARE) {
    const int32_t apart = em_multiply_any(a, p->a_multiplier, p->a_exponent) -
        em_multiply_any(b, p->b_multiplier, p->b_exponent);
    value = apart * apart;
  }
  return (int16_t)em_clamp(em_multiply_any(value, p->multiplier, p->exponent), p->minimum,
                           p->maximum);
}

EM_INLINE void em_int16_pairs(const em_int16_pair_params *p, const int16_t *a, const int16_t *b,
                              int16_t *out, const int kind)
{
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        const int16_t *x = a + i * p->axis_0.a + j * p->axis_1.a + k * p->axis_2.a;
        const int16_t *y = b + i * p->axis_0.b + j * p->axis_1.b + k * p->axis_2.b;
        for (int32_t l = 0; l < p->axis_3.count; ++l, x += p->axis_3.a, y += p->axis_3.b) {
          *out++ = em_int16_of_pair(p, *x, *y, kind);
        }
      }
    }
  }
}

EM_KERNEL void em_int16_add(const em_int16_pair_params *p, const int16_t *a, const int16_t *b,
                            int16_t *out)
{
  em_int16_pairs(p, a, b, out, EM_INT16_SUM);
}

EM_KERNEL void em_int16_mul(const em_int16_pair_params *p, const int16_t *a, const int16_t *b,
                            int16_t *out)
{
  em_int16_pairs(p, a, b, out, EM_INT16_PRODUCT);
}

EM_KERNEL void em_int16_squared_difference(const em_int16_pair_params *p, const int16_t *a,
                                           const int16_t *b, int16_t *out)
{
  em_int16_pairs(p, a, b, out, EM_INT16_SQUARE);
}

EM_KERNEL void em_int16_maximum(const em_int16_pair_params *p, const int16_t *a, const int16_t *b,
                                int16_t *out)
{
  em_int16_pairs(p, a, b, out, EM_INT16_LARGER);
}

EM_KERNEL void em_int16_minimum(const em_int16_pair_params *p, const int16_t *a, const int16_t *b,
                                int16_t *out)
{
  em_int16_pairs(p, a, b, out, EM_INT16_SMALLER);
}

#endif
