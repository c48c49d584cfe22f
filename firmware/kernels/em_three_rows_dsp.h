/* Steps of em_three_rows.h on Cortex-M4, M7, M33 and M55. A column is a word, the first row's
 * element in its lower half, which saves to widen elements again for each output.
 *
 * With weights[2j] = (w[0][j], w[1][j]) and weights[2j + 1] = (w[1][j], w[2][j]), lower half first,
 * a column of a window adds to the first row's output the product of pairs upper * weights[2j] and
 * that of lower's lower half with w[2][j]; to the second row's the product of upper's upper half
 * with w[0][j] and that of pairs lower * weights[2j + 1].
 */
#ifndef EM_THREE_ROWS_DSP_H
#define EM_THREE_ROWS_DSP_H

#include "em_depthwise_rows.h"
#include "em_dsp.h"

#define EM_COLUMN_BYTES 4

EM_INLINE void em_store_column(int8_t *to, int32_t first, int32_t second)
{
  em_store_4(to, em_pair(first, second));
}

EM_INLINE void em_store_element(int8_t *to, int16_t element)
{
  EM_COPY((int8_t *)EM_ALIGNED(to, 2), &element, sizeof element);
}

/* Offsets matter: the instructions below know them. `pitch` is the bytes from an output to the next
 * one's place in the row, `below` those to the next row, 0 where there is none.
 */
typedef struct {
  uint32_t weights[6];
  int32_t bias;
  int32_t multiplier;
  int32_t rounding;
  int32_t shift;
  int32_t pitch;
  int32_t below;
  int8_t *out;
} em_three_rows;

#if EM_DSP
#define EM_THREE_ROWS_ASM 1
#else
#define EM_THREE_ROWS_ASM 0
#endif

/* 9 weights, row by row. For the usual rounding weights and bias are doubled, as em_requantise
 * wants its sums. */
EM_INLINE em_three_rows em_three_rows_of(const em_depthwise_conv_2d_params *p, const int8_t *w,
                                         em_channel channel, int shift, const int rounding)
{
  em_three_rows k;
  const int doubled = EM_THREE_ROWS_ASM && rounding == EM_ROUND_FAST;
  const int32_t factor = doubled ? 2 : 1;
  EM_UNROLL(3)
  for (int j = 0; j < 3; ++j) {
    k.weights[2 * j] = em_pair(factor * w[j], factor * w[3 + j]);
    k.weights[2 * j + 1] = em_pair(factor * w[3 + j], factor * w[6 + j]);
  }
  k.bias = factor * channel.bias;
  k.multiplier = channel.multiplier;
  k.rounding = doubled ? (int32_t)((uint32_t)(2 * p->output.zero_point + 1) << (shift - 1)) : 0;
  k.shift = shift;
  k.pitch = p->in_channels * p->multiplier;
  k.below = 0;
  k.out = 0;
  return k;
}

/* The same in C, for other machines and for any multiplier. */
EM_PART void em_three_rows_plain(const em_depthwise_conv_2d_params *p, const em_three_rows *k,
                                 const int8_t *upper, const int8_t *lower, const int rounding)
{
  int8_t *to = k->out;
  for (int x = 0; x < p->out_width; ++x) {
    uint32_t a = (uint32_t)k->bias, b = a;
    for (int j = 0; j < 3; ++j) {
      const uint32_t u = em_load_4(upper + 4 * j), l = em_load_4(lower + 4 * j);
      a = em_multiply_pairs(a, u, k->weights[2 * j]);
      a = em_multiply_lower(a, l, k->weights[2 * j + 1] >> 16);
      b = em_multiply_upper(b, u, k->weights[2 * j]);
      b = em_multiply_pairs(b, l, k->weights[2 * j + 1]);
    }
    if (k->below != 0)
      to[k->below] = em_finish((int32_t)b, k->multiplier, k->shift, &p->output, rounding);
    to[0] = em_finish((int32_t)a, k->multiplier, k->shift, &p->output, rounding);
    upper += 4 * p->stride_width;
    lower += 4 * p->stride_width;
    to += k->pitch;
  }
}

