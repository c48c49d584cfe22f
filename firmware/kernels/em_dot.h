/* The inner product that convolutions and dense layers share.
 *
 * Weights are packed in blocks of `lanes` output channels: for each input element the block's
 * weights stand side by side. Channels come in blocks of 4, then at most one of 2, then at most one
 * of 1; EM_EACH_BLOCK walks them. A target's own body may have another order, and smaller blocks;
 * its header says which.
 */
#ifndef EM_DOT_H
#define EM_DOT_H

#include "em_common.h"

/* What an inner product reads: `rows` runs of `length` elements, `row_stride` bytes apart, at one
 * pixel or, `pair` bytes further on, at a second one. For one pixel `pair` is 0: it may be read
 * twice over.
 */
typedef struct {
  const int8_t *x;
  int pair;
  int row_stride;
  int rows;
  int length;
} em_window;

/* The block that is being done: its weights and requantisation, and where each of the two pixels'
 * results go. */
typedef struct {
  const int8_t *weights;
  const em_channel *channel;
  const int8_t *shift;
  int8_t *out0;
  int8_t *out1;
} em_block;

/* Sums of up to 4 channels for up to 2 pixels (a, b). Indices are constants where speed counts, so
 * that the sums stay in registers.
 */
typedef struct {
  int32_t a[4], b[4];
} em_sums;

/* Adds one row's products. `lanes` is 1, 2 or 4, `pixels` 1 or 2, both constant; the weights of
 * neighbouring elements are `stride` apart.
 */
EM_INLINE em_sums em_dot_row(em_sums s, const int8_t *x, int pair, int length,
                             const int8_t *weights, const int stride, const int lanes,
                             const int pixels)
{
  const int8_t *const end = x + length;
  EM_UNROLL(2)
  do {
    const int32_t u = x[0];
    const int32_t v = pixels > 1 ? x[pair] : 0;
    int32_t w = weights[0];
    ++x;
    s.a[0] += w * u;
    if (pixels > 1) s.b[0] += w * v;
    if (lanes > 1) {
      w = weights[1];
      s.a[1] += w * u;
      if (pixels > 1) s.b[1] += w * v;
    }
    if (lanes > 2) {
      w = weights[2];
      s.a[2] += w * u;
      if (pixels > 1) s.b[2] += w * v;
      w = weights[3];
      s.a[3] += w * u;
      if (pixels > 1) s.b[3] += w * v;
    }
    weights += stride;
  } while (x != end);
  return s;
}

EM_INLINE em_sums em_dot_rows(em_sums s, const em_window *window, const int8_t *weights,
                              const int stride, const int lanes, const int pixels)
{
  for (int row = 0; row < window->rows; ++row) {
    s = em_dot_row(s, window->x + row * window->row_stride, window->pair, window->length,
                   weights + row * window->length * stride, stride, lanes, pixels);
  }
  return s;
}

/* A target's own body for the largest blocks: EM_TARGET_DOT names a header that defines
 * em_sums em_dot_block(const em_window *window, const em_block *block, int pixels), `pixels` not
 * constant with EM_SIZE, and may define EM_LANES, the channels of such a block: 4 or 2.
 *
 * Or it does all of a layer's channels in its own way: then it defines EM_OWN_CHANNELS as 1 and,
 * with the arguments of em_dot_channels and em_dot_pooled below, em_own_channels and em_own_pooled;
 * EM_LANES and em_dot_block are not needed then. `strip` is scratch of so many bytes as the
 * generator knows that the body needs (DenseBody.strip), aligned to 4. With EM_PIXEL_WORDS the
 * kernels hand it two pixel pairs at a time, see em_words.h; em_own_channels is then for a single
 * pixel, and em_own_pooled is not needed. With EM_OWN_PAIRS defined as 1 it has em_own_pairs too,
 * which does `pairs` pairs of pixels, x_step and out_step apart, of a number of channels that fours
 * divide. Where its weights are made up to more bytes than there are weights, it defines
 * EM_CHANNEL_BYTES(elements), the bytes of a channel, or EM_OWN_PACKING as 1 and
 * em_own_packed_bytes with the arguments of em_packed_bytes below.
 */
