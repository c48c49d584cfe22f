/* The inner product of Cortex-M0, M0+ and M23: pixels as em_words.h packs them.
 *
 * Where a layer has a single pixel, weights are packed channel by channel, each in the window's order; channels are done
 * by fours. These cores load signed bytes only by two registers, and compute only in eight of theirs: one index walks
 * over all that is read at once, and the sums stay in the other registers, to which one can add. A product takes the
 * place of a factor.
 */
#ifndef EM_DOT_THUMB1_H
#define EM_DOT_THUMB1_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

enum { EM_STEP_1 = 1, EM_STEP_2 = 4, EM_STEP_3 = 3, EM_STEP_4 = 4 };
#define EM_WORDS_ASM EM_THUMB1

#include "em_words.h"

#if EM_THUMB1
/* The index is counted up last, so that it ends the loop. */
#define EM_WORDS_LOAD(p, q)                                                                            \
  "ldmia %[x]!, {" p ", " q "}\n\t"                                                                    \
  "ldrsb r3, [%[w], %[i]]\n\t"                                                                         \
  "muls " p ", r3, " p "\n\t"                                                                          \
  "muls " q ", r3, " q "\n\t"
#define EM_WORDS_COUNT "adds %[i], #1\n\t"
#define EM_WORDS_FIRST EM_WORDS_LOAD("r4", "r5")
#if defined(__clang__)
/* Its frame pointer, which it has unless it is told not to, is r7. */
#define EM_WORDS_ADD(sum)                                                                              \
  "ldmia %[x]!, {r6}\n\t"                                                                              \
  "muls r6, r3, r6\n\t"                                                                                \
  "adds " sum ", " sum ", r6\n\t"
#define EM_WORDS_NEXT EM_WORDS_COUNT "ldrsb r3, [%[w], %[i]]\n\t" EM_WORDS_ADD("r4") EM_WORDS_ADD("r5")
#define EM_WORDS_USED "r3", "r4", "r5", "r6"
#else
#define EM_WORDS_NEXT                                                                                  \
  EM_WORDS_COUNT EM_WORDS_LOAD("r6", "r7") "adds r4, r4, r6\n\t"                                       \
                                           "adds r5, r5, r7\n\t"
#define EM_WORDS_USED "r3", "r4", "r5", "r6", "r7"
#endif
#define EM_WORDS_APART                                                                                 \
  "add r4, %[half]\n\t"                                                                                \
  "add r5, %[half]\n\t"                                                                                \
  "add %[total0], r4\n\t"                                                                              \
  "add %[total1], r5\n\t"                                                                              \
  "asrs r4, r4, #16\n\t"                                                                               \
  "asrs r5, r5, #16\n\t"                                                                               \
  "add %[high0], r4\n\t"                                                                               \
  "add %[high1], r5\n\t" EM_WORDS_COUNT
#define EM_WORDS_1 EM_WORDS_FIRST EM_WORDS_APART
#define EM_WORDS_2 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_3 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_4 EM_WORDS_FIRST EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_NEXT EM_WORDS_APART
#define EM_WORDS_RUN(text)                                                                             \
  __asm__(".syntax unified\n\t" text                                                                   \
          : [total0] "+h"(s.total0), [total1] "+h"(s.total1), [high0] "+h"(s.high0),                   \
            [high1] "+h"(s.high1), [x] "+l"(s.x), [i] "+l"(i)                                          \
          : [w] "l"(s.w), [half] "h"(EM_HALF)                                                          \
          : EM_WORDS_USED, "cc", "memory")
