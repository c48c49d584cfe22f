/* em_pointwise for x86-64: some pixels are copied to a strip, then all their outputs are done.
 * Weights as in em_tile.h.
 *
 * `scratch` is the strip: EM_STRETCH(in_channels) + EM_MOST_PIXELS - 1 pixels, or all if there are
 * fewer, and 4 bytes.
 */
#ifndef EM_POINTWISE_AVX2_H
#define EM_POINTWISE_AVX2_H

#include "em_tile.h"

#define EM_OWN_POINTWISE 1

/* How many pixels to copy at once: the generator computes from it how far `out` may lie over `in`.
 * The last ones are joined to those before when they are fewer than a tile.
 */
#define EM_STRETCH(channels) ((channels) > 64 ? 16 : 32)

EM_INLINE void em_own_pointwise(const em_pointwise_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, const int rounding)
{
  const int stretch = EM_STRETCH(p->in_channels);
  const int least = p->pixels < stretch ? p->pixels : stretch;
  uint8_t *const strip = (uint8_t *)scratch;
  const em_view view = {strip, 1, 0, (p->in_channels + 3) / 4, p->in_channels, 0, 0};
  int count;
  for (int done = 0; done < p->pixels; done += count) {
    const int left = p->pixels - done;
    count = left < stretch + EM_MOST_PIXELS ? left : stretch;
    const int first = p->backward ? left - count : done;
    em_flip(strip, in + first * p->in_channels, count * p->in_channels);
    em_line(view, weights, channels, shifts, p->out_channels, count, out + first * p->out_channels,
            &p->output, least, rounding);
  }
}

#endif
