/* From the sums of em_words.h to outputs: the channels of a quad, which is four pixels, or of a
 * pool over several. */
#include "em_dot.h" /* comes first, and includes what this header needs */
#ifndef EM_QUAD_H
#define EM_QUAD_H
#include "em_step.h"
#if EM_PIXEL_WORDS

/* What is done for a quad: the first channel's constants, and where each of the four pixels'
 * results go. */
typedef struct {
  const int8_t *weights;
  const em_channel *channel;
  const int8_t *shift;
  int8_t *out[4];
} em_quad_block;

/* How sums become outputs, in registers. `whole`: the output's limits are those of int8. */
EM_INLINE int8_t em_quad_finish(int32_t sum, int32_t multiplier, int shift, int32_t rounded,
                                const em_output *output, const int whole, const int rounding)
{
  if (rounding != EM_ROUND_FAST) return em_finish(sum, multiplier, shift, output, rounding);
  /* em_requantise */
  const int32_t value = em_multiply_high(rounded + (sum >> 31), sum * 2, multiplier) >> shift;
  return (int8_t)(whole ? em_clamp(value, -128, 127)
                        : em_clamp(value, output->minimum, output->maximum));
}

EM_INLINE int32_t em_rounded(const em_output *output, int shift, const int rounding)
{
  return rounding == EM_ROUND_FAST
      ? (int32_t)((uint32_t)(2 * output->zero_point + 1) << (shift - 1))
      : 0;
}

EM_INLINE void em_quad_channels_body(em_words *layer, const em_quad_block *block,
                                     const em_output *output, const int whole, const int rounding)
{
  const em_output limits = *output;
  const em_channel *const channels = block->channel;
  const int8_t *const shifts = block->shift;
  const int8_t *weights = block->weights;
  int8_t *const out = block->out[0];
  const int32_t count = layer->count;
  const int32_t b0 = (int32_t)(block->out[1] - out), a1 = (int32_t)(block->out[2] - out);
  const int32_t b1 = (int32_t)(block->out[3] - out);
  for (int32_t channel = 0; channel < count; ++channel) {
    const em_quad sums = em_quad_sums(layer, layer->words, weights, channels[channel].bias);
    const int32_t multiplier = channels[channel].multiplier;
    const int shift = shifts[channel];
    const int32_t rounded = em_rounded(&limits, shift, rounding);
    int8_t *const to = out + channel;
    to[0] = em_quad_finish(sums.a0, multiplier, shift, rounded, &limits, whole, rounding);
    to[b0] = em_quad_finish(sums.b0, multiplier, shift, rounded, &limits, whole, rounding);
    to[a1] = em_quad_finish(sums.a1, multiplier, shift, rounded, &limits, whole, rounding);
    to[b1] = em_quad_finish(sums.b1, multiplier, shift, rounded, &limits, whole, rounding);
    weights = sums.next;
  }
}

#if EM_QUAD_ASM
/* The fused activation, on outputs that are within -128 and 127 already. */
EM_INLINE void em_quad_limit(int8_t *out, int32_t count, const em_output *output)
{
  for (int32_t i = 0; i < count; ++i)
    out[i] = (int8_t)em_clamp(out[i], output->minimum, output->maximum);
}

EM_INLINE void em_quad_start(em_words *layer, const em_quad_block *block, const em_output *output)
{
  em_quad_job *const job = &layer->job;
  job->channel = block->channel;
  job->shift = block->shift;
  job->out = block->out[0];
  job->out_end = job->out + layer->count;
  job->unit = 2 * output->zero_point + 1;
  job->weights = block->weights;
  em_quad_run(job);
}

EM_SHARED void em_quad_channels_whole(em_words *layer, const em_quad_block *block,
                                      const em_output *output)
{
  layer->job.b0 = (int32_t)(block->out[1] - block->out[0]);
  layer->job.a1 = (int32_t)(block->out[2] - block->out[0]);
  layer->job.b1 = (int32_t)(block->out[3] - block->out[0]);
  em_quad_start(layer, block, output);
}

EM_SHARED void em_quad_channels_fast(em_words *layer, const em_quad_block *block,
                                     const em_output *output)
{
  em_quad_channels_whole(layer, block, output);
  for (int i = 0; i < 4; ++i) em_quad_limit(block->out[i], layer->count, output);
}

EM_SHARED void em_quad_pooled_whole(em_words *layer, int quads, const em_quad_block *block,
                                    const em_output *output)
{
  layer->job.words_end = layer->words + 2 * layer->taps * quads;
  em_quad_start(layer, block, output);
}

