/* em_own_channels and em_own_pooled for Cortex-M55 and M85, with the vector instructions of
 * Armv8.1-M.
 *
 * A channel's weights are in chunks of 16. The first one holds what is left over when the others
 * are full: its elements are the last ones of the vector, zeros before them. Four channels' chunks
 * stand side by side, chunk by chunk; the up to three channels left over are packed by themselves.
 * Windows are one run of elements (em_window_mve.h sees to that), are read where they are, and no
 * byte beside them is.
 *
 * Four channels and two pixels at once give eight sums, for which there are just as many registers
 * that VMLADAV can add to: 14 instructions for 128 products. Compilers put such sums on the stack,
 * so that the loops are written as a whole; they are the same code for all layers.
 */
#ifndef EM_DOT_MVE_H
#define EM_DOT_MVE_H

#define EM_OWN_CHANNELS 1
#define EM_OWN_PAIRS 1

enum { EM_CHUNK = 16 };

/* Elements that a channel's weights take. */
#define EM_CHANNEL_BYTES(length) (((length) + EM_CHUNK - 1) / EM_CHUNK * EM_CHUNK)

/* Fours of channels at pixels that lie evenly: what the loops below work on. `x` are where the
 * first chunk of each pixel would start if it were full. Offsets are known to the loops.
 */
typedef struct {
  const int8_t *x0;          /*  0 */
  const int8_t *x1;          /*  4 */
  const int8_t *weights;     /*  8 */
  const em_channel *channel; /* 12 */
  const int8_t *shift;       /* 16 */
  int8_t *out;               /* 20 */
  int32_t count;             /* 24: channels, a multiple of 4, at least 4 */
  int32_t pitch;             /* 28: from the first pixel's outputs to the second's */
  int32_t rest;              /* 32: chunks behind the first */
  int32_t skipped;           /* 36: lanes of the first chunk before its elements */
  const em_output *output;   /* 40 */
  int32_t times;             /* 44: pixels or pairs, or with a pool the pairs of which the largest
                              * is taken */
  int32_t x_step;            /* 48: from one to the next */
  int32_t out_step;          /* 52 */
  const int8_t *const *list; /* 56: with a pool, x0 and x1 of each pair */
  int32_t entry;             /* 60: bytes from where the first round is entered to its end, less
                              * 1 */
} em_quads;

enum { EM_ONE_CHUNK_BYTES = 36, EM_TWO_CHUNKS_BYTES = 56, EM_ROUND_END_BYTES = 8 }; /* of code */

#if defined(__ARM_FEATURE_MVE)

/* The products of a chunk with the first pixel alone: sums in r0, r4, r8, r12; with `a` added to
 * what is there. */
#define EM_ONE_CHUNK(a)             \
  "vldrb.8 q2, [r1], #16\n\t"       \
  "vmladav" a ".s8 r0, q0, q2\n\t"  \
  "vldrb.8 q3, [r1], #16\n\t"       \
  "vmladav" a ".s8 r4, q0, q3\n\t"  \
  "vldrb.8 q2, [r1], #16\n\t"       \
  "vmladav" a ".s8 r8, q0, q2\n\t"  \
  "vldrb.8 q3, [r1], #16\n\t"       \
  "vmladav" a ".s8 r12, q0, q3\n\t"

/* With both: the second one's sums in r2, r6, r10, lr. */
#define EM_TWO_CHUNKS(a)            \
  "vldrb.8 q2, [r1], #16\n\t"       \
  "vmladav" a ".s8 r0, q0, q2\n\t"  \
  "vldrb.8 q3, [r1], #16\n\t"       \
  "vmladav" a ".s8 r2, q1, q2\n\t"  \
  "vmladav" a ".s8 r4, q0, q3\n\t"  \
  "vldrb.8 q2, [r1], #16\n\t"       \
  "vmladav" a ".s8 r6, q1, q3\n\t"  \
  "vmladav" a ".s8 r8, q0, q2\n\t"  \
  "vldrb.8 q3, [r1], #16\n\t"       \
  "vmladav" a ".s8 r10, q1, q2\n\t" \
  "vmladav" a ".s8 r12, q0, q3\n\t" \
  "vmladav" a ".s8 lr, q1, q3\n\t"

