/* The loops of em_sparse_pairs.h, which says how weights and strips lie and what a job is, for
 * Cortex-M4, M7 and M33.
 *
 * All of it is assembly that owns every register but the stack pointer: four sums of 64 bits, two
 * words of the strip, a weight, a distance and two pointers are fourteen.
 *
 * Registers: r0 where the strip is read, r1 stream; sums r4 and r5, r6 and r7, r8 and r9, r10 and
 * r11, lower half first. On the stack:
 *   sp + 0 strip   4 what sums start from   36 where the channel's weights end   40 channel   44
 *                  out   48 pitch   52 out_end
 *      56 unit   60 where the stores are entered
 */
#ifndef EM_SPARSE_PAIRS_DSP_H
#define EM_SPARSE_PAIRS_DSP_H

#if EM_DSP

/* A stored weight's products with eight pixels; 36 bytes of code. */
#define EM_PAIRS_STEP                \
  "ldrb lr, [r1], #1\n\t"            \
  "ldrsb r12, [r1], #1\n\t"          \
  "add.w r0, r0, lr, lsl #4\n\t"     \
  "ldrd r2, r3, [r0]\n\t"            \
  "smlal r4, r5, r2, r12\n\t"        \
  "smlal r6, r7, r3, r12\n\t"        \
  "ldrd r2, r3, [r0, #8]\n\t"        \
  "smlal r8, r9, r2, r12\n\t"        \
  "smlal r10, r11, r3, r12\n\t"
#define EM_PAIRS_TWICE(text) text text

/* A channel's sums: the loop of eight steps is entered where it leaves as many as there are. */
#define EM_PAIRS_SUMS                \
  "ldrh lr, [r1], #2\n\t"            \
  "add.w r12, r1, lr, lsl #1\n\t"    \
  "str r12, [sp, #36]\n\t"           \
  "and r12, lr, #7\n\t"              \
  "ldm sp, {r0, r4-r11}\n\t"         \
  "tbh [pc, r12, lsl #1]\n\t"        \
  ".hword 8, 134, 116, 98, 80, 62, 44, 26\n" \
  "2:\n\t"                           \
  EM_PAIRS_TWICE(EM_PAIRS_TWICE(EM_PAIRS_TWICE(EM_PAIRS_STEP))) \
  "ldr lr, [sp, #36]\n\t"            \
  "cmp r1, lr\n\t"                   \
  "bne.w 2b\n\t"

/* A pair's sums, each with 2^22 added. */
#define EM_PAIRS_APART(low, high)    \
  "lsl " high ", " high ", #9\n\t"   \
  "orr " high ", " high ", " low ", lsr #23\n\t" \
  "ubfx " low ", " low ", #0, #23\n\t"
#define EM_PAIRS_ALL_APART \
  EM_PAIRS_APART("r4", "r5") EM_PAIRS_APART("r6", "r7") \
  EM_PAIRS_APART("r8", "r9") EM_PAIRS_APART("r10", "r11")

/* The channel's doubled bias in r2, its multiplier in r3, the shift, less one, in lr, the rounding
 * in r0. */
#define EM_PAIRS_CONSTANTS           \
  "ldrh lr, [r1], #2\n\t"            \
  "ldr r12, [sp, #40]\n\t"           \
  "ldrd r2, r3, [r12], #8\n\t"       \
  "str r12, [sp, #40]\n\t"           \
  "ldr r0, [sp, #56]\n\t"            \
  "lsl r0, r0, lr\n\t"
/* em_requantise and em_clamp to int8. Ties are rounded away from zero, which tells where not all
 * below it come to the minimum.
 */
#define EM_PAIRS_FINISH(sum)         \
  "add.w " sum ", r2, " sum ", lsl #1\n\t" \
  "add.w r12, r0, " sum ", asr #31\n\t" \
  "smmlar " sum ", " sum ", r3, r12\n\t" \
  "asr.w " sum ", " sum ", lr\n\t"   \
  "ssat " sum ", #8, " sum ", asr #1\n\t"
#define EM_PAIRS_FINISH_RECTIFIED(sum) \
  "add.w " sum ", r2, " sum ", lsl #1\n\t" \
  "smmlar " sum ", " sum ", r3, r0\n\t" \
  "asr.w " sum ", " sum ", lr\n\t"   \
  "ssat " sum ", #8, " sum ", asr #1\n\t"

#define EM_PAIRS_MAX(a, b)           \
  "cmp " a ", " b "\n\t"             \
  "it lt\n\t"                        \
  "movlt " a ", " b "\n\t"

