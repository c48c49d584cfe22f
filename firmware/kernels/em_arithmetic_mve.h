/* Sums of neighbouring elements for Cortex-M55 and M85, four at a time. */
#ifndef EM_ARITHMETIC_MVE_H
#define EM_ARITHMETIC_MVE_H

#define EM_OWN_ADD 1

#if defined(__ARM_FEATURE_MVE)
/* em_arithmetic_params as the loop wants it: it loads them in this order. */
typedef struct {
  int32_t a_offset; /* minus the zero point, times the factor */
  int32_t b_offset;
  int32_t b_multiplier;
  int32_t b_left; /* shifts to the left */
  int32_t b_sign;
  int32_t multiplier;
  int32_t left;
  int32_t zero_point;
  int32_t count; /* at least 1 */
  int32_t a_factor, b_factor, minimum, maximum;
} em_sum_lanes;

/* em_combine and em_finish of `lanes->count` elements. */
__attribute__((naked, noinline, unused)) static void em_add_lanes(const int8_t *a __attribute__((unused)),
                                                                  const int8_t *b __attribute__((unused)),
                                                                  int8_t *out __attribute__((unused)),
                                                                  const em_sum_lanes *lanes __attribute__((unused)))
{
  __asm__("push {r4-r11, lr}\n\t"
          "vpush {d8-d15}\n\t"
          "ldm r3!, {r4-r12}\n\t"
          "dlstp.32 lr, r12\n\t"
          "ldr r12, [r3]\n\t"
          "vdup.32 q4, r12\n\t"
          "ldr r12, [r3, #4]\n\t"
          "vdup.32 q5, r12\n\t"
          "ldr r12, [r3, #8]\n\t"
          "vdup.32 q6, r12\n\t"
          "ldr r12, [r3, #12]\n\t"
          "vdup.32 q7, r12\n"
          "1:\n\t"
          "vldrb.s32 q0, [r0], #4\n\t"
          "vldrb.s32 q1, [r1], #4\n\t"
          "vmlas.s32 q1, q5, r5\n\t"
          "vmlas.s32 q0, q4, r4\n\t"
          "vqrdmulh.s32 q2, q1, r6\n\t"
          "vshr.s32 q1, q1, #31\n\t"
          "vadd.i32 q2, q2, q1\n\t"
          "vrshl.s32 q2, r7\n\t"
          "vmla.s32 q0, q2, r8\n\t"
          "vqrdmulh.s32 q2, q0, r9\n\t"
          "vshr.s32 q0, q0, #31\n\t"
          "vadd.i32 q2, q2, q0\n\t"
          "vrshl.s32 q2, r10\n\t"
          "vadd.i32 q2, q2, r11\n\t"
          "vmax.s32 q2, q2, q6\n\t"
          "vmin.s32 q2, q2, q7\n\t"
          "vstrb.32 q2, [r2], #4\n\t"
          "letp lr, 1b\n\t"
          "vpop {d8-d15}\n\t"
          "pop {r4-r11, pc}\n\t");
}

EM_INLINE void em_own_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
{
  const em_sum_lanes lanes = {-p->a_zero_point * p->a_factor, -p->b_zero_point * p->b_factor, p->b_multiplier,
                              -p->b_shift, p->b_sign, p->multiplier, -p->shift, p->output.zero_point, count,
                              p->a_factor, p->b_factor, p->output.minimum, p->output.maximum};
  em_add_lanes(a, b, out, &lanes);
}
#else
EM_INLINE void em_own_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
{
  for (int32_t i = 0; i < count; ++i) {
    const int32_t sum = em_combine(p, a[i] - p->a_zero_point, b[i] - p->b_zero_point, EM_ADD);
    out[i] = em_finish(sum, p->multiplier, p->shift, &p->output, EM_ROUND_FAST);
  }
}
#endif

#endif
