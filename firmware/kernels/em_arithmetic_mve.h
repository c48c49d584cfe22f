/* Sums and products of neighbouring elements for Cortex-M55 and M85, four at a time. */
#ifndef EM_ARITHMETIC_MVE_H
#define EM_ARITHMETIC_MVE_H

#define EM_OWN_ADD 1
#define EM_OWN_MUL 1

EM_INLINE int em_own_mul_suits(const em_arithmetic_params *p)
{
  return p->axis_3.a == 1 && p->axis_3.b == 1;
}

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
__attribute__((naked, noinline, unused)) static void em_add_lanes(
    const int8_t *a __attribute__((unused)), const int8_t *b __attribute__((unused)),
    int8_t *out __attribute__((unused)), const em_sum_lanes *lanes __attribute__((unused)))
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

EM_INLINE void em_own_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out, int32_t count)
{
  const em_sum_lanes lanes = {-p->a_zero_point * p->a_factor,
                              -p->b_zero_point * p->b_factor,
                              p->b_multiplier,
                              -p->b_shift,
                              p->b_sign,
                              p->multiplier,
                              -p->shift,
                              p->output.zero_point,
                              count,
                              p->a_factor,
                              p->b_factor,
                              p->output.minimum,
                              p->output.maximum};
  em_add_lanes(a, b, out, &lanes);
}

/* The same for products, of several rows: what em_mul_lanes loads, in this order. */
typedef struct {
  int32_t a_offset, b_offset; /* minus the zero points */
  int32_t multiplier;
  int32_t left;
  int32_t zero_point;
  int32_t count;          /* at least 1 */
  int32_t a_step, b_step; /* from behind a row's last vector to the next row */
  int32_t rows;           /* at least 1 */
  int32_t minimum, maximum;
  int32_t out_step;
} em_product_lanes;

EM_NAKED void em_mul_lanes(const int8_t *a EM_UNUSED, const int8_t *b EM_UNUSED,
                           int8_t *out EM_UNUSED, const em_product_lanes *lanes EM_UNUSED)
{
  __asm__("push {r4-r11, lr}\n\t"
          "vpush {d8-d11}\n\t"
          "ldm r3!, {r4-r12}\n\t"
          "ldr lr, [r3]\n\t"
          "vdup.32 q4, lr\n\t"
          "ldr lr, [r3, #4]\n\t"
          "vdup.32 q5, lr\n\t"
          "ldr r3, [r3, #8]\n"
          "1:\n\t"
          "dlstp.32 lr, r9\n"
          "2:\n\t"
          "vldrb.s32 q0, [r0], #4\n\t"
          "vldrb.s32 q1, [r1], #4\n\t"
          "vadd.i32 q0, q0, r4\n\t"
          "vadd.i32 q1, q1, r5\n\t"
          "vmul.i32 q0, q0, q1\n\t"
          "vqrdmulh.s32 q1, q0, r6\n\t"
          "vshr.s32 q0, q0, #31\n\t"
          "vadd.i32 q1, q1, q0\n\t"
          "vrshl.s32 q1, r7\n\t"
          "vadd.i32 q1, q1, r8\n\t"
          "vmax.s32 q1, q1, q4\n\t"
          "vmin.s32 q1, q1, q5\n\t"
          "vstrb.32 q1, [r2], #4\n\t"
          "letp lr, 2b\n\t"
          "add r0, r0, r10\n\t"
          "add r1, r1, r11\n\t"
          "add r2, r2, r3\n\t"
          "subs r12, r12, #1\n\t"
          "bne 1b\n\t"
          "vpop {d8-d11}\n\t"
          "pop {r4-r11, pc}\n\t");
}

EM_INLINE void em_own_mul(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  const int32_t count = p->axis_3.count, walked = (count + 3) / 4 * 4;
  const em_product_lanes lanes = {-p->a_zero_point,     -p->b_zero_point,
                                  p->multiplier,        -p->shift,
                                  p->output.zero_point, count,
                                  p->axis_2.a - walked, p->axis_2.b - walked,
                                  p->axis_2.count,      p->output.minimum,
                                  p->output.maximum,    count - walked};
  em_mul_lanes(a, b, out, &lanes);
}
#else
EM_INLINE void em_own_add(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out, int32_t count)
{
  for (int32_t i = 0; i < count; ++i) {
    const int32_t sum = em_combine(p, a[i] - p->a_zero_point, b[i] - p->b_zero_point, EM_ADD);
    out[i] = em_finish(sum, p->multiplier, p->shift, &p->output, EM_ROUND_FAST);
  }
}

EM_INLINE void em_own_mul(const em_arithmetic_params *p, const int8_t *a, const int8_t *b,
                          int8_t *out)
{
  for (int32_t k = 0; k < p->axis_2.count; ++k) {
    for (int32_t i = 0; i < p->axis_3.count; ++i) {
      const int32_t product = (a[i] - p->a_zero_point) * (b[i] - p->b_zero_point);
      *out++ = em_finish(product, p->multiplier, p->shift, &p->output, EM_ROUND_FAST);
    }
    a += p->axis_2.a;
    b += p->axis_2.b;
  }
}
#endif

#endif