#define EM_PAIRS_START               \
  "push {r4-r11, lr}\n\t"            \
  "ldm r0, {r1-r8}\n\t"              \
  "adr.w r12, 3f\n\t"                \
  "orr r12, r12, #1\n\t"             \
  "sub r6, r12, r6, lsl #2\n\t"      \
  "push {r1-r6}\n\t"                 \
  "sub sp, sp, #4\n\t"               \
  "mov r1, r7\n\t"                   \
  "mov r0, r8\n\t"                   \
  "mov r4, #0x400000\n\t"            \
  "mov r5, #0x2000\n\t"              \
  "mov r6, r4\n\t"                   \
  "mov r7, r5\n\t"                   \
  "mov r8, r4\n\t"                   \
  "mov r9, r5\n\t"                   \
  "mov r10, r4\n\t"                  \
  "mov r11, r5\n\t"                  \
  "push {r0, r4-r11}\n"
#define EM_PAIRS_NEXT                \
  "ldr r2, [sp, #52]\n\t"            \
  "str r0, [sp, #44]\n\t"            \
  "cmp r0, r2\n\t"                   \
  "bne.w 1b\n\t"                     \
  "add sp, sp, #64\n\t"              \
  "pop {r4-r11, pc}"

/* All channels of up to eight pixels. */
#define EM_PAIRS_PIXELS_LOOP(finish)                                                               \
  EM_PAIRS_START                                                                                   \
  "1:\n\t" EM_PAIRS_SUMS EM_PAIRS_ALL_APART EM_PAIRS_CONSTANTS                                     \
  finish("r4") finish("r5") finish("r6") finish("r7")                                              \
  finish("r8") finish("r9") finish("r10") finish("r11")                                            \
  "ldrd r0, r12, [sp, #44]\n\t"                                                                    \
  "add.w r2, r0, r12, lsl #2\n\t"                                                                  \
  "sub.w r3, r2, r12\n\t"                                                                          \
  "ldr.w pc, [sp, #60]\n\t"                                                                        \
  "strb.w r11, [r3, r12, lsl #2]\n\t"                                                              \
  "strb.w r10, [r2, r12, lsl #1]\n\t"                                                              \
  "strb.w r9, [r2, r12]\n\t"                                                                       \
  "strb.w r8, [r2]\n\t"                                                                            \
  "strb.w r7, [r3]\n\t"                                                                            \
  "strb.w r6, [r0, r12, lsl #1]\n\t"                                                               \
  "strb.w r5, [r0, r12]\n\t"                                                                       \
  "strb.w r4, [r0], #1\n"                                                                          \
  "3:\n\t" EM_PAIRS_NEXT

/* All channels of two outputs of a pool: each the largest of four pixels. */
#define EM_PAIRS_POOLED_LOOP(finish) \
  EM_PAIRS_START \
  "1:\n\t" EM_PAIRS_SUMS EM_PAIRS_ALL_APART EM_PAIRS_CONSTANTS \
  EM_PAIRS_MAX("r4", "r5") EM_PAIRS_MAX("r6", "r7") \
  EM_PAIRS_MAX("r8", "r9") EM_PAIRS_MAX("r10", "r11") \
  EM_PAIRS_MAX("r4", "r8") EM_PAIRS_MAX("r6", "r10") finish("r4") finish("r6") \
  "ldrd r0, r12, [sp, #44]\n\t" \
  "strb.w r6, [r0, r12]\n\t" \
  "strb.w r4, [r0], #1\n" \
  "3:\n\t" EM_PAIRS_NEXT

EM_NAKED void em_pairs_pixels(const em_pairs_job *job EM_UNUSED)
{
  __asm__(EM_PAIRS_PIXELS_LOOP(EM_PAIRS_FINISH));
}

EM_NAKED void em_pairs_pixels_rectified(const em_pairs_job *job EM_UNUSED)
{
  __asm__(EM_PAIRS_PIXELS_LOOP(EM_PAIRS_FINISH_RECTIFIED));
}

EM_NAKED void em_pairs_pooled(const em_pairs_job *job EM_UNUSED)
{
  __asm__(EM_PAIRS_POOLED_LOOP(EM_PAIRS_FINISH));
}

EM_NAKED void em_pairs_pooled_rectified(const em_pairs_job *job EM_UNUSED)
{
  __asm__(EM_PAIRS_POOLED_LOOP(EM_PAIRS_FINISH_RECTIFIED));
}
#endif

#endif
