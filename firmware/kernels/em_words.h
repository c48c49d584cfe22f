/* Four pixels at a time, two in one word: for cores that multiply 32 bits by 32, but no pairs of 16
 * bits.
 *
 * A word is x_a + 65536 * x_b, so that one multiplication by a weight gives the products of two
 * pixels. The sum of a few of them (a group) still has each pixel's part in 16 bits; then it is
 * taken apart: with 32768 added, its upper half is pixel b's part exactly, and what all groups add
 * up to gives pixel a's. How many taps a group may have depends on the weights: the generator
 * proves it for each channel.
 *
 * words    uint32 [taps][2]: two pixel pairs side by side, made once for all channels
 * weights  channel by channel: a byte that says how many taps a group has (1 to 4), then a byte per
 *          tap in the window's order
 * What follows groups of 3 or 4 that are whole is done as a group of two and one of one.
 *
 * The including header defines EM_PIXEL_WORDS, EM_OWN_CHANNELS and EM_QUAD_ASM: with it, assembly
 * of its own does whole channels, see em_quad_job.h. Then it defines em_single_channels.
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

/* For what compilers had better not compute from something else. */
#if defined(__GNUC__)
#define EM_OPAQUE(value) __asm__("" : "+r"(value))
#else
#define EM_OPAQUE(value)
#endif

/* A quad's sums of one channel: pixels a and b of the first pair, then those of the second. */
typedef struct {
  int32_t a0, b0, a1, b1;
  const int8_t *next; /* the next channel's weights */
} em_quad;

#if EM_QUAD_ASM
/* What a layer's channels have in common. */
typedef struct {
  uint32_t *words;
  int32_t taps;
  int32_t count; /* output channels */
  em_quad_job job;
} em_words;

EM_INLINE em_quad_groups em_quad_groups_of(uint32_t *words, int32_t taps, int32_t group,
                                           em_code *loop, int32_t bytes, int32_t unrolled)
{
  const int32_t whole = taps / group, rest = taps % group;
  const uint32_t excess =
      (uint32_t)(whole + (rest >> 1) + (rest & 1)) * ((uint32_t)EM_HALF << EM_QUAD_TWOFOLD);
  const int32_t skipped = (unrolled - whole % unrolled) % unrolled;
  const em_quad_groups groups = {words, 0u - excess,
                                 (em_code *)((uintptr_t)loop + (uintptr_t)(skipped * bytes)),
                                 em_quad_loop_limit(words, taps - rest)};
  return groups;
}

EM_INLINE em_code *em_quad_after(int32_t rest, em_code *ending)
{
  return rest == 0 ? ending
                   : (rest == 1 ? em_quad_rest_1 : (rest == 2 ? em_quad_rest_2 : em_quad_rest_3));
}

/* A layer's job; the first channel's constants and the outputs are still to be filled in. */
EM_INLINE void em_quad_prepare(em_quad_job *job, uint32_t *words, int32_t taps, em_code *ending)
{
  job->groups[0] =
      em_quad_groups_of(words, taps, 1, em_quad_loop_1, EM_QUAD_BYTES_1, EM_QUAD_UNROLLED_1);
  job->groups[1] =
      em_quad_groups_of(words, taps, 2, em_quad_loop_2, EM_QUAD_BYTES_2, EM_QUAD_UNROLLED_2);
  job->groups[2] =
      em_quad_groups_of(words, taps, 3, em_quad_loop_3, EM_QUAD_BYTES_3, EM_QUAD_UNROLLED_3);
  job->groups[3] =
      em_quad_groups_of(words, taps, 4, em_quad_loop_4, EM_QUAD_BYTES_4, EM_QUAD_UNROLLED_4);
  for (int32_t i = 0; i < 4; ++i) {
    job->after[i] = em_quad_after(taps % (i + 1), ending);
    if (taps <= i) job->groups[i].entry = job->after[i];
  }
  job->ending = ending;
  job->best = INT32_MIN;
  job->weight_bytes = taps + 1;
  job->exact = em_quad_exact();
}

/* `pooled`: whether em_quad_pooled comes after that. */
EM_INLINE em_words em_words_of(int8_t *strip, int32_t taps, int32_t count, const int rounding,
                               const int pooled)
{
  void *const aligned = strip; /* as the generator lays it out */
  em_words layer;
  layer.words = (uint32_t *)aligned;
  layer.taps = taps;
  layer.count = count;
  em_quad_prepare(&layer.job, layer.words, taps, em_quad_ending(rounding, pooled));
  return layer;
}

/* Pixel a's sum. */
EM_INLINE int32_t em_quad_lower_sum(uint32_t total, int32_t high)
{
  return (int32_t)(total - ((uint32_t)high << (16 + EM_QUAD_TWOFOLD))) >> EM_QUAD_TWOFOLD;
}

/* Returns the sums of the channel whose weights these are, its bias included; of a layer without
 * EM_ROUND_FAST. */
