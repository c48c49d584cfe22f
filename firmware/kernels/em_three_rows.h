/* Depthwise layers of 3 x 3 kernels with strides of 1 or 2, a channel at a time, four rows of its
 * plane at hand.
 *
 * `held` has them as two times two rows, `upper` and `lower` ones, each of plane_width columns; a
 * column is an element of the first and one of the second row, EM_COLUMN_BYTES together. A step
 * makes two rows of outputs for stride 1, one for stride 2; then the next two rows of the plane
 * take the place of the upper ones.
 *
 * The header of a body defines EM_COLUMN_BYTES, em_store_column, em_store_element, the type
 * em_three_rows with `pitch`, `below` and `out`, em_three_rows_of and em_three_rows_step before it
 * includes this one.
 */
#if !defined(EM_THREE_ROWS_H) && defined(EM_COLUMN_BYTES)
#define EM_THREE_ROWS_H

#include "em_depthwise_rows.h"

/* Columns of two rows of the image, or of one where the other is of the border. */
EM_INLINE void em_gather_columns(const em_depthwise_conv_2d_params *p, const int8_t *in, int first,
                                 int second, int8_t *to)
{
  const int columns = em_depthwise_columns(p);
  const int8_t *upper = in + first * p->in_width * p->in_channels;
  const int8_t *lower = in + second * p->in_width * p->in_channels;
  EM_UNROLL(4)
  for (int x = 0; x < columns; ++x) {
    em_store_column(to, *upper, *lower);
    upper += p->in_channels;
    lower += p->in_channels;
    to += EM_COLUMN_BYTES;
  }
}

/* A plane's rows `row` and row + 1; the columns of the border are there already. */
EM_INLINE void em_gather_two_rows(const em_depthwise_conv_2d_params *p, const int8_t *in, int row,
                                  int8_t *two_rows)
{
  const int first = row - p->pad_top, second = first + 1;
  const int has_first = first >= 0 && first < p->in_height;
  const int has_second = second >= 0 && second < p->in_height;
  int8_t *const to = two_rows + EM_COLUMN_BYTES * p->pad_left;
  if (has_first || has_second)
    em_gather_columns(p, in, has_first ? first : second, has_second ? second : first, to);
  if (has_first && has_second) return;
  for (int x = 0; x < em_depthwise_columns(p); ++x) {
    if (!has_first) em_store_element(to + EM_COLUMN_BYTES * x, p->in_zero_point);
    if (!has_second)
      em_store_element(to + EM_COLUMN_BYTES * x + EM_COLUMN_BYTES / 2, p->in_zero_point);
  }
}

/* All outputs of one channel, the first of which is at `out`. */
EM_INLINE void em_three_rows_channel(const em_depthwise_conv_2d_params *p, em_three_rows *k,
                                     int8_t *held, const int8_t *in, int8_t *out,
                                     const int rounding)
{
  const int made = p->stride_height == 1 ? 2 : 1;
  const int out_pitch = p->out_width * k->pitch;
  int8_t *upper = held, *lower = held + EM_COLUMN_BYTES * p->plane_width;
  k->below = made == 2 ? out_pitch : 0;
  em_gather_two_rows(p, in, 0, upper);
  for (int y = 0; y < p->out_height; y += made) {
    em_gather_two_rows(p, in, y * p->stride_height + 2, lower);
    /* Where there is no second row the first one's outputs take the place of what would be the
     * second one's. */
    if (y + made > p->out_height) k->below = 0;
    k->out = out;
    em_three_rows_step(p, k, upper, lower, rounding);
    em_depthwise_limit(p, out);
    if (made == 2) em_depthwise_limit(p, out + k->below);
    out += made * out_pitch;
    int8_t *const done = upper;
    upper = lower;
    lower = done;
  }
}

EM_PART void em_three_rows_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *held,
                                 const int8_t *in, int8_t *out, const int rounding)
{
  const int out_channels = p->in_channels * p->multiplier;
  for (int i = 0; i < 2 * p->plane_width; ++i) {
    em_store_column(held + EM_COLUMN_BYTES * i, p->in_zero_point, p->in_zero_point);
  }
  for (int channel = 0; channel < out_channels; ++channel) {
    em_three_rows k =
        em_three_rows_of(p, weights + 9 * channel, channels[channel], shifts[channel], rounding);
    em_three_rows_channel(p, &k, held, in + channel / p->multiplier, out + channel, rounding);
  }
}

#endif
