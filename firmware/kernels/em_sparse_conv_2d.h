/* CONV_2D whose weights are mostly zero, with an optional non-overlapping MAX_POOL_2D behind it.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][out_channels], after the pool where there is one
 * A window's elements are numbered column by column: [kernel_width][kernel_height][in_channels].
 * Outputs are done in row order, `layer.pixels` at a time (see em_sparse.h); a row's last ones are
 * made up to so many with their neighbours, which are then done twice over. Their windows are
 * copied to `scratch` first, one strip of columns for each row of the pool, and what hangs over the
 * border is filled up with the zero point; so `out` may lie over what later windows don't read.
 * `scratch` has pool_height * columns * kernel_height * in_channels bytes, columns = (pixels *
 * pool_width - 1) * stride_width + kernel_width.
 */
#ifndef EM_SPARSE_CONV_2D_H
#define EM_SPARSE_CONV_2D_H

#include "em_sparse.h"

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size in_channels;
  em_size out_height;
  em_size out_width;
  em_size kernel_height;
  em_size kernel_width;
  em_size stride_height;
  em_size stride_width;
  em_size dilation_height;
  em_size pad_top;
  em_size pad_left;
  em_size pool_height;
  em_size pool_width;
  int16_t in_zero_point;
  em_sparse_layer layer;
} em_sparse_conv_2d_params;

EM_INLINE void em_sparse_fill(int8_t *to, int count, int32_t value)
{
  EM_ROLLED
  for (int i = 0; i < count; ++i) to[i] = (int8_t)value;
}

/* Copies the channels of a pixel. Words and half words are aligned, because tensors and `scratch`
 * are. */
EM_INLINE void em_sparse_copy(int8_t *to, const int8_t *from, int count)
{
#if EM_SIZE || EM_THUMB1
  if ((count & 3) == 0) {
    EM_UNROLL(4)
    for (int i = 0; i < count; i += 4) EM_COPY(EM_ALIGNED(to + i, 4), EM_ALIGNED(from + i, 4), 4);
  } else if (!EM_SIZE && (count & 1) == 0) {
    EM_UNROLL(4)
    for (int i = 0; i < count; i += 2) EM_COPY(EM_ALIGNED(to + i, 2), EM_ALIGNED(from + i, 2), 2);
  } else {
    for (int i = 0; i < count; ++i) to[i] = from[i];
  }
#else
  EM_COPY(to, from, (size_t)count);
#endif
}

/* Copies `columns` columns from `left` on of the kernel's rows from `top` on to `to`. */
EM_PART void em_sparse_gather(const em_sparse_conv_2d_params *p, const int8_t *in, int top,
                              int left, int columns, int8_t *to)
{
  const int channels = p->in_channels, height = p->kernel_height * channels;
  EM_ROLLED
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int y = top + ky * p->dilation_height;
    const int inside = y >= 0 && y < p->in_height;
    const int first = inside && left < 0 ? -left : 0;
    const int wanted = p->in_width - left;
    const int last = !inside ? 0 : (columns < wanted ? columns : wanted);
    int8_t *at = to + ky * channels;
    int column = 0;
    EM_ROLLED
    for (; column < first && column < columns; ++column, at += height)
      em_sparse_fill(at, channels, p->in_zero_point);
    if (column < last) {
      const int8_t *from = in + (y * p->in_width + left + column) * channels;
      EM_ROLLED
      for (; column < last; ++column, at += height, from += channels)
        em_sparse_copy(at, from, channels);
    }
    EM_ROLLED
    for (; column < columns; ++column, at += height) em_sparse_fill(at, channels, p->in_zero_point);
  }
}

EM_KERNEL void em_sparse_conv_2d(const em_sparse_conv_2d_params *p, const int8_t *stream,
                                 const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                 const int8_t *in, int8_t *out)
{
  const int pixels = em_sparse_pixels(&p->layer);
  const int columns = (pixels * p->pool_width - 1) * p->stride_width + p->kernel_width;
  const int height = p->kernel_height * p->in_channels;
  const em_sparse_windows windows = {
      scratch,          pixels > 1 ? p->pool_width * p->stride_width * height : 0,
      columns * height, p->stride_width * height,
      p->pool_height,   p->pool_width};
  EM_ROLLED
  for (int y = 0; y < p->out_height; ++y) {
    EM_ROLLED
    for (int done = 0; done < p->out_width; done += pixels) {
      const int x = done + pixels > p->out_width ? p->out_width - pixels : done;
      EM_ROLLED
      for (int py = 0; py < p->pool_height; ++py) {
        em_sparse_gather(p, in, (y * p->pool_height + py) * p->stride_height - p->pad_top,
                         x * p->pool_width * p->stride_width - p->pad_left, columns,
                         scratch + py * windows.down);
      }
      em_sparse_channels(&p->layer, stream, channels, shifts, &windows,
                         out + (y * p->out_width + x) * p->layer.out_channels);
    }
  }
}

#endif
