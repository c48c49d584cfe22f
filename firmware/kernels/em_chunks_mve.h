/* The loops of em_sparse_chunks.h, which says how weights lie and what a job is, in the vector
 * instructions of Armv8.1-M.
 *
 * Compilers put eight sums on the stack, so that the loops are written as a whole; they are the
 * same code for all layers.
 */
#ifndef EM_CHUNKS_MVE_H
#define EM_CHUNKS_MVE_H

#if defined(__ARM_FEATURE_MVE)

/* Loads the chunk at r9, of r1 weights: offsets into q0, weights into q1, zeros behind them. */
#define EM_CHUNKS_LOAD               \
  "vctp.8 r1\n\t"                    \
  "add r3, r9, r1\n\t"               \
  "vpstt\n\t"                        \
  "vldrbt.u8 q0, [r9]\n\t"           \
  "vldrbt.u8 q1, [r3]\n\t"           \
  "add r9, r3, r1\n\t"
#define EM_CHUNKS_FOUR(a, s0, s1, s2, s3)    \
  "vldrb.u8 q2, [r1, q0]\n\t"                \
  "vldrb.u8 q3, [r3, q0]\n\t"                \
  "vmladav" a ".s8 " s0 ", q1, q2\n\t"       \
  "vldrb.u8 q2, [r5, q0]\n\t"                \
  "vmladav" a ".s8 " s1 ", q1, q3\n\t"       \
  "vldrb.u8 q3, [r7, q0]\n\t"                \
  "vmladav" a ".s8 " s2 ", q1, q2\n\t"       \
  "vmladav" a ".s8 " s3 ", q1, q3\n\t"
/* A chunk's products, with `a` added to what is there; where the windows start is at r11 - 16 and
 * after. */
#define EM_CHUNKS_SUM_4(a)           \
  "ldmdb r11, {r1, r3, r5, r7}\n\t"  \
  EM_CHUNKS_FOUR(a, "r0", "r2", "r4", "r6")
#define EM_CHUNKS_SUM_8(a)           \
  EM_CHUNKS_SUM_4(a)                 \
  "ldmia r11, {r1, r3, r5, r7}\n\t"  \
  EM_CHUNKS_FOUR(a, "r8", "r10", "r12", "lr")

#define EM_CHUNKS_SUM_7(a)           \
  EM_CHUNKS_SUM_4(a)                 \
  "ldmia r11, {r1, r3, r5}\n\t"      \
  "vldrb.u8 q2, [r1, q0]\n\t"       \
  "vldrb.u8 q3, [r3, q0]\n\t"       \
  "vmladav" a ".s8 r8, q1, q2\n\t"  \
  "vldrb.u8 q2, [r5, q0]\n\t"       \
  "vmladav" a ".s8 r10, q1, q3\n\t" \
  "vmladav" a ".s8 r12, q1, q2\n\t"

/* What comes next: the size of a chunk or, not above zero, the end. */
#define EM_CHUNKS_NEXT               \
  "ldrsb r1, [r9], #1\n\t"           \
  "cmp r1, #0\n\t"

/* All of a channel's chunks, of windows that one base is enough for. */
#define EM_CHUNKS_CHANNEL(sum)       \
  "ldrsb r1, [r9], #1\n\t"           \
  EM_CHUNKS_LOAD sum("")             \
  EM_CHUNKS_NEXT                     \
  "ble.w 3f\n"                       \
  "2:\n\t"                           \
  EM_CHUNKS_LOAD sum("a")            \
  EM_CHUNKS_NEXT                     \
  "bgt.w 2b\n"                       \
  "3:\n\t"

/* The same of any windows: r3 are where they start; r11 - 16 are copies that move on. */
#define EM_CHUNKS_ZERO(sum) "mov.w " sum ", #0\n\t"
#define EM_CHUNKS_ADVANCE(q, at)     \
  "vldrw.u32 " q ", [r11, #" at "]\n\t" \
  "vadd.i32 " q ", " q ", r3\n\t"    \
  "vstrw.32 " q ", [r11, #" at "]\n\t"
