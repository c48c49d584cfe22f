/* CONV_2D with two pixel pairs at a time: both pairs' windows are read before either's outputs are
 * written.
 *
 * Pairs are those of em_conv_2d.h; a layer of a single column has pairs of rows, of which an odd
 * last row is a pair with itself. The scratch behind the strip holds the windows of one pair.
 */
#include "em_conv_2d.h" /* comes first, and includes this one */
#ifndef EM_CONV_2D_WORDS_H
#define EM_CONV_2D_WORDS_H
#if EM_PIXEL_WORDS

/* A pair's first output pixel, where its second one is (1 pixel on, or 0), and whether the first
 * one is done already. */
typedef struct {
  int y;
  int x;
  int second;
  int skipped;
} em_pixel_pair;

EM_INLINE em_pixel_pair em_first_pair(const em_conv_2d_params *p)
{
  const em_pixel_pair pair = {0, 0, p->out_width > 1 || p->out_height > 1, 0};
  return pair;
}

/* Returns the next pair; behind the last one its y is out_height or more. */
EM_INLINE em_pixel_pair em_next_pair(const em_conv_2d_params *p, em_pixel_pair pair)
{
  if (p->out_width < 2) {
    pair.y += 2;
    pair.second = pair.y + 1 < p->out_height;
    return pair;
  }
  pair.x += 2;
  pair.skipped = 0;
  if (pair.x >= p->out_width) {
    pair.x = 0;
    ++pair.y;
  } else if (pair.x + 2 > p->out_width) {
    pair.x = p->out_width - 2;
    pair.skipped = 1;
  }
  return pair;
}

/* As em_find_window, in a layer of a single column: of two rows. */
EM_INLINE em_window em_find_column(const em_conv_2d_params *p, const int8_t *in,
                                   const em_pixel_pair *pair, int first, int8_t *scratch)
{
  const int channels = p->in_channels / p->groups;
  const int top = pair->y * p->stride_height - p->pad_top;
  const int step = pair->second * p->stride_height;
  const int row = p->kernel_width * channels;
  const int line = p->in_width * p->in_channels;
  em_window window = {scratch, p->kernel_height * row, row, p->kernel_height, row};
  if (em_window_inside(p, pair->y, 0) && em_window_inside(p, pair->y + pair->second, 0)) {
    window.x = in + top * line - p->pad_left * p->in_channels;
    window.pair = step * line;
    window.row_stride = p->dilation_height * line;
    return window;
  }
  em_gather(p, in, top, -p->pad_left, p->kernel_width, first, row, scratch);
  em_gather(p, in, top + step, -p->pad_left, p->kernel_width, first, row, scratch + window.pair);
  return window;
}

/* Puts `rows` rows of two pairs' windows into words, from row `from` on; input channels from
 * `first` on. */
EM_INLINE void em_pack_rows(const em_conv_2d_params *p, const em_words *layer, const int8_t *in,
                            const em_pixel_pair *pairs, int first, int from, int rows,
                            int8_t *scratch)
{
  for (int slot = 0; slot < 2; ++slot) {
    const em_pixel_pair *pair = &pairs[slot];
    em_window window = p->out_width < 2
        ? em_find_column(p, in, pair, first, scratch)
        : em_find_window(p, in, pair->y, pair->x, first, scratch, 2);
    window.x += from * window.row_stride;
    window.rows = rows;
    if (!EM_SIZE && window.rows <= 4 && window.length <= 4) {
      em_pack_small(layer->words + slot, &window);
    } else {
      em_pack_pair(layer->words + slot, &window);
    }
  }
}

/* The same of all rows. */
EM_INLINE void em_pack_pairs(const em_conv_2d_params *p, const em_words *layer, const int8_t *in,
                             const em_pixel_pair *pairs, int first, int8_t *scratch)
{
  em_pack_rows(p, layer, in, pairs, first, 0, p->kernel_height, scratch);
}

EM_INLINE em_words em_conv_2d_layer(const em_conv_2d_params *p, int8_t *scratch, const int rounding,
                                    const int pooled)
{
  const int taps = p->kernel_height * p->kernel_width * (p->in_channels / p->groups);
  return em_words_of(scratch, taps, p->out_channels / p->groups, rounding, pooled);
}

EM_INLINE void em_conv_2d_quads(const em_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, const int rounding)
{
  em_words layer = em_conv_2d_layer(p, scratch, rounding, 0);
  const int entries = rounding == EM_ROUND_STEP ? 2 : 1; /* of a channel */
  em_pixel_pair next = em_first_pair(p);
  while (next.y < p->out_height) {
    em_pixel_pair pairs[2] = {next, next};
    next = em_next_pair(p, next);
    if (next.y < p->out_height) pairs[1] = next;
    next = em_next_pair(p, next);
    for (int group = 0; group < p->groups; ++group) {
      const int first = group * layer.count;
      em_quad_block block = {weights + first * (layer.taps + 1),
                             channels + first * entries,
                             shifts + first,
                             {0, 0, 0, 0}};
      for (int slot = 0; slot < 2; ++slot) {
        block.out[2 * slot] =
            out + (pairs[slot].y * p->out_width + pairs[slot].x) * p->out_channels + first;
        block.out[2 * slot + 1] = block.out[2 * slot] + pairs[slot].second * p->out_channels;
      }
      em_pack_pairs(p, &layer, in, pairs, group * (p->in_channels / p->groups), scratch + p->strip);
      em_quad_channels(&layer, &block, &p->output, rounding);
    }
  }
}

