/* The inner product that convolutions and dense layers share.
 *
 * Weights are packed in blocks of `lanes` output channels: for each input element the block's weights stand side by
 * side. Channels come in blocks of 4, then at most one of 2, then at most one of 1.
 */
#ifndef EM_DOT_H
#define EM_DOT_H

#include "em_common.h"

/* Sums of up to 4 channels (0..3) for up to 2 pixels (a, b). */
typedef struct {
  int32_t a0, a1, a2, a3, b0, b1, b2, b3;
} em_sums;

/* Adds rows * length products to the sums of `lanes` channels at `pixels` pixels. `x0` and `x1` point at each pixel's
 * first element; rows lie `row_stride` bytes apart; `weights` advance by lanes for each element. lanes is 1, 2 or 4,
 * pixels 1 or 2, both constant.
 */
EM_INLINE em_sums em_dot(em_sums s, const int8_t *x0, const int8_t *x1, int row_stride, int rows, int length,
                         const int8_t *weights, const int lanes, const int pixels)
{
  for (int row = 0; row < rows; ++row) {
    const int8_t *p0 = x0 + row * row_stride;
    const int8_t *p1 = x1 + row * row_stride;
    const int8_t *const end = p0 + length;
    EM_UNROLL(4)
    do {
      const int32_t u = *p0++;
      const int32_t v = pixels > 1 ? *p1++ : 0;
      int32_t w = weights[0];
      s.a0 += w * u;
      if (pixels > 1) s.b0 += w * v;
      if (lanes > 1) {
        w = weights[1];
        s.a1 += w * u;
        if (pixels > 1) s.b1 += w * v;
      }
      if (lanes > 2) {
        w = weights[2];
        s.a2 += w * u;
        if (pixels > 1) s.b2 += w * v;
        w = weights[3];
        s.a3 += w * u;
        if (pixels > 1) s.b3 += w * v;
      }
      weights += lanes;
    } while (p0 != end);
  }
  return s;
}

/* The sums' start: each lane's bias, for both pixels. */
EM_INLINE em_sums em_bias(const em_channel *channel, const int lanes)
{
  em_sums s = {0, 0, 0, 0, 0, 0, 0, 0};
  s.a0 = s.b0 = channel[0].bias;
  if (lanes > 1) s.a1 = s.b1 = channel[1].bias;
  if (lanes > 2) {
    s.a2 = s.b2 = channel[2].bias;
    s.a3 = s.b3 = channel[3].bias;
  }
  return s;
}

/* Where a block's results go: output elements of the two pixels at the block's first channel. */
typedef struct {
  const em_channel *channel;
  const int8_t *shift;
  int8_t *out0;
  int8_t *out1;
} em_destination;

EM_INLINE void em_store_lane(em_destination d, int lane, int32_t a, int32_t b, const em_output *output,
                             const int pixels, const int rounding)
{
  const int32_t multiplier = d.channel[lane].multiplier;
  const int shift = d.shift[lane];
  d.out0[lane] = em_finish(a, multiplier, shift, output, rounding);
  if (pixels > 1) d.out1[lane] = em_finish(b, multiplier, shift, output, rounding);
}

/* Requantises and stores a block's sums. */
EM_INLINE void em_store(em_destination d, em_sums s, const em_output *output, const int lanes, const int pixels,
                        const int rounding)
{
  em_store_lane(d, 0, s.a0, s.b0, output, pixels, rounding);
  if (lanes > 1) em_store_lane(d, 1, s.a1, s.b1, output, pixels, rounding);
  if (lanes > 2) {
    em_store_lane(d, 2, s.a2, s.b2, output, pixels, rounding);
    em_store_lane(d, 3, s.a3, s.b3, output, pixels, rounding);
  }
}

#endif
