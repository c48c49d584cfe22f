/* Blocks of four channels of em_single_words.h on Cortex-M3, which has as many registers as that
 * takes: a compiler has none left for the weights.
 *
 * Registers: r0 the taps' words, r1 weights, r2 to r5 sums, r6 and r7 X0 and X1, r8 k, r9 and r10
 * weights (apart: r9 the second k, r10 and lr weights), r11 t, r12 the mask, lr where the words end
 * (apart: on the stack). The job is on the stack.
 */
#ifndef EM_SINGLE_THUMB2_H
#define EM_SINGLE_THUMB2_H
#if EM_QUAD_ASM

#include "em_single_job.h"

#define EM_SINGLE_JOINED(weights, sum)                                                             \
  "and.w r11, r12, " weights "\n\t"                                                                \
  "and.w " weights ", r12, " weights ", lsr #8\n\t"                                                \
  "mla r11, r11, r6, r8\n\t"                                                                       \
  "mla " weights ", " weights ", r7, r11\n\t"                                                      \
  "add.w " sum ", " sum ", " weights ", asr #16\n\t"
#define EM_SINGLE_JOINED_GROUP                                                                     \
  "ldmia.w r0!, {r6, r7, r8}\n\t"                                                                  \
  "ldmia.w r1!, {r9, r10}\n\t" EM_SINGLE_JOINED("r9", "r2") EM_SINGLE_JOINED("r10", "r3")          \
  "ldmia.w r1!, {r9, r10}\n\t" EM_SINGLE_JOINED("r9", "r4") EM_SINGLE_JOINED("r10", "r5")

#define EM_SINGLE_JOINED_PAIR                                                                      \
  "ldmia.w r0!, {r6, r7, r8}\n\t"                                                                  \
  "ldmia.w r1!, {r9, r10}\n\t" EM_SINGLE_JOINED("r9", "r2") EM_SINGLE_JOINED("r10", "r3")

#define EM_SINGLE_APART(weights, sum)                                                              \
  "and.w r11, r12, " weights "\n\t"                                                                \
  "and.w " weights ", r12, " weights ", lsr #8\n\t"                                                \
  "mla r11, r11, r6, r8\n\t"                                                                       \
  "mla " weights ", " weights ", r7, r9\n\t"                                                       \
  "add.w " sum ", " sum ", r11, asr #16\n\t"                                                       \
  "add.w " sum ", " sum ", " weights ", asr #16\n\t"
#define EM_SINGLE_APART_GROUP                                                                      \
  "ldmia.w r0!, {r6, r7, r8, r9}\n\t"                                                              \
  "ldmia.w r1!, {r10, lr}\n\t" EM_SINGLE_APART("r10", "r2") EM_SINGLE_APART("lr", "r3")            \
  "ldmia.w r1!, {r10, lr}\n\t" EM_SINGLE_APART("r10", "r4") EM_SINGLE_APART("lr", "r5")

#define EM_SINGLE_APART_PAIR                                                                       \
  "ldmia.w r0!, {r6, r7, r8, r9}\n\t"                                                              \
  "ldmia.w r1!, {r4, r10}\n\t" EM_SINGLE_APART("r4", "r2") EM_SINGLE_APART("r10", "r3")

#define EM_SINGLE_ENTER(sums)                                                                      \
  "push {r0, r4-r11, lr}\n\t"                                                                      \
  "ldr r1, [r0, #8]\n\t"                                                                           \
  "mov.w r12, #0x00FF00FF\n"                                                                       \
  "1:\n\t"                                                                                         \
  "ldr r6, [sp]\n\t"                                                                               \
  "ldr.w lr, [r6, #4]\n\t"                                                                         \
  "ldr r0, [r6]\n\t"                                                                               \
  "ldr r7, [r6, #12]\n\t"                                                                          \
  sums "\n\t"                                                                                    \
  "sub.w r8, lr, r0\n\t"
/* Of an odd number of groups one is done before the first two. */
#define EM_SINGLE_LOOP(odd, group, limit)                                                          \
  "tst.w r8, #" odd "\n\t"                                                                         \
  "bne.w 3f\n"                                                                                     \
  "2:\n\t" group "\n"                                                                              \
  "3:\n\t" group limit                                                                             \
  "bne.w 2b\n\t"
#define EM_SINGLE_RETURN                                                                           \
  "mov r0, r1\n\t"                                                                                 \
  "add sp, #4\n\t"                                                                                 \
  "pop {r4-r11, pc}"
#define EM_SINGLE_LEAVE                                                                            \
  "ldr r6, [sp]\n\t"                                                                               \
  "ldr r7, [r6, #12]\n\t"                                                                          \
  "ldr.w r8, [r6, #16]\n\t"                                                                        \
  "stmia r7!, {r2-r5}\n\t"                                                                         \
  "str r7, [r6, #12]\n\t"                                                                          \
  "cmp r7, r8\n\t"                                                                                 \
  "bne.w 1b\n\t" EM_SINGLE_RETURN
#define EM_SINGLE_LEAVE_PAIR                                                                       \
  "ldr r6, [sp]\n\t"                                                                               \
  "ldr r7, [r6, #12]\n\t"                                                                          \
  "strd r2, r3, [r7]\n\t" EM_SINGLE_RETURN

/* Adds the taps' products to the sums of all blocks; returns the weights behind. */
EM_NAKED const int8_t *em_single_blocks_joined(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER("ldmia.w r7, {r2-r5}")
              EM_SINGLE_LOOP("4", EM_SINGLE_JOINED_GROUP, "cmp r0, lr\n\t") EM_SINGLE_LEAVE);
}

EM_NAKED const int8_t *em_single_blocks_apart(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER("ldmia.w r7, {r2-r5}") EM_SINGLE_LOOP("16", EM_SINGLE_APART_GROUP,
                                         "ldr.w r11, [sp]\n\t"
                                         "ldr.w r11, [r11, #4]\n\t"
                                         "cmp r0, r11\n\t") EM_SINGLE_LEAVE);
}

/* The same of the two channels at job->sums alone. */
EM_NAKED const int8_t *em_single_pair_joined(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER("ldrd r2, r3, [r7]")
              EM_SINGLE_LOOP("4", EM_SINGLE_JOINED_PAIR, "cmp r0, lr\n\t") EM_SINGLE_LEAVE_PAIR);
}

EM_NAKED const int8_t *em_single_pair_apart(em_single_job *job __attribute__((unused)))
{
  __asm__(EM_SINGLE_ENTER("ldrd r2, r3, [r7]")
              EM_SINGLE_LOOP("16", EM_SINGLE_APART_PAIR, "cmp r0, lr\n\t") EM_SINGLE_LEAVE_PAIR);
}

#endif
#endif
