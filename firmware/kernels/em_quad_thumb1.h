/* The sums of em_words.h and their requantisation on Cortex-M0, M0+ and M23, channel after channel:
 * what em_quad.h does in C.
 *
 * All of it is assembly that owns every register but the stack pointer: these cores compute only in
 * eight of them, and around gcc 12's loops lay 210 instructions for each channel of four pixels,
 * here 95. So it takes as many with every compiler and at every level of optimisation, and there is
 * one copy for all layers.
 *
 * These cores load signed bytes only by two registers: one index counts up to where the weights of
 * a loop end, and thereby ends it. A product takes the place of a factor. The job lies on the stack
 * while its channels are done.
 *
 * Registers: r0 the taps' words, r1 where the loop's weights end, r2 the index, r3 a weight, r4 to
 * r7 products, r12 EM_HALF, lr the channel. Of the pairs' running sums r8 and r9 are all that was
 * multiplied, r10 and r11 pixel b's part of it.
 */
#ifndef EM_QUAD_THUMB1_H
#define EM_QUAD_THUMB1_H
#if EM_QUAD_ASM

#include "em_quad_job.h"
#include "em_registers_thumb1.h"

#define EM_QUAD_FIRST                                                                              \
  "ldmia r0!, {r4, r5}\n\t"                                                                        \
  "ldrsb r3, [r1, r2]\n\t"                                                                         \
  "muls r4, r3, r4\n\t"                                                                            \
  "muls r5, r3, r5\n\t"
#define EM_QUAD_NEXT                                                                               \
  "adds r2, #1\n\t"                                                                                \
  "ldmia r0!, {r6, r7}\n\t"                                                                        \
  "ldrsb r3, [r1, r2]\n\t"                                                                         \
  "muls r6, r3, r6\n\t"                                                                            \
  "muls r7, r3, r7\n\t"                                                                            \
  "adds r4, r4, r6\n\t"                                                                            \
  "adds r5, r5, r7\n\t"
#define EM_QUAD_APART                                                                              \
  "add r4, r12\n\t"                                                                                \
  "add r5, r12\n\t"                                                                                \
  "add r8, r4\n\t"                                                                                 \
  "add r9, r5\n\t"                                                                                 \
  "asrs r4, r4, #16\n\t"                                                                           \
  "asrs r5, r5, #16\n\t"                                                                           \
  "add r10, r4\n\t"                                                                                \
  "add r11, r5\n\t"                                                                                \
  "adds r2, #1\n\t"
#define EM_QUAD_1 EM_QUAD_FIRST EM_QUAD_APART
#define EM_QUAD_2 EM_QUAD_FIRST EM_QUAD_NEXT EM_QUAD_APART
#define EM_QUAD_3 EM_QUAD_FIRST EM_QUAD_NEXT EM_QUAD_NEXT EM_QUAD_APART
#define EM_QUAD_4 EM_QUAD_FIRST EM_QUAD_NEXT EM_QUAD_NEXT EM_QUAD_NEXT EM_QUAD_APART
/* Bytes of a group's code, and how often it stands in its loop: a branch reaches back 252 bytes. */
enum { EM_QUAD_BYTES_1 = 26, EM_QUAD_BYTES_2 = 40, EM_QUAD_BYTES_3 = 54, EM_QUAD_BYTES_4 = 68 };
enum {
  EM_QUAD_UNROLLED_1 = 2,
  EM_QUAD_UNROLLED_2 = 4,
  EM_QUAD_UNROLLED_3 = 4,
  EM_QUAD_UNROLLED_4 = 2
};
enum { EM_QUAD_TWOFOLD = 0 };

#define EM_QUAD_GOTO(field)                                                                        \
  "ldr r3, [sp, #" field "]\n\t"                                                                   \
  "bx r3"
#define EM_QUAD_LOOP(count, groups, after)                                                         \
  EM_NAKED void em_quad_loop_##count(void)                                                         \
  {                                                                                                \
    __asm__(".syntax unified\n"                                                                    \
            "1:\n\t" groups "bne 1b\n\t" EM_QUAD_GOTO(after));                                     \
  }

EM_QUAD_LOOP(1, EM_QUAD_1 EM_QUAD_1, "96")
EM_QUAD_LOOP(2, EM_QUAD_2 EM_QUAD_2 EM_QUAD_2 EM_QUAD_2, "100")
EM_QUAD_LOOP(3, EM_QUAD_3 EM_QUAD_3 EM_QUAD_3 EM_QUAD_3, "104")
EM_QUAD_LOOP(4, EM_QUAD_4 EM_QUAD_4, "108")

#define EM_QUAD_ENDING EM_QUAD_GOTO("112")

