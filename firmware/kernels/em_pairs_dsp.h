/* Sums and outputs of channel pairs on Cortex-M4, M7 and M33, for em_dot_dsp.h, which says how
 * weights and strips lie.
 *
 * All of it is assembly that owns every register but the stack pointer: for two pixels and a pair
 * of channels there are 4 sums, 4 words of activations, 2 of weights, 2 of their low bytes' and 3
 * pointers, and of the compilers tried (gcc 12, clang 20) each puts some on the stack, 42
 * instructions for 32 products instead of 24. So it takes as many instructions with every compiler
 * and at every level of optimisation, and there is one copy for all layers.
 *
 * A loop (em_two_pixels, em_one_pixel) is called with a job. Once it has a pair's sums it goes on
 * at the job's `ending`, which does something with them and goes on with the loop for the next
 * pair, or returns to the loop's caller. Of the job, the loop has copied to the stack what each
 * pair of channels needs:
 *
 *   sp + 0 channel   4 shift   8 out   12 unit   16 distance   20 channel_end   24 x   28 x_end
 *                    32 ending
 *      36 where a window starts   40 the job's `state`   44 where its first round goes on after
 *                                 that
 *
 * Registers: r0 x, r1 weights, r2 where x ends; sums of pixel a: r3 both channels, r11 the low one;
 * of b: r12, lr. Whole sums, as em_whole_sums and em_long_sums hand them on, are the high channel's
 * where both's were.
 */
#ifndef EM_PAIRS_DSP_H
#define EM_PAIRS_DSP_H

#include "em_dsp.h"

/* The high channel's sum has 24 bits, so that many elements at most are added up before the two
 * channels are taken apart: 512 products of -128 and -128 are one too many. That many groups of 4
 * are whole rounds of both loops.
 */
enum { EM_ROUND_GROUPS = 120 };

#if EM_DSP

typedef void em_code(void);

typedef struct {
  int32_t best[2];    /* pool: the largest sums so far, high and low */
  const int8_t *x;    /* pool: where the last window's strip ends */
  int32_t x_bytes;    /* of a window's first round */
  int32_t weight_bytes; /* of a pair of channels */
  em_code *head;      /* the loop's own: where a round of whole steps starts */
  em_code *ending;    /* what to do with whole sums */
  int32_t left;       /* rounds that are still to be done, and how many there are after the first;
                       * of so many bytes */
  int32_t rounds;
  int32_t round_bytes;
  int32_t sums[4];    /* of earlier rounds, zero in the beginning: high and low of a, of b */
} em_state;

typedef struct {
  const int8_t *weights;
  const em_channel *channel;
  const int8_t *shift;
  void *out; /* of pixel a: int8, or int32[4] for em_keep_sums */
  int32_t unit; /* 2 * zero_point + 1 */
  int32_t distance; /* bytes from a's output to b's; of em_one_pixel: whether its first round has
                     * half a step too */
  const void *channel_end;
  const int8_t *x;
  const int8_t *x_end; /* of the first round */
  em_code *ending;
  int32_t skipped; /* of the loop's steps, in its first round, when the sums have started */
  em_state state;
} em_job;

/* ADR counts from a multiple of 4, where such functions start. */
/* Two pixels, four elements: 16 products. The first of a window starts the sums. */
#define EM_TWO_LOAD                                                                                \
  "ldmia.w r0!, {r4-r7}\n\t"                                                                       \
  "ldrd r8, r9, [r1], #8\n\t"
#define EM_TWO_HALF(a, b, w)                                                                       \
  "sxtb16 r10, " w "\n\t"                                                                          \
  "smlad r3, " a ", " w ", r3\n\t"                                                                 \
  "smlad r11, " a ", r10, r11\n\t"                                                                 \
  "smlad r12, " b ", " w ", r12\n\t"                                                               \
  "smlad lr, " b ", r10, lr\n\t"
#define EM_TWO_FIRST_HALF                                                                          \
  "sxtb16 r10, r8\n\t"                                                                             \
  "smuad r3, r4, r8\n\t"                                                                           \
  "smuad r11, r4, r10\n\t"                                                                         \
  "smuad r12, r5, r8\n\t"                                                                          \
  "smuad lr, r5, r10\n\t"
