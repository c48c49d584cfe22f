/* SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION of float32 rows.
 *
 * in, out   float [rows][depth]; `out` may be `in`
 * The softmaxes call the C library.
 */
#ifndef EM_FLOAT_ROWS_H
#define EM_FLOAT_ROWS_H

#include "em_float_common.h"

typedef struct {
  int32_t rows;
  int32_t depth;
  float beta; /* of SOFTMAX */
} em_float_rows_params;

EM_INLINE float em_float_row_maximum(const float *in, int32_t depth)
{
  float largest = -EM_FLOAT_LARGEST;
  for (int32_t i = 0; i < depth; ++i) largest = largest < in[i] ? in[i] : largest;
  return largest;
}

EM_KERNEL void em_float_softmax(const em_float_rows_params *p, const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    const float largest = em_float_row_maximum(in, p->depth);
    float sum = 0.0f;
    for (int32_t i = 0; i < p->depth; ++i) {
      out[i] = expf((in[i] - largest) * p->beta);
      sum += out[i];
    }
    for (int32_t i = 0; i < p->depth; ++i) out[i] = out[i] / sum;
  }
}

EM_KERNEL void em_float_log_softmax(const em_float_rows_params *p, const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    const float largest = em_float_row_maximum(in, p->depth);
    float sum = 0.0f;
    for (int32_t i = 0; i < p->depth; ++i) sum += expf(in[i] - largest);
    sum = logf(sum);
    for (int32_t i = 0; i < p->depth; ++i) out[i] = in[i] - largest - sum;
  }
}

EM_KERNEL void em_float_l2_normalization(const em_float_rows_params *p, const float *in, float *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    float sum = 0.0f;
    for (int32_t i = 0; i < p->depth; ++i) sum += in[i] * in[i];
    const float root = sqrtf(sum), norm = root < 1e-6f ? 1e-6f : root;
    for (int32_t i = 0; i < p->depth; ++i) out[i] = in[i] / norm;
  }
}

#endif
