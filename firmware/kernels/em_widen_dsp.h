/* Activations as 16-bit numbers, in the strips that em_dot_dsp.h reads, which includes this one. */
#ifndef EM_WIDEN_DSP_H
#define EM_WIDEN_DSP_H

#include "em_dsp.h"

/* Returns a group's elements, of which there are 1 to 4. */
EM_INLINE uint32_t em_load_group(const int8_t *x, int count)
{
  if (count >= 4) return em_load_4(x);
  uint32_t word = (uint8_t)x[0];
  if (count > 1) word |= (uint32_t)(uint8_t)x[1] << 8;
  if (count > 2) word |= (uint32_t)(uint8_t)x[2] << 16;
  return word;
}

/* Widens a group; returns where the next one's words go. */
EM_INLINE int8_t *em_widen_group(const int8_t *x, int pair, int count, int8_t *strip,
                                 const int pixels)
{
  const uint32_t a = em_load_group(x, count);
  if (pixels == 1) {
    em_store_4(strip, em_spread_even(a));
    em_store_4(strip + 4, em_spread_odd(a));
    return strip + 8;
  }
  const uint32_t b = em_load_group(x + pair, count);
  em_store_4(strip, em_spread_even(a));
  em_store_4(strip + 4, em_spread_even(b));
  em_store_4(strip + 8, em_spread_odd(a));
  em_store_4(strip + 12, em_spread_odd(b));
  return strip + 16;
}

/* Widens a whole group. Compilers store the four words one by one: 13 instructions a group instead
 * of 8 to 9. */
EM_INLINE int8_t *em_widen_four(const int8_t *x, int pair, int8_t *strip, const int pixels)
{
#if EM_DSP && defined(__ARM_FEATURE_UNALIGNED)
  if (pixels > 1) {
    __asm__ volatile("ldr r8, [%[x], %[pair]]\n\t"
                     "ldr r6, [%[x]]\n\t"
                     "sxtb16 r4, r6\n\t"
                     "sxtb16 r5, r8\n\t"
                     "sxtb16 r6, r6, ror #8\n\t"
                     "sxtb16 r8, r8, ror #8\n\t"
                     "stmia %[strip]!, {r4, r5, r6, r8}"
                     : [strip] "+&r"(strip)
                     : [x] "r"(x), [pair] "r"(pair)
                     : "r4", "r5", "r6", "r8", "memory");
    return strip;
  }
#endif
  return em_widen_group(x, pair, 4, strip, pixels);
}

/* Widens a run of elements; returns where the next one's words go. */
EM_PART int8_t *em_widen_run(const int8_t *x, int pair, int length, int8_t *strip, const int pixels)
{
  const int step = EM_SIZE ? 4 : 8;
  const int8_t *const end = x + (length & -step);
  while (x != end) {
    strip = em_widen_four(x, pair, strip, pixels);
    if (!EM_SIZE) strip = em_widen_four(x + 4, pair, strip, pixels);
    x += step;
  }
  if (!EM_SIZE && (length & 4) != 0) {
    strip = em_widen_four(x, pair, strip, pixels);
    x += 4;
  }
  return (length & 3) != 0 ? em_widen_group(x, pair, length & 3, strip, pixels) : strip;
}

/* Copies a window's rows, one after another. */
EM_INLINE void em_join_rows(const em_window *window, const int8_t *x, int8_t *to)
{
  for (int row = 0; row < window->rows; ++row) {
    const int whole = window->length & -4;
    for (int i = 0; i < whole; i += 4) EM_COPY(to + i, x + i, 4);
    EM_UNROLL(4)
    for (int i = 0; i < (window->length & 3); ++i) to[whole + i] = x[whole + i];
    x += window->row_stride;
    to += window->length;
  }
}

/* Widens a small window's rows element by element, which beats putting them together first. What no
 * element fills may be anything: its weights are zero.
 */
