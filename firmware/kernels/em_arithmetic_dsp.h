/* Products of elements for Cortex-M4, M7 and M33: four at a time, of which words are loaded and
 * spread to 16 bits. */
#ifndef EM_ARITHMETIC_DSP_H
#define EM_ARITHMETIC_DSP_H

#include "em_dsp.h"

#define EM_OWN_MUL !EM_SIZE

EM_INLINE int em_own_mul_suits(const em_arithmetic_params *p)
{
  return p->axis_3.a <= 1 && p->axis_3.b <= 1;
}

/* Four elements from `x` on, or one four times. */
EM_INLINE uint32_t em_four_of(const int8_t *x, int step)
{
  return step == 0 ? (uint8_t)*x * 0x01010101u : em_load_4(x);
}

EM_INLINE void em_mul_four(const em_arithmetic_params *p, uint32_t a, uint32_t b, int8_t *out)
{
  const uint32_t a_offset = em_pair(-p->a_zero_point, -p->a_zero_point);
  const uint32_t b_offset = em_pair(-p->b_zero_point, -p->b_zero_point);
  const uint32_t even = em_spread_even_plus(a_offset, a), odd = em_spread_odd_plus(a_offset, a);
  const uint32_t twice_even = em_twice(em_spread_even_plus(b_offset, b));
  const uint32_t twice_odd = em_twice(em_spread_odd_plus(b_offset, b));
  out[0] = em_finish_twice(em_lower_product(even, twice_even), p->multiplier, p->shift, &p->output);
  out[1] = em_finish_twice(em_lower_product(odd, twice_odd), p->multiplier, p->shift, &p->output);
  out[2] = em_finish_twice(em_upper_product(even, twice_even), p->multiplier, p->shift, &p->output);
  out[3] = em_finish_twice(em_upper_product(odd, twice_odd), p->multiplier, p->shift, &p->output);
}

/* MUL of the elements along axis_2 and axis_3; see em_arithmetic.h. */
EM_INLINE void em_own_mul(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  const int count = p->axis_3.count;
  for (int32_t k = 0; k < p->axis_2.count; ++k) {
    const int8_t *x = a + k * p->axis_2.a, *y = b + k * p->axis_2.b;
    for (int left = count / 4; left > 0; --left) {
      em_mul_four(p, em_four_of(x, p->axis_3.a), em_four_of(y, p->axis_3.b), out);
      x += 4 * p->axis_3.a;
      y += 4 * p->axis_3.b;
      out += 4;
    }
    for (int left = count % 4; left > 0; --left) {
      *out++ = em_finish((*x - p->a_zero_point) * (*y - p->b_zero_point), p->multiplier, p->shift,
                         &p->output, EM_ROUND_FAST);
      x += p->axis_3.a;
      y += p->axis_3.b;
    }
  }
}

#endif