#define EM_ONE_FULL "vldrb.8 q0, [r3], #16\n\t" EM_ONE_CHUNK("a")
#define EM_TWO_FULL "vldrb.8 q0, [r3], #16\n\tvldrb.8 q1, [r5], #16\n\t" EM_TWO_CHUNKS("a")
#define EM_FOUR_TIMES(text) text text text text

/* All chunks of one pixel or of two, from r3 (and r5) and r1. The rest is done in rounds of four,
 * of which the first one is entered where it leaves as many as there are, or behind it: at the
 * address at sp + 12, for sp + 8 rounds. */
#define EM_ONE_WINDOW                                                                              \
  "vpst\n\t"                                                                                       \
  "vldrbt.8 q0, [r3], #16\n\t" EM_ONE_CHUNK("")                                                    \
  "ldr r11, [sp, #8]\n\t"                                                                          \
  "ldr pc, [sp, #12]\n"                                                                            \
  "2:\n\t" EM_FOUR_TIMES(EM_ONE_FULL)                                                              \
  "3:\n\tsubs r11, r11, #1\n\tbne.w 2b\n\t"
#define EM_TWO_WINDOWS                                                                             \
  "vpstt\n\t"                                                                                      \
  "vldrbt.8 q0, [r3], #16\n\t"                                                                     \
  "vldrbt.8 q1, [r5], #16\n\t" EM_TWO_CHUNKS("")                                                   \
  "ldr r11, [sp, #8]\n\t"                                                                          \
  "ldr pc, [sp, #12]\n"                                                                            \
  "2:\n\t" EM_FOUR_TIMES(EM_TWO_FULL)                                                              \
  "3:\n\tsubs r11, r11, #1\n\tbne.w 2b\n\t"

/* From em_quads at r0: on the stack, from sp on, x0, x1, rounds, where they are entered, shifts'
 * distance from the outputs, the outputs' end, zero point, em_quads; r1 weights, r9 channels, r7
 * outputs, q6 and q7 the output's limits. */
#define EM_QUADS_START                              \
  "push {r4-r11, lr}\n\t"                           \
  "vpush {d8-d15}\n\t"                              \
  "sub sp, sp, #40\n\t"                             \
  "ldr r2, [r0, #32]\n\t"                           \
  "adds r2, r2, #3\n\t"                             \
  "lsrs r2, r2, #2\n\t"                             \
  "adr.w r3, 3f\n\t"                                \
  "ldr r4, [r0, #60]\n\t"                           \
  "subs r3, r3, r4\n\t"                             \
  "strd r2, r3, [sp, #8]\n\t"                       \
  "ldrd r4, r7, [r0, #16]\n\t"                     \
  "sub r4, r4, r7\n\t"                             \
  "ldr r5, [r0, #24]\n\t"                           \
  "add r5, r5, r7\n\t"                             \
  "strd r4, r5, [sp, #16]\n\t"                      \
  "ldr r4, [r0, #40]\n\t"                           \
  "ldrsh r5, [r4]\n\t"                              \
  "strd r5, r0, [sp, #24]\n\t"                      \
  "ldrsh r5, [r4, #2]\n\t"                          \
  "vdup.16 q6, r5\n\t"                              \
  "ldrsh r5, [r4, #4]\n\t"                          \
  "vdup.16 q7, r5\n\t"                              \
  "ldr r4, [r0, #36]\n\t"                           \
  "vctp.8 r4\n\t"                                   \
  "vpnot\n\t"                                       \
  "ldrd r1, r9, [r0, #8]\n\t"                       \
  "ldrd r2, r3, [r0]\n\t"                           \
  "strd r2, r3, [sp]\n\t"
