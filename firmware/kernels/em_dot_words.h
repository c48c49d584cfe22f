/* The inner product of Cortex-M3 and RV32IM: pixels as em_words.h packs them.
 *
 * Where a layer has a single pixel, weights are in blocks of 8 channels, then at most one of 4, of
 * 2 and of 1, a block's weights side by side for each element.
 */
#ifndef EM_DOT_WORDS_H
#define EM_DOT_WORDS_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

#if defined(__GNUC__) && defined(__thumb2__)
#define EM_QUAD_ASM 1
#include "em_quad_thumb2.h"
#else
#define EM_QUAD_ASM 0
#endif

#include "em_words.h"

/* A single pixel: 8 channels in a and b of the sums, or what is left of them in a. */
#if EM_QUAD_ASM && defined(__OPTIMIZE__)
/* Compilers load all 8 weights first and have no registers left for them. */
#define EM_SINGLE_LANE(sum, offset) \
  "ldrsb %[k], [%[w], #" offset "]\n\tmla " sum ", %[u], %[k], " sum "\n\t"
#define EM_SINGLE_TAP                                                                              \
  "ldrsb %[u], [%[x]], #1\n\t"                                                                     \
  "ldrsb %[k], [%[w]], #8\n\t"                                                                     \
  "mla %[s0], %[u], %[k], %[s0]\n\t" EM_SINGLE_LANE("%[s1]", "-7") EM_SINGLE_LANE("%[s2]", "-6")   \
      EM_SINGLE_LANE("%[s3]", "-5") EM_SINGLE_LANE("%[s4]", "-4") EM_SINGLE_LANE("%[s5]", "-3")    \
          EM_SINGLE_LANE("%[s6]", "-2") EM_SINGLE_LANE("%[s7]", "-1")
#define EM_SINGLE_SUM(text)                                                                        \
  __asm__(text                                                                                     \
          : [s0] "+&r"(s.a[0]), [s1] "+&r"(s.a[1]), [s2] "+&r"(s.a[2]), [s3] "+&r"(s.a[3]),        \
            [s4] "+&r"(s.b[0]), [s5] "+&r"(s.b[1]), [s6] "+&r"(s.b[2]), [s7] "+&r"(s.b[3]),        \
            [x] "+&r"(x), [w] "+&r"(w), [u] "=&r"(u), [k] "=&r"(k)                                 \
          : [end] "r"(end)                                                                         \
          : "cc", "memory")

EM_INLINE em_sums em_single_row_8(em_sums s, const int8_t *x, int length, const int8_t *w)
{
  const int8_t *const end = x + length;
  int32_t u, k;
  if ((length & 1) != 0) EM_SINGLE_SUM(EM_SINGLE_TAP);
  if ((length & 2) != 0) EM_SINGLE_SUM(EM_SINGLE_TAP EM_SINGLE_TAP);
  if (length > 3) {
    EM_SINGLE_SUM("1:\n\t" EM_SINGLE_TAP EM_SINGLE_TAP EM_SINGLE_TAP EM_SINGLE_TAP
                  "cmp %[x], %[end]\n\tbne 1b");
  }
  return s;
}
#else
EM_INLINE em_sums em_single_row_8(em_sums s, const int8_t *x, int length, const int8_t *w)
{
  const int8_t *const end = x + length;
  do {
    const int32_t u = *x++;
    s.a[0] += u * w[0];
    s.a[1] += u * w[1];
    s.a[2] += u * w[2];
    s.a[3] += u * w[3];
    s.b[0] += u * w[4];
    s.b[1] += u * w[5];
    s.b[2] += u * w[6];
    s.b[3] += u * w[7];
    w += 8;
  } while (x != end);
  return s;
}
#endif

EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *w,
                                const int lanes)
{
  const int8_t *const end = x + length;
  EM_UNROLL(2)
  EM_ROLLED
  do {
    const int32_t u = *x++;
    s.a[0] += u * w[0];
    if (lanes > 1) s.a[1] += u * w[1];
    if (lanes > 2) s.a[2] += u * w[2];
    if (lanes > 2) s.a[3] += u * w[3];
    w += lanes;
  } while (x != end);
  return s;
}

EM_INLINE void em_single_block(const em_window *window, em_block *block, const em_output *output,
                               const int lanes, const int rounding)
{
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  for (int row = 0; row < window->rows; ++row) {
    const int8_t *const x = window->x + row * window->row_stride;
    s = lanes == 8 ? em_single_row_8(s, x, window->length, block->weights)
                   : em_single_row(s, x, window->length, block->weights, lanes);
    block->weights += window->length * lanes;
  }
  EM_ROLLED
  for (int lane = 0; lane < lanes; ++lane) {
    const em_channel channel = *block->channel++;
    const int32_t sum = channel.bias + (lane < 4 ? s.a[lane & 3] : s.b[lane & 3]);
    *block->out0++ = em_finish(sum, channel.multiplier, *block->shift++, output, rounding);
  }
}

EM_INLINE void em_single_channels(const em_window *window, em_block block, int count,
                                  const em_output *output, const int rounding)
{
  EM_ROLLED
  for (; count >= 8; count -= 8) em_single_block(window, &block, output, 8, rounding);
  if ((count & 4) != 0) em_single_block(window, &block, output, 4, rounding);
  if ((count & 2) != 0) em_single_block(window, &block, output, 2, rounding);
  if ((count & 1) != 0) em_single_block(window, &block, output, 1, rounding);
}

#endif
