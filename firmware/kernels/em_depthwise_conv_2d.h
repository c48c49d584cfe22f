/* DEPTHWISE_CONV_2D.
 *
 * in   int8 [in_height][in_width][in_channels]
 * out  int8 [out_height][out_width][in_channels * multiplier]
 * One input channel's plane, the image with its border of zero points, is int8
 * [plane_height][plane_width]. It is never there as a whole: `held`, int8 [rows][plane_width
 * rounded up to a multiple of 4], has the rows that some rows of outputs need, and goes down the
 * plane with them. No other channel reads or writes a channel's bytes, and a row is read before
 * outputs come where it was (the generator chooses `rows` so), so with multiplier 1 `out` may be
 * `in` itself.
 */
#ifndef EM_DEPTHWISE_CONV_2D_H
#define EM_DEPTHWISE_CONV_2D_H

#include "em_depthwise_rows.h"
#include "em_step.h"

/* A channel's constants; `factor` is other than 0 for a step function, the others are its range and
 * offset then. */
typedef struct {
  int32_t bias, multiplier;
  int shift;
  uint32_t factor;
} em_depthwise_constants;

/* Those of the channel `at` places behind the first one of `channels` and `shifts`. */
EM_INLINE em_depthwise_constants em_depthwise_constants_of(const em_channel *channels,
                                                           const int8_t *shifts, int at,
                                                           const int rounding)
{
  if (rounding == EM_ROUND_STEP) {
    const em_channel *const entries = channels + 2 * at;
    const em_depthwise_constants k = {entries[0].bias, entries[0].multiplier, entries[1].bias,
                                      (uint32_t)entries[1].multiplier};
    return k;
  }
  const em_depthwise_constants k = {channels[at].bias, channels[at].multiplier, shifts[at], 0};
  return k;
}

EM_INLINE int8_t em_depthwise_finish(const em_depthwise_conv_2d_params *p, int32_t sum,
                                     const em_depthwise_constants k, const int rounding)
{
  if (rounding != EM_ROUND_STEP) return em_finish(sum, k.multiplier, k.shift, &p->output, rounding);
  if (k.factor == 0) return em_finish(sum, k.multiplier, k.shift, &p->output, EM_ROUND_FAST);
  const em_step_function step = {k.multiplier, k.factor >> 12, k.factor & 4095, (uint32_t)k.shift};
  return em_step_finish(sum, &step);
}

/* `block` neighbouring outputs, of a row or below one another, and the kernel along that direction:
 * `taps` weights in each of `lines`, so that an element that several outputs read is loaded once
 * where the compiler unrolls the taps. Distances are of elements, weights and outputs.
 */
typedef struct {
  int lines, taps;
  int line, tap;               /* from a line's or a tap's element to the next one's */
  int line_weight, tap_weight; /* the same of weights */
  int step, pitch;             /* from an output's window to the next one's, and from output to
                                * output */
} em_depthwise_way;

EM_INLINE em_depthwise_way em_depthwise_across(const em_depthwise_conv_2d_params *p)
{
  const em_depthwise_way way = {p->kernel_height,
                                p->kernel_width,
                                p->dilation_height * em_depthwise_pitch(p),
                                p->dilation_width,
                                p->kernel_width,
                                1,
                                p->stride_width,
                                p->in_channels * p->multiplier};
  return way;
}

EM_INLINE em_depthwise_way em_depthwise_down(const em_depthwise_conv_2d_params *p)
{
  const em_depthwise_way way = {p->kernel_width, p->kernel_height, p->dilation_width,
                                p->dilation_height * em_depthwise_pitch(p), 1, p->kernel_width,
                                p->stride_height * em_depthwise_pitch(p),
                                p->out_width * p->in_channels * p->multiplier};
  return way;
}

