/* em_dot_block for Cortex-M55 and M85: 16 products at a time with the vector instructions of Armv8.1-M.
 *
 * Weights are packed channel by channel, each in the window's order; blocks are of two channels. The last elements of a
 * row are done under a mask, and no byte beside them is read.
 */
#ifndef EM_DOT_MVE_H
#define EM_DOT_MVE_H

#define EM_LANES 2

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Adds a row's products. */
EM_INLINE em_sums em_add_row(em_sums s, const int8_t *x, int pair, int length, const int8_t *w0, const int8_t *w1,
                             const int pixels)
{
  for (int left = length; left > 0; left -= 16) {
    const mve_pred16_t mask = vctp8q((uint32_t)left);
    const int8x16_t u = vldrbq_z_s8(x, mask);
    const int8x16_t first = vldrbq_z_s8(w0, mask);
    const int8x16_t second = vldrbq_z_s8(w1, mask);
    s.a[0] = vmladavaq_s8(s.a[0], u, first);
    s.a[1] = vmladavaq_s8(s.a[1], u, second);
    if (pixels > 1) {
      const int8x16_t v = vldrbq_z_s8(x + pair, mask);
      s.b[0] = vmladavaq_s8(s.b[0], v, first);
      s.b[1] = vmladavaq_s8(s.b[1], v, second);
    }
    x += 16;
    w0 += 16;
    w1 += 16;
  }
  return s;
}
#else
EM_INLINE em_sums em_add_row(em_sums s, const int8_t *x, int pair, int length, const int8_t *w0, const int8_t *w1,
                             const int pixels)
{
  for (int i = 0; i < length; ++i) {
    s.a[0] += w0[i] * x[i];
    s.a[1] += w1[i] * x[i];
    if (pixels > 1) {
      s.b[0] += w0[i] * x[i + pair];
      s.b[1] += w1[i] * x[i + pair];
    }
  }
  return s;
}
#endif

EM_INLINE em_sums em_dot_window(const em_window *window, const em_block *block, const int pixels)
{
  const int elements = window->rows * window->length;
  const int8_t *weights = block->weights;
  const int8_t *x = window->x;
  em_sums s;
  s.a[0] = s.b[0] = block->channel[0].bias;
  s.a[1] = s.b[1] = block->channel[1].bias;
  for (int row = 0; row < window->rows; ++row) {
    s = em_add_row(s, x, window->pair, window->length, weights, weights + elements, pixels);
    weights += window->length;
    x += window->row_stride;
  }
  return s;
}

EM_INLINE em_sums em_dot_block(const em_window *window, const em_block *block, int pixels)
{
  return pixels > 1 ? em_dot_window(window, block, 2) : em_dot_window(window, block, 1);
}

#endif