#if EM_THREE_ROWS_ASM
/* Every register is taken, which compilers don't manage (29 instructions an output instead of 13):
 * the weights are loaded again for each block, since the requantisation needs their registers. On
 * the stack, from sp on: weights, bias; from 28 on: multiplier (then in r3), rounding (r4), shift
 * (r5), pitch (r6), below (r7), out (r8), where the last whole block of `upper` ends (r9),
 * out_width. r1 and r2 go along upper and lower.
 */
#define EM_THREE_ROWS_ENTER(block, columns)                      \
  "push {r4-r11, lr}\n\t"                                        \
  "mov r12, r3\n\t"                                              \
  "bic r11, r3, #" #block " - 1\n\t"                             \
  "add r11, r1, r11, lsl #" #columns "\n\t"                      \
  "add r3, r0, #28\n\t"                                          \
  "ldm r3, {r4-r9}\n\t"                                          \
  "push {r4-r9, r11, r12}\n\t"                                   \
  "ldm r0, {r4-r10}\n\t"                                         \
  "push {r4-r10}\n\t"                                            \
  "cmp r1, r11\n\t"
#define EM_THREE_ROWS_REQUANTISE \
  "add r4, sp, #28\n\t"          \
  "ldm r4, {r3-r9}\n\t"
#define EM_THREE_ROWS_LEAVE \
  "add sp, #60\n\t"         \
  "pop {r4-r11, pc}\n\t"

/* An output: the sum is doubled. Below zero it is rounded down where it stands between two; there
 * is no need where what is below zero becomes the minimum anyway.
 */
#define EM_FINISH_SIGNED(sum)            \
  "add r0, r4, " sum ", asr #31\n\t"     \
  "smmlar " sum ", " sum ", r3, r0\n\t"  \
  "asr " sum ", " sum ", r5\n\t"         \
  "ssat " sum ", #8, " sum "\n\t"
#define EM_FINISH_POSITIVE(sum)          \
  "smmlar " sum ", " sum ", r3, r4\n\t"  \
  "asr " sum ", " sum ", r5\n\t"         \
  "ssat " sum ", #8, " sum "\n\t"

/* 2 x 2 outputs a block: r11 and lr in the first row, r12 and r10 below. */
#define EM_TWO_ROWS_STRIDE_1(finish)         \
  EM_THREE_ROWS_ENTER(2, 2)                  \
  "beq 2f\n"                                 \
  "1:\n\t"                                   \
  "ldm sp, {r4-r10}\n\t"                     \
  "ldrd r0, r3, [r1]\n\t"                    \
  "smlad r11, r0, r4, r10\n\t"               \
  "smlatb r12, r0, r4, r10\n\t"              \
  "smlad lr, r3, r4, r10\n\t"                \
  "smlatb r10, r3, r4, r10\n\t"              \
  "smlad r11, r3, r6, r11\n\t"               \
  "smlatb r12, r3, r6, r12\n\t"              \
  "ldrd r0, r3, [r2]\n\t"                    \
  "smlabt r11, r0, r5, r11\n\t"              \
  "smlad r12, r0, r5, r12\n\t"               \
  "smlabt lr, r3, r5, lr\n\t"                \
  "smlad r10, r3, r5, r10\n\t"               \
  "smlabt r11, r3, r7, r11\n\t"              \
  "smlad r12, r3, r7, r12\n\t"               \
  "ldrd r0, r3, [r1, #8]!\n\t"               \
  "smlad r11, r0, r8, r11\n\t"               \
  "smlatb r12, r0, r8, r12\n\t"              \
  "smlad lr, r0, r6, lr\n\t"                 \
  "smlatb r10, r0, r6, r10\n\t"              \
  "smlad lr, r3, r8, lr\n\t"                 \
  "smlatb r10, r3, r8, r10\n\t"              \
  "ldrd r0, r3, [r2, #8]!\n\t"               \
  "smlabt r11, r0, r9, r11\n\t"              \
  "smlad r12, r0, r9, r12\n\t"               \
  "smlabt lr, r0, r7, lr\n\t"                \
  "smlad r10, r0, r7, r10\n\t"               \
  "smlabt lr, r3, r9, lr\n\t"                \
  "smlad r10, r3, r9, r10\n\t"               \
  EM_THREE_ROWS_REQUANTISE                   \
  finish("r12")                              \
  "strb r12, [r8, r7]\n\t"                   \
  finish("r11")                              \
  "strb r11, [r8]\n\t"                       \
  "add r8, r6\n\t"                           \
  finish("r10")                              \
  "strb r10, [r8, r7]\n\t"                   \
  finish("lr")                               \
  "strb lr, [r8]\n\t"                        \
  "add r8, r6\n\t"                           \
  "str r8, [sp, #48]\n\t"                    \
  "cmp r1, r9\n\t"                           \
  "bne 1b\n"                                 \
  "2:\n\t"                                   \
  "ldr r0, [sp, #56]\n\t"                    \
  "lsls r0, r0, #31\n\t"                     \
  "beq 3f\n\t"                               \
  "ldm sp, {r4-r10}\n\t"                     \
  "ldrd r0, r3, [r1]\n\t"                    \
  "smlad r11, r0, r4, r10\n\t"               \
  "smlatb r12, r0, r4, r10\n\t"              \
  "smlad r11, r3, r6, r11\n\t"               \
  "smlatb r12, r3, r6, r12\n\t"              \
  "ldr r0, [r1, #8]\n\t"                     \
  "smlad r11, r0, r8, r11\n\t"               \
  "smlatb r12, r0, r8, r12\n\t"              \
  "ldrd r0, r3, [r2]\n\t"                    \
  "smlabt r11, r0, r5, r11\n\t"              \
  "smlad r12, r0, r5, r12\n\t"               \
  "smlabt r11, r3, r7, r11\n\t"              \
  "smlad r12, r3, r7, r12\n\t"               \
  "ldr r0, [r2, #8]\n\t"                     \
  "smlabt r11, r0, r9, r11\n\t"              \
  "smlad r12, r0, r9, r12\n\t"               \
  EM_THREE_ROWS_REQUANTISE                   \
  finish("r12")                              \
  "strb r12, [r8, r7]\n\t"                   \
  finish("r11")                              \
  "strb r11, [r8]\n"                         \
  "3:\n\t"                                   \
  EM_THREE_ROWS_LEAVE

