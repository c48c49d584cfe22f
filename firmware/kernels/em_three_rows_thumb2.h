/* Steps of em_three_rows.h on Cortex-M3. A column is two words, so that a column of a window is two
 * instructions to load.
 */
#ifndef EM_THREE_ROWS_THUMB2_H
#define EM_THREE_ROWS_THUMB2_H

#include "em_depthwise_rows.h"

#define EM_COLUMN_BYTES 8

EM_INLINE void em_store_element(int8_t *to, int32_t element)
{
  EM_COPY((int8_t *)EM_ALIGNED(to, 4), &element, sizeof element);
}

EM_INLINE void em_store_column(int8_t *to, int32_t first, int32_t second)
{
  em_store_element(to, first);
  em_store_element(to + 4, second);
}

/* Weights of three columns of the kernel, each from the top, for stride 2 the last column before
 * the middle one. Offsets matter: the instructions below know them. `pitch` is the bytes from an
 * output to the next one's place in the row, `below` those to the next row, 0 where there is none.
 */
typedef struct {
  int32_t first_weights[3];
  int32_t bias;
  int32_t other_weights[6];
  int32_t multiplier;
  int32_t rounding;
  int32_t shift;
  int32_t pitch;
  int32_t below;
  int8_t *out;
} em_three_rows;

