/* em_find_window for bodies that read a window as one run of elements: each pixel's, row by row.
 *
 * A window whose elements are neighbours in the input is read there. Others are copied to
 * `scratch`, the first pixel's and then the second's: 2 * kernel_height * kernel_width *
 * in_channels / groups bytes. Small windows of a row of outputs are copied up to EM_STRIP_WINDOWS
 * at a time.
 */
#ifndef EM_WINDOW_MVE_H
#define EM_WINDOW_MVE_H

#include "em_copy_mve.h"

#define EM_WINDOW_STRIPS EM_OWN_PAIRS /* of em_dot_mve.h */
enum { EM_STRIP_WINDOWS = 8, EM_STRIP_ELEMENTS = 16, EM_STRIP_REACH = 255 };

EM_INLINE int em_window_bytes(const em_conv_2d_params *p)
{
  return 2 * p->kernel_height * p->kernel_width * (p->in_channels / p->groups);
}

/* Of `size` places from `first` on, `step` apart, the first that is not before the start and how
 * many lie in 0 ... limit - 1.
 */
EM_INLINE int em_first_inside(int first, int step)
{
  return first < 0 ? (step - 1 - first) / step : 0;
}

EM_INLINE int em_count_inside(int first, int step, int size, int limit)
{
  const int begin = em_first_inside(first, step);
  const int end =
      (limit - first + step - 1) / step < size ? (limit - first + step - 1) / step : size;
  return end > begin && limit > first ? end - begin : 0;
}

/* Copies a window whose columns are neighbours in the input. */
EM_INLINE void em_copy_window_rows(const em_conv_2d_params *p, const int8_t *in, int top, int left,
                                   int8_t *to)
{
  const int channels = p->in_channels, row = p->kernel_width * channels,
            pitch = p->in_width * channels;
  const int ky = em_first_inside(top, p->dilation_height), kx = left < 0 ? -left : 0;
  const int rows = em_count_inside(top, p->dilation_height, p->kernel_height, p->in_height);
  const int columns = em_count_inside(left, 1, p->kernel_width, p->in_width);
  em_fill_bytes(to, p->in_zero_point, p->kernel_height * row);
  if (rows > 0 && columns > 0) {
    em_copy_rows(to + ky * row + kx * channels, row,
                 in + (top + ky * p->dilation_height) * pitch + (left + kx) * channels,
                 p->dilation_height * pitch, rows, columns * channels);
  }
}

/* A row of a window that is dilated or has a group's channels only. */
EM_INLINE void em_copy_window_pixels(const em_conv_2d_params *p, const int8_t *in, int iy, int left,
                                     int first, int8_t *to)
{
  const int channels = p->in_channels / p->groups;
  for (int kx = 0; kx < p->kernel_width; ++kx, to += channels) {
    const int ix = left + kx * p->dilation_width;
    if (iy >= 0 && iy < p->in_height && ix >= 0 && ix < p->in_width) {
      em_copy_bytes(to, in + (iy * p->in_width + ix) * p->in_channels + first, channels);
    } else {
      em_fill_bytes(to, p->in_zero_point, channels);
    }
  }
}

/* Copies the window whose upper left corner is (top, left), channels from `first` on. */
EM_PART void em_copy_window(const em_conv_2d_params *p, const int8_t *in, int top, int left,
                            int first, int8_t *to)
{
  if (p->direct) {
    em_copy_window_rows(p, in, top, left, to);
    return;
  }
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    em_copy_window_pixels(p, in, top + ky * p->dilation_height, left, first, to);
    to += p->kernel_width * (p->in_channels / p->groups);
  }
}

/* Copies a window inside the input. */
EM_INLINE void em_copy_window_inside(const em_conv_2d_params *p, const int8_t *from, int8_t *to)
{
  const int row = p->kernel_width * p->in_channels;
  em_copy_rows(to, row, from, p->dilation_height * p->in_width * p->in_channels, p->kernel_height,
               row);
}

EM_INLINE em_window em_find_window(const em_conv_2d_params *p, const int8_t *in, int y, int x,
                                   int first, int8_t *scratch, const int pixels)
{
  const int channels = p->in_channels / p->groups;
  const int size = p->kernel_height * p->kernel_width * channels;
  const int top = y * p->stride_height - p->pad_top;
  const int left = x * p->stride_width - p->pad_left;
  const int step = p->stride_width * channels;
  em_window window = {scratch, pixels > 1 ? size : 0, 0, 1, size};
  if (em_window_inside(p, y, x) && em_window_inside(p, y, x + pixels - 1)) {
    const int8_t *const from = in + (top * p->in_width + left) * p->in_channels;
    if (p->kernel_height == 1 || (p->dilation_height == 1 && p->kernel_width == p->in_width)) {
      window.x = from;
      window.pair = pixels > 1 ? step : 0;
      return window;
    }
    em_copy_window_inside(p, from, scratch);
    if (pixels > 1) em_copy_window_inside(p, from + step, scratch + size);
    return window;
  }
  em_copy_window(p, in, top, left, first, scratch);
  if (pixels > 1) em_copy_window(p, in, top, left + p->stride_width, first, scratch + size);
  return window;
}

