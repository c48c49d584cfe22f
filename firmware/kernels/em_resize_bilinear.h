/* RESIZE_BILINEAR.
 *
 * in   int8 [in_height][in_width][channels]       out   int8 [out_height][out_width][channels]
 * `rows` and `columns` hold for each output row and column two input ones and how much of the
 * second, in 1/1024. Elements are done in order, each written when all that it is made of is read;
 * the generator computes how `out` may lie over `in`.
 */
#ifndef EM_RESIZE_BILINEAR_H
#define EM_RESIZE_BILINEAR_H

#include "em_common.h"

typedef struct {
  em_size in_width;
  em_size out_height;
  em_size out_width;
  em_size channels;
} em_resize_bilinear_params;

EM_KERNEL void em_resize_bilinear(const em_resize_bilinear_params *p, const int16_t *rows,
                                  const int16_t *columns, const int8_t *in, int8_t *out)
{
  const int32_t row = (int32_t)p->in_width * p->channels;
  for (int y = 0; y < p->out_height; ++y) {
    const int8_t *above = in + rows[3 * y] * row, *below = in + rows[3 * y + 1] * row;
    const int32_t down = rows[3 * y + 2];
    for (int x = 0; x < p->out_width; ++x) {
      const int32_t left = (int32_t)columns[3 * x] * p->channels,
                    other = (int32_t)columns[3 * x + 1] * p->channels;
      const int32_t right = columns[3 * x + 2];
      for (int c = 0; c < p->channels; ++c) { /* sums stay below 2^27 */
        const int32_t first = above[left + c] * (1024 - down) + below[left + c] * down;
        const int32_t second = above[other + c] * (1024 - down) + below[other + c] * down;
        const int32_t sum = first * (1024 - right) + second * right;
        /* halves away from zero */
        *out++ = (int8_t)((sum + (sum > 0 ? 524288 : -524288)) / 1048576);
      }
    }
  }
}

#endif
