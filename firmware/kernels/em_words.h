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
 * The including header defines em_quad_sums.
 */
#ifndef EM_WORDS_H
#define EM_WORDS_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

#if defined(__clang__)
#define EM_SHARED static __attribute__((noinline, unused))
#elif defined(__GNUC__)
#define EM_SHARED static __attribute__((noinline, noclone, unused))
#else
#define EM_SHARED static
#endif

enum { EM_HALF = 32768 };

/* What a layer's channels have in common. `excess` is what groups of so many taps leave in pixel a's sum. */
typedef struct {
  uint32_t *words;
  int32_t taps;
  int32_t count; /* output channels */
  int32_t excess[5];
} em_words;

/* A quad's sums of one channel: pixels a and b of the first pair, then those of the second. */
typedef struct {
  int32_t a0, b0, a1, b1;
} em_quad;

/* Returns the sums of the channel whose weights these are, its bias included. */
EM_INLINE em_quad em_quad_sums(const em_words *layer, const uint32_t *words, const int8_t *weights, int32_t bias);

/* What is done for a quad: the first channel's constants, and where each of the four pixels' results go. */
typedef struct {
  const int8_t *weights;
  const em_channel *channel;
  const int8_t *shift;
  int8_t *out[4];
} em_quad_block;

EM_INLINE int32_t em_excess(int32_t taps, int32_t group)
{
  const int32_t rest = taps % group;
  return EM_HALF * (taps / group + (rest >> 1) + (rest & 1));
}

EM_INLINE em_words em_words_of(int8_t *strip, int32_t taps, int32_t count)
{
  void *const aligned = strip; /* as the generator lays it out */
  const em_words layer = {(uint32_t *)aligned, taps, count,
                          {0, em_excess(taps, 1), em_excess(taps, 2), em_excess(taps, 3), em_excess(taps, 4)}};
  return layer;
}

/* Takes the running sums apart. `total` is pixel a's sum and 65536 times pixel b's, `high` is pixel b's. */
EM_INLINE int32_t em_lower_sum(uint32_t total, int32_t high, int32_t start)
{
  return (int32_t)(total - ((uint32_t)high << 16) + (uint32_t)start);
}

/* Writes a pixel pair's words to `words`, of which every other one is another pair's. */
EM_SHARED void em_pack_pair(uint32_t *words, const em_window *window)
{
  const int8_t *row = window->x;
  const int pair = window->pair;
  for (int rows = window->rows; rows > 0; --rows) {
    const int8_t *x = row;
    const int8_t *const end = x + window->length;
    EM_UNROLL(4)
    do {
      *words = (uint32_t)x[0] + ((uint32_t)x[pair] << 16);
      words += 2;
      ++x;
    } while (x != end);
    row += window->row_stride;
  }
}

#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT) && defined(__thumb2__)
#define EM_SATURATES 1
#else
#define EM_SATURATES 0
#endif

/* A sum as its output. `whole`: the output's limits are those of int8. */
EM_INLINE int8_t em_quad_finish(int32_t sum, int32_t multiplier, int shift, const em_output *output, const int whole,
                                const int rounding)
{
#if EM_SATURATES
  if (rounding == EM_ROUND_FAST && whole) {
    int32_t value = em_requantise(sum, multiplier, 2 * output->zero_point + 1, shift);
    __asm__("ssat %0, #8, %0" : "+r"(value));
    return (int8_t)value;
  }
#endif
  (void)whole;
  return em_finish(sum, multiplier, shift, output, rounding);
}

EM_INLINE void em_quad_store(const em_quad_block *block, int channel, em_quad sums, const em_output *output,
                             const int whole, const int rounding)
{
  const int32_t multiplier = block->channel[channel].multiplier;
  const int shift = block->shift[channel];
  block->out[0][channel] = em_quad_finish(sums.a0, multiplier, shift, output, whole, rounding);
  block->out[1][channel] = em_quad_finish(sums.b0, multiplier, shift, output, whole, rounding);
  block->out[2][channel] = em_quad_finish(sums.a1, multiplier, shift, output, whole, rounding);
  block->out[3][channel] = em_quad_finish(sums.b1, multiplier, shift, output, whole, rounding);
}

EM_INLINE void em_quad_channels_body(const em_words *layer, const em_quad_block *block, const em_output *output,
                                     const int whole, const int rounding)
{
  const int8_t *weights = block->weights;
  for (int channel = 0; channel < layer->count; ++channel) {
    const em_quad sums = em_quad_sums(layer, layer->words, weights, block->channel[channel].bias);
    em_quad_store(block, channel, sums, output, whole, rounding);
    weights += layer->taps + 1;
  }
}

/* One copy of each serves all layers: the loops over taps are long, and so is what they are unrolled to. */
EM_SHARED void em_quad_channels_whole(const em_words *layer, const em_quad_block *block, const em_output *output)
{
  em_quad_channels_body(layer, block, output, 1, EM_ROUND_FAST);
}

EM_SHARED void em_quad_channels_fast(const em_words *layer, const em_quad_block *block, const em_output *output)
{
  em_quad_channels_body(layer, block, output, 0, EM_ROUND_FAST);
}

EM_SHARED void em_quad_channels_any(const em_words *layer, const em_quad_block *block, const em_output *output)
{
  em_quad_channels_body(layer, block, output, 0, EM_ROUND_ANY);
}

EM_INLINE int em_is_whole(const em_output *output)
{
  return output->minimum == -128 && output->maximum == 127;
}

/* All output channels of the four pixels whose words are in layer->words. */
EM_INLINE void em_quad_channels(const em_words *layer, const em_quad_block *block, const em_output *output,
                                const int rounding)
{
  if (rounding != EM_ROUND_FAST) {
    em_quad_channels_any(layer, block, output);
  } else if (em_is_whole(output)) {
    em_quad_channels_whole(layer, block, output);
  } else {
    em_quad_channels_fast(layer, block, output);
  }
}

EM_INLINE int32_t em_larger(int32_t a, int32_t b)
{
  return a > b ? a : b;
}

EM_INLINE void em_quad_pooled_body(const em_words *layer, int quads, const em_quad_block *block, const em_output *output,
                                   const int whole, const int rounding)
{
  const int8_t *weights = block->weights;
  for (int channel = 0; channel < layer->count; ++channel) {
    const uint32_t *words = layer->words;
    int32_t best = INT32_MIN;
    for (int quad = 0; quad < quads; ++quad) {
      const em_quad sums = em_quad_sums(layer, words, weights, block->channel[channel].bias);
      best = em_larger(best, em_larger(em_larger(sums.a0, sums.b0), em_larger(sums.a1, sums.b1)));
      words += 2 * layer->taps;
    }
    block->out[0][channel] = em_quad_finish(best, block->channel[channel].multiplier, block->shift[channel], output,
                                            whole, rounding);
    weights += layer->taps + 1;
  }
}

EM_SHARED void em_quad_pooled_whole(const em_words *layer, int quads, const em_quad_block *block, const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 1, EM_ROUND_FAST);
}

EM_SHARED void em_quad_pooled_fast(const em_words *layer, int quads, const em_quad_block *block, const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 0, EM_ROUND_FAST);
}

EM_SHARED void em_quad_pooled_any(const em_words *layer, int quads, const em_quad_block *block, const em_output *output)
{
  em_quad_pooled_body(layer, quads, block, output, 0, EM_ROUND_ANY);
}

/* One pixel, each channel the largest of its sums in `quads` quads, whose words stand one after the other. */
EM_INLINE void em_quad_pooled(const em_words *layer, int quads, const em_quad_block *block, const em_output *output,
                              const int rounding)
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