EM_NAKED void em_quad_rest_1(void)
{
  __asm__(".syntax unified\n\t" EM_QUAD_1 EM_QUAD_ENDING);
}

EM_NAKED void em_quad_rest_2(void)
{
  __asm__(".syntax unified\n\t" EM_QUAD_2 EM_QUAD_ENDING);
}

EM_NAKED void em_quad_rest_3(void)
{
  __asm__(".syntax unified\n\t" EM_QUAD_2 EM_QUAD_1 EM_QUAD_ENDING);
}

/* Finds the loop by the weights' first byte; leaves where it starts in r5 and what is added to the
 * bias in r4. */
#define EM_QUAD_FIND                                                                               \
  "ldrb r3, [r1]\n\t"                                                                              \
  "lsls r3, r3, #4\n\t"                                                                            \
  "add r3, sp\n\t"                                                                                 \
  "ldmia r3!, {r0, r4, r5, r6}\n\t"                                                                \
  "adds r1, r1, r6\n\t"                                                                            \
  "movs r2, #1\n\t"                                                                                \
  "subs r2, r2, r6\n\t"
/* Starts the sums from the channel's bias; on to the loop. */
#define EM_QUAD_SUMS                                                                               \
  "mov r7, lr\n\t"                                                                                 \
  "ldr r3, [r7]\n\t"                                                                               \
  "mov r10, r3\n\t"                                                                                \
  "mov r11, r3\n\t"                                                                                \
  "lsls r7, r3, #16\n\t"                                                                           \
  "adds r3, r3, r7\n\t"                                                                            \
  "adds r3, r3, r4\n\t"                                                                            \
  "mov r8, r3\n\t"                                                                                 \
  "mov r9, r3\n\t"                                                                                 \
  "bx r5"
#define EM_QUAD_CHANNEL EM_QUAD_FIND EM_QUAD_SUMS
#define EM_QUAD_HALF                                                                               \
  "movs r3, #128\n\t"                                                                              \
  "lsls r3, r3, #8\n\t"                                                                            \
  "mov r12, r3\n\t"
#define EM_QUAD_RETURN                                                                             \
  "add sp, #136\n\t"                                                                               \
  EM_POP_REGISTERS_AND_RETURN
#define EM_QUAD_COPY                                                                               \
  "ldmia r0!, {r2-r7}\n\t"                                                                         \
  "stmia r1!, {r2-r7}\n\t"

EM_NAKED void em_quad_run(em_quad_job *job __attribute__((unused)))
{
  __asm__(".syntax unified\n\t"
          EM_PUSH_REGISTERS
          "sub sp, #136\n\t"
          "mov r1, sp\n\t"
          EM_QUAD_COPY EM_QUAD_COPY EM_QUAD_COPY EM_QUAD_COPY EM_QUAD_COPY
          "ldmia r0!, {r2-r5}\n\t"
          "stmia r1!, {r2-r5}\n\t" EM_QUAD_HALF
          "ldr r3, [sp, #0]\n\t"
          "mov lr, r3\n\t"
          "ldr r1, [sp, #116]\n\t" EM_QUAD_CHANNEL);
}

/* A pair's sums to r0: pixel a's, which takes r3 too, and pixel b's. */
#define EM_QUAD_LOWER(total, high)                                                                 \
  "mov r0, " high "\n\t"                                                                           \
  "mov r3, " total "\n\t"                                                                          \
  "lsls r0, r0, #16\n\t"                                                                           \
  "subs r0, r3, r0\n\t"
#define EM_QUAD_UPPER(high) "mov r0, " high "\n\t"
#define EM_QUAD_STORE(field)                                                                       \
  "ldr r3, [sp, #" field "]\n\t"                                                                   \
  "strb r0, [r2, r3]\n\t"

/* em_step_finish of r0: the range in r4, the offset in r5, the factor's parts in r7 and r6. */
#define EM_QUAD_STEP                                                                               \
  "cmp r0, r4\n\t"                                                                                 \
  "bls 1f\n\t"                                                                                     \
  "asrs r3, r0, #31\n\t"                                                                           \
  "mov r0, r4\n\t"                                                                                 \
  "bics r0, r3\n"                                                                                  \
  "1:\n\t"                                                                                         \
  "mov r3, r0\n\t"                                                                                 \
  "muls r3, r7, r3\n\t"                                                                            \
  "muls r0, r6, r0\n\t"                                                                            \
  "lsrs r0, r0, #12\n\t"                                                                           \
  "adds r3, r3, r5\n\t"                                                                            \
  "adds r0, r0, r3\n\t"                                                                            \
  "asrs r0, r0, #24\n\t"