/* Four outputs a block: r11, r12, lr, r10. */
#define EM_ONE_ROW_STRIDE_2(finish)          \
  EM_THREE_ROWS_ENTER(4, 3)                  \
  "beq 2f\n"                                 \
  "1:\n\t"                                   \
  "ldm sp, {r4-r10}\n\t"                     \
  "ldrd r0, r3, [r1], #8\n\t"                \
  "smlad r11, r0, r4, r10\n\t"               \
  "smlad r11, r3, r6, r11\n\t"               \
  "ldrd r0, r3, [r1], #8\n\t"                \
  "smlad r11, r0, r8, r11\n\t"               \
  "smlad r12, r0, r4, r10\n\t"               \
  "smlad r12, r3, r6, r12\n\t"               \
  "ldrd r0, r3, [r1], #8\n\t"                \
  "smlad r12, r0, r8, r12\n\t"               \
  "smlad lr, r0, r4, r10\n\t"                \
  "smlad lr, r3, r6, lr\n\t"                 \
  "ldrd r0, r3, [r1], #8\n\t"                \
  "smlad lr, r0, r8, lr\n\t"                 \
  "smlad r10, r0, r4, r10\n\t"               \
  "smlad r10, r3, r6, r10\n\t"               \
  "ldr r0, [r1]\n\t"                         \
  "smlad r10, r0, r8, r10\n\t"               \
  "ldrd r0, r3, [r2], #8\n\t"                \
  "smlabt r11, r0, r5, r11\n\t"              \
  "smlabt r11, r3, r7, r11\n\t"              \
  "ldrd r0, r3, [r2], #8\n\t"                \
  "smlabt r11, r0, r9, r11\n\t"              \
  "smlabt r12, r0, r5, r12\n\t"              \
  "smlabt r12, r3, r7, r12\n\t"              \
  "ldrd r0, r3, [r2], #8\n\t"                \
  "smlabt r12, r0, r9, r12\n\t"              \
  "smlabt lr, r0, r5, lr\n\t"                \
  "smlabt lr, r3, r7, lr\n\t"                \
  "ldrd r0, r3, [r2], #8\n\t"                \
  "smlabt lr, r0, r9, lr\n\t"                \
  "smlabt r10, r0, r5, r10\n\t"              \
  "smlabt r10, r3, r7, r10\n\t"              \
  "ldr r0, [r2]\n\t"                         \
  "smlabt r10, r0, r9, r10\n\t"              \
  EM_THREE_ROWS_REQUANTISE                   \
  finish("r11")                              \
  "strb r11, [r8]\n\t"                       \
  finish("r12")                              \
  "strb r12, [r8, r6]\n\t"                   \
  "add r8, r8, r6, lsl #1\n\t"               \
  finish("lr")                               \
  "strb lr, [r8]\n\t"                        \
  finish("r10")                              \
  "strb r10, [r8, r6]\n\t"                   \
  "add r8, r8, r6, lsl #1\n\t"               \
  "str r8, [sp, #48]\n\t"                    \
  "cmp r1, r9\n\t"                           \
  "bne 1b\n"                                 \
  "2:\n\t"                                   \
  "ldr r12, [sp, #56]\n\t"                   \
  "ands r12, r12, #3\n\t"                    \
  "beq 4f\n"                                 \
  "3:\n\t"                                   \
  "ldm sp, {r4-r10}\n\t"                     \
  "ldrd r0, r3, [r1], #8\n\t"                \
  "smlad r11, r0, r4, r10\n\t"               \
  "smlad r11, r3, r6, r11\n\t"               \
  "ldr r0, [r1]\n\t"                         \
  "smlad r11, r0, r8, r11\n\t"               \
  "ldrd r0, r3, [r2], #8\n\t"                \
  "smlabt r11, r0, r5, r11\n\t"              \
  "smlabt r11, r3, r7, r11\n\t"              \
  "ldr r0, [r2]\n\t"                         \
  "smlabt r11, r0, r9, r11\n\t"              \
  EM_THREE_ROWS_REQUANTISE                   \
  finish("r11")                              \
  "strb r11, [r8]\n\t"                       \
  "add r8, r6\n\t"                           \
  "str r8, [sp, #48]\n\t"                    \
  "subs r12, #1\n\t"                         \
  "bne 3b\n"                                 \
  "4:\n\t"                                   \
  EM_THREE_ROWS_LEAVE