#define EM_QUADS_END     \
  "add sp, sp, #40\n\t"  \
  "vpop {d8-d15}\n\t"    \
  "pop {r4-r11, pc}\n\t"

/* Biases, multipliers and shifts of the four channels into q0, q1, q2; r2 is the outputs' end, r4
 * the zero point. Then `biases` adds the former to the sums.
 */
#define EM_QUAD_CHANNELS            \
  "ldrd r0, r2, [sp, #16]\n\t"      \
  "add r0, r0, r7\n\t"             \
  "vldrb.s32 q2, [r0]\n\t"          \
  "vld20.32 {q0, q1}, [r9]\n\t"     \
  "vld21.32 {q0, q1}, [r9]!\n\t"    \
  "ldr r4, [sp, #24]\n\t"

/* The sums in q3 (and q4) with their biases, ready for the scaling: as em_requantise takes them,
 * with shifts to the left in q2, or as em_multiply_any does, shifted to the left where they are to
 * be, with the other shifts in q2.
 */
#define EM_BIAS(sums) "vadd.i32 " sums ", " sums ", q0\n\t"
#define EM_SHIFT_UP(sums) "vshl.s32 " sums ", " sums ", q0\n\t"
#define EM_READY_FAST(each) each(EM_BIAS) "vneg.s32 q2, q2\n\t"
#define EM_READY_ANY(each)          \
  each(EM_BIAS)                     \
  "vmov.i32 q0, #0\n\t"             \
  "vmax.s32 q0, q0, q2\n\t"         \
  each(EM_SHIFT_UP)                 \
  "vmov.i32 q0, #0\n\t"             \
  "vmin.s32 q2, q2, q0\n\t"
#define EM_OF_ONE(what) what("q3")
#define EM_OF_TWO(what) what("q3") what("q4")

/* em_requantise of sums, without the zero point. */
#define EM_SCALE_FAST(to, sums)             \
  "vqrdmulh.s32 " to ", " sums ", q1\n\t"   \
  "vshr.s32 " sums ", " sums ", #31\n\t"    \
  "vadd.i32 " to ", " to ", " sums "\n\t"   \
  "vrshl.s32 " to ", " to ", q2\n\t"
/* em_multiply_any: what rounds ties away from zero is the sign of the product, where there is a
 * shift to the right. */
#define EM_SCALE_ANY(to, sums)              \
  "vqrdmulh.s32 " to ", " sums ", q1\n\t"   \
  "vand " sums ", " to ", q2\n\t"           \
  "vshr.s32 " sums ", " sums ", #31\n\t"    \
  "vqadd.s32 " to ", " to ", " sums "\n\t"  \
  "vrshl.s32 " to ", " to ", q2\n\t"
/* Zero point and limits, of 16-bit numbers in q0. */
#define EM_QUAD_LIMIT           \
  "vqadd.s16 q0, q0, r4\n\t"    \
  "vmax.s16 q0, q0, q6\n\t"     \
  "vmin.s16 q0, q0, q7\n\t"
/* Requantises and stores the sums in q3, of one pixel, or in q3 and q4, of two. */
#define EM_STORE_ONE(ready, scale)  \
  ready(EM_OF_ONE)                  \
  scale("q0", "q3")                 \
  "vqmovnb.s32 q0, q0\n\t"          \
  EM_QUAD_LIMIT                     \
  "vstrb.32 q0, [r7], #4\n\t"
#define EM_STORE_TWO(ready, scale)  \
  ready(EM_OF_TWO)                  \
  scale("q0", "q3")                 \
  scale("q3", "q4")                 \
  "vqmovnb.s32 q0, q0\n\t"          \
  "vqmovnt.s32 q0, q3\n\t"          \
  EM_QUAD_LIMIT                     \
  "vstrb.16 q0, [r7, q5]\n\t"       \
  "adds r7, r7, #4\n\t"

/* On to the next pixel or pair: back to the first channel, unless it was the last. r2 is the
 * outputs' end. */
