/* Blocks of four channels of em_single_words.h on Cortex-M0, M0+ and M23, which compute only in
 * eight registers.
 *
 * Registers: r0 the taps' words, r1 weights, r2 and r3 X0 and X1, r4 k (apart: and r5 the second),
 * r5 t, r6 and r7 weights (apart: r6 t, r7 weights), r8 to r11 sums, r12 the mask, lr where the
 * words end. The job is on the stack.
 */
#ifndef EM_SINGLE_THUMB1_H
#define EM_SINGLE_THUMB1_H
#if EM_QUAD_ASM

#include "em_registers_thumb1.h"
#include "em_single_job.h"

#define EM_SINGLE_JOINED(weights, sum)                                                             \
  "mov r5, r12\n\t"                                                                                \
  "ands r5, " weights "\n\t"                                                                       \
  "subs " weights ", " weights ", r5\n\t"                                                          \
  "lsrs " weights ", " weights ", #8\n\t"                                                          \
  "muls r5, r2, r5\n\t"                                                                            \
  "muls " weights ", r3, " weights "\n\t"                                                          \
  "adds r5, r5, r4\n\t"                                                                            \
  "adds r5, r5, " weights "\n\t"                                                                   \
  "asrs r5, r5, #16\n\t"                                                                           \
  "add " sum ", r5\n\t"
#define EM_SINGLE_JOINED_GROUP                                                                     \
  "ldmia r0!, {r2, r3, r4}\n\t"                                                                    \
  "ldmia r1!, {r6, r7}\n\t" EM_SINGLE_JOINED("r6", "r8") EM_SINGLE_JOINED("r7", "r9")              \
  "ldmia r1!, {r6, r7}\n\t" EM_SINGLE_JOINED("r6", "r10") EM_SINGLE_JOINED("r7", "r11")

#define EM_SINGLE_JOINED_PAIR                                                                      \
  "ldmia r0!, {r2, r3, r4}\n\t"                                                                    \
  "ldmia r1!, {r6, r7}\n\t" EM_SINGLE_JOINED("r6", "r8") EM_SINGLE_JOINED("r7", "r9")

#define EM_SINGLE_APART(sum)                                                                       \
  "ldmia r1!, {r7}\n\t"                                                                            \
  "mov r6, r12\n\t"                                                                                \
  "ands r6, r7\n\t"                                                                                \
  "subs r7, r7, r6\n\t"                                                                            \
  "lsrs r7, r7, #8\n\t"                                                                            \
  "muls r6, r2, r6\n\t"                                                                            \
  "muls r7, r3, r7\n\t"                                                                            \
  "adds r6, r6, r4\n\t"                                                                            \
  "adds r7, r7, r5\n\t"                                                                            \
  "asrs r6, r6, #16\n\t"                                                                           \
  "asrs r7, r7, #16\n\t"                                                                           \
  "add " sum ", r6\n\t"                                                                            \
  "add " sum ", r7\n\t"
#define EM_SINGLE_APART_GROUP                                                                      \
  "ldmia r0!, {r2, r3, r4, r5}\n\t" EM_SINGLE_APART("r8") EM_SINGLE_APART("r9")                    \
      EM_SINGLE_APART("r10") EM_SINGLE_APART("r11")

#define EM_SINGLE_APART_PAIR \
  "ldmia r0!, {r2, r3, r4, r5}\n\t" EM_SINGLE_APART("r8") EM_SINGLE_APART("r9")

#define EM_SINGLE_ENTER(sums)                                                                      \
  ".syntax unified\n\t" EM_PUSH_REGISTERS                                                          \
  "push {r0}\n\t"                                                                                  \
  "ldr r1, [r0, #8]\n\t"                                                                           \
  "movs r2, #255\n\t"                                                                              \
  "lsls r3, r2, #16\n\t"                                                                           \
  "orrs r2, r3\n\t"                                                                                \
  "mov r12, r2\n"                                                                                  \
  "1:\n\t"                                                                                         \
  "ldr r7, [sp]\n\t"                                                                               \
  "ldr r5, [r7, #12]\n\t"                                                                          \
  sums                                                                                             \
  "ldr r0, [r7]\n\t"                                                                               \
  "ldr r6, [r7, #4]\n\t"                                                                           \
  "mov lr, r6\n\t"                                                                                 \
  "subs r6, r6, r0\n\t"
