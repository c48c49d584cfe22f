/* CONV_2D with a 1 x 1 kernel and stride 1, and FULLY_CONNECTED, whose weights are mostly zero:
 * every pixel by itself.
 *
 * in   int8 [pixels][in_channels]       out  int8 [pixels][out_channels]
 * Pixels are done `layer.pixels` at a time (see em_sparse.h), from the first to the last or, with
 * `backward`, from the last to the first; the last ones are made up to so many with their
 * neighbours, which are then done twice over. `out` may lie over `in` as the generator computed it
 * from this.
 */
#ifndef EM_SPARSE_PIXELS_H
#define EM_SPARSE_PIXELS_H

#include "em_sparse.h"

typedef struct {
  int32_t pixels;
  int32_t in_channels;
  int16_t backward;
  em_sparse_layer layer;
} em_sparse_pixels_params;

EM_KERNEL void em_sparse_each_pixel(const em_sparse_pixels_params *p, const int8_t *stream,
                                    const em_channel *channels, const int8_t *shifts,
                                    const int8_t *in, int8_t *out)
{
  const int count = em_sparse_pixels(&p->layer);
  em_sparse_windows windows = {in, count > 1 ? p->in_channels : 0, 0, 0, 1, 1};
  for (int done = 0; done < p->pixels; done += count) {
    const int ahead = done + count > p->pixels ? p->pixels - count : done;
    const int pixel = p->backward ? p->pixels - count - ahead : ahead;
    windows.x = in + pixel * p->in_channels;
    em_sparse_channels(&p->layer, stream, channels, shifts, &windows,
                       out + pixel * p->layer.out_channels);
  }
}

#endif
