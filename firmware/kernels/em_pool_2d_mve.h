/* Means of 16 channels of a window at a time for Cortex-M55 and M85: sums of up to 256 elements
 * stay in 16 bits. Channels left over, longer sums and maxima are em_pool_mve.h's. */
#include "em_pool_2d.h" /* comes first */
#ifndef EM_POOL_2D_MVE_H
#define EM_POOL_2D_MVE_H
#if defined(__ARM_FEATURE_MVE)

#define EM_OWN_POOL_2D 1

enum { EM_AVERAGED_CHANNELS = 16, EM_NARROW_ELEMENTS = 256 };

/* The sums of a window's rows, `row_pitch` apart, of `count` pixels each, `pitch` apart. */
EM_INLINE void em_sum_window(int16_t sums[EM_AVERAGED_CHANNELS], const int8_t *row, int row_pitch,
                             int rows, int pitch, int count)
{
  const int8_t *x;
  __asm__ volatile(
      "vmov.i32 q0, #0\n\t"
      "vmov.i32 q1, #0\n"
      "1:\n\t"
      "mov %[x], %[row]\n\t"
      "dls lr, %[count]\n"
      "2:\n\t"
      "vldrb.s16 q2, [%[x]]\n\t"
      "vldrb.s16 q3, [%[x], #8]\n\t"
      "vadd.i16 q0, q0, q2\n\t"
      "add %[x], %[x], %[pitch]\n\t"
      "vadd.i16 q1, q1, q3\n\t"
      "le lr, 2b\n\t"
      "add %[row], %[row], %[row_pitch]\n\t"
      "subs %[rows], %[rows], #1\n\t"
      "bne 1b\n\t"
      "vstrh.16 q0, [%[sums]]\n\t"
      "vstrh.16 q1, [%[sums], #16]"
      : [x] "=&l"(x), [row] "+&r"(row), [rows] "+&r"(rows)
      : [sums] "r"(sums), [row_pitch] "r"(row_pitch), [pitch] "r"(pitch), [count] "r"(count)
      : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
}

/* Their em_rounded_mean over `count` elements, more than one: see em_store_quotients. */
EM_INLINE void em_store_narrow_means(int8_t *out, const int16_t sums[EM_AVERAGED_CHANNELS],
                                     int count, uint32_t reciprocal)
{
  __asm__ volatile(
      "vdup.32 q2, %[reciprocal]\n\t"
      "dls lr, %[blocks]\n"
      "1:\n\t"
      "vldrh.s32 q0, [%[sums]], #8\n\t"
      "vshr.s32 q1, q0, #31\n\t"
      "vabs.s32 q0, q0\n\t"
      "vadd.i32 q0, q0, %[half]\n\t"
      "vmulh.u32 q0, q0, q2\n\t"
      "veor q0, q0, q1\n\t"
      "vsub.i32 q0, q0, q1\n\t"
      "vstrb.32 q0, [%[out]], #4\n\t"
      "le lr, 1b"
      : [out] "+&l"(out), [sums] "+&l"(sums)
      : [half] "r"(count / 2), [reciprocal] "r"(reciprocal), [blocks] "r"(EM_AVERAGED_CHANNELS / 4)
      : "q0", "q1", "q2", "lr", "memory");
}

/* See em_pool_2d.h. */
EM_INLINE void em_own_pool_2d(const em_pool_2d_params *p, const em_pool_window *w,
                              const int8_t *in, int8_t *out, const int average)
{
  const int rows = w->bottom - w->top, columns = w->right - w->left, count = rows * columns;
  if (!average || count == 1 || count > EM_NARROW_ELEMENTS ||
      p->channels < EM_AVERAGED_CHANNELS) {
    em_pool_pixel(p, w, in, out, average);
    return;
  }
  const int8_t *from = in + (w->top * p->in_width + w->left) * p->channels;
  const uint32_t reciprocal = 0xffffffffu / (uint32_t)count + 1;
  const int limited = p->minimum > -128 || p->maximum < 127;
  int left = p->channels;
  for (; left >= EM_AVERAGED_CHANNELS; left -= EM_AVERAGED_CHANNELS) {
    int16_t sums[EM_AVERAGED_CHANNELS];
    em_sum_window(sums, from, p->in_width * p->channels, rows, p->channels, columns);
    em_store_narrow_means(out, sums, count, reciprocal);
    if (limited) em_store_limited(out, out, EM_AVERAGED_CHANNELS, p->minimum, p->maximum);
    from += EM_AVERAGED_CHANNELS;
    out += EM_AVERAGED_CHANNELS;
  }
  while (left > 0) {
    const int channels = left < EM_SUMMED_CHANNELS ? left : EM_SUMMED_CHANNELS;
    em_pool_block(p, w, from, out, channels, 1);
    from += channels;
    out += channels;
    left -= channels;
  }
}

#endif
#endif
