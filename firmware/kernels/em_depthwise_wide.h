/* Depthwise convolution on Cortex-M4, M7, M33 and M55, any kernel: rows as in
 * em_depthwise_conv_2d.h but of 16-bit elements, so that two neighbours and their weights are one
 * multiplication. A row has an element more than the plane is wide, since the last weight of a
 * kernel's row of odd length comes with a zero.
 */
#ifndef EM_DEPTHWISE_WIDE_H
#define EM_DEPTHWISE_WIDE_H

#include "em_depthwise_rows.h"
#include "em_dsp.h"
#include "em_wide_row_dsp.h"

EM_INLINE int em_wide_pitch(const em_depthwise_conv_2d_params *p)
{
  return 2 * ((p->plane_width + 2) & ~1);
}

EM_INLINE void em_wide_store(int8_t *to, int16_t element)
{
  EM_COPY((int8_t *)EM_ALIGNED(to, 2), &element, sizeof element);
}

/* em_gather_rows with wide elements. */
EM_INLINE void em_wide_gather(const em_depthwise_conv_2d_params *p, const int8_t *in, int first,
                              int count, int8_t *to)
{
  const int columns = em_depthwise_columns(p);
  for (int y = first - p->pad_top; y < first + count - p->pad_top; ++y) {
    int8_t *at = to + 2 * p->pad_left;
    if (y < 0 || y >= p->in_height) {
      for (int x = 0; x < columns; ++x) em_wide_store(at + 2 * x, p->in_zero_point);
    } else {
      const int8_t *from = in + y * p->in_width * p->in_channels;
      EM_UNROLL(4)
      for (int x = 0; x < columns; ++x) {
        em_wide_store(at, *from);
        at += 2;
        from += p->in_channels;
      }
    }
    to += em_wide_pitch(p);
  }
}

/* Whether two neighbours are one multiplication. If not, em_depthwise_conv_2d.h loads an element
 * once for several outputs, which is faster: rows are laid out for either.
 */
EM_INLINE int em_wide_has_pairs(const em_depthwise_conv_2d_params *p)
{
  return EM_SIZE || (p->kernel_width > 1 && p->dilation_width == 1);
}

/* Words of a row of the kernel, each of two weights, or of one where neighbours are not one
 * multiplication. */
EM_INLINE int em_wide_words(const em_depthwise_conv_2d_params *p)
{
  return p->dilation_width == 1 ? (p->kernel_width + 1) / 2 : p->kernel_width;
}

/* Bytes of the rows that are held, behind which a channel's weights are. */
EM_INLINE int em_wide_bytes(const em_depthwise_conv_2d_params *p)
{
  return p->rows * em_wide_pitch(p);
}

/* A channel's weights in words; what there is no second one of is zero. */
EM_INLINE void em_wide_weights(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                               int8_t *to)
{
  const int together = p->dilation_width == 1 ? 2 : 1;
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    for (int kx = 0; kx < p->kernel_width; kx += together) {
      em_store_4(
          to,
          em_pair(weights[kx], together == 2 && kx + 1 < p->kernel_width ? weights[kx + 1] : 0));
      to += 4;
    }
    weights += p->kernel_width;
  }
}

/* em_depthwise_block with wide elements; `weights` are words. With stride 1 outputs at even
 * distances read the same words of elements, which are loaded once.
 */
EM_INLINE void em_wide_block(const em_depthwise_conv_2d_params *p, const int8_t *window,
                             const int8_t *weights, em_channel channel, int shift, int8_t *out,
                             const int block, const int rounding)
{
  const int pitch = p->in_channels * p->multiplier, step = 2 * p->stride_width;
  const int apart = p->stride_width > 1 || p->dilation_width > 1;
  uint32_t a = (uint32_t)channel.bias, b = a, c = a, d = a;
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *x = window;
    uint32_t even = em_load_4(x), odd = block > 1 ? em_load_4(x + step) : 0;
    EM_UNROLL(8)
    for (int i = 0; i < em_wide_words(p); ++i) {
      const uint32_t w = em_load_4((const int8_t *)EM_ALIGNED(weights + 4 * i, 4));
      if (i > 0 && (block == 1 || apart)) {
        even = em_load_4(x);
        if (block > 1) odd = em_load_4(x + step);
      }
      a = em_multiply_pairs(a, even, w);
      if (block > 1) {
        b = em_multiply_pairs(b, odd, w);
        even = em_load_4(x + 2 * step);
        odd = em_load_4(x + 3 * step);
        c = em_multiply_pairs(c, even, w);
        d = em_multiply_pairs(d, odd, w);
      }
      x += p->dilation_width == 1 ? 4 : 2 * p->dilation_width;
    }
    weights += 4 * em_wide_words(p);
    window += p->dilation_height * em_wide_pitch(p);
  }
  out[0] = em_finish((int32_t)a, channel.multiplier, shift, &p->output, rounding);
  if (block > 1) {
    out[pitch] = em_finish((int32_t)b, channel.multiplier, shift, &p->output, rounding);
    out[2 * pitch] = em_finish((int32_t)c, channel.multiplier, shift, &p->output, rounding);
    out[3 * pitch] = em_finish((int32_t)d, channel.multiplier, shift, &p->output, rounding);
  }
}

