/* Fixed-point functions in gemmlowp's arithmetic: products of Q31 numbers, exp and reciprocal. */
#ifndef EM_FIXEDPOINT_H
#define EM_FIXEDPOINT_H

#include "em_common.h"

/* round(a * b / 2^31), ties up. */
EM_INLINE int32_t em_product(int32_t a, int32_t b)
{
  return (int32_t)(((int64_t)a * b + 1073741824) >> 31);
}

/* The same for |a| < 2^30 and 0 <= b. */
EM_INLINE int32_t em_high_product(int32_t a, int32_t b)
{
  if (EM_DSP) return em_multiply_high(0, a * 2, b);
  return (int32_t)(((int64_t)(a * 2) * b + 2147483648) >> 32);
}

/* round(a * b / 2^31), ties up, for a, b < 2^31: of a >= 2^30 the double is 2^32 above what int32
 * makes of it. */
EM_INLINE uint32_t em_high_product_unsigned(uint32_t a, uint32_t b)
{
  if (EM_DSP) {
    return (uint32_t)em_multiply_high(a >> 30 != 0 ? (int32_t)b : 0, (int32_t)(a * 2), (int32_t)b);
  }
  return (uint32_t)(((uint64_t)(a * 2) * b + 2147483648u) >> 32);
}

/* exp(-n / 2^26) in Q31, for n < 2^31: a polynomial for the part below 1/4, then one factor for
 * each higher bit. */
EM_KERNEL uint32_t em_exp(uint32_t n)
{
  static const uint32_t powers[7] = {/* exp(-2^k) for k = -2 .. 4 */
                                     1672461947u, 1302514674u, 790015084u, 290630308u,
                                     39332535u,   720401u,     242u};
  const uint32_t part = ((n - 1) & 0xffffff) + 1; /* in (0, 1/4] */
  const int32_t x = 268435456 - (int32_t)(part << 5);
  const int32_t size = x < 0 ? -x : x;
  const int32_t x2 = em_high_product(size, size);
  const int32_t x3 = em_high_product(x, x2);
  const int32_t x4 = em_high_product(x2, x2);
  const int32_t sum = em_high_product(((x4 + 2) >> 2) + x3, 715827883) + x2; /* never negative */
  uint32_t result = (uint32_t)(1895147668 + em_high_product(x + ((sum + 1) >> 1), 1895147668));
  if (n == 0) return 2147483647;
  n = (n - part) >> 24;
  for (int k = 0; n != 0; ++k, n >>= 1) {
    if (n & 1) result = em_high_product_unsigned(result, powers[k]);
  }
  return result;
}

/* 2^61 / value in Q31, below 1, for value >= 2^31: three steps of Newton and Raphson. */
EM_INLINE uint32_t em_reciprocal(uint32_t value)
{
  const uint32_t half = value >> 1;
  /* 48/17 - 32/17 half, Q29 */
  int32_t x = 1515870810 + em_high_product(-1010580540, (int32_t)half);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = 536870912 - (int32_t)em_high_product_unsigned(half, (uint32_t)x);
    x += em_high_product(error, x) * 4; /* x stays positive */
  }
  return x >= 1073741824 ? 2147483647 : (uint32_t)x * 2;
}

#endif
