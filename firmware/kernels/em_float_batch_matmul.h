/* BATCH_MATMUL on float32.
 *
 * first, second   float matrices, walked with the given strides; `first` is b where `turned` is 1
 * out             float [batch_0][batch_1][batch_2][rows][columns]
 */
#ifndef EM_FLOAT_BATCH_MATMUL_H
#define EM_FLOAT_BATCH_MATMUL_H

#include "em_axis.h"
#include "em_float_common.h"

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
  int32_t turned;
} em_float_batch_matmul_params;

/* One product of matrices; returns the end of what it wrote. */
EM_INLINE float *em_float_matmul(const em_float_batch_matmul_params *p, const float *a,
                                 const float *b, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int32_t column = 0; column < p->columns; ++column) {
      const float *x = a + row * p->a_outer_step, *y = b + column * p->b_outer_step;
      float sum = 0.0f;
      for (int32_t i = 0; i < p->depth; ++i, x += p->a_inner_step, y += p->b_inner_step)
        sum += *x * *y;
      *out++ = sum;
    }
  }
  return out;
}

EM_KERNEL void em_float_batch_matmul(const em_float_batch_matmul_params *p, const float *first,
                                     const float *second, float *out)
{
  const float *a = p->turned ? second : first, *b = p->turned ? first : second;
  for (int32_t i = 0; i < p->batch_0.count; ++i) {
    for (int32_t j = 0; j < p->batch_1.count; ++j) {
      for (int32_t k = 0; k < p->batch_2.count; ++k) {
        const float *x = a + i * p->batch_0.a + j * p->batch_1.a + k * p->batch_2.a;
        out =
            em_float_matmul(p, x, b + i * p->batch_0.b + j * p->batch_1.b + k * p->batch_2.b, out);
      }
    }
  }
}

#endif