#define EM_TWO_STEP EM_TWO_LOAD EM_TWO_HALF("r4", "r5", "r8") EM_TWO_HALF("r6", "r7", "r9")

/* One pixel: the products of the words `x` and `w` of activations and weights. */
#define EM_ONE_WORD(x, w)                                                                          \
  "smlad r3, " x ", " w ", r3\n\t"                                                                 \
  "sxtb16 " w ", " w "\n\t"                                                                        \
  "smlad r11, " x ", " w ", r11\n\t"

/* One pixel, eight elements: 16 products. */
#define EM_ONE_STEP                                                                                \
  "ldmia.w r0!, {r4-r7}\n\t"                                                                       \
  "ldmia.w r1!, {r8-r10, r12}\n\t"                                                                 \
  EM_ONE_WORD("r4", "r8") EM_ONE_WORD("r5", "r9") EM_ONE_WORD("r6", "r10") EM_ONE_WORD("r7", "r12")

/* What goes round in a loop; six steps of one pixel, since the parts of a long row
 * (EM_PART_ELEMENTS) have few more. */
enum { EM_TWO_STEPS = 4, EM_ONE_STEPS = EM_SIZE ? 4 : 6 };
#if EM_SIZE
#define EM_MORE_STEPS
#else
#define EM_MORE_STEPS EM_ONE_STEP EM_ONE_STEP
#endif

/* On to the next pair, if r0, which has passed what belongs to the one that is done, is not r6. */
#define EM_NEXT                                                                                    \
  "cmp r0, r6\n\t"                                                                                 \
  "beq 9f\n\t"                                                                                     \
  "ldrd r0, r2, [sp, #24]\n\t"                                                                     \
  "ldr.w pc, [sp, #36]\n"                                                                          \
  "9:\n\t"                                                                                         \
  EM_RETURN
#define EM_RETURN                                                                                  \
  "add sp, #48\n\t"                                                                                \
  "pop {r4-r11, pc}"

/* `high` is the shift that makes twice the high channel's sum of what r3 and r12 are. */
#define EM_LOAD_CHANNELS                                                                           \
  "ldmia sp, {r0, r2, r4, r6}\n\t"                                                                 \
  "ldmia r0!, {r7-r10}\n\t"                                                                        \
  "lsl r7, r7, #1\n\t"                                                                             \
  "lsl r9, r9, #1\n\t"
#define EM_ADD_BIAS(high, low, shift)                                                              \
  "add.w " low ", r7, " low ", lsl #1\n\t"                                                         \
  "add.w " high ", r9, " high ", " shift "\n\t"

/* Leaves the next channel's shift, less one, in r7 and the rounding in r9. */
#define EM_LOAD_SHIFT                                                                              \
  "ldrb r7, [r2], #1\n\t"                                                                          \
  "sub r7, #1\n\t"                                                                                 \
  "lsl.w r9, r6, r7\n\t"

/* em_requantise of `sum`, which is doubled, and em_clamp. */
#define EM_FINISH(sum, multiplier)                                                                 \
  "add.w r5, r9, " sum ", asr #31\n\t"                                                             \
  "smmlar " sum ", " sum ", " multiplier ", r5\n\t"                                                \
  "asr.w " sum ", " sum ", r7\n\t"                                                                 \
  "ssat " sum ", #8, " sum ", asr #1\n\t"

#define EM_FINISH_TWO(shift)                                                                       \
  EM_LOAD_CHANNELS                                                                                 \
  EM_ADD_BIAS("r3", "r11", shift) EM_ADD_BIAS("r12", "lr", shift)                                  \
  EM_LOAD_SHIFT EM_FINISH("r11", "r8") EM_FINISH("lr", "r8")                                       \
  EM_LOAD_SHIFT EM_FINISH("r3", "r10") EM_FINISH("r12", "r10")                                     \
  "ldrd r5, r6, [sp, #16]\n\t"                                                                     \
  "strb lr, [r4, r5]\n\t"                                                                          \
  "strb r11, [r4], #1\n\t"                                                                         \
  "strb r12, [r4, r5]\n\t"                                                                         \
  "strb r3, [r4], #1\n\t"                                                                          \
  "stmia sp, {r0, r2, r4}\n\t"                                                                     \
  EM_NEXT