#define EM_QUADS_NEXT               \
  "ldr r0, [sp, #28]\n\t"           \
  "ldr r4, [r0, #44]\n\t"           \
  "subs r4, r4, #1\n\t"             \
  "beq 5f\n\t"                      \
  "str r4, [r0, #44]\n\t"           \
  "ldrd r4, r6, [r0, #48]\n\t"      \
  "ldrd r3, r5, [sp]\n\t"           \
  "add r3, r3, r4\n\t"              \
  "add r5, r5, r4\n\t"              \
  "strd r3, r5, [sp]\n\t"           \
  "ldr r4, [sp, #16]\n\t"           \
  "sub r4, r4, r6\n\t"              \
  "add r2, r2, r6\n\t"              \
  "strd r4, r2, [sp, #16]\n\t"      \
  "ldr r4, [r0, #24]\n\t"           \
  "sub r7, r2, r4\n\t"             \
  "ldrd r1, r9, [r0, #8]\n\t"       \
  "b 1b\n"                          \
  "5:\n\t"

/* All channels of `times` pairs of pixels. q5 holds where the outputs go: channel by channel the
 * first and second pixel's. */
#define EM_QUADS_OF_PAIRS(ready, scale)     \
  EM_QUADS_START                            \
  "movs r2, #0\n\t"                         \
  "vidup.u32 q5, r2, #1\n\t"                \
  "mov r4, #0x10001\n\t"                    \
  "vmul.i32 q5, q5, r4\n\t"                 \
  "ldr r4, [r0, #28]\n\t"                   \
  "lsls r4, r4, #16\n\t"                    \
  "vadd.i32 q5, q5, r4\n"                   \
  "1:\n\t"                                  \
  "ldrd r3, r5, [sp]\n\t"                   \
  EM_TWO_WINDOWS                            \
  "vmov q3[2], q3[0], r0, r8\n\t"           \
  "vmov q3[3], q3[1], r4, r12\n\t"          \
  "vmov q4[2], q4[0], r2, r10\n\t"          \
  "vmov q4[3], q4[1], r6, lr\n\t"           \
  EM_QUAD_CHANNELS                          \
  EM_STORE_TWO(ready, scale)                \
  "cmp r7, r2\n\t"                          \
  "bne 1b\n\t"                              \
  EM_QUADS_NEXT                             \
  EM_QUADS_END

/* All channels of `times` pixels. */
#define EM_QUADS_OF_PIXELS(ready, scale)    \
  EM_QUADS_START                            \
  "1:\n\t"                                  \
  "ldr r3, [sp]\n\t"                        \
  EM_ONE_WINDOW                             \
  "vmov q3[2], q3[0], r0, r8\n\t"           \
  "vmov q3[3], q3[1], r4, r12\n\t"          \
  EM_QUAD_CHANNELS                          \
  EM_STORE_ONE(ready, scale)                \
  "cmp r7, r2\n\t"                          \
  "bne 1b\n\t"                              \
  EM_QUADS_NEXT                             \
  EM_QUADS_END

/* All channels of one pixel, each the largest of `times` pairs: q4 is what there is of them. The
 * list is walked in r9, and where the weights and the channels stand is put down at sp + 32.
 */