/* `block` is 1, 2 or 4 and constant. */
EM_INLINE void em_depthwise_block(const em_depthwise_conv_2d_params *p, em_depthwise_way way,
                                  const int8_t *window, const int8_t *weights,
                                  const em_depthwise_constants k, int8_t *out, const int block,
                                  const int rounding)
{
  const int step = way.step, pitch = way.pitch;
  int32_t a = k.bias, b = a, c = a, d = a;
  EM_UNROLL(8)
  for (int line = 0; line < way.lines; ++line) {
    EM_UNROLL(16)
    for (int tap = 0; tap < way.taps; ++tap) {
      const int8_t *x = window + tap * way.tap;
      const int32_t w = *weights;
      weights += way.tap_weight;
      a += w * x[0];
      if (block > 1) b += w * x[step];
      if (block > 2) {
        c += w * x[2 * step];
        d += w * x[3 * step];
      }
    }
    window += way.line;
    weights += way.line_weight - way.taps * way.tap_weight;
    if (way.lines > 1 && way.lines * way.taps <= 36) { /* larger ones are not unrolled */
      EM_LOAD_BEHIND(a, window, weights);
      if (block > 1) EM_LOAD_BEHIND(b, window, weights);
      if (block > 2) {
        EM_LOAD_BEHIND(c, window, weights);
        EM_LOAD_BEHIND(d, window, weights);
      }
    }
  }
  out[0] = em_depthwise_finish(p, a, k, rounding);
  if (block > 1) out[pitch] = em_depthwise_finish(p, b, k, rounding);
  if (block > 2) {
    out[2 * pitch] = em_depthwise_finish(p, c, k, rounding);
    out[3 * pitch] = em_depthwise_finish(p, d, k, rounding);
  }
}

/* A target's own body, for optimisation for speed. EM_TARGET_DEPTHWISE names a header that defines
 * int em_depthwise_suits(p): whether it can do the layer;
 * em_depthwise_weights em_depthwise_load(p, weights): a channel's weights, as it wants them;
 * em_two_sums em_depthwise_pair(p, at, &weights, bias): the sums of two neighbouring outputs, the
 * first one's window at `at`.
 *
 * Or it does whole layers in its own way: then it defines EM_OWN_DEPTHWISE as 1, int
 * em_own_depthwise_suits(p) and, with the arguments of em_depthwise_body but `block`,
 * em_own_depthwise. The generator has to know of it (DepthwiseBody).
 *
 * And it may have a body for 3 x 3 kernels with strides of 1 or 2, which the generator then calls
 * by its own name: it defines EM_THREE_ROWS as the function that does such a layer, with the same
 * arguments, and EM_DEPTHWISE_PAIRS as 1 if it has the first kind beside it.
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

/* Elements that a line of `block` outputs loads: what outputs share at the next tap but one is not
 * kept in registers. */
EM_INLINE int em_depthwise_elements(int taps, int stride, int dilation, int block)
{
  for (int apart = 1; apart < block; ++apart) {
    if (apart * stride == dilation) return block * taps - (block - apart) * (taps - 1);
  }
  return block * taps;
}

/* Whether outputs are made in fours below one another, not `block` of a row: for clearly fewer
 * estimated instructions. */
EM_INLINE int em_depthwise_is_tall(const em_depthwise_conv_2d_params *p, const int block)
{
  const int taps = p->kernel_height * p->kernel_width, each = taps + 8;
  const int loads = p->kernel_width *
      em_depthwise_elements(p->kernel_height, p->stride_height, p->dilation_height, 4);
  const int row_loads = p->kernel_height *
      em_depthwise_elements(p->kernel_width, p->stride_width, p->dilation_width, block);
  const int64_t down =
      (int64_t)((p->out_height + 3) / 4) * p->out_width * (loads + taps + 4 * each);
  const int64_t across = (int64_t)((p->out_width + block - 1) / block) * p->out_height *
      (row_loads + taps + block * each);
#if EM_DEPTHWISE_PAIRS
  if (p->out_width >= 2 && p->kernel_width > 1 && em_depthwise_suits(p)) return 0;
#elif defined(__x86_64__) && defined(__clang__)
  return 0; /* it makes vectors of a row's taps */
#endif
  return !EM_SIZE && em_depthwise_rows_at_once(p) >= 4 && down + down / 10 < across;
}

