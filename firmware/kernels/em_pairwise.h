/* MAXIMUM, MINIMUM and PRELU: functions of two elements, of two tensors of which either may be
 * broadcast.
 *
  * a, b   int8, walked with the given strides
 * out    int8 [axis_0][axis_1][axis_2][axis_3], in order
 * An element is written when its operands are read; the generator computes how `out` may lie over
 * `a` or `b`.
 * For PRELU `a` are the slopes; the larger and the smaller need no more than the axes.
 */
#ifndef EM_PAIRWISE_H
#define EM_PAIRWISE_H

#include "em_axis.h"
#include "em_dsp.h"

typedef struct {
  em_pair_axis axis_0;
  em_pair_axis axis_1;
  em_pair_axis axis_2;
  em_pair_axis axis_3;
  int32_t multiplier; /* of what is not negative */
  int32_t slope_multiplier;
  int16_t a_zero_point;
  int16_t b_zero_point;
  int16_t shift;
  int16_t slope_shift;
  em_output output;
} em_pairwise_params;

enum { EM_LARGER, EM_SMALLER, EM_SLOPE };

EM_INLINE int8_t em_of_pair(const em_pairwise_params *p, int8_t a, int8_t b, const int kind,
                            const int rounding)
{
  const int32_t value = b - p->b_zero_point;
  if (kind == EM_LARGER) return a > b ? a : b;
  if (kind == EM_SMALLER) return a < b ? a : b;
  if (value >= 0) return em_finish(value, p->multiplier, p->shift, &p->output, rounding);
  return em_finish(value * (a - p->a_zero_point), p->slope_multiplier, p->slope_shift, &p->output,
                   rounding);
}

/* Where compilers make vectors of the loop over elements, words are slower. */
#if defined(__ARM_FEATURE_MVE) || defined(__SSE2__) || defined(__ARM_NEON) || \
    defined(__wasm_simd128__)
#define EM_PAIRS_IN_WORDS 0
#else
#define EM_PAIRS_IN_WORDS (!EM_SIZE)
#endif

/* Does as many whole words as `count` elements have, where all are aligned; returns how many
 * elements that were. */
EM_INLINE int32_t em_pairs_in_words(const int8_t *x, const int8_t *y, int8_t *out, int32_t count,
                                    const int kind)
{
  if ((((uintptr_t)x | (uintptr_t)y | (uintptr_t)out) & 3u) != 0) return 0;
  const int32_t whole = count & ~3;
  for (int32_t i = 0; i < whole; i += 4) {
    const uint32_t a = em_load_4((const int8_t *)EM_ALIGNED(x + i, 4));
    const uint32_t b = em_load_4((const int8_t *)EM_ALIGNED(y + i, 4));
    em_store_4(out + i, kind == EM_LARGER ? em_larger_bytes(a, b) : em_smaller_bytes(a, b));
  }
  return whole;
}

EM_INLINE void em_pairwise(const em_pairwise_params *p, const int8_t *a, const int8_t *b,
                           int8_t *out, const int kind, const int rounding)
{
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        const int8_t *x = a + i * p->axis_0.a + j * p->axis_1.a + k * p->axis_2.a;
        const int8_t *y = b + i * p->axis_0.b + j * p->axis_1.b + k * p->axis_2.b;
        int32_t l = 0;
        if (EM_PAIRS_IN_WORDS && kind != EM_SLOPE && p->axis_3.a == 1 && p->axis_3.b == 1) {
          l = em_pairs_in_words(x, y, out, p->axis_3.count, kind);
          x += l, y += l, out += l;
        }
        for (; l < p->axis_3.count; ++l, x += p->axis_3.a, y += p->axis_3.b) {
          *out++ = em_of_pair(p, *x, *y, kind, rounding);
        }
      }
    }
  }
}

EM_KERNEL void em_maximum(const em_pairwise_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  em_pairwise(p, a, b, out, EM_LARGER, EM_ROUND_FAST);
}

EM_KERNEL void em_minimum(const em_pairwise_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  em_pairwise(p, a, b, out, EM_SMALLER, EM_ROUND_FAST);
}

EM_KERNEL void em_prelu(const em_pairwise_params *p, const int8_t *a, const int8_t *b, int8_t *out)
{
  em_pairwise(p, a, b, out, EM_SLOPE, EM_ROUND_FAST);
}

EM_KERNEL void em_prelu_any(const em_pairwise_params *p, const int8_t *a, const int8_t *b,
                            int8_t *out)
{
  em_pairwise(p, a, b, out, EM_SLOPE, EM_ROUND_ANY);
}

#endif
