/* All channels of a pixel or two for Cortex-M4, M7 and M33, whose DSP instructions multiply two pairs of 16-bit numbers.
 *
 * Channels are done in pairs, low and high, and one left over by itself. A window's elements, row after row, are in groups
 * of four, filled up with weights of zero; a group is in the order 0, 2, 1, 3.
 *
 * Weights: of a pair 16-bit numbers 256 * high + low, little-endian; of a channel left over bytes, in the window's own
 * order. So a word of weights is an operand of SMLAD as it stands and gives 256 times the high channel's sum plus the low
 * one's; its low bytes, which SXTB16 spreads, give the low one's by itself. No high weight may be -128 where the low one is
 * negative; the generator sees to that. Weights are aligned to words.
 *
 * `strip`: the activations as 16-bit numbers, once for all channels. Of one pixel, for each group the word of elements 0
 * and 2 and that of 1 and 3; of two, pixel a's and b's words take turns. Windows of a pool lie one after another. Behind
 * them, where rows lie apart and are no whole groups, there is room for both pixels' elements as bytes.
 */
#ifndef EM_DOT_DSP_H
#define EM_DOT_DSP_H

#include "em_pairs_dsp.h"

#define EM_OWN_CHANNELS 1
#define EM_CHANNEL_BYTES(elements) (((elements) + 3) & ~3)

/* A long row of one pixel by itself is done in parts, for so many channels at a time, whose sums lie behind the strip; one
 * of as many elements as take no more bytes is done as a whole.
 */
enum { EM_PART_ELEMENTS = 240, EM_PART_CHANNELS = 64, EM_WHOLE_ELEMENTS = EM_PART_ELEMENTS + 2 * EM_PART_CHANNELS };

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
EM_INLINE int8_t *em_widen_group(const int8_t *x, int pair, int count, int8_t *strip, const int pixels)
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

/* Widens a whole group. Compilers store the four words one by one: 13 instructions a group instead of 8 to 9. */
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
                     : [strip] "+r"(strip)
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

/* Widens a small window's rows element by element, which beats putting them together first. What no element fills may be
 * anything: its weights are zero.
 */
EM_INLINE void em_widen_small(const em_window *window, const int8_t *x, int8_t *strip, const int pixels)
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

/* Widens a pixel's or two pixels' window; returns the strip's end. */
EM_PART int8_t *em_widen(const em_window *window, int8_t *strip, int8_t *joined, const int pixels)
{
  const int elements = window->rows * window->length;
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
    strip = em_widen_run(window->x + row * window->row_stride, window->pair, window->length, strip, pixels);
  }
  return strip;
}

/* What lies widened in a strip: a window of so many groups, for 1 or 2 pixels, or `windows` of them for a pool. */
typedef struct {
  const int8_t *strip;
  int groups;
  int windows; /* 0: no pool */
  int pixels;
} em_wide;

#if EM_DSP
/* All about the window and its weights. A window of many groups is done in rounds, of which the first is the odd one. */
EM_PART void em_prepare(em_job *job, const em_wide *wide, const int8_t *weights)
{
  const int first = (wide->groups - 1) % EM_ROUND_GROUPS + 1;
  const int steps = wide->pixels == 1 ? first / 2 : first - 1;
  const int bytes = 8 * wide->pixels;
  job->weights = weights;
  job->x = wide->strip;
  job->x_end = wide->strip + first * bytes;
  job->skipped = steps == 0 ? 4 : -steps & 3;
  if (wide->pixels == 1) job->distance = first & 1;
  job->state.x_bytes = first * bytes;
  job->state.rounds = job->state.left = (wide->groups - 1) / EM_ROUND_GROUPS;
  job->state.round_bytes = EM_ROUND_GROUPS * bytes;
  job->state.sums[0] = job->state.sums[1] = job->state.sums[2] = job->state.sums[3] = 0;
}

EM_INLINE void em_do(em_job *job, const em_wide *wide)
{
  if (wide->pixels == 1) {
    em_one_pixel(job);
  } else {
    em_two_pixels(job);
  }
}

/* A pair's sums, without biases. */
EM_PART em_sums em_pair_sums(const em_wide *wide, const int8_t *weights)
{
  int32_t sums[4];
  em_job job;
  em_prepare(&job, wide, weights);
  job.out = sums;
  job.ending = em_long_sums;
  job.state.ending = em_keep_sums;
  em_do(&job, wide);
  const em_sums s = {{sums[1], sums[0], 0, 0}, {sums[3], sums[2], 0, 0}};
  return s;
}

