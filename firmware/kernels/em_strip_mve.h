/* Depthwise convolution for Cortex-M55 and M85 with any kernel: a channel at a time, four
 * neighbouring outputs at once.
 *
 * A channel's rows stand in `strip` column by column, so that a window is one run of bytes,
 * kernel_height for each of its columns, and VMLADAV makes 16 products of it. With the next row of
 * outputs windows start stride_height bytes further on: a new row's elements come where the column
 * to the right had a row that is not needed any more. So every row of the input is read once, and
 * only the rows of one window are ever there. Weights are in the same order, int8
 * [channels][kernel_width][kernel_height].
 *
 * `out` may be `in`: the generator sees to it that a row of outputs comes only over what has been
 * read.
 */
#ifndef EM_STRIP_MVE_H
#define EM_STRIP_MVE_H

#include "em_copy_mve.h"
#include "em_depthwise_wide.h" /* what is left */
#include "em_lanes_mve.h"

enum { EM_STRIP_VECTOR = 16 };

/* A channel's outputs. Offsets are known to the loops. */
typedef struct {
  const int8_t *window;    /*   0: the next row's first */
  int8_t *out;             /*   4 */
  int32_t step;            /*   8: from a window to the next */
  int32_t to_next;         /* 12: from behind an output's window, in whole vectors, to that of the
                            * fourth one after it */
  int32_t blocks;          /*  16: of four outputs in a row */
  int32_t left;            /*  20: outputs after them, 0 to 3 */
  int32_t pitch;           /*  24: from output to output */
  int32_t zero_point;      /*  28 */
  int32_t minimum;         /*  32 */
  int32_t maximum;         /*  36 */
  const int8_t *weights;   /*  40 */
  int32_t taps;            /*  44 */
  em_lane_channel channel; /*  48 */
  int32_t row;             /*  60: of the image, that is taken next */
  int32_t in_height;       /*  64 */
  const int8_t *from;      /*  68: that row, whether there is one or not */
  int32_t row_bytes;       /*  72 */
  int8_t *to;              /*  76: where its first element goes */
  int32_t columns;         /*  80: elements of a row, at least 1 */
  int32_t in_step;         /*  84: from element to element */
  int32_t kernel_height;   /*  88 */
  int32_t until;           /*  92: the row at which the last row of outputs ended */
  int32_t stride;          /*  96: rows from one row of outputs to the next */
  const int8_t *border;    /* 100: a zero point */
  int32_t rows;            /* 104: of outputs, at least 1 */
} em_strip_job;

#if defined(__ARM_FEATURE_MVE)
/* Registers: r1 outputs, r3 bias, r5 multiplier, r7 shift to the left, r8 zero point, r9 window,
 * r10 step, r11 from block to block of outputs, r12 em_strip_job, lr blocks; q0 (and q1) weights,
 * q2 and q3 limits, q7 places of a block's outputs.
 */
#define EM_STRIP_START                     \
  "push {r4-r11, lr}\n\t"                  \
  "vpush {d8-d15}\n\t"                     \
  "mov r12, r0\n\t"                        \
  "ldrd r1, r10, [r12, #4]\n\t"            \
  "ldr r11, [r12, #24]\n\t"                \
  "movs r2, #0\n\t"                        \
  "vidup.u32 q7, r2, #1\n\t"               \
  "vmul.i32 q7, q7, r11\n\t"               \
  "lsls r11, r11, #2\n\t"                  \
  "ldrd r5, r6, [r12, #32]\n\t"            \
  "vdup.8 q2, r5\n\t"                      \
  "vdup.8 q3, r6\n\t"                      \
  "ldrd r3, r5, [r12, #48]\n\t"            \
  "ldr r7, [r12, #56]\n\t"                 \
  "ldrd r2, r4, [r12, #40]\n\t"            \
  "vctp.8 r4\n\t"                          \
  "vpst\n\t"                               \
  "vldrbt.u8 q0, [r2]\n\t"

/* The rows that the next row of outputs needs. One that is not in the image is a border's; with
 * each comes the last element of the left border, where the first column had a row.
 */