#if EM_DSP
/* Whether rows of outputs are em_wide_fours': with few weights C is faster. */
EM_INLINE int em_wide_has_fours(const em_depthwise_conv_2d_params *p)
{
  return !EM_SIZE && p->out_width >= 4 && p->stride_width == 1 &&
      em_wide_words(p) <= EM_WIDE_WORDS && p->kernel_height * em_wide_words(p) >= 3;
}

/* What is the same for all rows of a channel. */
EM_INLINE em_wide_job em_wide_job_of(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                     em_channel channel, int shift)
{
  em_wide_job job;
  job.weights = weights;
  job.bias = channel.bias;
  job.multiplier = channel.multiplier;
  job.shift = shift;
  job.rounding = (int32_t)((uint32_t)(2 * p->output.zero_point + 1) << (shift - 1));
  job.pitch = p->in_channels * p->multiplier;
  job.rows = p->kernel_height;
  job.to_row = p->dilation_height * em_wide_pitch(p) - 4 * em_wide_words(p);
  job.skipped = (EM_WIDE_WORDS - em_wide_words(p)) * EM_WIDE_WORD_BYTES + 1;
  job.back = 2 * (-p->out_width & 3);
  job.out_back = (-p->out_width & 3) * job.pitch;
  return job;
}

/* `count` rows of a channel's outputs, made of the rows from `held` on. */
EM_INLINE void em_wide_rows_of_fours(const em_depthwise_conv_2d_params *p, em_wide_job *job,
                                     const int8_t *held, int count, int8_t *to)
{
  for (int row = 0; row < count; ++row) {
    job->x = held;
    job->out = to;
    job->blocks = p->out_width / 4;
    em_wide_fours(job);
    em_depthwise_limit(p, to);
    held += p->stride_height * em_wide_pitch(p);
    to += p->out_width * job->pitch;
  }
}
#endif

/* One channel's outputs of a row. */
EM_PART void em_wide_row(const em_depthwise_conv_2d_params *p, const int8_t *row,
                         const int8_t *weights, em_channel channel, int shift, int8_t *to,
                         const int rounding)
{
  const int block = p->out_width >= 4 ? 4 : 1;
  const int pitch = p->in_channels * p->multiplier;
  for (int done = 0; done < p->out_width; done += block) {
    const int x = done + block > p->out_width ? p->out_width - block : done;
    const int8_t *const window = row + 2 * x * p->stride_width;
    if (block == 4) {
      em_wide_block(p, window, weights, channel, shift, to + x * pitch, 4, rounding);
    } else {
      em_wide_block(p, window, weights, channel, shift, to + x * pitch, 1, rounding);
    }
  }
}

EM_INLINE void em_wide_channel(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                               const em_channel *channels, const int8_t *shifts, int8_t *held,
                               const int8_t *in, int8_t *out, const int rounding)
{
  const int at_once = em_depthwise_rows_at_once(p), taps = p->kernel_height * p->kernel_width;
  const int pitch = em_wide_pitch(p), out_pitch = p->out_width * p->in_channels * p->multiplier;
  int kept = 0;
#if EM_DSP
  em_wide_job job;
#endif
  for (int y = 0; y < p->out_height; y += at_once) {
    const int count = p->out_height - y < at_once ? p->out_height - y : at_once;
    const int needed = (count - 1) * p->stride_height + em_depthwise_reach(p);
    em_move_down(held, at_once * p->stride_height * pitch, kept * pitch);
    em_wide_gather(p, in, y * p->stride_height + kept, needed - kept, held + kept * pitch);
    kept = em_depthwise_kept(p);
    for (int i = 0; i < p->multiplier; ++i) {
      int8_t *const pairs = held + em_wide_bytes(p);
      if (p->multiplier > 1 || y == 0) em_wide_weights(p, weights + i * taps, pairs);
#if EM_DSP
      if (rounding == EM_ROUND_FAST && em_wide_has_fours(p)) {
        if (p->multiplier > 1 || y == 0) job = em_wide_job_of(p, pairs, channels[i], shifts[i]);
        em_wide_rows_of_fours(p, &job, held, count, out + y * out_pitch + i);
        continue;
      }
#endif
      for (int row = 0; row < count; ++row) {
        em_wide_row(p, held + row * p->stride_height * pitch, pairs, channels[i], shifts[i],
                    out + (y + row) * out_pitch + i, rounding);
      }
    }
  }
}

EM_PART void em_wide_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                           const em_channel *channels, const int8_t *shifts, int8_t *held,
                           const int8_t *in, int8_t *out, const int rounding)
{
  const int elements = p->rows * em_wide_pitch(p) / 2;
  for (int i = 0; i < elements; ++i) em_wide_store(held + 2 * i, p->in_zero_point);
  for (int channel = 0; channel < p->in_channels; ++channel) {
    const int first = channel * p->multiplier;
    em_wide_channel(p, weights + first * p->kernel_height * p->kernel_width, channels + first,
                    shifts + first, held, in + channel, out + first, rounding);
  }
}

#endif