#if defined(__GNUC__) && defined(__thumb2__)
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
  const int second = p->stride_width == 2 ? 2 : 1;
  EM_UNROLL(3)
  for (int ky = 0; ky < 3; ++ky) {
    k.first_weights[ky] = factor * w[3 * ky];
    k.other_weights[ky] = factor * w[3 * ky + second];
    k.other_weights[3 + ky] = factor * w[3 * ky + 3 - second];
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

EM_INLINE int32_t em_load_element(const int8_t *from)
{
  int32_t element;
  EM_COPY(&element, from, sizeof element);
  return element;
}

/* The sum of a column of three rows, from the first or the second of the four on. */
EM_INLINE int32_t em_three_products(const int8_t *upper, const int8_t *lower, const int32_t *w,
                                    const int second)
{
  const int32_t middle = em_load_element(second ? lower : upper + 4);
  const int32_t last = em_load_element(second ? lower + 4 : lower);
  return w[0] * em_load_element(second ? upper + 4 : upper) + w[1] * middle + w[2] * last;
}

/* A step in C, for other machines and for any multiplier. */
EM_PART void em_three_rows_plain(const em_depthwise_conv_2d_params *p, const em_three_rows *k,
                                 const int8_t *upper, const int8_t *lower, const int rounding)
{
  const int second = p->stride_width == 2 ? 16 : 8, third = 24 - second;
  int8_t *to = k->out;
  for (int x = 0; x < p->out_width; ++x) {
    int32_t sums[2];
    for (int i = 0; i < 2; ++i) {
      sums[i] = k->bias + em_three_products(upper, lower, k->first_weights, i) +
                em_three_products(upper + second, lower + second, k->other_weights, i) +
                em_three_products(upper + third, lower + third, k->other_weights + 3, i);
    }
    if (k->below != 0)
      to[k->below] = em_finish(sums[1], k->multiplier, k->shift, &p->output, rounding);
    to[0] = em_finish(sums[0], k->multiplier, k->shift, &p->output, rounding);
    upper += 8 * p->stride_width;
    lower += 8 * p->stride_width;
    to += k->pitch;
  }
}

#if EM_THREE_ROWS_ASM
/* As in em_three_rows_dsp.h every register is taken, so the weights are loaded again for each
 * block. On the stack, from sp on: em_three_rows, 64 bytes; where the last whole block of `upper`
 * ends; out_width. r1 and r2 go along upper and lower. Requantisation has the multiplier in r3,
 * rounding r4, shift r5, pitch r6, below r7, out r12.
 */
#define EM_THREE_ROWS_ENTER(log_2_of_pair)        \
  "push {r4-r11, lr}\n\t"                         \
  "bic r12, r3, #1\n\t"                           \
  "add r12, r1, r12, lsl #" #log_2_of_pair "\n\t" \
  "push {r3}\n\t"                                 \
  "push {r12}\n\t"                                \
  "add r3, r0, #32\n\t"                           \
  "ldm r3, {r4-r11}\n\t"                          \
  "push {r4-r11}\n\t"                             \
  "ldm r0, {r4-r11}\n\t"                          \
  "push {r4-r11}\n\t"                             \
  "cmp r1, r12\n\t"
#define EM_THREE_ROWS_LEAVE \
  "add sp, #72\n\t"         \
  "pop {r4-r11, pc}\n\t"

/* The output of a doubled sum, in lr. */
#define EM_FINISH(sum)               \
  "mov r0, #0x80000000\n\t"          \
  "add lr, r4, " sum ", asr #31\n\t" \
  "smlal r0, lr, " sum ", r3\n\t"    \
  "asr lr, lr, r5\n\t"               \
  "ssat lr, #8, lr\n\t"

/* A column of a window, r1 and r2 having been moved on by `at`: of four rows, or of three. */
#define EM_TWO_COLUMNS_AT(at) "ldrd r3, r7, [r1" at "\n\tldrd r12, lr, [r2" at "\n\t"
#define EM_ONE_COLUMN_AT(at) "ldrd r3, r7, [r1" at "\n\tldr r12, [r2" at "\n\t"

/* What the column adds to an output, and to that below, with three weights in r4 to r6: to `start`
 * it is `sum`. */
#define EM_IN_ONE_ROW(sum, start)      \
  "mla " sum ", r3, r4, " start "\n\t" \
  "mla " sum ", r7, r5, " sum "\n\t"   \
  "mla " sum ", r12, r6, " sum "\n\t"
#define EM_IN_TWO_ROWS(sum, start, below, start_below) \
  "mla " sum ", r3, r4, " start "\n\t"                 \
  "mla " below ", r7, r4, " start_below "\n\t"         \
  "mla " sum ", r7, r5, " sum "\n\t"                   \
  "mla " below ", r12, r5, " below "\n\t"              \
  "mla " sum ", r12, r6, " sum "\n\t"                  \
  "mla " below ", lr, r6, " below "\n\t"

/* 2 x 2 outputs a block: r9 and r11 in the first row, r10 and r8 below. */
#define EM_TWO_ROWS_STRIDE_1               \
  EM_THREE_ROWS_ENTER(3)                   \
  "beq 2f\n\t"                             \
  "1:\n\t"                                 \
  "mov r0, sp\n\t"                         \
  "ldm r0!, {r4-r6, r8}\n\t"               \
  EM_TWO_COLUMNS_AT("]")                   \
  EM_IN_TWO_ROWS("r9", "r8", "r10", "r8")  \
  EM_TWO_COLUMNS_AT(", #8]")               \
  EM_IN_TWO_ROWS("r11", "r8", "r8", "r8")  \
  "ldm r0!, {r4-r6}\n\t"                   \
  EM_IN_TWO_ROWS("r9", "r9", "r10", "r10") \
  EM_TWO_COLUMNS_AT(", #16]!")             \
  EM_IN_TWO_ROWS("r11", "r11", "r8", "r8") \
  "ldm r0!, {r4-r6}\n\t"                   \
  EM_IN_TWO_ROWS("r9", "r9", "r10", "r10") \
  EM_TWO_COLUMNS_AT(", #8]")               \
  EM_IN_TWO_ROWS("r11", "r11", "r8", "r8") \
  "ldm r0, {r3-r7, r12}\n\t"               \
  EM_FINISH("r10")                         \
  "strb lr, [r12, r7]\n\t"                 \
  EM_FINISH("r9")                          \
  "strb lr, [r12]\n\t"                     \
  "add r12, r6\n\t"                        \
  EM_FINISH("r8")                          \
  "strb lr, [r12, r7]\n\t"                 \
  EM_FINISH("r11")                         \
  "strb lr, [r12]\n\t"                     \
  "add r12, r6\n\t"                        \
  "str r12, [sp, #60]\n\t"                 \
  "ldr lr, [sp, #64]\n\t"                  \
  "cmp r1, lr\n\t"                         \
  "bne 1b\n\t"                             \
  "2:\n\t"                                 \
  "ldr r0, [sp, #68]\n\t"                  \
  "lsls r0, r0, #31\n\t"                   \
  "beq 3f\n\t"                             \
  "mov r0, sp\n\t"                         \
  "ldm r0!, {r4-r6, r8}\n\t"               \
  EM_TWO_COLUMNS_AT("]")                   \
  EM_IN_TWO_ROWS("r9", "r8", "r10", "r8")  \
  "ldm r0!, {r4-r6}\n\t"                   \
  EM_TWO_COLUMNS_AT(", #8]")               \
  EM_IN_TWO_ROWS("r9", "r9", "r10", "r10") \
  "ldm r0!, {r4-r6}\n\t"                   \
  EM_TWO_COLUMNS_AT(", #16]")              \
  EM_IN_TWO_ROWS("r9", "r9", "r10", "r10") \
  "ldm r0, {r3-r7, r12}\n\t"               \
  EM_FINISH("r10")                         \
  "strb lr, [r12, r7]\n\t"                 \
  EM_FINISH("r9")                          \
  "strb lr, [r12]\n\t"                     \
  "3:\n\t"                                 \
  EM_THREE_ROWS_LEAVE

/* Two outputs a block: r9, r10. */
#define EM_ONE_ROW_STRIDE_2      \
  EM_THREE_ROWS_ENTER(4)         \
  "beq 2f\n\t"                   \
  "1:\n\t"                       \
  "mov r0, sp\n\t"               \
  "ldm r0!, {r4-r6, r8}\n\t"     \
  EM_ONE_COLUMN_AT("]")          \
  EM_IN_ONE_ROW("r9", "r8")      \
  EM_ONE_COLUMN_AT(", #16]")     \
  EM_IN_ONE_ROW("r10", "r8")     \
  "ldm r0!, {r4-r6}\n\t"         \
  EM_IN_ONE_ROW("r9", "r9")      \
  EM_ONE_COLUMN_AT(", #32]!")    \
  EM_IN_ONE_ROW("r10", "r10")    \
  "ldm r0!, {r4-r6}\n\t"         \
  EM_ONE_COLUMN_AT(", #-24]")    \
  EM_IN_ONE_ROW("r9", "r9")      \
  EM_ONE_COLUMN_AT(", #-8]")     \
  EM_IN_ONE_ROW("r10", "r10")    \
  "ldm r0, {r3-r7, r12}\n\t"     \
  EM_FINISH("r9")                \
  "strb lr, [r12]\n\t"           \
  EM_FINISH("r10")               \
  "strb lr, [r12, r6]\n\t"       \
  "add r12, r12, r6, lsl #1\n\t" \
  "str r12, [sp, #60]\n\t"       \
  "ldr lr, [sp, #64]\n\t"        \
  "cmp r1, lr\n\t"               \
  "bne 1b\n\t"                   \
  "2:\n\t"                       \
  "ldr r0, [sp, #68]\n\t"        \
  "lsls r0, r0, #31\n\t"         \
  "beq 3f\n\t"                   \
  "mov r0, sp\n\t"               \
  "ldm r0!, {r4-r6, r8}\n\t"     \
  EM_ONE_COLUMN_AT("]")          \
  EM_IN_ONE_ROW("r9", "r8")      \
  "ldm r0!, {r4-r6}\n\t"         \
  EM_ONE_COLUMN_AT(", #16]")     \
  EM_IN_ONE_ROW("r9", "r9")      \
  "ldm r0!, {r4-r6}\n\t"         \
  EM_ONE_COLUMN_AT(", #8]")      \
  EM_IN_ONE_ROW("r9", "r9")      \
  "ldm r0, {r3-r7, r12}\n\t"     \
  EM_FINISH("r9")                \
  "strb lr, [r12]\n\t"           \
  "3:\n\t"                       \
  EM_THREE_ROWS_LEAVE

#define EM_THREE_ROWS_FUNCTION(name, body)                                                         \
  EM_NAKED void name(const em_three_rows *k EM_UNUSED, const int8_t *upper EM_UNUSED,              \
                     const int8_t *lower EM_UNUSED, int out_width EM_UNUSED)                       \
  {                                                                                                \
    __asm__ volatile(body ::: "memory");                                                           \
  }
EM_THREE_ROWS_FUNCTION(em_three_rows_stride_1, EM_TWO_ROWS_STRIDE_1)
EM_THREE_ROWS_FUNCTION(em_three_rows_stride_2, EM_ONE_ROW_STRIDE_2)
#endif

/* One step. */
EM_INLINE void em_three_rows_step(const em_depthwise_conv_2d_params *p, const em_three_rows *k,
                                  const int8_t *upper, const int8_t *lower, const int rounding)
{
#if EM_THREE_ROWS_ASM
  if (rounding == EM_ROUND_FAST) {
    (p->stride_width == 1 ? em_three_rows_stride_1 : em_three_rows_stride_2)(k, upper, lower,
                                                                             p->out_width);
    return;
  }
#endif
  em_three_rows_plain(p, k, upper, lower, rounding);
}

#include "em_three_rows.h"

#endif