#define EM_STRIP_TAKE                      \
  "ldrd r2, r0, [r12, #92]\n\t"            \
  "add r2, r2, r0\n\t"                     \
  "str r2, [r12, #92]\n"                   \
  "7:\n\t"                                 \
  "ldrd r0, r2, [r12, #60]\n\t"            \
  "ldrd r4, r6, [r12, #68]\n\t"            \
  "ldr r8, [r12, #84]\n\t"                 \
  "cmp r0, r2\n\t"                         \
  "add r6, r6, r4\n\t"                     \
  "str r6, [r12, #68]\n\t"                 \
  "add r0, r0, #1\n\t"                     \
  "str r0, [r12, #60]\n\t"                 \
  "ldr lr, [r12, #100]\n\t"                \
  "itt hs\n\t"                             \
  "movhs r4, lr\n\t"                       \
  "movhs r8, #0\n\t"                       \
  "movs r0, #0\n\t"                        \
  "vidup.u16 q4, r0, #1\n\t"               \
  "vmul.i16 q5, q4, r8\n\t"                \
  "ldrd r2, r0, [r12, #76]\n\t"            \
  "ldr r6, [r12, #88]\n\t"                 \
  "vmul.i16 q4, q4, r6\n\t"                \
  "ldrb lr, [lr]\n\t"                      \
  "sub r2, r2, r6\n\t"                     \
  "strb lr, [r2]\n\t"                      \
  "add r2, r2, r6\n\t"                     \
  "add lr, r2, #1\n\t"                     \
  "str lr, [r12, #76]\n\t"                 \
  "lsls r6, r6, #3\n\t"                    \
  "lsl r8, r8, #3\n\t"                     \
  "dlstp.16 lr, r0\n"                      \
  "8:\n\t"                                 \
  "vldrb.u16 q6, [r4, q5]\n\t"             \
  "add r4, r4, r8\n\t"                     \
  "vstrb.16 q6, [r2, q4]\n\t"              \
  "add r2, r2, r6\n\t"                     \
  "letp lr, 8b\n\t"                        \
  "ldr r0, [r12, #60]\n\t"                 \
  "ldr r2, [r12, #92]\n\t"                 \
  "cmp r0, r2\n\t"                         \
  "blt 7b\n\t"                             \
  "ldr r8, [r12, #28]\n\t"

/* Row after row: the rows of the input, all blocks, and the outputs that are left. */
#define EM_STRIP_ROWS(sums)                \
  "6:\n\t"                                 \
  EM_STRIP_TAKE                            \
  "ldr r9, [r12]\n\t"                      \
  "ldr r2, [r12, #16]\n\t"                 \
  "wls lr, r2, 2f\n"                       \
  "1:\n\t"                                 \
  sums("4")                                \
  EM_STRIP_OUTPUTS                         \
  "vstrb.32 q6, [r1, q7]\n\t"              \
  "add r1, r1, r11\n\t"                    \
  "le lr, 1b\n"                            \
  "2:\n\t"                                 \
  "ldr r2, [r12, #20]\n\t"                 \
  "cmp r2, #0\n\t"                         \
  "beq.w 3f\n\t"                           \
  sums("5")                                \
  EM_STRIP_OUTPUTS                         \
  "ldrd r2, r4, [r12, #20]\n\t"            \
  "vctp.32 r2\n\t"                         \
  "vpst\n\t"                               \
  "vstrbt.32 q6, [r1, q7]\n\t"             \
  "mla r1, r2, r4, r1\n"                   \
  "3:\n\t"                                 \
  "ldr r9, [r12]\n\t"                      \
  "ldr r2, [r12, #96]\n\t"                 \
  "ldr r4, [r12, #104]\n\t"                \
  "add r9, r9, r2\n\t"                     \
  "str r9, [r12]\n\t"                      \
  "subs r4, r4, #1\n\t"                    \
  "str r4, [r12, #104]\n\t"                \
  "bgt.w 6b\n\t"                           \
  "vpop {d8-d15}\n\t"                      \
  "pop {r4-r11, pc}\n\t"

#define EM_STRIP_OUTPUTS                   \
  EM_REQUANTISE_LANES                      \
  "vmax.s8 q6, q6, q2\n\t"                 \
  "vmin.s8 q6, q6, q3\n\t"

/* Of one vector's products, of two, or of as many as there are. */
#define EM_STRIP_SUM_1(sum)                \
  "vldrb.u8 q4, [r9]\n\t"                  \
  "add r9, r9, r10\n\t"                    \
  "vmladav.s8 " sum ", q4, q0\n\t"
#define EM_STRIP_SUMS_1(_)                 \
  EM_STRIP_SUM_1("r0")                     \
  EM_STRIP_SUM_1("r2")                     \
  EM_STRIP_SUM_1("r4")                     \
  EM_STRIP_SUM_1("r6")

#define EM_STRIP_SUM_2(sum)                \
  "vldrb.u8 q4, [r9]\n\t"                  \
  "vldrb.u8 q5, [r9, #16]\n\t"             \
  "vmladav.s8 " sum ", q4, q0\n\t"         \
  "add r9, r9, r10\n\t"                    \
  "vmladava.s8 " sum ", q5, q1\n\t"
