/* Four pixels at a time, two in one word: for cores that multiply 32 bits by 32, but no pairs of 16 bits.
 *
 * A word is x_a + 65536 * x_b, so that one multiplication by a weight gives the products of two pixels. The sum of a few
 * of them (a group) still has each pixel's part in 16 bits; then it is taken apart: with 32768 added, its upper half is
 * pixel b's part exactly, and what all groups add up to gives pixel a's. How many taps a group may have depends on the
 * weights: the generator proves it for each channel.
 *
 * words    uint32 [taps][2]: two pixel pairs side by side, made once for all channels
 * weights  channel by channel: a byte that says how many taps a group has (1 to 4), then a byte per tap in the window's
 *          order
 * What follows groups of 3 or 4 that are whole is done as a group of two and one of one.
 *
 * The including header defines EM_PIXEL_WORDS, EM_OWN_CHANNELS, and EM_STEP_1 to EM_STEP_4, the taps that its loops for
 * such groups do at once. Then it defines em_single_channels and, with EM_WORDS_ASM, the functions of the groups.
 */
#include "em_dot.h" /* comes first, and includes the target's header, which includes this one */
#ifndef EM_WORDS_H
#define EM_WORDS_H
#if EM_PIXEL_WORDS

#if defined(__clang__)
#define EM_SHARED static __attribute__((noinline, unused))
#elif defined(__GNUC__)
#define EM_SHARED static __attribute__((noinline, noclone, unused))
#else
#define EM_SHARED static
#endif

enum { EM_HALF = 32768 };

/* For what compilers had better not compute from something else. Where registers are few they would keep a pointer for
 * each output, all of them on the stack and each written back.
 */
#if defined(__GNUC__)
#define EM_OPAQUE(value) __asm__("" : "+r"(value))
#else
#define EM_OPAQUE(value)
#endif
#if EM_WORDS_ASM
#define EM_OFFSET(value) EM_OPAQUE(value)
#else
#define EM_OFFSET(value)
#endif

/* Running sums of the two pairs, and where the next tap's words and weight are: all that was multiplied, and pixel b's
 * part of it.
 */
typedef struct {
  uint32_t total0, total1;
  int32_t high0, high1;
  const uint32_t *x;
  const int8_t *w;
} em_running;