#define EM_FINISH_ONE(shift)                                                                       \
  EM_LOAD_CHANNELS                                                                                 \
  EM_ADD_BIAS("r3", "r11", shift)                                                                  \
  EM_LOAD_SHIFT EM_FINISH("r11", "r8")                                                             \
  EM_LOAD_SHIFT EM_FINISH("r3", "r10")                                                             \
  "ldr r6, [sp, #20]\n\t"                                                                          \
  "strb r11, [r4], #1\n\t"                                                                         \
  "strb r3, [r4], #1\n\t"                                                                          \
  "stmia sp, {r0, r2, r4}\n\t"                                                                     \
  EM_NEXT

#define EM_MAX(a, b)                                                                               \
  "cmp " a ", " b "\n\t"                                                                           \
  "it lt\n\t"                                                                                      \
  "movlt " a ", " b "\n\t"

/* The larger of both pixels' sums and of those before. More windows: the same pair's weights once
 * more. */
#define EM_FINISH_POOL(shift)                                                                      \
  "ldr r4, [sp, #40]\n\t"                                                                          \
  "ldmia r4, {r5-r9}\n\t"                                                                          \
  EM_MAX("r3", "r12") EM_MAX("r11", "lr")                                                          \
  EM_MAX("r3", "r5") EM_MAX("r11", "r6")                                                           \
  "cmp r0, r7\n\t"                                                                                 \
  "beq 1f\n\t"                                                                                     \
  "stmia r4, {r3, r11}\n\t"                                                                        \
  "sub.w r1, r1, r9\n\t"                                                                           \
  "add.w r2, r0, r8\n\t"                                                                           \
  "ldr.w pc, [sp, #36]\n"                                                                          \
  "1:\n\t"                                                                                         \
  "mov r5, #0x80000000\n\t"                                                                        \
  "mov r6, r5\n\t"                                                                                 \
  "stmia r4, {r5, r6}\n\t"                                                                         \
  EM_FINISH_ONE(shift)

EM_NAKED void em_two_pixels(em_job *job __attribute__((unused)))
{
  __asm__("push {r4-r11, lr}\n\t"
          "ldmia.w r0, {r1-r11}\n\t"
          "add.w r12, r0, #44\n\t"
          "adr.w lr, 1f\n\t"
          "orr lr, lr, #1\n\t"
          "str lr, [r12, #20]\n\t"
          "add.w r11, r11, r11, lsl #1\n\t" /* a step is 48 bytes long */
          "add.w lr, lr, r11, lsl #4\n\t"
          "adr.w r11, 2f\n\t"
          "orr r11, r11, #1\n\t"
          "push {r2-r12, lr}\n\t"
          "mov r0, r8\n\t"
          "mov r2, r9\n"
          "2:\n\t" EM_TWO_LOAD EM_TWO_FIRST_HALF EM_TWO_HALF("r6", "r7", "r9")
          "ldr.w pc, [sp, #44]\n"
          "1:\n\t" EM_TWO_STEP EM_TWO_STEP EM_TWO_STEP EM_TWO_STEP
          "cmp r0, r2\n\t"
          "bne.w 1b\n\t"
          "ldr.w pc, [sp, #32]");
}

EM_NAKED void em_one_pixel(em_job *job __attribute__((unused)))
{
  __asm__("push {r4-r11, lr}\n\t"
          "ldmia.w r0, {r1-r11}\n\t"
          "add.w r12, r0, #44\n\t"
          "adr.w lr, 1f\n\t"
          "orr lr, lr, #1\n\t"
          "str lr, [r12, #20]\n\t"
          "rsb r11, r11, r11, lsl #3\n\t" /* a step is 56 bytes long */
          "add.w lr, lr, r11, lsl #3\n\t"
          "adr.w r11, 2f\n\t"
          "cbnz r6, 3f\n\t"
          "adr.w r11, 4f\n"
          "3:\n\t"
          "orr r11, r11, #1\n\t"
          "push {r2-r12, lr}\n\t"
          "mov r0, r8\n\t"
          "mov r2, r9\n\t"
          "bx r11\n"
          "2:\n\t" /* half a step, and that with which the sums start */
          "ldrd r4, r5, [r0], #8\n\t"
          "ldrd r8, r9, [r1], #8\n\t"
          "smuad r3, r4, r8\n\t"
          "sxtb16 r8, r8\n\t"
          "smuad r11, r4, r8\n\t"
          EM_ONE_WORD("r5", "r9")
          "ldr.w pc, [sp, #44]\n"
          "4:\n\t"
          "mov r3, #0\n\t"
          "mov r11, #0\n\t"
          "ldr.w pc, [sp, #44]\n"
          "1:\n\t" EM_ONE_STEP EM_ONE_STEP EM_ONE_STEP EM_ONE_STEP EM_MORE_STEPS
          "cmp r0, r2\n\t"
          "bne.w 1b\n\t"
          "ldr.w pc, [sp, #32]");
}