#define EM_STRIP_SUMS_2(_)                 \
  EM_STRIP_SUM_2("r0")                     \
  EM_STRIP_SUM_2("r2")                     \
  EM_STRIP_SUM_2("r4")                     \
  EM_STRIP_SUM_2("r6")

#define EM_STRIP_SUMS(label)               \
  "mov r0, #0\n\t"                         \
  "mov r2, #0\n\t"                         \
  "mov r4, #0\n\t"                         \
  "mov r6, #0\n\t"                         \
  "ldrd r8, r11, [r12, #40]\n"             \
  label ":\n\t"                            \
  "vldrb.u8 q0, [r8], #16\n\t"             \
  "vldrb.u8 q4, [r9]\n\t"                  \
  "add r9, r9, r10\n\t"                    \
  "vmladava.s8 r0, q4, q0\n\t"             \
  "vldrb.u8 q5, [r9]\n\t"                  \
  "add r9, r9, r10\n\t"                    \
  "vmladava.s8 r2, q5, q0\n\t"             \
  "vldrb.u8 q4, [r9]\n\t"                  \
  "add r9, r9, r10\n\t"                    \
  "vmladava.s8 r4, q4, q0\n\t"             \
  "vldrb.u8 q5, [r9], #16\n\t"             \
  "sub r9, r9, r10, lsl #1\n\t"            \
  "vmladava.s8 r6, q5, q0\n\t"             \
  "sub r9, r9, r10\n\t"                    \
  "subs r11, r11, #16\n\t"                 \
  "bgt " label "b\n\t"                     \
  "ldr r8, [r12, #12]\n\t"                 \
  "add r9, r9, r8\n\t"                     \
  "ldrd r11, r8, [r12, #24]\n\t"           \
  "lsls r11, r11, #2\n\t"

EM_NAKED void em_strip_one_vector(em_strip_job *job EM_UNUSED)
{
  __asm__(EM_STRIP_START EM_STRIP_ROWS(EM_STRIP_SUMS_1));
}

EM_NAKED void em_strip_two_vectors(em_strip_job *job EM_UNUSED)
{
  __asm__(EM_STRIP_START
          "subs r4, r4, #16\n\t"
          "vctp.8 r4\n\t"
          "vpst\n\t"
          "vldrbt.u8 q1, [r2, #16]\n\t"
          EM_STRIP_ROWS(EM_STRIP_SUMS_2));
}

/* The weights are made up with zeros to whole vectors. */
EM_NAKED void em_strip_vectors(em_strip_job *job EM_UNUSED)
{
  __asm__(EM_STRIP_START EM_STRIP_ROWS(EM_STRIP_SUMS));
}
#endif

/* Bytes of a window in whole vectors. */
EM_INLINE int em_strip_window(const em_depthwise_conv_2d_params *p)
{
  return (p->kernel_height * p->kernel_width + EM_STRIP_VECTOR - 1) & -EM_STRIP_VECTOR;
}

/* Bytes of the strip: to the end of the last window that is read, four windows at a time, or of
 * what is written. */
EM_INLINE int em_strip_bytes(const em_depthwise_conv_2d_params *p)
{
  const int last =
      ((p->out_width + 3) / 4 * 4 - 1) * p->stride_width * p->kernel_height + em_strip_window(p);
  const int reads = (p->out_height - 1) * p->stride_height + last;
  const int writes = p->plane_width * p->kernel_height + p->plane_height;
  return ((reads > writes ? reads : writes) + 3) & ~3;
}

/* Whether a layer is done here; of its rows one window's are held then. */
EM_INLINE int em_strip_suits(const em_depthwise_conv_2d_params *p)
{
  return p->rows == p->kernel_height && (p->dilation_height == 1 || p->kernel_height == 1) &&
      (p->dilation_width == 1 || p->kernel_width == 1) && p->out_width >= 3 &&
      p->in_channels <= 8192 && p->kernel_height <= 8192 && p->plane_width > p->pad_left;
}

/* The parts of the scratch: a zero point, room for the left border where there is none, the strip,
 * a channel's weights. */
typedef struct {
  int8_t *border, *strip, *weights;
} em_strip_scratch;

EM_INLINE em_strip_scratch em_strip_at(const em_depthwise_conv_2d_params *p, int8_t *scratch)
{
  em_strip_scratch at;
  at.border = scratch;
  at.strip = scratch + 1 + (p->pad_left > 0 ? 0 : p->kernel_height);
  at.weights = at.strip + em_strip_bytes(p);
  return at;
}