#if EM_WORDS_ASM
/* Groups of so many until `taps` are done, and a single such group. */
EM_INLINE em_running em_words_1(em_running s, int32_t taps);
EM_INLINE em_running em_words_2(em_running s, int32_t taps);
EM_INLINE em_running em_words_3(em_running s, int32_t taps);
EM_INLINE em_running em_words_4(em_running s, int32_t taps);
EM_INLINE em_running em_words_last_1(em_running s);
EM_INLINE em_running em_words_last_2(em_running s);
EM_INLINE em_running em_words_last_3(em_running s);
EM_INLINE em_running em_words_last_4(em_running s);
#else
/* One group. */
EM_INLINE em_running em_words_group(em_running s, const int count)
{
  uint32_t p = EM_HALF, q = EM_HALF;
  EM_UNROLL(4)
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
  EM_INLINE em_running em_words_##count(em_running s, int32_t taps)                                    \
  {                                                                                                    \
    for (const int8_t *const end = s.w + taps; s.w != end;) {                                          \
      s = em_words_group(s, count);                                                                    \
      EM_OPAQUE(s.w);                                                                                  \
      EM_OPAQUE(s.x);                                                                                  \
    }                                                                                                  \
    return s;                                                                                          \
  }                                                                                                    \
  EM_INLINE em_running em_words_last_##count(em_running s)                                             \
  {                                                                                                    \
    return em_words_group(s, count);                                                                   \
  }

EM_WORDS_GROUPS(1)
EM_WORDS_GROUPS(2)
EM_WORDS_GROUPS(3)
EM_WORDS_GROUPS(4)
#endif

/* How a layer's taps are done in groups of so many: `looped` of them in the loop, `excess` is what EM_HALF adds up to. */
typedef struct {
  int32_t looped;
  int32_t excess;
} em_groups;

/* What a layer's channels have in common. */
typedef struct {
  uint32_t *words;
  int32_t taps;
  int32_t count; /* output channels */
  em_groups groups[5];
} em_words;

/* A quad's sums of one channel: pixels a and b of the first pair, then those of the second. */
typedef struct {
  int32_t a0, b0, a1, b1;
  const int8_t *next; /* the next channel's weights */
} em_quad;

/* `step`: taps that the loop does at once. */
EM_INLINE em_groups em_groups_of(int32_t taps, int32_t group, int32_t step)
{
  const int32_t rest = taps % group;
  const em_groups groups = {taps - taps % step, EM_HALF * (taps / group + (rest >> 1) + (rest & 1))};
  return groups;
}

EM_INLINE em_words em_words_of(int8_t *strip, int32_t taps, int32_t count)
{
  void *const aligned = strip; /* as the generator lays it out */
  const em_words layer = {(uint32_t *)aligned, taps, count,
                          {{0, 0}, em_groups_of(taps, 1, EM_STEP_1), em_groups_of(taps, 2, EM_STEP_2),
                           em_groups_of(taps, 3, EM_STEP_3), em_groups_of(taps, 4, EM_STEP_4)}};
  return layer;
}

/* What both sums of a pair start from: `total` for all that is multiplied, which is pixel a's sum and 65536 times pixel
 * b's, and the bias for pixel b's.
 */
EM_INLINE uint32_t em_total_start(int32_t bias, int32_t excess)
{
  return (uint32_t)bias + ((uint32_t)bias << 16) - (uint32_t)excess;
}

/* Pixel a's sum. */
EM_INLINE int32_t em_lower_sum(uint32_t total, int32_t high)
{
  return (int32_t)(total - ((uint32_t)high << 16));
}

/* What is left behind the loop for groups of so many. */
EM_INLINE em_running em_words_rest(em_running s, const int32_t group, int32_t rest)
{
  if (group == 3 && EM_STEP_3 > 3 && rest >= 3) {
    s = em_words_last_3(s);
    rest -= 3;
  }
  if (group == 4 && EM_STEP_4 > 4 && (rest & 4) != 0) s = em_words_last_4(s);
  if (group > 1 && (rest & 2) != 0) s = em_words_last_2(s);
  if ((rest & 1) != 0) s = em_words_last_1(s);
  return s;
}

/* Returns the sums of the channel whose weights these are, its bias included. */
EM_INLINE em_quad em_quad_sums(const em_words *layer, const uint32_t *words, const int8_t *weights, int32_t bias)
{
  const int32_t group = weights[0];
  const em_groups groups = layer->groups[group];
  const uint32_t start = em_total_start(bias, groups.excess);
  const int32_t rest = layer->taps - groups.looped;
  em_running s = {start, start, bias, bias, words, weights + 1};
  if (group == 2) {
    s = em_words_2(s, groups.looped);
  } else if (group == 3) {
    s = em_words_3(s, groups.looped);
  } else if (group == 4) {
    s = em_words_4(s, groups.looped);
  } else {
    s = em_words_1(s, groups.looped);
  }
  if (rest != 0) s = em_words_rest(s, group, rest);
  const em_quad sums = {em_lower_sum(s.total0, s.high0), s.high0, em_lower_sum(s.total1, s.high1), s.high1, s.w};
  return sums;
}

#define EM_PACK_TAP                                                                                    \
  *words = (uint32_t)*a++ + ((uint32_t)*b++ << 16);                                                    \
  words += 2

/* Writes a pixel pair's words to `words`, of which every other one is another pair's. */
EM_SHARED void em_pack_pair(uint32_t *words, const em_window *window)
{
  const int length = window->length;
  const int8_t *a = window->x;
  const int8_t *b = a + window->pair;
  for (int rows = window->rows; rows > 0; --rows) {
    if ((length & 1) != 0) {
      EM_PACK_TAP;
    }
    if ((length & 2) != 0) {
      EM_PACK_TAP;
      EM_PACK_TAP;
    }
    EM_ROLLED
    for (int left = length >> 2; left > 0; --left) {
      EM_PACK_TAP;
      EM_PACK_TAP;
      EM_PACK_TAP;
      EM_PACK_TAP;
    }
    a += window->row_stride - length;
    b += window->row_stride - length;
  }
}

/* All channels of a single pixel, as the including header does them. */
EM_INLINE void em_single_channels(const em_window *window, em_block block, int count, const em_output *output,
                                  const int rounding);

EM_SHARED void em_single_fast(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_FAST);
}

EM_SHARED void em_single_any(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_ANY);
}

EM_SHARED void em_single_once(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_ONCE);
}

/* All channels of a single pixel. */
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count, const em_output *output,
                               int8_t *strip, const int pixels, const int rounding)
{
  (void)strip;
  (void)pixels;
  if (rounding == EM_ROUND_FAST) {
    em_single_fast(window, block, count, output);
  } else if (rounding == EM_ROUND_ANY) {
    em_single_any(window, block, count, output);
  } else {
    em_single_once(window, block, count, output);
  }
}

#include "em_quad.h"

#endif
#endif
