/* The inner product of Cortex-M0, M0+ and M23: pixels as em_words.h packs them.
 *
 * Where a layer has a single pixel, weights are packed channel by channel, each in the window's
 * order; channels are done by fours. These cores load signed bytes only by two registers, and
 * compute only in eight of theirs: one index walks over all that is read at once, and the sums stay
 * in the other registers, to which one can add. A product takes the place of a factor.
 */
#ifndef EM_DOT_THUMB1_H
#define EM_DOT_THUMB1_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

#if defined(__GNUC__) && defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define EM_QUAD_ASM 1
#include "em_quad_thumb1.h"
#else
#define EM_QUAD_ASM 0
#endif

#include "em_words.h"

#if EM_QUAD_ASM
/* Four channels' sums, the ends of a row and of their weights, minus the row's length, and where in
 * the loop to start. */
typedef struct {
  int32_t sums[4];
  const int8_t *x;
  const int8_t *w[4];
  int32_t index;
  em_code *entry;
} em_single_job;

/* r0 the row's end, r1 to r4 the weights' ends, r5 the index, r6 the element, r7 a product; sums r8
 * to r11; r12 the job. All of it is assembly because the loop takes every register, and so as many
 * instructions at every optimisation.
 */
#define EM_SINGLE_LANE(weights, sum)                                                               \
  "ldrsb r7, [" weights ", r5]\n\t"                                                                \
  "muls r7, r6, r7\n\t"                                                                            \
  "add " sum ", r7\n\t"
#define EM_SINGLE_TAP                                                                              \
  "ldrsb r6, [r0, r5]\n\t" EM_SINGLE_LANE("r1", "r8") EM_SINGLE_LANE("r2", "r9")                   \
      EM_SINGLE_LANE("r3", "r10") EM_SINGLE_LANE("r4", "r11") "adds r5, #1\n\t"
enum { EM_SINGLE_TAP_BYTES = 28, EM_SINGLE_TAPS = 4 };

EM_NAKED void em_single_loop(void)
{
  __asm__(".syntax unified\n"
          "1:\n\t" EM_SINGLE_TAP EM_SINGLE_TAP EM_SINGLE_TAP EM_SINGLE_TAP
          "bne 1b\n\t"
          "mov r0, r12\n\t"
          "mov r4, r8\n\t"
          "mov r5, r9\n\t"
          "mov r6, r10\n\t"
          "mov r7, r11\n\t"
          "stmia r0!, {r4-r7}\n\t"
          EM_POP_REGISTERS_AND_RETURN);
}

EM_NAKED void em_single_start(em_single_job *job __attribute__((unused)))
{
  __asm__(".syntax unified\n\t"
          EM_PUSH_REGISTERS
          "mov r12, r0\n\t"
          "ldmia r0!, {r4-r7}\n\t"
          EM_SET_HIGH_REGISTERS
          "mov r6, r0\n\t"
          "ldmia r6!, {r0-r5}\n\t"
          "ldr r7, [r6]\n\t"
          "bx r7");
}

/* Adds a row's products of four channels; the pointers are to the row's end. */
EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *const w[4])
{
  const uintptr_t skipped = (uintptr_t)(-length & (EM_SINGLE_TAPS - 1)) * EM_SINGLE_TAP_BYTES;
  em_single_job job = {{s.a[0], s.a[1], s.a[2], s.a[3]}, x, {w[0], w[1], w[2], w[3]}, -length,
                       (em_code *)((uintptr_t)em_single_loop + skipped)};
  em_single_start(&job);
  const em_sums sums = {{job.sums[0], job.sums[1], job.sums[2], job.sums[3]}, {0, 0, 0, 0}};
  return sums;
}
#else
EM_INLINE em_sums em_single_row(em_sums s, const int8_t *x, int length, const int8_t *const w[4])
{
  for (int i = -length; i < 0; ++i) {
    s.a[0] += w[0][i] * x[i];
    s.a[1] += w[1][i] * x[i];
    s.a[2] += w[2][i] * x[i];
    s.a[3] += w[3][i] * x[i];
  }
  return s;
}
#endif

/* Up to four channels of a single pixel; the last one is done again in place of what is missing. */
EM_INLINE void em_single_block(const em_window *window, const em_block *block, int lanes,
                               const em_output *output, const int rounding)
{
  const int elements = window->rows * window->length;
  const int8_t *w[4];
  em_sums s = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  for (int lane = 0; lane < 4; ++lane)
    w[lane] = block->weights + (lane < lanes ? lane : lanes - 1) * elements;
  for (int row = 0; row < window->rows; ++row) {
    for (int lane = 0; lane < 4; ++lane) w[lane] += window->length;
    s = em_single_row(s, window->x + row * window->row_stride + window->length, window->length, w);
  }
  for (int lane = 0; lane < lanes; ++lane) {
    const em_channel channel = block->channel[lane];
    block->out0[lane] = em_finish(channel.bias + s.a[lane], channel.multiplier, block->shift[lane],
                                  output, rounding);
  }
}

EM_INLINE void em_single_channels(const em_window *window, em_block block, int count,
                                  const em_output *output, const int rounding)
{
  for (; count > 0; count -= 4) {
    em_single_block(window, &block, count < 4 ? count : 4, output, rounding);
    block.weights += 4 * window->rows * window->length;
    block.channel += 4;
    block.shift += 4;
    block.out0 += 4;
  }
}

#endif
