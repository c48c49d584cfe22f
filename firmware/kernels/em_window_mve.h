/* em_find_window for bodies that read a window as one run of elements: each pixel's, row by row.
 *
 * A window whose elements are neighbours in the input is read there. Others are copied to `scratch`, the first pixel's and
 * then the second's: 2 * kernel_height * kernel_width * in_channels / groups bytes.
 */
#ifndef EM_WINDOW_MVE_H
#define EM_WINDOW_MVE_H

#include "em_copy_mve.h"

EM_INLINE int em_window_bytes(const em_conv_2d_params *p)
{
  return 2 * p->kernel_height * p->kernel_width * (p->in_channels / p->groups);
}

/* Of `size` places from `first` on, `step` apart, the first that is not before the start and how many lie in 0 ... limit - 1.
 */
EM_INLINE int em_first_inside(int first, int step)
{
  return first < 0 ? (step - 1 - first) / step : 0;
}

EM_INLINE int em_count_inside(int first, int step, int size, int limit)
{
  const int begin = em_first_inside(first, step);
  const int end = (limit - first + step - 1) / step < size ? (limit - first + step - 1) / step : size;
  return end > begin && limit > first ? end - begin : 0;
}

/* Copies a window whose columns are neighbours in the input. */
EM_INLINE void em_copy_window_rows(const em_conv_2d_params *p, const int8_t *in, int top, int left, int8_t *to)
{
  const int channels = p->in_channels, row = p->kernel_width * channels, pitch = p->in_width * channels;
  const int ky = em_first_inside(top, p->dilation_height), kx = left < 0 ? -left : 0;
  const int rows = em_count_inside(top, p->dilation_height, p->kernel_height, p->in_height);
  const int columns = em_count_inside(left, 1, p->kernel_width, p->in_width);
  em_fill_bytes(to, p->in_zero_point, p->kernel_height * row);
  if (rows > 0 && columns > 0) {
    em_copy_rows(to + ky * row + kx * channels, row, in + (top + ky * p->dilation_height) * pitch + (left + kx) * channels,
                 p->dilation_height * pitch, rows, columns * channels);
  }
}

/* A row of a window that is dilated or has a group's channels only. */
EM_INLINE void em_copy_window_pixels(const em_conv_2d_params *p, const int8_t *in, int iy, int left, int first, int8_t *to)
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
EM_PART void em_copy_window(const em_conv_2d_params *p, const int8_t *in, int top, int left, int first, int8_t *to)
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
  em_copy_rows(to, row, from, p->dilation_height * p->in_width * p->in_channels, p->kernel_height, row);
}

EM_INLINE em_window em_find_window(const em_conv_2d_params *p, const int8_t *in, int y, int x, int first, int8_t *scratch,
                                   const int pixels)
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

#endif
