/* CONV_2D whose weights are mostly zero, for the bodies of em_sparse_chunks.h, which says how they
 * are stored; with an optional non-overlapping MAX_POOL_2D behind it.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][out_channels], after the pool where there is one
 * Outputs are done in row order, `layer.pixels` at a time; a row's last ones are made up to so many
 * with their neighbours, which are then done twice over. What their windows read is copied to
 * `scratch` first, and what hangs over the border is filled up with the zero point; so `out` may
 * lie over what later windows don't read. There it is [strip_rows][columns] [in_channels], or
 * [columns][strip_rows][in_channels] where one base is then enough for a window: rows are
 * `row_step`, columns `column_step` bytes apart. Weights' places are those in this strip. `scratch`
 * has columns * strip_rows * in_channels bytes, columns = (pixels * pool_width - 1) * stride_width
 * + kernel_width.
 */
#ifndef EM_SPARSE_CHUNKS_CONV_2D_H
#define EM_SPARSE_CHUNKS_CONV_2D_H

#include "em_sparse_chunks.h"

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size in_channels;
  em_size out_height;
  em_size out_width;
  em_size kernel_width;
  em_size strip_rows;
  em_size strip_dilation;
  int32_t row_step;
  int32_t column_step;
  em_size stride_height;
  em_size stride_width;
  em_size pad_top;
  em_size pad_left;
  em_size pool_height;
  em_size pool_width;
  int16_t in_zero_point;
  em_chunks_layer layer;
} em_sparse_chunks_conv_2d_params;

EM_INLINE int em_chunks_columns(const em_sparse_chunks_conv_2d_params *p)
{
  return (p->layer.pixels * p->pool_width - 1) * p->stride_width + p->kernel_width;
}

/* Whether the strip's columns are neighbours, so that a row of it is copied at once. */
EM_INLINE int em_chunks_by_rows(const em_sparse_chunks_conv_2d_params *p)
{
  return p->column_step == p->in_channels;
}

/* Sets `count` pixels of a row of the strip. */
EM_INLINE void em_chunks_fill(const em_sparse_chunks_conv_2d_params *p, int8_t *to, int count)
{
  if (em_chunks_by_rows(p)) {
    em_fill_bytes(to, p->in_zero_point, count * p->in_channels);
    return;
  }
  if (!EM_SIZE && (p->in_channels & 3) == 0 && p->in_channels <= 16) {
    const uint32_t word = 0x1010101u * (uint8_t)p->in_zero_point;
    for (; count > 0; --count, to += p->column_step) {
      EM_UNROLL(4)
      for (int i = 0; i < p->in_channels; i += 4) EM_COPY(EM_ALIGNED(to + i, 4), &word, 4);
    }
    return;
  }
  EM_ROLLED
  for (int i = 0; i < count; ++i)
    em_fill_bytes(to + i * p->column_step, p->in_zero_point, p->in_channels);
}

#if defined(__ARM_FEATURE_MVE)
/* Copies `count` pixels of 16 bytes; four instructions each. */
EM_INLINE void em_chunks_copy_16(int8_t *to, int step, const int8_t *from, int count)
{
  __asm__ volatile("wls lr, %[count], 2f\n"
                   "1:\n\t"
                   "vldrb.8 q0, [%[from]], #16\n\t"
                   "vstrb.8 q0, [%[to]]\n\t"
                   "add %[to], %[to], %[step]\n\t"
                   "le lr, 1b\n"
                   "2:"
                   : [from] "+r"(from), [to] "+r"(to)
                   : [count] "r"(count), [step] "r"(step)
                   : "q0", "lr", "cc", "memory");
}

/* Of 8 bytes, in words, of which four go to `places`; four instructions for two pixels. */
EM_INLINE void em_chunks_copy_8(int8_t *to, int step, const int8_t *from, int count,
                                const uint32_t *places)
{
  __asm__ volatile("vldrw.u32 q1, [%[places]]\n\t"
                   "wlstp.32 lr, %[words], 2f\n"
                   "1:\n\t"
                   "vldrw.u32 q0, [%[from]], #16\n\t"
                   "vstrw.32 q0, [%[to], q1]\n\t"
                   "add %[to], %[to], %[pair]\n\t"
                   "letp lr, 1b\n"
                   "2:"
                   : [from] "+r"(from), [to] "+r"(to)
                   : [words] "r"(2 * count), [pair] "r"(2 * step), [places] "r"(places)
                   : "q0", "q1", "lr", "cc", "memory");
}

/* Of 12 bytes; four instructions each. */
EM_INLINE void em_chunks_copy_12(int8_t *to, int step, const int8_t *from, int count)
{
  __asm__ volatile("wls lr, %[count], 2f\n"
                   "1:\n\t"
                   "ldmia %[from]!, {r4, r5, r6}\n\t"
                   "stmia %[to], {r4, r5, r6}\n\t"
                   "add %[to], %[to], %[step]\n\t"
                   "le lr, 1b\n"
                   "2:"
                   : [from] "+r"(from), [to] "+r"(to)
                   : [count] "r"(count), [step] "r"(step)
                   : "r4", "r5", "r6", "lr", "cc", "memory");
}
#endif

