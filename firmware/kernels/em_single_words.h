/* All channels of a single pixel on cores that multiply 32 bits by 32, but no pairs of 16 bits: two
 * taps' products of a channel by one multiplication.
 *
 * Taps are in groups of four, which are a quarter of all apart, then a group of those left over.
 * Channels are in blocks of four, then at most one of two and one of one. A word has a channel's
 * weights of a group, each 128 more than it is, in the order u2, u3, u0, u1 from its lowest byte
 * on. Of it t = u2 + 65536 * u0 and s = u3 + 65536 * u1 are taken, and of the elements X0 = x0 +
 * 65536 * x2 and X1 = x1 + 65536 * x3. So the upper half of t * X0 + s * X1 is the sum of the four
 * products, and the lower one u2 * x0 + u3 * x1, which nobody needs. k, which is made once of a
 * group for all channels, takes away what comes of the 128s and makes the lower
 * half positive, so that nothing of it is carried: k = 32768 - (2^7 + 2^23) * (X0 + X1).
 *
 * That takes sums of four products in 16 bits: |w0| + |w1| + |w2| + |w3| <= 255. Where too many
 * groups have larger ones, t * X0 and s * X1 are added up apart, each with a k of its own. What a
 * single weight is too large is kept as a correction.
 *
 * weights   a word: their bytes, and in bit 0 whether four products are added up at once; then for
 *           each EM_SINGLE_CHANNELS channels, for each row of the window, for each EM_SINGLE_TAPS
 *           taps of it: block by block, group by group, a word for each channel; a word with how
 *           many corrections there are, and a word for each: the tap in bits 0 to 7, the channel in
 *           bits 8 to 15, what is missing of the weight, signed, in bits 16 to 23
 * strip     X0, X1 and k, or both, of so many taps; then the channels' sums
 */
#include "em_words.h" /* comes first */
#ifndef EM_SINGLE_WORDS_H
#define EM_SINGLE_WORDS_H
#if EM_PIXEL_WORDS

#include "em_single_job.h"

enum { EM_SINGLE_TAPS = 128, EM_SINGLE_CHANNELS = 128, EM_SINGLE_MASK = 0x00FF00FF };

EM_INLINE uint32_t em_single_word(const int8_t *weights)
{
  uint32_t word;
  EM_COPY(&word, EM_ALIGNED(weights, 4), 4);
  return word;
}

/* What compilers had better keep in registers. */
typedef struct {
  uint32_t mask, both;
} em_single_constants;

EM_INLINE em_single_constants em_single_constants_of(void)
{
  em_single_constants c = {EM_SINGLE_MASK, 0x00800080u};
  EM_OPAQUE(c.mask);
  EM_OPAQUE(c.both);
  return c;
}

/* The words of a group. */
EM_INLINE uint32_t *em_single_group(uint32_t *words, uint32_t even, uint32_t odd,
                                    const em_single_constants *c, const int joined)
{
  words[0] = even;
  words[1] = odd;
  words[2] = EM_HALF - (joined ? even + odd : even) * c->both;
  if (joined) return words + 3;
  words[3] = EM_HALF - odd * c->both;
  return words + 4;
}

/* Writes the words of so many taps; returns where they end. */
EM_INLINE uint32_t *em_single_pack(uint32_t *words, const int8_t *x, int32_t taps, const int joined)
{
  const em_single_constants c = em_single_constants_of();
  const int32_t quarter = taps >> 2, left = taps & 3;
  const int8_t *const x1 = x + quarter, *const x2 = x1 + quarter, *const x3 = x2 + quarter;
  EM_ROLLED
  for (int32_t i = 0; i != quarter; ++i) {
    words = em_single_group(words, (uint32_t)x[i] + ((uint32_t)x2[i] << 16),
                            (uint32_t)x1[i] + ((uint32_t)x3[i] << 16), &c, joined);
  }
  if (left == 0) return words;
  const int8_t *const last = x3 + quarter;
  return em_single_group(words,
                         (uint32_t)last[0] + (left > 2 ? (uint32_t)last[2] << 16 : 0),
                         left > 1 ? (uint32_t)last[1] : 0, &c, joined);
}

/* A block of `lanes` channels; returns the weights behind it. */
EM_INLINE const int8_t *em_single_lanes(const em_single_job *job, const int8_t *weights,
                                        uint32_t *sums, const int lanes, const int joined)
{
  const em_single_constants c = em_single_constants_of();
  const uint32_t *const end = job->words_end;
  uint32_t sum[4] = {0, 0, 0, 0};
  for (const uint32_t *x = job->words; x != end; x += joined ? 3 : 4) {
    const uint32_t first = x[0], second = x[1], k = x[2], other = joined ? 0 : x[3];
    EM_UNROLL(4)
    for (int lane = 0; lane < lanes; ++lane) {
      const uint32_t w = em_single_word(weights + 4 * lane);
      const uint32_t t = (w & c.mask) * first + k, s = (w >> 8 & c.mask) * second + other;
      sum[lane] += joined ? (uint32_t)((int32_t)(t + s) >> 16)
                          : (uint32_t)((int32_t)t >> 16) + (uint32_t)((int32_t)s >> 16);
    }
    weights += 4 * lanes;
  }
  for (int lane = 0; lane < lanes; ++lane) sums[lane] += sum[lane];
  return weights;
}

