/* CONV_2D, with an optional non-overlapping MAX_POOL_2D behind it.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][out_channels], after the pool where there is one
 * Outputs are done in row order and an output block's input window is read before the block is
 * written, so `out` may lie over `in` as far ahead as the generator computed it. An odd row's last
 * pixel is made up to a pair with its neighbour, which is then done twice over. `scratch` holds the
 * `strip` of the target's body and then two windows that hang over the border, filled up with the
 * zero point: kernel_height * (kernel_width + stride_width) * in_channels bytes for a `direct`
 * layer, kernel_height * 2 * kernel_width * in_channels / groups for another; or what the target's
 * own em_find_window wants instead.
 */
#ifndef EM_CONV_2D_H
#define EM_CONV_2D_H

#include "em_dot.h"

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
  em_size dilation_width;
  em_size pad_top;
  em_size pad_left;
  em_size groups;
  int16_t direct; /* dilation_width and groups are 1: windows inside are read where they are */
  em_size pool_height;
  em_size pool_width;
  int16_t in_zero_point;
  em_size part_rows; /* with pixels in words: rows of a window that are done at a time, 0 for all;
                      * see em_conv_2d_words.h */
  int32_t strip; /* bytes at the start of the scratch that are the target's body's */
  em_output output;
} em_conv_2d_params;

/* A target's own body for whole `direct` layers. EM_TARGET_CONV_2D names a header that defines
 * EM_OWN_CONV_2D as 1 and, with the arguments of em_conv_2d_body and em_conv_2d_max_pool_body,
 * em_own_conv_2d and em_own_conv_2d_max_pool. The generator has to know of it (DenseBody).
 */
#if defined(EM_TARGET_CONV_2D)
#include EM_TARGET_CONV_2D
#endif
#ifndef EM_OWN_CONV_2D
#define EM_OWN_CONV_2D 0
#endif

/* Whether the window at conv output (y, x) lies inside the input and its rows are contiguous. */
EM_INLINE int em_window_inside(const em_conv_2d_params *p, int y, int x)
{
  const int top = y * p->stride_height - p->pad_top;
  const int left = x * p->stride_width - p->pad_left;
  return p->direct && top >= 0 && left >= 0 &&
      top + (p->kernel_height - 1) * p->dilation_height < p->in_height &&
      left + p->kernel_width <= p->in_width;
}

/* A target may find windows in its own way: EM_TARGET_WINDOW names a header that defines
 * em_find_window and em_window_bytes as below. The generator has to know of it (DenseBody.window).
 * With EM_WINDOW_STRIPS it has em_takes_strips and em_conv_2d_strips too, which does the first
 * pixels of a row of outputs.
 */
#if defined(EM_TARGET_WINDOW)
#include EM_TARGET_WINDOW
#else
/* The scratch that two windows take. */
EM_INLINE int em_window_bytes(const em_conv_2d_params *p)
{
  const int beside = p->direct ? p->stride_width : p->kernel_width;
  return p->kernel_height * (p->kernel_width + beside) * (p->in_channels / p->groups);
}

EM_INLINE void em_copy_run(int8_t *to, const int8_t *from, int bytes)
{
  const int words = bytes & -4;
  for (int i = 0; i < words; i += 4) EM_COPY(to + i, from + i, 4);
  for (int i = words; i < bytes; ++i) to[i] = from[i];
}

EM_INLINE void em_fill_run(int8_t *to, int value, int bytes)
{
  const uint32_t word = (uint32_t)(uint8_t)value * 0x01010101u;
  const int words = bytes & -4;
  for (int i = 0; i < words; i += 4) EM_COPY(to + i, &word, 4);
  for (int i = words; i < bytes; ++i) to[i] = (int8_t)value;
}

/* Copies a row's columns x, x + 1 ... to `to`, channels from `first` on, of one column or, with 1
 * group, of several; what hangs over the border gets the zero point.
 */
