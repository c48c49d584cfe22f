/* Windows of one channel for Cortex-M0, M0+ and M23: one index for elements and weights, which are
 * as far apart. */
#ifndef EM_DEPTHWISE_WINDOW_THUMB1_H
#define EM_DEPTHWISE_WINDOW_THUMB1_H

#define EM_WINDOW_CHANNELS 1

/* Adds the product of what stands at `i`; returns the next index. */
EM_INLINE int em_window_tap(int32_t *sum, const int8_t *x, const int8_t *weights, int i, int step)
{
#if EM_THUMB1
  int32_t u, w;
  __asm__(".syntax unified\n\t"
          "ldrsb %[w], [%[weights], %[i]]\n\t"
          "ldrsb %[u], [%[x], %[i]]\n\t"
          "muls %[u], %[w], %[u]\n\t"
          "adds %[sum], %[sum], %[u]\n\t"
          "add %[i], %[step]"
          : [sum] "+l"(*sum), [i] "+&l"(i), [u] "=&l"(u), [w] "=&l"(w)
          : [x] "l"(x), [weights] "l"(weights), [step] "h"(step)
          : "cc", "memory");
  return i;
#else
  *sum += weights[i] * x[i];
  return i + step;
#endif
}

EM_INLINE void em_own_window_sums(const em_depthwise_conv_2d_params *p, em_depthwise_window window,
                                  int32_t *sums)
{
  const int step = p->in_channels, row = p->dilation_height * p->in_width * step;
  int i = 0;
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *x = window.x;
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      i = em_window_tap(sums, x, window.weights, i, step);
      x += (p->dilation_width - 1) * step;
    }
    /* The index goes on with the weights. */
    window.x += row - p->kernel_width * step;
  }
}

#endif