#if !EM_QUAD_ASM
/* All blocks of four. */
EM_INLINE const int8_t *em_single_blocks(em_single_job *job, const int joined)
{
  const int8_t *weights = job->weights;
  for (uint32_t *sums = job->sums; sums != job->sums_end; sums += 4)
    weights = em_single_lanes(job, weights, sums, 4, joined);
  return weights;
}

EM_SHARED const int8_t *em_single_blocks_joined(em_single_job *job)
{
  return em_single_blocks(job, 1);
}

EM_SHARED const int8_t *em_single_blocks_apart(em_single_job *job)
{
  return em_single_blocks(job, 0);
}

EM_SHARED const int8_t *em_single_pair_joined(em_single_job *job)
{
  return em_single_lanes(job, job->weights, job->sums, 2, 1);
}

EM_SHARED const int8_t *em_single_pair_apart(em_single_job *job)
{
  return em_single_lanes(job, job->weights, job->sums, 2, 0);
}
#endif

/* Adds what weights were too large for their groups; returns what is behind that. */
EM_INLINE const int8_t *em_single_correct(const int8_t *weights, const int8_t *x, uint32_t *sums)
{
  uint32_t count = em_single_word(weights);
  EM_ROLLED
  for (; count > 0; --count) {
    weights += 4;
    const uint32_t one = em_single_word(weights);
    sums[one >> 8 & 255] += (uint32_t)(x[one & 255] * (int8_t)(one >> 16));
  }
  return weights + 4;
}

/* Adds the products of some taps of a row to all channels' sums. */
EM_INLINE const int8_t *em_single_part(em_single_job *job, const int8_t *x, int32_t taps, int count,
                                       uint32_t *sums, const int joined)
{
  job->words_end = em_single_pack(job->words, x, taps, joined);
  job->sums = sums;
  job->sums_end = sums + (count & ~3);
  if (count > 3)
    job->weights = joined ? em_single_blocks_joined(job) : em_single_blocks_apart(job);
  job->sums = job->sums_end;
  if ((count & 2) != 0)
    job->weights = joined ? em_single_pair_joined(job) : em_single_pair_apart(job);
  if ((count & 1) != 0)
    job->weights = em_single_lanes(job, job->weights, sums + count - 1, 1, joined);
  return em_single_correct(job->weights, x, sums);
}

/* The same of all taps. */
EM_INLINE const int8_t *em_single_sums_of(const em_window *window, const int8_t *weights, int count,
                                          uint32_t *words, uint32_t *sums, const int joined)
{
  em_single_job job = {words, words, weights, sums, sums};
  for (int row = 0; row < window->rows; ++row) {
    const int8_t *x = window->x + row * window->row_stride;
    for (int32_t left = window->length; left > 0; left -= EM_SINGLE_TAPS) {
      const int32_t taps = left < EM_SINGLE_TAPS ? left : EM_SINGLE_TAPS;
      job.weights = em_single_part(&job, x, taps, count, sums, joined);
      x += taps;
    }
  }
  return job.weights;
}

EM_SHARED const int8_t *em_single_sums(const em_window *window, const int8_t *weights, int count,
                                       uint32_t *words, uint32_t *sums, int joined)
{
  return joined ? em_single_sums_of(window, weights, count, words, sums, 1)
                : em_single_sums_of(window, weights, count, words, sums, 0);
}

/* How many bytes a pixel's weights take, which begin here. */
EM_INLINE int32_t em_single_bytes(const int8_t *weights)
{
  return (int32_t)(em_single_word(weights) & ~3u);
}

/* See em_own_channels. */
EM_INLINE void em_single_channels(const em_window *window, em_block block, int count,
                                  const em_output *output, int8_t *strip, const int rounding)
{
  void *const aligned = strip; /* as the generator lays it out */
  uint32_t *const words = (uint32_t *)aligned;
  const int32_t taps = window->length < EM_SINGLE_TAPS ? window->length : EM_SINGLE_TAPS;
  uint32_t *const sums = words + (taps + 3) / 4 * 4;
  const int joined = (int)(em_single_word(block.weights) & 1u);
  const em_output limits = *output;
  const int8_t *weights = block.weights + 4;
  for (; count > 0; count -= EM_SINGLE_CHANNELS) {
    const int channels = count < EM_SINGLE_CHANNELS ? count : EM_SINGLE_CHANNELS;
    EM_ROLLED
    for (int i = 0; i < channels; ++i) sums[i] = (uint32_t)block.channel[i].bias;
    weights = em_single_sums(window, weights, channels, words, sums, joined);
    EM_ROLLED
    for (int i = 0; i < channels; ++i) {
      *block.out0++ = em_finish((int32_t)sums[i], block.channel[i].multiplier, block.shift[i],
                                &limits, rounding);
    }
    block.channel += channels;
    block.shift += channels;
  }
}

#endif
#endif
