/* Sums and maxima over pixels for Cortex-M55 and M85: of 4 or 16 neighbouring channels at a
 * time. */
#ifndef EM_POOL_MVE_H
#define EM_POOL_MVE_H

#include "em_common.h"

#define EM_NEXT_CHANNELS(left) (left)

enum {
  EM_SUMMED_CHANNELS = 4,
  EM_COMPARED_CHANNELS = 16,
  EM_SMALL_WINDOW = 0,
  EM_MEAN_MOST = 4096
};

#if defined(__ARM_FEATURE_MVE)
/* Adds up to 4 channels of `count` (at least 1) pixels, `pitch` apart, to `sums`. */
EM_INLINE void em_add_pixels(int32_t sums[EM_SUMMED_CHANNELS], const int8_t *x, int pitch,
                             int count, int channels)
{
  __asm__ volatile(
      "vctp.32 %[channels]\n\t"
      "vldrw.u32 q1, [%[sums]]\n\t"
      "dls lr, %[count]\n"
      "1:\n\t"
      "vpst\n\t"
      "vldrbt.s32 q0, [%[x]]\n\t"
      "vadd.i32 q1, q1, q0\n\t"
      "add %[x], %[x], %[pitch]\n\t"
      "le lr, 1b\n\t"
      "vstrw.32 q1, [%[sums]]"
      : [x] "+&l"(x)
      : [sums] "r"(sums), [pitch] "r"(pitch), [count] "r"(count), [channels] "r"(channels)
      : "q0", "q1", "lr", "memory");
}

/* Stores up to 4 channels' em_rounded_mean: of sums over `count` elements, at most EM_MEAN_MOST,
 * within their limits. The quotient is a product with 2^32 / count, rounded up: exact, since a sum
 * times `count` is below 2^32. `reciprocal` is that, 0 for 1.
 */
EM_INLINE void em_store_quotients(int8_t *out, const int32_t sums[EM_SUMMED_CHANNELS], int count,
                                  uint32_t reciprocal, int channels, int low, int high)
{
  __asm__ volatile(
      "vctp.32 %[channels]\n\t"
      "vldrw.u32 q0, [%[sums]]\n\t"
      "vshr.s32 q1, q0, #31\n\t"
      "cbz %[reciprocal], 1f\n\t"
      "vabs.s32 q0, q0\n\t"
      "vadd.i32 q0, q0, %[half]\n\t"
      "vdup.32 q2, %[reciprocal]\n\t"
      "vmulh.u32 q0, q0, q2\n\t"
      "veor q0, q0, q1\n\t"
      "vsub.i32 q0, q0, q1\n"
      "1:\n\t"
      "vdup.32 q1, %[low]\n\t"
      "vmax.s32 q0, q0, q1\n\t"
      "vdup.32 q1, %[high]\n\t"
      "vmin.s32 q0, q0, q1\n\t"
      "vpst\n\t"
      "vstrbt.32 q0, [%[out]]"
      :
      : [out] "l"(out), [sums] "r"(sums), [half] "r"(count / 2), [reciprocal] "l"(reciprocal),
        [channels] "r"(channels), [low] "r"(low), [high] "r"(high)
      : "q0", "q1", "q2", "memory");
}

/* Makes up to 16 channels of `best` as large as those of `count` (at least 1) pixels, `pitch`
 * apart. */
EM_INLINE void em_max_pixels(int8_t best[EM_COMPARED_CHANNELS], const int8_t *x, int pitch,
                             int count, int channels)
{
  __asm__ volatile(
      "vctp.8 %[channels]\n\t"
      "vldrb.8 q1, [%[best]]\n\t"
      "dls lr, %[count]\n"
      "1:\n\t"
      "vpst\n\t"
      "vldrbt.8 q0, [%[x]]\n\t"
      "vmax.s8 q1, q1, q0\n\t"
      "add %[x], %[x], %[pitch]\n\t"
      "le lr, 1b\n\t"
      "vstrb.8 q1, [%[best]]"
      : [x] "+&r"(x)
      : [best] "r"(best), [pitch] "r"(pitch), [count] "r"(count), [channels] "r"(channels)
      : "q0", "q1", "lr", "memory");
}

