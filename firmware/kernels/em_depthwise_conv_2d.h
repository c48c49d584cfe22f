/* DEPTHWISE_CONV_2D.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][in_channels * multiplier]
 * One input channel's plane, the image with its border of zero points, is int8 [plane_height][plane_width]. It is never
 * there as a whole: `held`, int8 [rows][plane_width rounded up to a multiple of 4], has the rows that some rows of outputs
 * need, and goes down the plane with them. No other channel reads or writes a channel's bytes, and a row is read before
 * outputs come where it was (the generator chooses `rows` so), so with multiplier 1 `out` may be `in` itself.
 */
#ifndef EM_DEPTHWISE_CONV_2D_H
#define EM_DEPTHWISE_CONV_2D_H

#include "em_depthwise_rows.h"

/* `block` neighbouring outputs of a row; `block` is 1, 2 or 4 and constant. */
EM_INLINE void em_depthwise_block(const em_depthwise_conv_2d_params *p, const int8_t *window, const int8_t *weights,
                                  em_channel channel, int shift, int8_t *out, const int block, const int rounding)
{
  const int step = p->stride_width;
  const int pitch = p->in_channels * p->multiplier;
  int32_t a = channel.bias, b = a, c = a, d = a;
  EM_UNROLL(8)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      const int8_t *x = window + kx * p->dilation_width;
      const int32_t w = *weights++;
      a += w * x[0];
      if (block > 1) b += w * x[step];
      if (block > 2) {
        c += w * x[2 * step];
        d += w * x[3 * step];
      }
    }
    window += p->dilation_height * em_depthwise_pitch(p);
  }
  out[0] = em_finish(a, channel.multiplier, shift, &p->output, rounding);
  if (block > 1) out[pitch] = em_finish(b, channel.multiplier, shift, &p->output, rounding);
  if (block > 2) {
    out[2 * pitch] = em_finish(c, channel.multiplier, shift, &p->output, rounding);
    out[3 * pitch] = em_finish(d, channel.multiplier, shift, &p->output, rounding);
  }
}

/* A target's own body, for optimisation for speed. EM_TARGET_DEPTHWISE names a header that defines
 * int em_depthwise_suits(p): whether it can do the layer;
 * em_depthwise_weights em_depthwise_load(p, weights): a channel's weights, as it wants them;
 * em_two_sums em_depthwise_pair(p, at, &weights, bias): the sums of two neighbouring outputs, the first one's window at `at`.
 *
 * Or it does whole layers in its own way: then it defines EM_OWN_DEPTHWISE as 1, int em_own_depthwise_suits(p) and, with
 * the arguments of em_depthwise_body but `block`, em_own_depthwise. The generator has to know of it (DepthwiseBody).
 *
 * And it may have a body for 3 x 3 kernels with strides of 1 or 2, which the generator then calls by its own name: it
 * defines EM_THREE_ROWS as the function that does such a layer, with the same arguments, and EM_DEPTHWISE_PAIRS as 1 if it
 * has the first kind beside it.
 */
typedef struct {
  int32_t a, b;
} em_two_sums;

#if defined(EM_TARGET_DEPTHWISE)
#include EM_TARGET_DEPTHWISE
#endif
#ifndef EM_OWN_DEPTHWISE
#define EM_OWN_DEPTHWISE 0
#endif
#ifndef EM_DEPTHWISE_PAIRS
#if defined(EM_TARGET_DEPTHWISE) && !EM_OWN_DEPTHWISE && !defined(EM_THREE_ROWS)
#define EM_DEPTHWISE_PAIRS 1
#else
#define EM_DEPTHWISE_PAIRS 0
#endif
#endif

#if EM_DEPTHWISE_PAIRS
/* One channel's outputs of a row, for out_width >= 2. */
EM_INLINE void em_depthwise_row_of_pairs(const em_depthwise_conv_2d_params *p, const int8_t *at, const int8_t *weights,
                                         em_channel channel, int shift, int8_t *to, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier;
  const em_depthwise_weights loaded = em_depthwise_load(p, weights);
  for (int left = p->out_width / 2; left > 0; --left) {
    const em_two_sums s = em_depthwise_pair(p, at, &loaded, channel.bias);
    to[0] = em_finish(s.a, channel.multiplier, shift, &p->output, rounding);
    to[pitch] = em_finish(s.b, channel.multiplier, shift, &p->output, rounding);
    at += 2 * p->stride_width;
    to += 2 * pitch;
  }
  if (p->out_width % 2 != 0) {
    /* The last output is the second one of the pair that ends with it. */
    const em_two_sums s = em_depthwise_pair(p, at - p->stride_width, &loaded, channel.bias);
    to[0] = em_finish(s.b, channel.multiplier, shift, &p->output, rounding);
  }
}
#endif

