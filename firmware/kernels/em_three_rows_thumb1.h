/* Depthwise layers of 3 x 3 kernels with strides of 1 or 2 on Cortex-M0, M0+ and M23, a channel at
 * a time.
 *
 * `held` has three rows of the plane, int32 [3][plane_width]: one instruction loads all that a row
 * of the kernel needs for two outputs, and a multiplication may take the place of its operand.
 */
#ifndef EM_THREE_ROWS_THUMB1_H
#define EM_THREE_ROWS_THUMB1_H

#include "em_depthwise_rows.h"
#include "em_registers_thumb1.h"
#include "em_step.h"

/* A channel and a row of its outputs, which starts at `out`; `pitch` is the bytes from one output
 * to the next. Offsets matter: the instructions below know them, and change `out` and `pairs`.
 * Where it is `stepped`, by a step function, `multiplier_low` and `multiplier_high` are the
 * factor's parts, `rounding` is the offset and `shift` the range.
 */
typedef struct {
  int32_t weights[9];
  int32_t bias;
  int32_t multiplier_low;
  int32_t multiplier_high;
  int32_t rounding;
  int32_t shift;
  int32_t pitch;
  int8_t *out;
  int32_t pairs;
  int32_t odd;
  int32_t stepped;
} em_line;

#if defined(__GNUC__) && defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define EM_LINE_ASM 1
#else
#define EM_LINE_ASM 0
#endif

/* How the channel is requantised by a step function. */
EM_INLINE void em_line_set_step(em_line *line, const em_step_function *step, int32_t bias)
{
  line->bias = bias;
  line->multiplier_low = (int32_t)step->low;
  line->multiplier_high = (int32_t)step->high;
  line->rounding = (int32_t)step->offset;
  line->shift = step->range;
}

/* Sets all but `out` and `pairs`. For the usual rounding weights and bias are doubled, as
 * em_requantise wants its sums. */
EM_INLINE void em_line_set(em_line *line, const em_depthwise_conv_2d_params *p, const int8_t *w,
                           const em_channel *entries, const int8_t *shifts, const int rounding)
{
  const em_channel channel = entries[0];
  const int shift = rounding == EM_ROUND_STEP ? entries[1].bias : shifts[0];
  line->stepped = rounding == EM_ROUND_STEP && em_has_step(entries);
  const int doubled = EM_LINE_ASM && rounding != EM_ROUND_ANY && !line->stepped;
  const int32_t factor = doubled ? 2 : 1;
  EM_ROLLED
  for (int i = 0; i < 9; ++i) line->weights[i] = factor * w[i];
  line->bias = factor * channel.bias;
  line->multiplier_low = channel.multiplier & 65535;
  line->multiplier_high = channel.multiplier >> 16;
  line->rounding = doubled ? (int32_t)((uint32_t)(2 * p->output.zero_point + 1) << (shift - 1)) : 0;
  line->shift = shift;
  if (line->stepped) {
    const em_step_function step = em_step_of(entries);
    em_line_set_step(line, &step, channel.bias);
  }
  line->pitch = p->in_channels * p->multiplier;
  line->odd = p->out_width % 2;
}

EM_INLINE void em_line_store(int8_t *to, int32_t element)
{
  EM_COPY((int8_t *)EM_ALIGNED(to, 4), &element, sizeof element);
}

EM_INLINE int32_t em_line_load(const int8_t *from)
{
  int32_t element;
  EM_COPY(&element, (const int8_t *)EM_ALIGNED(from, 4), sizeof element);
  return element;
}

/* A row of outputs in C, for other machines and for any multiplier. */
EM_PART void em_line_plain(const em_depthwise_conv_2d_params *p, const em_line *line,
                           const int8_t *a, const int8_t *b, const int8_t *c, const int rounding)
{
  const uint32_t high = (uint32_t)line->multiplier_high, low = (uint32_t)line->multiplier_low;
  const em_step_function step = {line->shift, high, low, (uint32_t)line->rounding};
  const int32_t multiplier = (int32_t)(high * 65536 + low);
  const int usual = rounding == EM_ROUND_ANY ? EM_ROUND_ANY : EM_ROUND_FAST;
  const int32_t *const w = line->weights;
  int8_t *to = line->out;
  for (int x = 0; x < 4 * p->out_width * p->stride_width; x += 4 * p->stride_width) {
    int32_t sum = line->bias;
    for (int i = 0; i < 3; ++i) {
      const int at = x + 4 * i;
      sum += w[i] * em_line_load(a + at) + w[3 + i] * em_line_load(b + at) +
          w[6 + i] * em_line_load(c + at);
    }
    *to = line->stepped ? em_step_finish(sum, &step)
                        : em_finish(sum, multiplier, line->shift, &p->output, usual);
    to += line->pitch;
  }
}