EM_INLINE void em_gather_run(const em_conv_2d_params *p, const int8_t *in, int y, int x,
                             int columns, int first, int8_t *to)
{
  const int channels = p->in_channels / p->groups;
  const int none = y < 0 || y >= p->in_height || x >= p->in_width || x + columns <= 0;
  const int begin = none ? columns : (x < 0 ? -x : 0);
  const int end = none ? columns : (x + columns > p->in_width ? p->in_width - x : columns);
  em_fill_run(to, p->in_zero_point, begin * channels);
  if (begin < end) {
    em_copy_run(to + begin * channels, in + (y * p->in_width + x + begin) * p->in_channels + first,
                (end - begin) * channels);
  }
  em_fill_run(to + end * channels, p->in_zero_point, (columns - end) * channels);
}

/* Copies the input at rows top, top + dilation ... and `columns` columns from left on, channels
 * from `first` on, to `to`; rows of `to` are `pitch` bytes apart.
 */
EM_PART void em_gather(const em_conv_2d_params *p, const int8_t *in, int top, int left, int columns,
                       int first, int pitch, int8_t *to)
{
  const int channels = p->in_channels / p->groups;
  const int at_once = p->direct ? columns : 1;
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    for (int kx = 0; kx < columns; kx += at_once) {
      em_gather_run(p, in, top + ky * p->dilation_height, left + kx * p->dilation_width, at_once,
                    first, to + ky * pitch + kx * channels);
    }
  }
}

/* Finds or gathers the windows of the conv outputs (y, x) and, for 2 pixels, (y, x + 1). A `direct`
 * layer's two windows overlap in one strip; the others' stand side by side in `scratch`.
 */
EM_INLINE em_window em_find_window(const em_conv_2d_params *p, const int8_t *in, int y, int x,
                                   int first, int8_t *scratch, const int pixels)
{
  const int channels = p->in_channels / p->groups;
  const int top = y * p->stride_height - p->pad_top;
  const int left = x * p->stride_width - p->pad_left;
  const int row = p->kernel_width * channels;
  const int pair = p->direct ? p->stride_width * channels : row;
  em_window window = {scratch, pixels > 1 ? pair : 0, row, p->kernel_height, row};
  if (em_window_inside(p, y, x) && em_window_inside(p, y, x + pixels - 1)) {
    window.x = in + (top * p->in_width + left) * p->in_channels;
    window.row_stride = p->dilation_height * p->in_width * p->in_channels;
    return window;
  }
  if (pixels > 1) window.row_stride += window.pair;
  if (p->direct) {
    em_gather(p, in, top, left, p->kernel_width + (pixels > 1 ? p->stride_width : 0), first,
              window.row_stride, scratch);
  } else {
    em_gather(p, in, top, left, p->kernel_width, first, window.row_stride, scratch);
    if (pixels > 1) {
      em_gather(p, in, top, left + p->stride_width, p->kernel_width, first, window.row_stride,
                scratch + row);
    }
  }
  return window;
}
#endif

#ifndef EM_WINDOW_STRIPS
#define EM_WINDOW_STRIPS 0
#endif

#include "em_conv_2d_words.h"

EM_INLINE void em_conv_2d_pixels(const em_conv_2d_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                 const int8_t *in, int8_t *out, int y, int x, const int pixels,
                                 const int rounding)
{
  const int out_group = p->out_channels / p->groups;
  for (int group = 0; group < p->groups; ++group) {
    const int in_group = p->in_channels / p->groups;
    const int first = group * out_group;
    const em_window window =
        em_find_window(p, in, y, x, group * in_group, scratch + p->strip, pixels);
    int8_t *const to = out + (y * p->out_width + x) * p->out_channels + first;
    const em_block block = {weights, channels + first, shifts + first, to, to + p->out_channels};
    em_dot_channels(&window, block, out_group, &p->output, scratch, pixels, rounding);
#if EM_PIXEL_WORDS
    weights += em_single_bytes(weights);
#else
    weights += em_packed_bytes(out_group, p->kernel_height, p->kernel_width * in_group);
#endif
  }
}

