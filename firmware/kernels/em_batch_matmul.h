/* BATCH_MATMUL.
 *
  * a, b   int8 matrices, walked with the given strides
 * out    int8 [batch_0][batch_1][batch_2][rows][columns]
 */
#ifndef EM_BATCH_MATMUL_H
#define EM_BATCH_MATMUL_H

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
  int32_t multiplier;
  int16_t a_zero_point;
  int16_t b_zero_point;
  int16_t shift;
  em_output output;
} em_batch_matmul_params;

/* One product of matrices; returns the end of what it wrote. */
EM_INLINE int8_t *em_matmul(const em_batch_matmul_params *p, const int8_t *a, const int8_t *b,
                            int8_t *out, const int rounding)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t column = 0; column < p->columns; ++column) {
      const int8_t *x = a + row * p->a_outer_step, *y = b + column * p->b_outer_step;
      int32_t sum = 0;
      for (int32_t i = 0; i < p->depth; ++i, x += p->a_inner_step, y += p->b_inner_step) {
        sum += (*x - p->a_zero_point) * (*y - p->b_zero_point);
      }
      *out++ = em_finish(sum, p->multiplier, p->shift, &p->output, rounding);
    }
  }
  return out;
}

EM_INLINE void em_batch_matmul_body(const em_batch_matmul_params *p, const int8_t *a,
                                    const int8_t *b, int8_t *out, const int rounding)
{
  for (int32_t i = 0; i < p->batch_0.count; ++i) {
    for (int32_t j = 0; j < p->batch_1.count; ++j) {
      for (int32_t k = 0; k < p->batch_2.count; ++k) {
        const int8_t *x = a + i * p->batch_0.a + j * p->batch_1.a + k * p->batch_2.a;
        const int8_t *y = b + i * p->batch_0.b + j * p->batch_1.b + k * p->batch_2.b;
        out = em_matmul(p, x, y, out, rounding);
      }
    }
  }
}

EM_KERNEL void em_batch_matmul(const em_batch_matmul_params *p, const int8_t *a, const int8_t *b,
                               int8_t *out)
{
  em_batch_matmul_body(p, a, b, out, EM_ROUND_FAST);
}

EM_KERNEL void em_batch_matmul_any(const em_batch_matmul_params *p, const int8_t *a,
                                   const int8_t *b, int8_t *out)
{
  em_batch_matmul_body(p, a, b, out, EM_ROUND_ANY);
}

/* The same for a constant b, which comes first. */
EM_KERNEL void em_batch_matmul_constant(const em_batch_matmul_params *p, const int8_t *b,
                                        const int8_t *a, int8_t *out)
{
  em_batch_matmul_body(p, a, b, out, EM_ROUND_FAST);
}

EM_KERNEL void em_batch_matmul_constant_any(const em_batch_matmul_params *p, const int8_t *b,
                                            const int8_t *a, int8_t *out)
{
  em_batch_matmul_body(p, a, b, out, EM_ROUND_ANY);
}

#endif