/* Stores four outputs by a channel's step function; without one, on to what `exact` names. */
EM_NAKED void em_quad_step_four(void)
{
  __asm__(".syntax unified\n\t"
          "adds r1, r1, r2\n\t"
          "mov r7, lr\n\t"
          "ldmia r7!, {r3-r6}\n\t"
          "mov lr, r7\n\t"
          "lsrs r7, r6, #12\n\t"
          "beq 8f\n\t"
          "lsls r6, r6, #20\n\t"
          "lsrs r6, r6, #20\n\t"
          "ldr r2, [sp, #8]\n\t"
          EM_QUAD_UPPER("r10") EM_QUAD_STEP EM_QUAD_STORE("80")
          EM_QUAD_LOWER("r9", "r11") EM_QUAD_STEP EM_QUAD_STORE("84")
          EM_QUAD_UPPER("r11") EM_QUAD_STEP EM_QUAD_STORE("88")
          EM_QUAD_LOWER("r8", "r10") EM_QUAD_STEP
          "strb r0, [r2]\n\t"
          "adds r2, #1\n\t"
          "str r2, [sp, #8]\n\t"
          "ldr r3, [sp, #92]\n\t"
          "cmp r2, r3\n\t"
          "beq 9f\n\t" EM_QUAD_CHANNEL "\n"
          "8:\n\t" EM_QUAD_GOTO("132") "\n"
          "9:\n\t" EM_QUAD_RETURN);
}

/* For em_requantise: of the multiplier in r4 one half in r12 and the other in lr, the rounding in
 * r7, the shift in r5. */
#define EM_QUAD_CONSTANTS                                                                          \
  "str r1, [sp, #116]\n\t"                                                                         \
  "mov r2, lr\n\t"                                                                                 \
  "str r2, [sp, #0]\n\t"                                                                           \
  "uxth r2, r4\n\t"                                                                                \
  "mov r12, r2\n\t"                                                                                \
  "lsrs r4, r4, #16\n\t"                                                                           \
  "mov lr, r4\n\t"                                                                                 \
  "ldr r7, [sp, #12]\n\t"                                                                          \
  "subs r2, r5, #1\n\t"                                                                            \
  "lsls r7, r2\n\t"
/* em_requantise and em_clamp of r0, as em_multiply_high has it. */
#define EM_QUAD_EXACT                                                                              \
  "asrs r6, r0, #31\n\t"                                                                           \
  "adds r6, r6, r7\n\t"                                                                            \
  "lsls r0, r0, #1\n\t"                                                                            \
  "uxth r2, r0\n\t"                                                                                \
  "asrs r0, r0, #16\n\t"                                                                           \
  "mov r3, r12\n\t"                                                                                \
  "muls r3, r2, r3\n\t"                                                                            \
  "lsrs r3, r3, #16\n\t"                                                                           \
  "mov r4, r12\n\t"                                                                                \
  "muls r4, r0, r4\n\t"                                                                            \
  "adds r3, r3, r4\n\t"                                                                            \
  "mov r4, lr\n\t"                                                                                 \
  "muls r0, r4, r0\n\t"                                                                            \
  "adds r6, r6, r0\n\t"                                                                            \
  "asrs r0, r3, #16\n\t"                                                                           \
  "adds r6, r6, r0\n\t"                                                                            \
  "uxth r3, r3\n\t"                                                                                \
  "muls r2, r4, r2\n\t"                                                                            \
  "adds r2, r2, r3\n\t"                                                                            \
  "lsrs r2, r2, #16\n\t"                                                                           \
  "adcs r6, r2\n\t"                                                                                \
  "asrs r6, r5\n\t"                                                                                \
  "sxtb r0, r6\n\t"                                                                                \
  "cmp r0, r6\n\t"                                                                                 \
  "beq 1f\n\t"                                                                                     \
  "asrs r6, r6, #31\n\t"                                                                           \
  "movs r0, #127\n\t"                                                                              \
  "eors r0, r6\n"                                                                                  \
  "1:\n\t"
#define EM_QUAD_STORE_EXACT(field) \
  "ldr r2, [sp, #8]\n\t" EM_QUAD_STORE(field)
/* Stores the first pixel's output, which is in r0; on to the next channel, if there is one. */
#define EM_QUAD_STORE_LAST                                                                         \
  "ldr r2, [sp, #8]\n\t"                                                                           \
  "strb r0, [r2]\n\t"                                                                              \
  "adds r2, #1\n\t"                                                                                \
  "str r2, [sp, #8]\n\t"                                                                           \
  "ldr r3, [sp, #92]\n\t"                                                                          \
  "cmp r2, r3\n\t"                                                                                 \
  "beq 9f\n\t"                                                                                     \
  "ldr r1, [sp, #116]\n\t"                                                                         \
  "ldr r2, [sp, #0]\n\t"                                                                           \
  "mov lr, r2\n\t" EM_QUAD_HALF EM_QUAD_CHANNEL "\n"                                               \
  "9:\n\t" EM_QUAD_RETURN