#if defined(EM_TARGET_DOT)
#include EM_TARGET_DOT
#endif
#ifndef EM_LANES
#define EM_LANES 4
#endif
#ifndef EM_OWN_CHANNELS
#define EM_OWN_CHANNELS 0
#endif
#ifndef EM_PIXEL_WORDS
#define EM_PIXEL_WORDS 0
#endif
#ifndef EM_OWN_PAIRS
#define EM_OWN_PAIRS 0
#endif
#ifndef EM_CHANNEL_BYTES
#define EM_CHANNEL_BYTES(elements) (elements)
#endif
#ifndef EM_OWN_PACKING
#define EM_OWN_PACKING 0
#endif

/* Bytes of `channels` channels' packed weights, for windows of `rows` rows of `length` elements. */
EM_INLINE int em_packed_bytes(int channels, int rows, int length)
{
#if EM_OWN_PACKING
  return em_own_packed_bytes(channels, rows, length);
#else
  return channels * EM_CHANNEL_BYTES(rows * length);
#endif
}

/* Runs `statement` once for each block of `count` channels, with `lanes` as a constant where code
 * size allows. */
#if EM_SIZE
#define EM_EACH_BLOCK(count, lanes, statement)                                                     \
  for (int lanes, em_left = (count); em_left > 0; em_left -= lanes) {                              \
    lanes = em_left >= EM_LANES ? EM_LANES : (em_left >= 2 ? 2 : 1);                               \
    statement;                                                                                     \
  }
#else
#define EM_EACH_BLOCK(count, lanes, statement)                                                     \
  do {                                                                                             \
    int em_left = (count);                                                                         \
    for (; em_left >= EM_LANES; em_left -= EM_LANES) {                                             \
      enum { lanes = EM_LANES };                                                                   \
      statement;                                                                                   \
    }                                                                                              \
    if (em_left >= 2) {                                                                            \
      enum { lanes = 2 };                                                                          \
      statement;                                                                                   \
    }                                                                                              \
    if ((em_left & 1) != 0) {                                                                      \
      enum { lanes = 1 };                                                                          \
      statement;                                                                                   \
    }                                                                                              \
  } while (0)
#endif

/* Returns the block's sums, biases included, for `lanes` channels (1, 2 or 4) at `pixels` pixels (1
 * or 2). */
EM_PART em_sums em_dot(const em_window *window, const em_block *block, const int lanes,
                       const int pixels)
{
#if defined(EM_TARGET_DOT) && !EM_OWN_CHANNELS
  if (lanes == EM_LANES) return em_dot_block(window, block, pixels);
#endif
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  s.a[0] = s.b[0] = block->channel[0].bias;
  if (lanes > 1) s.a[1] = s.b[1] = block->channel[1].bias;
  if (lanes > 2) {
    s.a[2] = s.b[2] = block->channel[2].bias;
    s.a[3] = s.b[3] = block->channel[3].bias;
  }
  if (!EM_SIZE) return em_dot_rows(s, window, block->weights, lanes, lanes, pixels);
  if (lanes == 4) {
    return pixels > 1 ? em_dot_rows(s, window, block->weights, 4, 4, 2)
                      : em_dot_rows(s, window, block->weights, 4, 4, 1);
  }
  if (lanes == 2) {
    em_sums second = s;
    second.a[0] = second.b[0] = s.a[1];
    second = em_dot_rows(second, window, block->weights + 1, 2, 1, 2);
    s.a[1] = second.a[0];
    s.b[1] = second.b[0];
  }
  return em_dot_rows(s, window, block->weights, lanes, 1, 2);
}