EM_SHARED em_quad em_quad_sums(em_words *layer, const uint32_t *words, const int8_t *weights,
                               int32_t bias)
{
  static const em_channel unbiased = {0, 0}; /* twice the sum is kept, which any bias might make too
                                              * large */
  em_running_sums s = {0, 0, 0, 0};
  em_quad_job *const job = &layer->job;
  const int32_t moved = (int32_t)(words - job->groups[0].words);
  for (int group = 0; moved != 0 && group < 4; ++group) {
    job->groups[group].words = words;
    job->groups[group].limit = em_quad_moved_limit(job->groups[group].limit, moved);
  }
  job->channel = &unbiased;
  job->out = (int8_t *)(void *)&s;
  job->weights = weights;
  em_quad_run(job);
  const em_quad sums = {em_quad_lower_sum(s.total0, s.high0) + bias, s.high0 + bias,
                        em_quad_lower_sum(s.total1, s.high1) + bias, s.high1 + bias,
                        weights + layer->taps + 1};
  return sums;
}
#else
/* Running sums of the two pairs, and where the next tap's words and weight are: all that was
 * multiplied, and pixel b's part of it.
 */
typedef struct {
  uint32_t total0, total1;
  int32_t high0, high1;
  const uint32_t *x;
  const int8_t *w;
} em_running;

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
/* Groups of so many until `taps` are done. */
EM_INLINE em_running em_words_groups(em_running s, int32_t taps, const int count)
{
  for (const int8_t *const end = s.w + taps; s.w != end;) {
    s = em_words_group(s, count);
    EM_OPAQUE(s.w);
    EM_OPAQUE(s.x);
  }
  return s;
}

/* How a layer's taps are done in groups of so many: `looped` of them in the loop, `excess` is what
 * EM_HALF adds up to. */
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

EM_INLINE em_groups em_groups_of(int32_t taps, int32_t group)
{
  const int32_t rest = taps % group;
  const em_groups groups = {taps - rest, EM_HALF * (taps / group + (rest >> 1) + (rest & 1))};
  return groups;
}

EM_INLINE em_words em_words_of(int8_t *strip, int32_t taps, int32_t count, const int rounding,
                               const int pooled)
{
  (void)rounding;
  (void)pooled;
  void *const aligned = strip; /* as the generator lays it out */
  const em_words layer = {(uint32_t *)aligned,
                          taps,
                          count,
                          {{0, 0},
                           em_groups_of(taps, 1),
                           em_groups_of(taps, 2),
                           em_groups_of(taps, 3),
                           em_groups_of(taps, 4)}};
  return layer;
}

/* What both sums of a pair start from: `total` for all that is multiplied, which is pixel a's sum
 * and 65536 times pixel b's, and the bias for pixel b's.
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

/* Returns the sums of the channel whose weights these are, its bias included. */
EM_INLINE em_quad em_quad_sums(em_words *layer, const uint32_t *words, const int8_t *weights,
                               int32_t bias)
{
  const int32_t group = weights[0];
  const em_groups groups = layer->groups[group];
  const uint32_t start = em_total_start(bias, groups.excess);
  const int32_t rest = layer->taps - groups.looped;
  em_running s = {start, start, bias, bias, words, weights + 1};
  if (group == 2) {
    s = em_words_groups(s, groups.looped, 2);
  } else if (group == 3) {
    s = em_words_groups(s, groups.looped, 3);
  } else if (group == 4) {
    s = em_words_groups(s, groups.looped, 4);
  } else {
    s = em_words_groups(s, groups.looped, 1);
  }
  if ((rest & 2) != 0) s = em_words_group(s, 2);
  if ((rest & 1) != 0) s = em_words_group(s, 1);
  const em_quad sums = {em_lower_sum(s.total0, s.high0), s.high0, em_lower_sum(s.total1, s.high1),
                        s.high1, s.w};
  return sums;
}
#endif

#define EM_PACK_TAP                                                                                \
  *words = (uint32_t)*a++ + ((uint32_t)*b++ << 16);                                                \
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

/* The same of a window of few elements, whose sizes are constants: most of the other is around its
 * loops. */
EM_INLINE void em_pack_small(uint32_t *words, const em_window *window)
{
  EM_UNROLL(4)
  for (int row = 0; row < window->rows; ++row) {
    EM_UNROLL(4)
    for (int i = 0; i < window->length; ++i) {
      const int8_t *const x = window->x + row * window->row_stride + i;
      words[2 * (row * window->length + i)] = (uint32_t)x[0] + ((uint32_t)x[window->pair] << 16);
    }
  }
}

/* All channels of a single pixel, as the including header does them. */
EM_INLINE void em_single_channels(const em_window *window, em_block block, int count,
                                  const em_output *output, int8_t *strip, const int rounding);

EM_SHARED void em_single_fast(const em_window *window, em_block block, int count,
                              const em_output *output, int8_t *strip)
{
  em_single_channels(window, block, count, output, strip, EM_ROUND_FAST);
}

EM_SHARED void em_single_any(const em_window *window, em_block block, int count,
                             const em_output *output, int8_t *strip)
{
  em_single_channels(window, block, count, output, strip, EM_ROUND_ANY);
}

EM_SHARED void em_single_once(const em_window *window, em_block block, int count,
                              const em_output *output, int8_t *strip)
{
  em_single_channels(window, block, count, output, strip, EM_ROUND_ONCE);
}

/* All channels of a single pixel. */
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count,
                               const em_output *output, int8_t *strip, const int pixels,
                               const int rounding)
{
  (void)pixels;
  if (rounding == EM_ROUND_FAST) {
    em_single_fast(window, block, count, output, strip);
  } else if (rounding == EM_ROUND_ANY) {
    em_single_any(window, block, count, output, strip);
  } else {
    em_single_once(window, block, count, output, strip);
  }
}

#include "em_quad.h"

#endif
#endif
