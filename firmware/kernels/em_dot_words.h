/* The inner product of Cortex-M3 and RV32IM: pixels as em_words.h packs them.
 *
 * Where a layer has a single pixel, weights are in blocks of 8 channels, then at most one of 4, of 2 and of 1, a block's
 * weights side by side for each element.
 */
#ifndef EM_DOT_WORDS_H
#define EM_DOT_WORDS_H

#include "em_words.h"

#if defined(__GNUC__) && defined(__OPTIMIZE__) && defined(__thumb2__)
#define EM_WORDS_ASM 1
#else
#define EM_WORDS_ASM 0
#endif

/* Running sums of the two pairs: all that was multiplied, and pixel b's part of it. */
typedef struct {
  uint32_t total0, total1;
  int32_t high0, high1;
  const uint32_t *x;
  const int8_t *w;
} em_running;

#if EM_WORDS_ASM
/* Compilers load the two words one by one (LDRD is one instruction) and use a shift of its own before each addition. */
#define EM_WORDS_TAP(start_p, start_q)                                                                 \
  "ldrd %[u], %[v], [%[x]], #8\n\t"                                                                    \
  "ldrsb %[k], [%[w]], #1\n\t"                                                                         \
  "mla %[p], %[u], %[k], " start_p "\n\t"                                                              \
  "mla %[q], %[v], %[k], " start_q "\n\t"
#define EM_WORDS_FIRST EM_WORDS_TAP("%[half]", "%[half]")
#define EM_WORDS_NEXT EM_WORDS_TAP("%[p]", "%[q]")
#define EM_WORDS_APART                                                                                 \
  "add %[total0], %[total0], %[p]\n\t"                                                                 \
  "add %[high0], %[high0], %[p], asr #16\n\t"                                                          \
  "add %[total1], %[total1], %[q]\n\t"                                                                 \
  "add %[high1], %[high1], %[q], asr #16\n\t"
#define EM_WORDS_1 EM_WORDS_FIRST EM_WORDS_APART
#define EM_WORDS_2 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_3 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_4 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_RUN(text)                                                                             \
  do {                                                                                                 \
    uint32_t u, v, p, q;                                                                               \
    int32_t k;                                                                                         \
    __asm__(text                                                                                       \
            : [total0] "+&r"(s.total0), [total1] "+&r"(s.total1), [high0] "+&r"(s.high0),              \
              [high1] "+&r"(s.high1), [x] "+&r"(s.x), [w] "+&r"(s.w), [u] "=&r"(u), [v] "=&r"(v),      \
              [p] "=&r"(p), [q] "=&r"(q), [k] "=&r"(k)                                                 \
            : [half] "r"(EM_HALF), [end] "r"(end)                                                      \
            : "cc", "memory");                                                                         \
  } while (0)