/* The outputs of `pairs` pairs of channels, with EM_ROUND_FAST and no limits but -128 and 127. */
EM_INLINE void em_fast_pairs(const em_wide *wide, const em_block *block, int pairs, const em_output *output)
{
  const int pooled = wide->windows > 0, two = wide->pixels > 1;
  em_job job;
  job.distance = (int32_t)(block->out1 - block->out0);
  em_prepare(&job, wide, block->weights);
  job.channel = block->channel;
  job.channel_end = block->channel + 2 * pairs;
  job.shift = block->shift;
  job.out = block->out0;
  job.unit = 2 * output->zero_point + 1;
  if (pooled) {
    job.state.best[0] = job.state.best[1] = INT32_MIN;
    job.state.x = wide->strip + wide->windows * wide->groups * 16;
    job.state.weight_bytes = wide->groups * 8;
  }
  if (EM_SIZE || wide->groups > EM_ROUND_GROUPS) { /* for size, without the endings for short windows */
    job.state.ending = pooled ? em_finish_whole_pool : (two ? em_finish_whole_two : em_finish_whole_one);
    job.ending = em_long_sums;
  } else {
    job.ending = pooled ? em_finish_pool : (two ? em_finish_two : em_finish_one);
  }
  em_do(&job, wide);
}
#else
/* The same sums: what is below holds everywhere. */
EM_PART em_sums em_pair_sums(const em_wide *wide, const int8_t *weights)
{
  const int words = 2 * wide->groups, round = 2 * EM_ROUND_GROUPS;
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  uint32_t both[2] = {0, 0}, low[2] = {0, 0};
  for (int word = 0; word < words; ++word) {
    const uint32_t w = em_load_4(weights + 4 * word);
    for (int pixel = 0; pixel < wide->pixels; ++pixel) {
      const uint32_t x = em_load_4(wide->strip + 4 * (wide->pixels * word + pixel));
      both[pixel] = em_multiply_pairs(both[pixel], x, w);
      low[pixel] = em_multiply_pairs(low[pixel], x, em_spread_even(w));
    }
    if ((words - word - 1) % round != 0) continue;
    s.a[0] += (int32_t)low[0];
    s.a[1] += (int32_t)(both[0] - low[0]) >> 8;
    s.b[0] += (int32_t)low[1];
    s.b[1] += (int32_t)(both[1] - low[1]) >> 8;
    both[0] = both[1] = low[0] = low[1] = 0;
  }
  return s;
}
#endif

/* The sum of the channel left over, without its bias. */
EM_PART em_sums em_single_sums(const em_wide *wide, const int8_t *weights)
{
  const int8_t *strip = wide->strip;
  uint32_t a = 0, b = 0;
  for (int word = 0; word < 2 * wide->groups; ++word) {
    const uint32_t group = em_load_4(weights + 4 * (word >> 1));
    const uint32_t w = (word & 1) != 0 ? em_spread_odd(group) : em_spread_even(group);
    a = em_multiply_pairs(a, em_load_4(strip), w);
    if (wide->pixels > 1) b = em_multiply_pairs(b, em_load_4(strip + 4), w);
    strip += 4 * wide->pixels;
  }
  const em_sums s = {{(int32_t)a, 0, 0, 0}, {(int32_t)b, 0, 0, 0}};
  return s;
}

EM_INLINE em_sums em_wide_sums(const em_wide *wide, const int8_t *weights, const int lanes)
{
  return lanes == 2 ? em_pair_sums(wide, weights) : em_single_sums(wide, weights);
}

/* The outputs of a pair of channels or of the one left over. */
EM_PART void em_any_block(const em_wide *wide, const em_block *block, const em_output *output, const int lanes,
                          const int rounding)
{
  em_wide window = *wide;
  em_sums s = em_wide_sums(&window, block->weights, lanes);
  for (int i = 1; i < wide->windows; ++i) {
    window.strip += 16 * wide->groups;
    const em_sums next = em_wide_sums(&window, block->weights, lanes);
    for (int lane = 0; lane < lanes; ++lane) {
      s.a[lane] = next.a[lane] > s.a[lane] ? next.a[lane] : s.a[lane];
      s.b[lane] = next.b[lane] > s.b[lane] ? next.b[lane] : s.b[lane];
    }
  }
  for (int lane = 0; lane < lanes; ++lane) {
    const em_channel *const channel = &block->channel[lane];
    const int pooled = wide->windows > 0;
    const int32_t a = pooled && s.b[lane] > s.a[lane] ? s.b[lane] : s.a[lane];
    block->out0[lane] = em_finish(a + channel->bias, channel->multiplier, block->shift[lane], output, rounding);
    if (wide->pixels == 1 || pooled) continue;
    block->out1[lane] = em_finish(s.b[lane] + channel->bias, channel->multiplier, block->shift[lane], output, rounding);
  }
}