#if EM_LINE_ASM
/* Compilers keep hardly any of this in registers and take twice as many instructions. r8 and r9 are
 * the sums, r10, r12 and lr go along the three rows, r11 is the em_line.
 */
#define EM_LINE_ENTER    \
  ".syntax unified\n\t"  \
  EM_PUSH_REGISTERS      \
  "mov r11, r0\n\t"      \
  "mov r10, r1\n\t"      \
  "mov r12, r2\n\t"      \
  "mov lr, r3\n\t"

/* The output of the doubled sum in r0, in r1; r7 is at the bias. As em_multiply_high of
 * em_common.h. */
#define EM_LINE_REQUANTISE \
  "asrs r1, r0, #31\n\t"   \
  "ldr r2, [r7, #12]\n\t"  \
  "adds r1, r1, r2\n\t"    \
  "uxth r2, r0\n\t"        \
  "asrs r0, r0, #16\n\t"   \
  "ldr r3, [r7, #4]\n\t"   \
  "mov r4, r3\n\t"         \
  "muls r4, r2, r4\n\t"    \
  "lsrs r4, r4, #16\n\t"   \
  "muls r3, r0, r3\n\t"    \
  "adds r4, r4, r3\n\t"    \
  "ldr r5, [r7, #8]\n\t"   \
  "muls r0, r5, r0\n\t"    \
  "adds r1, r1, r0\n\t"    \
  "asrs r0, r4, #16\n\t"   \
  "adds r1, r1, r0\n\t"    \
  "uxth r4, r4\n\t"        \
  "muls r2, r5, r2\n\t"    \
  "adds r2, r2, r4\n\t"    \
  "lsrs r2, r2, #16\n\t"   \
  "adcs r1, r2\n\t"        \
  "ldr r6, [r7, #16]\n\t"  \
  "asrs r1, r6\n\t"        \
  "sxtb r2, r1\n\t"        \
  "cmp r2, r1\n\t"         \
  "beq 9f\n\t"             \
  "asrs r1, r1, #31\n\t"   \
  "movs r2, #127\n\t"      \
  "eors r1, r2\n\t"        \
  "9:\n\t"

/* The same by a step function, the sum not doubled. As em_step_finish of em_step.h. */
#define EM_LINE_STEP      \
  "asrs r1, r0, #31\n\t"  \
  "bics r0, r1\n\t"       \
  "ldr r1, [r7, #16]\n\t" \
  "cmp r0, r1\n\t"        \
  "ble 9f\n\t"            \
  "mov r0, r1\n\t"        \
  "9:\n\t"                \
  "ldr r1, [r7, #4]\n\t"  \
  "muls r1, r0, r1\n\t"   \
  "lsrs r1, r1, #12\n\t"  \
  "ldr r2, [r7, #8]\n\t"  \
  "muls r0, r2, r0\n\t"   \
  "adds r1, r1, r0\n\t"   \
  "ldr r2, [r7, #12]\n\t" \
  "adds r1, r1, r2\n\t"   \
  "asrs r1, r1, #24\n\t"

/* Up to the loop over pairs: both sums start with the bias. */
#define EM_LINE_PAIRS     \
  EM_LINE_ENTER           \
  "ldr r0, [r0, #64]\n\t" \
  "cmp r0, #0\n\t"        \
  "bne 1f\n\t"            \
  "b 2f\n\t"              \
  "1:\n\t"                \
  "mov r7, r11\n\t"       \
  "ldr r0, [r7, #36]\n\t" \
  "mov r8, r0\n\t"        \
  "mov r9, r0\n\t"

/* A row's three products for one output; the weights are at r7. */
#define EM_LINE_ONE(row)   \
  "mov r0, " row "\n\t"    \
  "ldmia r0, {r0-r2}\n\t"  \
  "ldmia r7!, {r4-r6}\n\t" \
  "muls r0, r4, r0\n\t"    \
  "add r8, r0\n\t"         \
  "muls r1, r5, r1\n\t"    \
  "add r8, r1\n\t"         \
  "muls r2, r6, r2\n\t"    \
  "add r8, r2\n\t"