/* Stores up to 16 channels within their limits. */
EM_INLINE void em_store_limited(int8_t *out, const int8_t best[EM_COMPARED_CHANNELS], int channels,
                                int low, int high)
{
  __asm__ volatile(
      "vctp.8 %[channels]\n\t"
      "vldrb.8 q0, [%[best]]\n\t"
      "vdup.8 q1, %[low]\n\t"
      "vmax.s8 q0, q0, q1\n\t"
      "vdup.8 q1, %[high]\n\t"
      "vmin.s8 q0, q0, q1\n\t"
      "vpst\n\t"
      "vstrbt.8 q0, [%[out]]"
      :
      : [out] "r"(out), [best] "r"(best), [channels] "r"(channels), [low] "r"(low), [high] "r"(high)
      : "q0", "q1", "memory");
}
#else
EM_INLINE void em_store_quotients(int8_t *out, const int32_t sums[EM_SUMMED_CHANNELS], int count,
                                  uint32_t reciprocal, int channels, int low, int high)
{
  for (int c = 0; c < channels; ++c) {
    const uint32_t size = (uint32_t)(sums[c] < 0 ? -sums[c] : sums[c]) + (uint32_t)count / 2;
    const int32_t mean =
        reciprocal == 0 ? (int32_t)size : (int32_t)((uint64_t)size * reciprocal >> 32);
    out[c] = (int8_t)em_clamp(sums[c] < 0 ? -mean : mean, low, high);
  }
}

EM_INLINE void em_add_pixels(int32_t sums[EM_SUMMED_CHANNELS], const int8_t *x, int pitch,
                             int count, int channels)
{
  for (int i = 0; i < count; ++i) {
    for (int c = 0; c < channels; ++c) sums[c] += x[i * pitch + c];
  }
}

EM_INLINE void em_max_pixels(int8_t best[EM_COMPARED_CHANNELS], const int8_t *x, int pitch,
                             int count, int channels)
{
  for (int i = 0; i < count; ++i) {
    for (int c = 0; c < channels; ++c)
      best[c] = x[i * pitch + c] > best[c] ? x[i * pitch + c] : best[c];
  }
}

EM_INLINE void em_store_limited(int8_t *out, const int8_t best[EM_COMPARED_CHANNELS], int channels,
                                int low, int high)
{
  for (int c = 0; c < channels; ++c) out[c] = (int8_t)em_clamp(best[c], low, high);
}
#endif

/* As in em_pool_channels.h, of up to EM_SUMMED_CHANNELS or EM_COMPARED_CHANNELS channels. */
EM_INLINE void em_add_pool_window(int32_t sums[EM_SUMMED_CHANNELS], const int8_t *x,
                                  int32_t row_pitch, int32_t rows, int32_t pitch, int32_t count,
                                  int channels)
{
  for (int32_t row = 0; row < rows; ++row)
    em_add_pixels(sums, x + row * row_pitch, (int)pitch, (int)count, channels);
}

EM_INLINE void em_store_means(int8_t *out, const int32_t sums[EM_SUMMED_CHANNELS], int count,
                              int channels, int low, int high)
{
  if (count <= EM_MEAN_MOST) {
    em_store_quotients(out, sums, count, 0xffffffffu / (uint32_t)count + 1, channels, low, high);
    return;
  }
  for (int i = 0; i < channels; ++i)
    out[i] = (int8_t)em_clamp(em_rounded_mean(sums[i], count), low, high);
}

EM_INLINE void em_store_maxima(int8_t *out, const int8_t *x, int row_pitch, int rows, int pitch,
                               int count, int channels, int low, int high)
{
  int8_t best[EM_COMPARED_CHANNELS];
  memset(best, -128, sizeof best);
  for (int row = 0; row < rows; ++row)
    em_max_pixels(best, x + row * row_pitch, pitch, count, channels);
  em_store_limited(out, best, channels, low, high);
}

#endif