#define EM_QUADS_POOLED(ready, scale)       \
  EM_QUADS_START                            \
  "strd r1, r9, [sp, #32]\n\t"              \
  "ldr r4, [r0, #44]\n\t"                   \
  "ldr r2, [r0, #56]\n\t"                   \
  "add r4, r2, r4, lsl #3\n\t"              \
  "strd r2, r4, [sp]\n"                     \
  "1:\n\t"                                  \
  "ldr r9, [sp]\n\t"                        \
  "vmov.i32 q4, #0x80000000\n"              \
  "6:\n\t"                                  \
  "ldrd r3, r5, [r9], #8\n\t"               \
  "ldr r1, [sp, #32]\n\t"                   \
  EM_TWO_WINDOWS                            \
  "vmov q3[2], q3[0], r0, r8\n\t"           \
  "vmov q3[3], q3[1], r4, r12\n\t"          \
  "vmov q2[2], q2[0], r2, r10\n\t"          \
  "vmov q2[3], q2[1], r6, lr\n\t"           \
  "vmax.s32 q4, q4, q3\n\t"                 \
  "vmax.s32 q4, q4, q2\n\t"                 \
  "ldr r0, [sp, #4]\n\t"                    \
  "cmp r9, r0\n\t"                          \
  "bne 6b\n\t"                              \
  "ldr r9, [sp, #36]\n\t"                   \
  "vmov q3, q4\n\t"                         \
  EM_QUAD_CHANNELS                          \
  EM_STORE_ONE(ready, scale)                \
  "strd r1, r9, [sp, #32]\n\t"              \
  "cmp r7, r2\n\t"                          \
  "bne 1b\n\t"                              \
  EM_QUADS_END

EM_NAKED void em_quads_of_pairs(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_OF_PAIRS(EM_READY_FAST, EM_SCALE_FAST));
}

EM_NAKED void em_quads_of_pairs_any(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_OF_PAIRS(EM_READY_ANY, EM_SCALE_ANY));
}

EM_NAKED void em_quads_of_pixels(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_OF_PIXELS(EM_READY_FAST, EM_SCALE_FAST));
}

EM_NAKED void em_quads_of_pixels_any(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_OF_PIXELS(EM_READY_ANY, EM_SCALE_ANY));
}

EM_NAKED void em_quads_pooled(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_POOLED(EM_READY_FAST, EM_SCALE_FAST));
}

EM_NAKED void em_quads_pooled_any(em_quads *quads EM_UNUSED)
{
  __asm__(EM_QUADS_POOLED(EM_READY_ANY, EM_SCALE_ANY));
}

EM_INLINE void em_do_pairs(em_quads *quads, const int rounding)
{
  if (rounding == EM_ROUND_FAST) {
    em_quads_of_pairs(quads);
  } else {
    em_quads_of_pairs_any(quads);
  }
}

EM_INLINE void em_do_pixels(em_quads *quads, const int rounding)
{
  if (rounding == EM_ROUND_FAST) {
    em_quads_of_pixels(quads);
  } else {
    em_quads_of_pixels_any(quads);
  }
}

EM_INLINE void em_do_pooled(em_quads *quads, const int rounding)
{
  if (rounding == EM_ROUND_FAST) {
    em_quads_pooled(quads);
  } else {
    em_quads_pooled_any(quads);
  }
}

/* The sum of one channel's products at one window, its bias left out; its chunks are `step`
 * apart. */
#define EM_SUM_CHUNKS(step)                                                                        \
  __asm__ volatile("vctp.8 %[skipped]\n\t"                                                         \
          "vpnot\n\t"                                                                              \
          "vpst\n\t"                                                                               \
          "vldrbt.8 q0, [%[x]], #16\n\t"                                                           \
          "vldrb.8 q1, [%[w]], #" step "\n\t"                                                      \
          "vmladav.s8 %[sum], q0, q1\n\t"                                                          \
          "wls lr, %[rest], 2f\n"                                                                  \
          "1:\n\t"                                                                                 \
          "vldrb.8 q0, [%[x]], #16\n\t"                                                            \
          "vldrb.8 q1, [%[w]], #" step "\n\t"                                                      \
          "vmladava.s8 %[sum], q0, q1\n\t"                                                         \
          "le lr, 1b\n"                                                                            \
          "2:"                                                                                     \
          : [x] "+r"(x), [w] "+r"(weights), [sum] "=&Te"(sum)                                      \
          : [skipped] "r"(skipped), [rest] "r"(rest)                                               \
          : "q0", "q1", "lr", "cc", "memory")

