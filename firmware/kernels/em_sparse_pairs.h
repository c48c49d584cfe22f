/* Sums over weights of which most are zero, eight pixels at once, two of them in a word: for cores
 * that add a product of 32 by 32 bits to 64 in one instruction.
 *
 * A word is x_a + 2^23 * x_b. What a channel's weights make of it is a + 2^23 * b, and with |a| <
 * 2^22, which the generator has proven, both can be told from it: one instruction for two products,
 * whatever the weights.
 *
 * strip    int32 [place][4]: for each place in the window, the words of the eight pixels
 * stream   channel by channel: how many weights are stored, at least one, in two bytes, the lower
 *          one first; for each, in order of their places, how many places it is from the one
 *          before, and the weight, a byte each; the shift to the right, less one, in two bytes. It
 *          starts at a multiple of 4.
 * channels biases are 2 * (bias - 2^22) in 32 bits
 */
#ifndef EM_SPARSE_PAIRS_H
#define EM_SPARSE_PAIRS_H

#include "em_dsp.h"

enum {
  EM_PAIRS_PIXELS = 8,
  EM_PAIRS_WORDS = 4,
  EM_PAIRS_FACTOR = 8388608,
  EM_PAIRS_ROUNDING = 4194304
};

/* All channels at the windows in a strip. Offsets are known to the loops. */
typedef struct {
  const em_channel *channel; /*  0 */
  int8_t *out;               /*  4: the first pixel's */
  int32_t pitch;             /*  8: from one pixel's outputs to the next one's */
  int8_t *out_end;           /* 12: of the first pixel */
  int32_t unit;              /* 16: 2 * zero_point + 1 */
  int32_t pixels;            /* 20: whose outputs are wanted */
  const int8_t *stream;      /* 24 */
  const int32_t *strip;      /* 28 */
} em_pairs_job;

#include "em_sparse_pairs_dsp.h"

#if EM_DSP
EM_INLINE void em_pairs_do(const em_pairs_job *job, const em_output *output, const int pooled)
{
  const int rectified = !EM_SIZE && output->minimum >= output->zero_point;
  if (pooled) {
    if (rectified) {
      em_pairs_pooled_rectified(job);
    } else {
      em_pairs_pooled(job);
    }
  } else {
    if (rectified) {
      em_pairs_pixels_rectified(job);
    } else {
      em_pairs_pixels(job);
    }
  }
}
#else
/* A channel's sums, each with 2^22 added; returns where they end in the stream. */
EM_PART const int8_t *em_pairs_sums(const int8_t *stream, const int32_t *strip, int32_t *sums)
{
  int64_t s[EM_PAIRS_WORDS] = {EM_PAIRS_ROUNDING, EM_PAIRS_ROUNDING, EM_PAIRS_ROUNDING,
                               EM_PAIRS_ROUNDING};
  const int count = (uint8_t)stream[0] + 256 * (uint8_t)stream[1];
  stream += 2;
  for (int i = 0; i < count; ++i, stream += 2) {
    strip += EM_PAIRS_WORDS * (uint8_t)stream[0];
    for (int word = 0; word < EM_PAIRS_WORDS; ++word) s[word] += (int64_t)strip[word] * stream[1];
  }
  for (int word = 0; word < EM_PAIRS_WORDS; ++word) {
    sums[2 * word] = (int32_t)(s[word] & (EM_PAIRS_FACTOR - 1));
    sums[2 * word + 1] = (int32_t)(s[word] >> 23) + EM_PAIRS_ROUNDING;
  }
  return stream;
}

EM_PART void em_pairs_do(const em_pairs_job *job, const em_output *output, const int pooled)
{
  const em_channel *channel = job->channel;
  const int8_t *stream = job->stream;
  for (int8_t *out = job->out; out != job->out_end; ++out, ++channel) {
    int32_t sums[EM_PAIRS_PIXELS];
    stream = em_pairs_sums(stream, job->strip, sums);
    for (int i = 0; pooled && i < 2; ++i) {
      const int32_t upper = em_max(sums[2 * i], sums[2 * i + 1]);
      sums[i] = em_max(upper, em_max(sums[2 * i + 4], sums[2 * i + 5]));
    }
    for (int i = 0; i < job->pixels; ++i) {
      const int32_t doubled = (int32_t)((uint32_t)channel->bias + 2 * (uint32_t)sums[i]);
      out[i * job->pitch] =
          em_finish(doubled >> 1, channel->multiplier, *stream + 1, output, EM_ROUND_FAST);
    }
    stream += 2;
  }
}
#endif

#endif
