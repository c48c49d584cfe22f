/* CONV_2D whose weights are mostly zero, for the bodies of em_sparse_pairs.h, which says how they
 * are stored; with an optional non-overlapping MAX_POOL_2D of 2 x 2 behind it.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][out_channels], after the pool where there is one
 * Outputs are done in row order, `pixels` at a time, or, with `backward`, from the last to the
 * first; a row's last ones are made up to so many with their neighbours, which are then done twice
 * over. What their windows read is put into `scratch` first; so `out` may lie over what later
 * windows don't read.
 *
 * A place in the window is [kernel_height][in_channels][kernel_width]. Its words are pixels 0 and
 * 1, 2 and 3, and so on; with a pool, whose two outputs are made of two rows of four pixels, two
 * words of the upper row and two of the lower one. `scratch` has 16 * kernel_height * in_channels *
 * kernel_width bytes for them and columns * in_channels for a row of the input that hangs over the
 * border, columns = 7 * stride_width + kernel_width, with a pool 3 * stride_width + kernel_width.
 */
#ifndef EM_SPARSE_PAIRS_CONV_2D_H
#define EM_SPARSE_PAIRS_CONV_2D_H

#include "em_sparse_pairs.h"

enum { EM_PAIRS_COLUMNS = 24 }; /* at most */

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size in_channels;
  em_size out_height;
  em_size out_width;
  em_size out_channels;
  em_size kernel_height;
  em_size kernel_width;
  em_size stride_height;
  em_size stride_width;
  em_size dilation_height;
  em_size pad_top;
  em_size pad_left;
  int16_t in_zero_point;
  int16_t pixels; /* at a time: at most 8, and no more than there are in a row; with a pool, 2 */
  int16_t backward;
  em_output output;
} em_sparse_pairs_conv_2d_params;

EM_INLINE int em_pairs_columns(const em_sparse_pairs_conv_2d_params *p, const int pooled)
{
  return (pooled ? 3 : 7) * p->stride_width + p->kernel_width;
}

/* Both at multiples of 4, and so are so many bytes. */
EM_INLINE void em_pairs_copy_words(int8_t *to, const int8_t *from, int bytes)
{
  const int8_t *const end = from + bytes;
#if EM_DSP
  const int8_t *const whole = from + (bytes & -16);
  while (from != whole) {
    __asm__ volatile("ldmia %0!, {r4, r5, r6, r8}\n\t"
                     "stmia %1!, {r4, r5, r6, r8}"
                     : "+r"(from), "+r"(to)
                     :
                     : "r4", "r5", "r6", "r8", "memory");
  }
#endif
  EM_ROLLED
  for (; from != end; from += 4, to += 4) EM_COPY(EM_ALIGNED(to, 4), EM_ALIGNED(from, 4), 4);
}

EM_INLINE void em_pairs_fill_words(int8_t *to, int32_t value, int bytes)
{
  const uint32_t word = 0x1010101u * (uint8_t)value;
  EM_ROLLED
  for (int i = 0; i < bytes; i += 4) EM_COPY(EM_ALIGNED(to + i, 4), &word, 4);
}

/* Copies the columns from `left` on of a row, of which some hang over the border. */
EM_PART void em_pairs_line(const em_sparse_pairs_conv_2d_params *p, const int8_t *row, int left,
                           int columns, int8_t *line)
{
  const int channels = p->in_channels;
  const int first = left < 0 ? (columns < -left ? columns : -left) : 0;
  const int beyond = columns < p->in_width - left ? columns : p->in_width - left;
  const int end = beyond < first ? first : beyond;
  const int before = first * channels, copied = (end - first) * channels,
            behind = (columns - end) * channels;
  const int8_t *const from = row + (left + first) * channels;
  if ((channels & 3) == 0) {
    em_pairs_fill_words(line, p->in_zero_point, before);
    em_pairs_copy_words(line + before, from, copied);
    em_pairs_fill_words(line + before + copied, p->in_zero_point, behind);
    return;
  }
  EM_ROLLED
  for (int i = 0; i < before; ++i) line[i] = (int8_t)p->in_zero_point;
  EM_ROLLED
  for (int i = 0; i < copied; ++i) line[before + i] = from[i];
  EM_ROLLED
  for (int i = before + copied; i < columns * channels; ++i) line[i] = (int8_t)p->in_zero_point;
}

/* Stores `words` neighbouring words. */
EM_INLINE void em_pairs_store(int32_t *to, const int32_t *v, int distance, const int words)
{
  EM_UNROLL(4)
  for (int word = 0; word < words; ++word)
    to[word] = v[2 * word * distance] + v[(2 * word + 1) * distance] * EM_PAIRS_FACTOR;
}

/* Puts a row of the input into the places at `upper`, and with a pool into the lower words of those
 * at `lower`. */