EM_INLINE void em_store_lane(const em_block *block, int lane, int32_t a, int32_t b,
                             const em_output *output, const int pixels, const int rounding)
{
  const int32_t multiplier = block->channel[lane].multiplier;
  const int shift = block->shift[lane];
  block->out0[lane] = em_finish(a, multiplier, shift, output, rounding);
  if (pixels > 1) block->out1[lane] = em_finish(b, multiplier, shift, output, rounding);
}

/* Requantises and stores a block's sums and moves on to the next block; `length` is the elements
 * per channel. */
EM_PART void em_store(em_block *block, const em_sums *s, int length, const em_output *output,
                      const int lanes, const int pixels, const int rounding)
{
  if (EM_SIZE) {
    for (int lane = 0; lane < lanes; ++lane) {
      em_store_lane(block, lane, s->a[lane], s->b[lane], output, pixels, rounding);
    }
  } else {
    em_store_lane(block, 0, s->a[0], s->b[0], output, pixels, rounding);
    if (lanes > 1) em_store_lane(block, 1, s->a[1], s->b[1], output, pixels, rounding);
    if (lanes > 2) {
      em_store_lane(block, 2, s->a[2], s->b[2], output, pixels, rounding);
      em_store_lane(block, 3, s->a[3], s->b[3], output, pixels, rounding);
    }
  }
  block->weights += lanes * length;
  block->channel += lanes;
  block->shift += lanes;
  block->out0 += lanes;
  block->out1 += lanes;
}

/* Lane by lane the larger of `best` (in a) and of both pixels of `s`. */
EM_INLINE void em_keep_max(em_sums *best, const em_sums *s, const int lanes)
{
  if (EM_SIZE) {
    for (int lane = 0; lane < lanes; ++lane)
      best->a[lane] = em_max(best->a[lane], em_max(s->a[lane], s->b[lane]));
    return;
  }
  best->a[0] = em_max(best->a[0], em_max(s->a[0], s->b[0]));
  if (lanes > 1) best->a[1] = em_max(best->a[1], em_max(s->a[1], s->b[1]));
  if (lanes > 2) {
    best->a[2] = em_max(best->a[2], em_max(s->a[2], s->b[2]));
    best->a[3] = em_max(best->a[3], em_max(s->a[3], s->b[3]));
  }
}

/* All of a pixel's (or two pixels') output channels. */
EM_PART void em_dot_channels(const em_window *window, em_block block, int count,
                             const em_output *output, int8_t *strip, const int pixels,
                             const int rounding)
{
#if EM_OWN_CHANNELS
  em_own_channels(window, block, count, output, strip, pixels, rounding);
#else
  (void)strip;
  EM_EACH_BLOCK(count, lanes, {
    const em_sums s = em_dot(window, &block, lanes, pixels);
    em_store(&block, &s, window->rows * window->length, output, lanes, pixels, rounding);
  });
#endif
}

#if !EM_PIXEL_WORDS
/* One pixel, each channel the largest of its sums at `pairs` pixel pairs. Requantisation never
 * decreases, so the maximum is taken before it.
 */
EM_PART void em_dot_pooled(const em_window *windows, int pairs, em_block block, int count,
                           const em_output *output, int8_t *strip, const int rounding)
{
#if EM_OWN_CHANNELS
  em_own_pooled(windows, pairs, block, count, output, strip, rounding);
#else
  (void)strip;
  EM_EACH_BLOCK(count, lanes, {
    em_sums best = em_dot(&windows[0], &block, lanes, 2);
    em_keep_max(&best, &best, lanes);
    for (int i = 1; i < pairs; ++i) {
      const em_sums s = em_dot(&windows[i], &block, lanes, 2);
      em_keep_max(&best, &s, lanes);
    }
    em_store(&block, &best, windows[0].rows * windows[0].length, output, lanes, 1, rounding);
  });
#endif
}
#endif

#endif