#if EM_DEPTHWISE_PAIRS
/* One channel's outputs of a row, for out_width >= 2. */
EM_INLINE void em_depthwise_row_of_pairs(const em_depthwise_conv_2d_params *p, const int8_t *at,
                                         const int8_t *weights, const em_depthwise_constants k,
                                         int8_t *to, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier;
  const em_depthwise_weights loaded = em_depthwise_load(p, weights);
  for (int left = p->out_width / 2; left > 0; --left) {
    const em_two_sums s = em_depthwise_pair(p, at, &loaded, k.bias);
    to[0] = em_depthwise_finish(p, s.a, k, rounding);
    to[pitch] = em_depthwise_finish(p, s.b, k, rounding);
    at += 2 * p->stride_width;
    to += 2 * pitch;
  }
  if (p->out_width % 2 != 0) {
    /* The last output is the second one of the pair that ends with it. */
    const em_two_sums s = em_depthwise_pair(p, at - p->stride_width, &loaded, k.bias);
    to[0] = em_depthwise_finish(p, s.b, k, rounding);
  }
}
#endif

/* One channel's outputs of a row. */
EM_INLINE void em_depthwise_row(const em_depthwise_conv_2d_params *p, const int8_t *row,
                                const int8_t *weights, const em_depthwise_constants k, int8_t *to,
                                const int block, const int rounding)
{
#if EM_DEPTHWISE_PAIRS
  if (!EM_SIZE && p->out_width >= 2 && em_depthwise_suits(p)) {
    em_depthwise_row_of_pairs(p, row, weights, k, to, rounding);
    return;
  }
#endif
  for (int done = 0; done < p->out_width; done += block) {
    /* The last block of a row moves back to end with the row: it does some outputs twice over. */
    const int x = done + block > p->out_width ? p->out_width - block : done;
    em_depthwise_block(p, em_depthwise_across(p), row + x * p->stride_width, weights, k,
                       to + x * p->in_channels * p->multiplier, block, rounding);
  }
}

/* One channel's outputs of `count` rows, at least 4. */
EM_INLINE void em_depthwise_tall_rows(const em_depthwise_conv_2d_params *p, const int8_t *held,
                                      const int8_t *weights, const em_depthwise_constants k,
                                      int8_t *to, int count, const int rounding)
{
  const em_depthwise_way way = em_depthwise_down(p);
  for (int done = 0; done < count; done += 4) {
    const int row = done + 4 > count ? count - 4 : done;
    const int8_t *window = held + row * way.step;
    int8_t *out = to + row * way.pitch;
    for (int x = 0; x < p->out_width; ++x) {
      em_depthwise_block(p, way, window, weights, k, out, 4, rounding);
      window += p->stride_width;
      out += p->in_channels * p->multiplier;
    }
  }
}

/* All outputs that are made of one input channel. `weights`, `channels`, `shifts` and `out` are
 * those of the first. */
EM_INLINE void em_depthwise_channel(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                    const em_channel *channels, const int8_t *shifts, int8_t *held,
                                    const int8_t *in, int8_t *out, const int block,
                                    const int rounding)
{
  const int at_once = em_depthwise_rows_at_once(p), tall = em_depthwise_is_tall(p, block);
  const int pitch = em_depthwise_pitch(p), taps = p->kernel_height * p->kernel_width;
  const int out_pitch = p->out_width * p->in_channels * p->multiplier;
  int kept = 0;
  for (int done = 0, before = 0; done < p->out_height; done += at_once) {
    /* Of what is held anyway, rows that end with the last one: tall blocks do some of them twice
     * over. */
    const int y = tall && done + at_once > p->out_height ? p->out_height - at_once : done;
    const int count = p->out_height - y < at_once ? p->out_height - y : at_once;
    const int needed = (count - 1) * p->stride_height + em_depthwise_reach(p);
    if (y != done) kept = em_max(em_depthwise_reach(p) + (done - y - 1) * p->stride_height, 0);
    em_move_down(held, (y - before) * p->stride_height * pitch, kept * pitch);
    em_gather_rows(p, in, y * p->stride_height + kept, needed - kept, held + kept * pitch);
    kept = em_depthwise_kept(p);
    before = y;
    for (int i = 0; i < p->multiplier; ++i) {
      const em_depthwise_constants k = em_depthwise_constants_of(channels, shifts, i, rounding);
      if (tall) {
        em_depthwise_tall_rows(p, held, weights + i * taps, k, out + y * out_pitch + i, count,
                               rounding);
      }
      for (int row = 0; row < (tall ? 0 : count); ++row) {
        em_depthwise_row(p, held + row * p->stride_height * pitch, weights + i * taps, k,
                         out + (y + row) * out_pitch + i, block, rounding);
      }
    }
  }
}