EM_INLINE void em_conv_2d_body(const em_conv_2d_params *p, const int8_t *weights,
                               const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                               const int8_t *in, int8_t *out, const int rounding)
{
#if EM_PIXEL_WORDS
  if (p->part_rows > 0) {
    em_conv_2d_parts(p, weights, channels, shifts, scratch, in, out, rounding);
  } else if (p->out_width * p->out_height > 1) {
    em_conv_2d_quads(p, weights, channels, shifts, scratch, in, out, rounding);
  } else {
    em_conv_2d_pixels(p, weights, channels, shifts, scratch, in, out, 0, 0, 1, rounding);
  }
#else
#if EM_OWN_CONV_2D
  if (p->direct) {
    em_own_conv_2d(p, weights, channels, shifts, scratch, in, out, rounding);
    return;
  }
#endif
  for (int y = 0; y < p->out_height; ++y) {
    if (p->out_width < 2) {
      em_conv_2d_pixels(p, weights, channels, shifts, scratch, in, out, y, 0, 1, rounding);
      continue;
    }
    int begin = 0;
#if EM_WINDOW_STRIPS
    if (em_takes_strips(p)) {
      begin =
          em_conv_2d_strips(p, weights, channels, shifts, scratch + p->strip, in, out, y, rounding);
    }
#endif
    for (int done = begin; done < p->out_width; done += 2) {
      const int x = done + 2 > p->out_width ? p->out_width - 2 : done;
      em_conv_2d_pixels(p, weights, channels, shifts, scratch, in, out, y, x, 2, rounding);
    }
  }
#endif
}

enum { EM_POOL_PAIRS = 8 }; /* the most pixel pairs that a fused pool window may have */

EM_INLINE void em_conv_2d_max_pool_body(const em_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts,
                                        int8_t *scratch, const int8_t *in, int8_t *out,
                                        const int rounding)
{
#if EM_PIXEL_WORDS
  em_conv_2d_pool_quads(p, weights, channels, shifts, scratch, in, out, rounding);
#else
#if EM_OWN_CONV_2D
  if (p->direct) {
    em_own_conv_2d_max_pool(p, weights, channels, shifts, scratch, in, out, rounding);
    return;
  }
#endif
  em_window windows[EM_POOL_PAIRS];
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_block block = {weights, channels, shifts, out, out};
      int pairs = 0;
      EM_UNROLL(2) /* so that the windows' sizes are constants */
      for (int py = 0; py < p->pool_height; ++py) {
        EM_UNROLL(2)
        for (int done = 0; done < p->pool_width; done += 2) {
          const int px = done + 2 > p->pool_width ? p->pool_width - 2 : done;
          windows[pairs] = em_find_window(p, in, y * p->pool_height + py, x * p->pool_width + px, 0,
                                          scratch + p->strip + pairs * em_window_bytes(p), 2);
          ++pairs;
        }
      }
      em_dot_pooled(windows, pairs, block, p->out_channels, &p->output, scratch, rounding);
      out += p->out_channels;
    }
  }
#endif
}

EM_KERNEL void em_conv_2d(const em_conv_2d_params *p, const int8_t *weights,
                          const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                          const int8_t *in, int8_t *out)
{
  em_conv_2d_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_conv_2d_any(const em_conv_2d_params *p, const int8_t *weights,
                              const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                              const int8_t *in, int8_t *out)
{
  em_conv_2d_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

#if EM_PIXEL_WORDS
/* Requantised by step functions, several pixels: `channels` is as em_quad_channels_step reads
 * it. */
EM_KERNEL void em_conv_2d_step(const em_conv_2d_params *p, const int8_t *weights,
                               const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                               const int8_t *in, int8_t *out)
{
  em_conv_2d_quads(p, weights, channels, shifts, scratch, in, out, EM_ROUND_STEP);
}
#endif

/* `scratch` is larger by the factor pool_height * ceil(pool_width / 2); groups must be 1,
 * pool_width at least 2. */
EM_KERNEL void em_conv_2d_max_pool(const em_conv_2d_params *p, const int8_t *weights,
                                   const em_channel *channels, const int8_t *shifts,
                                   int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_max_pool_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_conv_2d_max_pool_any(const em_conv_2d_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts,
                                       int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_conv_2d_max_pool_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

#endif
