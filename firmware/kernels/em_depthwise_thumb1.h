/* Depthwise convolution on Cortex-M0, M0+ and M23: 3 x 3 kernels as em_three_rows_thumb1.h does
 * them; of other kernels two outputs at once, one index for activations and weights as in
 * em_dot_thumb1.h.
 */
#ifndef EM_DEPTHWISE_THUMB1_H
#define EM_DEPTHWISE_THUMB1_H

#include "em_three_rows_thumb1.h"

#define EM_THREE_ROWS em_line_layer
#define EM_DEPTHWISE_PAIRS 1

EM_INLINE int em_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return p->dilation_width == 1;
}

typedef struct {
  const int8_t *first;
} em_depthwise_weights;

EM_INLINE em_depthwise_weights em_depthwise_load(const em_depthwise_conv_2d_params *p,
                                                 const int8_t *weights)
{
  const em_depthwise_weights w = {weights};
  (void)p;
  return w;
}

/* Adds the products of element i of a row with weight i; returns i + 1. */
EM_INLINE int em_depthwise_tap(em_two_sums *s, const int8_t *x, const int8_t *second_x,
                               const int8_t *weights, int i)
{
#if EM_THUMB1
  int32_t u, w;
  __asm__(".syntax unified\n\t"
          "ldrsb %[w], [%[weights], %[i]]\n\t"
          "ldrsb %[u], [%[x], %[i]]\n\t"
          "muls %[u], %[w], %[u]\n\t"
          "add %[a], %[u]\n\t"
          "ldrsb %[u], [%[second_x], %[i]]\n\t"
          "muls %[u], %[w], %[u]\n\t"
          "add %[b], %[u]\n\t"
          "adds %[i], #1"
          : [a] "+h"(s->a), [b] "+h"(s->b), [i] "+&l"(i), [u] "=&l"(u), [w] "=&l"(w)
          : [x] "l"(x), [second_x] "l"(second_x), [weights] "l"(weights)
          : "cc", "memory");
  return i;
#else
  s->a += weights[i] * x[i];
  s->b += weights[i] * second_x[i];
  return i + 1;
#endif
}

EM_INLINE em_two_sums em_depthwise_pair(const em_depthwise_conv_2d_params *p, const int8_t *at,
                                        const em_depthwise_weights *w, int32_t bias)
{
  em_two_sums s = {bias, bias};
  EM_LOWER_REGISTER(s.a);
  EM_LOWER_REGISTER(s.b);
  const int8_t *second = at + p->stride_width;
  int i = 0;
  EM_UNROLL(8)
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) i = em_depthwise_tap(&s, at, second, w->first, i);
    /* The index goes on with the weights. */
    at += p->dilation_height * em_depthwise_pitch(p) - p->kernel_width;
    second += p->dilation_height * em_depthwise_pitch(p) - p->kernel_width;
  }
  EM_LOWER_REGISTER(s.a);
  EM_LOWER_REGISTER(s.b);
  return s;
}

#endif
