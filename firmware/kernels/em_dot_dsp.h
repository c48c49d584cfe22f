/* All channels of a pixel or two for Cortex-M4, M7 and M33, whose DSP instructions multiply two
 * pairs of 16-bit numbers.
 *
 * Channels are done in pairs, low and high, and one left over by itself. A window's elements, row
 * after row, are in groups of four, filled up with weights of zero; a group is in the order 0, 2,
 * 1, 3. Two or three rows that lack an element of whole groups are filled up each
 * (em_rows_by_groups), which takes no more groups.
 *
 * Weights: of a pair 16-bit numbers 256 * high + low, little-endian; of a channel left over bytes,
 * in the window's own order. So a word of weights is an operand of SMLAD as it stands and gives 256
 * times the high channel's sum plus the low one's; its low bytes, which SXTB16 spreads, give the
 * low one's by itself. No high weight may be -128 where the low one is negative; the generator sees
 * to that. Weights are aligned to words.
 *
 * `strip`: the activations as 16-bit numbers, once for all channels. Of one pixel, for each group
 * the word of elements 0 and 2 and that of 1 and 3; of two, pixel a's and b's words take turns.
 * Windows of a pool lie one after another. Behind them, where rows lie apart and are no whole
 * groups, there is room for both pixels' elements as bytes.
 */
#ifndef EM_DOT_DSP_H
#define EM_DOT_DSP_H

#define EM_OWN_CHANNELS 1
#define EM_OWN_PAIRS 1
#define EM_CHANNEL_BYTES(elements) (((elements) + 3) & ~3)

#include "em_pairs_dsp.h"
#include "em_widen_dsp.h"

/* A long row of one pixel by itself is done in parts, for so many channels at a time, whose sums
 * lie behind the strip; one of as many elements as take no more bytes is done as a whole.
 */
enum {
  EM_PART_ELEMENTS = 264,
  EM_PART_CHANNELS = 64,
  EM_WHOLE_ELEMENTS = EM_PART_ELEMENTS + 2 * EM_PART_CHANNELS
};

/* What lies widened in a strip: a window of so many groups, for 1 or 2 pixels, or `windows` of them
 * for a pool. */
typedef struct {
  const int8_t *strip;
  int groups;
  int windows; /* 0: no pool */
  int pixels;
} em_wide;

#if EM_DSP
/* All about the window and its weights. A window of many groups is done in rounds, of which the
 * first is the odd one; `whole`: whether em_long_sums, which knows of rounds, comes next.
 */
EM_PART void em_prepare(em_job *job, const em_wide *wide, const int8_t *weights, const int whole)
{
  const int first = (wide->groups - 1) % EM_ROUND_GROUPS + 1;
  const int steps = wide->pixels == 1 ? first / 2 : first - 1;
  const int in_loop = wide->pixels == 1 ? EM_ONE_STEPS : EM_TWO_STEPS;
  const int bytes = 8 * wide->pixels;
  job->weights = weights;
  job->x = wide->strip;
  job->x_end = wide->strip + first * bytes;
  job->skipped = steps == 0 ? in_loop : (in_loop - steps % in_loop) % in_loop;
  if (wide->pixels == 1) job->distance = first & 1;
  if (!whole) return;
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
  em_prepare(&job, wide, weights, 1);
  job.out = sums;
  job.ending = em_long_sums;
  job.state.ending = em_keep_sums;
  em_do(&job, wide);
  const em_sums s = {{sums[1], sums[0], 0, 0}, {sums[3], sums[2], 0, 0}};
  return s;
}

/* The job of `pairs` pairs of channels, with EM_ROUND_FAST and no limits but -128 and 127. */
EM_INLINE void em_fast_job(em_job *job, const em_wide *wide, const em_block *block, int pairs,
                           const em_output *output)
{
  const int pooled = wide->windows > 0, two = wide->pixels > 1;
  /* for size, without the endings for short windows */
  const int whole = EM_SIZE || wide->groups > EM_ROUND_GROUPS;
  job->distance = (int32_t)(block->out1 - block->out0);
  em_prepare(job, wide, block->weights, whole);
  job->channel = block->channel;
  job->channel_end = block->channel + 2 * pairs;
  job->shift = block->shift;
  job->out = block->out0;
  job->unit = 2 * output->zero_point + 1;
  if (pooled) {
    job->state.best[0] = job->state.best[1] = INT32_MIN;
    if (!whole) job->state.x_bytes = wide->groups * 16;
    job->state.x = wide->strip + wide->windows * wide->groups * 16;
    job->state.weight_bytes = wide->groups * 8;
  }
  if (whole) {
    job->state.ending =
        pooled ? em_finish_whole_pool : (two ? em_finish_whole_two : em_finish_whole_one);
    job->ending = em_long_sums;
  } else {
    job->ending = pooled ? em_finish_pool : (two ? em_finish_two : em_finish_one);
  }
}

