/* RESIZE_BILINEAR on float32.
 *
 * in   float [in_height][in_width][channels]       out   float [out_height][out_width][channels]
 * `rows` and `columns` hold for each output row and column two input ones, the fractions how much
 * of the second. Elements are done in order, each written when all that it is made of is read; the
 * generator computes how `out` may lie over `in`.
 */
#ifndef EM_FLOAT_RESIZE_BILINEAR_H
#define EM_FLOAT_RESIZE_BILINEAR_H

#include "em_float_common.h"
#include "em_resize_bilinear.h"

EM_KERNEL void em_float_resize_bilinear(const em_resize_bilinear_params *p, const int32_t *rows,
                                        const float *row_fractions, const int32_t *columns,
                                        const float *column_fractions, const float *in, float *out)
{
  const int32_t row = (int32_t)p->in_width * p->channels;
  for (int y = 0; y < p->out_height; ++y) {
    const float *above = in + rows[2 * y] * row, *below = in + rows[2 * y + 1] * row;
    const float down = row_fractions[y];
    for (int x = 0; x < p->out_width; ++x) {
      const int32_t left = columns[2 * x] * p->channels, other = columns[2 * x + 1] * p->channels;
      const float right = column_fractions[x];
      for (int c = 0; c < p->channels; ++c) {
        *out++ = above[left + c] * (1.0f - down) * (1.0f - right) +
            below[left + c] * down * (1.0f - right) + above[other + c] * (1.0f - down) * right +
            below[other + c] * down * right;
      }
    }
  }
}

#endif
