/* The sums of em_words.h and their requantisation on Cortex-M3, channel after channel: what
 * em_quad.h does in C.
 *
 * All of it is assembly that owns every register but the stack pointer: two pairs of pixels have 4
 * sums, 4 words of taps, 2 pointers, a weight, a constant and where the taps end. Around gcc 12's
 * and clang 20's code for the same loops lay 80 instructions for each channel, here 50; so it takes
 * as many with every compiler, and there is one copy for all layers.
 *
 * Registers: r0 the taps' words, r1 weights, r6 to r9 two taps' words and a group's sums, r10 a
 * weight, r11 EM_HALF, r12 where the loop ends, lr the job. Of the pairs' running sums r2 and r4
 * are twice all that was multiplied, r3 and r5 pixel b's part of it.
 */
#ifndef EM_QUAD_THUMB2_H
#define EM_QUAD_THUMB2_H
#if EM_QUAD_ASM

#include "em_quad_job.h"

#define EM_QUAD_APART                                                                              \
  "add.w r2, r2, r6, lsl #1\n\t"                                                                   \
  "add.w r3, r3, r6, asr #16\n\t"                                                                  \
  "add.w r4, r4, r7, lsl #1\n\t"                                                                   \
  "add.w r5, r5, r7, asr #16\n\t"
#define EM_QUAD_FIRST                                                                              \
  "ldrsb r10, [r1], #1\n\t"                                                                        \
  "mla r6, r6, r10, r11\n\t"                                                                       \
  "mla r7, r7, r10, r11\n\t"
#define EM_QUAD_NEXT                                                                               \
  "ldrsb r10, [r1], #1\n\t"                                                                        \
  "mla r6, r8, r10, r6\n\t"                                                                        \
  "mla r7, r9, r10, r7\n\t"
#define EM_QUAD_LOAD_ONE "ldrd r8, r9, [r0], #8\n\t"
#define EM_QUAD_PAIR "ldmia.w r0!, {r6-r9}\n\t" EM_QUAD_FIRST EM_QUAD_NEXT
#define EM_QUAD_1 "ldrd r6, r7, [r0], #8\n\t" EM_QUAD_FIRST EM_QUAD_APART
#define EM_QUAD_2 EM_QUAD_PAIR EM_QUAD_APART
#define EM_QUAD_3 EM_QUAD_PAIR EM_QUAD_LOAD_ONE EM_QUAD_NEXT EM_QUAD_APART
#define EM_QUAD_4 \
  EM_QUAD_PAIR EM_QUAD_LOAD_ONE EM_QUAD_NEXT EM_QUAD_LOAD_ONE EM_QUAD_NEXT EM_QUAD_APART
/* Bytes of a group's code, every instruction of which has four. */
enum { EM_QUAD_BYTES_1 = 32, EM_QUAD_BYTES_2 = 44, EM_QUAD_BYTES_3 = 60, EM_QUAD_BYTES_4 = 76 };
enum {
  EM_QUAD_UNROLLED_1 = 4,
  EM_QUAD_UNROLLED_2 = 4,
  EM_QUAD_UNROLLED_3 = 4,
  EM_QUAD_UNROLLED_4 = 4
};
enum { EM_QUAD_TWOFOLD = 1 }; /* all that was multiplied is kept twice */

#define EM_QUAD_LOOP(count, after)                                                                 \
  EM_NAKED void em_quad_loop_##count(void)                                                         \
  {                                                                                                \
    __asm__("1:\n\t" EM_QUAD_##count EM_QUAD_##count EM_QUAD_##count EM_QUAD_##count               \
            "cmp r0, r12\n\t"                                                                      \
            "bne.w 1b\n\t"                                                                         \
            "ldr.w pc, [lr, #" after "]");                                                         \
  }

EM_QUAD_LOOP(1, "96")
EM_QUAD_LOOP(2, "100")
EM_QUAD_LOOP(3, "104")
EM_QUAD_LOOP(4, "108")

#define EM_QUAD_ENDING "ldr.w pc, [lr, #112]"

EM_NAKED void em_quad_rest_1(void)
{
  __asm__(EM_QUAD_1 EM_QUAD_ENDING);
}

EM_NAKED void em_quad_rest_2(void)
{
  __asm__(EM_QUAD_2 EM_QUAD_ENDING);
}

EM_NAKED void em_quad_rest_3(void)
{
  __asm__(EM_QUAD_2 EM_QUAD_1 EM_QUAD_ENDING);
}

/* Starts a channel's sums from its bias, which is in r3, and `start`, which is in r6; on to the
 * loop. */
#define EM_QUAD_SUMS                                                                               \
  "add.w r2, r3, r3, lsl #16\n\t"                                                                  \
  "add.w r2, r6, r2, lsl #1\n\t"                                                                   \
  "mov r4, r2\n\t"                                                                                 \
  "mov r5, r3\n\t"                                                                                 \
  "bx r8"
/* The channel at r6. */
#define EM_QUAD_CHANNEL                                                                            \
  "ldrb r10, [r1], #1\n\t"                                                                         \
  "ldr r3, [r6]\n\t"                                                                               \
  "add.w r10, lr, r10, lsl #4\n\t"                                                                 \
  "ldm.w r10, {r0, r6, r8, r12}\n\t" EM_QUAD_SUMS
#define EM_QUAD_RETURN "pop {r4-r11, pc}"