/* Their outputs. */
EM_INLINE void em_fast_pairs(const em_wide *wide, const em_block *block, int pairs,
                             const em_output *output)
{
  em_job job;
  em_fast_job(&job, wide, block, pairs, output);
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
EM_PART void em_any_block(const em_wide *wide, const em_block *block, const em_output *output,
                          const int lanes, const int rounding)
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
    block->out0[lane] =
        em_finish(a + channel->bias, channel->multiplier, block->shift[lane], output, rounding);
    if (wide->pixels == 1 || pooled) continue;
    block->out1[lane] = em_finish(s.b[lane] + channel->bias, channel->multiplier,
                                  block->shift[lane], output, rounding);
  }
}

/* The fused activation, on outputs that are within -128 and 127 already. */
EM_INLINE void em_limit(int8_t *out, int count, const em_output *output)
{
  if (output->minimum == -128 && output->maximum == 127) return;
  for (int i = 0; i < count; ++i)
    out[i] = (int8_t)em_clamp(out[i], output->minimum, output->maximum);
}

EM_INLINE void em_move_on(em_block *block, int channels, int groups)
{
  block->weights += channels * groups * 4;
  block->channel += channels;
  block->shift += channels;
  block->out0 += channels;
  block->out1 += channels;
}

/* Adds to `sums` those of `count` channels over the part of a row that is in the strip: from the
 * element `done` on. `groups` are those of the whole row.
 */
EM_INLINE void em_add_part(const em_wide *wide, const int8_t *weights, int done, int groups,
                           int count, int32_t *sums)
{
  const int paired = count & -2;
#if EM_DSP
  if (paired > 0) {
    em_job job;
    em_prepare(&job, wide, weights + 2 * done, 0);
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
  if (count > paired)
    sums[paired] += em_single_sums(wide, weights + done + 4 * groups * paired).a[0];
}

/* One pixel's long row, part by part and a few channels at a time, so that the strip stays
 * small. */
EM_PART void em_long_row(const int8_t *x, int length, em_block block, int count,
                         const em_output *output, int8_t *strip, const int rounding)
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
      block.out0[i] =
          em_finish(sums[i], block.channel[i].multiplier, block.shift[i], output, rounding);
    }
    em_move_on(&block, channels, groups);
  }
}

/* All channels of the windows in the strip. */
EM_PART void em_wide_channels(const em_wide *wide, em_block block, int count,
                              const em_output *output, const int rounding)
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
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count,
                               const em_output *output, int8_t *strip, const int pixels,
                               const int rounding)
{
  const em_wide wide = {strip, (window->rows * window->length + 3) / 4, 0, pixels};
  if (pixels == 1 && window->rows == 1 && window->length > EM_WHOLE_ELEMENTS) {
    em_long_row(window->x, window->length, block, count, output, strip, rounding);
    return;
  }
  em_widen(window, strip, strip + 8 * wide.groups * pixels, pixels);
  em_wide_channels(&wide, block, count, output, rounding);
}

/* Pairs of pixels that lie evenly, for a number of channels that fours divide: one job serves all
 * of them. */
EM_INLINE void em_own_pairs(const em_window *window, em_block block, int count,
                            const em_output *output, int8_t *strip, int pairs, int x_step,
                            int out_step, const int rounding)
{
  em_window at = *window;
#if EM_DSP
  const em_wide wide = {strip, (window->length + 3) / 4, 0, 2};
  em_job job;
  if (rounding == EM_ROUND_FAST) em_fast_job(&job, &wide, &block, count / 2, output);
#endif
  for (int i = 0; i < pairs; ++i) {
#if EM_DSP
    if (rounding == EM_ROUND_FAST) {
      em_widen_run(at.x, at.pair, at.length, strip, 2);
      job.out = block.out0;
      em_two_pixels(&job);
      em_limit(block.out0, count, output);
      em_limit(block.out1, count, output);
    } else {
      em_own_channels(&at, block, count, output, strip, 2, rounding);
    }
#else
    em_own_channels(&at, block, count, output, strip, 2, rounding);
#endif
    at.x += x_step;
    block.out0 += out_step;
    block.out1 += out_step;
  }
}

/* See em_dot_pooled. */
EM_INLINE void em_own_pooled(const em_window *windows, int pairs, em_block block, int count,
                             const em_output *output, int8_t *strip, const int rounding)
{
  const em_wide wide = {strip, (windows[0].rows * windows[0].length + 3) / 4, pairs, 2};
  int8_t *const joined = strip + 16 * wide.groups * pairs;
  EM_UNROLL(2)
  for (int i = 0; i < pairs; ++i) strip = em_widen(&windows[i], strip, joined, 2);
  em_wide_channels(&wide, block, count, output, rounding);
}

#endif