#define EM_CHUNKS_ANY_CHANNEL(sum)   \
  "vldrw.u32 q0, [r3]\n\t"           \
  "vldrw.u32 q1, [r3, #16]\n\t"      \
  "vstrw.32 q0, [r11, #-16]\n\t"     \
  "vstrw.32 q1, [r11]\n\t"           \
  EM_CHUNKS_ZERO("r0") EM_CHUNKS_ZERO("r2") EM_CHUNKS_ZERO("r4") EM_CHUNKS_ZERO("r6") \
  EM_CHUNKS_ZERO("r8") EM_CHUNKS_ZERO("r10") EM_CHUNKS_ZERO("r12") EM_CHUNKS_ZERO("lr") \
  "ldrsb r1, [r9], #1\n"             \
  "2:\n\t"                           \
  "lsls r3, r1, #25\n\t"             \
  "bpl 3f\n\t"                       \
  "bic r1, r1, #64\n\t"              \
  "ldrb r3, [r9], #1\n\t"            \
  "ldrb r5, [r9], #1\n\t"            \
  "orr r3, r3, r5, lsl #8\n\t"       \
  EM_CHUNKS_ADVANCE("q0", "-16") EM_CHUNKS_ADVANCE("q1", "0") \
  "3:\n\t"                           \
  EM_CHUNKS_LOAD sum("a")            \
  EM_CHUNKS_NEXT                     \
  "bgt.w 2b\n\t"

#define EM_CHUNKS_VECTOR(q, s0, s1, s2, s3)           \
  "vmov " q "[2], " q "[0], " s0 ", " s2 "\n\t"       \
  "vmov " q "[3], " q "[1], " s1 ", " s3 "\n\t"
#define EM_CHUNKS_VECTORS(low, high, last)            \
  EM_CHUNKS_VECTOR(low, "r0", "r2", "r4", "r6")       \
  EM_CHUNKS_VECTOR(high, "r8", "r10", "r12", last)
#define EM_CHUNKS_LEAST              \
  "vmov.i32 q4, #0x80000000\n\t"     \
  "vmov.i32 q5, #0x80000000\n"
#define EM_CHUNKS_LARGEST(last)      \
  EM_CHUNKS_VECTORS("q2", "q3", last) \
  "vmax.s32 q4, q4, q2\n\t"          \
  "vmax.s32 q5, q5, q3\n\t"

/* em_requantise rounds ties away from zero: a negative sum's by one less. Not needed where all of
 * them come to the minimum. */
#define EM_CHUNKS_TIES               \
  "vshr.s32 q2, q4, #31\n\t"         \
  "vshr.s32 q3, q5, #31\n\t"
#define EM_CHUNKS_ADD_TIES           \
  "vadd.i32 q4, q4, q2\n\t"          \
  "vadd.i32 q5, q5, q3\n\t"
/* Requantises the sums in q4 and q5 with the shift in r1 and stores the outputs; on to the next
 * channel, if there is one. */
#define EM_CHUNKS_STORE(ties, add_ties)  \
  "ldm sp, {r0, r2, r3, r5}\n\t"     \
  "ldrd r4, r6, [r0], #8\n\t"        \
  "vadd.i32 q4, q4, r4\n\t"          \
  "vadd.i32 q5, q5, r4\n\t"          \
  ties                               \
  "vqrdmulh.s32 q4, q4, r6\n\t"      \
  "vqrdmulh.s32 q5, q5, r6\n\t"      \
  add_ties                           \
  "vrshl.s32 q4, r1\n\t"             \
  "vrshl.s32 q5, r1\n\t"             \
  "vqmovnb.s32 q4, q4\n\t"           \
  "vqmovnt.s32 q4, q5\n\t"           \
  "vqadd.s16 q4, q4, r3\n\t"         \
  "vqmovnb.s16 q4, q4\n\t"           \
  "vstrb.16 q4, [r2, q6]\n\t"        \
  "adds r2, r2, #1\n\t"              \
  "strd r0, r2, [sp]\n\t"            \
  "cmp r2, r5\n\t"                   \
  "bne.w 1b\n\t"

/* From em_chunks_job at r0: on the stack its fields, q6 places, r9 stream. */
#define EM_CHUNKS_START              \
  "push {r4-r11, lr}\n\t"            \
  "vpush {d8-d13}\n\t"               \
  "vldrh.u16 q6, [r0, #28]\n\t"      \
  "ldm r0, {r1-r7}\n\t"              \
  "push {r1-r8}\n\t"                 \
  "mov r9, r5\n\t"
#define EM_CHUNKS_END                \
  "add sp, sp, #32\n\t"              \
  "vpop {d8-d13}\n\t"                \
  "pop {r4-r11, pc}"

/* Eight pixels or seven, of which one base is enough for the windows; `last` has the last one's
 * sum. */
#define EM_CHUNKS_GROUP(sum, last, ties, add_ties)  \
  EM_CHUNKS_START                    \
  "add r11, r6, #16\n"               \
  "1:\n\t"                           \
  EM_CHUNKS_CHANNEL(sum)             \
  EM_CHUNKS_VECTORS("q4", "q5", last) \
  EM_CHUNKS_STORE(ties, add_ties)    \
  EM_CHUNKS_END

