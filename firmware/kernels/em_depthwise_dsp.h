/* Depthwise convolution on Cortex-M4, M7, M33 and M55: whole layers, a channel at a time.
 *
 * With rows == 0 the kernel is 3 x 3 and the strides are 1 or 2, with any other number it is anything: em_depthwise_wide.h.
 * Of the 3 x 3 ones the channel's plane lies in words, each with a column's elements of rows 2i (lower half) and 2i + 1,
 * which saves to widen them again for each output. `held` has two such rows of words, of plane_width columns each: the
 * `upper` and the `lower` ones of the four rows that one step reads. A step makes two rows of outputs for stride 1, one
 * for stride 2; then the next two rows of the plane take the place of the upper ones.
 */
#ifndef EM_DEPTHWISE_DSP_H
#define EM_DEPTHWISE_DSP_H

#include "em_depthwise_wide.h"
#include "em_dsp.h"
#include "em_three_rows.h"

#define EM_OWN_DEPTHWISE 1

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  (void)p;
  return 1;
}

/* Columns of two rows of the image, or of one where the other is of the border. */
EM_INLINE void em_gather_words(const em_depthwise_conv_2d_params *p, const int8_t *in, int first, int second, int8_t *to)
{
  const int columns = em_depthwise_columns(p);
  const int8_t *upper = in + first * p->in_width * p->in_channels;
  const int8_t *lower = in + second * p->in_width * p->in_channels;
  EM_UNROLL(4)
  for (int x = 0; x < columns; ++x) {
    em_store_4(to, em_pair(*upper, *lower));
    upper += p->in_channels;
    lower += p->in_channels;
    to += 4;
  }
}

/* The words of a plane's rows `row` and row + 1; the columns of the border are there already. */
EM_INLINE void em_depthwise_words(const em_depthwise_conv_2d_params *p, const int8_t *in, int row, int8_t *words)
{
  const int first = row - p->pad_top, second = first + 1;
  const int has_first = first >= 0 && first < p->in_height;
  const int has_second = second >= 0 && second < p->in_height;
  int8_t *const to = words + 4 * p->pad_left;
  if (has_first || has_second) em_gather_words(p, in, has_first ? first : second, has_second ? second : first, to);
  if (has_first && has_second) return;
  for (int x = 0; x < em_depthwise_columns(p); ++x) {
    const int16_t border = p->in_zero_point;
    if (!has_first) EM_COPY(to + 4 * x, &border, sizeof border);
    if (!has_second) EM_COPY(to + 4 * x + 2, &border, sizeof border);
  }
}

/* Limits one channel's outputs of a row to a fused activation's range. */
EM_INLINE void em_depthwise_limit(const em_depthwise_conv_2d_params *p, int8_t *out)
{
  if (p->output.minimum <= -128 && p->output.maximum >= 127) return;
  for (int x = 0; x < p->out_width; ++x) {
    *out = (int8_t)em_clamp(*out, p->output.minimum, p->output.maximum);
    out += p->in_channels * p->multiplier;
  }
}

/* All outputs of one channel, the first of which is at `out`. */
EM_INLINE void em_three_rows_channel(const em_depthwise_conv_2d_params *p, em_three_rows *k, int8_t *held, const int8_t *in,
                                     int8_t *out, const int rounding)
{
  const int made = p->stride_height == 1 ? 2 : 1;
  const int out_pitch = p->out_width * k->pitch;
  int8_t *upper = held, *lower = held + 4 * p->plane_width;
  em_depthwise_words(p, in, 0, upper);
  for (int y = 0; y < p->out_height; y += made) {
    em_depthwise_words(p, in, y * p->stride_height + 2, lower);
    /* Where there is no second row the first one's outputs take the place of what would be the second one's. */
    k->below = made == 2 && y + 1 < p->out_height ? out_pitch : 0;
    k->out = out + y * out_pitch;
    em_three_rows_step(p, k, upper, lower, rounding);
    em_depthwise_limit(p, k->out);
    if (made == 2) em_depthwise_limit(p, k->out + k->below);
    int8_t *const free_words = upper;
    upper = lower;
    lower = free_words;
  }
}

EM_INLINE void em_three_rows_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                   const int8_t *shifts, int8_t *held, const int8_t *in, int8_t *out, const int rounding)
{
  const int out_channels = p->in_channels * p->multiplier;
  for (int i = 0; i < 2 * p->plane_width; ++i) em_store_4(held + 4 * i, em_pair(p->in_zero_point, p->in_zero_point));
  for (int channel = 0; channel < out_channels; ++channel) {
    em_three_rows k = em_three_rows_of(p, weights + 9 * channel, channels[channel], shifts[channel], rounding);
    em_three_rows_channel(p, &k, held, in + channel / p->multiplier, out + channel, rounding);
  }
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                const int8_t *shifts, int8_t *held, const int8_t *in, int8_t *out, const int rounding)
{
  if (p->rows == 0) {
    em_three_rows_layer(p, weights, channels, shifts, held, in, out, rounding);
  } else {
    em_wide_layer(p, weights, channels, shifts, held, in, out, rounding);
  }
}

#endif
