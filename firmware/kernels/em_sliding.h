/* A window that slides over an image: its sizes, and which of its taps lie within. */
#ifndef EM_SLIDING_H
#define EM_SLIDING_H

#include <stdint.h>

#include "em_common.h"

typedef struct {
  int32_t in_height;
  int32_t in_width;
  int32_t in_channels;
  int32_t out_height;
  int32_t out_width;
  int32_t out_channels;
  int32_t kernel_height;
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top; /* of a transposed convolution: rows of the whole output that are left out */
  int32_t pad_left;
  int32_t groups;
} em_sliding_params;

/* Of a window along one axis the taps that lie within the image: those from `first` to before
 * `last`. */
typedef struct {
  int32_t first, last;
} em_sliding_taps;

/* The taps of a window that begins at `start` (which may lie before the image) and has `count`,
 * each `step` apart. */
EM_INLINE em_sliding_taps em_sliding_taps_within(int32_t start, int32_t step, int32_t count,
                                                 int32_t size)
{
  em_sliding_taps taps;
  const int32_t end = start < size ? (size - start + step - 1) / step : 0;
  taps.first = start < 0 ? (step - 1 - start) / step : 0;
  taps.last = end < count ? end : count;
  return taps;
}

/* The window of one output: where it begins in the image, and which of its taps lie within. */
typedef struct {
  int32_t top, left;
  em_sliding_taps rows, columns;
} em_sliding_window;

EM_INLINE em_sliding_window em_sliding_window_at(const em_sliding_params *p, int32_t y, int32_t x)
{
  em_sliding_window w;
  w.top = y * p->stride_height - p->pad_top;
  w.left = x * p->stride_width - p->pad_left;
  w.rows = em_sliding_taps_within(w.top, p->dilation_height, p->kernel_height, p->in_height);
  w.columns = em_sliding_taps_within(w.left, p->dilation_width, p->kernel_width, p->in_width);
  return w;
}

#endif
