/* MAX_POOL_2D and AVERAGE_POOL_2D.
 *
 * in   int8 [in_height][in_width][channels]          out  int8 [out_height][out_width][channels]
 * What hangs over the border does not count. Outputs are done in order, each after its window is read: `out` may lie
 * over `in` as far ahead as the generator computed it.
 */
#ifndef EM_POOL_2D_H
#define EM_POOL_2D_H

#include "em_common.h"

typedef struct {
  int16_t in_height;
  int16_t in_width;
  int16_t channels;
  int16_t out_height;
  int16_t out_width;
  int16_t kernel_height;
  int16_t kernel_width;
  int16_t stride_height;
  int16_t stride_width;
  int16_t pad_top;
  int16_t pad_left;
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

/* The mean of `sum` over `count` elements, rounded to nearest, ties away from zero. */
EM_INLINE int32_t em_rounded_mean(int32_t sum, int32_t count)
{
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* The same with ties up: of unsigned elements, each 128 more, it is their mean rounded so. */
EM_INLINE int32_t em_mean_ties_up(int32_t sum, int32_t count)
{
  return (sum > 0 ? sum + count / 2 : sum - (count - 1) / 2) / count;
}

/* A target's own body: EM_TARGET_POOL names a header that defines EM_OWN_POOL as 1 and, for some neighbouring channels at
 * once, em_add_pixels, em_store_means, em_max_pixels and em_store_limited; em_mean.h takes it too.
 */
#if defined(EM_TARGET_POOL)
#include EM_TARGET_POOL
#endif
#ifndef EM_OWN_POOL
#define EM_OWN_POOL 0
#endif

#if EM_OWN_POOL
/* The largest or the mean of a window, for all channels of a pixel. */
EM_INLINE void em_max_window(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in, int8_t *out)
{
  const int columns = w->right - w->left;
  for (int c = 0; c < p->channels; c += EM_COMPARED_CHANNELS) {
    const int count = p->channels - c < EM_COMPARED_CHANNELS ? p->channels - c : EM_COMPARED_CHANNELS;
    int8_t best[EM_COMPARED_CHANNELS];
    memset(best, -128, sizeof best);
    for (int iy = w->top; iy < w->bottom; ++iy) {
      em_max_pixels(best, in + (iy * p->in_width + w->left) * p->channels + c, p->channels, columns, count);
    }
    em_store_limited(out + c, best, count, p->minimum, p->maximum);
  }
}

EM_INLINE void em_average_window(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in, int8_t *out)
{
  const int columns = w->right - w->left;
  const int elements = (w->bottom - w->top) * columns;
  const uint32_t reciprocal = 0xffffffffu / (uint32_t)elements + 1;
  for (int c = 0; c < p->channels; c += EM_SUMMED_CHANNELS) {
    const int count = p->channels - c < EM_SUMMED_CHANNELS ? p->channels - c : EM_SUMMED_CHANNELS;
    int32_t sums[EM_SUMMED_CHANNELS] = {0, 0, 0, 0};
    for (int iy = w->top; iy < w->bottom; ++iy) {
      em_add_pixels(sums, in + (iy * p->in_width + w->left) * p->channels + c, p->channels, columns, count);
    }
    if (elements <= EM_MEAN_MOST) {
      em_store_means(out + c, sums, elements, reciprocal, count, p->minimum, p->maximum);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      out[c + i] = (int8_t)em_clamp(em_rounded_mean(sums[i], elements), p->minimum, p->maximum);
    }
  }
}
#endif

/* A target's own body: EM_TARGET_POOL_2D names a header that defines EM_OWN_POOL_2D as 1 and
 * em_own_pool_2d(p, &window, in, out, average): all channels of one output, each read before it and those behind it are
 * written.
 */
#if defined(EM_TARGET_POOL_2D)
#include EM_TARGET_POOL_2D
#endif
#ifndef EM_OWN_POOL_2D
#define EM_OWN_POOL_2D 0
#endif

/* The sum, with `average`, or the largest of a window's elements of one channel. */
EM_INLINE int32_t em_pool_channel(const em_pool_2d_params *p, const em_pool_window *w, const int8_t *in, int c,
                                  const int average)
{
  int32_t value = average ? 0 : -128;
  for (int iy = w->top; iy < w->bottom; ++iy) {
    const int8_t *from = in + (iy * p->in_width + w->left) * p->channels + c;
    EM_UNROLL(4)
    for (int ix = w->left; ix < w->right; ++ix, from += p->channels) {
      value = average ? value + *from : (*from > value ? *from : value);
    }
  }
  return value;
}

EM_INLINE void em_pool_2d_body(const em_pool_2d_params *p, const int8_t *in, int8_t *out, const int average)
{
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_pool_window w = em_pool_clip(p, y, x);
#if EM_OWN_POOL_2D
      em_own_pool_2d(p, &w, in, out, average);
      out += p->channels;
#elif EM_OWN_POOL
      if (average) {
        em_average_window(p, &w, in, out);
      } else {
        em_max_window(p, &w, in, out);
      }
      out += p->channels;
#else
      for (int c = 0; c < p->channels; ++c) {
        int32_t value = em_pool_channel(p, &w, in, c, average);
        if (average) value = em_rounded_mean(value, (w.bottom - w.top) * (w.right - w.left));
        *out++ = (int8_t)em_clamp(value, p->minimum, p->maximum);
      }
#endif
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
        const int32_t sum = em_pool_channel(p, &w, in, c, 1);
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