EM_INLINE void em_depthwise_body(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *held,
                                 const int8_t *in, int8_t *out, const int block, const int rounding)
{
#if EM_OWN_DEPTHWISE
  if (em_own_depthwise_suits(p)) {
    em_own_depthwise(p, weights, channels, shifts, held, in, out, rounding);
    return;
  }
#endif
  memset(held, p->in_zero_point, (size_t)p->rows * (size_t)em_depthwise_pitch(p));
  for (int channel = 0; channel < p->in_channels; ++channel) {
    const int first = channel * p->multiplier, entries = rounding == EM_ROUND_STEP ? 2 : 1;
    em_depthwise_channel(p, weights + first * p->kernel_height * p->kernel_width,
                         channels + first * entries,
                         rounding == EM_ROUND_STEP ? shifts : shifts + first, held, in + channel,
                         out + first, block, rounding);
  }
}

/* out_width >= 4 */
EM_KERNEL void em_depthwise_conv_2d_by_4(const em_depthwise_conv_2d_params *p,
                                         const int8_t *weights, const em_channel *channels,
                                         const int8_t *shifts, int8_t *held, const int8_t *in,
                                         int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 4, EM_ROUND_FAST);
}

/* out_width >= 2 */
EM_KERNEL void em_depthwise_conv_2d_by_2(const em_depthwise_conv_2d_params *p,
                                         const int8_t *weights, const em_channel *channels,
                                         const int8_t *shifts, int8_t *held, const int8_t *in,
                                         int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 2, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_by_1(const em_depthwise_conv_2d_params *p,
                                         const int8_t *weights, const em_channel *channels,
                                         const int8_t *shifts, int8_t *held, const int8_t *in,
                                         int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 1, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_any(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts,
                                        int8_t *held, const int8_t *in, int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 1, EM_ROUND_ANY);
}

/* `channels` as em_step.h describes them; out_width >= 2 */
EM_KERNEL void em_depthwise_conv_2d_step(const em_depthwise_conv_2d_params *p,
                                         const int8_t *weights, const em_channel *channels,
                                         const int8_t *shifts, int8_t *held, const int8_t *in,
                                         int8_t *out)
{
  em_depthwise_body(p, weights, channels, shifts, held, in, out, 2, EM_ROUND_STEP);
}

#if defined(EM_THREE_ROWS)
/* rows == 0 */
EM_KERNEL void em_depthwise_conv_2d_3x3(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                        const em_channel *channels, const int8_t *shifts,
                                        int8_t *held, const int8_t *in, int8_t *out)
{
  EM_THREE_ROWS(p, weights, channels, shifts, held, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_3x3_any(const em_depthwise_conv_2d_params *p,
                                            const int8_t *weights, const em_channel *channels,
                                            const int8_t *shifts, int8_t *held, const int8_t *in,
                                            int8_t *out)
{
  EM_THREE_ROWS(p, weights, channels, shifts, held, in, out, EM_ROUND_ANY);
}

/* `channels` as em_step.h describes them, for targets that take it so */
EM_KERNEL void em_depthwise_conv_2d_3x3_step(const em_depthwise_conv_2d_params *p,
                                             const int8_t *weights, const em_channel *channels,
                                             const int8_t *shifts, int8_t *held, const int8_t *in,
                                             int8_t *out)
{
  EM_THREE_ROWS(p, weights, channels, shifts, held, in, out, EM_ROUND_STEP);
}
#endif

#endif
