/* MAX_POOL_2D, AVERAGE_POOL_2D, MEAN and SUM on int16.
 *
 * in   int16 [in_height][in_width][channels]         out  int16 [out_height][out_width][channels]
 * As em_pool_2d.h and em_mean.h have them on int8, element by element. Sums have 32 bits: the
 * generator has seen to it that they suffice. Outputs are done in order, each after its window is
 * read: `out` may lie over `in` as far ahead as the generator computed it.
 */
#ifndef EM_INT16_POOL_2D_H
#define EM_INT16_POOL_2D_H

#include "em_mean.h"
#include "em_pool_2d.h"

EM_INLINE void em_int16_pool_2d(const em_pool_2d_params *p, const int16_t *in, int16_t *out,
                                const int average)
{
  for (int y = 0; y < p->out_height; ++y) {
    for (int x = 0; x < p->out_width; ++x) {
      const em_pool_window w = em_pool_clip(p, y, x);
      for (int c = 0; c < p->channels; ++c) {
        int32_t value = average ? 0 : -32768;
        for (int iy = w.top; iy < w.bottom; ++iy) {
          const int16_t *from = in + (iy * p->in_width + w.left) * p->channels + c;
          for (int ix = w.left; ix < w.right; ++ix, from += p->channels) {
            value = average ? value + *from : em_max(value, *from);
          }
        }
        if (average) value = em_rounded_mean(value, (w.bottom - w.top) * (w.right - w.left));
        *out++ = (int16_t)em_clamp(value, p->minimum, p->maximum);
      }
    }
  }
}

EM_KERNEL void em_int16_max_pool_2d(const em_pool_2d_params *p, const int16_t *in, int16_t *out)
{
  em_int16_pool_2d(p, in, out, 0);
}

EM_KERNEL void em_int16_average_pool_2d(const em_pool_2d_params *p, const int16_t *in, int16_t *out)
{
  em_int16_pool_2d(p, in, out, 1);
}

/* Two groups of axes of each kind; `shift` is an exponent. */
EM_KERNEL void em_int16_mean(const em_mean_params *p, const int16_t *in, int16_t *out)
{
  for (int32_t i = 0; i < p->kept_0.count; ++i) {
    for (int32_t j = 0; j < p->kept_1.count; ++j) {
      const int16_t *row = in + i * p->kept_0.stride + j * p->kept_1.stride;
      int32_t sum = p->bias;
      for (int32_t k = 0; k < p->averaged_0.count; ++k, row += p->averaged_0.stride) {
        for (int32_t l = 0; l < p->averaged_1.count; ++l) sum += row[l * p->averaged_1.stride];
      }
      sum = em_multiply_any(sum, p->multiplier, p->shift) + p->output.zero_point;
      *out++ = (int16_t)em_clamp(sum, p->output.minimum, p->output.maximum);
    }
  }
}

#endif
