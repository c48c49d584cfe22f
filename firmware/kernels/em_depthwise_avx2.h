/* DEPTHWISE_CONV_2D for x86-64, 16 output channels at once.
 *
 * The rows that a row of outputs needs stand side by side in 32-bit words: four neighbouring rows'
 * activations of one column and channel, unsigned as in em_tile.h, so that one instruction does
 * four rows of the kernel. A new row moves the bytes of each word on by one.
 *
 * weights   for each group of 16 channels 16 int32 (see em_load_group), then for each column of the
 *           kernel and each word 16 channels' four weights. The last row is the last word's last
 *           byte; bytes that are no row's are 0.
 * scratch   int32 [plane_width][groups][words][16] at the first multiple of 64 in it
 * Each row of the input is read once, before the first row of outputs that needs it is written.
 */
#ifndef EM_DEPTHWISE_AVX2_H
#define EM_DEPTHWISE_AVX2_H

#include "em_lanes.h"

#define EM_OWN_DEPTHWISE 1

enum { EM_WORD_BYTES = 4 * EM_LANE_COUNT };

/* The words of a column: `words` of each group. */
typedef struct {
  int groups;
  int words;
  int pitch; /* bytes of a column */
} em_columns;

EM_INLINE em_columns em_columns_of(const em_depthwise_conv_2d_params *p)
{
  em_columns c;
  c.groups = (p->in_channels * p->multiplier + EM_LANE_COUNT - 1) / EM_LANE_COUNT;
  c.words = ((p->kernel_height - 1) * p->dilation_height + 4) / 4;
  c.pitch = c.groups * c.words * EM_WORD_BYTES;
  return c;
}

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  (void)p;
  return 1;
}

/* The activations of up to 16 output channels of a pixel, from channel `first` on. */
EM_INLINE em_lanes em_column_bytes(const em_depthwise_conv_2d_params *p, const int8_t *pixel,
                                   int first)
{
  const int left = p->in_channels * p->multiplier - first;
  if (p->multiplier == 1) {
    return left < EM_LANE_COUNT ? em_lanes_extend_some(pixel + first, left)
                                : em_lanes_extend(pixel + first);
  }
  if (p->in_channels == 1) return em_lanes_all(pixel[0]);
  int8_t each[EM_LANE_COUNT] = {0};
  for (int i = 0; i < EM_LANE_COUNT && i < left; ++i) each[i] = pixel[(first + i) / p->multiplier];
  return em_lanes_extend(each);
}

/* Moves a column's words on by one row and puts in `byte`, of which the lowest 8 bits count. */
EM_INLINE void em_column_push(int8_t *column, em_lanes byte, const int words)
{
  for (int word = 0; word + 1 < words; ++word) {
    int8_t *const at = column + word * EM_WORD_BYTES;
    em_lanes_store(at, em_lanes_push(em_lanes_load(at), em_lanes_load(at + EM_WORD_BYTES)));
  }
  column += (words - 1) * EM_WORD_BYTES;
  em_lanes_store(column,
                 em_lanes_push(em_lanes_load(column), em_lanes_xor(byte, em_lanes_all(128))));
}

/* Row `y` of the input, which may be one of the border's. */
EM_INLINE void em_columns_push(const em_depthwise_conv_2d_params *p, const em_columns *c,
                               const int8_t *in, int y, int8_t *columns)
{
  for (int column = 0; column < p->plane_width; ++column, columns += c->pitch) {
    const int x = column - p->pad_left;
    const int inside = y >= 0 && y < p->in_height && x >= 0 && x < p->in_width;
    for (int group = 0; group < c->groups; ++group) {
      int8_t *const at = columns + group * c->words * EM_WORD_BYTES;
      if (inside) {
        const int8_t *const pixel = in + (y * p->in_width + x) * p->in_channels;
        em_column_push(at, em_column_bytes(p, pixel, group * EM_LANE_COUNT), c->words);
      } else {
        em_column_push(at, em_lanes_all(p->in_zero_point), c->words);
      }
    }
  }
}

/* A row of outputs of one group of channels. */
EM_INLINE void em_columns_outputs(const em_depthwise_conv_2d_params *p, const em_columns *c,
                                  const int8_t *weights, const em_group *group,
                                  const int8_t *columns, int8_t *out, const int rounding)
{
  for (int x = 0; x < p->out_width; ++x) {
    const int8_t *at = columns + x * p->stride_width * c->pitch;
    const int8_t *w = weights;
    em_lanes sums = group->start;
    for (int kx = 0; kx < p->kernel_width; ++kx, at += p->dilation_width * c->pitch) {
      for (int word = 0; word < c->words; ++word, w += EM_WORD_BYTES) {
        sums = em_lanes_dot(sums, em_lanes_load(at + word * EM_WORD_BYTES), em_lanes_taps(w));
      }
    }
    em_store_group(sums, group, &p->output, out + x * p->in_channels * p->multiplier, rounding);
  }
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, const int rounding)
{
  const int out_channels = p->in_channels * p->multiplier;
  const em_columns c = em_columns_of(p);
  const int group_bytes = (1 + p->kernel_width * c.words) * EM_WORD_BYTES;
  int8_t *const columns = scratch + (-(uintptr_t)scratch & 63);
  int row = 0; /* of the input and the border above it, the first one that is not in the columns */
  for (int y = 0; y < p->out_height; ++y) {
    const int end = y * p->stride_height + (p->kernel_height - 1) * p->dilation_height + 1;
    for (; row < end; ++row) em_columns_push(p, &c, in, row - p->pad_top, columns);
    for (int first = 0; first < out_channels; first += EM_LANE_COUNT) {
      const int group = first / EM_LANE_COUNT;
      const int8_t *const w = weights + group * group_bytes;
      const em_group g = em_load_group(w, channels + first, shifts + first, out_channels - first,
                                       &p->output, rounding);
      em_columns_outputs(p, &c, w + EM_WORD_BYTES, &g, columns + group * c.words * EM_WORD_BYTES,
                         out + first, rounding);
    }
    out += p->out_width * out_channels;
  }
}

#endif