EM_PART int32_t em_sum_channel(const int8_t *x, const int8_t *weights, int rest, int skipped,
                               int step)
{
  int32_t sum;
  x -= skipped;
  if (step == EM_CHUNK) {
    EM_SUM_CHUNKS("16");
  } else {
    EM_SUM_CHUNKS("64");
  }
  return sum;
}
#else
EM_PART int32_t em_sum_channel(const int8_t *x, const int8_t *weights, int rest, int skipped,
                               int step)
{
  int32_t sum = 0;
  for (int i = skipped; i < EM_CHUNK; ++i) sum += weights[i] * x[i - skipped];
  for (int chunk = 1; chunk <= rest; ++chunk) {
    weights += step;
    for (int i = 0; i < EM_CHUNK; ++i) sum += weights[i] * x[chunk * EM_CHUNK + i - skipped];
  }
  return sum;
}

EM_INLINE int32_t em_quad_sum(const em_quads *q, const int8_t *x, int channel)
{
  const int8_t *const weights =
      q->weights + (channel / 4 * (q->rest + 1) * 4 + channel % 4) * EM_CHUNK;
  return em_sum_channel(x + q->skipped, weights, q->rest, q->skipped, 4 * EM_CHUNK) +
      q->channel[channel].bias;
}

EM_INLINE void em_quad_finish(const em_quads *q, int32_t sum, int channel, int8_t *out,
                              const int rounding)
{
  out[channel] =
      em_finish(sum, q->channel[channel].multiplier, q->shift[channel], q->output, rounding);
}

EM_PART void em_do_pixels(em_quads *q, const int rounding)
{
  for (int i = 0; i < q->times; ++i) {
    for (int c = 0; c < q->count; ++c) {
      em_quad_finish(q, em_quad_sum(q, q->x0 + i * q->x_step, c), c, q->out + i * q->out_step,
                     rounding);
    }
  }
}

EM_PART void em_do_pairs(em_quads *q, const int rounding)
{
  for (int i = 0; i < q->times; ++i) {
    for (int c = 0; c < q->count; ++c) {
      int8_t *const out = q->out + i * q->out_step;
      em_quad_finish(q, em_quad_sum(q, q->x0 + i * q->x_step, c), c, out, rounding);
      em_quad_finish(q, em_quad_sum(q, q->x1 + i * q->x_step, c), c, out + q->pitch, rounding);
    }
  }
}

EM_PART void em_do_pooled(em_quads *q, const int rounding)
{
  for (int c = 0; c < q->count; ++c) {
    int32_t best = em_quad_sum(q, q->list[0], c);
    for (int i = 1; i < 2 * q->times; ++i) {
      const int32_t sum = em_quad_sum(q, q->list[i], c);
      best = sum > best ? sum : best;
    }
    em_quad_finish(q, best, c, q->out, rounding);
  }
}
#endif

/* The bytes from where the loops' first round is entered, so that `rest` chunks are done, to its
 * end; less 1. */
EM_INLINE int em_quads_entry(int rest, int chunk_bytes)
{
  return (rest > 0 ? ((rest - 1) % 4 + 1) * chunk_bytes : -EM_ROUND_END_BYTES) - 1;
}

/* The block's channels at a window in fours, as far as that goes, for one pixel or two. */
EM_INLINE em_quads em_quads_of(const em_window *window, const em_block *block, int count,
                               const em_output *output, const int pixels)
{
  const int chunks = EM_CHANNEL_BYTES(window->length) / EM_CHUNK;
  const int bytes = pixels > 1 ? EM_TWO_CHUNKS_BYTES : EM_ONE_CHUNK_BYTES;
  const int skipped = chunks * EM_CHUNK - window->length;
  const int8_t *const x = window->x - skipped;
  const em_quads quads = {x,
                          x + window->pair,
                          block->weights,
                          block->channel,
                          block->shift,
                          block->out0,
                          count & ~3,
                          (int32_t)(block->out1 - block->out0),
                          chunks - 1,
                          skipped,
                          output,
                          1,
                          0,
                          0,
                          0,
                          em_quads_entry(chunks - 1, bytes)};
  return quads;
}

