/* TRANSPOSE_CONV as convolutions: each row of outputs is one of a few rows of input, one pixel of
 * which gives as many neighbouring outputs as the stride is wide. Rows that are a stride apart have
 * their weights in common.
 *
 * in, out   as in em_transpose_conv.h, of a kernel no smaller than the stride
 * weights   those of a convolution of stride 1 for each of `stride_height` rows, from `offsets` on:
 *           its output channels are a column of a stride and a channel; a column that the kernel
 *           does not reach has weights of zero
 * channels, shifts   of one row's output channels after the other's, the input zero point folded
 *                    into the biases
 * conv      a row's convolution but for its kernel_height and pad_top, which differ from row to row
 * A row is written when the rows that it is made of have been read; the generator computes how
 * `out` may lie over `in`.
 */
#ifndef EM_TRANSPOSE_CONV_ROWS_H
#define EM_TRANSPOSE_CONV_ROWS_H

#include "em_conv_2d.h"

typedef struct {
  em_conv_2d_params conv;
  em_size out_height;
  em_size kernel_height;
  em_size stride_height;
  em_size pad_top; /* rows of the whole output that are left out */
} em_transpose_conv_rows_params;

EM_KERNEL void em_transpose_conv_rows(const em_transpose_conv_rows_params *p, const int8_t *weights,
                                      const int32_t *offsets, const em_channel *channels,
                                      const int8_t *shifts, int8_t *scratch, const int8_t *in,
                                      int8_t *out)
{
  em_conv_2d_params row = p->conv;
  const int stride = p->stride_height;
  for (int y = 0; y < p->out_height; ++y) {
    /* Of the kernel's rows every `stride`th one meets a row of input, the last of them the highest
     * one. */
    const int phase = y % stride, first = (phase + p->pad_top) % stride;
    row.kernel_height = (int16_t)((p->kernel_height - first + stride - 1) / stride);
    row.pad_top = (int16_t)(row.kernel_height - 1 - (y + p->pad_top - first) / stride);
    em_conv_2d(&row, weights + offsets[phase], channels + phase * row.out_channels,
               shifts + phase * row.out_channels, scratch, in, out);
    out += row.out_width * row.out_channels;
  }
}

#endif