#define EM_WORDS_GROUPS(count)                                                                         \
  EM_INLINE em_running em_words_##count(em_running s, const uint32_t *end)                             \
  {                                                                                                    \
    if (s.x != end) {                                                                                  \
      EM_WORDS_RUN("1:\n\t" EM_WORDS_##count EM_WORDS_##count "cmp %[x], %[end]\n\tbne 1b");           \
    }                                                                                                  \
    return s;                                                                                          \
  }                                                                                                    \
  EM_INLINE em_running em_words_last_##count(em_running s)                                             \
  {                                                                                                    \
    const uint32_t *const end = s.x;                                                                   \
    EM_WORDS_RUN(EM_WORDS_##count);                                                                    \
    return s;                                                                                          \
  }
#else
/* One group. */
EM_INLINE em_running em_words_group(em_running s, const int count)
{
  uint32_t p = EM_HALF, q = EM_HALF;
  for (int tap = 0; tap < count; ++tap) {
    const uint32_t w = (uint32_t)s.w[tap];
    p += s.x[2 * tap] * w;
    q += s.x[2 * tap + 1] * w;
  }
  s.total0 += p;
  s.high0 += (int32_t)p >> 16;
  s.total1 += q;
  s.high1 += (int32_t)q >> 16;
  s.x += 2 * count;
  s.w += count;
  return s;
}
#define EM_WORDS_GROUPS(count)                                                                         \
  EM_INLINE em_running em_words_##count(em_running s, const uint32_t *end)                             \
  {                                                                                                    \
    while (s.x != end) {                                                                               \
      s = em_words_group(s, count);                                                                    \
      s = em_words_group(s, count);                                                                    \
    }                                                                                                  \
    return s;                                                                                          \
  }                                                                                                    \
  EM_INLINE em_running em_words_last_##count(em_running s)                                             \
  {                                                                                                    \
    return em_words_group(s, count);                                                                   \
  }
#endif

EM_WORDS_GROUPS(1)
EM_WORDS_GROUPS(2)
EM_WORDS_GROUPS(3)
EM_WORDS_GROUPS(4)

EM_INLINE em_quad em_quad_sums(const em_words *layer, const uint32_t *words, const int8_t *weights, int32_t bias)
{
  const int32_t taps = layer->taps, group = weights[0];
  em_running s = {0, 0, 0, 0, words, weights + 1};
  int32_t rest = taps;
  if (group == 2) {
    rest = taps & 3;
    s = em_words_2(s, words + 2 * (taps - rest));
  } else if (group == 3) {
    rest = taps % 6;
    s = em_words_3(s, words + 2 * (taps - rest));
    if (rest >= 3) s = em_words_last_3(s);
    rest = rest >= 3 ? rest - 3 : rest;
  } else if (group == 4) {
    rest = taps & 7;
    s = em_words_4(s, words + 2 * (taps - rest));
    if ((rest & 4) != 0) s = em_words_last_4(s);
  } else {
    rest = taps & 1;
    s = em_words_1(s, words + 2 * (taps - rest));
  }
  if ((rest & 2) != 0) s = em_words_last_2(s);
  if ((rest & 1) != 0) s = em_words_last_1(s);
  const int32_t start = bias - layer->excess[group];
  const em_quad sums = {em_lower_sum(s.total0, s.high0, start), s.high0 + bias,
                        em_lower_sum(s.total1, s.high1, start), s.high1 + bias};
  return sums;
}

/* A single pixel: 8 channels in a and b of the sums, or what is left of them in a. */
EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *w, const int lanes)
{
  const int8_t *const end = x + length;
  EM_UNROLL(2)
  do {
    const int32_t u = *x++;
    s.a[0] += u * w[0];
    if (lanes > 1) s.a[1] += u * w[1];
    if (lanes > 2) s.a[2] += u * w[2];
    if (lanes > 2) s.a[3] += u * w[3];
    if (lanes > 4) s.b[0] += u * w[4];
    if (lanes > 4) s.b[1] += u * w[5];
    if (lanes > 4) s.b[2] += u * w[6];
    if (lanes > 4) s.b[3] += u * w[7];
    w += lanes;
  } while (x != end);
  return s;
}

EM_INLINE void em_single_block(const em_window *window, em_block *block, const em_output *output, const int lanes,
                               const int rounding)
{
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  for (int row = 0; row < window->rows; ++row) {
    s = em_single_row(s, window->x + row * window->row_stride, window->length, block->weights, lanes);
    block->weights += window->length * lanes;
  }
  for (int lane = 0; lane < lanes; ++lane) {
    const em_channel channel = block->channel[lane];
    const int32_t sum = channel.bias + (lane < 4 ? s.a[lane & 3] : s.b[lane & 3]);
    block->out0[lane] = em_finish(sum, channel.multiplier, block->shift[lane], output, rounding);
  }
  block->channel += lanes;
  block->shift += lanes;
  block->out0 += lanes;
}

/* All channels of a single pixel. */
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count, const em_output *output,
                               int8_t *strip, const int pixels, const int rounding)
{
  (void)strip;
  (void)pixels;
  for (; count >= 8; count -= 8) em_single_block(window, &block, output, 8, rounding);
  if ((count & 4) != 0) em_single_block(window, &block, output, 4, rounding);
  if ((count & 2) != 0) em_single_block(window, &block, output, 2, rounding);
  if ((count & 1) != 0) em_single_block(window, &block, output, 1, rounding);
}

#endif