/* Copies `count` pixels, which are neighbours in the input, into columns of the strip. Tensors and
 * `scratch` lie at multiples of 4.
 */
EM_INLINE void em_chunks_copy(const em_sparse_chunks_conv_2d_params *p, int8_t *to,
                              const int8_t *from, int count, const uint32_t *places)
{
  const int channels = p->in_channels, step = p->column_step;
  (void)places;
  if (em_chunks_by_rows(p)) {
    em_copy_bytes(to, from, count * channels);
#if defined(__ARM_FEATURE_MVE)
  } else if (!EM_SIZE && channels == 8) {
    em_chunks_copy_8(to, step, from, count, places);
  } else if (!EM_SIZE && channels == 12) {
    em_chunks_copy_12(to, step, from, count);
  } else if (!EM_SIZE && channels == 16) {
    em_chunks_copy_16(to, step, from, count);
#endif
  } else {
    em_copy_rows(to, step, from, channels, count, channels);
  }
}

/* Copies what the windows from row `top` and column `left` on read. */
EM_PART void em_chunks_copy_strip(const em_sparse_chunks_conv_2d_params *p, const int8_t *in,
                                  int top, int left, int8_t *to)
{
  const int columns = em_chunks_columns(p), step = p->strip_dilation * p->in_width * p->in_channels;
  const int first = left < 0 ? (columns < -left ? columns : -left) : 0;
  const int beyond = columns < p->in_width - left ? columns : p->in_width - left;
  const int end = beyond < first ? first : beyond;
  const int8_t *from = in + (top * p->in_width + left + first) * p->in_channels;
  const uint32_t places[4] = {0, 4, (uint32_t)p->column_step, (uint32_t)p->column_step + 4};
  EM_ROLLED
  for (int row = 0; row < p->strip_rows; ++row, from += step, to += p->row_step) {
    const int y = top + row * p->strip_dilation;
    if (y < 0 || y >= p->in_height) {
      em_chunks_fill(p, to, columns);
    } else {
      em_chunks_fill(p, to, first);
      em_chunks_copy(p, to + first * p->column_step, from, end - first, places);
      em_chunks_fill(p, to + end * p->column_step, columns - end);
    }
  }
}

EM_INLINE void em_chunks_strips(const em_sparse_chunks_conv_2d_params *p, const int8_t *stream,
                                const em_channel *channels, int8_t *scratch,
                                const em_chunks_lanes *first, const em_chunks_lanes *end,
                                const int8_t *in, int8_t *out, const int pooled)
{
  em_chunks_job job = em_chunks_prepare(&p->layer, stream, channels);
  job.first = first;
  job.end = end;
  EM_ROLLED
  for (int y = 0; y < p->out_height; ++y) {
    EM_ROLLED
    for (int done = 0; done < p->out_width; done += p->layer.pixels) {
      const int x = done + p->layer.pixels > p->out_width ? p->out_width - p->layer.pixels : done;
      const int top = y * p->pool_height * p->stride_height - p->pad_top;
      const int left = x * p->pool_width * p->stride_width - p->pad_left;
      em_chunks_copy_strip(p, in, top, left, scratch);
      em_chunks_group(&job, &p->layer, out + (y * p->out_width + x) * p->layer.out_channels,
                      pooled);
    }
  }
}

EM_KERNEL void em_sparse_chunks_conv_2d(const em_sparse_chunks_conv_2d_params *p,
                                        const int8_t *stream, const em_channel *channels,
                                        int8_t *scratch, const int8_t *in, int8_t *out)
{
  const em_chunks_lanes windows =
      em_chunks_each_lane(&p->layer, scratch, p->stride_width * p->column_step);
  em_chunks_strips(p, stream, channels, scratch, &windows, &windows + 1, in, out, 0);
}

EM_KERNEL void em_sparse_chunks_conv_2d_max_pool(const em_sparse_chunks_conv_2d_params *p,
                                                 const int8_t *stream, const em_channel *channels,
                                                 int8_t *scratch, const int8_t *in, int8_t *out)
{
  const int column = p->stride_width * p->column_step, row = p->stride_height * p->row_step;
  em_chunks_lanes windows[EM_CHUNKS_PASSES];
  em_chunks_lanes *end = windows;
  EM_ROLLED
  for (int down = 0; down < p->pool_height; ++down) {
    EM_ROLLED
    for (int across = 0; across < p->pool_width; ++across) {
      *end++ = em_chunks_each_lane(&p->layer, scratch + across * column + down * row,
                                   p->pool_width * column);
    }
  }
  em_chunks_strips(p, stream, channels, scratch, windows, end, in, out, 1);
}

#endif
