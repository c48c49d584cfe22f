/* MAX_POOL_2D and AVERAGE_POOL_2D.
 *
 * in   int8 [in_height][in_width][channels]          out  int8 [out_height][out_width][channels]
 * What hangs over the border does not count. Outputs are done in order, each after its window is
 * read: `out` may lie over `in` as far ahead as the generator computed it.
 */
#ifndef EM_POOL_2D_H
#define EM_POOL_2D_H

#include "em_common.h"

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size channels;
  em_size out_height;
  em_size out_width;
  em_size kernel_height;
  em_size kernel_width;
  em_size stride_height;
  em_size stride_width;
  em_size pad_top;
  em_size pad_left;
  int16_t minimum;
  int16_t maximum;
} em_pool_2d_params;

/* The part of a window that lies inside the input: rows [top, bottom), columns [left, right). */
typedef struct {
  int top, bottom, left, right;
} em_pool_window;

EM_INLINE em_pool_window em_pool_clip(const em_pool_2d_params *p, int y, int x)
{
  const int top = y * p->stride_height - p->pad_top;
  const int left = x * p->stride_width - p->pad_left;
  em_pool_window w;
  w.top = top < 0 ? 0 : top;
  w.left = left < 0 ? 0 : left;
  w.bottom = top + p->kernel_height < p->in_height ? top + p->kernel_height : p->in_height;
  w.right = left + p->kernel_width < p->in_width ? left + p->kernel_width : p->in_width;
  return w;
}

/* The mean of `sum` over `count` elements, rounded to nearest, ties up: of unsigned elements, each
 * 128 more, it is their mean with ties away from zero. */
EM_INLINE int32_t em_mean_ties_up(int32_t sum, int32_t count)
{
  return (sum > 0 ? sum + count / 2 : sum - (count - 1) / 2) / count;
}

/* A target's own body: EM_TARGET_POOL names a header that does what em_pool_channels.h does, which
 * is that of the others; em_mean.h takes it too.
 */
#if defined(EM_TARGET_POOL)
#include EM_TARGET_POOL
#else
#include "em_pool_channels.h"
#endif

/* The largest or the mean of `channels` channels of a window, the first of which are at `from`. */
EM_INLINE void em_pool_block(const em_pool_2d_params *p, const em_pool_window *w,
                             const int8_t *from, int8_t *out, const int channels, const int average)
{
  const int rows = w->bottom - w->top, columns = w->right - w->left,
            row_pitch = p->in_width * p->channels;
  if (average) {
    int32_t sums[EM_SUMMED_CHANNELS] = {0};
    em_add_pool_window(sums, from, row_pitch, rows, p->channels, columns, channels);
    em_store_means(out, sums, rows * columns, channels, p->minimum, p->maximum);
  } else {
    em_store_maxima(out, from, row_pitch, rows, p->channels, columns, channels, p->minimum,
                    p->maximum);
  }
}

/* All channels of one output, in order: the generator knows how far ahead of `in` that lets `out`
 * lie. */
EM_INLINE void em_pool_pixel(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in,
                             int8_t *out, const int average)
{
  const int8_t *const from = in + (w->top * p->in_width + w->left) * p->channels;
  const int small = p->kernel_height * p->kernel_width <= EM_SMALL_WINDOW;
  const int at_once = small ? 1 : average ? EM_SUMMED_CHANNELS : EM_COMPARED_CHANNELS;
  int c = 0;
  for (; c + at_once <= p->channels; c += at_once)
    em_pool_block(p, w, from + c, out + c, at_once, average);
  while (c < p->channels) {
    const int channels = small ? 1 : EM_NEXT_CHANNELS(p->channels - c);
    em_pool_block(p, w, from + c, out + c, channels, average);
    c += channels;
  }
}

/* A target's own body: EM_TARGET_POOL_2D names a header that defines EM_OWN_POOL_2D as 1 and
 * em_own_pool_2d(p, &window, in, out, average): all channels of one output, each read before it and
 * those behind it are written.
 */
#if defined(EM_TARGET_POOL_2D)
#include EM_TARGET_POOL_2D
#endif
#ifndef EM_OWN_POOL_2D
#define EM_OWN_POOL_2D 0
#endif

/* The sum of a window's elements of one channel. */
EM_INLINE int32_t em_pool_sum(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in,
                              int c)
{
  int32_t sum = 0;
  for (int iy = w->top; iy < w->bottom; ++iy) {
    const int8_t *from = in + (iy * p->in_width + w->left) * p->channels + c;
    EM_UNROLL(4)
    for (int ix = w->left; ix < w->right; ++ix, from += p->channels) sum += *from;
  }
  return sum;
}

EM_INLINE void em_pool_2d_body(const em_pool_2d_params *p, const int8_t *in, int8_t *out,
                               const int average)
{
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_pool_window w = em_pool_clip(p, y, x);
#if EM_OWN_POOL_2D
      em_own_pool_2d(p, &w, in, out, average);
#else
      em_pool_pixel(p, &w, in, out, average);
#endif
      out += p->channels;
    }
  }
}

/* Means with ties up. */
EM_KERNEL void em_average_pool_2d_up(const em_pool_2d_params *p, const int8_t *in, int8_t *out)
{
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_pool_window w = em_pool_clip(p, y, x);
      for (int c = 0; c < p->channels; ++c) {
        const int32_t sum = em_pool_sum(p, &w, in, c);
        const int32_t mean = em_mean_ties_up(sum, (w.bottom - w.top) * (w.right - w.left));
        *out++ = (int8_t)em_clamp(mean, p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_max_pool_2d(const em_pool_2d_params *p, const int8_t *in, int8_t *out)
{
  em_pool_2d_body(p, in, out, 0);
}

EM_KERNEL void em_average_pool_2d(const em_pool_2d_params *p, const int8_t *in, int8_t *out)
{
  em_pool_2d_body(p, in, out, 1);
}

#endif