/* One output channel's outputs one after the other, with any rounding; the strip is all zero points
 * before. */
EM_PART void em_strip_each(const em_depthwise_conv_2d_params *p, const em_channel *channel,
                           int shift, const int8_t *weights, int8_t *strip, const int8_t *in,
                           int8_t *out, const int rounding)
{
  const int taps = p->kernel_height * p->kernel_width, step = p->stride_width * p->kernel_height;
  int row = 0;
  for (int y = 0; y < p->out_height; ++y) {
    for (; row < y * p->stride_height + p->kernel_height; ++row) {
      const int from = row - p->pad_top, inside = from >= 0 && from < p->in_height;
      int8_t *const to = strip + p->pad_left * p->kernel_height + row;
      if (p->pad_left > 0) to[-p->kernel_height] = (int8_t)p->in_zero_point;
      for (int x = 0; x < em_depthwise_columns(p); ++x) {
        to[x * p->kernel_height] =
            inside ? in[(from * p->in_width + x) * p->in_channels] : (int8_t)p->in_zero_point;
      }
    }
    for (int x = 0; x < p->out_width; ++x) {
      const int8_t *const window = strip + y * p->stride_height + x * step;
      int32_t sum = channel->bias;
      for (int i = 0; i < taps; ++i) sum += window[i] * weights[i];
      out[(y * p->out_width + x) * p->in_channels * p->multiplier] =
          em_finish(sum, channel->multiplier, shift, &p->output, rounding);
    }
  }
}

#if defined(__ARM_FEATURE_MVE)
/* What is the same for all channels. */
EM_INLINE void em_strip_prepare(const em_depthwise_conv_2d_params *p, em_strip_job *job)
{
  job->step = p->stride_width * p->kernel_height;
  job->to_next = 4 * job->step - em_strip_window(p);
  job->blocks = p->out_width / 4;
  job->left = p->out_width % 4;
  job->pitch = p->in_channels * p->multiplier;
  job->zero_point = p->output.zero_point;
  job->minimum = p->output.minimum;
  job->maximum = p->output.maximum;
  job->taps = p->kernel_height * p->kernel_width;
  job->in_height = p->in_height;
  job->row_bytes = p->in_width * p->in_channels;
  job->columns = em_depthwise_columns(p);
  job->in_step = p->in_channels;
  job->kernel_height = p->kernel_height;
  job->stride = p->stride_height;
}

EM_INLINE void em_strip_channel(const em_depthwise_conv_2d_params *p, em_strip_job *job,
                                const em_strip_scratch *at, const int8_t *weights, const int8_t *in,
                                int8_t *out)
{
  job->window = at->strip;
  job->out = out;
  job->row = -p->pad_top;
  job->from = (const int8_t *)((uintptr_t)in - (uintptr_t)(p->pad_top * job->row_bytes));
  job->to = at->strip + p->pad_left * p->kernel_height;
  job->until = p->kernel_height - p->stride_height - p->pad_top;
  job->rows = p->out_height;
  job->weights = weights;
  if (job->taps <= EM_STRIP_VECTOR) {
    em_strip_one_vector(job);
  } else if (job->taps <= 2 * EM_STRIP_VECTOR) {
    em_strip_two_vectors(job);
  } else {
    em_copy_bytes(at->weights, weights, job->taps);
    job->weights = at->weights;
    em_strip_vectors(job);
  }
}
#endif

EM_PART void em_strip_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                            const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                            const int8_t *in, int8_t *out, const int rounding)
{
  const int taps = p->kernel_height * p->kernel_width;
  const em_strip_scratch at = em_strip_at(p, scratch);
#if defined(__ARM_FEATURE_MVE)
  em_strip_job job;
  em_strip_prepare(p, &job);
  *at.border = (int8_t)p->in_zero_point;
  job.border = at.border;
  if (taps > 2 * EM_STRIP_VECTOR) em_fill_bytes(at.weights, 0, em_strip_window(p));
#endif
  for (int channel = 0; channel < p->in_channels * p->multiplier; ++channel) {
    const int8_t *const plane = in + channel / p->multiplier;
    em_fill_bytes(at.strip, p->in_zero_point, em_strip_bytes(p));
#if defined(__ARM_FEATURE_MVE)
    if (rounding == EM_ROUND_FAST) {
      job.channel = em_lane_channel_of(&channels[channel], shifts[channel]);
      em_strip_channel(p, &job, &at, weights + channel * taps, plane, out + channel);
      continue;
    }
#endif
    em_strip_each(p, &channels[channel], shifts[channel], weights + channel * taps, at.strip, plane,
                  out + channel, rounding);
  }
}

#endif
