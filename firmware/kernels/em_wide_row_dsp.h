/* The loop of em_depthwise_wide.h on cores with SMLAD: four neighbouring outputs of a channel at a
 * time, of stride 1.
 *
 * As C, gcc works the addresses out anew for every four outputs and puts weights on the stack: 23
 * instructions an output of a 1 x 9 kernel instead of 19.
 */
#ifndef EM_WIDE_ROW_DSP_H
#define EM_WIDE_ROW_DSP_H

#include "em_common.h"

enum { EM_WIDE_WORDS = 8, EM_WIDE_WORD_BYTES = 28 };

/* A row of outputs of one channel, at least four. Offsets are known to the loop. */
typedef struct {
  const int8_t *x;       /*  0: the first output's window */
  int8_t *out;           /*  4 */
  const int8_t *weights; /*  8: words */
  int32_t bias;          /* 12 */
  int32_t multiplier;    /* 16 */
  int32_t shift;         /* 20 */
  int32_t rounding;      /* 24: see em_requantise */
  int32_t pitch;         /* 28: from output to output */
  int32_t rows;          /* 32: of the kernel */
  int32_t to_row;        /* 36: from behind a row's words to the next row's first */
  int32_t skipped;       /* 40: bytes of code, where a row of the kernel has fewer than
                          * EM_WIDE_WORDS words; and 1 */
  int32_t blocks;        /* 44: of four outputs, at least 1 */
  int32_t back;          /* 48: bytes that one more block at the end goes back in a window, or 0: no
                          * such block */
  int32_t out_back;      /* 52 */
} em_wide_job;

#if EM_DSP
/* Registers: r0 window, r1 weights, r2 and r3 elements, r4 to r7 sums, r8 a word of weights, r11
 * rows left, r12 em_wide_job, lr where a row of the kernel starts. A word's code takes
 * EM_WIDE_WORD_BYTES: all instructions are wide.
 */
#define EM_WIDE_WORD            \
  "ldr.w r8, [r1], #4\n\t"      \
  "smlad r4, r2, r8, r4\n\t"    \
  "ldr.w r2, [r0, #4]!\n\t"     \
  "smlad r5, r3, r8, r5\n\t"    \
  "ldr.w r3, [r0, #2]\n\t"      \
  "smlad r6, r2, r8, r6\n\t"    \
  "smlad r7, r3, r8, r7\n\t"

#define EM_WIDE_FINISH(sum)           \
  "add r11, r8, " sum ", asr #31\n\t" \
  "lsls " sum ", " sum ", #1\n\t"     \
  "smmlar " sum ", " sum ", r2, r11\n\t" \
  "asrs " sum ", r3\n\t"              \
  "ssat " sum ", #8, " sum "\n\t"

EM_NAKED void em_wide_fours(em_wide_job *job EM_UNUSED)
{
  __asm__(".syntax unified\n\t"
          "push {r4-r11, lr}\n\t"
          "mov r12, r0\n\t"
          "ldr r2, [r12, #40]\n\t"
          "adr lr, 3f\n\t"
          "add lr, lr, r2\n"
          "1:\n\t"
          "ldr r0, [r12]\n\t"
          "ldrd r1, r4, [r12, #8]\n\t"
          "ldr r11, [r12, #32]\n\t"
          "mov r5, r4\n\t"
          "mov r6, r4\n\t"
          "mov r7, r4\n"
          "2:\n\t"
          "ldr r2, [r0]\n\t"
          "ldr r3, [r0, #2]\n\t"
          "bx lr\n\t"
          ".balign 4\n"
          "3:\n\t" EM_WIDE_WORD EM_WIDE_WORD EM_WIDE_WORD EM_WIDE_WORD EM_WIDE_WORD EM_WIDE_WORD
              EM_WIDE_WORD EM_WIDE_WORD "ldr r8, [r12, #36]\n\t"
          "subs r11, r11, #1\n\t"
          "add r0, r0, r8\n\t"
          "bne 2b\n\t"
          "ldrd r2, r3, [r12, #16]\n\t"
          "ldrd r8, r10, [r12, #24]\n\t"
          "ldr r9, [r12, #4]\n\t" EM_WIDE_FINISH("r4") EM_WIDE_FINISH("r5") EM_WIDE_FINISH("r6")
              EM_WIDE_FINISH("r7") "strb r4, [r9]\n\t"
                                   "strb r5, [r9, r10]\n\t"
                                   "add r9, r9, r10, lsl #1\n\t"
                                   "strb r6, [r9]\n\t"
                                   "strb r7, [r9, r10]\n\t"
                                   "add r9, r9, r10, lsl #1\n\t"
                                   "ldr r0, [r12]\n\t"
                                   "ldr r2, [r12, #44]\n\t"
                                   "adds r0, r0, #8\n\t"
                                   "strd r0, r9, [r12]\n\t"
                                   "subs r2, r2, #1\n\t"
                                   "str r2, [r12, #44]\n\t"
                                   "bgt 1b\n\t"
                                   "bmi 4f\n\t"
                                   "ldrd r2, r3, [r12, #48]\n\t"
                                   "cbz r2, 4f\n\t"
                                   "subs r0, r0, r2\n\t"
                                   "sub r9, r9, r3\n\t"
                                   "strd r0, r9, [r12]\n\t"
                                   "b 1b\n"
                                   "4:\n\t"
                                   "pop {r4-r11, pc}\n\t");
}
#endif

#endif
