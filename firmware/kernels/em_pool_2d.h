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

EM_INLINE void em_pool_2d_body(const em_pool_2d_params *p, const int8_t *in, int8_t *out, const int average)
{
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_pool_window w = em_pool_clip(p, y, x);
      for (int c = 0; c < p->channels; ++c) {
        int32_t value = average ? 0 : -128;
        for (int iy = w.top; iy < w.bottom; ++iy) {
          const int8_t *from = in + (iy * p->in_width + w.left) * p->channels + c;
          EM_UNROLL(4)
          for (int ix = w.left; ix < w.right; ++ix, from += p->channels) {
            value = average ? value + *from : (*from > value ? *from : value);
          }
        }
        if (average) value = em_rounded_mean(value, (w.bottom - w.top) * (w.right - w.left));
        *out++ = (int8_t)em_clamp(value, p->minimum, p->maximum);
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