/* Where a channel's weights start, and how far apart its chunks are. */
EM_INLINE const int8_t *em_channel_weights(const em_block *block, int channel, int fours,
                                           int chunks, int *step)
{
  *step = channel < fours ? 4 * EM_CHUNK : EM_CHUNK;
  if (channel >= fours) return block->weights + channel * chunks * EM_CHUNK;
  return block->weights + (channel / 4 * chunks * 4 + channel % 4) * EM_CHUNK;
}

/* Channels from `first` to `count`, one by one. */
EM_PART void em_channels_alone(const em_window *windows, int pairs, const em_block *block,
                               int first, int count, const em_output *output, const int pixels,
                               const int pooled, const int rounding)
{
  const int chunks = EM_CHANNEL_BYTES(windows->length) / EM_CHUNK;
  const int skipped = chunks * EM_CHUNK - windows->length;
  for (int c = first; c < count; ++c) {
    const em_channel channel = block->channel[c];
    int step;
    const int8_t *const weights = em_channel_weights(block, c, count & ~3, chunks, &step);
    int32_t a = em_sum_channel(windows->x, weights, chunks - 1, skipped, step);
    for (int i = 0; pooled && i < 2 * pairs; ++i) {
      const em_window *const w = &windows[i / 2];
      const int32_t sum =
          em_sum_channel(w->x + (i % 2 ? w->pair : 0), weights, chunks - 1, skipped, step);
      a = sum > a ? sum : a;
    }
    block->out0[c] =
        em_finish(a + channel.bias, channel.multiplier, block->shift[c], output, rounding);
    if (pixels > 1) {
      const int32_t b =
          em_sum_channel(windows->x + windows->pair, weights, chunks - 1, skipped, step);
      block->out1[c] =
          em_finish(b + channel.bias, channel.multiplier, block->shift[c], output, rounding);
    }
  }
}

EM_INLINE void em_own_channels(const em_window *window, em_block block, int count,
                               const em_output *output, int8_t *strip, const int pixels,
                               const int rounding)
{
  const int fours = rounding != EM_ROUND_ONCE ? count & ~3 : 0;
  (void)strip;
  if (fours > 0) {
    em_quads quads = em_quads_of(window, &block, count, output, pixels);
    if (pixels > 1) {
      em_do_pairs(&quads, rounding);
    } else {
      em_do_pixels(&quads, rounding);
    }
  }
  if (fours < count)
    em_channels_alone(window, 1, &block, fours, count, output, pixels, 0, rounding);
}

/* Pairs of pixels that lie evenly, for a number of channels that fours divide. */
EM_INLINE void em_own_pairs(const em_window *window, em_block block, int count,
                            const em_output *output, int8_t *strip, int pairs, int x_step,
                            int out_step, const int rounding)
{
  (void)strip;
  em_quads quads = em_quads_of(window, &block, count, output, 2);
  quads.times = pairs;
  quads.x_step = x_step;
  quads.out_step = out_step;
  em_do_pairs(&quads, rounding);
}

enum { EM_LISTED_PAIRS = 8 }; /* as EM_POOL_PAIRS */

EM_INLINE void em_own_pooled(const em_window *windows, int pairs, em_block block, int count,
                             const em_output *output, int8_t *strip, const int rounding)
{
  const int fours = rounding != EM_ROUND_ONCE ? count & ~3 : 0;
  (void)strip;
  if (fours > 0) {
    const int8_t *list[2 * EM_LISTED_PAIRS];
    em_quads quads = em_quads_of(windows, &block, count, output, 2);
    for (int i = 0; i < pairs; ++i) {
      list[2 * i] = windows[i].x - quads.skipped;
      list[2 * i + 1] = windows[i].x + windows[i].pair - quads.skipped;
    }
    quads.list = list;
    quads.times = pairs;
    em_do_pooled(&quads, rounding);
  }
  if (fours < count)
    em_channels_alone(windows, pairs, &block, fours, count, output, 1, 1, rounding);
}

#endif