/* The fused activation, on outputs that are within -128 and 127 already. */
EM_INLINE void em_limit(int8_t *out, int count, const em_output *output)
{
  if (output->minimum == -128 && output->maximum == 127) return;
  for (int i = 0; i < count; ++i) out[i] = (int8_t)em_clamp(out[i], output->minimum, output->maximum);
}

EM_INLINE void em_move_on(em_block *block, int channels, int groups)
{
  block->weights += channels * groups * 4;
  block->channel += channels;
  block->shift += channels;
  block->out0 += channels;
  block->out1 += channels;
}

/* Adds to `sums` those of `count` channels over the part of a row that is in the strip: from the element `done` on. `groups`
 * are those of the whole row.
 */
EM_INLINE void em_add_part(const em_wide *wide, const int8_t *weights, int done, int groups, int count, int32_t *sums)
{
  const int paired = count & -2;
#if EM_DSP
  if (paired > 0) {
    em_job job;
    em_prepare(&job, wide, weights + 2 * done);
    job.out = sums;
    job.unit = 8 * (groups - wide->groups);
    job.channel_end = sums + paired;
    job.ending = em_add_sums;
    em_do(&job, wide);
  }
#else
  for (int i = 0; i < paired; i += 2) {
    const em_sums s = em_pair_sums(wide, weights + 2 * done + 4 * groups * i);
    sums[i] += s.a[0];
    sums[i + 1] += s.a[1];
  }
#endif
  if (count > paired) sums[paired] += em_single_sums(wide, weights + done + 4 * groups * paired).a[0];
}

/* One pixel's long row, part by part and a few channels at a time, so that the strip stays small. */
EM_PART void em_long_row(const int8_t *x, int length, em_block block, int count, const em_output *output, int8_t *strip,
                           const int rounding)
{
  const int groups = (length + 3) / 4;
  int32_t *const sums = (int32_t *)(void *)(strip + 2 * EM_PART_ELEMENTS);
  for (int left = count; left > 0; left -= EM_PART_CHANNELS) {
    const int channels = left < EM_PART_CHANNELS ? left : EM_PART_CHANNELS;
    for (int i = 0; i < channels; ++i) sums[i] = block.channel[i].bias;
    for (int done = 0; done < length; done += EM_PART_ELEMENTS) {
      const int part = length - done < EM_PART_ELEMENTS ? length - done : EM_PART_ELEMENTS;
      const em_wide wide = {strip, (part + 3) / 4, 0, 1};
      em_widen_run(x + done, 0, part, strip, 1);
      em_add_part(&wide, block.weights, done, groups, channels, sums);
    }
    for (int i = 0; i < channels; ++i) {
      block.out0[i] = em_finish(sums[i], block.channel[i].multiplier, block.shift[i], output, rounding);
    }
    em_move_on(&block, channels, groups);
  }
}

/* All channels of the windows in the strip. */
EM_PART void em_wide_channels(const em_wide *wide, em_block block, int count, const em_output *output, const int rounding)
{
#if EM_DSP
  if (rounding == EM_ROUND_FAST && count > 1) {
    const int paired = count & -2;
    em_fast_pairs(wide, &block, count / 2, output);
    em_limit(block.out0, paired, output);
    if (wide->pixels > 1 && wide->windows == 0) em_limit(block.out1, paired, output);
    em_move_on(&block, paired, wide->groups);
    count &= 1;
  }
#endif
  for (; count > 1; count -= 2) {
    em_any_block(wide, &block, output, 2, rounding);
    em_move_on(&block, 2, wide->groups);
  }
  if (count > 0) em_any_block(wide, &block, output, 1, rounding);
}

/* See em_dot_channels. */
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count, const em_output *output, int8_t *strip,
                               const int pixels, const int rounding)
{
  const em_wide wide = {strip, (window->rows * window->length + 3) / 4, 0, pixels};
  if (pixels == 1 && window->rows == 1 && window->length > EM_WHOLE_ELEMENTS) {
    em_long_row(window->x, window->length, block, count, output, strip, rounding);
    return;
  }
  em_widen(window, strip, strip + 8 * wide.groups * pixels, pixels);
  em_wide_channels(&wide, block, count, output, rounding);
}

/* See em_dot_pooled. */
EM_INLINE void em_own_pooled(const em_window *windows, int pairs, em_block block, int count, const em_output *output,
                             int8_t *strip, const int rounding)
{
  const em_wide wide = {strip, (windows[0].rows * windows[0].length + 3) / 4, pairs, 2};
  int8_t *const joined = strip + 16 * wide.groups * pairs;
  EM_UNROLL(2)
  for (int i = 0; i < pairs; ++i) strip = em_widen(&windows[i], strip, joined, 2);
  em_wide_channels(&wide, block, count, output, rounding);
}

#endif