EM_NAKED void em_quad_run(em_quad_job *job __attribute__((unused)))
{
  __asm__("push {r4-r11, lr}\n\t"
          "mov lr, r0\n\t"
          "mov.w r11, #32768\n\t"
          "ldr.w r1, [lr, #116]\n\t"
          "ldr.w r6, [lr]\n\t" EM_QUAD_CHANNEL);
}

/* Of both pairs twice pixel a's sum and twice pixel b's. */
#define EM_QUAD_TWICE                                                                              \
  "sub.w r2, r2, r3, lsl #17\n\t"                                                                  \
  "lsl.w r3, r3, #1\n\t"                                                                           \
  "sub.w r4, r4, r5, lsl #17\n\t"                                                                  \
  "lsl.w r5, r5, #1\n\t"
/* Takes the next channel's constants: its shift less one in r10, the rounding in r9, the multiplier
 * in r7; the output in r8, and r6 behind the channel.
 */
#define EM_QUAD_CONSTANTS                                                                          \
  "ldm.w lr, {r6-r9}\n\t"                                                                          \
  "add.w r6, r6, #8\n\t"                                                                           \
  "ldrb r10, [r7], #1\n\t"                                                                         \
  "stm.w lr, {r6, r7}\n\t"                                                                         \
  "sub.w r10, r10, #1\n\t"                                                                         \
  "ldr r7, [r6, #-4]\n\t"                                                                          \
  "lsl.w r9, r9, r10\n\t"
/* em_requantise of a doubled sum, and em_clamp. */
#define EM_QUAD_FINISH(sum)                                                                        \
  "add.w r12, r9, " sum ", asr #31\n\t"                                                            \
  "mov.w r0, #0x80000000\n\t"                                                                      \
  "smlal r0, r12, " sum ", r7\n\t"                                                                 \
  "asr.w r12, r12, r10\n\t"                                                                        \
  "ssat " sum ", #8, r12, asr #1\n\t"

/* Requantises and stores four outputs. */
EM_NAKED void em_quad_finish_four(void)
{
  __asm__(EM_QUAD_TWICE EM_QUAD_CONSTANTS
          EM_QUAD_FINISH("r2") EM_QUAD_FINISH("r3") EM_QUAD_FINISH("r4") EM_QUAD_FINISH("r5")
          "ldrd r7, r9, [lr, #80]\n\t"
          "ldrd r10, r12, [lr, #88]\n\t"
          "strb r3, [r8, r7]\n\t"
          "strb.w r4, [r8, r9]\n\t"
          "strb.w r5, [r8, r10]\n\t"
          "strb r2, [r8], #1\n\t"
          "str.w r8, [lr, #8]\n\t"
          "cmp r8, r12\n\t"
          "beq 9f\n\t" EM_QUAD_CHANNEL "\n"
          "9:\n\t" EM_QUAD_RETURN);
}

#define EM_QUAD_MAX(other)                                                                         \
  "cmp r2, " other "\n\t"                                                                          \
  "it lt\n\t"                                                                                      \
  "movlt r2, " other "\n\t"

/* The larger of all four sums and of those before; a pool's next quad, with the same weights once
 * more, or its output. */
EM_NAKED void em_quad_finish_pool(void)
{
  __asm__(EM_QUAD_TWICE
          "ldr.w r6, [lr, #120]\n\t"
          EM_QUAD_MAX("r3") EM_QUAD_MAX("r4") EM_QUAD_MAX("r5") EM_QUAD_MAX("r6")
          "ldr.w r7, [lr, #124]\n\t"
          "cmp r0, r7\n\t"
          "beq 1f\n\t"
          "str.w r2, [lr, #120]\n\t"
          "ldr.w r7, [lr, #128]\n\t"
          "ldr.w r3, [lr]\n\t"
          "sub.w r1, r1, r7\n\t"
          "ldrb r10, [r1], #1\n\t"
          "ldr r3, [r3]\n\t"
          "add.w r10, lr, r10, lsl #4\n\t"
          "ldm.w r10, {r4, r6, r8, r12}\n\t"
          "sub.w r4, r0, r4\n\t"
          "add.w r12, r12, r4\n\t" EM_QUAD_SUMS "\n"
          "1:\n\t"
          "mov.w r3, #0x80000000\n\t"
          "str.w r3, [lr, #120]\n\t" EM_QUAD_CONSTANTS EM_QUAD_FINISH("r2")
          "ldr.w r12, [lr, #92]\n\t"
          "strb r2, [r8], #1\n\t"
          "str.w r8, [lr, #8]\n\t"
          "cmp r8, r12\n\t"
          "beq 9f\n\t" EM_QUAD_CHANNEL "\n"
          "9:\n\t" EM_QUAD_RETURN);
}

/* Stores one channel's running sums, and returns. */
EM_NAKED void em_quad_keep(void)
{
  __asm__("ldr.w r6, [lr, #8]\n\t"
          "stmia r6!, {r2-r5}\n\t" EM_QUAD_RETURN);
}

/* A loop's taps end at these words. */
EM_INLINE uintptr_t em_quad_loop_limit(const uint32_t *words, int32_t looped)
{
  return (uintptr_t)(words + 2 * looped);
}

EM_INLINE uintptr_t em_quad_moved_limit(uintptr_t limit, int32_t words)
{
  return limit + 4 * (uintptr_t)words;
}

EM_INLINE em_code *em_quad_ending(const int rounding, const int pooled)
{
  return rounding != EM_ROUND_FAST ? em_quad_keep
                                   : (pooled ? em_quad_finish_pool : em_quad_finish_four);
}

EM_INLINE em_code *em_quad_exact(void)
{
  return em_quad_keep; /* not called */
}

#endif
#endif
