/* BATCH_MATMUL of int16, whose zero points are 0.
 *
 * a, b   int16 matrices, walked with the given strides
 * out    int16 [batch_0][batch_1][batch_2][rows][columns]
 * Sums have 64 bits; the generator has proved that they are below 2^47, and that results fit 32.
 */
#ifndef EM_INT16_BATCH_MATMUL_H
#define EM_INT16_BATCH_MATMUL_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  em_pair_axis batch_0;
  em_pair_axis batch_1;
  em_pair_axis batch_2;
  int32_t rows;
  int32_t columns;
  int32_t depth;
  int32_t a_outer_step; /* from a row to the next, in elements */
  int32_t a_inner_step; /* along a row */
  int32_t b_outer_step; /* from a column to the next */
  int32_t b_inner_step; /* along a column */
  int16_t factor; /* 15 bits, see em_multiply_short */
  int16_t shift;
} em_int16_batch_matmul_params;

/* One product of matrices; returns the end of what it wrote. */
EM_INLINE int16_t *em_int16_matmul(const em_int16_batch_matmul_params *p, const int16_t *a,
                                   const int16_t *b, int16_t *out)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t column = 0; column < p->columns; ++column) {
      const int16_t *x = a + row * p->a_outer_step, *y = b + column * p->b_outer_step;
      int64_t sum = 0;
      for (int32_t i = 0; i < p->depth; ++i, x += p->a_inner_step, y += p->b_inner_step) {
        sum += (int32_t)*x * *y;
      }
      *out++ = (int16_t)em_clamp(em_multiply_short(sum, p->factor, p->shift), -32768, 32767);
    }
  }
  return out;
}

EM_KERNEL void em_int16_batch_matmul(const em_int16_batch_matmul_params *p, const int16_t *a,
                                     const int16_t *b, int16_t *out)
{
  for (int32_t i = 0; i < p->batch_0.count; ++i) {
    for (int32_t j = 0; j < p->batch_1.count; ++j) {
      for (int32_t k = 0; k < p->batch_2.count; ++k) {
        const int16_t *x = a + i * p->batch_0.a + j * p->batch_1.a + k * p->batch_2.a;
        const int16_t *y = b + i * p->batch_0.b + j * p->batch_1.b + k * p->batch_2.b;
        out = em_int16_matmul(p, x, y, out);
      }
    }
  }
}

/* The same for a constant b, which comes first. */
EM_KERNEL void em_int16_batch_matmul_constant(const em_int16_batch_matmul_params *p,
                                              const int16_t *b, const int16_t *a, int16_t *out)
{
  em_int16_batch_matmul(p, a, b, out);
}

#endif