/* Requantise and store two pixels' outputs, one's, or those of a pool: of sums as the loop leaves
 * them. */
EM_NAKED void em_finish_two(void)
{
  __asm__("sub.w r3, r3, r11\n\t"
          "sub.w r12, r12, lr\n\t"
          EM_FINISH_TWO("asr #7"));
}

EM_NAKED void em_finish_one(void)
{
  __asm__("sub.w r3, r3, r11\n\t"
          EM_FINISH_ONE("asr #7"));
}

EM_NAKED void em_finish_pool(void)
{
  __asm__("sub.w r3, r3, r11\n\t"
          "sub.w r12, r12, lr\n\t"
          EM_FINISH_POOL("asr #7"));
}

/* The same of whole sums. */
EM_NAKED void em_finish_whole_two(void)
{
  __asm__(EM_FINISH_TWO("lsl #1"));
}

EM_NAKED void em_finish_whole_one(void)
{
  __asm__(EM_FINISH_ONE("lsl #1"));
}

EM_NAKED void em_finish_whole_pool(void)
{
  __asm__(EM_FINISH_POOL("lsl #1"));
}

/* Stores the whole sums of one pair, high and low of a and of b, and returns. */
EM_NAKED void em_keep_sums(void)
{
  __asm__("ldr r4, [sp, #8]\n\t"
          "stmia r4, {r3, r11, r12, lr}\n\t"
          EM_RETURN);
}

/* Adds one pixel's sums to those at `out`, low and high of each pair, up to `channel_end`. The next
 * pair's weights lie `unit` bytes further on.
 */
EM_NAKED void em_add_sums(void)
{
  __asm__("sub.w r3, r3, r11\n\t"
          "ldrd r0, r2, [sp, #8]\n\t"
          "ldr r6, [sp, #20]\n\t"
          "add r1, r2\n\t"
          "ldrd r4, r5, [r0]\n\t"
          "add.w r4, r4, r11\n\t"
          "add.w r5, r5, r3, asr #8\n\t"
          "strd r4, r5, [r0], #8\n\t"
          "str r0, [sp, #8]\n\t"
          EM_NEXT);
}

/* Hands the sums of a window's last or only round on as whole ones, with those of the rounds
 * before. */
EM_NAKED void em_long_sums(void)
{
  __asm__("sub.w r3, r3, r11\n\t"
          "sub.w r12, r12, lr\n\t"
          "asr.w r3, r3, #8\n\t"
          "asr.w r12, r12, #8\n\t"
          "ldr r4, [sp, #40]\n\t"
          "add.w r5, r4, #40\n\t"
          "ldmia r5, {r6-r9}\n\t"
          "add.w r3, r3, r6\n\t"
          "add.w r11, r11, r7\n\t"
          "add.w r12, r12, r8\n\t"
          "add.w lr, lr, r9\n\t"
          "ldr r6, [r4, #28]\n\t"
          "cbz r6, 1f\n\t"
          "sub r6, #1\n\t"
          "str r6, [r4, #28]\n\t"
          "stmia r5, {r3, r11, r12, lr}\n\t"
          "ldr r2, [r4, #36]\n\t"
          "add r2, r0\n\t"
          "mov r3, #0\n\t"
          "mov r11, #0\n\t"
          "mov r12, #0\n\t"
          "mov lr, #0\n\t"
          "ldr.w pc, [r4, #20]\n"
          "1:\n\t"
          "ldr r7, [r4, #32]\n\t"
          "str r7, [r4, #28]\n\t"
          "mov r7, r6\n\t"
          "mov r8, r6\n\t"
          "mov r9, r6\n\t"
          "stmia r5, {r6-r9}\n\t"
          "ldr.w pc, [r4, #24]");
}
#endif

#endif
