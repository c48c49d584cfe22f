/* DEPTHWISE_CONV_2D with kernels of one row or one column, along a line of a channel's elements
 * after the other.
 *
 * in, out: as in em_depthwise_conv_2d.h. What outputs share is kept in registers and nothing is
 * copied. With dilation every so many elements are a line of their own. An output is written when
 * the elements up to its window's last one have been read; the generator takes this kernel only
 * where none of a line comes over elements that are read later, so that `out` may be `in` itself:
 *   multiplier 1; at most EM_LINE_TAPS weights; a stride along the kernel of 1 or 2, of 1 with
 *   dilation; of a kernel of one column 1 across; no border across; along it at most the kernel's
 *   reach less the stride, in whole dilations; no more outputs in a row or column than elements.
 */
#ifndef EM_DEPTHWISE_LINE_H
#define EM_DEPTHWISE_LINE_H

#include "em_depthwise_rows.h"

enum {
  EM_LINE_TAPS = 5,
  EM_LINE_OUTPUTS = 4,
  EM_LINE_WINDOW = EM_LINE_TAPS + 2 * (EM_LINE_OUTPUTS - 1)
};

/* A line. Distances are in bytes. */
typedef struct {
  int taps, stride, pad;
  int elements, outputs;
  int step, pitch; /* from an element to the next one, and from output to output */
} em_long_line;

/* `count` outputs of the elements in `x`, of which those that the next outputs need come to the
 * front. */
EM_INLINE void em_long_line_outputs(const em_depthwise_conv_2d_params *p, const em_long_line *line,
                                    const int8_t *weights, int32_t *x, em_channel channel,
                                    int shift, int8_t *out, const int count, const int rounding)
{
  EM_UNROLL(4)
  for (int i = 0; i < count; ++i) {
    int32_t sum = channel.bias;
    EM_UNROLL(8)
    for (int tap = 0; tap < line->taps; ++tap) sum += weights[tap] * x[i * line->stride + tap];
    *out = em_finish(sum, channel.multiplier, shift, &p->output, rounding);
    out += line->pitch;
  }
  EM_UNROLL(8)
  for (int i = 0; i < line->taps - line->stride; ++i) x[i] = x[i + count * line->stride];
}

/* All outputs of a line: in blocks as long as none needs the border, then one by one. */
EM_INLINE void em_long_line_run(const em_depthwise_conv_2d_params *p, const em_long_line *line,
                                const int8_t *weights, em_channel channel, int shift,
                                const int8_t *in, int8_t *out, const int rounding)
{
  const int kept = line->taps - line->stride, block = EM_LINE_OUTPUTS * line->stride;
  const int whole = (line->elements - kept + line->pad) / block,
            most = line->outputs / EM_LINE_OUTPUTS;
  const int blocks = EM_SIZE || whole < 0 ? 0 : whole < most ? whole : most;
  int at = kept - line->pad; /* the first element that is not in x */
  int32_t x[EM_LINE_WINDOW];
  EM_UNROLL(8)
  for (int i = 0; i < kept; ++i) {
    const int from = i - line->pad;
    x[i] = from >= 0 && from < line->elements ? in[from * line->step] : p->in_zero_point;
  }
  in += at * line->step;
  for (int left = blocks; left > 0; --left) {
    EM_UNROLL(8)
    for (int i = 0; i < block; ++i) {
      x[kept + i] = *in;
      in += line->step;
    }
    em_long_line_outputs(p, line, weights, x, channel, shift, out, EM_LINE_OUTPUTS, rounding);
    out += EM_LINE_OUTPUTS * line->pitch;
  }
  at += blocks * block;
  for (int left = line->outputs - blocks * EM_LINE_OUTPUTS; left > 0; --left) {
    EM_UNROLL(2)
    for (int i = 0; i < line->stride; ++i) {
      x[kept + i] = at < line->elements ? *in : p->in_zero_point;
      if (++at < line->elements) in += line->step;
    }
    em_long_line_outputs(p, line, weights, x, channel, shift, out, 1, rounding);
    out += line->pitch;
  }
}

/* The first of `dilation` lines along rows or columns. */
EM_INLINE em_long_line em_long_line_of(const em_depthwise_conv_2d_params *p, const int across,
                                       const int dilation)
{
  const int step = dilation * p->in_channels;
  const em_long_line row = {p->kernel_width,
                            p->stride_width,
                            p->pad_left / dilation,
                            p->in_width,
                            p->out_width,
                            step,
                            step};
  const em_long_line column = {p->kernel_height,   p->stride_height, p->pad_top / dilation,
                               p->in_height,       p->out_height,    step * p->in_width,
                               step * p->out_width};
  return across ? row : column;
}

EM_INLINE void em_long_lines_channel(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                     em_channel channel, int shift, const int8_t *in, int8_t *out,
                                     const int rounding)
{
  const int across = p->kernel_height == 1,
            dilation = across ? p->dilation_width : p->dilation_height;
  const em_long_line whole = em_long_line_of(p, across, dilation);
  const int step = across ? p->in_channels : p->in_channels * p->in_width;
  const int lines = across ? p->out_height : p->out_width;
  const int in_pitch = across ? p->stride_height * p->in_width * p->in_channels : p->in_channels;
  const int out_pitch = across ? p->out_width * p->in_channels : p->in_channels;
  for (int i = 0; i < lines; ++i) {
    for (int first = 0; first < dilation && first < whole.outputs; ++first) {
      em_long_line line = whole;
      line.elements = (whole.elements - first + dilation - 1) / dilation;
      line.outputs = (whole.outputs - first + dilation - 1) / dilation;
      em_long_line_run(p, &line, weights, channel, shift, in + i * in_pitch + first * step,
                       out + i * out_pitch + first * step, rounding);
    }
  }
}

EM_INLINE void em_long_lines_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                   const em_channel *channels, const int8_t *shifts,
                                   const int8_t *in, int8_t *out, const int rounding)
{
  const int taps = p->kernel_height * p->kernel_width;
  for (int channel = 0; channel < p->in_channels; ++channel) {
    em_long_lines_channel(p, weights + channel * taps, channels[channel], shifts[channel],
                          in + channel, out + channel, rounding);
  }
}

EM_KERNEL void em_depthwise_conv_2d_line(const em_depthwise_conv_2d_params *p,
                                         const int8_t *weights, const em_channel *channels,
                                         const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_long_lines_layer(p, weights, channels, shifts, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_depthwise_conv_2d_line_any(const em_depthwise_conv_2d_params *p,
                                             const int8_t *weights, const em_channel *channels,
                                             const int8_t *shifts, const int8_t *in, int8_t *out)
{
  em_long_lines_layer(p, weights, channels, shifts, in, out, EM_ROUND_ANY);
}

#endif
