/* What the bodies of DEPTHWISE_CONV_2D share: the layer's sizes, and the rows of a channel's plane
 * that are held. */
#ifndef EM_DEPTHWISE_ROWS_H
#define EM_DEPTHWISE_ROWS_H

#include "em_common.h"

/* What is loaded from either pointer comes behind `value`: gcc would load all of a large kernel's
 * elements and weights first, and put them on the stack.
 */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__x86_64__)
#define EM_LOAD_BEHIND(value, pointer, other) __asm__("" : "+r"(value), "+r"(pointer), "+r"(other))
#else
#define EM_LOAD_BEHIND(value, pointer, other) (void)0
#endif

/* The same of all that is loaded. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__x86_64__)
#define EM_LOADS_END_HERE __asm__ volatile("" : : : "memory")
#else
#define EM_LOADS_END_HERE (void)0
#endif

typedef struct {
  em_size in_height;
  em_size in_width;
  em_size in_channels;
  em_size out_height;
  em_size out_width;
  em_size multiplier;
  em_size kernel_height;
  em_size kernel_width;
  em_size stride_height;
  em_size stride_width;
  em_size dilation_height;
  em_size dilation_width;
  em_size pad_top;
  em_size pad_left;
  em_size plane_height;
  em_size plane_width;
  em_size rows; /* of the plane that are held at once; 0 for the 3 x 3 body of a target */
  int16_t in_zero_point;
  em_output output;
} em_depthwise_conv_2d_params;

/* Bytes from a row that is held to the next. */
EM_INLINE int em_depthwise_pitch(const em_depthwise_conv_2d_params *p)
{
  return (p->plane_width + 3) & ~3;
}

/* How many columns of the image outputs read. */
EM_INLINE int em_depthwise_columns(const em_depthwise_conv_2d_params *p)
{
  const int beside = p->plane_width - p->pad_left;
  return beside < p->in_width ? beside : p->in_width;
}

/* Rows of the plane that a row of outputs is made of. */
EM_INLINE int em_depthwise_reach(const em_depthwise_conv_2d_params *p)
{
  return (p->kernel_height - 1) * p->dilation_height + 1;
}

/* Rows of outputs that are made of what is held. */
EM_INLINE int em_depthwise_rows_at_once(const em_depthwise_conv_2d_params *p)
{
  return (p->rows - em_depthwise_reach(p)) / p->stride_height + 1;
}

/* Rows that the next rows of outputs need once more. */
EM_INLINE int em_depthwise_kept(const em_depthwise_conv_2d_params *p)
{
  const int kept = em_depthwise_reach(p) - p->stride_height;
  return kept > 0 ? kept : 0;
}

/* Copies `count` rows of a channel's plane, from row `first` on; the columns of the border are
 * there already. */
EM_INLINE void em_gather_rows(const em_depthwise_conv_2d_params *p, const int8_t *in, int first,
                              int count, int8_t *to)
{
  const int columns = em_depthwise_columns(p);
  for (int y = first - p->pad_top; y < first + count - p->pad_top; ++y) {
    if (y < 0 || y >= p->in_height) {
      memset(to, p->in_zero_point, (size_t)p->plane_width);
    } else {
      const int8_t *from = in + y * p->in_width * p->in_channels;
      EM_UNROLL(4)
      for (int x = 0; x < columns; ++x) {
        to[p->pad_left + x] = *from;
        from += p->in_channels;
      }
    }
    to += em_depthwise_pitch(p);
  }
}

/* Moves `size` bytes down by `distance`, both multiples of 4 as the addresses are. */
EM_INLINE void em_move_down(int8_t *to, int distance, int size)
{
  int8_t *const aligned = (int8_t *)EM_ALIGNED(to, 4);
  EM_UNROLL(4)
  for (int i = 0; i < size; i += 4) {
    uint32_t word;
    EM_COPY(&word, (const int8_t *)EM_ALIGNED(aligned + distance + i, 4), sizeof word);
    EM_COPY((int8_t *)EM_ALIGNED(aligned + i, 4), &word, sizeof word);
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

#endif
