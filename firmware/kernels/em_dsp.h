/* The DSP instructions of Cortex-M4, M7, M33 and M55 that kernels use: 16-bit numbers two to a
 * word, and bytes.
 *
 * Elsewhere they are written out in C, so that every machine can check what these bodies compute.
 */
#ifndef EM_DSP_H
#define EM_DSP_H

#include "em_common.h"

#if EM_DSP
/* Bytes 0 and 2, each sign-extended to 16 bits. */
EM_INLINE uint32_t em_spread_even(uint32_t word)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
  return result;
}

/* Bytes 1 and 3. */
EM_INLINE uint32_t em_spread_odd(uint32_t word)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
  return result;
}

/* Both added to those of `start`. */
EM_INLINE uint32_t em_spread_even_plus(uint32_t start, uint32_t word)
{
  uint32_t result;
  __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(start), "r"(word));
  return result;
}

EM_INLINE uint32_t em_spread_odd_plus(uint32_t start, uint32_t word)
{
  uint32_t result;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(start), "r"(word));
  return result;
}

/* Both numbers times two. */
EM_INLINE uint32_t em_twice(uint32_t pair)
{
  uint32_t result;
  __asm__("sadd16 %0, %1, %1" : "=r"(result) : "r"(pair));
  return result;
}

/* The product of the lower 16 bits, and of the upper ones. */
EM_INLINE int32_t em_lower_product(uint32_t x, uint32_t y)
{
  int32_t result;
  __asm__("smulbb %0, %1, %2" : "=r"(result) : "r"(x), "r"(y));
  return result;
}

EM_INLINE int32_t em_upper_product(uint32_t x, uint32_t y)
{
  int32_t result;
  __asm__("smultt %0, %1, %2" : "=r"(result) : "r"(x), "r"(y));
  return result;
}

/* 16 bits each, `low` in the lower half. */
EM_INLINE uint32_t em_pair(int32_t low, int32_t high)
{
  uint32_t result;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(low), "r"(high));
  return result;
}

/* sum + the products of the lower and of the upper 16 bits. */
EM_INLINE uint32_t em_multiply_pairs(uint32_t sum, uint32_t x, uint32_t y)
{
  uint32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(sum));
  return result;
}

/* sum + the product of the lower 16 bits. */
EM_INLINE uint32_t em_multiply_lower(uint32_t sum, uint32_t x, uint32_t y)
{
  uint32_t result;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(sum));
  return result;
}

/* sum + the product of the upper 16 bits of x and the lower ones of y. */
EM_INLINE uint32_t em_multiply_upper(uint32_t sum, uint32_t x, uint32_t y)
{
  uint32_t result;
  __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(sum));
  return result;
}

/* sum + the product of the upper 16 bits of both. */
EM_INLINE uint32_t em_multiply_uppers(uint32_t sum, uint32_t x, uint32_t y)
{
  uint32_t result;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(sum));
  return result;
}

/* The larger one of each two signed bytes. */
EM_INLINE uint32_t em_larger_bytes(uint32_t a, uint32_t b)
{
  uint32_t difference;
  __asm__("ssub8 %1, %0, %2\n\tsel %0, %0, %2" : "+&r"(a), "=&r"(difference) : "r"(b) : "cc");
  return a;
}

EM_INLINE uint32_t em_smaller_bytes(uint32_t a, uint32_t b)
{
  uint32_t difference;
  __asm__("ssub8 %1, %0, %2\n\tsel %0, %2, %0" : "+&r"(a), "=&r"(difference) : "r"(b) : "cc");
  return a;
}
#else
EM_INLINE uint32_t em_spread_even(uint32_t word)
{
  return (uint32_t)(uint16_t)(int8_t)(uint8_t)word | (uint32_t)(int8_t)(uint8_t)(word >> 16) << 16;
}

EM_INLINE uint32_t em_spread_odd(uint32_t word)
{
  return em_spread_even(word >> 8);
}

EM_INLINE uint32_t em_pair(int32_t low, int32_t high)
{
  return (uint32_t)(uint16_t)low | (uint32_t)high << 16;
}

EM_INLINE uint32_t em_multiply_lower(uint32_t sum, uint32_t x, uint32_t y)
{
  return sum + (uint32_t)((int16_t)(uint16_t)x * (int16_t)(uint16_t)y);
}

EM_INLINE uint32_t em_multiply_upper(uint32_t sum, uint32_t x, uint32_t y)
{
  return em_multiply_lower(sum, x >> 16, y);
}

EM_INLINE uint32_t em_multiply_uppers(uint32_t sum, uint32_t x, uint32_t y)
{
  return em_multiply_upper(sum, x, y >> 16);
}

EM_INLINE uint32_t em_multiply_pairs(uint32_t sum, uint32_t x, uint32_t y)
{
  return em_multiply_uppers(em_multiply_lower(sum, x, y), x, y);
}

EM_INLINE uint32_t em_pairs_sum(uint32_t x, uint32_t y)
{
  return ((x + y) & 65535) | (((x >> 16) + (y >> 16)) << 16);
}

EM_INLINE uint32_t em_spread_even_plus(uint32_t start, uint32_t word)
{
  return em_pairs_sum(start, em_spread_even(word));
}

EM_INLINE uint32_t em_spread_odd_plus(uint32_t start, uint32_t word)
{
  return em_pairs_sum(start, em_spread_odd(word));
}

EM_INLINE uint32_t em_twice(uint32_t pair)
{
  return em_pairs_sum(pair, pair);
}

EM_INLINE int32_t em_lower_product(uint32_t x, uint32_t y)
{
  return (int32_t)em_multiply_lower(0, x, y);
}

EM_INLINE int32_t em_upper_product(uint32_t x, uint32_t y)
{
  return (int32_t)em_multiply_uppers(0, x, y);
}

/* All bits of those bytes of `a` that are not below those of `b`, where bits differ. */
EM_INLINE uint32_t em_differing_above(uint32_t a, uint32_t b)
{
  const uint32_t signs = 0x80808080u, differing = a ^ b;
  const uint32_t rest = (a | signs) - (b & ~signs); /* a sign: without it a is not below b */
  const uint32_t above = ((b & ~a) | (rest & ~differing)) & signs;
  return differing & ((above << 1) - (above >> 7));
}

EM_INLINE uint32_t em_larger_bytes(uint32_t a, uint32_t b)
{
  return b ^ em_differing_above(a, b);
}

EM_INLINE uint32_t em_smaller_bytes(uint32_t a, uint32_t b)
{
  return a ^ em_differing_above(a, b);
}
#endif

EM_INLINE uint32_t em_load_4(const int8_t *from)
{
  uint32_t word;
  EM_COPY(&word, from, sizeof word);
  return word;
}

/* `to` is a multiple of 4. */
EM_INLINE void em_store_4(int8_t *to, uint32_t word)
{
  EM_COPY((int8_t *)EM_ALIGNED(to, 4), &word, sizeof word);
}

#endif
