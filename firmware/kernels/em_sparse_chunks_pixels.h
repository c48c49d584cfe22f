/* CONV_2D with a 1 x 1 kernel and stride 1, and FULLY_CONNECTED, whose weights are mostly zero, for
 * the bodies of em_sparse_chunks.h, which says how they are stored: every pixel by itself.
 *
 * in   int8 [pixels][in_channels]       out  int8 [pixels][out_channels]
 * Pixels are done `layer.pixels` at a time, from the first to the last or, with `backward`, from
 * the last to the first; the last ones are made up to so many with their neighbours, which are then
 * done twice over. `out` may lie over `in` as the generator computed it from this.
 */
#ifndef EM_SPARSE_CHUNKS_PIXELS_H
#define EM_SPARSE_CHUNKS_PIXELS_H

#include "em_sparse_chunks.h"

typedef struct {
  int32_t pixels;
  int32_t in_channels;
  int16_t backward;
  em_chunks_layer layer;
} em_sparse_chunks_pixels_params;

/* A single pixel: there is no second one that a chunk could be loaded for. */
EM_KERNEL void em_sparse_chunks_pixel(const em_sparse_chunks_pixels_params *p, const int8_t *stream,
                                      const em_channel *channels, const int8_t *in, int8_t *out)
{
  EM_ROLLED
  for (int c = 0; c < p->layer.out_channels; ++c) {
    const int32_t sum = em_chunks_sum(stream, in, &stream) + channels[c].bias;
    out[c] = em_finish(sum, channels[c].multiplier, -*stream++, &p->layer.output, EM_ROUND_FAST);
  }
}

EM_KERNEL void em_sparse_chunks_each_pixel(const em_sparse_chunks_pixels_params *p,
                                           const int8_t *stream, const em_channel *channels,
                                           const int8_t *in, int8_t *out)
{
  em_chunks_job job = em_chunks_prepare(&p->layer, stream, channels);
  for (int done = 0; done < p->pixels; done += p->layer.pixels) {
    const int ahead = done + p->layer.pixels > p->pixels ? p->pixels - p->layer.pixels : done;
    const int pixel = p->backward ? p->pixels - p->layer.pixels - ahead : ahead;
    const em_chunks_lanes windows =
        em_chunks_each_lane(&p->layer, in + pixel * p->in_channels, p->in_channels);
    job.first = &windows;
    job.end = &windows + 1;
    em_chunks_group(&job, &p->layer, out + pixel * p->layer.out_channels, 0);
  }
}

#endif