#define EM_WORDS_GROUPS(count, loop)                                                                   \
  EM_INLINE em_running em_words_##count(em_running s, int32_t taps)                                    \
  {                                                                                                    \
    int32_t i = -taps;                                                                                 \
    s.w += taps;                                                                                       \
    if (taps > 0) EM_WORDS_RUN("1:\n\t" loop "bne 1b");                                                \
    em_lower_registers(&s);                                                                            \
    return s;                                                                                          \
  }                                                                                                    \
  EM_INLINE em_running em_words_last_##count(em_running s)                                             \
  {                                                                                                    \
    int32_t i = -count;                                                                                \
    s.w += count;                                                                                      \
    EM_WORDS_RUN(EM_WORDS_##count);                                                                    \
    em_lower_registers(&s);                                                                            \
    return s;                                                                                          \
  }

EM_INLINE void em_lower_registers(em_running *s)
{
  EM_LOWER_REGISTER(s->total0);
  EM_LOWER_REGISTER(s->high0);
  EM_LOWER_REGISTER(s->total1);
  EM_LOWER_REGISTER(s->high1);
  (void)s;
}

EM_WORDS_GROUPS(1, EM_WORDS_1)
EM_WORDS_GROUPS(2, EM_WORDS_2 EM_WORDS_2)
EM_WORDS_GROUPS(3, EM_WORDS_3)
EM_WORDS_GROUPS(4, EM_WORDS_4)

#define EM_SINGLE_LANE(weights, sum)                                                                   \
  "ldrsb %[k], [" weights ", %[i]]\n\t"                                                                \
  "muls %[k], %[u], %[k]\n\t"                                                                          \
  "add " sum ", %[k]\n\t"
#if defined(__clang__)
#define EM_SINGLE_LAST "mov %[k], %[w3]\n\t" EM_SINGLE_LANE("%[k]", "%[s3]")
#define EM_SINGLE_W3 "h"
#else
#define EM_SINGLE_LAST EM_SINGLE_LANE("%[w3]", "%[s3]")
#define EM_SINGLE_W3 "l"
#endif
#define EM_SINGLE_TAP                                                                                  \
  "ldrsb %[u], [%[x], %[i]]\n\t" EM_SINGLE_LANE("%[w0]", "%[s0]") EM_SINGLE_LANE("%[w1]", "%[s1]")     \
      EM_SINGLE_LANE("%[w2]", "%[s2]") EM_SINGLE_LAST "adds %[i], #1\n\t"
#define EM_SINGLE_SUM(text)                                                                            \
  __asm__(".syntax unified\n\t" text                                                                   \
          : [s0] "+h"(s.a[0]), [s1] "+h"(s.a[1]), [s2] "+h"(s.a[2]), [s3] "+h"(s.a[3]), [i] "+&l"(i),  \
            [u] "=&l"(u), [k] "=&l"(k)                                                                 \
          : [x] "l"(x), [w0] "l"(w[0]), [w1] "l"(w[1]), [w2] "l"(w[2]), [w3] EM_SINGLE_W3(w[3])        \
          : "cc", "memory")

/* Adds a row's products of four channels; the pointers are to the row's end. */
EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *const w[4])
{
  int i = -length;
  int32_t u, k;
  if ((length & 1) != 0) EM_SINGLE_SUM(EM_SINGLE_TAP);
  if (length > 1) EM_SINGLE_SUM("1:\n\t" EM_SINGLE_TAP EM_SINGLE_TAP "bne 1b");
  return s;
}
#else
EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *const w[4])
{
  for (int i = -length; i < 0; ++i) {
    s.a[0] += w[0][i] * x[i];
    s.a[1] += w[1][i] * x[i];
    s.a[2] += w[2][i] * x[i];
    s.a[3] += w[3][i] * x[i];
  }
  return s;
}
#endif

/* Up to four channels of a single pixel; the last one is done again in place of what is missing. */
EM_INLINE void em_single_block(const em_window *window, const em_block *block, int lanes, const em_output *output,
                               const int rounding)
{
  const int elements = window->rows * window->length;
  const int8_t *w[4];
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  for (int lane = 0; lane < 4; ++lane) w[lane] = block->weights + (lane < lanes ? lane : lanes - 1) * elements;
  for (int row = 0; row < window->rows; ++row) {
    for (int lane = 0; lane < 4; ++lane) w[lane] += window->length;
    s = em_single_row(s, window->x + row * window->row_stride + window->length, window->length, w);
  }
  for (int lane = 0; lane < lanes; ++lane) {
    const em_channel channel = block->channel[lane];
    block->out0[lane] = em_finish(channel.bias + s.a[lane], channel.multiplier, block->shift[lane], output, rounding);
  }
}

EM_INLINE void em_single_channels(const em_window *window, em_block block, int count, const em_output *output,
                                  const int rounding)
{
  for (; count > 0; count -= 4) {
    em_single_block(window, &block, count < 4 ? count : 4, output, rounding);
    block.weights += 4 * window->rows * window->length;
    block.channel += 4;
    block.shift += 4;
    block.out0 += 4;
  }
}

#endif