/* The outputs of both sums; r7 is at the bias. Then on to the next pair, so many bytes further on,
 * and behind the last one a single output, if the row has an odd number.
 */
#define EM_LINE_FINISH(bytes, requantise) \
  "mov r0, r8\n\t"            \
  requantise \
  "ldr r0, [r7, #24]\n\t"     \
  "strb r1, [r0]\n\t"         \
  "mov r0, r9\n\t"            \
  requantise \
  "ldr r0, [r7, #24]\n\t"     \
  "ldr r2, [r7, #20]\n\t"     \
  "strb r1, [r0, r2]\n\t"     \
  "adds r0, r0, r2\n\t"       \
  "adds r0, r0, r2\n\t"       \
  "str r0, [r7, #24]\n\t"     \
  "movs r0, #" bytes "\n\t"   \
  "add r10, r0\n\t"           \
  "add r12, r0\n\t"           \
  "add lr, r0\n\t"            \
  "ldr r0, [r7, #28]\n\t"     \
  "subs r0, #1\n\t"           \
  "str r0, [r7, #28]\n\t"     \
  "beq 2f\n\t"                \
  "b 1b\n\t"                  \
  "2:\n\t"                    \
  "mov r7, r11\n\t"           \
  "adds r7, #36\n\t"          \
  "ldr r0, [r7, #32]\n\t"     \
  "cmp r0, #0\n\t"            \
  "beq 3f\n\t"                \
  "mov r7, r11\n\t"           \
  "ldr r0, [r7, #36]\n\t"     \
  "mov r8, r0\n\t"            \
  EM_LINE_ONE("r10")          \
  EM_LINE_ONE("r12")          \
  EM_LINE_ONE("lr")           \
  "mov r0, r8\n\t"            \
  requantise \
  "ldr r0, [r7, #24]\n\t"     \
  "strb r1, [r0]\n\t"         \
  "3:\n\t"                    \
  EM_POP_REGISTERS_AND_RETURN

/* Stride 1: four elements of a row for two outputs. */
#define EM_LINE_FOUR(row)  \
  "mov r0, " row "\n\t"    \
  "ldmia r0, {r0-r3}\n\t"  \
  "ldmia r7!, {r4-r6}\n\t" \
  "muls r0, r4, r0\n\t"    \
  "add r8, r0\n\t"         \
  "mov r0, r1\n\t"         \
  "muls r0, r5, r0\n\t"    \
  "add r8, r0\n\t"         \
  "muls r1, r4, r1\n\t"    \
  "add r9, r1\n\t"         \
  "mov r1, r2\n\t"         \
  "muls r1, r6, r1\n\t"    \
  "add r8, r1\n\t"         \
  "muls r2, r5, r2\n\t"    \
  "add r9, r2\n\t"         \
  "muls r3, r6, r3\n\t"    \
  "add r9, r3\n\t"
#define EM_LINE_STRIDE_1(requantise) \
  EM_LINE_PAIRS                      \
  EM_LINE_FOUR("r10")                \
  EM_LINE_FOUR("r12")                \
  EM_LINE_FOUR("lr")                 \
  EM_LINE_FINISH("8", requantise)

/* Stride 2: five elements; `weights` moves r5 on to the row's. */
#define EM_LINE_FIVE(row, weights) \
  "mov r5, r11\n\t"                \
  weights                          \
  "ldmia r5, {r5-r7}\n\t"          \
  "mov r0, " row "\n\t"            \
  "ldmia r0, {r0-r4}\n\t"          \
  "muls r0, r5, r0\n\t"            \
  "add r8, r0\n\t"                 \
  "muls r1, r6, r1\n\t"            \
  "add r8, r1\n\t"                 \
  "mov r0, r2\n\t"                 \
  "muls r0, r7, r0\n\t"            \
  "add r8, r0\n\t"                 \
  "muls r2, r5, r2\n\t"            \
  "add r9, r2\n\t"                 \
  "muls r3, r6, r3\n\t"            \
  "add r9, r3\n\t"                 \
  "muls r4, r7, r4\n\t"            \
  "add r9, r4\n\t"
#define EM_LINE_STRIDE_2(requantise)      \
  EM_LINE_PAIRS                           \
  EM_LINE_FIVE("r10", "")                 \
  EM_LINE_FIVE("r12", "adds r5, #12\n\t") \
  EM_LINE_FIVE("lr", "adds r5, #24\n\t")  \
  "mov r7, r11\n\t"                       \
  "adds r7, #36\n\t"                      \
  EM_LINE_FINISH("16", requantise)