#define EM_THREE_ROWS_FUNCTION(name, body)                                                         \
  EM_NAKED void name(const em_three_rows *k EM_UNUSED, const int8_t *upper EM_UNUSED,              \
                     const int8_t *lower EM_UNUSED, int out_width EM_UNUSED)                       \
  {                                                                                                \
    __asm__ volatile(body ::: "memory");                                                           \
  }
EM_THREE_ROWS_FUNCTION(em_stride_1_signed, EM_TWO_ROWS_STRIDE_1(EM_FINISH_SIGNED))
EM_THREE_ROWS_FUNCTION(em_stride_1_positive, EM_TWO_ROWS_STRIDE_1(EM_FINISH_POSITIVE))
EM_THREE_ROWS_FUNCTION(em_stride_2_signed, EM_ONE_ROW_STRIDE_2(EM_FINISH_SIGNED))
EM_THREE_ROWS_FUNCTION(em_stride_2_positive, EM_ONE_ROW_STRIDE_2(EM_FINISH_POSITIVE))
#endif

/* One step. */
EM_INLINE void em_three_rows_step(const em_depthwise_conv_2d_params *p, const em_three_rows *k,
                                  const int8_t *upper, const int8_t *lower, const int rounding)
{
#if EM_THREE_ROWS_ASM
  if (rounding == EM_ROUND_FAST) {
    const int positive = !EM_SIZE && p->output.minimum >= p->output.zero_point;
    if (p->stride_width == 1) {
      (positive ? em_stride_1_positive : em_stride_1_signed)(k, upper, lower, p->out_width);
    } else {
      (positive ? em_stride_2_positive : em_stride_2_signed)(k, upper, lower, p->out_width);
    }
    return;
  }
#endif
  em_three_rows_plain(p, k, upper, lower, rounding);
}

#include "em_three_rows.h"

#endif
