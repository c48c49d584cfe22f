/* RESIZE_NEAREST_NEIGHBOR.
 *
 * in   bytes [in_height][in_width][channels]      out   bytes [out_height][out_width][channels]
 * `rows` and `columns` hold the input row and column of each output row and column. Pixels are
 * copied one by one from the last to the first; the generator computes how `out` may lie over `in`.
 */
#ifndef EM_RESIZE_NEAREST_NEIGHBOR_H
#define EM_RESIZE_NEAREST_NEIGHBOR_H

#include "em_common.h"

typedef struct {
  em_size in_width;
  em_size out_height;
  em_size out_width;
  em_size channels;
} em_resize_nearest_neighbor_params;

EM_KERNEL void em_resize_nearest_neighbor(const em_resize_nearest_neighbor_params *p,
                                          const int16_t *rows, const int16_t *columns,
                                          const int8_t *in, int8_t *out)
{
  out += (int32_t)p->out_height * p->out_width * p->channels;
  for (int y = p->out_height - 1; y >= 0; --y) {
    for (int x = p->out_width - 1; x >= 0; --x) {
      out -= p->channels;
      memmove(out, in + ((int32_t)rows[y] * p->in_width + columns[x]) * p->channels,
              (size_t)p->channels);
    }
  }
}

#endif