#define EM_LINE_FUNCTION(name, body)                                                               \
  EM_NAKED void name(em_line *line EM_UNUSED, const int8_t *a EM_UNUSED,                           \
                     const int8_t *b EM_UNUSED, const int8_t *c EM_UNUSED)                         \
  {                                                                                                \
    __asm__ volatile(body ::: "memory");                                                           \
  }
EM_LINE_FUNCTION(em_line_stride_1, EM_LINE_STRIDE_1(EM_LINE_REQUANTISE))
EM_LINE_FUNCTION(em_line_stride_2, EM_LINE_STRIDE_2(EM_LINE_REQUANTISE))
EM_LINE_FUNCTION(em_line_step_stride_1, EM_LINE_STRIDE_1(EM_LINE_STEP))
EM_LINE_FUNCTION(em_line_step_stride_2, EM_LINE_STRIDE_2(EM_LINE_STEP))
#endif

/* A row of outputs from the rows a, b, c of the plane. */
EM_INLINE void em_line_step(const em_depthwise_conv_2d_params *p, em_line *line, int8_t *out,
                            const int8_t *a, const int8_t *b, const int8_t *c, const int rounding)
{
  line->out = out;
#if EM_LINE_ASM
  if (rounding != EM_ROUND_ANY) {
    line->pairs = p->out_width / 2;
    if (rounding == EM_ROUND_STEP && line->stepped) {
      (p->stride_width == 1 ? em_line_step_stride_1 : em_line_step_stride_2)(line, a, b, c);
      return;
    }
    (p->stride_width == 1 ? em_line_stride_1 : em_line_stride_2)(line, a, b, c);
    em_depthwise_limit(p, out);
    return;
  }
#endif
  em_line_plain(p, line, a, b, c, rounding);
}

/* A row of a channel's plane; the columns of the border are there already. */
EM_INLINE void em_line_gather(const em_depthwise_conv_2d_params *p, const int8_t *in, int row,
                              int8_t *to)
{
  const int columns = em_depthwise_columns(p), y = row - p->pad_top;
  to += 4 * p->pad_left;
  if (y < 0 || y >= p->in_height) {
    for (int x = 0; x < columns; ++x) em_line_store(to + 4 * x, p->in_zero_point);
    return;
  }
  const int8_t *from = in + y * p->in_width * p->in_channels;
  EM_UNROLL(4)
  for (int x = 0; x < columns; ++x) {
    em_line_store(to + 4 * x, *from);
    from += p->in_channels;
  }
}

/* All outputs of one channel, the first of which is at `out`. */
EM_INLINE void em_line_channel(const em_depthwise_conv_2d_params *p, em_line *line, int8_t *held,
                               const int8_t *in, int8_t *out, const int rounding)
{
  int8_t *a = held, *b = held + 4 * p->plane_width, *c = held + 8 * p->plane_width;
  em_line_gather(p, in, 0, a);
  if (p->stride_height == 1) em_line_gather(p, in, 1, b);
  for (int y = 0; y < p->out_height; ++y) {
    int8_t *const first = a;
    if (p->stride_height == 2) em_line_gather(p, in, 2 * y + 1, b);
    em_line_gather(p, in, y * p->stride_height + 2, c);
    em_line_step(p, line, out, a, b, c, rounding);
    out += p->out_width * line->pitch;
    a = p->stride_height == 1 ? b : c;
    b = p->stride_height == 1 ? c : b;
    c = first;
  }
}

EM_PART void em_line_layer(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                           const em_channel *channels, const int8_t *shifts, int8_t *held,
                           const int8_t *in, int8_t *out, const int rounding)
{
  const int out_channels = p->in_channels * p->multiplier;
  for (int i = 0; i < 3 * p->plane_width; ++i) em_line_store(held + 4 * i, p->in_zero_point);
  const int entries = rounding == EM_ROUND_STEP ? 2 : 1; /* of a channel, which has a shift only
                                                          * where it is one */
  for (int channel = 0; channel < out_channels; ++channel) {
    em_line line;
    em_line_set(&line, p, weights + 9 * channel, channels + entries * channel,
                shifts + (entries == 1 ? channel : 0), rounding);
    em_line_channel(p, &line, held, in + channel / p->multiplier, out + channel, rounding);
  }
}

#endif
