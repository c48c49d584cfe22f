/* Sums and maxima over the pixels of a window, of 4 neighbouring channels at a time and then of
 * one: for pools and MEAN. */
#ifndef EM_POOL_CHANNELS_H
#define EM_POOL_CHANNELS_H

#include "em_dsp.h"

enum {
  EM_SUMMED_CHANNELS = EM_SIZE ? 1 : 4,
  EM_COMPARED_CHANNELS = EM_SUMMED_CHANNELS,
  EM_SMALL_WINDOW = EM_DSP ? 0 : 4, /* elements, of which one channel at a time is faster */
  EM_NARROW_ELEMENTS = 256, /* as many have a sum of 16 bits */
};

/* How many of the `left` channels, fewer than are done at once, come next. */
#define EM_NEXT_CHANNELS(left) 1

/* Adds `channels` channels, EM_SUMMED_CHANNELS or 1, of a row of `count` pixels, `pitch` apart, to
 * `sums`. */
EM_INLINE void em_add_pixels(int32_t sums[EM_SUMMED_CHANNELS], const int8_t *x, int pitch,
                             int count, const int channels)
{
  EM_UNROLL(4)
  for (int i = 0; i < count; ++i) {
    sums[0] += x[0];
    if (channels > 1) {
      sums[1] += x[1];
      sums[2] += x[2];
      sums[3] += x[3];
    }
    x += pitch;
  }
}

#if EM_DSP && !EM_SIZE
/* Adds bytes 0 and 2 of a word to `even`, 1 and 3 to `odd`, each of two 16-bit sums. */
EM_INLINE void em_add_bytes(uint32_t *even, uint32_t *odd, uint32_t word)
{
  __asm__("sxtab16 %0, %0, %1" : "+r"(*even) : "r"(word));
  __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(*odd) : "r"(word));
}

EM_INLINE uint32_t em_four_bytes(int value)
{
  return (uint32_t)(uint8_t)value * 0x01010101u;
}
#endif

/* Adds the channels of a window of `rows` rows, `row_pitch` apart, to `sums`. */
EM_INLINE void em_add_pool_window(int32_t sums[EM_SUMMED_CHANNELS], const int8_t *x,
                                  int32_t row_pitch, int32_t rows, int32_t pitch, int32_t count,
                                  const int channels)
{
#if EM_DSP && !EM_SIZE
  if (channels == 4 && rows * count <= EM_NARROW_ELEMENTS) {
    uint32_t even = 0, odd = 0;
    for (int32_t row = 0; row < rows; ++row) {
      const int8_t *from = x + row * row_pitch;
      EM_UNROLL(4)
      for (int32_t i = 0; i < count; ++i) {
        em_add_bytes(&even, &odd, em_load_4(from));
        from += pitch;
      }
    }
    sums[0] += (int16_t)(uint16_t)even;
    sums[1] += (int16_t)(uint16_t)odd;
    sums[2] += (int32_t)even >> 16;
    sums[3] += (int32_t)odd >> 16;
    return;
  }
#endif
  for (int32_t row = 0; row < rows; ++row)
    em_add_pixels(sums, x + row * row_pitch, (int)pitch, (int)count, channels);
}

/* Stores the means of sums over `count` elements within their limits. */
EM_INLINE void em_store_means(int8_t *out, const int32_t sums[EM_SUMMED_CHANNELS], int count,
                              const int channels, int low, int high)
{
  EM_UNROLL(4)
  for (int c = 0; c < channels; ++c)
    out[c] = (int8_t)em_clamp(em_rounded_mean(sums[c], count), low, high);
}

/* Stores the largest elements of a window of `rows` rows of `count` pixels, at least one, within
 * their limits. */
EM_INLINE void em_store_maxima(int8_t *out, const int8_t *x, int row_pitch, int rows, int pitch,
                               int count, const int channels, int low, int high)
{
#if EM_DSP && !EM_SIZE
  if (channels == 4) {
    uint32_t best = em_load_4(x);
    for (int row = 0; row < rows; ++row) {
      const int8_t *from = x + row * row_pitch;
      EM_UNROLL(4)
      for (int i = 0; i < count; ++i) {
        best = em_larger_bytes(best, em_load_4(from));
        from += pitch;
      }
    }
    if (low > -128) best = em_larger_bytes(best, em_four_bytes(low));
    if (high < 127) best = em_smaller_bytes(best, em_four_bytes(high));
    EM_COPY(out, &best, sizeof best);
    return;
  }
#endif
  int32_t a = -128, b = a, c = a, d = a;
  for (int row = 0; row < rows; ++row) {
    const int8_t *from = x + row * row_pitch;
    EM_UNROLL(4)
    for (int i = 0; i < count; ++i) {
      a = em_max(a, from[0]);
      if (channels > 1) {
        b = em_max(b, from[1]);
        c = em_max(c, from[2]);
        d = em_max(d, from[3]);
      }
      from += pitch;
    }
  }
  out[0] = (int8_t)em_clamp(a, low, high);
  if (channels > 1) {
    out[1] = (int8_t)em_clamp(b, low, high);
    out[2] = (int8_t)em_clamp(c, low, high);
    out[3] = (int8_t)em_clamp(d, low, high);
  }
}

#endif