EM_SHARED void em_quad_pooled_fast(em_words *layer, int quads, const em_quad_block *block,
                                   const em_output *output)
{
  em_quad_pooled_whole(layer, quads, block, output);
  em_quad_limit(block->out[0], layer->count, output);
}
#else
/* `channel` has two entries for each channel, as em_step.h describes them. */
EM_SHARED void em_quad_channels_step(em_words *layer, const em_quad_block *block,
                                     const em_output *output)
{
  const em_channel *channel = block->channel;
  const int8_t *weights = block->weights;
  int8_t *const out = block->out[0];
  const int32_t count = layer->count;
  const int32_t b0 = (int32_t)(block->out[1] - out), a1 = (int32_t)(block->out[2] - out);
  const int32_t b1 = (int32_t)(block->out[3] - out);
  for (int8_t *to = out; to != out + count; ++to) {
    const em_quad sums = em_quad_sums(layer, layer->words, weights, channel[0].bias);
    const em_step_function step = em_step_of(channel);
    if (em_has_step(channel)) {
      to[0] = em_step_finish(sums.a0, &step);
      to[b0] = em_step_finish(sums.b0, &step);
      to[a1] = em_step_finish(sums.a1, &step);
      to[b1] = em_step_finish(sums.b1, &step);
    } else {
      to[0] = em_finish(sums.a0, step.range, channel[1].bias, output, EM_ROUND_FAST);
      to[b0] = em_finish(sums.b0, step.range, channel[1].bias, output, EM_ROUND_FAST);
      to[a1] = em_finish(sums.a1, step.range, channel[1].bias, output, EM_ROUND_FAST);
      to[b1] = em_finish(sums.b1, step.range, channel[1].bias, output, EM_ROUND_FAST);
    }
    weights = sums.next;
    channel += 2;
  }
}

/* One copy of each serves all layers: the loops over taps are long, and so is what they are
 * unrolled to. */
EM_SHARED void em_quad_channels_whole(em_words *layer, const em_quad_block *block,
                                      const em_output *output)
{
  em_quad_channels_body(layer, block, output, 1, EM_ROUND_FAST);
}

EM_SHARED void em_quad_channels_fast(em_words *layer, const em_quad_block *block,
                                     const em_output *output)
{
  em_quad_channels_body(layer, block, output, 0, EM_ROUND_FAST);
}
#endif

EM_SHARED void em_quad_channels_any(em_words *layer, const em_quad_block *block,
                                    const em_output *output)
{
  em_quad_channels_body(layer, block, output, 0, EM_ROUND_ANY);
}

EM_INLINE int em_is_whole(const em_output *output)
{
  return output->minimum == -128 && output->maximum == 127;
}

/* All output channels of the four pixels whose words are in layer->words. */
EM_INLINE void em_quad_channels(em_words *layer, const em_quad_block *block,
                                const em_output *output, const int rounding)
{
#if !EM_QUAD_ASM
  if (rounding == EM_ROUND_STEP) {
    em_quad_channels_step(layer, block, output);
    return;
  }
#endif
  if (rounding == EM_ROUND_ANY) {
    em_quad_channels_any(layer, block, output);
  } else if (em_is_whole(output)) {
    em_quad_channels_whole(layer, block, output);
  } else {
    em_quad_channels_fast(layer, block, output);
  }
}

EM_INLINE void em_quad_pooled_body(em_words *layer, int quads, const em_quad_block *block,
                                   const em_output *output, const int whole, const int rounding)
{
  const int8_t *weights = block->weights;
  for (int channel = 0; channel < layer->count; ++channel) {
    const uint32_t *words = layer->words;
    const int8_t *next = weights;
    int32_t best = INT32_MIN;
    for (int quad = 0; quad < quads; ++quad) {
      const em_quad sums = em_quad_sums(layer, words, weights, block->channel[channel].bias);
      best = em_max(best, em_max(em_max(sums.a0, sums.b0), em_max(sums.a1, sums.b1)));
      words += 2 * layer->taps;
      next = sums.next;
    }
    const int shift = block->shift[channel];
    block->out[0][channel] =
        em_quad_finish(best, block->channel[channel].multiplier, shift,
                       em_rounded(output, shift, rounding), output, whole, rounding);
    weights = next;
  }
}

#if !EM_QUAD_ASM
EM_SHARED void em_quad_pooled_whole(em_words *layer, int quads, const em_quad_block *block,
                                    const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 1, EM_ROUND_FAST);
}

EM_SHARED void em_quad_pooled_fast(em_words *layer, int quads, const em_quad_block *block,
                                   const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 0, EM_ROUND_FAST);
}
#endif

EM_SHARED void em_quad_pooled_any(em_words *layer, int quads, const em_quad_block *block,
                                  const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 0, EM_ROUND_ANY);
}

/* One pixel, each channel the largest of its sums in `quads` quads, whose words stand one after the
 * other. */
EM_INLINE void em_quad_pooled(em_words *layer, int quads, const em_quad_block *block,
                              const em_output *output, const int rounding)
{
  if (rounding != EM_ROUND_FAST) {
    em_quad_pooled_any(layer, quads, block, output);
  } else if (em_is_whole(output)) {
    em_quad_pooled_whole(layer, quads, block, output);
  } else {
    em_quad_pooled_fast(layer, quads, block, output);
  }
}

#endif
#endif