/* The sums of a quad's channels over some rows of its windows: from the biases, or added to what is
 * there. Returns where the next rows' weights are.
 */
EM_SHARED const int8_t *em_add_rows(em_words *layer, const int8_t *weights,
                                    const em_channel *channels, int32_t *sums)
{
  for (int32_t channel = 0; channel < layer->count; ++channel) {
    const em_quad quad =
        em_quad_sums(layer, layer->words, weights, channels ? channels[channel].bias : 0);
    sums[0] = quad.a0 + (channels ? 0 : sums[0]);
    sums[1] = quad.b0 + (channels ? 0 : sums[1]);
    sums[2] = quad.a1 + (channels ? 0 : sums[2]);
    sums[3] = quad.b1 + (channels ? 0 : sums[3]);
    sums += 4;
    weights = quad.next;
  }
  return weights;
}

/* As em_conv_2d_quads does it, `part_rows` rows of a window at a time: the strip is that much
 * smaller, and behind it lie the sums between the parts. Weights are packed part by part. Layers of
 * one group.
 */
EM_INLINE void em_conv_2d_parts(const em_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, const int rounding)
{
  const int row = p->kernel_width * p->in_channels;
  int32_t *const sums = (int32_t *)(void *)(scratch + 8 * p->part_rows * row);
  em_pixel_pair next = em_first_pair(p);
  while (next.y < p->out_height) {
    em_pixel_pair pairs[2] = {next, next};
    const int8_t *w = weights;
    next = em_next_pair(p, next);
    if (next.y < p->out_height) pairs[1] = next;
    next = em_next_pair(p, next);
    for (int from = 0; from < p->kernel_height; from += p->part_rows) {
      const int rows =
          p->kernel_height - from < p->part_rows ? p->kernel_height - from : p->part_rows;
      em_words layer = em_words_of(scratch, rows * row, p->out_channels, EM_ROUND_ANY, 0);
      em_pack_rows(p, &layer, in, pairs, 0, from, rows, scratch + p->strip);
      w = em_add_rows(&layer, w, from == 0 ? channels : 0, sums);
    }
    for (int pixel = 0; pixel < 4; ++pixel) {
      const em_pixel_pair *pair = &pairs[pixel >> 1];
      int8_t *const to =
          out + (pair->y * p->out_width + pair->x + (pixel & 1) * pair->second) * p->out_channels;
      for (int channel = 0; channel < p->out_channels; ++channel) {
        to[channel] = em_finish(sums[4 * channel + pixel], channels[channel].multiplier,
                                shifts[channel], &p->output, rounding);
      }
    }
  }
}

/* Puts all pairs of the pool's window at output (y, x) into words, quad by quad; returns the number
 * of quads. */
EM_INLINE int em_pack_pool(const em_conv_2d_params *p, const em_words *layer, const int8_t *in,
                           int y, int x, int8_t *scratch)
{
  uint32_t *words = layer->words;
  int slot = 0;
  em_window window = {0, 0, 0, 0, 0};
  for (int py = 0; py < p->pool_height; ++py) {
    for (int done = 0; done < p->pool_width; done += 2) {
      const int px = done + 2 > p->pool_width ? p->pool_width - 2 : done;
      window =
          em_find_window(p, in, y * p->pool_height + py, x * p->pool_width + px, 0, scratch, 2);
      em_pack_pair(words + (slot & 1), &window);
      if ((slot & 1) != 0) words += 2 * layer->taps;
      ++slot;
    }
  }
  if ((slot & 1) != 0) em_pack_pair(words + 1, &window);
  return (slot + 1) >> 1;
}

EM_INLINE void em_conv_2d_pool_quads(const em_conv_2d_params *p, const int8_t *weights,
                                     const em_channel *channels, const int8_t *shifts,
                                     int8_t *scratch, const int8_t *in, int8_t *out,
                                     const int rounding)
{
  em_words layer = em_conv_2d_layer(p, scratch, rounding, 1);
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_quad_block block = {weights, channels, shifts, {out, out, out, out}};
      const int quads = em_pack_pool(p, &layer, in, y, x, scratch + p->strip);
      em_quad_pooled(&layer, quads, &block, &p->output, rounding);
      out += p->out_channels;
    }
  }
}

#endif
#endif