/* One channel's outputs of a row. */
EM_INLINE void em_depthwise_row(const em_depthwise_conv_2d_params *p, const int8_t *row, const int8_t *weights,
                                em_channel channel, int shift, int8_t *to, const int block, const int rounding)
{
#if EM_DEPTHWISE_PAIRS
  if (!EM_SIZE && p->out_width >= 2 && em_depthwise_suits(p)) {
    em_depthwise_row_of_pairs(p, row, weights, channel, shift, to, rounding);
    return;
  }
#endif
  for (int done = 0; done < p->out_width; done += block) {
    /* The last block of a row moves back to end with the row: it does some outputs twice over. */
    const int x = done + block > p->out_width ? p->out_width - block : done;
    em_depthwise_block(p, row + x * p->stride_width, weights, channel, shift, to + x * p->in_channels * p->multiplier,
                       block, rounding);
  }
}

/* All outputs that are made of one input channel. `weights`, `channels`, `shifts` and `out` are those of the first. */
EM_INLINE void em_depthwise_channel(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                    const int8_t *shifts, int8_t *held, const int8_t *in, int8_t *out, const int block,
                                    const int rounding)
{
  const int at_once = em_depthwise_rows_at_once(p);
  const int pitch = em_depthwise_pitch(p);
  const int out_pitch = p->out_width * p->in_channels * p->multiplier;
  int kept = 0;
  for (int y = 0; y < p->out_height; y += at_once) {
    const int count = p->out_height - y < at_once ? p->out_height - y : at_once;
    const int needed = (count - 1) * p->stride_height + em_depthwise_reach(p);
    em_move_down(held, at_once * p->stride_height * pitch, kept * pitch);
    em_gather_rows(p, in, y * p->stride_height + kept, needed - kept, held + kept * pitch);
    kept = em_depthwise_kept(p);
    for (int i = 0; i < p->multiplier; ++i) {
      for (int row = 0; row < count; ++row) {
        em_depthwise_row(p, held + row * p->stride_height * pitch, weights + i * p->kernel_height * p->kernel_width,
                         channels[i], shifts[i], out + (y + row) * out_pitch + i, block, rounding);
      }
    }
  }
}

EM_INLINE void em_depthwise_body(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                 const int8_t *shifts, int8_t *held, const int8_t *in, int8_t *out, const int block,
                                 const int rounding)
{
#if EM_OWN_DEPTHWISE
  if (em_own_depthwise_suits(p)) {
    em_own_depthwise(p, weights, channels, shifts, held, in, out, rounding);
    return;
  }
#endif
  memset(held, p->in_zero_point, (size_t)p->rows * (size_t)em_depthwise_pitch(p));
  for (int channel = 0; channel < p->in_channels; ++channel) {
    const int first = channel * p->multiplier;
    em_depthwise_channel(p, weights + first * p->kernel_height * p->kernel_width, channels + first, shifts + first, held,
                         in + channel, out + first, block, rounding);
  }
}

/* out_width >= 4 */
EM_KERNEL void em_depthwise_conv_2d_by_4(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *held,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 4, EM_ROUND_FAST);
}

/* out_width >= 2 */
EM_KERNEL void em_depthwise_conv_2d_by_2(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *held,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 2, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_by_1(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                         const em_channel *channels, const int8_t *shifts, int8_t *held,
                                         const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 1, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_any(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts, int8_t *held,
                                        const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 1, EM_ROUND_ANY);
}

#if defined(EM_THREE_ROWS)
/* rows == 0 */
EM_KERNEL void em_depthwise_conv_2d_3x3(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts, int8_t *held,
                                        const int8_t *in, int8_t *out)
{
  EM_THREE_ROWS(p, weights, channels, shifts, held, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_3x3_any(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                            const em_channel *channels, const int8_t *shifts, int8_t *held,
                                            const int8_t *in, int8_t *out)
{
  EM_THREE_ROWS(p, weights, channels, shifts, held, in, out, EM_ROUND_ANY);
}
#endif

#endif