#if EM_WINDOW_STRIPS
/* Whether the windows are copied several at a time: a chunk of em_dot_mve.h each, whose elements an
 * 8-bit offset reaches. */
EM_INLINE int em_takes_strips(const em_conv_2d_params *p)
{
  const int size = p->kernel_height * p->kernel_width * p->in_channels;
  const int reach = ((p->kernel_height - 1) * p->dilation_height * p->in_width + p->kernel_width) *
          p->in_channels -
      1;
  return p->direct && p->kernel_height > 1 && size <= EM_STRIP_ELEMENTS &&
      reach <= EM_STRIP_REACH && (p->dilation_height > 1 || p->kernel_width < p->in_width) &&
      p->out_channels % 4 == 0;
}

/* Copies `count` windows inside the input, `step` apart, of up to 16 elements at these offsets. */
EM_INLINE void em_copy_windows_inside(int8_t *to, const int8_t *from, int step, int count,
                                      const uint8_t *offsets, int size)
{
#if defined(__ARM_FEATURE_MVE)
  if (count <= 0) return;
  __asm__ volatile("vldrb.8 q1, [%[offsets]]\n\t"
                   "vctp.8 %[size]\n\t"
                   "dls lr, %[count]\n"
                   "1:\n\t"
                   "vpstt\n\t"
                   "vldrbt.u8 q0, [%[from], q1]\n\t"
                   "vstrbt.8 q0, [%[to]]\n\t"
                   "add %[from], %[from], %[step]\n\t"
                   "add %[to], %[to], %[size]\n\t"
                   "le lr, 1b"
                   : [from] "+r"(from), [to] "+r"(to)
                   : [count] "r"(count), [step] "r"(step), [size] "r"(size), [offsets] "r"(offsets)
                   : "q0", "q1", "lr", "cc", "memory");
#else
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < size; ++k) to[i * size + k] = from[i * step + offsets[k]];
  }
#endif
}

/* Copies the windows of the outputs (y, x), (y, x + 1) ... of which there are `count`. */
EM_INLINE void em_copy_windows(const em_conv_2d_params *p, const int8_t *in, const uint8_t *offsets,
                               int y, int x, int count, int8_t *to)
{
  const int size = p->kernel_height * p->kernel_width * p->in_channels;
  const int top = y * p->stride_height - p->pad_top;
  for (int done = 0; done < count;) {
    const int left = (x + done) * p->stride_width - p->pad_left;
    if (em_window_inside(p, y, x + done)) {
      const int fit = (p->in_width - p->kernel_width - left) / p->stride_width + 1;
      const int inside = fit < count - done ? fit : count - done;
      em_copy_windows_inside(to + done * size, in + (top * p->in_width + left) * p->in_channels,
                             p->stride_width * p->in_channels, inside, offsets, size);
      done += inside;
    } else {
      em_copy_window_rows(p, in, top, left, to + done * size);
      ++done;
    }
  }
}

/* Does the whole pairs of a row of outputs; returns how many pixels these are. All windows of a
 * strip are read before any of their outputs is written.
 */
EM_INLINE int em_conv_2d_strips(const em_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, int y, const int rounding)
{
  const int row = p->kernel_width * p->in_channels, size = p->kernel_height * row,
            paired = p->out_width & -2;
  uint8_t offsets[EM_STRIP_ELEMENTS] = {0};
  for (int i = 0; i < size; ++i) {
    offsets[i] = (uint8_t)(i / row * p->dilation_height * p->in_width * p->in_channels + i % row);
  }
  for (int first = 0; first < paired; first += EM_STRIP_WINDOWS) {
    const int count = paired - first < EM_STRIP_WINDOWS ? paired - first : EM_STRIP_WINDOWS;
    int8_t *const to = out + (y * p->out_width + first) * p->out_channels;
    const em_block block = {weights, channels, shifts, to, to + p->out_channels};
    const em_window window = {scratch, size, 0, 1, size};
    em_copy_windows(p, in, offsets, y, first, count, scratch);
    em_own_pairs(&window, block, p->out_channels, &p->output, scratch, count / 2, 2 * size,
                 2 * p->out_channels, rounding);
  }
  return paired;
}
#endif

#endif