/* Of an odd number of groups, which `odd` moves to the sign, one is done before the first two. */
#define EM_SINGLE_LOOP(odd, group)                                                                 \
  "lsls r6, r6, #" odd "\n\t"                                                                      \
  "bmi 3f\n"                                                                                       \
  "2:\n\t" group "\n"                                                                              \
  "3:\n\t" group                                                                                   \
  "cmp r0, lr\n\t"                                                                                 \
  "bne 2b\n\t"
#define EM_SINGLE_RETURN                                                                           \
  "mov r0, r1\n\t"                                                                                 \
  "add sp, #4\n\t" EM_POP_REGISTERS_AND_RETURN
#define EM_SINGLE_LEAVE                                                                            \
  "mov r2, r8\n\t"                                                                                 \
  "mov r3, r9\n\t"                                                                                 \
  "mov r4, r10\n\t"                                                                                \
  "mov r6, r11\n\t"                                                                                \
  "ldr r7, [sp]\n\t"                                                                               \
  "ldr r5, [r7, #12]\n\t"                                                                          \
  "stmia r5!, {r2, r3, r4, r6}\n\t"                                                                \
  "str r5, [r7, #12]\n\t"                                                                          \
  "ldr r6, [r7, #16]\n\t"                                                                          \
  "cmp r5, r6\n\t"                                                                                 \
  "beq 4f\n\t"                                                                                     \
  "b 1b\n"                                                                                         \
  "4:\n\t" EM_SINGLE_RETURN
#define EM_SINGLE_LEAVE_PAIR                                                                       \
  "mov r2, r8\n\t"                                                                                 \
  "mov r3, r9\n\t"                                                                                 \
  "ldr r7, [sp]\n\t"                                                                               \
  "ldr r5, [r7, #12]\n\t"                                                                          \
  "stmia r5!, {r2, r3}\n\t" EM_SINGLE_RETURN

#define EM_SINGLE_TAKE_FOUR                                                                        \
  "ldmia r5!, {r2, r3, r4, r6}\n\t"                                                                \
  "mov r8, r2\n\t"                                                                                 \
  "mov r9, r3\n\t"                                                                                 \
  "mov r10, r4\n\t"                                                                                \
  "mov r11, r6\n\t"
#define EM_SINGLE_TAKE_TWO                                                                         \
  "ldmia r5!, {r2, r3}\n\t"                                                                        \
  "mov r8, r2\n\t"                                                                                 \
  "mov r9, r3\n\t"

/* Adds the taps' products to the sums of all blocks; returns the weights behind. */
EM_NAKED const int8_t *em_single_blocks_joined(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER(EM_SINGLE_TAKE_FOUR) EM_SINGLE_LOOP("29", EM_SINGLE_JOINED_GROUP)
              EM_SINGLE_LEAVE);
}

EM_NAKED const int8_t *em_single_blocks_apart(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER(EM_SINGLE_TAKE_FOUR) EM_SINGLE_LOOP("27", EM_SINGLE_APART_GROUP)
              EM_SINGLE_LEAVE);
}

/* The same of the two channels at job->sums alone. */
EM_NAKED const int8_t *em_single_pair_joined(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER(EM_SINGLE_TAKE_TWO) EM_SINGLE_LOOP("29", EM_SINGLE_JOINED_PAIR)
              EM_SINGLE_LEAVE_PAIR);
}

EM_NAKED const int8_t *em_single_pair_apart(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER(EM_SINGLE_TAKE_TWO) EM_SINGLE_LOOP("27", EM_SINGLE_APART_PAIR)
              EM_SINGLE_LEAVE_PAIR);
}

#endif
#endif