EM_INLINE void em_widen_small(const em_window *window, const int8_t *x, int8_t *strip,
                              const int pixels)
{
  EM_UNROLL(4)
  for (int row = 0; row < window->rows; ++row) {
    EM_UNROLL(6)
    for (int i = 0; i < window->length; ++i) {
      const int element = row * window->length + i;
      const int word = 2 * (element / 4) + (element & 1);
      const int16_t wide = x[row * window->row_stride + i];
      EM_COPY(strip + 4 * pixels * word + (element & 2), &wide, sizeof wide);
    }
  }
}

/* Whether each row is filled up to whole groups: 3 x 3 of one channel and the like. */
EM_INLINE int em_rows_by_groups(const em_window *window)
{
  return window->rows > 1 && window->rows <= 3 && (window->length & 3) == 3;
}

/* Widens the last three elements of a row, of which x is the first, without reading behind them:
 * there is another row before. The fourth may be anything: its weights are zero.
 */
EM_INLINE int8_t *em_widen_three(const int8_t *x, int pair, int8_t *strip, const int pixels)
{
  const uint32_t a = em_load_4(x - 1);
  if (pixels == 1) {
    em_store_4(strip, em_spread_odd(a));
    em_store_4(strip + 4, em_spread_even(a >> 16));
    return strip + 8;
  }
#if EM_DSP && defined(__ARM_FEATURE_UNALIGNED)
  x -= 1;
  __asm__ volatile("ldr r8, [%[x], %[pair]]\n\t"
                   "ldr r6, [%[x]]\n\t"
                   "sxtb16 r4, r6, ror #8\n\t"
                   "sxtb16 r5, r8, ror #8\n\t"
                   "sxtb16 r6, r6, ror #16\n\t"
                   "sxtb16 r8, r8, ror #16\n\t"
                   "stmia %[strip]!, {r4, r5, r6, r8}"
                   : [strip] "+&r"(strip)
                   : [x] "r"(x), [pair] "r"(pair)
                   : "r4", "r5", "r6", "r8", "memory");
  return strip;
#else
  const uint32_t b = em_load_4(x - 1 + pair);
  em_store_4(strip, em_spread_odd(a));
  em_store_4(strip + 4, em_spread_odd(b));
  em_store_4(strip + 8, em_spread_even(a >> 16));
  em_store_4(strip + 12, em_spread_even(b >> 16));
  return strip + 16;
#endif
}

/* Widens rows that are filled up each; what an earlier one is filled up with is what lies there. */
EM_INLINE int8_t *em_widen_rows(const em_window *window, int8_t *strip, const int pixels)
{
  const int8_t *x = window->x;
  for (int row = 1; row < window->rows; ++row) {
    strip = em_widen_run(x, window->pair, window->length + 1, strip, pixels);
    x += window->row_stride;
  }
  strip = em_widen_run(x, window->pair, window->length - 3, strip, pixels);
  return em_widen_three(x + window->length - 3, window->pair, strip, pixels);
}

/* Widens a pixel's or two pixels' window; returns the strip's end. */
EM_PART int8_t *em_widen(const em_window *window, int8_t *strip, int8_t *joined, const int pixels)
{
  const int elements = window->rows * window->length;
  if (em_rows_by_groups(window)) return em_widen_rows(window, strip, pixels);
  if (window->rows > 1 && (window->length & 3) != 0) {
    const int bytes = EM_CHANNEL_BYTES(elements);
    if (!EM_SIZE && window->rows <= 4 && elements <= 12) {
      em_widen_small(window, window->x, strip, pixels);
      if (pixels > 1) em_widen_small(window, window->x + window->pair, strip + 4, pixels);
      return strip + 2 * pixels * bytes;
    }
    em_join_rows(window, window->x, joined);
    if (pixels > 1) em_join_rows(window, window->x + window->pair, joined + bytes);
    return em_widen_run(joined, bytes, bytes, strip, pixels);
  }
  for (int row = 0; row < window->rows; ++row) {
    strip = em_widen_run(window->x + row * window->row_stride, window->pair, window->length, strip,
                         pixels);
  }
  return strip;
}

#endif
