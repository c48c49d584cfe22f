/* MEAN and SUM over up to two groups of neighbouring axes.
 *
 * in   int8, walked with the given strides         out  int8 [kept_0.count][kept_1.count]
 * em_mean takes one group of each kind (kept_1, averaged_1), em_mean_nested two of each.
 * An output is written when all its inputs are read: `out` may lie over `in` as far ahead as the
 * generator computed it.
 */
#ifndef EM_MEAN_H
#define EM_MEAN_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  int32_t bias; /* minus the input zero point for each averaged element */
  int32_t multiplier;
  em_axis kept_0;
  em_axis kept_1;
  em_axis averaged_0;
  em_axis averaged_1;
  int16_t shift;
  em_output output;
} em_mean_params;

#if defined(EM_TARGET_POOL)
#include EM_TARGET_POOL
#else
#include "em_pool_channels.h"
#endif

/* The means of `channels` neighbouring elements. */
EM_INLINE void em_mean_block(const em_mean_params *p, const int8_t *in, int8_t *out,
                             const int channels, const int rounding, const int nested)
{
  int32_t sums[EM_SUMMED_CHANNELS] = {0};
  em_add_pool_window(sums, in, p->averaged_0.stride, nested ? p->averaged_0.count : 1,
                     p->averaged_1.stride, p->averaged_1.count, channels);
  for (int i = 0; i < channels; ++i) {
    out[i] = em_finish(sums[i] + p->bias, p->multiplier, p->shift, &p->output, rounding);
  }
}

/* All of neighbouring elements, for kept_1.stride 1. */
EM_INLINE void em_mean_channels(const em_mean_params *p, const int8_t *in, int8_t *out,
                                const int rounding, const int nested)
{
  int32_t c = 0;
  for (; c + EM_SUMMED_CHANNELS <= p->kept_1.count; c += EM_SUMMED_CHANNELS) {
    em_mean_block(p, in + c, out + c, EM_SUMMED_CHANNELS, rounding, nested);
  }
  while (c < p->kept_1.count) {
    const int channels = EM_NEXT_CHANNELS((int)(p->kept_1.count - c));
    em_mean_block(p, in + c, out + c, channels, rounding, nested);
    c += channels;
  }
}

/* A target's own body: EM_TARGET_MEAN names a header that defines EM_OWN_MEAN as 1 and
 * em_own_mean(p, in, out, nested) for the usual rounding where kept_1's stride is 1.
 */
#if defined(EM_TARGET_MEAN)
#include EM_TARGET_MEAN
#endif
#ifndef EM_OWN_MEAN
#define EM_OWN_MEAN 0
#endif

/* With nested = 0 both outer counts are taken to be 1. */
EM_INLINE void em_mean_body(const em_mean_params *p, const int8_t *in, int8_t *out,
                            const int rounding, const int nested)
{
#if EM_OWN_MEAN
  if (rounding == EM_ROUND_FAST && p->kept_1.stride == 1) {
    em_own_mean(p, in, out, nested);
    return;
  }
#endif
  for (int32_t i = 0; i < (nested ? p->kept_0.count : 1); ++i) {
    if (p->kept_1.stride == 1) {
      em_mean_channels(p, in + i * p->kept_0.stride, out, rounding, nested);
      out += p->kept_1.count;
      continue;
    }
    for (int32_t j = 0; j < p->kept_1.count; ++j) {
      const int8_t *row = in + i * p->kept_0.stride + j * p->kept_1.stride;
      int32_t sum = p->bias;
      for (int32_t k = 0; k < (nested ? p->averaged_0.count : 1);
           ++k, row += p->averaged_0.stride) {
        const int8_t *from = row;
        EM_UNROLL(4)
        for (int32_t l = 0; l < p->averaged_1.count; ++l, from += p->averaged_1.stride)
          sum += *from;
      }
      *out++ = em_finish(sum, p->multiplier, p->shift, &p->output, rounding);
    }
  }
}

EM_KERNEL void em_mean(const em_mean_params *p, const int8_t *in, int8_t *out)
{
  em_mean_body(p, in, out, EM_ROUND_FAST, 0);
}

EM_KERNEL void em_mean_any(const em_mean_params *p, const int8_t *in, int8_t *out)
{
  em_mean_body(p, in, out, EM_ROUND_ANY, 0);
}

EM_KERNEL void em_mean_nested(const em_mean_params *p, const int8_t *in, int8_t *out)
{
  em_mean_body(p, in, out, EM_ROUND_FAST, 1);
}

EM_KERNEL void em_mean_nested_any(const em_mean_params *p, const int8_t *in, int8_t *out)
{
  em_mean_body(p, in, out, EM_ROUND_ANY, 1);
}

#endif