#define EM_CHUNKS_LOAD_END "ldr r3, [sp, #24]\n\t"
/* The same with a pool. Where its windows' list ends is in `end`: after `load_end`, or with seven
 * pixels all along. */
#define EM_CHUNKS_GROUP_POOLED(sum, last, end, load_end, ties, add_ties)  \
  EM_CHUNKS_START                    \
  "add r6, r6, #16\n\t"              \
  "add r7, r7, #16\n\t"              \
  "strd r6, r7, [sp, #20]\n\t"       \
  "mov lr, r7\n"                     \
  "1:\n\t"                           \
  "str r9, [sp, #16]\n\t"            \
  "ldr r11, [sp, #20]\n\t"           \
  EM_CHUNKS_LEAST                    \
  "4:\n\t"                           \
  "ldr r9, [sp, #16]\n\t"            \
  EM_CHUNKS_CHANNEL(sum)             \
  EM_CHUNKS_LARGEST(last)            \
  "add r11, r11, #32\n\t"            \
  load_end                           \
  "cmp r11, " end "\n\t"             \
  "bne.w 4b\n\t"                     \
  EM_CHUNKS_STORE(ties, add_ties)    \
  EM_CHUNKS_END

/* Any windows, with a pool or without. */
#define EM_CHUNKS_ANY(sum, copy)     \
  EM_CHUNKS_START                    \
  "sub sp, sp, #32\n\t"              \
  "add r11, sp, #16\n\t"             \
  "sub sp, sp, #32\n\t"              \
  "add r3, sp, #64\n\t"              \
  "ldm r3, {r1, r2, r4, r5, r6, r7, r8}\n\t" \
  "stm sp, {r1, r2, r4, r5, r6, r7, r8}\n"   \
  "1:\n\t"                           \
  "str r9, [sp, #16]\n\t"            \
  "ldr r3, [sp, #20]\n\t"            \
  EM_CHUNKS_LEAST                    \
  "4:\n\t"                           \
  "ldr r9, [sp, #16]\n\t"            \
  "add r5, r3, #32\n\t"              \
  "str r5, [sp, #28]\n\t"            \
  EM_CHUNKS_ANY_CHANNEL(sum)         \
  EM_CHUNKS_LARGEST("lr")            \
  "ldr r3, [sp, #28]\n\t"            \
  "ldr r5, [sp, #24]\n\t"            \
  "cmp r3, r5\n\t"                   \
  "bne.w 4b\n\t"                     \
  copy                               \
  EM_CHUNKS_STORE(EM_CHUNKS_TIES, EM_CHUNKS_ADD_TIES) \
  "add sp, sp, #64\n\t"              \
  EM_CHUNKS_END

EM_NAKED void em_chunks_eight(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP(EM_CHUNKS_SUM_8, "lr", EM_CHUNKS_TIES, EM_CHUNKS_ADD_TIES));
}

EM_NAKED void em_chunks_eight_rectified(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP(EM_CHUNKS_SUM_8, "lr", "", ""));
}

EM_NAKED void em_chunks_eight_pooled(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP_POOLED(EM_CHUNKS_SUM_8, "lr", "r3", EM_CHUNKS_LOAD_END, EM_CHUNKS_TIES,
                                 EM_CHUNKS_ADD_TIES));
}

EM_NAKED void em_chunks_eight_pooled_rectified(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP_POOLED(EM_CHUNKS_SUM_8, "lr", "r3", EM_CHUNKS_LOAD_END, "", ""));
}

EM_NAKED void em_chunks_seven(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP(EM_CHUNKS_SUM_7, "r12", EM_CHUNKS_TIES, EM_CHUNKS_ADD_TIES));
}

EM_NAKED void em_chunks_seven_rectified(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP(EM_CHUNKS_SUM_7, "r12", "", ""));
}

EM_NAKED void em_chunks_seven_pooled(const em_chunks_job *job EM_UNUSED)
{
  __asm__(
      EM_CHUNKS_GROUP_POOLED(EM_CHUNKS_SUM_7, "r12", "lr", "", EM_CHUNKS_TIES, EM_CHUNKS_ADD_TIES));
}

EM_NAKED void em_chunks_seven_pooled_rectified(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_GROUP_POOLED(EM_CHUNKS_SUM_7, "r12", "lr", "", "", ""));
}

EM_NAKED void em_chunks_eight_any(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_ANY(EM_CHUNKS_SUM_8, ""));
}

/* Four pixels; the upper lanes repeat them. */
EM_NAKED void em_chunks_four_any(const em_chunks_job *job EM_UNUSED)
{
  __asm__(EM_CHUNKS_ANY(EM_CHUNKS_SUM_4, "vmov q5, q4\n\t"));
}
#endif

#endif