/* Requantises and stores four outputs by the multiplier in r4 and the shift in r5. */
EM_NAKED void em_quad_exact_four(void)
{
  __asm__(".syntax unified\n\t"
          EM_QUAD_CONSTANTS
          EM_QUAD_UPPER("r10") EM_QUAD_EXACT EM_QUAD_STORE_EXACT("80")
          EM_QUAD_LOWER("r9", "r11") EM_QUAD_EXACT EM_QUAD_STORE_EXACT("84")
          EM_QUAD_UPPER("r11") EM_QUAD_EXACT EM_QUAD_STORE_EXACT("88")
          EM_QUAD_LOWER("r8", "r10") EM_QUAD_EXACT EM_QUAD_STORE_LAST);
}

/* Takes the channel's multiplier to r4 and its shift to r5; r1 becomes where the next one's weights
 * start. */
#define EM_QUAD_NEXT_CHANNEL                                                                       \
  "adds r1, r1, r2\n\t"                                                                            \
  "mov r7, lr\n\t"                                                                                 \
  "ldmia r7!, {r3, r4}\n\t"                                                                        \
  "mov lr, r7\n\t"                                                                                 \
  "ldr r2, [sp, #4]\n\t"                                                                           \
  "ldrb r5, [r2]\n\t"                                                                              \
  "adds r2, #1\n\t"                                                                                \
  "str r2, [sp, #4]\n\t"

EM_NAKED void em_quad_finish_four(void)
{
  __asm__(".syntax unified\n\t" EM_QUAD_NEXT_CHANNEL EM_QUAD_GOTO("132"));
}

#define EM_QUAD_MAX(other)                                                                         \
  "cmp " other ", r4\n\t"                                                                          \
  "ble 1f\n\t"                                                                                     \
  "mov r4, " other "\n"                                                                            \
  "1:\n\t"
#define EM_QUAD_MAX_PAIR(total, high)                                                              \
  "mov r5, " high "\n\t" EM_QUAD_MAX("r5")                                                         \
  "mov r3, " total "\n\t"                                                                          \
  "lsls r5, r5, #16\n\t"                                                                           \
  "subs r5, r3, r5\n\t" EM_QUAD_MAX("r5")

/* The larger of all four sums and of those before; a pool's next quad, with the same weights once
 * more, or its output. */
EM_NAKED void em_quad_finish_pool(void)
{
  __asm__(".syntax unified\n\t"
          "ldr r4, [sp, #120]\n\t"
          EM_QUAD_MAX_PAIR("r8", "r10") EM_QUAD_MAX_PAIR("r9", "r11")
          "ldr r3, [sp, #124]\n\t"
          "cmp r0, r3\n\t"
          "beq 2f\n\t"
          "str r4, [sp, #120]\n\t"
          "ldr r3, [sp, #128]\n\t"
          "adds r1, r1, r2\n\t"
          "subs r1, r1, r3\n\t"
          "mov r7, r0\n\t" EM_QUAD_FIND
          "mov r0, r7\n\t" EM_QUAD_SUMS "\n"
          "2:\n\t"
          "movs r3, #1\n\t"
          "lsls r3, r3, #31\n\t"
          "str r3, [sp, #120]\n\t"
          "mov r0, r4\n\t" EM_QUAD_NEXT_CHANNEL EM_QUAD_CONSTANTS EM_QUAD_EXACT EM_QUAD_STORE_LAST);
}

/* Stores one channel's running sums, and returns. */
EM_NAKED void em_quad_keep(void)
{
  __asm__(".syntax unified\n\t"
          "ldr r4, [sp, #8]\n\t"
          "mov r0, r8\n\t"
          "mov r1, r10\n\t"
          "mov r2, r9\n\t"
          "mov r3, r11\n\t"
          "stmia r4!, {r0-r3}\n\t" EM_QUAD_RETURN);
}

EM_INLINE uintptr_t em_quad_loop_limit(const uint32_t *words, int32_t looped)
{
  (void)words;
  return (uintptr_t)(looped + 1);
}

EM_INLINE uintptr_t em_quad_moved_limit(uintptr_t limit, int32_t words)
{
  (void)words;
  return limit;
}

EM_INLINE em_code *em_quad_ending(const int rounding, const int pooled)
{
  if (rounding == EM_ROUND_FAST) return pooled ? em_quad_finish_pool : em_quad_finish_four;
  return rounding == EM_ROUND_STEP ? em_quad_step_four : em_quad_keep;
}

EM_INLINE em_code *em_quad_exact(void)
{
  return em_quad_exact_four;
}

#endif
#endif