EM_INLINE void em_pairs_put_row(const em_sparse_pairs_conv_2d_params *p, const int8_t *x,
                                int32_t *upper, int32_t *lower, const int is_upper,
                                const int is_lower, const int pooled)
{
  const int columns = em_pairs_columns(p, pooled), channels = p->in_channels,
            step = p->kernel_width * EM_PAIRS_WORDS;
  const int8_t *const end = x + channels;
  EM_ROLLED
  for (; x != end; ++x, upper += step, lower += step) {
    int32_t v[EM_PAIRS_COLUMNS];
    EM_UNROLL(24)
    for (int i = 0; i < columns; ++i) v[i] = x[i * channels];
    EM_UNROLL(8)
    for (int i = 0; i < p->kernel_width; ++i) {
      if (is_upper)
        em_pairs_store(upper + i * EM_PAIRS_WORDS, v + i, p->stride_width, pooled ? 2 : 4);
      if (is_lower) em_pairs_store(lower + i * EM_PAIRS_WORDS + 2, v + i, p->stride_width, 2);
    }
  }
}

/* The same for row `row` of the input: the kernel's upper row of this number and its lower one
 * `stride_height` before. */
EM_PART void em_pairs_put_rows(const em_sparse_pairs_conv_2d_params *p, const int8_t *x, int row,
                               int32_t *strip, const int pooled)
{
  const int words = p->in_channels * p->kernel_width * EM_PAIRS_WORDS;
  const int is_upper = row < p->kernel_height, is_lower = pooled && row >= p->stride_height;
  int32_t *const upper = strip + (is_upper ? row * words : 0);
  int32_t *const lower = strip + (is_lower ? (row - p->stride_height) * words : 0);
  if (EM_SIZE) {
    em_pairs_put_row(p, x, upper, lower, is_upper, is_lower, pooled);
  } else if (!pooled) {
    em_pairs_put_row(p, x, upper, lower, 1, 0, 0);
  } else if (is_upper && is_lower) {
    em_pairs_put_row(p, x, upper, lower, 1, 1, 1);
  } else if (is_upper) {
    em_pairs_put_row(p, x, upper, lower, 1, 0, 1);
  } else if (is_lower) {
    em_pairs_put_row(p, x, upper, lower, 0, 1, 1);
  }
}

/* Puts what the windows from row `top` and column `left` on read into the strip. */
EM_PART void em_pairs_put(const em_sparse_pairs_conv_2d_params *p, const int8_t *in, int top,
                          int left, int32_t *strip, const int pooled)
{
  const int columns = em_pairs_columns(p, pooled), channels = p->in_channels;
  const int rows = p->kernel_height + (pooled ? p->stride_height : 0);
  int8_t *const line =
      (int8_t *)(strip + p->kernel_height * channels * p->kernel_width * EM_PAIRS_WORDS);
  const int inside = left >= 0 && left + columns <= p->in_width;
  EM_ROLLED
  for (int row = 0; row < rows; ++row) {
    const int y = top + row * p->dilation_height;
    const int exists = y >= 0 && y < p->in_height;
    const int8_t *const from = exists ? in + y * p->in_width * channels : in;
    if (!exists || !inside) em_pairs_line(p, from, exists ? left : p->in_width, columns, line);
    em_pairs_put_rows(p, exists && inside ? from + left * channels : line, row, strip, pooled);
  }
}

EM_INLINE void em_pairs_conv_2d(const em_sparse_pairs_conv_2d_params *p, const int8_t *stream,
                                const em_channel *channels, int8_t *scratch, const int8_t *in,
                                int8_t *out, const int pooled)
{
  int32_t *const strip = (int32_t *)(void *)scratch;
  const int rows = (pooled ? 2 : 1) * p->stride_height,
            columns = (pooled ? 2 : 1) * p->stride_width;
  em_pairs_job job = {channels, 0,    p->out_channels, 0, 2 * p->output.zero_point + 1, p->pixels,
                      stream,   strip};
  EM_ROLLED
  for (int y = 0; y < p->out_height; ++y) {
    EM_ROLLED
    for (int done = 0; done < p->out_width; done += p->pixels) {
      const int ahead = done + p->pixels > p->out_width ? p->out_width - p->pixels : done;
      const int x = p->backward ? p->out_width - p->pixels - ahead : ahead;
      em_pairs_put(p, in, y * rows - p->pad_top, x * columns - p->pad_left, strip, pooled);
      job.out = out + (y * p->out_width + x) * p->out_channels;
      job.out_end = job.out + p->out_channels;
      em_pairs_do(&job, &p->output, pooled);
      if (EM_DSP && (p->output.minimum > -128 || p->output.maximum < 127)) {
        for (int i = 0; i < p->pixels * p->out_channels; ++i) {
          job.out[i] = (int8_t)em_clamp(job.out[i], p->output.minimum, p->output.maximum);
        }
      }
    }
  }
}

EM_KERNEL void em_sparse_pairs_conv_2d(const em_sparse_pairs_conv_2d_params *p,
                                       const int8_t *stream, const em_channel *channels,
                                       int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_pairs_conv_2d(p, stream, channels, scratch, in, out, 0);
}

EM_KERNEL void em_sparse_pairs_conv_2d_max_pool(const em_sparse_pairs_conv_2d_params *p,
                                                const int8_t *stream, const em_channel *channels,
                                                int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_pairs_conv_2d(p, stream, channels, scratch, in, out, 1);
}

#endif
