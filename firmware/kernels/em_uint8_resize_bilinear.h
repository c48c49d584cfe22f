/* RESIZE_BILINEAR of uint8, in float32 as TFLite's reference kernel: every product and every sum is
 * rounded.
 *
  * in   int8 [in_height][in_width][channels]
 * out  int8 [out_height][out_width][channels], each 128 less than uint8
 * `rows` and `columns` hold for each output row and column two input ones, `rows_parts` and
 * `columns_parts` how much of each. Elements are done in order, each written when all that it is
 * made of is read; the generator computes how `out` may lie over `in`.
 */
#ifndef EM_UINT8_RESIZE_BILINEAR_H
#define EM_UINT8_RESIZE_BILINEAR_H

#include "em_common.h"
#include "em_uncontracted.h"

typedef struct {
  em_size in_width;
  em_size out_height;
  em_size out_width;
  em_size channels;
} em_uint8_resize_bilinear_params;

/* One pixel of four neighbours: channel by channel, each neighbour times its row's part and then
 * its column's. */
EM_INLINE void em_uint8_between(const int8_t *const from[4], const float down[2],
                                const float across[2], int channels, int8_t *out)
{
  for (int c = 0; c < channels; ++c) {
    float sum = (float)(from[0][c] + 128) * down[0] * across[0];
    sum += (float)(from[1][c] + 128) * down[1] * across[0];
    sum += (float)(from[2][c] + 128) * down[0] * across[1];
    sum += (float)(from[3][c] + 128) * down[1] * across[1];
    out[c] = (int8_t)((int32_t)(sum + 0.5f) - 128);
  }
}

EM_KERNEL void em_uint8_resize_bilinear(const em_uint8_resize_bilinear_params *p,
                                        const int16_t *rows, const float *rows_parts,
                                        const int16_t *columns, const float *columns_parts,
                                        const int8_t *in, int8_t *out)
{
  const int32_t row = (int32_t)p->in_width * p->channels;
  for (int y = 0; y < p->out_height; ++y) {
    const int8_t *const above = in + rows[2 * y] * row, *const below = in + rows[2 * y + 1] * row;
    for (int x = 0; x < p->out_width; ++x, out += p->channels) {
      const int32_t left = (int32_t)columns[2 * x] * p->channels,
                    right = (int32_t)columns[2 * x + 1] * p->channels;
      const int8_t *const from[4] = {above + left, below + left, above + right, below + right};
      em_uint8_between(from, rows_parts + 2 * y, columns_parts + 2 * x, p->channels, out);
    }
  }
}

#endif
